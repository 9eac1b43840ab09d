"""What the canvas shows of one drawing, kept up to date by the ids that edits touch. No Qt.

A node, wire or frame that looks as before keeps its view object, so who draws them can tell by
identity what is new.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping
from dataclasses import replace

from graph.checks.problem import View
from graph.graph import Dots, Graph, Wire
from gui.canvas.describe import Shown, frame_views, node_view, note_views, wire_view
from gui.canvas.view_model import CanvasView, NodeView, Preview, Severity, WireView

Marks = Mapping[str, Severity]  # the worst problem of each node
Previews = Mapping[str, Preview]
WireEnds = tuple[str, int, str, int]


def canvas_view(
    graph: Graph, previews: Previews | None = None, problems: Marks | None = None
) -> CanvasView:
    """What the drawing of a graph shows.

    `problems` by node id replace those that the walk finds (refused inputs).
    """
    view = View.of(graph)
    if problems is None:
        problems = {refusal.path.split("/")[0]: "error" for refusal in view.shapes.refusals}
    return Sheet(view, "", problems, previews or {}).view


class Sheet:
    """The view of the drawing `into`; `view` is replaced by each change.

    `wires` are the graph's wires, row by row those of `view.wires`. Lanes and portals of the layout
    stay at a wire until one of its ends moves alone.
    """

    def __init__(self, checked: View, into: str, marks: Marks, previews: Previews) -> None:
        self.into, self.marks, self.previews = into, marks, previews
        self._checked = checked
        self._shown = Shown.of(checked, into)
        self._nodes: dict[str, NodeView] = {}
        self._order: list[str] = []
        self._routes: dict[WireEnds, WireView] = {}
        self.wires: tuple[Wire, ...] = ()
        self._wires: tuple[WireView, ...] = ()
        self._led: dict[Wire, Dots] = {}  # as they were described
        self.view = CanvasView()
        self._describe(set(self._shown.spot.drawing.net))

    @property
    def drawing(self) -> Graph:
        """The drawing it shows."""
        return self._shown.spot.drawing

    @property
    def plain(self) -> CanvasView:
        """The view without lanes and portals."""
        wires = (replace(wire, lane=None, portal="") for wire in self._wires)
        return replace(self.view, wires=tuple(wires))

    def update(self, dirty: Collection[str], marks: Marks) -> bool:
        """Look at the nodes `dirty` anew, and at those marked otherwise; whether any is another."""
        before, seen = self.view, self._shown.seen
        self._shown = Shown.of(self._checked, self.into)
        drawing, ids = self._shown.spot.drawing, set(dirty)
        if seen is not self._shown.seen:
            ids.update(drawing.net, self._nodes)
        # an input may show what its source declares to give
        ids.update(target for id in dirty if id in drawing for target in drawing.net.succ[id])
        ids.update(node.id for node in self._shown.spot.by_role("optimizer", "data"))
        ids.update(id for id, _ in self.marks.items() ^ marks.items())
        self.marks = marks
        self._describe(ids)
        return self.view is not before

    def show_previews(self, previews: Previews) -> None:
        """Draw other previews inside nodes."""
        ids = self.previews.keys() | previews.keys()
        changed = {id for id in ids if self.previews.get(id) is not previews.get(id)}
        self.previews = previews
        self._describe(changed)

    def put(self, view: CanvasView) -> None:
        """Show a layout: other places of nodes, with lanes and portals of wires."""
        self._routes = {ends(w): w for w in view.wires if w.portal or w.lane is not None}
        self._nodes = dict(view.by_id)
        self._wires, self.view = view.wires, view

    def move(self, ids: Collection[str]) -> None:
        """Some nodes are at other places, or dots are; only wires between nodes that moved alike
        keep lanes.
        """
        by: dict[str, float] = {}
        for id in ids:
            now, node = self._shown.spot.drawing.node(id), self._nodes[id]
            by[id] = now.y - node.y
            self._nodes[id] = replace(node, x=now.x, y=now.y)
        if by:
            self._wires = tuple(_carried(wire, by) for wire in self._wires)
        self._lead()
        self._routes = {ends(w): w for w in self._wires if w.portal or w.lane is not None}
        self._compose()

    def _describe(self, ids: Collection[str]) -> None:
        drawing, changed = self._shown.spot.drawing, set[str]()
        for id in ids:
            before = self._nodes.get(id)
            if id not in drawing:
                if before is not None:
                    del self._nodes[id], self._order[bisect_left(self._order, id)]
                    changed.add(id)
                continue
            preview, mark = self.previews.get(id), self.marks.get(id, "")
            now = node_view(self._shown, drawing.node(id), preview, mark)
            if before is None:
                insort(self._order, id)
            if now != before:
                self._nodes[id] = now
                changed.add(id)
        self._rewire(changed)
        self._lead()
        self._compose()

    def _rewire(self, changed: Collection[str]) -> None:
        """Keep the views of wires whose ends look as before."""
        wires, views = tuple(self._shown.spot.index.wires), list[WireView]()
        row, old = 0, self.wires
        if wires == old:
            for wire, view in zip(wires, self._wires, strict=True) if changed else ():
                touched = wire.source in changed or wire.target in changed
                views.append(self._view(wire, view) if touched else view)
            self._wires = tuple(views) if changed else self._wires
            return
        for wire in wires:
            while row < len(old) and old[row] is not wire and old[row] <= wire:
                row += 1
            kept = row < len(old) and old[row] is wire
            before = self._wires[row] if kept else None
            same = before and wire.source not in changed and wire.target not in changed
            views.append(before if before and same else self._view(wire, before))
            row += kept
        self.wires, self._wires = wires, tuple(views)

    def _lead(self) -> None:
        """Show the dots of wires where they are now."""
        dots = self.drawing.dots
        if dots != self._led:
            self._led = dict(dots)
            self._wires = tuple(
                view if view.dots == dots.get(wire, ()) else replace(view, dots=dots.get(wire, ()))
                for wire, view in zip(self.wires, self._wires, strict=True)
            )

    def _view(self, wire: Wire, before: WireView | None) -> WireView:
        made = wire_view(self._shown, wire)
        made = _routed(made, self._routes.get(ends(made)))
        return before if before == made else made

    def _compose(self) -> None:
        """Another view, if anything in it is."""
        drawing, view = self._shown.spot.drawing, self.view
        nodes = tuple([self._nodes[id] for id in self._order])
        frames, notes = frame_views(drawing), note_views(drawing)
        parts = (nodes, self._wires, frames, notes)
        if parts != (view.nodes, view.wires, view.frames, view.notes):
            self.view = CanvasView(*parts)


def ends(wire: WireView) -> WireEnds:
    """Which ports a wire joins."""
    return wire.source, wire.output, wire.target, wire.input


def _routed(wire: WireView, route: WireView | None) -> WireView:
    return replace(wire, lane=route.lane, portal=route.portal) if route else wire


def _carried(wire: WireView, by: Mapping[str, float]) -> WireView:
    """A wire after nodes moved by so much: its lane goes along when both of its ends did."""
    if wire.lane is None or not (wire.source in by or wire.target in by):
        return wire
    if wire.source in by and by[wire.source] == by.get(wire.target):
        return replace(wire, lane=wire.lane + by[wire.source])
    return replace(wire, lane=None)
