"""An example trained again gives the same numbers to the last digit, whatever runs beside it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint
from compute.control import Control
from compute.events import EpochDone, Tapped
from compute.prepare import TrainOptions
from compute.runs import Workspace
from compute.session import train_graph
from graph.files import load
from tests.support.small_graphs import DEVICES

EXAMPLES = Path(__file__).resolve().parents[2] / "resources" / "examples"


def numbers(
    folder: Path, name: str, device: str, threads: int, watch: bool = False
) -> tuple[list[object], dict[str, np.ndarray]]:
    """Metrics of two epochs with seed 7, and all arrays at the end."""
    graph = load(EXAMPLES / f"{name}.loom")
    control = Control()
    if watch:
        found = {f"value:{node.id}.{p.name}" for node in graph for p in graph.ports_out(node.id)}
        weights = {f"gradient:{node.id}/weight" for node in graph if node.op.role == "layer"}
        control.watch(frozenset(found | weights))
    options = TrainOptions(
        device,  # type: ignore[arg-type]
        threads,
        epochs=2,
        seed=7,
        workspace=folder / "w",
        folder=EXAMPLES,
        name=name,
    )
    events = list(train_graph(graph, options, control))
    assert watch == any(isinstance(event, Tapped) for event in events)
    workspace = Workspace(folder / "w")
    arrays = checkpoint.newest(workspace.run_folder(workspace.get("last").id)).arrays
    return [event.metrics for event in events if isinstance(event, EpochDone)], dict(arrays)


@contextmanager
def busy() -> Iterator[None]:
    """Another process that keeps a core busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn", "table-regression"])
def test_numbers_repeat_to_the_last_digit(tmp_path: Path, device: str, name: str) -> None:
    """With one, two and three threads, beside a busy process, and with everything watched."""
    if (name, device) == ("digits-cnn", "reference"):
        pytest.skip("the reference takes a minute for convolutions")
    metrics, arrays = numbers(tmp_path, name, device, 1)
    assert len(metrics) == 2
    for threads, watch in ((1, False), (2, False), (3, False), (2, True)):
        with busy():
            found, others = numbers(tmp_path, name, device, threads, watch)
        assert found == metrics
        assert all(np.array_equal(others[key], value) for key, value in arrays.items())
