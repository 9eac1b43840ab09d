"""Exported files stop early when a run does, and end with its weights."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from compute import checkpoint
from compute.events import Finished
from compute.prepare import TrainOptions
from compute.results import Trained, weights
from compute.runs import Workspace
from compute.session import train_graph
from graph.export import Options, Target, export
from graph.export.symbolic import ExportError
from graph.files import loads
from graph.graph import Graph, Node, Wire
from graph.op import Op
from graph.training import Split, Stopping
from tests.export.test_exported_numbers import TARGETS
from tests.support.small_graphs import moons, op

RULES = {
    "patience": Stopping(2, min_delta=10.0),
    "best": Stopping(2, mode="max", restore_best=True),  # the first epoch
    "best of all": Stopping(0, mode="max", restore_best=True),
    "of the training": Stopping(2, min_delta=10.0, restore_best=True),
    "accuracy": Stopping(1, monitor="accuracy", mode="max", min_delta=1.0, restore_best=True),
}


def drawn(rule: Stopping, ema_decay: float = 0.0, **training: Any) -> Graph:
    """Moons whose loss falls, in float64."""
    graph = moons(epochs=5, precision="float64", stopping=rule, **training)
    adam = op("Adam", learning_rate=0.02, ema_decay=ema_decay)
    graph.set_node(replace(graph.node("adam"), op=adam))
    return graph


def module_of(graph: Graph, target: Target, folder: Path) -> ModuleType:
    """The exported file, loaded."""
    file = folder / "model.py"
    file.write_text(export(graph, target, Options("model", {})), "utf-8")
    spec = importlib.util.spec_from_file_location("exported", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(module: ModuleType, target: Target) -> tuple[int, dict[str, np.ndarray]]:
    """Epochs, and the weights at the end by ParamKey."""
    data = module.load_data()
    rows = module.split(data)[0]
    if target == "numpy":
        params = module.initial_params()
        return len(list(module.train(params, data, rows))), params
    model = module.initial_model()
    epochs = len(list(module.train(model, data, rows)))
    return epochs, {k.replace(".", "/"): v.numpy() for k, v in model.state_dict().items()}


BARE = Split(validation=0.0)


def two_losses(rule: Stopping, split: Split, every: tuple[int, ...]) -> Graph:
    """Two heads, pulled by one optimizer or by one each, which rest between their steps."""
    graph = drawn(rule, split=split, batch_size=50)
    draw_into(graph, {"side": op("Dense", units=2), "other": op("CrossEntropy")})
    wires = "data.features>side.x side.y>other.prediction data.target>other.target"
    graph.set_node(replace(graph.node("adam"), op=op("Adam", every=every[0])))
    if len(every) == 1:
        wires += " other.loss>adam.loss"
    else:
        sgd = op("SGD", learning_rate=0.3, every=every[1], order=1)
        draw_into(graph, {"sgd": sgd})
        wires += " other.loss>sgd.loss"
    for number, text in enumerate(wires.split()):
        source, target = text.split(">")
        graph.add_wire(Wire(*source.split("."), *target.split("."), number))
    return graph


def draw_into(graph: Graph, nodes: dict[str, Op]) -> None:
    """Put more nodes into a graph."""
    for id, node in nodes.items():
        graph.set_node(Node(id, node))


def keeps(monitor: str, patience: int = 2, min_delta: float = 10.0, mode: Any = "min") -> Stopping:
    """A rule that also ends with the best weights."""
    return Stopping(patience, monitor, mode, min_delta, restore_best=True)


def followed(rest: int) -> Graph:
    """A learning rate that falls with a score that not each epoch has."""
    graph = two_losses(Stopping(), BARE, (1, rest))
    rate = op("PlateauSchedule", monitor="sgd_loss", patience=0, threshold=0.5)
    draw_into(graph, {"rate": rate})
    graph.add_wire(Wire("rate", "rate", "sgd", "schedule"))
    return graph


SCORES = {
    "a name as it is recorded": drawn(keeps("val_loss")),
    "a phase that rests": two_losses(keeps("loss"), BARE, (2,)),
    "phases that rest": two_losses(keeps("loss", min_delta=0.02), BARE, (2, 3)),
    "one of two phases": two_losses(keeps("sgd_loss", min_delta=0.05), BARE, (1, 1)),
    "one of two phases, held out": two_losses(keeps("adam_loss", 1), Split(0.25), (1, 2)),
    # 3 steps an epoch: there is none in the second and third, then one again
    "one that is not always there": two_losses(keeps("sgd_loss", 1, 1.0), BARE, (1, 7)),
    "one that ends without": two_losses(keeps("sgd_loss", 0, 0.0), BARE, (1, 12)),
    "one that a schedule follows": followed(2),
    "one that it cannot always follow": followed(5),
    "one of two losses": two_losses(keeps("other_loss", mode="max"), BARE, (1,)),
    "one of two losses, held out": two_losses(keeps("other_loss"), Split(0.25), (1,)),
    "one of two losses that rest": two_losses(keeps("other_loss"), BARE, (4,)),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SCORES)
def test_a_file_stops_by_what_a_run_stops_by(
    name: str, target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Losses of single nodes and phases, of the training and held out, there in all epochs or not:
    each has its say."""
    ends_alike(SCORES[name], target, tmp_path, capsys)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
@pytest.mark.parametrize("name", RULES)
def test_a_file_ends_as_the_run_does(
    name: str, ema_decay: float, target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After as many epochs, with the same words and weights."""
    split = {"split": BARE} if name == "of the training" else {}
    ends_alike(drawn(RULES[name], ema_decay, batch_size=50, **split), target, tmp_path, capsys)


def ends_alike(
    graph: Graph, target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Compare a run and the exported file."""
    *_, last = train_graph(graph, TrainOptions("reference", workspace=tmp_path, folder=tmp_path))
    assert isinstance(last, Finished)
    record = Workspace(tmp_path).get("last")
    saved = checkpoint.newest(Workspace(tmp_path).run_folder(record.id))
    expected = weights(Trained(record, loads(saved.graph), saved))
    epochs, found = trained(module_of(graph, target, tmp_path), target)
    assert epochs == record.epochs
    said = capsys.readouterr().out.strip()
    stopped = graph.training.stopping.patience and last.reason.startswith("stopped")
    assert said == (last.reason.partition(";")[0] if stopped else "")
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-11, err_msg=key)


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
def test_what_cannot_be_followed_is_refused(target: Target) -> None:
    """Files know the scores that runs have."""
    with pytest.raises(ExportError, match="found 'f1' to stop early by, expected one of loss"):
        export(drawn(Stopping(3, monitor="f1")), target)
    with pytest.raises(ExportError, match="expected one of loss of training samples; hold out"):
        export(drawn(Stopping(3, monitor="accuracy"), split=BARE), target)
    several = two_losses(Stopping(3, monitor="mae"), BARE, (1, 2))
    with pytest.raises(ExportError, match="expected one of loss, adam_loss, sgd_loss of training"):
        export(several, target)
