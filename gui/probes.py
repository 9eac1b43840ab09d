"""Probes: what passes wires while a run goes on, pinned beside them or told beside the pointer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtWidgets import QWidget

from compute.events import Tap
from graph.graph import Graph, Wire
from graph.lower import LowerError, Model
from gui.app import App
from gui.canvas.geometry import TAG_LEAD, TAG_WIDTH, Point
from gui.canvas.scene import Touched
from gui.canvas.view import Canvas
from gui.document import Document, DocumentChange
from gui.probe_card import ProbeCard, short

Place = tuple[str, Wire]  # the drawing, and a wire of it


class Probes(QObject):
    """Those of one canvas; a click on a wire pins one while the document's run goes on."""

    def __init__(self, app: App, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.app, self.canvas = app, canvas
        self.document: Document = canvas.document
        self.cards: dict[Place, ProbeCard] = {}
        self._rows: dict[Wire, int] = {}
        self._hovered = ""
        self._run: Graph | None = None
        self._model: Model | None = None
        canvas.tips.statistics = self.statistics
        canvas.wire_clicked.connect(self._clicked)
        canvas.camera_changed.connect(self._place)
        canvas.scene.subscribe(self._touched)
        canvas.installEventFilter(self)
        app.trainer.changed.connect(self._watch)
        app.trainer.ticked.connect(self._ticked)
        app.look.changed.connect(self._ticked)
        app.desk.closed.connect(self._closed)
        self._unsubscribe = self.document.subscribe(self._changed)

    # Pinning

    def toggle(self, wire: Wire) -> None:
        """Pin a probe to a wire of the drawing shown, or take it away."""
        place = self.document.into, wire
        if place in self.cards:
            self.unpin(place)
        else:
            self._pin(place)

    def _pin(self, place: Place) -> None:
        drawing, wire = self.document.drawing, place[1]
        title = f"{drawing.node(wire.source).label} → {drawing.node(wire.target).label}"
        card = ProbeCard(self.app.look, self.canvas, title, partial(self.unpin, place))
        row = self._row(wire)
        if row is not None:
            card.stand_clear(self._at(row), self._taken())
        self.cards[place] = card
        self._place()
        self._watch()
        self._ticked()

    def unpin(self, place: Place) -> None:
        """Take a probe away."""
        card = self.cards.pop(place)
        card.hide()
        card.deleteLater()
        self._watch()

    def _clicked(self, row: int) -> None:
        place = self.document.into, self.document.wires[row]
        if self._is_live and self.app.trainer.board.active and place not in self.cards:
            self._pin(place)

    # What others tell

    @property
    def _is_live(self) -> bool:
        return self.app.trainer.document is self.document

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self._watch()
        return False

    def _touched(self, touched: Touched) -> None:
        if not touched.looks:
            self._place()

    def _changed(self, change: DocumentChange) -> None:
        if not (change.view or change.entered):
            return
        self._rows.clear()
        for place in [place for place in self.cards if not self._is_there(place)]:
            self.unpin(place)
        self._place()
        if change.entered:  # perhaps by another instance
            self._watch()
            self._ticked()

    def _is_there(self, place: Place) -> bool:
        (into, wire), graph = place, self.document.graph
        if into and into not in graph.definitions:
            return False
        return bool(graph.drawing(into).net.has_edge(wire.source, wire.target, key=wire))

    def _closed(self, document: Document) -> None:
        if document is self.document:
            self._unsubscribe()
            self.app.trainer.want(self, frozenset())

    # Values

    def _name(self, into: str, wire: Wire) -> str:
        document = self.document
        shown = into == document.into
        prefix = document.prefix if shown else document.checked.spots[into].prefix
        return f"value:{prefix}{wire.source}.{wire.output}"

    def _watch(self) -> None:
        """Have what is shown watched, and nothing that the run does not know."""
        trainer, names = self.app.trainer, set[str]()
        if self._is_live and self.canvas.isVisible():
            names = {self._name(*place) for place in self.cards} | {self._hovered} - {""}
        trainer.want(self, frozenset(name for name in names if self._known(name)))

    def _known(self, name: str) -> bool:
        graph = self.app.trainer.graph
        if graph is not self._run:
            self._run = graph
            try:
                self._model = Model(graph) if graph is not None else None
            except LowerError:
                self._model = None
        return self._model is not None and self._model.can_watch(name)

    def _ticked(self) -> None:
        taps = self.app.trainer.board_of(self.document).taps
        for (into, wire), card in self.cards.items():
            if card.isVisible():
                row = self._row(wire)
                kind = self.canvas.scene.wires[row].kind if row is not None else "any"
                card.tell(_full(taps.get(self._name(into, wire))), self.app.look.theme.port[kind])
        if self._hovered:
            if self.canvas.tips.is_shown:
                self.canvas.tips.tell_again()
            else:
                self._hovered = ""
                self._watch()

    def statistics(self, path: str, port: str) -> Iterable[str]:
        """Lines about what left a port last; asking has it watched while the tip is shown."""
        if not self._is_live:
            return ()
        name = f"value:{path}.{port}"
        if name != self._hovered:
            self._hovered = name
            self._watch()
        board = self.app.trainer.board_of(self.document)
        found = [*lines(_full(board.taps.get(name)))]
        norm = board.norms.get(f"gradient:{path}.{port}")
        if norm is not None and len(norm.values):
            found.append(f"gradient ‖∂L/∂x‖ {short(float(norm.values.values[-1]))}")
        if found and self._model is not None and self._model.at_steps(path):
            found.append("over all steps of the scan")
        return found

    # Where the cards stand

    def _row(self, wire: Wire) -> int | None:
        """The row of a wire in the scene, which may be behind the document during a gesture."""
        if not self._rows:
            self._rows = {wire: row for row, wire in enumerate(self.document.wires)}
        row, shown = self._rows.get(wire), self.canvas.scene.wires
        if row is None or row >= len(shown):
            return None
        same = (shown[row].source, shown[row].target) == (wire.source, wire.target)
        return row if same else None

    def _place(self) -> None:
        for (into, wire), card in self.cards.items():
            row = self._row(wire) if into == self.document.into else None
            card.setVisible(row is not None)
            if row is not None:
                card.place(self._at(row))

    def _at(self, row: int) -> QPoint:
        at = self.canvas.camera.window(self._middle(row))
        return QPoint(round(at.x), round(at.y))

    def _taken(self) -> list[QRect]:
        """Where nodes in sight, other cards and controls lie in the window."""
        scene, camera = self.canvas.scene, self.canvas.camera
        others = (child for child in self.canvas.children() if isinstance(child, QWidget))
        found = [other.geometry() for other in others if other.isVisible()]
        for index in scene.boxes.meeting(camera.area).tolist():
            rect = scene.rect(index)
            corner = camera.window(Point(rect.x, rect.y))
            size = round(rect.width * camera.zoom), round(rect.height * camera.zoom)
            found.append(QRect(round(corner.x), round(corner.y), *size))
        return found

    def _middle(self, row: int) -> Point:
        """The middle of a wire's line; of one with tags, its first tag."""
        scene = self.canvas.scene
        if scene.portal[row]:
            x, y = scene.wire_ends(np.array([row]))[0, :2].tolist()
            return Point(x + TAG_LEAD + TAG_WIDTH / 2, y)
        part = int(scene.lines.parts[row]) // 2  # the lane of a wire that has one
        x, y = (np.array([1.0, 3.0, 3.0, 1.0]) / 8 @ scene.lines.points[row, part]).tolist()
        return Point(x, y)


def _full(tap: Tap | None) -> Tap | None:
    """A look at all values; None where only the norm was taken."""
    return tap if tap is not None and tap.histogram else None


def lines(tap: Tap | None) -> tuple[str, ...]:
    """What a tooltip tells of the values that passed."""
    if tap is None:
        return ()
    found = [
        f"mean {short(tap.mean)} · std {short(tap.deviation)}",
        f"min {short(tap.low)} · max {short(tap.high)}",
    ]
    if tap.not_finite:
        found.append(f"{tap.not_finite:,} not finite")
    return tuple(found if not math.isnan(tap.mean) else found[2:])


def add_actions(app: App, canvas_of: Callable[[], Canvas | None]) -> None:
    """Probing by keyboard, menu and palette."""

    def chosen() -> tuple[Probes, Wire] | None:
        canvas = canvas_of()
        probes = canvas.findChild(Probes) if canvas is not None else None
        if canvas is None or probes is None or len(canvas.document.selected_wires) != 1:
            return None
        return probes, next(iter(canvas.document.selected_wires))

    def run() -> None:
        found = chosen()
        if found is not None:
            found[0].toggle(found[1])

    def pinned() -> bool:
        found = chosen()
        return found is not None and (found[0].document.into, found[1]) in found[0].cards

    app.actions.add(
        "graph.probe",
        "Probe",
        run,
        menu="Graph",
        keys=("P",),
        scope="canvas",
        words="watch wire values histogram mean std min max",
        enabled=lambda: chosen() is not None,
        checked=pinned,
    )
