"""Automatic layout: a drawing without positions becomes threads from left to right. No Qt.

Nodes stand in columns by their longest way from a source. The longest path of a drawing is its
thread: its first ports lie on one level. Shorter paths hang below, each on a level of its own. A
thread wider than a screen wraps; the wire to the next row runs back through the space between.
The same drawing always gives the same picture.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import inf

import networkx as nx

from gui.canvas.geometry import CAPTION, GRID, NodeBox, Rect, snapped
from gui.canvas.lanes import STEP, Row, route_between_rows, route_in_row
from gui.canvas.levels import at_ends, levels
from gui.canvas.view_model import CanvasView, FrameView, NodeView, WireView

# A row of this width fits the canvas of a 1600 px window, so much height what lies at its foot
# leaves. Of what is higher rows may be so much wider, up to so many nodes, if all of it
# is then seen so much larger.
ROW_LIMIT, CANVAS_HIGH = 1120.0, 480.0
WIDER, MOST_TRIED, WORTH = (1.4, 2.0, 2.8, 4.0), 400, 1.1
COLUMN_GAP, TAG_GAP = 28.0, 40.0
LEVEL_GAP = 28.0  # holds a lane above a level
ROW_GAP = 64.0  # holds the wire that returns
COMPONENT_GAP = 56.0
FRAME_PAD, FRAME_TITLE = 16.0, 26.0
# What a row costs for the square of its width over the limit, its square distance from the mean;
# what a break costs for each wire cut beyond the first, and for parting a layer from what follows.
_OVER, _UNEVEN, _CROSSING, _BONDED = 5.0, 0.3, 0.15, 0.05


@dataclass
class _Sketch:
    """One connected part while it is laid out; positions are relative to its row."""

    ids: list[str]
    column: dict[str, int] = field(default_factory=dict)
    level: dict[str, int] = field(default_factory=dict)  # 0 is the thread
    rows: list[range] = field(default_factory=list)  # columns of each row


def is_unplaced(view: CanvasView) -> bool:
    """Whether nobody has placed the nodes: several, all at the origin."""
    return len(view.nodes) > 1 and all(node.x == 0 and node.y == 0 for node in view.nodes)


def arrange(view: CanvasView, boxes: Mapping[str, NodeBox]) -> CanvasView:
    """The view with places for all nodes, lanes and portals for wires, and frames around theirs."""
    net = _acyclic(view)
    lone = [id for id in sorted(net) if not net.degree(id)]
    groups = [sorted(part) for part in nx.weakly_connected_components(net) if len(part) > 1]
    groups.sort(key=lambda ids: (-len(ids), ids))
    sketches = [_sketch(view, net.subgraph(ids)) for ids in groups]
    if lone:
        line = {id: index for index, id in enumerate(lone)}
        sketches.append(_Sketch(lone, line, dict.fromkeys(lone, 0)))
    parts = [_part(view, sketch.ids) for sketch in sketches]
    used: set[str] = set()
    parts = [_with_portals(part, s, used) for part, s in zip(parts, sketches, strict=True)]
    best = _in_rows(view, parts, boxes, sketches, ROW_LIMIT)
    share = _share(best, boxes)
    if share == 1 or len(view.nodes) > MOST_TRIED:
        return best
    lanes = [_as_lanes(net, sketch) for sketch in sketches]
    for each in (sketches,) if lanes == sketches else (sketches, lanes):
        for times in (1.0, *WIDER):
            tried = _in_rows(view, parts, boxes, each, times * ROW_LIMIT)
            if (larger := _share(tried, boxes)) > WORTH * share:
                best, share = tried, larger
    return best


def _as_lanes(net: nx.DiGraph[str], sketch: _Sketch) -> _Sketch:
    """The sketch with what hangs below its lanes at their ends, where there are several."""
    moved = at_ends(net.subgraph(sketch.ids), sketch.column, sketch.level)
    return _Sketch(sketch.ids, *moved) if moved else sketch


def _in_rows(
    view: CanvasView,
    parts: Sequence[CanvasView],
    boxes: Mapping[str, NodeBox],
    sketches: Sequence[_Sketch],
    limit: float,
) -> CanvasView:
    """The parts one below the other, each in rows of about this width at most."""
    top, placed = 0.0, []
    for part, sketch in zip(parts, sketches, strict=True):
        _break_rows(part, boxes, sketch, limit)
        part, top = _place(part, boxes, sketch, top)
        placed.append(part)
    return _around_nodes(_joined(view, placed), boxes)


def _share(view: CanvasView, boxes: Mapping[str, NodeBox]) -> float:
    """The zoom at which all is seen, as far as it is below 100 %."""
    if not view.nodes:
        return 1.0
    around = _union(_extent(node, boxes[node.id]) for node in view.nodes)
    return min(1.0, ROW_LIMIT / around.width, CANVAS_HIGH / around.height)


def _part(view: CanvasView, ids: Collection[str]) -> CanvasView:
    """Some nodes with the wires that end at them; the frames of all."""
    inside = set(ids)
    nodes = tuple(node for node in view.nodes if node.id in inside)
    wires = tuple(wire for wire in view.wires if wire.target in inside)
    return CanvasView(nodes, wires, view.frames)


def _joined(view: CanvasView, parts: Iterable[CanvasView]) -> CanvasView:
    """The view with the nodes and wires that its parts have now, in its own order."""
    nodes: dict[str, NodeView] = {}
    wires: dict[str, list[WireView]] = {}  # by target, in the order of the view
    for part in parts:
        nodes.update(part.by_id)
        for wire in part.wires:
            wires.setdefault(wire.target, []).append(wire)
    of = {target: iter(some) for target, some in wires.items()}
    return replace(
        view,
        nodes=tuple(nodes.get(node.id, node) for node in view.nodes),
        wires=tuple(next(of[wire.target]) for wire in view.wires),
    )


def _acyclic(view: CanvasView) -> nx.DiGraph[str]:
    """The drawing without the wires that close its cycles."""
    net: nx.DiGraph[str] = nx.DiGraph()
    net.add_nodes_from(sorted(node.id for node in view.nodes))
    for wire in sorted(view.wires, key=lambda w: (w.source, w.target, w.input, w.output)):
        if wire.source != wire.target and not net.has_edge(wire.source, wire.target):
            net.add_edge(wire.source, wire.target, ports=(wire.input, wire.output))
    while not nx.is_directed_acyclic_graph(net):
        net.remove_edge(*nx.find_cycle(net)[-1][:2])
    return net


def _sketch(view: CanvasView, net: nx.DiGraph[str]) -> _Sketch:
    order = list(nx.lexicographical_topological_sort(net))
    column: dict[str, int] = {}
    for id in order:
        column[id] = 1 + max((column[p] for p in net.predecessors(id)), default=-1)
    for id in order:  # a source stands right before what it feeds
        if not net.in_degree(id):
            column[id] = min(column[s] for s in net.successors(id)) - 1
    return _Sketch(sorted(order), column, levels(net, order, column))


def _with_portals(view: CanvasView, sketch: _Sketch, used: set[str]) -> CanvasView:
    """Tags instead of long wires from data to losses and metrics, which would cross everything.

    The letters of the tags are noted in `used`.
    """
    letters: dict[tuple[str, int], str] = {}
    wires = []
    for wire in view.wires:
        far = sketch.column.get(wire.target, 0) - sketch.column.get(wire.source, 0) > 1
        ends = view[wire.source].role == "data" and view[wire.target].role in ("loss", "metric")
        if far and ends:
            key = wire.source, wire.output
            if key not in letters:
                letters[key] = letter_for(view[wire.source].outputs[wire.output].name, used)
                used.add(letters[key])
            wire = replace(wire, portal=letters[key])
        wires.append(wire)
    return replace(view, wires=tuple(wires))


def letter_for(port: str, used: Collection[str]) -> str:
    """The tag of an output: a letter of its port's name that no other output has."""
    spare = (port.upper() + "ABCDEFGHIJKLMNOPQRSTUVWXYZ").replace("_", "")
    return next((letter for letter in spare if letter not in used), "*")


