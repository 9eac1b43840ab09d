"""History, file and journal never disagree with the graph."""

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit, random_graph

from graph.drawing import copy, same
from graph.edit_records import edit_record
from graph.edits import AddNode, Move, Remove, Rename, SetNote
from graph.files import dumps, loads
from graph.graph import Graph, Node, Note
from graph.history import Change, History
from graph.journal import Heading, Journal, heading, replay
from graph.ops.activation import ReLU
from graph.rules import EditError
from graph.validator import FileError


def act(rng: Random, history: History) -> None:
    """Push, undo or redo; the rules may refuse a push. At times a gesture ends."""
    choice = rng.random()
    if rng.random() < 0.2:
        history.end_merge()
    if choice < 0.15:
        history.undo()
    elif choice < 0.25:
        history.redo()
    else:
        edit = random_edit(rng, history.graph)
        try:
            history.push(edit, rng.choice(["", "", "drag", "typing"]))
        except EditError:
            return


def states(history: History) -> list[Graph]:
    """The graph after each step, from none done to all done."""
    here, result = history.position, []
    for position in range(len(history.titles) + 1):
        history.go_to(position)
        result.append(copy(history.graph))
    history.go_to(here)
    return result


def agree(left: History, right: History) -> None:
    """Both have the same graph now and after every undo and redo they share."""
    assert same(left.graph, right.graph)
    assert left.titles == right.titles
    assert all(same(a, b) for a, b in zip(states(left), states(right), strict=True))


@hypothesis_settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_file_and_journal_agree_with_the_history(
    tmp_path_factory: pytest.TempPathFactory, seed: int, actions: int
) -> None:
    """Random pushes, undos and redos: the file and the replayed journal hold the same graph."""
    rng = Random(seed)
    history = History(random_graph(rng, 10))
    path = tmp_path_factory.mktemp("journal") / "edits.journal"
    journal = Journal(path, history, Heading("a.loom"))
    for _ in range(actions):
        act(rng, history)
    assert same(loads(dumps(history.graph)), history.graph)
    journal.close()
    recovered = replay(path)
    assert recovered.lost == ""
    assert recovered.heading.file == "a.loom"
    agree(history, recovered.history)


def test_three_thousand_actions_agree(tmp_path: Path) -> None:
    """A long seeded session, undone below the first line of a journal begun in its middle."""
    rng = Random(11)
    history = History(Graph())
    start = copy(history.graph)
    for _ in range(300):
        act(rng, history)
    journal = Journal(tmp_path / "j", history)
    for round in range(9):
        for _ in range(300):
            act(rng, history)
        for _ in range(rng.randrange(history.position + 1) if round % 3 == 0 else 0):
            history.undo()
        assert same(loads(dumps(history.graph)), history.graph)
    journal.close()
    assert same(replay(tmp_path / "j").history.graph, history.graph)
    history.go_to(0)
    assert same(history.graph, start)


def node(id: str) -> AddNode:
    """An edit that adds a ReLU."""
    return AddNode(Node(id, ReLU()))


def test_undo_and_redo_name_their_steps() -> None:
    """Titles for the menu; redo is forgotten by a push."""
    history = History(Graph())
    assert not history.undo()
    assert not history.redo()
    history.push(node("a"))
    history.push(Rename("a", "first"))
    assert history.titles == ("Add ReLU", "Rename a")
    history.undo()
    assert (history.undo_title, history.redo_title) == ("Add ReLU", "Rename a")
    history.push(node("b"))
    assert history.redo_title == ""
    assert history.titles == ("Add ReLU", "Add ReLU")


def test_a_drag_is_one_step_without_growth() -> None:
    """A thousand moves with one key: one step that holds the first and the last place only."""
    history = History(Graph())
    history.push(node("a"))
    for x in range(1000):
        history.push(Move((("a", float(x), 0.0),)), key="drag 1")
    assert history.position == 2
    step = history._done[-1]
    assert step.edit == Move((("a", 999.0, 0.0),))
    assert step.inverse == Move((("a", 0.0, 0.0),))
    history.push(Move((("a", 5.0, 0.0),)), key="drag 2")
    assert history.position == 3
    history.undo()
    assert history.graph.node("a").x == 999.0
    history.undo()
    assert history.graph.node("a").x == 0.0


