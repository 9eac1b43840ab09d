"""`python -m gui FILE`: one canvas in a window, to look at."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication

from graph.files import load
from gui import fonts
from gui.canvas.camera import NOTCH
from gui.canvas.view import Canvas
from gui.document import Document
from gui.theme import theme


def main() -> int:
    """Open the file named on the command line."""
    application = QApplication(sys.argv)
    names = application.arguments()[1:]
    if len(names) != 1:
        sys.stderr.write("found no file, expected: python -m gui FILE\n")
        return 2
    path = Path(names[0])
    document = Document(load(path), fonts.measure, path)
    canvas = Canvas(document, theme("dark"))
    for keys, action in (
        ("Ctrl+Z", document.undo),
        ("Ctrl+Shift+Z", document.redo),
        ("F", canvas.fit_selection),
        ("Home", canvas.fit),
        ("Ctrl+=", lambda: canvas.zoom_by(NOTCH)),
        ("Ctrl+-", lambda: canvas.zoom_by(-NOTCH)),
        ("Ctrl+A", lambda: document.select(document.view.by_id)),
    ):
        QShortcut(QKeySequence(keys), canvas).activated.connect(action)
    canvas.setWindowTitle(f"{document.title} – Netloom")
    canvas.resize(1280, 800)
    canvas.show()
    QTimer.singleShot(0, canvas, lambda: _show_previews(document))
    return application.exec()


def _show_previews(document: Document) -> None:
    from gui.run.previews import data_previews

    document.show_previews(data_previews(document.graph))


if __name__ == "__main__":
    sys.exit(main())
