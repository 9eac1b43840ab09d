"""The inspector alone, in a window that has the focus, and the nodes it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import style
from gui.app import App
from gui.document import Document
from gui.inspector.panel import InspectorPanel


@contextmanager
def inspector(app: App, qtbot: QtBot) -> Iterator[InspectorPanel]:
    """The panel as wide as in the window, in its style."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    style.apply(application, app.look.theme)
    made = InspectorPanel(app)
    qtbot.addWidget(made)
    made.resize(276, 800)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    yield made
    application.setStyleSheet("")


def by_type(document: Document, name: str) -> list[str]:
    """Ids of the nodes of a type, in order."""
    return sorted(n.id for n in document.drawing if type(n.op).__name__ == name)