def test_what_cannot_collapse_still_undoes_as_one() -> None:
    """Steps of different kinds with one key are one step that keeps them all."""
    history = History(Graph())
    before = copy(history.graph)
    history.push(SetNote(Note("note1", "a")), key="note")
    history.push(SetNote(Note("note1", "ab")), key="note")
    history.push(node("a"), key="note")
    assert history.titles == ("Add note",)
    after = copy(history.graph)
    history.undo()
    assert same(history.graph, before)
    history.redo()
    assert same(history.graph, after)


def test_clean_follows_the_saved_state() -> None:
    """Clean where it was saved, also when reached by undo or redo; never again once cut off."""
    history = History(Graph())
    assert history.clean
    history.push(node("a"))
    assert not history.clean
    history.mark_clean()
    history.push(node("b"))
    history.undo()
    assert history.clean
    history.undo()
    assert not history.clean
    history.redo()
    assert history.clean
    history.undo()
    history.push(node("c"))
    history.undo()
    assert not history.clean


def test_a_saved_step_is_not_merged_into() -> None:
    """Typing goes on after a save: undo leads back to what was saved."""
    history = History(Graph())
    history.push(node("a"))
    history.push(Rename("a", "x"), key="name")
    history.mark_clean()
    history.push(Rename("a", "xy"), key="name")
    assert not history.clean
    history.undo()
    assert history.clean
    assert history.graph.node("a").name == "x"


def test_observers_hear_each_edit_as_applied() -> None:
    """Push, undo and redo tell what was applied; an observer must not edit."""
    history, heard = History(Graph()), list[Change]()
    stop = history.subscribe(heard.append)
    history.push(node("a"))
    history.undo()
    history.redo()
    assert [change.kind for change in heard] == ["push", "undo", "redo"]
    assert heard[1].edit.touched() == frozenset({("", "a")})
    assert isinstance(heard[1].edit, Remove)
    stop()
    history.undo()
    assert len(heard) == 3
    history.subscribe(lambda change: history.push(node("b")))
    with pytest.raises(RuntimeError, match="observer"):
        history.push(node("c"))


def test_a_refused_push_leaves_no_step() -> None:
    """The menu and the graph stay as they were."""
    history = History(Graph())
    history.push(node("a"))
    with pytest.raises(EditError, match="two things with the id 'a'"):
        history.push(node("a"))
    assert history.titles == ("Add ReLU",)


def test_replay_follows_an_undo_behind_the_first_line(tmp_path: Path) -> None:
    """What was undone and redone there is known by its effect, later steps by themselves."""
    history = History(Graph())
    for id in ("a", "b", "c"):
        history.push(node(id))
    journal = Journal(tmp_path / "j", history)

    def agrees() -> bool:
        return same(replay(tmp_path / "j").history.graph, history.graph)

    history.push(node("d"))
    for act in (history.undo, history.undo, history.undo, history.redo):
        assert act()
        assert agrees()
    history.push(node("e"))
    assert agrees()
    for act in (history.undo, history.redo, history.undo, history.undo):
        assert act()
        assert agrees()
    recovered = replay(tmp_path / "j")
    assert recovered.edits == 10
    assert not recovered.history.clean
    journal.close()


def test_two_drags_with_one_key_stay_two_steps_in_the_journal(tmp_path: Path) -> None:
    """The end of a gesture is not written; what did not merge does not merge in the replay."""
    history = History(Graph())
    history.push(node("a"))
    journal = Journal(tmp_path / "j", history)
    for x in (1.0, 2.0):
        history.push(Move((("a", x, 0.0),)), key="drag")
    history.end_merge()
    history.push(Move((("a", 3.0, 0.0),)), key="drag")
    journal.close()
    found = replay(tmp_path / "j").history
    assert found.titles == ("Move a", "Move a")
    assert found.undo()
    assert found.graph.node("a").x == 2.0


