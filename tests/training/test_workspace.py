"""The workspace: where it is, what it keeps, and who may touch a run."""

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from compute.runs import RunError, Workspace, compare, find_workspace


def make(workspace: Workspace, stem: str = "moons") -> str:
    """A run on record."""
    graph = '{"training": {"epochs": 3, "seed": 1}}'
    options = {"device": "cpu"}
    return workspace.create(
        stem, graph, Path("folder"), options, {"count": 5}, "abc", {"numpy": "2"}
    )


def test_the_nearest_workspace_is_found(tmp_path: Path) -> None:
    """The chosen one, else the nearest `.netloom` upward, else the user's."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_workspace(tmp_path / "x", deep) == tmp_path / "x"
    user = Path(os.environ["XDG_DATA_HOME"])
    assert find_workspace(None, deep).is_relative_to(user)
    (tmp_path / ".netloom").mkdir()
    assert find_workspace(None, deep) == tmp_path / ".netloom"
    (tmp_path / "a" / ".netloom").mkdir()
    assert find_workspace(None, deep) == tmp_path / "a" / ".netloom"


def test_records_are_kept_and_found(tmp_path: Path) -> None:
    """By id, by number, or as the last; ids are never used again."""
    workspace = Workspace(tmp_path / "w")
    assert [make(workspace, stem) for stem in ("moons", "a b/ü", "")] == [
        "moons-1",
        "a-b-ü-2",
        "run-3",
    ]
    assert [r.id for r in workspace.records()] == ["run-3", "a-b-ü-2", "moons-1"]
    assert workspace.get("2") == workspace.get("a-b-ü-2")
    assert workspace.get("last").id == "run-3"
    record = workspace.get("moons-1")
    assert (record.folder, record.data, record.fingerprint) == ("folder", {"count": 5}, "abc")
    workspace.delete("run-3")
    assert make(workspace) == "moons-4"
    with pytest.raises(RunError, match="found no run 'run-3', expected one of moons-4"):
        workspace.get("run-3")


def test_metrics_events_and_changes_are_kept(tmp_path: Path) -> None:
    """An epoch done again replaces itself; a newer change drops later ones of its setting."""
    workspace = Workspace(tmp_path)
    run, other = make(workspace), make(workspace)
    workspace.update(run, {}, [(1, {"loss": 0.1 + 0.2}), (2, {"loss": 0.5})])
    workspace.update(run, {}, [(2, {"loss": 0.25})], [(1.5, 3, "paused", {"why": "user"})])
    assert workspace.metrics(run) == {1: {"loss": 0.1 + 0.2}, 2: {"loss": 0.25}}
    for step, key, value in [
        (5, "a/rate", 0.1),
        (9, "a/rate", 0.2),
        (9, "b/p", 0.3),
        (7, "a/rate", 0.4),
    ]:
        workspace.add_live_change(run, step, key, value)
    assert workspace.live_changes(run) == [(5, "a/rate", 0.1), (7, "a/rate", 0.4), (9, "b/p", 0.3)]
    assert workspace.events(run) == [(1.5, 3, "paused", {"why": "user"})]
    workspace.delete(run)
    assert workspace.metrics(run) == {}
    assert not workspace.run_folder(run).exists()
    assert workspace.get(other).id == other


def test_of_a_long_run_a_few_epochs_are_read(tmp_path: Path) -> None:
    """At equal distances, with the last; of a short one all; of none nothing."""
    workspace = Workspace(tmp_path / "w")
    long, short, fresh = (make(workspace, name) for name in ("long", "short", "fresh"))
    for run, epochs in ((long, 30_001), (short, 100)):
        found = [(epoch, {"loss": 1 / epoch, "val_loss": 1.0}) for epoch in range(1, epochs + 1)]
        workspace.update(run, {}, found)
    few = workspace.metrics(long, most=256)
    assert len(few) <= 256
    assert list(few)[-1] == 30_001
    assert len(set(np.diff(list(few)))) == 1
    assert few[30_001] == {"loss": 1 / 30_001, "val_loss": 1.0}
    assert len(workspace.metrics(long)) == 30_001
    assert len(workspace.metrics(short, most=256)) == 100
    assert workspace.metrics(fresh, most=256) == {}


def test_one_process_trains_a_run(tmp_path: Path) -> None:
    """While it is held it cannot be taken or deleted; its status tells whether it is alive."""
    workspace = Workspace(tmp_path)
    run = make(workspace)
    assert workspace.get(run).status == "interrupted"
    with workspace.lock(run):
        assert workspace.get(run).status == "running"
        for refused in (workspace.lock, workspace.delete):
            with pytest.raises(RunError, match="found it in training, expected it idle"):
                refused(run)
    workspace.update(run, {"status": "finished", "metrics": {"loss": 0.5}, "epochs": 3})
    assert (workspace.get(run).status, workspace.get(run).metrics) == ("finished", {"loss": 0.5})


def test_comparing_shows_what_differs(tmp_path: Path) -> None:
    """Metrics always, settings where they are not equal."""
    workspace = Workspace(tmp_path)
    one, two = make(workspace), make(workspace)
    workspace.update(one, {"metrics": {"val_loss": 0.5}})
    workspace.update(
        two, {"metrics": {"val_loss": 0.5, "loss": 0.1}, "graph": '{"training": {"epochs": 9}}'}
    )
    found = compare(workspace, [one, two])
    assert found["run"] == [one, two]
    assert found["val_loss"] == [0.5, 0.5]
    assert found["loss"] == [None, 0.1]
    assert found["training.epochs"] == [3, 9]
    assert "device" not in found


def test_unusable_workspaces_are_refused(tmp_path: Path) -> None:
    """A file in its place, a damaged database, one from the future."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="expected a folder for runs"):
        Workspace(tmp_path / "file")
    (tmp_path / "runs.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(RunError, match="choose another with --workspace"):
        Workspace(tmp_path)
    (tmp_path / "runs.sqlite").unlink()
    with sqlite3.connect(tmp_path / "runs.sqlite") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(RunError, match="found version 7, expected 1"):
        Workspace(tmp_path)


def test_a_workspace_damaged_behind_its_beginning_is_told(tmp_path: Path) -> None:
    """SQLite finds out only when it reads the records."""
    make(Workspace(tmp_path))
    database = tmp_path / "runs.sqlite"
    whole = database.read_bytes()
    database.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    workspace = Workspace(tmp_path)
    with pytest.raises(RunError, match="found a damaged record"):
        workspace.records()
