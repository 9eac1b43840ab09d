"""The canvas: shows one document, and changes it by what the active interaction wants."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QWidget

from graph.edit import Edit, op_name
from graph.edits import AddNode, Batch
from graph.graph import Dots, Node, Wire
from graph.op import Op
from graph.rules import EditError
from graph.subgraph import Defined
from gui.blocks import brought
from gui.canvas.arranging import Arranging
from gui.canvas.bare import bare_view
from gui.canvas.bubble import Bubble
from gui.canvas.dots import spots
from gui.canvas.draft import NO_DRAFT, Draft, DraftNode
from gui.canvas.geometry import GRID, NodeBox, Point
from gui.canvas.hits import PortHit
from gui.canvas.insert import Spot, insertion, wire_under
from gui.canvas.interact.idle import Idle
from gui.canvas.interact.refused import Refused
from gui.canvas.interact.state import Interaction, Pointer
from gui.canvas.naming import Naming
from gui.canvas.pointer import PointedSurface
from gui.canvas.refusal import Refusal
from gui.canvas.tips import Tips
from gui.canvas.view_model import CanvasView, NodeView
from gui.document import Document, DocumentChange, Dot
from gui.library.fits import Loose
from gui.theme import Theme

SPOKEN = 3  # names of selected nodes that a screen reader is told
HELD = -16.0, -14.0  # from the pointer to the corner of a node dragged out of the library


class Canvas(PointedSurface):
    """Shows one document.

    `library_wanted` asks for a search of nodes: a Point of the canvas, and the Loose end of the
    wire in the hand or None. `menu_wanted` asks for a menu at a QPoint. `said` is a short word to
    the user: why something was not done. `wire_clicked` tells the row of a wire.
    """

    library_wanted = Signal(object, object)
    menu_wanted = Signal(object)
    said = Signal(str)
    wire_clicked = Signal(int)

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.document = document
        self.state: Interaction = Idle(self)
        self.at_node = ""
        self.menu_at: Point | None = None
        self.naming, self.tips = Naming(self), Tips(self)
        self.bubble = Bubble(self, lambda: self.theme)
        self.bubble.hovered.connect(self._choose_proposal)
        self.bubble.taken.connect(self._take_proposal)
        self._into = document.into
        self._late = False
        self._shown = document.view
        self.scene.put(document.view)
        self._arranging = Arranging(self)
        self._unsubscribe: Callable[[], None] = document.subscribe(self._document_changed)
        self.camera_changed.connect(self._keep_camera)
        self._settled = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._settled:
            self._settled = True
            QTimer.singleShot(0, self, _settle)

    def close_document(self) -> None:
        """Stop listening to the document."""
        self._unsubscribe()
        self._arranging.close()
        self._refine.stop()
        self._working.stop()
        self._reaching.stop()
        gc.unfreeze()

    def idle(self) -> Interaction:
        return Idle(self)

    def arrange(self) -> None:
        """Lay the selected nodes out, or all of them; of many, places come when they are found."""
        self._arranging.begin()

    # What the document tells

    def _document_changed(self, change: DocumentChange) -> None:
        if change.view and not self.is_idle and _alike(self._shown, self.document.view):
            self._late = True  # other previews, say: no reason to end a gesture
            return
        if change.view:
            if not self.is_idle:
                self.state.interrupted()
            self._put()
            if change.entered:
                self._entered()
        elif change.moved:
            if not self.is_idle and _dots(self._shown) != _dots(self.document.view):
                self.state.interrupted()
            self._shown = self.document.view
            self.scene.put_places(self._shown, change.moved)
        if change.view or change.selection:
            self._mark_selection()

    def _put(self) -> None:
        self._shown, self._late = self.document.view, False
        self.scene.put(self._shown)

    def leave(self) -> None:
        """Back to idle; what the document told during the gesture is shown now."""
        super().leave()
        if self._late:
            self._put()
            self._mark_selection()

    def _entered(self) -> None:
        """Another drawing: look at it as it was left, or at all of it."""
        self._into = self.document.into
        self.look_first()

    def look_first(self) -> None:
        known = self.document.cameras.get(self._into)
        if known is None:
            self.fit()
            return
        x, y, rung = known
        self.look_from(replace(self.camera, rung=rung).moved_to(x, y))

    def _keep_camera(self) -> None:
        if self.isVisible():  # else it has no size yet
            self.document.cameras[self._into] = self.camera.x, self.camera.y, self.camera.rung

    def _mark_selection(self) -> None:
        document, scene = self.document, self.scene
        chosen = document.selection
        scene.choose_items(document.selected_things)
        scene.set_states(
            (node.id, replace(node.state, selected=node.id in chosen))
            for node in scene.views
            if node.state.selected != (node.id in chosen)
        )
        drawing, things = document.drawing, document.selected_things
        names = [drawing.node(id).label for id in sorted(chosen)[:SPOKEN]]
        names += [drawing.frames[id].title or id for id in sorted(things & drawing.frames.keys())]
        names += ["a note"] * len(things & drawing.notes.keys())
        names += ["a dot"] * len(document.selected_dots)
        left = len(chosen) + len(things) + len(document.selected_dots) - len(names[:SPOKEN])
        more = f" and {left} more" if left else ""
        names = names[:SPOKEN]
        self.setAccessibleDescription(f"Selected: {', '.join(names)}{more}" if names else "")
        picked = document.selected_wires
        rows = (row for row, wire in enumerate(document.wires) if wire in picked)
        scene.mark_wires(scene.hovered_wire, rows if picked else ())
        scene.mark_dots(scene.hovered_dot, spots(document, document.selected_dots))

    # What an interaction asks for

    def push(self, *edits: Edit, name: str = "", key: str = "") -> bool:
        """Change the document by one step; False, with a word to the user, when it is refused."""
        edit = edits[0] if len(edits) == 1 and not name else Batch(tuple(edits), name)
        try:
            self.document.push(edit, key)
        except EditError as error:
            self.say(f"Found {error.found}, expected {error.expected}. {error.remedy}.")
            return False
        return True

    def select(
        self, ids: Iterable[str], wires: Iterable[Wire] = (), dots: Iterable[Dot] = ()
    ) -> None:
        """Select nodes, frames, notes, wires and dots, and no others."""
        self.document.select(frozenset(ids), wires, dots)

    def tell_click(self, row: int) -> None:
        """A wire was chosen by a click."""
        self.wire_clicked.emit(row)

    def say(self, words: str) -> None:
        """Tell the user in a few words why something was not done."""
        self.said.emit(words)

    def want_library(self, at: Point, source: Loose | None) -> None:
        """Ask for a search of nodes at a point of the canvas, to be wired to `source`."""
        self.library_wanted.emit(at, source)

    def want_menu(self, at: Point) -> None:
        """Ask for the menu of what is selected, at a point of the window."""
        self.menu_wanted.emit(QPoint(round(at.x), round(at.y)))

    # A node from the library

    def preview_drop(self, op: Op | None, window_pos: QPointF) -> None:
        """Show what dropping `op` here would do; None takes that away."""
        if op is None:
            self.show_draft(NO_DRAFT)
            return
        view, box, spot = self._dropped(op, window_pos)
        rows = () if spot is None else (spot.row,)
        self.show_draft(Draft(nodes=(DraftNode(view, box),), rows=rows))

    def drop(self, op: Op, window_pos: QPointF) -> str:
        """Put a new node here, into the wire that lies there if it fits; returns its id."""
        self.show_draft(NO_DRAFT)
        document, into = self.document, self.document.into
        view, box, spot = self._dropped(op, window_pos)
        made, defined = brought(document.graph, op)
        stem = type(made).__name__.lower()
        node = Node(document.drawing.fresh_id(stem), made, x=view.x, y=view.y)
        parts: list[Edit] = [*defined, AddNode(node, into=into)]
        if spot is not None:
            parts += insertion(document, self.scene, spot, node.id, box)
        if not self.push(*parts, name=f"Add {op_name(made)}"):
            return ""
        self.select([node.id])
        self.setFocus()
        return node.id

    def _dropped(self, op: Op, at: QPointF) -> tuple[NodeView, NodeBox, Spot | None]:
        """The new node as it would stand, and the wire that it would go into."""
        place = self.camera.canvas(at.x(), at.y()).moved(*HELD)
        corner = Point(round(place.x / GRID) * GRID, round(place.y / GRID) * GRID)
        view = bare_view(Node("", op, x=corner.x, y=corner.y))
        box = self.box_of(view)
        held = QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.AltModifier
        rect = box.rect(corner.x, corner.y)
        spot = None if held else wire_under(self.document, self.scene, op, rect)
        if spot is not None:
            view = replace(view, x=spot.corner.x, y=spot.corner.y)
        return view, box, spot

    def show_refusal(self, refusal: Refusal | None, current: int = 0) -> None:
        """Show why a wire is refused and what may be done, or take that away."""
        if refusal is None:
            self.bubble.hide()
        else:
            self.bubble.tell(refusal, current)

    def _choose_proposal(self, number: int) -> None:
        if isinstance(self.state, Refused):
            self.state.choose(number)

    def _take_proposal(self, number: int) -> None:
        if isinstance(self.state, Refused):
            self.state.take(number)

    def edit_text(self, id: str) -> None:
        """Let the name of a node, the title of a frame or the text of a note be typed."""
        self.naming.begin(id)

    def hint(self, thing: PortHit | int | None, at: Point) -> None:
        """Tell, after a rest, of the port or wire that the pointer is over."""
        self.tips.over(thing, at)

    def repeat_press(self, pointer: Pointer) -> None:
        """Let the state that is active now have a press that ended another."""
        self.state.press(pointer)

    def leave_drawing(self) -> None:
        """Back to the drawing that this one was entered from."""
        inner = self.document.into
        self.document.leave()
        users = (n.id for n in self.document.drawing if getattr(n.op, "definition", "") == inner)
        came = next(users, "") if inner else ""
        if came:
            self.select([came])
            self.at_node = came

    def enter_node(self, id: str) -> bool:
        """Show the definition that a node stands for; False when it stands for none."""
        op = self.document.drawing.node(id).op
        if not isinstance(op, Defined) or op.definition not in self.document.graph.definitions:
            return False
        self.document.enter(op.definition, id)
        return True

    def box_of(self, view: NodeView) -> NodeBox:
        """The box of a node that is not on the canvas."""
        return self.scene.measured(view)

    def fit_selection(self) -> None:
        """Show the selected nodes, or everything when there are none."""
        self._fit(self.scene.indices(self.document.selection).tolist())

    def _fit(self, which: Iterable[int]) -> None:
        rects = [self.scene.rect(index) for index in which]
        if not rects:
            self.fit()
            return
        around = rects[0]
        for rect in rects[1:]:
            around = around.united(rect)
        self.look_from(self.fitted(around))


def _settle() -> None:
    """The first frame is seen: what is there by now is there to stay. Else a full collection walks
    the whole graph within a frame: 30 ms.
    """
    gc.collect()
    gc.freeze()


def _dots(view: CanvasView) -> list[Dots]:
    return [wire.dots for wire in view.wires]


def _alike(one: CanvasView, other: CanvasView) -> bool:
    """Whether two views have the same things at the same places, however they look."""

    def bones(view: CanvasView) -> tuple[object, ...]:
        nodes = [(node.id, node.x, node.y) for node in view.nodes]
        ends = [(wire.source, wire.output, wire.target, wire.input) for wire in view.wires]
        return nodes, ends, _dots(view), view.frames, view.notes

    return bones(one) == bones(other)
