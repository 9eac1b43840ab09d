"""All docks: where they stand at first, how they move, and what is remembered of that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QTabBar, QTabWidget

from gui.app import App
from gui.docks import PAGES
from gui.shell.dock import Dock, more_button
from gui.style import restyle
from gui.theme import tokens
from gui.widgets.basics import IconButton

VERSION = 1  # of the saved state; another one is not restored
WIDTHS = (404, 376, 444, 376)  # of the groups at 1600 px
SHARE = 0.312  # of the frame's height that the docks have at first, where that is less than usual
BARS = "QMainWindowTabBar"  # Qt's name of the tabs of a group of docks
AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}


class Docks(QObject):
    """The docks of `frame`. A page is built when it is first seen, after `begin`."""

    def __init__(self, app: App, frame: QMainWindow) -> None:
        super().__init__(frame)
        self._app, self._frame = app, frame
        self._begun = False
        self._height = 0  # that they were given here; 0 before they are seen, -1 from elsewhere
        frame.setDockNestingEnabled(True)
        frame.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging  # else tabs cannot be dragged out
        )
        frame.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        # a smaller frame has no room for what `reset` asks, and shares what it gets later otherwise
        frame.resize(sum(WIDTHS), 4 * tokens()["size"]["window"]["docks"])
        self.by_id = {entry.id: Dock(app, entry, self._fill_menu) for entry in PAGES}
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._settle)
        self._idle = QTimer(self, singleShot=True, interval=0)
        self._idle.timeout.connect(self._build_next)
        self.reset()
        for dock in self:
            dock.topLevelChanged.connect(self._soon.start)
            dock.dockLocationChanged.connect(self._soon.start)
            dock.visibilityChanged.connect(partial(self._seen, dock))
            dock.open_asked.connect(self.open)

    def __iter__(self) -> Iterator[Dock]:
        return iter(self.by_id.values())

    def reset(self) -> None:
        """Put every dock where it stands at first."""
        groups: dict[int, Dock] = {}
        for dock in self:
            dock.setFloating(False)
            self._frame.removeDockWidget(dock)
        for dock in sorted(self, key=lambda dock: dock.entry.group):
            if dock.entry.group in groups:
                continue
            if groups:
                before = groups[max(groups)]
                self._frame.splitDockWidget(before, dock, Qt.Orientation.Horizontal)
            else:
                self._frame.addDockWidget(AREAS["bottom"], dock)
            groups[dock.entry.group] = dock
        for dock in self:  # not before: a group in tabs cannot be split any more
            if dock is not groups[dock.entry.group]:
                self._frame.tabifyDockWidget(groups[dock.entry.group], dock)
            dock.setVisible(not dock.entry.hidden)
        for dock in groups.values():
            dock.raise_()
        self._frame.resizeDocks(
            list(groups.values()),
            [WIDTHS[group % len(WIDTHS)] for group in groups],
            Qt.Orientation.Horizontal,
        )
        self._give_height(list(groups.values()))
        self._height = 0
        self._settle()

    def fit(self) -> None:
        """The frame has another height: a low one gives the docks less than usual, as the canvas
        needs room too. Once somebody has given them a height it stays.
        """
        below = [dock for dock in self if dock.on_top and not dock.isFloating()]
        below = [dock for dock in below if self._frame.dockWidgetArea(dock) == AREAS["bottom"]]
        if below and self._height in (0, below[0].height()):
            self._give_height(below)
            if (layout := self._frame.layout()) is not None:
                layout.activate()
            self._height = below[0].height()

    def _give_height(self, docks: list[Dock]) -> None:
        height = min(tokens()["size"]["window"]["docks"], round(SHARE * self._frame.height()))
        self._frame.resizeDocks(docks, [height] * len(docks), Qt.Orientation.Vertical)

    def begin(self) -> None:
        """The window has been painted: build the pages that are seen, then the others in idle."""
        self._begun = True
        self._settle()
        self._idle.start()

    def open(self, id: str) -> Dock:
        """Show a dock on top of its group and give it the keyboard."""
        dock = self.by_id[id]
        dock.show()
        dock.raise_()
        dock.show_page()
        if dock.page is not None:
            dock.page.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return dock

    def save(self) -> QByteArray:
        """Where everything is, for `restore`."""
        return self._frame.saveState(VERSION)

    def restore(self, state: QByteArray) -> bool:
        """Put everything where it was; False when `state` is of another version."""
        done = self._frame.restoreState(state, VERSION)
        self._height = -1 if done else self._height
        self._soon.start()
        return done

    def fill_view_menu(self, menu: QMenu) -> None:
        """One entry for each dock, ticked when it is open."""
        for dock in self:
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        menu.addAction("Reset layout", self.reset)

    def _seen(self, dock: Dock, visible: bool) -> None:
        self._soon.start()
        if visible and self._begun:
            dock.show_page()

    def _build_next(self) -> None:
        """One page at a time, those that are seen first."""
        left = [dock for dock in self if dock.page is None and not dock.isHidden()]
        left.sort(key=lambda dock: not dock.on_top)
        if left:
            left[0].show_page()
            self._idle.start()

    def _settle(self) -> None:
        """Docks in a group have tabs, others a bar of their own."""
        for dock in self:
            mates = [m for m in self._frame.tabifiedDockWidgets(dock) if not m.isHidden()]
            dock.set_alone(dock.isFloating() or not mates)
        for bar in self._frame.findChildren(QTabBar):  # those of floating groups too
            if bar.metaObject().className() == BARS and bar.findChild(IconButton) is None:
                self._equip(bar)

    def _equip(self, bar: QTabBar) -> None:
        bar.setProperty("kind", "docks")  # the last tab leaves room for the button
        bar.setDrawBase(False)
        bar.setExpanding(False)
        bar.setUsesScrollButtons(False)
        bar.setElideMode(Qt.TextElideMode.ElideRight)
        restyle(bar)
        bar.setAccessibleName("Docks")
        button = more_button(self._app, lambda menu: self._fill_group_menu(button, menu), bar)
        _Corner(bar, button)

    def _fill_group_menu(self, button: IconButton, menu: QMenu) -> None:
        bar = button.parentWidget()
        assert isinstance(bar, QTabBar)
        title = bar.tabText(bar.currentIndex())
        for dock in self:
            if dock.windowTitle() == title:
                self._fill_menu(dock, menu)

    def _fill_menu(self, dock: Dock, menu: QMenu) -> None:
        title = dock.entry.title
        if dock.page is not None:
            dock.page.fill_menu(menu)
            menu.addSeparator()
        menu.addAction(
            f"Dock {title}" if dock.isFloating() else f"Float {title}",
            lambda: dock.setFloating(not dock.isFloating()),
        )
        for name, area in AREAS.items():
            move = menu.addAction(f"Move {title} to the {name}", partial(self._move, dock, area))
            move.setEnabled(self._frame.dockWidgetArea(dock) != area or dock.isFloating())
        menu.addAction(f"Close {title}", dock.close)
        closed = [other for other in self if other.isHidden()]
        if closed:
            menu.addSeparator()
        for other in closed:
            menu.addAction(f"Open {other.entry.title}", partial(self._open_beside, dock, other))

    def _move(self, dock: Dock, area: Qt.DockWidgetArea) -> None:
        dock.setFloating(False)
        self._frame.addDockWidget(area, dock)

    def _open_beside(self, dock: Dock, other: Dock) -> None:
        if not dock.isFloating():
            self._frame.tabifyDockWidget(dock, other)
        self.open(other.entry.id)


class _Corner(QObject):
    """Keeps a button at the right end of a tab bar."""

    def __init__(self, bar: QTabBar, button: IconButton) -> None:
        super().__init__(bar)
        self._button = button
        bar.installEventFilter(self)
        self._place(bar)
        button.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # as it is given: Python objects of Qt's own parts may end before those do
        if isinstance(event, QResizeEvent) and isinstance(watched, QTabBar):
            self._place(watched)
        return False

    def _place(self, bar: QTabBar) -> None:
        size = self._button.sizeHint()
        self._button.setGeometry(
            bar.width() - size.width() - 8,
            (bar.height() - size.height()) // 2,
            size.width(),
            size.height(),
        )
        self._button.raise_()
