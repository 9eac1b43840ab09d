"""What training draws on the canvas: tinted wires, thumbnails, sparklines, rings, accuracies.

A tick hands the canvas other views of the nodes that changed, never another description of the
graph; what takes longer is reduced on the side of the run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import cast

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from compute.events import Started
from compute.questions import Answer, FeatureMap, Maps, Output, SampleMaps
from graph.graph import Graph
from gui import fonts
from gui.app import App
from gui.canvas.paint_wire import Overlay, gradient_share
from gui.canvas.view import Canvas
from gui.canvas.view_model import Preview, WireState
from gui.document import Document, DocumentChange
from gui.overlay_legend import WireLegend
from gui.overlay_nodes import Watched, norm_of, preview, told, watched
from gui.rest import DataShown, rest_previews
from gui.widgets.basics import label

PERIOD, CALM = 500, 1000  # ms between two changes of the canvas, at least: at first, and later
EARLY = 5.0  # s in which a run changes most
TINTS = 1.6  # periods between two changes of wires: their pictures are large
ARROW = 26  # px of the box beside its words
SAMPLE = 0  # place among the held-out samples of the one that thumbnails show
CHOICES: tuple[tuple[Overlay, str], ...] = (
    ("kind", "Data kind"),
    ("gradient", "Gradient"),
    ("phase", "Phase"),
)


class Overlays(QObject):
    """The overlays of all canvases, and what their wires show."""

    changed = Signal()

    def __init__(self, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.app = app
        self.choice: Overlay = "gradient"

    def choose(self, choice: Overlay) -> None:
        """Let wires show something else; without a run they show kinds of data."""
        if choice != self.choice:
            self.choice = choice
            self.changed.emit()

    def chosen(self, choice: Overlay) -> bool:
        """Whether wires show this."""
        return self.choice == choice

    def attach(self, canvas: Canvas) -> CanvasOverlay:
        """Draw on a canvas from now on, as long as it lives."""
        return CanvasOverlay(self, canvas)


class CanvasOverlay(QObject):
    """Draws on one canvas."""

    def __init__(self, overlays: Overlays, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.overlays, self.app, self.canvas = overlays, overlays.app, canvas
        self.document: Document = canvas.document
        self.seen = Watched()
        self.legend = WireLegend(self.app.look, canvas)
        self._run: tuple[object, ...] = ()
        self._graph: Graph | None = None  # that is trained
        self._prefix = ""  # of the drawing shown
        self._maps: dict[str, FeatureMap] = {}
        self._output: Output | None = None
        self._made: dict[str, Preview] = {}
        self._asked: tuple[int, Started | None] = (-1, None)  # step, and the plan it was of
        self._waiting = False
        self._more = False
        self._tinted = self._begun = 0.0
        self._rested: dict[str, set[str]] = {}  # by drawing
        self._data = {"": DataShown(self.document.graph)}  # by drawing
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self._fit)
        self._pause = QTimer(self, singleShot=True, interval=PERIOD)
        self._pause.timeout.connect(self._again)
        canvas.installEventFilter(self)
        trainer = self.app.trainer
        trainer.changed.connect(self._run_changed)
        trainer.ticked.connect(self._ticked)
        overlays.changed.connect(self._choice_changed)
        canvas.camera_changed.connect(self._ticked)
        # after the canvas, which shows the document anew first
        self._unsubscribe = self.document.subscribe(self._document_changed)
        self.app.desk.closed.connect(self._closed)
        self._run_changed()
        self._fitting.start()

    # What others tell

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self._watch()
            if event.type() == QEvent.Type.Show:
                self._ticked()
        elif event.type() == QEvent.Type.Resize:
            self.legend.place()
        return False

    def _run_changed(self) -> None:
        trainer = self.app.trainer
        board = trainer.board_of(self.document)
        mine = trainer.document is self.document
        into, prefix = self.document.into, self.document.prefix
        run = board.curves, board.started is not None, into, prefix
        if mine and (run, trainer.graph) != (self._run, self._graph):
            graph = trainer.graph
            if run != self._run:  # else the graph was swapped: other layers keep their pictures
                self._maps, self._output = {}, None
                self._begun = time.monotonic()
            self._run, self._graph, self._made = run, graph, {}
            self._asked, self._waiting, self._prefix = (-1, None), False, prefix
            types = self.document.shapes.types
            self.seen = watched(graph, types, into, prefix) if graph else Watched()
        self._watch()
        self._ticked()

    def _fit(self) -> None:
        """Give nodes the previews they will have, empty, so that none grows when a run begins."""
        document, now, into = self.document, self.document.previews, self.document.into
        rest = rest_previews(document.drawing, document.shapes.types, document.prefix)
        lacking = {i: p for i, p in rest.items() if i not in now or not _alike(now[i], p)}
        lacking |= self._data.setdefault(into, DataShown(Graph())).fresh(document.drawing)
        lost = self._rested.get(into, set()) - rest.keys()
        first = into not in self._rested
        self._rested[into] = set(rest)
        if lacking or lost & now.keys():
            kept = {id: one for id, one in now.items() if id not in lost}
            document.show_previews({**kept, **lacking})
            if first:
                self.canvas.fit_again()

    def _choice_changed(self) -> None:
        self._watch()
        self._apply()

    def _document_changed(self, change: DocumentChange) -> None:
        if change.entered:
            self._fit()
            self._run_changed()
        if change.view:
            self._apply()
            self._fitting.start()

    def _closed(self, document: Document) -> None:
        if document is self.document:
            self._unsubscribe()
            self._pause.stop()
            self._fitting.stop()
            self.app.trainer.want(self, frozenset())

    def _ticked(self) -> None:
        self._more = True
        if not self._pause.isActive():
            self._again()

    def _again(self) -> None:
        if self._more and self.canvas.isVisible():
            now = time.monotonic()
            period = PERIOD if now - self._begun < EARLY else CALM
            if period != self._pause.interval():
                self._pause.setInterval(period)
                self._watch()
            wires = now - self._tinted >= TINTS * period / 1000
            self._more = not wires  # they are due at one of the next turns
            self._pause.start()
            self._ask()
            self._apply(wires)

    # Questions

    def _watch(self) -> None:
        live = self.canvas.isVisible() and self.app.trainer.document is self.document
        wires = self.overlays.choice == "gradient"
        names = self.seen.names(wires) if live else frozenset[str]()
        self.app.trainer.want(self, names, self._pause.interval() / 1000)

    def _ask(self) -> None:
        trainer, names = self.app.trainer, self.seen.tensors()
        board = trainer.board_of(self.document)
        step, plan = self._asked  # a paused run that is swapped stays at its step
        if not names or self._waiting or (board.step == step and board.started is plan):
            return
        if trainer.can_answer(self.document):
            self._asked = board.step, board.started
            question = Maps(SAMPLE, names)
            self._waiting = trainer.ask((self, "maps"), question, self._heard)

    def _heard(self, answer: Answer) -> None:
        self._waiting = False
        if isinstance(answer, SampleMaps):
            self._maps = dict(answer.maps)
            self._output = answer.outputs[0] if answer.outputs else None
            self._made = {}
            self._ticked()

    # Drawing

    def _apply(self, wires: bool = True) -> None:
        """Hand the canvas the nodes as they are now, and maybe the wires."""
        scene = self.canvas.scene
        board = self.app.trainer.board_of(self.document)
        if self.seen == Watched():
            self._show_wires({}, "kind")
            return
        nodes = []
        for row in scene.boxes.meeting(self.canvas.camera.area).tolist():
            view = scene.views[row]
            norm = norm_of(board, [f"gradient:{key}" for key in self.seen.keys.get(view.id, ())])
            share = None if norm is None else gradient_share(norm, self.canvas.theme)
            if norm is not None and norm != norm:
                share = norm
            drawn = self._preview(view.preview, view.id)
            now = told(view, self.seen, board, drawn, share, self._prefix)
            if now != view:
                nodes.append(now)
        scene.set_live(nodes)
        if wires:
            self._tint()

    def _preview(self, before: Preview | None, id: str) -> Preview | None:
        """The node's preview, of the size it has; the same object until there is a newer one."""
        one = self.seen.pictures.get(id)
        if one is None or before is None:
            return None
        if one.kind == "losses":
            board = self.app.trainer.board_of(self.document)
            made = preview(one, board, self._maps, None)
            return made if made != before else None
        if id not in self._made:
            board = self.app.trainer.board_of(self.document)
            found = preview(one, board, self._maps, self._output)
            if found is None or not _alike(found, before):
                return None
            self._made[id] = found
        made = self._made[id]
        return made if _alike(made, before) else None

    def _tint(self) -> None:
        self._tinted = time.monotonic()
        board = self.app.trainer.board_of(self.document)
        choice = self.overlays.choice
        norms = {at: norm_of(board, (name,)) for at, name in self.seen.wires.items()}
        if choice == "gradient" and all(norm is None for norm in norms.values()):
            choice = "kind"
        states, drawing = dict[int, WireState](), self.document.drawing
        for row, wire in enumerate(self.document.wires):
            if row >= len(self.canvas.scene.wires):
                break
            at, state = (wire.source, wire.output), self.canvas.scene.wires[row].state
            passes = drawing.node(wire.target).op.role != "metric"
            phase, through = self.seen.phases.get(at, (-1, False)) if passes else (-1, False)
            norm = norms.get(at) if passes else None
            states[row] = replace(state, gradient=norm, phase=phase, through=through)
        self._show_wires(states, choice)

    def _show_wires(self, states: dict[int, WireState], choice: Overlay) -> None:
        links = self.canvas.links
        if links.overlay != choice:
            links.overlay = choice
            links.tiles.clear()
            self.canvas.update()
        self.canvas.scene.set_wire_states(states)
        phases = {phase for phase, _ in self.seen.phases.values()}
        self.legend.show_overlay(choice, len(phases))


