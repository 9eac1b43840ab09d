"""One dock: a page that is built when it is first seen, under a bar of our own."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from gui import fonts
from gui.app import App
from gui.docks import PageEntry
from gui.docks.page import Page
from gui.theme import tokens
from gui.widgets.basics import IconButton
from gui.widgets.menus import rounded

BAR = tokens()["size"]["window"]["dockTabs"]
MARGIN, PADDING, UNDERLINE = 4, 9, 2  # as QTabBar::tab in window.qss

FillMenu = Callable[["Dock", QMenu], None]


class Dock(QDockWidget):
    """Holds the page of an entry. `alone` says whether it needs a bar: a group has tabs instead."""

    open_asked = Signal(str)  # by its page: the id of another

    def __init__(self, app: App, entry: PageEntry, fill_menu: FillMenu) -> None:
        super().__init__(entry.title)
        self.entry, self._app = entry, app
        self.page: Page | None = None
        self.setObjectName(f"dock.{entry.id}")
        self.setAccessibleName(entry.title)
        holder = QWidget()
        self._place = QVBoxLayout(holder)
        self._place.setContentsMargins(0, 0, 0, 0)
        self.setWidget(holder)
        self._bar = DockBar(app, self, fill_menu)
        self._none = QWidget(self)
        self._none.hide()
        self.setTitleBarWidget(self._bar)
        self.visibilityChanged.connect(self._seen)

    def set_alone(self, alone: bool) -> None:
        """Show a bar of its own, or leave that to the tabs of its group."""
        wanted: QWidget = self._bar if alone else self._none
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)
            wanted.setVisible(alone)

    def build(self) -> Page:
        """The page, imported and built when it is not there yet."""
        if self.page is None:
            self.page = self.entry.load(self._app)
            self.page.setVisible(False)
            self._place.addWidget(self.page)
            self.page.windowTitleChanged.connect(self._titled)
            self.page.open_asked.connect(self.open_asked)
        return self.page

    def show_page(self) -> None:
        """Build the page and show it, when the dock is on top of its group."""
        self.build().setVisible(self.on_top)

    @property
    def on_top(self) -> bool:
        """Whether the dock is open and not covered by another of its group."""
        # Qt moves covered docks out of sight; a visible region would leave out what a page paints
        inside = self.isFloating() or self.geometry().right() >= 0
        return self.isVisible() and inside

    def _seen(self, visible: bool) -> None:
        # Qt keeps covered docks visible: their pages would go on painting
        if self.page is not None:
            self.page.setVisible(visible)

    def _titled(self, title: str) -> None:
        self.setWindowTitle(title or self.entry.title)
        self._bar.update()


class DockBar(QWidget):
    """The bar of a dock that stands alone: its title as an active tab, and a menu."""

    def __init__(self, app: App, dock: Dock, fill_menu: FillMenu) -> None:
        super().__init__()
        self._look, self._dock = app.look, dock
        self.setFixedHeight(BAR)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.addStretch()
        row.addWidget(more_button(app, lambda menu: fill_menu(dock, menu), self))
        self._look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), BAR)  # else the page begins under the bar

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        title = self._dock.windowTitle()
        width = round(fonts.measure(title, "body")) + 2 * PADDING
        painter.fillRect(self.rect(), QColor(theme.panel))
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text))
        text = QRect(MARGIN + PADDING, 0, width, BAR - UNDERLINE)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, title)
        painter.fillRect(QRect(MARGIN, BAR - UNDERLINE, width, UNDERLINE), QColor(theme.accent))
        painter.end()


def more_button(app: App, fill: Callable[[QMenu], None], parent: QWidget) -> IconButton:
    """The three dots, with a menu that is filled anew each time."""
    button = IconButton(app.look, "more", "More", parent)
    menu = rounded(QMenu(button))

    def refill() -> None:
        menu.clear()
        fill(menu)

    menu.aboutToShow.connect(refill)
    button.setMenu(menu)
    button.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
    return button