def _column_sizes(
    view: CanvasView, boxes: Mapping[str, NodeBox], sketch: _Sketch
) -> tuple[list[float], list[float]]:
    """Width of every column, and the gap before it."""
    count = 1 + max(sketch.column.values())
    widths, gaps = [0.0] * count, [COLUMN_GAP] * (count + 1)
    for id in sketch.ids:
        widths[sketch.column[id]] = max(widths[sketch.column[id]], boxes[id].width)
    for wire in view.wires:
        if wire.portal and wire.source in sketch.column:
            gaps[sketch.column[wire.source] + 1] = TAG_GAP
            gaps[sketch.column[wire.target]] = TAG_GAP
    for frame in view.frames:
        inside = {sketch.column[id] for id in frame.nodes if id in sketch.column}
        for column in range(count + 1):
            if (column in inside) != (column - 1 in inside):
                gaps[column] += FRAME_PAD
    return widths, gaps


def _break_rows(
    view: CanvasView, boxes: Mapping[str, NodeBox], sketch: _Sketch, limit: float
) -> None:
    """Divide the columns into rows of similar width, breaking where few wires are cut."""
    widths, gaps = _column_sizes(view, boxes, sketch)
    count = len(widths)
    total = sum(widths) + sum(gaps[1:count])
    aim = total / max(1, -(-total // limit))
    cuts = _cut_costs(view, sketch, count)
    # where the columns end when all stand side by side
    right = list(accumulate(width + gap for width, gap in zip(widths, gaps, strict=False)))
    # best[c]: least cost of rows that end before column c, and where the last of them starts
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, count + 1):
        least = (inf, 0)
        for start in range(end - 1, -1, -1):
            width = right[end - 1] - right[start] + widths[start]
            over = max(0.0, width / limit - 1.0) if end - start > 1 else 0.0
            too_wide = _OVER * over**2
            if too_wide > least[0]:
                break  # a longer row costs more
            cost = too_wide + _UNEVEN * (width / aim - 1.0) ** 2 + cuts[start]
            least = min(least, (best[start][0] + cost, start))
        best.append(least)
    ends, end = [], count
    while end:
        ends.append(range(best[end][1], end))
        end = best[end][1]
    sketch.rows = ends[::-1]


def _cut_costs(view: CanvasView, sketch: _Sketch, count: int) -> list[float]:
    """What starting a row at each column costs: cut wires, layers torn from their activation."""
    place, change = sketch.column, [0] * (count + 1)
    for wire in view.wires:
        start, end = place[wire.source], place[wire.target]
        if not wire.portal and start < end:
            change[start + 1] += 1
            change[end + 1] -= 1
    bonded = {
        place[id]
        for id in sketch.ids
        if not sketch.level[id] and view[id].family in ("activation", "norm", "loss", "optimizer")
    }
    cuts = [max(0, cut - 1) for cut in accumulate(change)]
    costs = [_CROSSING * cuts[column] + _BONDED * (column in bonded) for column in range(count)]
    return [0.0, *costs[1:]]


def _place(
    view: CanvasView, boxes: Mapping[str, NodeBox], sketch: _Sketch, top: float
) -> tuple[CanvasView, float]:
    """Put one part below `top`. Returns the view and where the next part may begin."""
    widths, gaps = _column_sizes(view, boxes, sketch)
    row_at = {column: i for i, columns in enumerate(sketch.rows) for column in columns}
    row_of = {id: row_at[sketch.column[id]] for id in sketch.ids}
    members: list[list[str]] = [[] for _ in sketch.rows]
    for id in sketch.ids:
        members[row_of[id]].append(id)
    parts: list[CanvasView] = []
    for columns, ids in zip(sketch.rows, members, strict=True):
        part = _part(view, ids)
        x, left = 0.0, {}
        for column in columns:
            left[column] = x
            x = snapped(x + widths[column] + gaps[column + 1])
        heights = _stacked(part, boxes, sketch, ids)
        part = _moved(part, {id: (left[sketch.column[id]], heights[id]) for id in ids})
        row = Row(top, ids, part.wires)
        part, above = route_in_row(part, boxes, row)
        here = set(ids)
        incoming = [w for w in row.wires if not w.portal and w.source not in here]
        room = 0.0 if not parts else ROW_GAP if incoming else LEVEL_GAP
        framed = any(not sketch.level[id] and _is_framed(part, id) for id in ids)
        above += (FRAME_PAD + FRAME_TITLE) * framed
        shift = snapped(max(above, room) + STEP * max(len(incoming) - 1, 0))
        part = _shifted(part, top + shift)
        part = route_between_rows(part, row, incoming, top + shift)
        top = max(_bottom(part, boxes, id) for id in ids)
        lanes = [wire.lane for wire in part.wires if wire.lane is not None]
        top = snapped(max([top, *(lane + GRID for lane in lanes)]))
        parts.append(part)
    return _joined(view, parts), top + COMPONENT_GAP


def _stacked(
    view: CanvasView, boxes: Mapping[str, NodeBox], sketch: _Sketch, ids: Sequence[str]
) -> dict[str, float]:
    """Height of each node of a row below its thread: all of a level on one height."""
    heights: dict[str, float] = {}
    for level in sorted({sketch.level[id] for id in ids}):
        mine = [id for id in ids if sketch.level[id] == level]
        columns = [sketch.column[id] for id in mine]
        over = [id for id in heights if min(columns) <= sketch.column[id] <= max(columns)]
        lowest = max((heights[id] + _height(view, boxes, id) for id in over), default=-LEVEL_GAP)
        heights.update(dict.fromkeys(mine, snapped(lowest + LEVEL_GAP)))
    return heights


def _height(view: CanvasView, boxes: Mapping[str, NodeBox], id: str) -> float:
    """Height of a node with the caption below it and its frame."""
    height = _extent(view[id], boxes[id]).height
    return height + (FRAME_PAD + GRID) * _is_framed(view, id)


def _is_framed(view: CanvasView, id: str) -> bool:
    return any(id in frame.nodes for frame in view.frames)


def _bottom(view: CanvasView, boxes: Mapping[str, NodeBox], id: str) -> float:
    return view[id].y + _height(view, boxes, id)


def _moved(view: CanvasView, places: Mapping[str, tuple[float, float]]) -> CanvasView:
    nodes = (
        replace(n, x=places[n.id][0], y=places[n.id][1]) if n.id in places else n
        for n in view.nodes
    )
    return replace(view, nodes=tuple(nodes))


def _shifted(row: CanvasView, by: float) -> CanvasView:
    """A row and the lanes inside it, moved down."""
    row = _moved(row, {node.id: (node.x, node.y + by) for node in row.nodes})
    wires = (replace(w, lane=w.lane + by) if w.lane is not None else w for w in row.wires)
    return replace(row, wires=tuple(wires))


def _around_nodes(view: CanvasView, boxes: Mapping[str, NodeBox]) -> CanvasView:
    """Frames drawn around their nodes, and unplaced notes in a line below everything."""
    frames = tuple(_framed(frame, view, boxes) for frame in view.frames)
    bottom = max((_bottom(view, boxes, node.id) for node in view.nodes), default=0.0)
    notes, x = [], 0.0
    for note in view.notes:
        if not (note.x or note.y):
            note, x = replace(note, x=x, y=bottom + LEVEL_GAP), x + note.width + COLUMN_GAP
        notes.append(note)
    return replace(view, frames=frames, notes=tuple(notes))


def _framed(frame: FrameView, view: CanvasView, boxes: Mapping[str, NodeBox]) -> FrameView:
    """A frame around its nodes and the lanes between them."""
    inside = [id for id in frame.nodes if id in view.by_id]
    rects = [_extent(view[id], boxes[id]) for id in inside]
    if not rects:
        return frame
    for wire in view.wires:
        if wire.lane is not None and wire.source in inside and wire.target in inside:
            rects.append(Rect(view[wire.target].x, wire.lane, 0.0, 0.0))
    inner = _union(rects).grown(FRAME_PAD)
    y = inner.y - FRAME_TITLE
    return replace(frame, x=inner.x, y=y, width=inner.width, height=inner.bottom + GRID - y)


def _extent(node: NodeView, box: NodeBox) -> Rect:
    caption = CAPTION if node.collapsed and node.badge else 0.0
    return Rect(node.x, node.y, box.width, box.height + caption)


def _union(rects: Iterable[Rect]) -> Rect:
    first, *rest = rects
    for rect in rest:
        first = first.united(rect)
    return first
