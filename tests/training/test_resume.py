"""Runs on record: what is kept, and going on bit for bit."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint, steps
from compute.control import Control
from compute.data import DataError
from compute.events import Checkpointed, Event, Finished, LiveChanged, Warned
from compute.prepare import TrainOptions
from compute.runs import RunError, Workspace
from compute.session import resume, train_graph
from graph.files import loads
from graph.lower import LowerError
from graph.training import Split
from tests.support.small_graphs import DEVICES, draw, moons, op


def options(folder: Path, device: str = "reference", **given: object) -> TrainOptions:
    """Training in `folder`, saving after every block."""
    workspace = folder / "workspace"
    return TrainOptions(
        **{"device": device, "workspace": workspace, "folder": folder, "name": "moons"}
        | {"checkpoint_seconds": 0.0, "threads": 1}
        | given
    )


def graph(**training: object):
    """A run of 27 steps with dropout."""
    return moons(dropout=0.3, **training)


def arrays(folder: Path, run: str) -> dict[str, np.ndarray]:
    """The arrays of a run's newest checkpoint."""
    workspace = Workspace(folder / "workspace")
    return dict(checkpoint.newest(workspace.run_folder(run)).arrays)


def leave(events: Iterator[Event], step: int) -> None:
    """Walk away from a training after the first checkpoint at `step` or later."""
    for event in events:
        if isinstance(event, Checkpointed) and event.step >= step:
            events.close()
            return


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("step", [1, 5, 9, 14, 26, 27])
def test_a_resumed_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, device: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left within an epoch or at its end, resumed with more threads: equal bits and metrics."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    *_, whole = train_graph(graph(), options(tmp_path, device))
    leave(train_graph(graph(), options(tmp_path, device)), step)
    *_, last = resume("moons-2", options(tmp_path, device, threads=2))
    assert isinstance(whole, Finished)
    assert last == dataclasses.replace(whole, run="moons-2")
    assert same(arrays(tmp_path, "moons-1"), arrays(tmp_path, "moons-2"))
    workspace = Workspace(tmp_path / "workspace")
    assert workspace.metrics("moons-1") == workspace.metrics("moons-2")
    kept = [checkpoint.newest(workspace.run_folder(f"moons-{k}")).losses for k in (1, 2)]
    assert [len(losses) for losses in kept] == [27, 27]
    assert np.array_equal(kept[0].values, kept[1].values)
    assert workspace.get("moons-2").status == "finished"


def test_live_changes_are_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those made after the checkpoint that the run goes on from."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)

    def changing(events: Iterator[Event], control: Control) -> Iterator[Event]:
        for event in events:
            yield event
            if isinstance(event, Checkpointed) and event.step in (4, 12):
                control.set_live("adam/learning_rate", event.step / 100)

    control = Control()
    *_, _ = changing(train_graph(graph(), options(tmp_path), control), control)
    control = Control()
    events = changing(train_graph(graph(), options(tmp_path), control), control)
    leave(events, 15)
    folder = Workspace(tmp_path / "workspace").run_folder("moons-2")
    (folder / "step-000000000015.safetensors").unlink()
    files = sorted(folder.glob("step-*"))
    found = checkpoint.load(files[-1])
    checkpoint.save(folder, found)
    assert found.position.step == 14
    again = list(resume("moons-2", options(tmp_path)))
    assert not any(isinstance(event, LiveChanged) for event in again)
    assert same(arrays(tmp_path, "moons-1"), arrays(tmp_path, "moons-2"))
    changes = Workspace(tmp_path / "workspace").live_changes("moons-2")
    assert changes == [(4, "adam/learning_rate", 0.04), (12, "adam/learning_rate", 0.12)]


def test_a_change_after_the_checkpoint_comes_at_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run dies after the change, with a checkpoint from before it."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    control = Control()
    for event in train_graph(graph(), options(tmp_path), control):
        if isinstance(event, Checkpointed) and event.step == 12:
            control.set_live("adam/learning_rate", 0.12)
    control = Control()
    events = train_graph(graph(), options(tmp_path, checkpoint_seconds=0.0), control)
    leave(events, 6)
    Workspace(tmp_path / "workspace").add_live_change("moons-2", 12, "adam/learning_rate", 0.12)
    *_, last = resume("moons-2", options(tmp_path))
    assert isinstance(last, Finished)
    assert same(arrays(tmp_path, "moons-1"), arrays(tmp_path, "moons-2"))


def test_the_record_tells_what_was_run(tmp_path: Path) -> None:
    """Graph with its seed, data, versions, status and events."""
    list(train_graph(graph(), options(tmp_path, seed=5, epochs=2)))
    record = Workspace(tmp_path / "workspace").get("last")
    kept = loads(record.graph).training
    assert (kept.seed, kept.epochs, record.epochs, record.step) == (5, 2, 2, 18)
    assert record.options["device"] == "reference"
    assert record.data["classes"] == {"data": ["0", "1"]}
    assert len(record.fingerprint) == 64
    assert set(record.versions) == {"netloom", "numpy", "python", "machine", "arithmetic"}
    events = Workspace(tmp_path / "workspace").events("moons-1")
    assert [kind for _, _, kind, _ in events] == ["started", "finished"]
    assert set(record.metrics) == {"loss", "val_loss", "val_accuracy"}


