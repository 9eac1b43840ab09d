"""The panel at the left of the window: everything that can be put on the canvas, and examples."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.document import Document, DocumentChange
from gui.library.add import add_free, bring
from gui.library.drag import DropTarget
from gui.library.examples import ExampleList
from gui.library.nodes import NodeList
from gui.library.shelf import Item
from gui.palette.field import SearchField
from gui.palette.memory import Memory, memory

WIDTH = 216
EXAMPLES = 1  # the tab


class LibraryPanel(QWidget):
    """Tabs "Nodes" and "Examples" under one filter field."""

    def __init__(self, app: App, remembered: Memory | None = None) -> None:
        super().__init__()
        self._app = app
        self._memory = remembered or memory()
        # the canvas that nodes are added to; the window sets it
        self.canvas: Callable[[], Canvas | None] = lambda: None
        self.setAccessibleName("Library")
        self.setMinimumWidth(176)
        self.tabs = QTabBar()
        self.tabs.setProperty("kind", "segments")
        self.tabs.setExpanding(True)
        self.tabs.setDrawBase(False)
        self.tabs.setAccessibleName("Library")
        self.tabs.addTab("Nodes")
        self.tabs.addTab("Examples")
        self.field = SearchField(app.look, "Filter", "/")
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.nodes, self.examples = NodeList(app, self._memory), ExampleList(app)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.nodes)
        self.stack.addWidget(self.examples)
        self._lay_out()
        self.tabs.currentChanged.connect(self._switch)
        self.nodes.added.connect(self.add)
        self.nodes.left.connect(self.field.setFocus)
        self.examples.chosen.connect(app.desk.open_example)
        self.examples.left.connect(self.field.setFocus)
        app.desk.current_changed.connect(lambda _: self.nodes.rebuild())
        app.desk.changed.connect(self._document_changed)
        app.look.changed.connect(self.update)
        self._definitions: frozenset[str] = frozenset()
        self.nodes.rebuild()

    @property
    def drop_target(self) -> DropTarget:
        """Finds the canvas under a point of the screen; the window sets it."""
        return self.nodes.drop_target

    @drop_target.setter
    def drop_target(self, target: DropTarget) -> None:
        self.nodes.drop_target = target

    def focus_filter(self) -> None:
        """Put the keyboard into the field, its text selected."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 520)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._app.look.theme.panel)
        painter.end()

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(8, 8, 8, 4)
        top.setSpacing(8)
        top.addWidget(self.tabs)
        top.addWidget(self.field)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(top)
        box.addWidget(self.stack, 1)

    def _switch(self, tab: int) -> None:
        self.stack.setCurrentIndex(tab)
        self._filter()

    def _filter(self) -> None:
        shown = self.examples if self.tabs.currentIndex() == EXAMPLES else self.nodes
        shown.show_matches(self.field.text())

    def _document_changed(self, document: Document, change: DocumentChange) -> None:
        """Another set of subgraphs, or another drawing entered, makes another list."""
        if document is not self._app.desk.current or not change.view:
            return
        now = frozenset(document.graph.definitions) | {f"into {document.into}"}
        if now != self._definitions:
            self._definitions = now
            self.nodes.rebuild()

    def add(self, item: Item) -> None:
        """Add a node at the middle of what the canvas shows."""
        document = self._app.desk.current or self._app.desk.new()
        canvas = self.canvas()
        middle = Point(0.0, 0.0)
        if canvas is not None:
            area = canvas.heading.area
            middle = Point(area.x + area.width / 2, area.middle)
        id = add_free(document, item.op(), middle)
        if canvas is not None:
            bring(canvas, id)
        self._memory.used_node(item.name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
                event.accept()  # Esc clears the field, whatever it means to the window
                return True
            return event.type() == QEvent.Type.KeyPress and self._field_key(event)
        return False

    def _field_key(self, event: QKeyEvent) -> bool:
        """Esc clears, Down goes into the list, Enter takes its first row."""
        shown = self.examples if self.tabs.currentIndex() == EXAMPLES else self.nodes
        if event.key() == Qt.Key.Key_Escape and self.field.text():
            self.field.clear()
        elif event.key() == Qt.Key.Key_Down:
            shown.setFocus(Qt.FocusReason.TabFocusReason)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.field.text():
            shown.keyPressEvent(event)
        else:
            return False
        return True
