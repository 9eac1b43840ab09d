"""Putting selected nodes in order: edges in line, even gaps, level wires, the layout. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import networkx as nx

from graph import edits
from graph.dots import SetDots, dots_text
from graph.edit import Edit
from gui.canvas.dots import carried
from gui.canvas.dots import spots as dot_spots
from gui.canvas.geometry import GRID, NodeBox
from gui.canvas.interact.state import Host
from gui.canvas.layout import arrange as laid_out
from gui.canvas.led import Led, Spot
from gui.canvas.view_model import CanvasView

Edge = Literal["left", "centre", "right", "top", "middle", "bottom"]
Places = dict[str, tuple[float, float]]


def align(host: Host, edge: Edge) -> None:
    """Bring one edge (or the middles) of the selected nodes in line with the outermost."""
    scene = host.scene
    rects = {scene.ids[i]: scene.rect(i) for i in scene.indices(host.document.selection).tolist()}
    if len(rects) < 2:
        return
    across = edge in ("left", "centre", "right")
    low = {id: (r.x if across else r.y) for id, r in rects.items()}
    size = {id: (r.width if across else r.height) for id, r in rects.items()}
    share = {"left": 0.0, "top": 0.0, "centre": 0.5, "middle": 0.5}.get(edge, 1.0)
    marks = {id: low[id] + share * size[id] for id in rects}
    first, last = min(marks.values()), max(marks.values())
    line = {0.0: first, 1.0: last}.get(share, (first + last) / 2)
    goal = {id: line - share * size[id] for id in rects}
    _move(host, {id: (goal[id], r.y) if across else (r.x, goal[id]) for id, r in rects.items()})


def distribute(host: Host, across: bool) -> None:
    """Make the gaps between the selected nodes equal; the outermost stay."""
    scene = host.scene
    rects = {scene.ids[i]: scene.rect(i) for i in scene.indices(host.document.selection).tolist()}
    if len(rects) < 3:
        return
    order = sorted(rects, key=lambda id: rects[id].x if across else rects[id].y)
    size = {id: (r.width if across else r.height) for id, r in rects.items()}
    first, last = rects[order[0]], rects[order[-1]]
    start = first.x if across else first.y
    end = last.right if across else last.bottom
    gap = (end - start - sum(size.values())) / (len(order) - 1)
    places: Places = {}
    for id in order:
        places[id] = (start, rects[id].y) if across else (rects[id].x, start)
        start += size[id] + gap
    _move(host, places)


def straighten(host: Host) -> None:
    """Level the wires between the selected nodes: each first wire in runs straight."""
    scene, drawing = host.scene, host.document.drawing
    ids = host.document.selection
    places = {
        id: (scene.rect(scene.index_of[id]).x, scene.rect(scene.index_of[id]).y) for id in ids
    }
    try:
        order = list(nx.lexicographical_topological_sort(drawing.net.subgraph(ids)))
    except nx.NetworkXUnfeasible:
        host.say("The selected nodes form a cycle. Cut it first.")
        return
    for id in order:
        wires = [wire for wire in drawing.wires_in(id) if wire.source in ids]
        if not wires:
            continue
        names = [port.name for port in drawing.ports_in(id)]
        wire = min(wires, key=lambda one: names.index(one.input))
        out = [port.name for port in drawing.ports_out(wire.source)].index(wire.output)
        source, target = (scene.box(scene.index_of[one]) for one in (wire.source, id))
        level = places[wire.source][1] + source.outputs[out].y
        places[id] = places[id][0], level - target.inputs[names.index(wire.input)].y
    _move(host, places)


@dataclass(frozen=True)
class Plan:
    """What is to be laid out: nodes of a drawing, their wires, and how large they are drawn."""

    ids: frozenset[str]
    view: CanvasView
    boxes: Mapping[str, NodeBox]

    def made(self) -> CanvasView:
        """The nodes with their places; of many nodes it takes long, and may be asked anywhere."""
        return laid_out(self.view, self.boxes)


def planned(host: Host, ids: frozenset[str] = frozenset()) -> Plan | None:
    """Some nodes as they are to be laid out, or all of them; None for less than two."""
    scene, view = host.scene, host.document.view
    ids = ids & view.by_id.keys() or frozenset(view.by_id)
    nodes = tuple(replace(node, x=0.0, y=0.0) for node in view.nodes if node.id in ids)
    if len(nodes) < 2:
        return None
    within = [wire for wire in view.wires if wire.source in ids and wire.target in ids]
    wires = tuple(replace(wire, lane=None, portal="") for wire in within)
    return Plan(ids, CanvasView(nodes, wires), {id: scene.box(scene.index_of[id]) for id in ids})


def place(host: Host, plan: Plan, made: CanvasView) -> None:
    """Put the nodes of a plan where they are laid out; their upper left corner stays."""
    scene, ids = host.scene, plan.ids
    drawing, into = host.document.drawing, host.document.into
    led = [w for w in sorted(drawing.dots) if w.source in ids and w.target in ids]
    now = scene.places[scene.indices(ids)].min(axis=0)
    then = min(node.x for node in made.nodes), min(node.y for node in made.nodes)
    _move(
        host,
        {n.id: (n.x - then[0] + now[0], n.y - then[1] + now[1]) for n in made.nodes},
        "Arrange",
        more=[SetDots(wire, (), into=into) for wire in led],
    )
    if led:
        count = sum(len(wire.dots) for wire in plan.view.wires)
        host.say(f"Arranged without {dots_text(count)} on wires. Undo brings them back.")


def nudge(host: Host, across: float, down: float) -> None:
    """Move the selection by steps of the grid; repeated steps are one."""
    places: Places = {}
    for id in host.document.selection:
        x, y = host.scene.places[host.scene.index_of[id]].tolist()
        places[id] = x + across * GRID, y + down * GRID
    spots = carried(host.scene, host.scene.indices(places))
    spots.update(dot_spots(host.document, host.document.selected_dots))
    _move(host, places, key="nudge", more=_led(host, spots, across * GRID, down * GRID))


def _led(host: Host, spots: Iterable[Spot], across: float, down: float) -> list[Edit]:
    """The edits that move dots."""
    moved = Led(host.scene.wires)
    chosen = list(spots)
    moved.shift(chosen, across, down)
    wires, into = host.document.wires, host.document.into
    return [
        SetDots(wires[row], tuple((x, y) for x, y in moved.of[row].tolist()), into=into)
        for row in sorted({row for row, _ in chosen})
    ]


def _move(
    host: Host, places: Places, name: str = "", key: str = "", more: Sequence[Edit] = ()
) -> None:
    """One step for those that really move, and for what goes along."""
    scene, grid = host.scene, GRID
    moves = []
    for id, (x, y) in sorted(places.items()):
        there = float(round(x / grid) * grid), float(round(y / grid) * grid)
        if tuple(scene.places[scene.index_of[id]].tolist()) != there:
            moves.append((id, *there))
    parts = [edits.Move(tuple(moves), into=host.document.into)] if moves else []
    if parts or more:
        if parts and more:
            name = name or parts[0].title(host.document.graph)
        host.push(*parts, *more, name=name, key=key)
