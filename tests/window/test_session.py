"""What is remembered of open and recent files, and what a damaged memory costs."""

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from graph.define import Define, Instance
from graph.drawing import Drawing
from graph.edits import AddNode
from graph.files import save
from graph.graph import Graph, Node
from graph.ops.dense import Dense
from gui.canvas.view import Canvas
from gui.desk import Desk
from gui.document import Document
from gui.session import DAMAGED, MOST_RECENT, RecentFile, Session, Sessions, read, write
from gui.theme import theme


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two saved graphs; each has a definition `block`."""
    graph = Graph()
    AddNode(Node("a", Dense())).apply(graph)
    Define("block", Drawing((Node("b", Dense()),))).apply(graph)
    Instance(("a",), "cell", "c").apply(graph)
    paths = [tmp_path / "one.loom", tmp_path / "two.loom"]
    for path in paths:
        save(graph, path)
    return paths


def test_files_come_back_as_they_were_shown(
    tmp_path: Path, files: list[Path], qtbot: QtBot
) -> None:
    desk = Desk()
    session = Sessions(desk, tmp_path / "session.json")
    one, two = map(desk.open, files)
    desk.new()
    one.enter("cell")
    one.cameras.update({"": (1.5, -2.0, -3), "cell": (4.0, 5.0, 6), "gone": (0.0, 0.0, 0)})
    desk.show(one)
    session.remember()
    again = Desk()
    assert Sessions(again, tmp_path / "session.json").reopen() == []
    assert [document.path for document in again.documents] == files
    back = again.documents[0]
    assert again.current is back
    assert back.into == "cell"
    assert back.cameras == {"": (1.5, -2.0, -3), "cell": (4.0, 5.0, 6)}
    assert again.documents[1].into == two.into == ""


def test_files_that_are_gone_or_broken_do_not_stop_the_others(
    tmp_path: Path, files: list[Path], qtbot: QtBot
) -> None:
    desk = Desk()
    session = Sessions(desk, tmp_path / "session.json")
    third = tmp_path / "three.loom"
    save(Graph(), third)
    for path in (*files, third):
        desk.open(path)
    desk.documents[2].enter("")
    session.remember()
    files[0].unlink()
    files[1].write_text("{", encoding="utf-8")
    again = Desk()
    (error,) = Sessions(again, tmp_path / "session.json").reopen()
    assert "two.loom" in error
    assert [document.path for document in again.documents] == [third]
    assert again.current is again.documents[0]


def test_recent_files_are_the_newest_and_each_once(tmp_path: Path, qtbot: QtBot) -> None:
    now, desk = [0.0], Desk()

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    session = Sessions(desk, tmp_path / "session.json", clock)
    names = [tmp_path / f"{number}.loom" for number in range(MOST_RECENT + 3)]
    for path in names:
        save(Graph(), path)
        desk.close(desk.open(path))
    desk.open(names[10])
    fresh = desk.new()
    assert len(session.recent) == MOST_RECENT
    desk.save(fresh, tmp_path / "fresh.loom")
    recent = Sessions(Desk(), tmp_path / "session.json").recent
    assert len(recent) == MOST_RECENT
    assert recent[:3] == (
        RecentFile(str(tmp_path / "fresh.loom"), now[0]),
        RecentFile(str(names[10]), now[0] - 1),
        RecentFile(str(names[-1]), now[0] - 2),
    )
    names[10].unlink()
    assert [Path(one.path).name for one in session.recent][:2] == ["fresh.loom", names[-1].name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 2}',
        '{"open": 3}',
        '{"open": [{"path": 3}]}',
        '{"recent": [{"path": "a"}]}',
        '{"unknown": 1}',
        "\udcff",
    ],
)
def test_a_memory_that_makes_no_sense_is_kept_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read(path) == Session()
    assert not path.exists()
    kept = tmp_path / f"session.json{DAMAGED}"
    assert kept.read_bytes() == text.encode("utf-8", "surrogateescape")
    write(path, Session(recent=(RecentFile("a", 1.0),)))
    assert read(path).recent == (RecentFile("a", 1.0),)
    assert json.loads(path.read_text("utf-8"))["version"] == 1


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    session = Sessions(Desk(), tmp_path / "file" / "session.json")
    session.remember()
    assert session.recent == ()


def test_a_canvas_begins_where_it_was_looked_at(
    tmp_path: Path, files: list[Path], qtbot: QtBot
) -> None:
    desk, path = Desk(), tmp_path / "session.json"
    session = Sessions(desk, path)
    document = desk.open(files[0])
    canvas = shown(qtbot, document)
    canvas.look_from(canvas.camera.zoomed(-8, 100, 50).panned(33, 21))
    there = canvas.camera
    document.enter("cell")
    inside = canvas.camera
    session.remember()
    canvas.close_document()
    again = Desk()
    Sessions(again, path).reopen()
    back = shown(qtbot, again.documents[0])
    assert back.camera == inside
    again.documents[0].enter("")
    assert back.camera == there
    back.close_document()


def shown(qtbot: QtBot, document: Document) -> Canvas:
    """A canvas of a document in a window of 640 × 480."""
    canvas = Canvas(document, theme("dark"))
    qtbot.addWidget(canvas)
    canvas.resize(640, 480)
    with qtbot.waitExposed(canvas):
        canvas.show()
    return canvas
