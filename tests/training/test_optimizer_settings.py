"""What optimizers do beside one elementwise pass: the same bits on every thread count, after a
resume and, to rounding, on both back ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint, steps
from compute.events import Checkpointed, Event
from compute.prepare import TrainOptions
from compute.runs import Workspace
from compute.session import resume, train_graph
from graph.graph import Graph
from tests.support.small_graphs import moons, op

Arrays = dict[str, np.ndarray]


def by(name: str, **settings: object) -> Graph:
    """Moons with dropout, trained by another optimizer in three epochs of nine steps."""
    drawn = moons(units=40, dropout=0.3, precision="float64")
    drawn.set_node(replace(drawn.node("adam"), op=op(name, **settings)))
    return drawn


def normed(name: str, **settings: object) -> Graph:
    """The same with a batch normalisation in the middle."""
    drawn = by(name, **settings)
    drawn.set_node(replace(drawn.node("relu"), op=op("BatchNorm")))
    return drawn


CASES: dict[str, Callable[[], Graph]] = {
    "lamb": lambda: by("LAMB", learning_rate=0.02, clip_norm=0.5),
    "lamb normed": lambda: normed("LAMB", learning_rate=0.02),
}


def options(folder: Path, **given: object) -> TrainOptions:
    """Training in float64 in `folder`, saving after every block."""
    fixed = {"device": "cpu", "threads": 1, "checkpoint_seconds": 0.0}
    places = {"workspace": folder / "workspace", "folder": folder, "name": "run"}
    return TrainOptions(**fixed | places | given)  # type: ignore[arg-type]


def arrays(folder: Path, run: str) -> Arrays:
    """The arrays of a run's newest checkpoint."""
    workspace = Workspace(folder / "workspace")
    return dict(checkpoint.newest(workspace.run_folder(run)).arrays)


def leave(events: Iterator[Event], step: int) -> None:
    """Walk away from a training after the first checkpoint at `step` or later."""
    for event in events:
        if isinstance(event, Checkpointed) and event.step >= step:
            events.close()  # type: ignore[attr-defined]
            return


def same(one: Arrays, two: Arrays) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_threads_or_a_resume(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, two and three threads; left in an epoch and at its end; the reference to rounding."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    drawn = CASES[case]()
    for threads in (1, 2, 3):
        list(train_graph(drawn, options(tmp_path, threads=threads)))
    whole = arrays(tmp_path, "run-1")
    assert same(whole, arrays(tmp_path, "run-2"))
    assert same(whole, arrays(tmp_path, "run-3"))
    for run, step in (("run-4", 5), ("run-5", 18)):
        leave(train_graph(drawn, options(tmp_path)), step)
        list(resume(run, options(tmp_path, threads=2)))
        assert same(whole, arrays(tmp_path, run))
    list(train_graph(drawn, options(tmp_path, device="reference")))
    expected = arrays(tmp_path, "run-6")
    assert expected.keys() == whole.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(whole[key], value, rtol=1e-9, atol=1e-11, err_msg=key)
