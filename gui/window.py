"""The window: the start screen or the workbench, under one top bar, over one status bar."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.app import App
from gui.canvas.view import Canvas
from gui.desk import Desk
from gui.dialogs.about import About, own_version
from gui.dialogs.preferences import PreferencesDialog
from gui.document import Document
from gui.file_actions import SUFFIXES, Files, add_actions
from gui.look import Look
from gui.parts import Parts
from gui.preferences import Preferences
from gui.run.file_problems import FileProblems
from gui.run.trainer import Trainer
from gui.shell import areas
from gui.shell.canvases import Canvases
from gui.shell.keeper import NOWHERE, Keeper, Places
from gui.shell.workbench import Workbench
from gui.start.first_net import FirstNet
from gui.start.gallery import Gallery
from gui.start.guide import Guide
from gui.start.recent import home_text
from gui.statusbar import StatusBar
from gui.topbar import TopBar, device_text
from gui.widgets.basics import plain
from gui.widgets.drop_sign import DropSign
from gui.widgets.focus_ring import FocusRing
from gui.widgets.notice import Notice, Offer, Tone
from gui.widgets.tips import TipsSoon
from gui.widgets.typed import take_typed

if TYPE_CHECKING:
    from compute.prepare import TrainOptions

RECENT = 10
SIZE, SMALLEST = (1600, 1000), (960, 600)


class MainWindow(QMainWindow):
    """Builds every part and wires them; `painted` comes once, after the first paint."""

    painted = Signal()

    def __init__(self, look: Look, preferences: Preferences, places: Places = NOWHERE) -> None:
        super().__init__()
        self.preferences = preferences
        self.canvases = Canvases()
        self.app = App(
            look, Desk(self, places.journals), Actions(self, self.canvases), Trainer(self)
        )
        self._leaving = self._seen = False
        self._drop_sign = DropSign(look, self)
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.resize(*SIZE)
        self.files = Files(self.app, self, self.say)
        self._build()
        add_actions(self.app, self.files, self.ask_preferences)
        actions = self.app.actions
        actions.add("file.quit", "Quit", self.close, menu="File", keys=("Ctrl+Q",))
        self.parts = Parts(self)
        actions.add("help.about", "About Netloom", self.show_about, menu="Help", icon="info")
        actions.add("view.start", "Start screen", self.show_start, menu="View", icon="home")
        areas.add_actions(self)
        self.keeper = Keeper(self.app, self.say, places, self)
        self._connect()
        if preferences.damaged is not None:
            kept = home_text(preferences.damaged)
            self.say(f"The preferences were damaged and begin anew. They are kept: {kept}.", "warn")
        self._restore()
        self._shown(self.app.desk.current)

    @property
    def canvas(self) -> Canvas | None:
        """The canvas that is shown; None on the start screen."""
        return self.canvases.current if self.app.desk.current is not None else None

    def say(self, text: str, tone: Tone = "error", offers: Sequence[Offer] = ()) -> None:
        """Tell the user something, in a bar that stays until it is closed."""
        self.notice.say(text, tone, offers)

    def show_start(self) -> None:
        """Show the start screen; the documents stay open."""
        self.app.desk.show(None)

    def show_about(self) -> None:
        """Show the version and the licences."""
        About(self.app.look, self).open()

    def ask_preferences(self) -> None:
        """Show the preferences."""
        PreferencesDialog(self.app.look, self.preferences, self).open()

    # Building

    def _build(self) -> None:
        self.top = TopBar(self.app)
        self.setMenuWidget(self.top)
        self.canvases.follow(self.app)
        self.notice = Notice(self.app.look)
        self.start = Gallery(self.app)
        self.workbench = Workbench(self.app, self.canvases)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.addWidget(self.workbench)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        column.addWidget(self.stack, 1)
        self.setCentralWidget(middle)
        self.status = StatusBar(self.app)
        self.setStatusBar(self.status)
        self.ring = FocusRing(self, self.app.look)
        TipsSoon(self)
        self.file_problems = FileProblems(self.app, self)

    def _connect(self) -> None:
        desk, actions = self.app.desk, self.app.actions
        self.canvases.made.connect(self._canvas_made)
        self.canvases.changed.connect(self._show_zoom)
        desk.going.connect(take_typed)
        desk.current_changed.connect(self._shown)
        desk.changed.connect(actions.refresh_soon)
        desk.jumped.connect(self._jumped)
        desk.renamed.connect(lambda _: self._show_title())
        self.app.trainer.changed.connect(actions.refresh_soon)
        self.app.trainer.said.connect(lambda text: self.say(text, "warn"))
        self.app.trainer.options = self._options
        self.app.trainer.permission.wanted.connect(self._ask_to_read)
        self.workbench.strip.close_asked.connect(self.files.close)
        self.top.home.connect(self.show_start)
        self.top.device_asked.connect(self.ask_preferences)
        self.top.add_submenu("View", "", "Docks", self.workbench.docks.fill_view_menu)
        self.top.add_submenu("File", "file.data", "Open recent", self._fill_recent)
        self.start.new_asked.connect(self.files.new)
        self.start.open_asked.connect(self.files.choose)
        self.start.data_asked.connect(self.files.choose_data)
        self.start.files.chosen.connect(self.files.open)
        self.start.drop.dropped.connect(self.files.open)
        self.status.problems_asked.connect(lambda: self.workbench.docks.open("problems"))
        self.status.zoom_asked.connect(self._zoom_whole)
        self.preferences.changed.connect(self._preferred)
        self._preferred()

    # Documents and canvases

    def _shown(self, document: Document | None) -> None:
        """Another document is current, or none: then the start screen is shown."""
        if document is None:
            self.start.show_recent(self.keeper.recent[:RECENT])
        self.stack.setCurrentWidget(self.start if document is None else self.workbench)
        if document is not None and self._seen:
            self.workbench.docks.begin()
        if self.canvas is not None:
            self.canvas.setFocus()
        else:
            self.start.cards[0].setFocus()
        self._show_title()
        self._show_zoom()
        self.app.actions.refresh_soon()

    def _canvas_made(self, canvas: Canvas) -> None:
        canvas.camera_changed.connect(self._show_zoom)
        self._set_motion(canvas)
        canvas.said.connect(lambda text: self.say(text, "warn"))
        guide = Guide(self.app, canvas)
        guide.example_asked.connect(lambda: self.app.desk.open_example("digits-cnn"))
        guide.data_asked.connect(self.files.choose_data)
        guide.open_asked.connect(self.files.choose)
        FirstNet(self.app, canvas)
        self.parts.canvas_made(canvas)
        QTimer.singleShot(0, canvas, lambda: _show_data(canvas))

    def _show_zoom(self) -> None:
        self.status.show_zoom(None if self.canvas is None else self.canvas.camera.zoom)

    def _zoom_whole(self) -> None:
        if self.canvas is not None:
            self.canvas.zoom_by(-self.canvas.camera.rung)

    def _jumped(self, id: str) -> None:
        if self.canvas is not None:
            self.canvas.show_node(id)

    def _show_title(self) -> None:
        document = self.app.desk.current
        self.setWindowTitle("Netloom" if document is None else f"{document.title} – Netloom")

    def _fill_recent(self, menu: QMenu) -> None:
        for file in self.keeper.recent[:RECENT]:
            path = Path(file.path)
            menu.addAction(
                plain(f"{path.name}    {home_text(path.parent)}"), partial(self.files.open, path)
            )
        menu.setEnabled(bool(self.keeper.recent))

    @property
    def _workspace(self) -> Path | None:
        chosen = self.preferences.values.workspace
        return Path(os.path.expanduser(chosen)) if chosen else None  # Path would raise of "~nobody"

    def _options(self, document: Document) -> TrainOptions:
        from compute.prepare import TrainOptions

        values = self.preferences.values
        return TrainOptions(
            self.app.trainer.device,
            values.threads or None,
            workspace=self._workspace,
            folder=document.folder,
            name=document.title,
            allowed=document.allowed,
        )

    def _ask_to_read(
        self, document: Document, files: Sequence[Path], then: Callable[[], object]
    ) -> None:
        """A graph names files outside its folder: the user says whether they may be read."""

        def allow() -> None:
            document.allowed |= frozenset(files)
            if document in self.app.desk.documents:  # else it was closed meanwhile
                then()

        names = ", ".join(map(str, files[:3])) + (", …" if len(files) > 3 else "")
        offers = (("Not now", lambda: None), ("Allow", allow))
        self.say(f"Read {names}? It lies outside the folder of this graph.", "warn", offers)

    # Preferences and places

    def _preferred(self) -> None:
        values = self.preferences.values
        self.app.look.choose(values.theme)
        for canvas in self.canvases.all:
            self._set_motion(canvas)
        text = device_text(values.threads or None)
        self.top.device.setText(text)
        self.status.idle = text
        self.status.refresh()

    def _set_motion(self, canvas: Canvas) -> None:
        canvas.wheel_pans = self.preferences.values.wheel == "pan"
        canvas.still = self.preferences.values.reduced_motion

    def _restore(self) -> None:
        values = self.preferences.values
        self.restoreGeometry(_bytes(values.geometry))
        self.workbench.set_columns(values.columns)
        if values.docks:
            self.workbench.docks.restore(_bytes(values.docks))

    def _remember(self) -> None:
        self.preferences.set(
            geometry=_text(self.saveGeometry()),
            docks=_text(self.workbench.docks.save()),
            columns=tuple(self.workbench.columns),
        )

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._seen:
            self._seen = True
            QTimer.singleShot(0, self, self._after_paint)

    def _after_paint(self) -> None:
        self.painted.emit()
        self.start.begin(self._workspace)
        self.keeper.offer_left()
        self.status.version = f"Netloom {own_version()}"
        self.status.refresh()
        if self.app.desk.current is not None:
            self.workbench.docks.begin()

    def closeEvent(self, event: QCloseEvent) -> None:
        take_typed()
        unsaved = any(not one.history.clean for one in self.app.desk.documents)
        if unsaved and not self._leaving:
            event.ignore()
            self.files.leave(self._leave)
            return
        self._remember()
        self.keeper.remember()
        self.file_problems.close()
        self.app.trainer.close()
        event.accept()

    def _leave(self) -> None:
        self._leaving = True
        self.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files := _files(event):
            event.acceptProposedAction()
            self._drop_sign.tell(files)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_sign.tell(())

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_sign.tell(())
        for path in _files(event):
            self.files.open(path)
        event.acceptProposedAction()


def _files(event: QDropEvent) -> list[Path]:
    """The files of a drag that can be opened."""
    urls = event.mimeData().urls()
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() in SUFFIXES]


def _show_data(canvas: Canvas) -> None:
    """Draw what data nodes hold; nodes grow by that, so look at the whole drawing again."""
    from gui.run.previews import data_previews

    document = canvas.document
    document.show_previews({**document.previews_of(""), **data_previews(document.graph)}, "")
    if document.cameras:
        canvas.fit_again()
    else:
        canvas.fit()


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())
