"""Unsaved work comes back after a crash, and only then."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from zlib import crc32

import pytest
from pytestqt.qtbot import QtBot

import resources
from graph.drawing import same
from graph.edits import AddNode, Rename
from graph.files import load
from graph.graph import Graph, Node
from graph.ops.activation import ReLU
from graph.validator import FileError
from gui import fonts
from gui.desk import Desk
from gui.document import Document
from gui.recovery import DAMAGED, SUFFIX, Journals
from tests.support.editing_process import EXAMPLE, commits

ROOT = Path(__file__).resolve().parents[2]


def relu(id: str) -> AddNode:
    """An edit that adds a ReLU."""
    return AddNode(Node(id, ReLU()))


def killed(desk: Desk) -> None:
    """Let go of a desk's files and folder as the system does when a process is killed."""
    assert desk._journals is not None
    abandon(desk._journals)


def abandon(journals: Journals) -> None:
    """Close the files and the lock; nothing is removed."""
    for journal in journals._journals.values():
        journal.close()
    for lock in journals._locks.values():
        lock.release()


def journals_in(folder: Path) -> list[Path]:
    """All journals that are offered to nobody or somebody."""
    return [path for path in folder.glob(f"*/*{SUFFIX}") if path.parent.name != DAMAGED]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_committed_edit_is_back_after_a_kill(tmp_path: Path, qtbot: QtBot, seed: int) -> None:
    """A real process, killed while it edits: what it told of is there, undo included."""
    command = [sys.executable, "-m", "tests.support.editing_process", str(tmp_path), str(seed)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told, until = 0, Random(seed).randrange(20, 150)
    for line in child.stdout:
        told = int(line)
        if told >= until:
            break
    assert Desk(None, tmp_path).left() == []  # its process lives
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().splitlines(keepends=True)
    told = max([told, *(int(line) for line in rest if line.endswith("\n"))])
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL

    desk = Desk(None, tmp_path)
    (left,) = desk.left()
    assert (left.name, left.path) == (EXAMPLE, None)
    assert left.edits >= told
    assert desk.restore(left) == ""
    document = desk.current
    assert document is not None
    assert not document.history.clean
    again = Document(load(resources.example_path(EXAMPLE)), fonts.measure)
    for count in commits(again, seed):
        if count >= left.edits:
            break
    assert same(document.graph, again.graph)
    assert document.history.titles == again.history.titles
    while document.undo():
        assert again.undo()
    assert same(document.graph, again.graph)
    desk.finish()
    assert journals_in(tmp_path) == []


def test_what_is_saved_or_closed_does_not_come_back(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path / "journals")
    saved, closed, changed = (desk.new() for _ in range(3))
    for document in (saved, closed, changed):
        document.push(relu("a"))
    desk.save(saved, tmp_path / "saved.loom")
    desk.close(closed)
    changed.push(relu("b"))
    killed(desk)
    after = Desk(None, tmp_path / "journals")
    (left,) = after.left()
    assert (left.name, left.edits) == ("Untitled", 2)
    after.forget(left)
    assert journals_in(tmp_path / "journals") == []
    assert after.left() == []


def test_edits_after_a_save_are_offered_for_that_file(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path / "journals")
    document = desk.new()
    document.push(relu("a"))
    desk.save(document, tmp_path / "net.loom")
    document.push(Rename("a", "First"))
    killed(desk)
    after = Desk(None, tmp_path / "journals")
    (left,) = after.left()
    assert (left.name, left.path, left.edits) == ("net", tmp_path / "net.loom", 1)
    assert after.restore(left) == ""
    back = after.current
    assert back is not None
    assert (back.path, back.folder) == (tmp_path / "net.loom", tmp_path)
    assert back.graph.node("a").name == "First"
    assert back.undo()
    assert back.history.clean  # as the file is
    after.finish()


def test_restored_work_survives_a_second_crash(tmp_path: Path, qtbot: QtBot) -> None:
    """It lies in no file yet, though nothing was edited since."""
    desk = Desk(None, tmp_path)
    desk.new().push(relu("a"))
    killed(desk)
    second = Desk(None, tmp_path)
    (left,) = second.left()
    second.restore(left)
    killed(second)
    third = Desk(None, tmp_path)
    (left,) = third.left()
    assert third.restore(left) == ""
    assert third.current is not None
    assert sorted(third.current.graph.net) == ["a"]
    third.finish()


def test_only_one_process_offers_what_was_left(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path)
    desk.new().push(relu("a"))
    killed(desk)
    first, second = Desk(None, tmp_path), Desk(None, tmp_path)
    assert len(first.left()) == 1
    assert second.left() == []
    first.finish()
    assert len(second.left()) == 1
    second.finish()


def test_a_torn_journal_gives_what_it_can_and_is_moved_aside(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path)
    document = desk.new()
    document.push(relu("a"))
    document.push(relu("b"))
    killed(desk)
    (journal,) = journals_in(tmp_path)
    journal.write_bytes(journal.read_bytes()[:-3])
    after = Desk(None, tmp_path)
    (left,) = after.left()
    assert "half a line" in after.restore(left)
    assert after.current is not None
    assert sorted(after.current.graph.net) == ["a"]
    assert len(list((tmp_path / DAMAGED).iterdir())) == 1
    after.finish()


def test_a_journal_without_a_beginning_is_moved_aside(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path)
    desk.new().push(relu("a"))
    killed(desk)
    (journal,) = journals_in(tmp_path)
    journal.write_bytes(b"junk\n" + journal.read_bytes())
    after = Desk(None, tmp_path)
    assert after.left() == []
    assert len(list((tmp_path / DAMAGED).iterdir())) == 1
    assert journals_in(tmp_path) == []


def test_a_damaged_graph_is_told_and_moved_aside(tmp_path: Path, qtbot: QtBot) -> None:
    """The heading can be read, the graph in it makes no sense."""
    journals = Journals(tmp_path)
    document = Document(Graph(), fonts.measure)
    journals.begin(document, lambda error: None)
    document.push(relu("a"))
    (path,) = journals_in(tmp_path)
    first, rest = path.read_bytes().split(b"\n", 1)
    text = first.partition(b" ")[2].replace(b'\\"netloom\\": 1', b'\\"netloom\\": 0')
    path.write_bytes(b"%08x %s\n" % (crc32(text), text) + rest)
    abandon(journals)
    after = Journals(tmp_path)
    (left,) = after.left()
    with pytest.raises(FileError, match="version"):
        after.restore(left, fonts.measure)
    assert len(list((tmp_path / DAMAGED).iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_nobody_else_can_read_journals(tmp_path: Path, qtbot: QtBot) -> None:
    desk = Desk(None, tmp_path / "journals")
    desk.new()
    (journal,) = journals_in(tmp_path / "journals")
    for path in (tmp_path / "journals", journal.parent):
        assert path.stat().st_mode & 0o777 == 0o700
    assert journal.stat().st_mode & 0o777 == 0o600
    desk.finish()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, qtbot: QtBot) -> None:
    """The document opens all the same."""
    (tmp_path / "file").write_text("in the way")
    desk = Desk(None, tmp_path / "file" / "journals")
    with qtbot.waitSignal(desk.unprotected) as told:
        document = desk.new()
    assert told.args[0] is document
    assert desk.current is document
    assert desk.left() == []
