"""The strip over the canvas: a tab for each document, where in it we are, what the wires show."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QPushButton,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from gui import fonts
from gui.app import App
from gui.document import Document, DocumentChange
from gui.look import Look
from gui.theme import tokens
from gui.widgets.basics import label, line, plain, upright

SEPARATOR = "›"
WIDEST, CRUMB = 240, 160  # px of a tab, and of a name on the way to what is shown


class TabStrip(QWidget):
    """Tabs at the left, breadcrumb and `tools` at the right. Asks its owner to close documents."""

    close_asked = Signal(object)  # Document

    def __init__(self, app: App, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._busy = False
        self.setFixedHeight(tokens()["size"]["window"]["canvasStrip"])
        self.tabs = _Tabs()
        self.tabs.setProperty("kind", "documents")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setMovable(True)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setAccessibleName("Open documents")
        self.tabs.currentChanged.connect(self._picked)
        self.tabs.tabMoved.connect(self._moved)
        self.crumbs = QHBoxLayout()
        self.crumbs.setSpacing(0)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(8)
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(self.tabs, 1, Qt.AlignmentFlag.AlignBottom)
        row.addLayout(self.crumbs)
        row.addWidget(upright())
        row.addLayout(self.tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row, 1)
        column.addWidget(line())
        desk = app.desk
        desk.opened.connect(self._opened)
        desk.closed.connect(self._closed)
        desk.current_changed.connect(self._shown)
        desk.changed.connect(self._changed)
        desk.renamed.connect(self._named)
        for document in desk.documents:
            self._opened(document)
        self._shown(desk.current)

    # What the desk tells

    def _opened(self, document: Document) -> None:
        self._busy = True
        index = self.tabs.addTab(plain(document.title))
        self._busy = False
        self.tabs.setTabData(index, document)
        button = TabButton(self._app.look)
        button.clicked.connect(partial(self.close_asked.emit, document))
        self.tabs.setTabButton(index, QTabBar.ButtonPosition.RightSide, button)
        self._named(document)

    def _closed(self, document: Document) -> None:
        self._busy = True
        self.tabs.removeTab(self._index(document))
        self._busy = False
        self._shown(self._app.desk.current)

    def _shown(self, document: Document | None) -> None:
        if document is not None and (index := self._index(document)) >= 0:
            self._busy = True
            self.tabs.setCurrentIndex(index)
            self._busy = False
        self._show_crumbs()

    def _changed(self, document: Document, change: DocumentChange) -> None:
        self._named(document)
        if change.view and document is self._app.desk.current:
            self._show_crumbs()

    def _named(self, document: Document) -> None:
        index = self._index(document)
        if index < 0:
            return
        if self.tabs.tabText(index) != (text := plain(document.title)):
            self.tabs.setTabText(index, text)
            self._show_crumbs()
        self.tabs.setTabToolTip(index, str(document.path) if document.path else "Not saved yet")
        button = self.tabs.tabButton(index, QTabBar.ButtonPosition.RightSide)
        if isinstance(button, TabButton):
            button.show_state(document.title, dirty=not document.history.clean)

    # What the user does

    def _picked(self, index: int) -> None:
        if not self._busy and index >= 0:
            self._app.desk.show(self.tabs.tabData(index))

    def _moved(self, start: int, end: int) -> None:
        documents = self._app.desk.documents
        documents.insert(end, documents.pop(start))

    def _index(self, document: Document) -> int:
        found = (i for i in range(self.tabs.count()) if self.tabs.tabData(i) is document)
        return next(found, -1)

    def _show_crumbs(self) -> None:
        """The document's name and the definitions entered, each a way back."""
        document = self._app.desk.current
        steps: list[tuple[str, str]] = []
        if document is not None:
            steps = [(name or document.title, name) for name in document.trail]
        while (item := self.crumbs.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for place, (name, into) in enumerate(steps):
            short = fonts.metrics("body").elidedText(name, Qt.TextElideMode.ElideMiddle, CRUMB)
            tip = "" if short == name else name
            if place:
                self.crumbs.addWidget(label(SEPARATOR, "tertiary"))
            if place == len(steps) - 1:
                here = label(short, "tertiary")
                here.setToolTip(tip)
                here.setContentsMargins(8 if place else 0, 0, 0, 0)
                self.crumbs.addWidget(here)
                continue
            crumb = QPushButton(plain(short))
            crumb.setProperty("kind", "quiet")
            crumb.setToolTip(tip)
            crumb.setAccessibleName(f"Leave to {name}")
            crumb.clicked.connect(partial(self._leave, into))
            self.crumbs.addWidget(crumb)

    def _leave(self, into: str) -> None:
        if self._app.desk.current is not None:
            self._app.desk.current.enter(into)


class _Tabs(QTabBar):
    """No tab is wider than `WIDEST`: its name ends in an ellipsis there."""

    def tabSizeHint(self, index: int) -> QSize:
        size = super().tabSizeHint(index)
        return QSize(min(size.width(), WIDEST), size.height())

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)


class TabButton(QAbstractButton):
    """Closes a document; shows a dot while it has unsaved changes and nobody points at it."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._dirty = False
        self.setFixedSize(16, 16)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(16, 16)

    def show_state(self, title: str, *, dirty: bool) -> None:
        """Name the document and say whether it has unsaved changes."""
        self._dirty = dirty
        name = f"Close {title}" + (", which has unsaved changes" if dirty else "")
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(self.rect(), 4, 4)
            pen = QPen(QColor(theme.text), 1.5)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(QPointF(5.25, 5.25), QPointF(10.75, 10.75))
            painter.drawLine(QPointF(10.75, 5.25), QPointF(5.25, 10.75))
        elif self._dirty:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.text3))
            painter.drawEllipse(QPointF(8, 8), 3, 3)
        painter.end()

    def enterEvent(self, event: object) -> None:
        self.update()

    def leaveEvent(self, event: object) -> None:
        self.update()
