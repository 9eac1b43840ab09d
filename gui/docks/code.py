"""The document as PyTorch or NumPy: always what it is now, changed lines lit, line ↔ node."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QTextCursor, QTextFormat
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QVBoxLayout,
)

from graph.export import Line, Target
from gui import fonts
from gui.app import App
from gui.docks.page import Page
from gui.docks.python_colours import PythonColours
from gui.document import DocumentChange
from gui.run.code import CodeWriter, Written
from gui.theme import mix
from gui.widgets.basics import Elided
from gui.widgets.menus import round_menu_of

REST = 150  # ms without an edit before the text is written again
TARGETS: tuple[tuple[str, Target], ...] = (("PyTorch", "pytorch"), ("NumPy", "numpy"))


class CodePage(Page):
    """Read-only text; a click selects the nodes of a line, a selection lights its lines."""

    title = "Code"
    id = "code"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.lines: list[Line] = []
        self._changed: set[int] = set()
        self._of: object = None  # document and target of the lines
        self.writer = CodeWriter(self)
        self.writer.written.connect(self._show)
        self._soon = QTimer(self, singleShot=True, interval=REST)
        self._soon.timeout.connect(self._write)
        self.target = QComboBox()
        self.target.addItems([name for name, _ in TARGETS])
        self.target.setAccessibleName("Language")
        self.target.currentIndexChanged.connect(self._write)
        self.count = Elided("tertiary")
        copy = QPushButton("Copy")
        copy.setProperty("kind", "quiet")
        copy.clicked.connect(self._copy)
        self.text = _Text(self)
        self.colours = PythonColours(self.text.document(), app.look.theme)
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 12, 6)
        head.setSpacing(8)
        head.addWidget(self.target)
        head.addWidget(self.count, 1)
        head.addWidget(copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.text)
        self.destroyed.connect(self.writer.close)

    def rebuild(self) -> None:
        self.colours.set_theme(self.app.look.theme)
        self._write()
        self._light()

    def edited(self, change: DocumentChange) -> None:
        if change.view:
            self._soon.start()
        elif change.selection:
            self._light()
            self._scroll()

    def nodes_at(self, line: int) -> set[str]:
        """The nodes of the drawing shown that a line computes."""
        if not 0 <= line < len(self.lines) or self.document is None:
            return set()
        shown = self.document.view.by_id
        return {part for path in self.lines[line].paths for part in path.split("/")} & set(shown)

    def _write(self) -> None:
        if self.document is not None and self.isVisible():
            self.writer.write(self.document, TARGETS[self.target.currentIndex()][1])

    def _show(self, written: Written) -> None:
        lines, message = written
        of = self.document, self.target.currentIndex()
        if not lines:
            self.count.show_text(message)
            if of != self._of:  # the text of another document would be taken for this one's
                self._of, self.lines, self._changed = of, [], set()
                self.text.clear()
            self.text.setEnabled(bool(self.lines))
            return
        self._changed = _changed(self.lines, lines) if of == self._of else set()
        self._of, self.lines = of, lines
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.setEnabled(True)
        self.text.setPlainText("\n".join(lines))
        bar.setValue(place)
        self.count.show_text(f"{len(lines)} lines")
        self._light()
        if self._changed:
            self._reveal(min(self._changed))

    def _light(self) -> None:
        """Light the lines that changed last and those of the selected nodes."""
        theme = self.app.look.theme
        chosen = self.document.selection if self.document else frozenset()
        own = [k for k in range(len(self.lines)) if self.nodes_at(k) & chosen] if chosen else []
        lit = [self._selection(k, mix(theme.panel, theme.success, 0.16)) for k in self._changed]
        lit += [self._selection(k, theme.selected_row) for k in own]
        self.text.setExtraSelections(lit)

    def _selection(self, line: int, colour: str) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.text.document().findBlockByNumber(line))
        made.cursor = cursor
        made.format.setBackground(QColor(colour))
        made.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        return made

    def _scroll(self) -> None:
        chosen = self.document.selection if self.document else frozenset()
        own = [k for k in range(len(self.lines)) if self.nodes_at(k) & chosen]
        if own:
            self._reveal(own[0])

    def _reveal(self, line: int) -> None:
        first = self.text.firstVisibleBlock().blockNumber()
        height = self.text.viewport().height() // max(1, self.text.fontMetrics().lineSpacing())
        if not first <= line < first + height - 1:
            self.text.verticalScrollBar().setValue(max(0, line - height // 3))

    def clicked(self, line: int) -> None:
        """Select the nodes of a line."""
        nodes = self.nodes_at(line)
        if nodes and self.document is not None:
            self.document.select(nodes)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.lines) + "\n")


class _Text(QPlainTextEdit):
    """The text; its first visible block is asked for by the page."""

    def __init__(self, page: CodePage) -> None:
        super().__init__()
        self._page = page
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(fonts.font("caption mono"))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setAccessibleName("Generated code")
        round_menu_of(self)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            self._page.clicked(self.cursorForPosition(event.position().toPoint()).blockNumber())


def _changed(before: Iterable[str], now: Iterable[str]) -> set[int]:
    """Places of lines that were not there before."""
    matcher = SequenceMatcher(None, list(before), list(now), autojunk=False)
    return {k for tag, _, _, low, high in matcher.get_opcodes() if tag != "equal"
            for k in range(low, high)}  # fmt: skip
