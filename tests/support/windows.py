"""Hands and eyes for tests of the whole window: press buttons, answer dialogs, drop files."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from graph.edits import AddNode
from graph.graph import Node
from graph.ops.table import Table
from gui.dialogs.dialog import Dialog
from gui.window import MainWindow


def add_node(window: MainWindow) -> None:
    document = window.app.desk.current
    assert document is not None
    document.push(AddNode(Node(document.graph.fresh_id("table"), Table())))


def act(window: MainWindow, id: str) -> None:
    window.app.actions.refresh()
    window.app.actions[id].trigger()


def dialog(qtbot: QtBot, kind: type[QWidget] = Dialog) -> QWidget:
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), kind))
    found = QApplication.activeModalWidget()
    assert found is not None
    return found


def press(qtbot: QtBot, inside: QWidget, verb: str) -> None:
    button = next(b for b in inside.findChildren(QPushButton) if b.text().strip("\u2009") == verb)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def answer_file(qtbot: QtBot, path: Path) -> None:
    """Paste a path into the file dialog that is open, and press Enter."""
    asked = dialog(qtbot, QFileDialog)
    field = asked.findChild(QLineEdit, "fileNameEdit")
    assert field is not None
    QApplication.clipboard().setText(str(path))
    field.selectAll()
    field.paste()  # typing would open a list of names over the button
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not isinstance(QApplication.activeModalWidget(), QFileDialog))


LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def dragged(*paths: Path) -> QMimeData:
    """Files in the hand."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag_over(window: MainWindow, data: QMimeData) -> bool:
    """Whether the window takes it."""
    enter = QDragEnterEvent(QPoint(50, 300), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    return enter.isAccepted()


def drop(window: MainWindow, *paths: Path) -> None:
    data = dragged(*paths)
    if drag_over(window, data):
        event = QDropEvent(QPointF(50, 300), Qt.DropAction.CopyAction, data, LEFT, NONE)
        QApplication.sendEvent(window, event)
