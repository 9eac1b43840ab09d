"""The bar at the top: the mark, the menus, undo and redo, the search field, device and export."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QMenuBar,
    QSizePolicy,
    QWidget,
)

from gui import fonts
from gui.actions import MENUS
from gui.app import App
from gui.look import icon_pixmap
from gui.theme import tokens
from gui.widgets.basics import Button, IconButton
from gui.widgets.menus import rounded

SEARCH_WIDTH, LEAST_WIDTH, SEARCH_HEIGHT = 360, 140, 26
# Actions that begin a group within their subject.
_FIRST = {
    *("file.save", "file.export_pytorch", "file.close", "file.preferences", "file.quit"),
    *("edit.cut", "edit.delete", "edit.select_all", "edit.rename"),
    *("view.palette", "view.next_area"),
    *("graph.wire", "graph.straighten", "graph.align_left", "graph.frame", "graph.define"),
    *("graph.add", "train.swap"),
}
Fill = Callable[[QMenu], None]


class TopBar(QWidget):
    """`searched`: the search field was clicked; `home`: the mark was."""

    searched = Signal()
    home = Signal()
    device_asked = Signal()

    def __init__(self, app: App, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._submenus: dict[str, list[tuple[str, str, Fill]]] = {}
        self.setFixedHeight(tokens()["size"]["window"]["topBar"])
        self.menus = QMenuBar()
        self.menus.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for name in MENUS:
            menu = rounded(self.menus.addMenu(name))
            menu.aboutToShow.connect(partial(self._fill, menu, name))
            # no mnemonics: they underline a letter all the time
            keys = QShortcut(QKeySequence(f"Alt+{name[0]}"), self)
            keys.activated.connect(partial(self.menus.setActiveAction, menu.menuAction()))
        self.search = SearchField(app)
        self.search.clicked.connect(self.searched)
        self.device = Button(app.look, device_text(None), "cpu", "quiet")
        self.device.setToolTip("What the network is trained on")
        self.device.clicked.connect(self.device_asked)
        self.export = Button(app.look, "Export", "export", "quiet")
        self.export_menu = rounded(QMenu(self.export))
        self.export_menu.aboutToShow.connect(self._fill_export)
        self.export.setMenu(self.export_menu)
        mark = Mark(app)
        mark.clicked.connect(self.home)
        self.undo = self._history_button("undo", "Undo", "edit.undo")
        self.redo = self._history_button("redo", "Redo", "edit.redo")
        left, right = QHBoxLayout(), QHBoxLayout()
        for widget in (mark, self.menus, self.undo, self.redo):
            left.addWidget(widget)
        left.setSpacing(4)
        left.insertSpacing(1, 8)
        left.insertSpacing(3, 12)
        left.addStretch()
        right.addStretch()
        right.addWidget(self.device)
        right.addWidget(self.export)
        right.setSpacing(0)
        row = QGridLayout(self)
        row.setContentsMargins(12, 0, 4, 1)
        row.setHorizontalSpacing(12)
        row.addLayout(left, 0, 0)
        row.addWidget(self.search, 0, 1)
        row.addLayout(right, 0, 2)
        row.setColumnStretch(0, 1)
        row.setColumnStretch(2, 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._app.look.theme.hair))
        painter.end()

    def add_submenu(self, menu: str, before: str, title: str, fill: Fill) -> None:
        """A submenu that is filled anew each time, before the action `before` ("": at the end)."""
        self._submenus.setdefault(menu, []).append((before, title, fill))

    def connect_history(self) -> None:
        """Follow the actions edit.undo and edit.redo, once they exist."""
        for button, id in ((self.undo, "edit.undo"), (self.redo, "edit.redo")):
            action = self._app.actions[id]
            action.changed.connect(partial(self._history_changed, button, id))
            self._app.desk.changed.connect(partial(self._history_changed, button, id))
            self._app.desk.current_changed.connect(partial(self._history_changed, button, id))
            self._history_changed(button, id)

    def _history_button(self, icon: str, name: str, id: str) -> IconButton:
        button = IconButton(self._app.look, icon, name)
        button.clicked.connect(lambda: self._app.actions[id].trigger())
        button.setEnabled(False)
        return button

    def _history_changed(self, button: IconButton, id: str, *_: object) -> None:
        action, document = self._app.actions[id], self._app.desk.current
        button.setEnabled(action.isEnabled())
        step = ""
        if document is not None:
            history = document.history
            step = history.undo_title if id == "edit.undo" else history.redo_title
        word = id.partition(".")[2].capitalize()
        action.setText(f"{word} “{step}”" if step else word)
        key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        button.setToolTip(f"{action.text()}  {key}".strip())

    def _fill(self, menu: QMenu, name: str) -> None:
        """Entries in their order; a line where the first part of the id, the subject, changes."""
        self._app.actions.refresh()
        menu.clear()
        inserts = self._submenus.get(name, [])
        subject = ""
        for entry in self._app.actions.of_menu(name):
            own = entry.id.partition(".")[0]
            if (subject and own != subject) or entry.id in _FIRST:
                menu.addSeparator()
            subject = own
            for before, title, fill in inserts:
                if before == entry.id:
                    fill(rounded(menu.addMenu(title)))
            menu.addAction(entry.action)
        for before, title, fill in inserts:
            if not before:
                menu.addSeparator()
                fill(rounded(menu.addMenu(title)))

    def _fill_export(self) -> None:
        self._app.actions.refresh()
        self.export_menu.clear()
        for entry in self._app.actions:
            if entry.id.startswith("file.export"):
                self.export_menu.addAction(entry.action)


def device_text(threads: int | None) -> str:
    """Such as "CPU · 8 threads"; None: as many as the machine has."""
    count = threads or os.cpu_count() or 1
    return f"CPU · {count} {'thread' if count == 1 else 'threads'}"


class Mark(QAbstractButton):
    """The thread between two rails, and the name; a click leads to the start screen."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._look = app.look
        self.setAccessibleName("Start screen")
        self.setToolTip("Start screen")
        self._look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(32 + round(fonts.measure("Netloom", "panel title")), 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        ratio = self.devicePixelRatioF()
        top = (self.height() - 16) // 2
        painter.drawPixmap(0, top, icon_pixmap("logo_rails", theme.text3, 16, ratio))
        painter.drawPixmap(0, top, icon_pixmap("logo_thread", theme.accent, 16, ratio))
        painter.setFont(fonts.font("panel title"))
        painter.setPen(QColor(theme.text))
        painter.drawText(
            self.rect().adjusted(28, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "Netloom"
        )
        painter.end()


class SearchField(QAbstractButton):
    """Looks like a field, opens the palette: the palette has the real field."""

    text_shown = "Search nodes and commands"

    def __init__(self, app: App) -> None:
        super().__init__()
        self._look = app.look
        self.key = "Ctrl K"
        self.setAccessibleName(self.text_shown)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setFixedHeight(SEARCH_HEIGHT)
        self.setMinimumWidth(LEAST_WIDTH)
        self.setMaximumWidth(SEARCH_WIDTH)
        self._look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(SEARCH_WIDTH, SEARCH_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        radius = tokens()["size"]["radius"]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(theme.text3 if self.underMouse() else theme.border)))
        painter.setBrush(QColor(theme.field))
        painter.drawRoundedRect(box, radius["button"], radius["button"])
        icon = icon_pixmap("search", theme.text2, 16, self.devicePixelRatioF())
        painter.drawPixmap(8, (self.height() - 16) // 2, icon)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text3))
        width = fonts.measure(self.key, "caption mono") + 10
        inside = self.rect().adjusted(31, 0, -round(width) - 12, 0)
        words = fonts.metrics("body").elidedText(
            self.text_shown, Qt.TextElideMode.ElideRight, inside.width()
        )
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, words)
        chip = QRectF(self.width() - width - 6.5, 5.5, width, SEARCH_HEIGHT - 11.0)
        painter.setPen(QPen(QColor(theme.border)))
        painter.drawRoundedRect(chip, radius["badge"], radius["badge"])
        painter.setFont(fonts.font("caption mono"))
        painter.setPen(QColor(theme.text2))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, self.key)
        painter.end()

    def enterEvent(self, event: object) -> None:
        self.update()

    def leaveEvent(self, event: object) -> None:
        self.update()
