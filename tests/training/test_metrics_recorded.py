"""Metrics that end an evaluation with a number of their own: in events, records and afterwards."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from sklearn import metrics as sk

from compute import steps
from compute.cli.records import show_run
from compute.events import Checkpointed, EpochDone, Event, Finished, to_json
from compute.prepare import TrainOptions
from compute.results import Evaluation, evaluate_run
from compute.runs import Workspace
from compute.session import resume, train_graph
from graph.graph import Graph, Node, Wire
from graph.training import Split
from tests.support.small_graphs import DEVICES, draw, moons, op

OF_CLASSES = {
    "perplexity": op("Perplexity"),
    "precision": op("Precision"),
    "recall": op("Recall", average="macro"),
    "f1": op("F1Score", average="micro"),
    "iou": op("MeanIoU"),
    "auroc": op("AUROC"),
    "average_precision": op("AveragePrecision"),
}


def measured(**training: object) -> Graph:
    """Two moons with every metric of classes."""
    drawn = moons(dropout=0.3, **training)
    for number, (name, metric) in enumerate(OF_CLASSES.items()):
        drawn.set_node(Node(name, metric))
        drawn.add_wire(Wire("top", "y", name, "prediction", 50 + number))
        drawn.add_wire(Wire("data", "target", name, "target", 70 + number))
    return drawn


def numbers(**training: object) -> Graph:
    """A line through points of two features, with the metrics of numbers."""
    nodes = {
        "data": op("ToyData", shape="regression", samples_count=60),
        "top": op("Dense", units=1),
        "loss": op("MeanSquaredError"),
        "rmse": op("RootMeanSquareError"),
        "r2": op("R2Score"),
        "adam": op("Adam", learning_rate=0.05),
    }
    wires = "data.features>top.x loss.loss>adam.loss" + "".join(
        f" top.y>{end}.prediction data.target>{end}.target" for end in ("loss", "rmse", "r2")
    )
    return draw(nodes, wires, moons(**training).training)


def options(folder: Path, device: str = "reference") -> TrainOptions:
    """Training in `folder`, saving after every block."""
    return TrainOptions(
        device,  # type: ignore[arg-type]
        1,
        workspace=folder / "w",
        folder=folder,
        name="run",
        checkpoint_seconds=0.0,
    )


def trained(folder: Path, drawn: Graph, device: str) -> tuple[list[Event], Evaluation]:
    """The events of a run, and its evaluation afterwards."""
    events = list(train_graph(drawn, options(folder, device)))
    return events, evaluate_run("last", options(folder, device))


@pytest.mark.parametrize("device", DEVICES)
def test_runs_record_metrics_of_classes(tmp_path: Path, device: str) -> None:
    """Each epoch's under Keras's names; of the last, scikit-learn's of the outputs."""
    events, found = trained(tmp_path, measured(precision="float64"), device)
    epochs = [dict(event.metrics) for event in events if isinstance(event, EpochDone)]
    names = {f"val_{name}" for name in OF_CLASSES}
    assert all(names < set(epoch) for epoch in epochs)
    assert len({json.dumps(epoch) for epoch in epochs}) == 3
    workspace = Workspace(tmp_path / "w")
    assert workspace.metrics("run-1") == dict(enumerate(epochs, 1))
    held_out = {k: v for k, v in workspace.get("last").metrics.items() if k.startswith("val_")}
    assert found.metrics == held_out
    outputs, targets = found.arrays["outputs"], found.arrays["targets"]
    answers, yes = outputs.argmax(1), outputs[:, 1] - outputs[:, 0]
    expected = {
        "val_perplexity": math.exp(found.metrics["val_loss"]),
        "val_precision": sk.precision_score(targets, answers),
        "val_recall": sk.recall_score(targets, answers, average="macro"),
        "val_f1": sk.f1_score(targets, answers, average="micro"),
        "val_iou": sk.jaccard_score(targets, answers, average="macro"),
        "val_auroc": sk.roc_auc_score(targets, yes),
        "val_average_precision": sk.average_precision_score(targets, yes),
    }
    assert {n: found.metrics[n] for n in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_runs_record_metrics_of_numbers(tmp_path: Path, device: str) -> None:
    """RMSE and R² of the held-out samples and of those for a test."""
    drawn = numbers(precision="float64", split=Split(0.3, 0.2))
    events, found = trained(tmp_path, drawn, device)
    outputs, targets = found.arrays["outputs"].ravel(), found.arrays["targets"].ravel()
    assert found.metrics["val_rmse"] == pytest.approx(sk.root_mean_squared_error(targets, outputs))
    assert found.metrics["val_r2"] == pytest.approx(sk.r2_score(targets, outputs))
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.metrics["test_rmse"] ** 2 == pytest.approx(last.metrics["test_loss"])
    assert last.metrics["test_r2"] < 1


def test_metrics_of_a_resumed_run_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left within an epoch and gone on with, every epoch has the numbers of a whole run."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    list(train_graph(measured(), options(tmp_path)))
    events = train_graph(measured(), options(tmp_path))
    for event in events:
        if isinstance(event, Checkpointed) and event.step == 14:
            events.close()
    list(resume("run-2", options(tmp_path)))
    workspace = Workspace(tmp_path / "w")
    assert workspace.metrics("run-1") == workspace.metrics("run-2")


def test_a_metric_that_is_no_number_is_kept_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AUROC of one sample is NaN: null in JSON, NaN in the record, and the run can be shown."""
    drawn = measured(split=Split(1 / 120, stratified=False))
    events, found = trained(tmp_path, drawn, "reference")
    assert math.isnan(found.metrics["val_auroc"])
    epochs = [to_json(event)["metrics"] for event in events if isinstance(event, EpochDone)]
    assert [epoch["val_auroc"] for epoch in epochs] == [None] * 3  # type: ignore[index]
    history = Workspace(tmp_path / "w").metrics("run-1")
    assert all(math.isnan(epoch["val_auroc"]) for epoch in history.values())
    show_run("last", tmp_path / "w", json=True)
    assert json.loads(capsys.readouterr().out)["history"][0]["val_auroc"] is None
    show_run("last", tmp_path / "w", json=False)
    assert "nan" in capsys.readouterr().out
