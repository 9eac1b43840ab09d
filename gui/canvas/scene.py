"""What stands on one canvas, as arrays beside the views: for painters and hit tests. No Qt.

The document tells it what changed (`put`); interactions move nodes in it until they commit. A node
is one row: ports, labels and badges have no rows of their own and are found by arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gui.canvas.curves import Curves, curves
from gui.canvas.geometry import CAPTION, Measure, NodeBox, Point, Rect, node_box
from gui.canvas.hits import Hits
from gui.canvas.index import BoxIndex, Floats, Indices
from gui.canvas.led import Led, Spot
from gui.canvas.routing import Routing
from gui.canvas.snapshot import Snapshot
from gui.canvas.view_model import (
    CanvasView,
    FrameView,
    NodeState,
    NodeView,
    NoteView,
    WireState,
    WireView,
)
from gui.canvas.wires import port_offsets

NOTHING = np.empty(0, np.intp)


@dataclass(frozen=True, slots=True)
class Look:
    """How a node is drawn wherever it stands; equal nodes share one and so their pictures."""

    view: NodeView
    box: NodeBox


@dataclass(frozen=True, slots=True)
class Touched:
    """What an observer must draw anew: at least what is seen; `lines` in a part of the canvas,
    nodes of some `looks`, or `everything`. Or `hand`: only what is lifted moved, within that part.
    """

    lines: Rect | None = None
    looks: tuple[int, ...] = ()
    everything: bool = False
    hand: Rect | None = None


class CanvasScene(Hits):
    """Nodes and wires of one canvas; `lifted` nodes are under an interaction's hand."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._observers: list[Callable[[Touched], None]] = []
        self._looks: dict[NodeView, int] = {}
        self._own: dict[str, int] = {}  # node -> the look that it alone has
        self._given: dict[str, tuple[NodeView, int]] = {}  # as they were put, with their looks
        self.looks: list[Look] = []
        self.lifted: Indices = NOTHING
        self.lifted_wires: Indices = NOTHING  # those at lifted nodes
        self.hovered_wire = -1
        self.selected_wires: frozenset[int] = frozenset()
        self.hidden_wires: Indices = NOTHING  # in somebody's hand
        self.items: frozenset[str] = frozenset()  # selected frames and notes
        self.led = Led()
        self.hovered_dot: Spot | None = None
        self.selected_dots: frozenset[Spot] = frozenset()
        self._routing = Routing()
        self.put(CanvasView())

    def subscribe(self, observer: Callable[[Touched], None]) -> None:
        """Call `observer` after every change of what is shown."""
        self._observers.append(observer)

    def put(self, view: CanvasView) -> None:
        """Show another view; nodes that look as before keep their pictures."""
        self.lifted = self.lifted_wires = self.hidden_wires = NOTHING
        self.hovered_wire, self.selected_wires = -1, frozenset()
        self.hovered_dot, self.selected_dots = None, frozenset()
        if len(self.looks) > 4 * len(view.nodes) + 1000:
            self._looks.clear()  # numbers go on rising, so no picture is taken for another's
            self._given.clear()
        self.ids = [node.id for node in view.nodes]
        self.index_of = {id: index for index, id in enumerate(self.ids)}
        self.views: list[NodeView] = list(view.nodes)
        self.wires: tuple[WireView, ...] = view.wires
        self._states: dict[int, WireState] = {}  # given by set_wire_states
        self.frames: tuple[FrameView, ...] = view.frames
        self.notes: tuple[NoteView, ...] = view.notes
        self.items &= {f.id for f in view.frames} | {n.id for n in view.notes}
        given = self._given  # the same objects as before need no comparing
        self._given = {
            node.id: one
            if (one := given.get(node.id)) and one[0] is node
            else (node, self._look(node))
            for node in view.nodes
        }
        self.look = np.array([look for _, look in self._given.values()], np.intp)
        self.families = sorted({node.family for node in view.nodes})
        code = {family: index for index, family in enumerate(self.families)}
        self.family = np.array([code[node.family] for node in view.nodes], np.intp)
        self.places: Floats = np.array([(n.x, n.y) for n in view.nodes], np.float64).reshape(-1, 2)
        self.sizes: Floats = np.array(
            [(box.width, box.height) for box in map(self.box, range(len(self.ids)))], np.float64
        ).reshape(-1, 2)
        self.selected: NDArray[np.bool_] = np.array(
            [node.state.selected for node in view.nodes], np.bool_
        )
        self.problems = np.flatnonzero([bool(node.state.problem) for node in view.nodes])
        self.boxes = BoxIndex(np.concatenate([self.places, self.places + self.sizes], axis=1).T)
        self._put_wires(view)
        self._tell(Touched(everything=True))

    def _put_wires(self, view: CanvasView) -> None:
        count, index_of = len(self.wires), self.index_of
        found = [(index_of[w.source], index_of[w.target], w.output, w.input) for w in self.wires]
        ends = np.array(found, np.intp).reshape(-1, 4)
        self.ends = ends[:, :2]
        # of source and target, relative to their nodes
        boxes = [self.looks[look].box for look in self.look.tolist()]
        self._ports: Floats = port_offsets(boxes, ends)
        self.kinds = sorted({wire.kind for wire in self.wires})
        number = {kind: index for index, kind in enumerate(self.kinds)}
        self.kind = np.array([number[wire.kind] for wire in self.wires], np.intp)
        at = self.wire_ends(np.arange(count))
        self._routing.put(view, self.boxes.edges, at, ends)
        self.lanes, self.portal = self._routing.lanes.copy(), self._routing.tags.copy()
        self.led = Led(self.wires)
        self.lines: Curves = self._made(np.arange(count))
        self.line_boxes = BoxIndex(self.lines.edges())

    def _look(self, node: NodeView, box: NodeBox | None = None) -> int:
        key = replace(node, id="", x=0.0, y=0.0)
        found = self._looks.get(key)
        if found is None:
            found = self._looks[key] = len(self.looks)
            self.looks.append(Look(key, box or node_box(key, self._measure)))
        return found

    def measured(self, view: NodeView) -> NodeBox:
        """The box of a node that is not in the scene."""
        return node_box(view, self._measure)

    def box(self, index: int) -> NodeBox:
        """The box of a node, relative to its place."""
        return self.looks[int(self.look[index])].box

    def node(self, id: str) -> NodeView:
        """A node as it is shown, at the place it is shown at."""
        index = self.index_of[id]
        x, y = self.places[index]
        return replace(self.views[index], x=float(x), y=float(y))

    def wire(self, row: int) -> WireView:
        """A wire as it is shown."""
        hovered, selected = row == self.hovered_wire, row in self.selected_wires
        wire = self.wires[row]
        if not (hovered or selected):
            return wire
        return replace(wire, state=replace(wire.state, hovered=hovered, selected=selected))

    def letter(self, row: int) -> str:
        """What stands on the tags of a wire that is drawn as two tags."""
        return self._routing.letter(self.wires[row])

    def mark_wires(self, hovered: int, selected: Iterable[int]) -> None:
        """The wire under the pointer (-1: none) and those that are selected, by row."""
        marks = hovered, frozenset(selected)
        if marks != (self.hovered_wire, self.selected_wires):
            self.hovered_wire, self.selected_wires = marks
            self._tell(Touched())

    def mark_dots(self, hovered: Spot | None, selected: Iterable[Spot]) -> None:
        """The dot under the pointer, and those that are selected."""
        marks = hovered, frozenset(selected)
        if marks != (self.hovered_dot, self.selected_dots):
            self.hovered_dot, self.selected_dots = marks
            self._tell(Touched())

    def choose_items(self, ids: Iterable[str]) -> None:
        """Select these frames and notes."""
        known = {f.id for f in self.frames} | {n.id for n in self.notes}
        items = frozenset(ids) & known
        if items != self.items:
            self.items = items
            self._tell(Touched())

    def put_items(self, frames: Iterable[FrameView], notes: Iterable[NoteView]) -> None:
        """Show frames and notes at other places or sizes."""
        self.frames, self.notes = tuple(frames), tuple(notes)
        self._tell(Touched())

    def hide_wires(self, rows: Iterable[int]) -> None:
        """Leave out wires, by row, until told otherwise."""
        hidden = np.array(sorted(rows), np.intp)
        if hidden.tolist() != self.hidden_wires.tolist():
            both = np.union1d(hidden, self.hidden_wires)
            self.hidden_wires = hidden
            self._tell(Touched(self._around(both)))

    def indices(self, ids: Iterable[str]) -> Indices:
        """Rows of nodes, ascending; ids that are not here are left out."""
        return np.array(sorted(self.index_of[i] for i in ids if i in self.index_of), np.intp)

    def bounds(self) -> Rect | None:
        """Rectangle around all that is shown; None when nothing is."""
        parts = [self.boxes.bounds(), self.line_boxes.bounds()]
        parts += [Rect(f.x, f.y, f.width, f.height) for f in self.frames]
        parts += [Rect(n.x, n.y, n.width, CAPTION) for n in self.notes]
        whole: Rect | None = None
        for part in parts:
            if part is not None:
                whole = part if whole is None else whole.united(part)
        return whole

    def set_states(self, states: Iterable[tuple[str, NodeState]]) -> None:
        """Draw nodes in other states: selected, hovered, running …"""
        changed = False
        for id, state in states:
            index = self.index_of[id]
            if state != self.views[index].state:
                self.views[index] = replace(self.views[index], state=state)
                self.look[index] = self._look(self.views[index], self.box(index))
                self.selected[index] = state.selected
                changed = True
        if changed:
            self._tell(Touched())

    def set_live(self, nodes: Iterable[NodeView]) -> None:
        """Draw nodes with other previews, texts or health, at the size and place they have.

        Made for ten times a second: such a node has a look of its own that is replaced each time,
        so neither looks nor pictures pile up.
        """
        renewed = []
        for node in nodes:
            index = self.index_of[node.id]
            look = Look(replace(node, id="", x=0.0, y=0.0), self.box(index))
            own = self._own.get(node.id)
            if own is None:
                own = self._own[node.id] = len(self.looks)
                self.looks.append(look)
            self.looks[own], self.look[index], self.views[index] = look, own, node
            renewed.append(own)
        if renewed:
            self.problems = np.flatnonzero([bool(node.state.problem) for node in self.views])
            self._tell(Touched(looks=tuple(renewed)))

    def set_wire_states(self, states: Mapping[int, WireState]) -> None:
        """Draw wires in other states, by row: the gradient that passes, the phase that trains."""
        changed = [row for row, state in states.items() if self.wires[row].state != state]
        self._states |= {row: states[row] for row in changed}
        self.wires = self._stated(self.wires)
        for row in changed:
            self._tell(Touched(self._around(np.array([row]))))

    def _stated(self, wires: Sequence[WireView]) -> tuple[WireView, ...]:
        """The wires with the states that they were given last."""
        stated = list(wires)
        for row, state in self._states.items():
            stated[row] = replace(stated[row], state=state)
        return tuple(stated)

    def rect(self, index: int) -> Rect:
        """Where a node stands."""
        left, top, right, bottom = (float(edge) for edge in self.boxes.edges[:, index])
        return Rect(left, top, right - left, bottom - top)

    # Moving: the nodes of a gesture, and their wires, are drawn apart from all others.

    def lift(self, which: Indices, dots: Iterable[Spot] = ()) -> None:
        """Take nodes and dots into the hand; the wires at them follow."""
        before, self.lifted = self.lifted_wires, which
        self.lifted_wires = self._wires_at(which, dots)
        self._tell(Touched(self._around(np.union1d(before, self.lifted_wires))))

    def _wires_at(self, nodes: Indices, dots: Iterable[Spot] = ()) -> Indices:
        mask = np.zeros(len(self.ids), np.bool_)
        mask[nodes] = True
        if not len(self.wires):
            return NOTHING
        found = mask[self.ends[:, 0]] | mask[self.ends[:, 1]]
        found[[row for row, _ in dots]] = True
        return np.flatnonzero(found)

    def shift(self, which: Indices, x: float, y: float, dots: Collection[Spot] = ()) -> None:
        """Move nodes and dots. Lanes of wires between nodes that move go along, others stay until
        `put_places`: a wire in the hand never jumps.
        """
        wires = self._wires_at(which, dots)
        self.led.shift(dots, x, y)
        both = np.isin(self.ends[wires], which).all(axis=1)
        self.lanes[wires[both]] += y
        self._show(which, self.places[which] + np.array([x, y]), wires)

    def put_places(self, view: CanvasView, ids: Iterable[str]) -> None:
        """Show some nodes and all dots where `view` has them; nothing else in it may be new."""
        which = self.indices(ids)
        led = Led(view.wires)
        wires = np.union1d(self._wires_at(which), self.led.changed(led))
        self.wires, self.led, self.hovered_dot = self._stated(view.wires), led, None
        self.frames, self.notes = view.frames, view.notes
        nodes = [view[self.ids[index]] for index in which.tolist()]
        self._place(which, np.array([(n.x, n.y) for n in nodes]).reshape(-1, 2))
        ends = self.wire_ends(np.arange(len(self.wires)))
        rerouted = self._routing.move(view, which, self.boxes.edges, ends)
        wires = np.union1d(np.union1d(wires, rerouted), self._astray())
        before = self._around(wires)
        self.selected_dots = frozenset(spot for spot in self.selected_dots if spot in led)
        self.lanes, self.portal = self._routing.lanes.copy(), self._routing.tags.copy()
        self._draw(wires, before)

    def snapshot(self, which: Indices) -> Snapshot:
        """Places of nodes and lanes of their wires, for `restore`."""
        wires = self._wires_at(which)
        return Snapshot(which, self.places[which], wires, self.lanes[wires], self.led.copy())

    def restore(self, before: Snapshot) -> None:
        """Put nodes and dots back where they were."""
        self.lanes[before.wires] = before.lanes
        self.led.of = before.dots
        wires = np.union1d(before.wires, self.led.rows)
        self._show(before.which, before.places, wires)

    def _astray(self) -> Indices:
        """Wires that a gesture left on another route than theirs."""
        lanes, tags = self._routing.lanes, self._routing.tags
        same = (self.lanes == lanes) | (np.isnan(self.lanes) & np.isnan(lanes))
        return np.flatnonzero(~same | (self.portal != tags))

    def _show(self, which: Indices, places: Floats, wires: Indices) -> None:
        free = np.setdiff1d(wires, self.lifted_wires, assume_unique=True)
        before, hand = self._around(free), self._hand()
        self._place(which, places)
        if hand is None or len(free) or len(np.setdiff1d(which, self.lifted)):
            self._draw(wires, before)
            return
        self._lead(wires)
        after = self._hand()
        self._tell(Touched(hand=hand.united(after) if after else hand))

    def _hand(self) -> Rect | None:
        """Rectangle around the lifted nodes and the wires at them; None when there are none."""
        wires = self._around(self.lifted_wires)
        nodes = BoxIndex(self.boxes.edges[:, self.lifted]).bounds()
        return nodes.united(wires) if nodes and wires else nodes or wires

    def _place(self, which: Indices, places: Floats) -> None:
        self.places[which] = places
        edges = np.concatenate([places, places + self.sizes[which]], axis=1).T
        self.boxes.move(which, edges)

    def _draw(self, wires: Indices, before: Rect | None) -> None:
        """Lead wires along their routes; those that are not lifted were within `before`."""
        self._lead(wires)
        after = self._around(np.setdiff1d(wires, self.lifted_wires, assume_unique=True))
        self._tell(Touched(before.united(after) if before and after else None))

    def _lead(self, wires: Indices) -> None:
        made = self._made(wires)
        self.lines.put(wires, made)
        self.line_boxes.move(wires, made.edges())

    def _made(self, wires: Indices) -> Curves:
        """The lines of some wires, along their routes or through their dots."""
        ends = self.wire_ends(wires)
        made = curves(ends, self.lanes[wires])
        for row in self.led.among(wires):
            place = int(np.searchsorted(wires, row))
            sx, sy, tx, ty = ends[place].tolist()
            made.lead(place, Point(sx, sy), self.led.of[row], Point(tx, ty))
        return made

    def wire_ends(self, which: Indices) -> Floats:
        """Both ends of wires: (n, 4), canvas px."""
        source, target = self.ends[which].T
        at = np.concatenate([self.places[source], self.places[target]], axis=1)
        moved: Floats = at + self._ports[which]
        return moved

    def _around(self, wires: Indices) -> Rect | None:
        """Rectangle around the lines of some wires."""
        return BoxIndex(self.line_boxes.edges[:, wires]).bounds()

    def _tell(self, touched: Touched) -> None:
        for observer in self._observers:
            observer(touched)
