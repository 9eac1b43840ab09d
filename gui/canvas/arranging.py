"""Laying many nodes out beside the window's thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from gui.aside import Aside
from gui.canvas.tidy import Plan, place, planned
from gui.canvas.view_model import CanvasView
from gui.document import DocumentChange

if TYPE_CHECKING:
    from gui.canvas.view import Canvas

AT_ONCE = 60  # nodes; more take longer than a frame
LATER = 200  # ms


class Arranging(QObject):
    """Finds places for nodes, anew where the drawing changes meanwhile; another drawing ends it."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._aside = Aside("arrange", self)
        self._changed = False  # since places were asked for
        self._wanted: frozenset[str] = frozenset()
        self._later = QTimer(self, singleShot=True, interval=LATER)
        self._later.timeout.connect(lambda: self._find(self._wanted))
        self._unsubscribe = canvas.document.subscribe(self._heard)

    @property
    def busy(self) -> bool:
        """Whether places are being found."""
        return self._aside.busy or self._later.isActive()

    def begin(self) -> None:
        """Lay out what is selected now, or all nodes."""
        self._find(self._canvas.document.selection)

    def close(self) -> None:
        """Wait for what is under way; it moves nothing any more."""
        self._unsubscribe()
        self._later.stop()
        self._aside.close()

    def _find(self, ids: frozenset[str]) -> None:
        plan = planned(self._canvas, ids)
        if plan is None:
            return
        self._changed = False
        if len(plan.ids) <= AT_ONCE:
            place(self._canvas, plan, plan.made())
        else:
            self._aside.ask(plan.made, partial(self._found, plan))

    def _found(self, plan: Plan, made: CanvasView) -> None:
        if not self._canvas.is_idle:  # places may come once the hand is off
            self._wanted = plan.ids
            self._later.start()
        elif self._changed:
            self._find(plan.ids)
        else:
            place(self._canvas, plan, made)

    def _heard(self, change: DocumentChange) -> None:
        if change.entered:
            self._later.stop()
            self._aside.forget()
        elif change.title:
            self._changed = True
