"""Metrics of exported files: `evaluate` and the script give the numbers of a run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from compute.events import EpochDone
from compute.prepare import TrainOptions
from compute.results import evaluate_run, open_run, weights
from compute.session import train_graph
from graph.export import ExportError, Target, export
from graph.files import load
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.ops.metric import Perplexity
from graph.scores import output_names
from tests.export.golden_files import EXAMPLES
from tests.export.test_exported_numbers import TARGETS
from tests.nodes.harness import load_source
from tests.support.small_graphs import draw, moons, op
from tests.training.test_metrics_recorded import measured, numbers


def one_output(**training: object) -> Graph:
    """Two moons told apart by one score, with every metric that takes one, some of them twice."""
    drawn = moons(**training)
    drawn.set_node(Node("top", op("Dense", units=1)))
    drawn.set_node(Node("loss", op("BinaryCrossEntropy")))
    metrics = {
        "precision": op("Precision", threshold=0.3),
        "recall": op("Recall"),
        "f1": op("F1Score"),
        "class score": op("F1Score", average="macro"),  # named as the function of the file
        "auroc": op("AUROC"),
        "ap": op("AveragePrecision"),
        "iou": op("MeanIoU"),
    }
    for number, (name, metric) in enumerate(metrics.items()):
        id = name.replace(" ", "_")
        drawn.set_node(Node(id, metric, name=name))
        drawn.add_wire(Wire("top", "y", id, "prediction", 50 + number))
        drawn.add_wire(Wire("data", "target", id, "target", 70 + number))
    return drawn


def digits(**training: object) -> Graph:
    """Ten classes by one dense layer."""
    nodes = {
        "data": op("Digits"),
        "flat": op("Flatten"),
        "top": op("Dense", units=10),
        "loss": op("CrossEntropy"),
        "f1": op("F1Score"),
        "iou": op("MeanIoU"),
        "adam": op("Adam"),
    }
    wires = "data.image>flat.x flat.y>top.x loss.loss>adam.loss" + "".join(
        f" top.y>{end}.prediction data.label>{end}.target" for end in ("loss", "f1", "iou")
    )
    return draw(nodes, wires, moons(**training).training)


DRAWN = {"two": measured, "numbers": numbers, "one": one_output, "ten": digits}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", DRAWN)
def test_evaluate_gives_the_metrics_of_a_run(name: str, target: Target, tmp_path: Path) -> None:
    """With a run's weights, on its held-out samples, to 1e-9."""
    drawn = DRAWN[name](epochs=2, precision="float64")
    options = TrainOptions("reference", 1, workspace=tmp_path / "w", folder=tmp_path, name="run")
    list(train_graph(drawn, options))
    expected = evaluate_run("last", options).metrics
    save_file(weights(open_run("last", options)), tmp_path / "exported.safetensors")
    module = load_source(export(drawn, target), tmp_path, "exported")
    data, model = module.load_data(), module.load_model()
    _, chosen, _ = module.split(data)
    if target == "numpy":
        found = module.evaluate(model, {key: column[chosen] for key, column in data.items()})
    else:
        found = module.evaluate(model, data, chosen)
    assert {f"val_{key}": value for key, value in found.items()} == pytest.approx(
        dict(expected), rel=1e-9
    )
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["numbers", "one", "ten"])
def test_script_prints_the_metrics_of_each_epoch(name: str, target: Target, tmp_path: Path) -> None:
    """Run alone, without a warning; in four decimals."""
    drawn = DRAWN[name](epochs=2, precision="float64", batch_size=90)
    options = TrainOptions("reference", 1, workspace=tmp_path / "w", folder=tmp_path, name="run")
    done = [e.metrics for e in train_graph(drawn, options) if isinstance(e, EpochDone)]
    file = tmp_path / "exported.py"
    file.write_text(export(drawn, target), "utf-8")
    lines = run(["-I", "-W", "error", str(file)]).splitlines()
    printed = [dict(re.findall(r"(\w+) (-?[\d.]+)", line)) for line in lines]
    assert [epoch.pop("epoch") for epoch in printed] == ["1", "2"]
    for found, expected in zip(printed, done, strict=True):
        assert {n: float(v) for n, v in found.items()} == pytest.approx(dict(expected), abs=5.1e-5)
    run(["-m", "ruff", "check", "--isolated", "--select", "E,F", "--line-length", "100", str(file)])


def run(arguments: list[str]) -> str:
    """What Python prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_metric_without_text_is_refused(target: Target) -> None:
    """What stands in no file cannot be written into one; the message says what to do."""

    class Doubled(Perplexity, register=False):
        """A metric whose end is no def."""

        finish = staticmethod(lambda mean: 2 * mean)

    drawn = measured()
    drawn.set_node(Node("perplexity", Doubled()))
    with pytest.raises(ExportError, match=r"doubled: found no text of the function .* write one"):
        export(drawn, target)


@pytest.mark.parametrize("target", TARGETS)
def test_several_of_a_kind_have_the_names_of_the_record(target: Target) -> None:
    graph = load(EXAMPLES / "optimizers-race.loom")
    model = Model(graph)
    recorded = output_names(model, [name for name, _ in model.program("evaluate", 3).outputs])
    text = export(graph, target)
    names = [name for output, name in recorded.items() if output.startswith("metric/")]
    assert names == ["accuracy_adam", "accuracy_momentum", "accuracy_rmsprop", "accuracy_sgd"]
    assert all(f'"{name}": ' in text for name in names)