def _alike(one: Preview, other: Preview) -> bool:
    """Whether two previews take the same room."""
    if type(one) is not type(other):
        return False
    tiles = [getattr(preview, "tiles", None) for preview in (one, other)]
    if tiles[0] is not None and tiles[1] is not None:
        same = getattr(one, "columns", 0) == getattr(other, "columns", 0)
        return bool(same and tiles[0].shape == tiles[1].shape)
    return True


class WiresShow(QWidget):
    """The choice of what wires show, for the strip over the canvas."""

    def __init__(self, overlays: Overlays) -> None:
        super().__init__()
        self._overlays = overlays
        self.box = QComboBox()
        self.box.setProperty("kind", "quiet")
        self.box.setAccessibleName("Wires show")
        for choice, title in CHOICES:
            self.box.addItem(title, choice)
        self._show()
        self.box.activated.connect(lambda _: overlays.choose(cast(Overlay, self.box.currentData())))
        overlays.changed.connect(self._show)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(label("Wires show", "tertiary"))
        row.addWidget(self.box)

    def _show(self) -> None:
        self.box.setCurrentIndex(self.box.findData(self._overlays.choice))
        self.box.setFixedWidth(round(fonts.measure(self.box.currentText(), "node name")) + ARROW)


def add_actions(overlays: Overlays) -> None:
    """What wires show, in the View menu and the palette."""
    for choice, title in CHOICES:
        overlays.app.actions.add(
            f"view.wires_{choice}",
            f"Wires show {title.lower()}",
            partial(overlays.choose, choice),
            menu="View",
            words="overlay colour tint wires",
            checked=partial(overlays.chosen, choice),
        )
    overlays.changed.connect(overlays.app.actions.refresh_soon)
