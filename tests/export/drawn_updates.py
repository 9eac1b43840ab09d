"""More drawings: optimizers that limit, average, accumulate, hold weights or follow scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graph.graph import Graph, Node, Wire
from graph.training import Stopping
from tests.export.drawings import started, trained_by, two_phases
from tests.support.small_graphs import op


def limited() -> Graph:
    """Two optimizers that limit gradients: one what it trains, one everything."""
    drawn = two_phases()
    both = op("Adam", learning_rate=0.01, trains=("framed", "a"), clip_norm=0.1, clip_value=0.05)
    drawn.set_node(replace(drawn.node("adam"), op=both))
    drawn.set_node(replace(drawn.node("sgd"), op=op("SGD", every=2, order=1, clip_norm=0.05)))
    return drawn


def averaged() -> Graph:
    """Two optimizers that keep running means of what they train."""
    drawn = two_phases()
    both = op("Adam", learning_rate=0.01, trains=("framed", "a"), ema_decay=0.9)
    drawn.set_node(replace(drawn.node("adam"), op=both))
    drawn.set_node(replace(drawn.node("sgd"), op=op("SGD", every=2, order=1, ema_decay=0.5)))
    return drawn


def value_limited() -> Graph:
    """Momentum over gradients whose numbers are limited."""
    drawn = trained_by("SGD", "CosineSchedule")
    held = op("SGD", learning_rate=0.1, momentum=0.9, clip_value=0.02)
    drawn.set_node(replace(drawn.node("adam"), op=held))
    return drawn


def accumulated(**settings: Any) -> Graph:
    """Momentum over the mean gradient of three batches, under a schedule that counts updates."""
    drawn = trained_by("SGD", "CosineSchedule")
    held = op("SGD", learning_rate=0.1, momentum=0.9, accumulate=3, **settings)
    drawn.set_node(replace(drawn.node("adam"), op=held))
    return drawn


def accumulated_beside() -> Graph:
    """Two phases on one body: each accumulates over steps of its own, one of them every second."""
    drawn = two_phases()
    both = op("Adam", learning_rate=0.01, accumulate=3, clip_norm=0.1, ema_decay=0.9)
    drawn.set_node(replace(drawn.node("adam"), op=both))
    drawn.set_node(Node("stop", op("Tanh")))  # both train the body
    other = op("SGD", momentum=0.9, every=2, order=1, accumulate=2, clip_value=0.02)
    drawn.set_node(replace(drawn.node("sgd"), op=other))
    return drawn


def accumulated_by_one() -> Graph:
    """Two optimizers of one loss; one updates after every step, one after each three."""
    drawn = two_phases()
    drawn.set_node(Node("other", op("CrossEntropy")))
    drawn.set_node(Node("adam", op("Adam", learning_rate=0.01, trains=("framed",), accumulate=3)))
    drawn.set_node(Node("sgd", op("SGD", trains=("a", "b"), momentum=0.5)))
    for wire in drawn.wires_in("sgd", "loss"):
        drawn.drop_wire(wire)
    drawn.add_wire(Wire("loss", "loss", "sgd", "loss"))
    return drawn


def held() -> Graph:
    """Weights of a matrix and of a window that are held to a length; a mean of them is kept."""
    drawn = started("glorot_uniform")
    for id, limit in (("wide", 0.4), ("conv", 0.3), ("high", 0.4)):
        node = drawn.node(id)
        drawn.set_node(replace(node, op=replace(node.op, max_norm=limit)))
    adam = op("Adam", learning_rate=0.02, ema_decay=0.9, clip_norm=0.5)
    drawn.set_node(replace(drawn.node("adam"), op=adam))
    return drawn


def on_plateaus() -> Graph:
    """Two optimizers whose schedules follow the loss and a metric and drop at once."""
    drawn = averaged()
    drawn.set_node(Node("accuracy", op("Accuracy")))
    for wire in ("a.y>accuracy.prediction", "data.target>accuracy.target"):
        (source, output), (target, port) = (end.split(".") for end in wire.split(">"))
        drawn.add_wire(Wire(source, output, target, port))
    plain = {"patience": 0, "threshold": 0.5}
    drawn.set_node(Node("cosine", op("PlateauSchedule", cooldown=1, factor=0.3, **plain)))
    other = op("PlateauSchedule", mode="max", monitor="accuracy", floor=0.2, **plain)
    drawn.set_node(Node("step", other))
    return drawn


def stopped(**settings: Any) -> Graph:
    """Two optimizers that keep running means, stopped in the middle of what is compared."""
    drawn = on_plateaus()
    drawn.training = replace(drawn.training, stopping=Stopping(**settings))
    return drawn


UPDATES: dict[str, Graph] = {
    "accumulated": accumulated(),
    "accumulated_limited": accumulated(clip_norm=0.05, clip_value=0.03, ema_decay=0.9),
    "accumulated_beside": accumulated_beside(),
    "accumulated_by_one": accumulated_by_one(),
    "averaged": averaged(),
    "held": held(),
    "limited": limited(),
    "on_plateaus": on_plateaus(),
    "stopped": stopped(patience=2, min_delta=10.0),
    "stopped_score": stopped(patience=1, mode="max", monitor="accuracy", restore_best=True),
    "value_limited": value_limited(),
}
