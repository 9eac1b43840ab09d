"""The shape of what a dock holds."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QMenu, QWidget

from gui.app import App
from gui.document import Document, DocumentChange
from gui.widgets.basics import label

LEAST = 160, 80  # px
NARROW = 240  # px of width below which a page puts below what else stands beside
PREPARING = "Training is about to begin."
BEGUN = "The first numbers come in a moment."
COMPILING = "Compiling kernels for this machine, once. Training then begins by itself."


class Page(QWidget):
    """Content of one dock. It does nothing while it is hidden and catches up when it is shown.

    A subclass builds its widgets in `__init__` and overrides the hooks it needs.
    """

    title = ""
    id = ""
    open_asked = Signal(str)  # the id of another page that is to be seen

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app
        self._stale = True
        self._watched: frozenset[str] = frozenset()
        self.setAutoFillBackground(True)
        self.setMinimumSize(*LEAST)  # else what it says moves the docks beside it
        self.setAccessibleName(self.title)
        app.desk.current_changed.connect(self._current_changed)
        app.desk.changed.connect(self._document_changed)
        app.look.changed.connect(self._look_changed)
        app.trainer.changed.connect(self._run_changed)
        app.trainer.ticked.connect(self._ticked)

    @property
    def document(self) -> Document | None:
        """The document that is shown."""
        return self.app.desk.current

    @property
    def shows_run(self) -> bool:
        """Whether new numbers of the run are anything to it."""
        return type(self).refresh is not Page.refresh

    def nothing_yet(self, why: str) -> str:
        """What an empty page says: `why`, but while a run is under way that it comes by itself."""
        trainer = self.app.trainer
        if trainer.document is not self.document or not trainer.board.active:
            return why
        if trainer.board.state != "preparing":
            return BEGUN
        return COMPILING if trainer.board.preparing else PREPARING

    # Hooks

    def rebuild(self) -> None:
        """The document, the look or the run is another: show all anew."""

    def edited(self, change: DocumentChange) -> None:
        """The current document changed while the page is visible."""

    def refresh(self) -> None:
        """New numbers of the run are on the board; called while visible, with all other views."""

    def wants(self) -> frozenset[str]:
        """Names of the tensors to watch while the page is visible, asked after each rebuild."""
        return frozenset()

    def fill_menu(self, menu: QMenu) -> None:
        """Add entries of the page's own to the menu behind the three dots of its dock."""

    def watch(self) -> None:
        """Ask `wants` anew: a subclass calls it when its answer is another without a rebuild."""
        self._want(self.wants())

    # What calls them

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.shows_run:
            self.app.trainer.spectators.add(self)
        if self._stale:
            self._rebuild()
        else:
            self.watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.app.trainer.spectators.discard(self)
        self._want(frozenset())

    def _want(self, names: frozenset[str]) -> None:
        if names != self._watched:
            self._watched = names
            self.app.trainer.want(self, names)

    def _current_changed(self) -> None:
        self._renew()

    def _look_changed(self) -> None:
        self._renew()

    def _run_changed(self) -> None:
        self._renew()

    def _renew(self) -> None:
        if self.isVisible():
            self._rebuild()
        else:
            self._stale = True

    def _rebuild(self) -> None:
        self._stale = False
        self.rebuild()
        self.watch()

    def _ticked(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    def _document_changed(self, document: Document, change: DocumentChange) -> None:
        if document is not self.document:
            return
        if self.isVisible():
            self.edited(change)
        else:
            self._stale = True


def in_the_middle(text: str) -> QLabel:
    """What stands in a page that has nothing to show."""
    made = label(text, "tertiary")
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setWordWrap(True)
    made.setMargin(24)
    return made
