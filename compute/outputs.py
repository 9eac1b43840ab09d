"""What a model's outputs mean: scores of classes, or numbers in the units of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from compute.backend import Array, Plan
from compute.batches import in_order
from compute.data import Scaling
from compute.evaluate import host_scalars
from graph.graph import Graph, Node
from graph.lower import Model
from graph.ops.loss import Loss, Reads

Kind = Literal["softmax", "sigmoid", "numbers"]


@dataclass(frozen=True)
class Meaning:
    """How to read one output: what it is to its loss, and the target it is trained towards."""

    reads: Reads
    target: str = ""  # batch key `node.port`, "" when it is wired to no loss

    @property
    def kind(self) -> Kind:
        """One class of several, yes or no, or numbers."""
        match self.reads:
            case "softmax" | "probabilities":
                return "softmax"
            case "sigmoid" | "probability":
                return "sigmoid"
        return "numbers"


@dataclass(frozen=True)
class Reading:
    """An output as people want it: probabilities and class numbers, or numbers in data units."""

    name: str
    raw: Array
    values: Array
    classes: Array | None = None
    class_names: tuple[str, ...] = ()

    @property
    def last(self) -> Reading:
        """Of classes at each place of a sequence or map those of the last place: what comes next
        in a text. Else as it is.
        """
        places = self.values.shape[1:-1]
        if self.classes is None or not places or self.classes.shape[1:] != places:
            return self
        values = self.values.reshape(len(self.values), -1, self.values.shape[-1])[:, -1]
        return replace(self, values=values, classes=values.argmax(-1))


def run_model(
    model: Model,
    plan: Plan,
    data: Mapping[str, Array],
    samples: Array,
    batch: int,
    live: Mapping[str, float],
) -> dict[str, Array]:
    """The model's outputs for `samples` of `data` by name, in order, N×…."""
    parts: dict[str, list[Array]] = {}
    for block in in_order(samples, batch):
        for index in block:
            given = plan.run("predict", data, index[None], host_scalars(live, 0, 1))
            for name, array in given.arrays.items():
                parts.setdefault(name.removeprefix("outputs/"), []).append(array)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def input_keys(model: Model) -> list[str]:
    """Batch keys `node.port` that a prediction reads, in the order of the program."""
    program = model.program("predict", 1)
    return [given.key for given in program.inputs if given.kind == "batch"]


def target_keys(model: Model) -> list[str]:
    """Batch keys that are wired straight to the losses' targets."""
    found = (_target(model.graph, node) for node in model.graph if node.op.role == "loss")
    return list(dict.fromkeys(key for key in found if key))


def meanings(model: Model) -> dict[str, Meaning]:
    """What each output of the prediction program means, by the loss that trains it."""
    graph = model.graph
    by_source: dict[tuple[str, str], Meaning] = {}
    by_loss: dict[str, Meaning] = {}
    losses = [node for node in graph if node.op.role == "loss"]
    if len(losses) > 1:
        losses = [node for node in graph.ordered() if node.op.role == "loss"]
    for node in losses:
        reads = node.op.reading() if isinstance(node.op, Loss) else "numbers"
        for wire in graph.wires_in(node.id, node.op.ports_in()[0].name):
            by_loss[node.id] = Meaning(reads, _target(graph, node))
            by_source.setdefault((wire.source, wire.output), by_loss[node.id])
    explicit: dict[str, Meaning] = {}
    for node in graph:
        for wire in graph.wires_in(node.id) if node.op.role == "output" else ():
            known = by_source.get((wire.source, wire.output), Meaning("numbers"))
            explicit[node.id] = known
    if explicit:
        return explicit
    return {"prediction": next(iter(by_loss.values()))} if len(by_loss) == 1 else by_loss


def _target(graph: Graph, loss: Node) -> str:
    for wire in graph.wires_in(loss.id, "target"):
        if graph.node(wire.source).op.role == "data":
            return f"{wire.source}.{wire.output}"
    return ""


def read_output(
    name: str,
    raw: Array,
    meaning: Meaning,
    scaling: Mapping[str, Scaling],
    classes: Mapping[str, tuple[str, ...]],
) -> Reading:
    """Probabilities and classes of scores; numbers back in the units of the target column."""
    names = classes.get(meaning.target.rpartition(".")[0], ())
    scores = raw.astype(np.float64)
    if meaning.kind == "softmax":
        scores = np.moveaxis(scores, 1, -1)  # of sequences and maps, classes are axis 1
        shares = scores if meaning.reads == "probabilities" else _softmax(scores)
        return Reading(name, raw, shares, scores.argmax(-1), names)
    if meaning.reads == "probability":
        return Reading(name, raw, scores, (scores > 0.5).astype(np.int64), names)
    if meaning.reads == "sigmoid":
        values = 0.5 * (1 + np.tanh(0.5 * scores))
        return Reading(name, raw, values, (scores > 0).astype(np.int64), names)
    if meaning.target in scaling:
        return Reading(name, raw, scaling[meaning.target].undo(scores))
    return Reading(name, raw, scores)


def _softmax(scores: Array) -> Array:
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    made: Array = shifted / shifted.sum(-1, keepdims=True)
    return made
