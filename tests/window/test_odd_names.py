"""Names that Qt would take for HTML or for keys are shown as they are."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from graph.edits import AddNode, Connect, SetFrame
from graph.files import save
from graph.graph import Frame, Graph, Node, Wire
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from graph.schema import Column
from gui.docks.row_form import RowForm
from gui.window import MainWindow

NAME = "<h1>R&D</h1>"


def test_names_are_no_html(window: MainWindow, qtbot: QtBot) -> None:
    """Two nodes of one name are a problem, which says it."""
    document = window.app.desk.new()
    document.push(AddNode(Node("a", Dense(), NAME, 0.0, 0.0)))
    document.push(AddNode(Node("b", ReLU(), NAME, 300.0, 0.0)))
    document.push(Connect(Wire("a", "y", "b", "x")))
    document.push(SetFrame(Frame("f", NAME, ("a",))))
    for dock in window.workbench.docks:
        window.workbench.docks.open(dock.entry.id)
    said = set[str]()
    for chosen in ((), ("a",), ("a", "b"), ("f",)):
        document.select(chosen)
        for label in window.findChildren(QLabel):
            if NAME in label.text():
                said.add(label.text())
                assert label.textFormat() == Qt.TextFormat.PlainText, label.text()
    assert any("two nodes" in text for text in said)


def test_tabs_show_an_ampersand(window: MainWindow, tmp_path: Path) -> None:
    save(Graph(), tmp_path / "R&D.loom")
    window.files.open(tmp_path / "R&D.loom")
    assert window.workbench.strip.tabs.tabText(0) == "R&&D"
    recent = window.top.menus.actions()[0].menu()
    recent.aboutToShow.emit()
    menus = [action.menu() for action in recent.actions() if action.menu()]
    texts = [one.text() for menu in menus for one in menu.actions()]
    assert any(text.startswith("R&&D.loom") for text in texts)


def test_a_column_is_no_key(qtbot: QtBot) -> None:
    form = RowForm()
    qtbot.addWidget(form)
    form.put((Column("R&D"),))
    assert [label.text() for label in form.findChildren(QLabel)] == ["R&&D"]
