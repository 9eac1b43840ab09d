"""The problems of the document: where, what was found and expected, and one click that mends it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from graph.checks import Problem
from graph.rules import EditError
from gui import fonts
from gui.app import App
from gui.docks.page import Page
from gui.document import DocumentChange
from gui.widgets.basics import label

ROW = 36
NAME = 132  # px for the name of the node
GAP, EDGE, ICON = 12, 8, 16  # px
BESIDE = 16  # px at most that the list keeps beside a row
WIDE = 560  # px: narrower, the words are below the name
MOST = 200  # rows: nobody mends more at once, and each is a widget


class ProblemsPage(Page):
    """One row a problem, errors first; Enter or a click jumps to the node."""

    title = "Problems"
    id = "problems"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._shown: tuple[Problem, ...] | None = None
        self.empty = QLabel("No problems. The graph can be trained.")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(24, 0, 24, 0)
        self.empty.setProperty("tone", "tertiary")
        self.list = QListWidget()
        self.list.setAccessibleName("Problems")
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.viewport().installEventFilter(self)
        self.list.itemClicked.connect(self._jump)
        self.list.itemActivated.connect(self._jump)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.list)
        layout.addWidget(self.empty)

    def rebuild(self) -> None:
        self._shown = None
        self._fill()

    def edited(self, change: DocumentChange) -> None:
        self._fill()

    def _fill(self) -> None:
        problems = self.document.problems if self.document else ()
        if problems == self._shown:
            return
        self._shown = problems
        self.list.clear()
        for problem in problems[:MOST]:
            item = QListWidgetItem()
            # read by screen readers; the row's widget shows it
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{problem.severity}: {problem}")
            self.list.addItem(item)
            self.list.setItemWidget(item, _Row(self.app, problem, self))
        if len(problems) > MOST:
            self.list.addItem(f"… and {len(problems) - MOST:,} more")
        self._fit()
        empty = self.document is not None and not len(self.document.graph)
        self.empty.setText(
            "Nothing to check yet." if empty else "No problems. The graph can be trained."
        )
        self.list.setVisible(bool(problems))
        self.empty.setVisible(not problems)

    def _fit(self) -> None:
        """Give every row the height that its words need."""
        width = self.list.viewport().width() - BESIDE
        for place in range(self.list.count()):
            row = self.list.itemWidget(self.list.item(place))
            if isinstance(row, _Row):
                self.list.item(place).setSizeHint(QSize(0, row.fit(width)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:  # a hidden list has a width of long ago
            self._fit()
        return super().eventFilter(watched, event)

    def _jump(self, item: QListWidgetItem) -> None:
        row = self.list.row(item)
        if self._shown and row < min(MOST, len(self._shown)):
            problem = self._shown[row]
            self.app.desk.jump(problem.path, problem.definition)

    def mend(self, problem: Problem) -> None:
        """Do the first remedy of a problem; it is one step of the history."""
        if self.document is None or not problem.mends:
            return
        try:
            self.document.push(problem.mends[0])
        except EditError as error:  # the graph has changed since
            self.empty.setText(str(error))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.list.currentRow()
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if (
            event.key() == Qt.Key.Key_Return
            and control
            and self._shown
            and 0 <= row < min(MOST, len(self._shown))
        ):
            self.mend(self._shown[row])
        else:
            super().keyPressEvent(event)


class _Row(QWidget):
    def __init__(self, app: App, problem: Problem, page: ProblemsPage) -> None:
        super().__init__()
        look, document = app.look, page.document
        colour = look.theme.error if problem.severity == "error" else look.theme.warn
        icon = QLabel()
        icon.setPixmap(
            look.icon("warning", colour).pixmap(QSize(ICON, ICON), self.devicePixelRatioF())
        )
        icon.setAccessibleName(problem.severity)
        where = f"{problem.path}.{problem.port}" if problem.port else problem.path or "Graph"
        name = label(fonts.metrics("section").elidedText(where, Qt.TextElideMode.ElideRight, NAME))
        name.setFont(fonts.font("section"))
        name.setFixedWidth(NAME)
        text = _sentence(f"{problem.message}; {problem.remedy}")
        message = label(text, "secondary")
        message.setWordWrap(True)
        message.setMinimumWidth(40)
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._name, self._message = name, message
        self._button: QPushButton | None = None
        self._words.addWidget(name)
        self._words.addWidget(message, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, EDGE, GAP, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(icon)
        layout.addLayout(self._words, 1)
        for widget in (icon, name, message):  # a click is the list's
            widget.setAttribute(
                Qt.WidgetAttribute.WA_TransparentForMouseEvents, widget is not message
            )
        if problem.mends and document is not None:
            title = problem.mends[0].title(document.graph)
            button = QPushButton(title)
            button.setProperty("kind", "link")
            button.setToolTip("Ctrl+Enter")
            button.clicked.connect(lambda: page.mend(problem))
            self._words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
            self._button = button

    def fit(self, width: int) -> int:
        """Put the words beside the name where there is room, else below; returns the height."""
        beside, way = width >= WIDE, QBoxLayout.Direction
        self._words.setDirection(way.LeftToRight if beside else way.TopToBottom)
        self._words.setSpacing(GAP if beside else 4)
        self._message.ensurePolished()  # else the words are measured in another font
        others = [self._name, *([self._button] if self._button else [])]
        room = width - 3 * GAP - ICON
        if beside:
            room -= sum(one.sizeHint().width() + GAP for one in others)
        words = self._message.heightForWidth(max(room, 40))
        self._message.setMinimumHeight(words)  # layouts ask for less than words of a row need
        heights = [one.sizeHint().height() for one in others]
        inner = max(words, *heights) if beside else words + sum(heights) + 4 * len(heights)
        return max(ROW, inner + 2 * EDGE)


def _sentence(text: str) -> str:
    found = text[:1].upper() + text[1:]
    return found if found.endswith((".", "?", "!")) else f"{found}."
