"""Exported files as people meet them: how they read and run, what they say when they cannot."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compute.control import Control
from compute.data import Folder
from compute.events import EpochDone
from compute.prepare import TrainOptions, load_graph, make_job, make_plan, silent
from compute.train import train
from graph.export import ExportError, Options, Target, export
from graph.graph import Graph, Node, Wire
from graph.lower import LowerError
from graph.op import Op
from graph.tensor import Tensor
from tests.export.drawings import BY_HAND, EXACT, plain, random_graphs
from tests.export.drawn_updates import UPDATES
from tests.export.golden_files import PAIRS, exported, golden
from tests.export.test_exported_numbers import TARGETS
from tests.support.small_graphs import draw, moons, op

BOTH: list[Target] = ["numpy", "pytorch"]


@pytest.mark.parametrize(("name", "target"), PAIRS)
def test_examples_read_as_they_shall(name: str, target: Target) -> None:
    """The text is the golden one; `tests/export/golden_files.py` says how to write it anew."""
    assert exported(name, target) == golden(name, target).read_text("utf-8")


@pytest.mark.parametrize("target", BOTH)
def test_exporting_twice_gives_the_same_text(target: Target) -> None:
    """No order of a set, no address, no clock in the text."""
    for graph in (BY_HAND | UPDATES).values():
        assert export(graph, target) == export(graph, target)


def test_generated_code_is_clean(tmp_path: Path) -> None:
    """ruff finds no error, no unused or missing name and no long line."""
    graphs = {
        **BY_HAND,
        **UPDATES,
        **{f"g{k}": g for k, g in enumerate(random_graphs(40, dropout=True))},
    }
    for name, graph in graphs.items():
        for target in BOTH:
            text = export(graph, target, Options(name))
            (tmp_path / f"{name}_{target}.py").write_text(text, "utf-8")
    command = ["ruff", "check", "--isolated", "--select", "E,F", "--line-length", "100"]
    done = subprocess.run(
        [sys.executable, "-m", *command, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


# what the optimizer of a run does besides stepping
SCRIPTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full batch": {"all": True},
    "mean": {"ema_decay": 0.9},
    "plateau": {"schedule": op("PlateauSchedule", patience=0, threshold=0.5), "ema_decay": 0.5},
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", SCRIPTS)
def test_script_prints_the_metrics_of_a_run(case: str, target: Target, tmp_path: Path) -> None:
    """`python model.py` trains from the same weights on the same batches as the engine."""
    graph = moons(epochs=3, batch_size=9, precision="float64")
    settings = dict(SCRIPTS[case])
    if settings.pop("all", False):
        graph.training = replace(graph.training, batch_size=0)
    if schedule := settings.pop("schedule", None):
        graph.set_node(Node("schedule", schedule))
        graph.add_wire(Wire("schedule", "rate", "adam", "schedule"))
    changed = replace(graph.node("adam").op, learning_rate=0.05, **settings)
    graph.set_node(replace(graph.node("adam"), op=changed))
    file = tmp_path / "model.py"
    file.write_text(export(graph, target), "utf-8")
    command = [sys.executable, "-I", "-W", "error", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = [[float(n) for n in re.findall(r"\d+\.\d+", x)] for x in done.stdout.splitlines()]
    np.testing.assert_allclose(printed, metrics(graph), rtol=0, atol=5.1e-5)


def metrics(graph: Graph) -> list[list[float]]:
    """loss, val_loss and val_accuracy of each epoch of a run on the reference back end."""
    loaded = load_graph(graph, Folder(Path()))
    job = make_job(loaded, make_plan(loaded, TrainOptions(device="reference"), silent))
    found = [event.metrics for event in train(job, Control()) if isinstance(event, EpochDone)]
    return [[each[name] for name in ("loss", "val_loss", "val_accuracy")] for each in found]


def test_model_without_data_predicts_only() -> None:
    """A drawing without an optimizer gives the model and nothing that trains."""
    nodes = {"in": op("Input", shape=(3,)), "d": op("Dense", units=2), "out": op("Output")}
    drawn = draw(nodes, "in.y>d.x d.y>out.x")
    for target, absent in (("numpy", "def train"), ("pytorch", "import numpy")):
        code = export(drawn, target)  # type: ignore[arg-type]
        assert "def load_model" in code
        assert absent not in code


def test_missing_safetensors_is_said(tmp_path: Path) -> None:
    """Without the package `load_model` says what to install."""
    pytest.importorskip("torch")
    (tmp_path / "model.py").write_text(export(moons(), "pytorch"), "utf-8")
    (tmp_path / "safetensors.py").write_text("raise ImportError", "utf-8")
    code = "import model; model.load_model()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "load_model needs safetensors: pip install safetensors" in done.stderr


@pytest.mark.parametrize("target", BOTH)
def test_graphs_that_cannot_be_exported_say_why(target: Target) -> None:
    """Found, expected, remedy; never a traceback from inside."""
    with pytest.raises(LowerError, match="no output; add a loss"):
        export(draw({"data": op("ToyData")}, ""), target)
    nodes = {"data": op("Digits"), "d": op("Dense"), "out": op("Output")}
    with pytest.raises(LowerError, match="expected a vector a sample; put a Flatten"):
        export(draw(nodes, "data.image>d.x d.y>out.x"), target)


def test_unknown_target_is_refused() -> None:
    """The message names the targets there are."""
    with pytest.raises(ValueError, match="found target 'cobol', expected pytorch or numpy"):
        export(moons(), "cobol")  # type: ignore[arg-type]


def test_row_without_pytorch_text_is_refused() -> None:
    """A node of one's own that needs a row PyTorch has no text for is named."""

    class Second(Op, register=False):
        """The gradient of a pooling, as a layer."""

        def build(self, x: Tensor) -> Tensor:
            window = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0)}
            y = x.builder.emit("max_pool2d", (x,), **window)[0]
            return x.builder.emit("max_pool2d_scatter", (x, y, y), **window)[0]

    nodes = plain() | {"data": op("Digits"), "second": Second(), "flat": op("Flatten")}
    nodes["d"] = op("Dense", units=10)
    wires = """data.image>second.x second.y>flat.x flat.y>d.x d.y>loss.prediction
        data.label>loss.target loss.loss>adam.loss"""
    drawn = draw(nodes, wires, replace(EXACT, epochs=1))
    compile(export(drawn, "numpy"), "exported", "exec")
    with pytest.raises(ExportError, match="Second: found row max_pool2d_scatter"):
        export(drawn, "pytorch")