def test_a_run_keeps_the_choice_of_fast_convolution(tmp_path: Path) -> None:
    """It is part of the record, off unless asked for, and no option changes it later."""
    for asked in (None, True):
        list(train_graph(graph(), options(tmp_path, epochs=1, fast_convolution=asked)))
    workspace = Workspace(tmp_path / "workspace")
    told = [workspace.get(run).options.get("fast_convolution") for run in ("moons-1", "moons-2")]
    assert told == [None, True]
    kept = [loads(workspace.get(run).graph).training for run in ("moons-1", "moons-2")]
    assert [one.fast_convolution for one in kept] == [False, True]
    list(resume("moons-2", options(tmp_path, epochs=2, fast_convolution=False)))
    assert loads(workspace.get("moons-2").graph).training.fast_convolution
    assert options(tmp_path).plan_options(kept[1]).fast_convolution


def test_a_run_before_its_first_checkpoint_starts_anew(tmp_path: Path) -> None:
    """Nothing was saved, so nothing is lost."""
    events = train_graph(graph(), options(tmp_path, checkpoint_seconds=1e9))
    next(events)
    events.close()
    *_, last = resume("moons-1", options(tmp_path))
    *_, whole = train_graph(graph(), options(tmp_path))
    assert isinstance(whole, Finished)
    assert last == dataclasses.replace(whole, run="moons-1")


def test_a_finished_run_goes_on_for_more_epochs(tmp_path: Path) -> None:
    """Five epochs in two parts are five epochs."""
    list(train_graph(graph(epochs=5), options(tmp_path)))
    list(train_graph(graph(epochs=2), options(tmp_path)))
    with pytest.raises(RunError, match="finished after 2 epochs"):
        list(resume("moons-2", options(tmp_path)))
    list(resume("moons-2", options(tmp_path, epochs=5)))
    assert same(arrays(tmp_path, "moons-1"), arrays(tmp_path, "moons-2"))
    assert loads(Workspace(tmp_path / "workspace").get("moons-2").graph).training.epochs == 5


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    """Stopping saves; resuming gives the same end."""
    list(train_graph(graph(), options(tmp_path)))
    control = Control()
    for event in train_graph(graph(), options(tmp_path), control):
        if isinstance(event, Checkpointed):
            control.stop()
    assert Workspace(tmp_path / "workspace").get("moons-2").status == "stopped"
    list(resume("moons-2", options(tmp_path)))
    assert same(arrays(tmp_path, "moons-1"), arrays(tmp_path, "moons-2"))


def test_changed_data_is_refused_and_other_versions_are_told(tmp_path: Path) -> None:
    """A table that lost a row; a record of another version."""
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(40)))
    nodes = {node.id: node.op for node in moons()}
    nodes["data"] = op("Table", path="t.csv", task="classification")
    wires = " ".join(f"{w.source}.{w.output}>{w.target}.{w.input}" for w in moons().wires())
    leave(train_graph(draw(nodes, wires, moons().training), options(tmp_path)), 1)
    workspace = Workspace(tmp_path / "workspace")
    workspace.update("moons-1", {"versions": {"netloom": "0.0"}})
    events = resume("moons-1", options(tmp_path))
    first = next(events)
    assert isinstance(first, Warned)
    assert "netloom 0.0 →" in first.message
    events.close()
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(39)))
    with pytest.raises(RunError, match="bring back the data the run started with"):
        list(resume("moons-1", options(tmp_path)))
    assert checkpoint.any_in(workspace.run_folder("moons-1"))


def test_what_cannot_train_is_refused_before_a_record_exists(tmp_path: Path) -> None:
    """No optimizer; a missing file; a batch size that leaves one sample for batch norm."""
    nodes = {node.id: node.op for node in moons()}
    wires = " ".join(f"{w.source}.{w.output}>{w.target}.{w.input}" for w in moons().wires())
    del nodes["adam"]
    with pytest.raises(LowerError, match="found no optimizer, expected one"):
        list(train_graph(draw(nodes, wires.replace("loss.loss>adam.loss", "")), options(tmp_path)))
    nodes = {node.id: node.op for node in moons()}
    nodes["data"] = op("Table", path="gone.csv")
    with pytest.raises(DataError, match=r"data: found no file 'gone.csv'"):
        list(train_graph(draw(nodes, wires), options(tmp_path)))
    nodes = {node.id: node.op for node in moons()} | {"relu": op("BatchNorm")}
    training = dataclasses.replace(moons().training, batch_size=89, split=Split(0.25))
    with pytest.raises(LowerError, match="one value a channel"):
        list(train_graph(draw(nodes, wires, training), options(tmp_path)))
    assert Workspace(tmp_path / "workspace").records() == []