def journal_of(tmp_path: Path, edits: int) -> Path:
    """A journal of that many added nodes, closed."""
    history = History(Graph())
    journal = Journal(tmp_path / "j", history)
    for number in range(edits):
        history.push(node(f"n{number}"))
    journal.close()
    return tmp_path / "j"


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_left_out(tmp_path: Path, cut: int) -> None:
    """A crash while writing costs the edit that was being written."""
    path = journal_of(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-cut])
    found = replay(path)
    assert found.edits == 2
    assert found.lost == "line 4: found half a line"
    assert sorted(found.history.graph.net) == ["n0", "n1"]


def test_a_damaged_line_ends_the_replay(tmp_path: Path) -> None:
    """What stands before the damage is recovered, the rest is reported."""
    path = journal_of(tmp_path, 3)
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"n1", b"nX")
    path.write_bytes(b"\n".join(lines))
    found = replay(path)
    assert (found.edits, found.lost) == (1, "line 3: found a damaged line")


@pytest.mark.parametrize("content", [b"", b"x", b"[]\n", b"00000000 {}\n"])
def test_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    """Without a first line there is nothing to recover."""
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(FileError, match="line 1"):
        replay(tmp_path / "j")
    with pytest.raises(FileError, match="no such file"):
        replay(tmp_path / "none")


def test_the_disk_is_waited_for_at_most_every_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every edit reaches the system at once, the disk after a while."""
    now, synced = [0.0], list[int]()
    history = History(Graph())
    monkeypatch.setattr("graph.journal.os.fsync", synced.append)
    journal = Journal(tmp_path / "j", history, clock=lambda: now[0])
    synced.clear()
    for number in range(5):
        now[0] += 0.9
        history.push(node(f"n{number}"))
        assert len((tmp_path / "j").read_bytes().splitlines()) == number + 2
    journal.discard()
    assert len(synced) == 1
    assert not (tmp_path / "j").exists()


def test_an_edit_is_one_short_line() -> None:
    """What a journal writes for an edit does not grow with the graph."""
    assert edit_record(node("a")) == {
        "edit": "AddNode",
        "node": {"at": [0.0, 0.0], "id": "a", "settings": {}, "type": "ReLU"},
    }


def test_a_layout_is_no_step_but_stands_in_the_journal(tmp_path: Path) -> None:
    """Also one that an observer makes while it hears of a push; it is told behind the push."""
    history, heard = History(Graph()), list[str]()
    history.push(node("a"))
    journal = Journal(tmp_path / "j", history)

    def lay_out(change: Change) -> None:
        if change.kind == "push":
            history.settle(Move((("a", 7.0, 8.0),)))

    history.subscribe(lay_out)
    history.subscribe(lambda change: heard.append(change.kind))
    history.push(node("b"))
    assert heard == ["push", "settle"]
    assert history.titles == ("Add ReLU", "Add ReLU")
    journal.close()
    found = replay(tmp_path / "j").history
    assert (found.graph.node("a").x, found.graph.node("a").y) == (7.0, 8.0)
    assert found.titles == ("Add ReLU",)
    assert found.undo()
    assert sorted(found.graph.net) == ["a"]


def test_a_heading_says_whose_journal_it_is(tmp_path: Path) -> None:
    """Without replaying it; changes from before the journal began stay unsaved."""
    history = History(Graph())
    history.push(node("a"))
    journal = Journal(tmp_path / "j", history, Heading("/x/net.loom", "net", "/x"))
    history.push(node("b"))
    journal.close()
    assert heading(tmp_path / "j") == (Heading("/x/net.loom", "net", "/x", unsaved=True), 1)
    found = replay(tmp_path / "j").history
    assert found.undo()
    assert not found.clean
    if os.name == "posix":
        assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_ends_the_journal_and_not_the_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked is told once; later edits go on without it."""
    history, told = History(Graph()), list[OSError]()
    journal = Journal(tmp_path / "j", history, failed=told.append)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_write", full)
    history.push(node("a"))
    history.push(node("b"))
    assert [error.errno for error in told] == [28]
    assert sorted(history.graph.net) == ["a", "b"]
    journal.discard()
