"""What is done to the dots of wires: every function is one step of the history. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graph.dots import SetDots
from graph.edit import Edit
from graph.graph import Dots, Wire
from gui.canvas.curves import bernstein, distances
from gui.canvas.geometry import GRID, Point
from gui.canvas.index import Floats, Indices
from gui.canvas.interact.state import Host
from gui.canvas.led import Spot
from gui.canvas.scene import CanvasScene
from gui.document import Document, Dot

LEVEL = 6.0  # px on screen within which a dot takes the height of what is beside it on the wire
STEPS = 24  # of a curve on which the nearest place is searched
NEAR = 16.0  # px on screen from a wire within which a menu was opened on it


def spots(document: Document, dots: Iterable[Dot]) -> list[Spot]:
    """Where some dots are in the scene."""
    chosen = list(dots)
    rows = {wire: row for row, wire in enumerate(document.wires)} if chosen else {}
    return [(rows[dot.wire], dot.number) for dot in chosen if dot.wire in rows]


def add(host: Host, row: int, at: Point | None = None, key: str = "") -> Dot | None:
    """Put a dot on a wire where it comes nearest to a point, or in its middle, and select it."""
    scene, document = host.scene, host.document
    wire, legs = document.wires[row], scene.lines.legs(row)
    leg, place = _middle(legs) if at is None else _nearest(legs, at)
    dots = list(document.drawing.dots.get(wire, ()))
    number = leg if dots else 0
    dots.insert(number, settled(scene, row, number, place, host.camera.zoom, new=True))
    if not host.push(SetDots(wire, tuple(dots), into=document.into), key=key):
        return None
    dot = Dot(wire, number)
    host.select((), (), [dot])
    return dot


def add_to_selected(host: Host) -> None:
    """Put a dot on the selected wire: where its menu was opened, else in its middle."""
    document = host.document
    for row in [row for row, wire in enumerate(document.wires) if wire in document.selected_wires]:
        at, legs = host.menu_at, host.scene.lines.legs(row)
        if at is not None:
            x, y = _nearest(legs, at)[1]
            if max(abs(x - at.x), abs(y - at.y)) * host.camera.zoom > NEAR:
                at = None
        add(host, row, at)
        return


def settled(
    scene: CanvasScene, row: int, number: int, at: Sequence[float], zoom: float, new: bool = False
) -> tuple[float, float]:
    """Where a dot comes to lie: level with what is before or behind it on the wire, or upright
    above or below another dot, when it is near; else on the grid.
    """
    sx, sy, tx, ty = scene.wire_ends(np.array([row]))[0].tolist()
    dots = scene.led.of[row].tolist() if row in scene.led.of else []
    points = [(sx, sy), *dots, (tx, ty)]
    before, behind = number, number + (1 if new else 2)
    beside = [points[before], points[behind]]
    upright = [points[k][0] for k in (before, behind) if 0 < k < len(points) - 1]
    x, y = at
    return _caught(x, upright, LEVEL / zoom), _caught(y, [one[1] for one in beside], LEVEL / zoom)


def _caught(value: float, marks: Iterable[float], reach: float) -> float:
    near = min(marks, key=lambda mark: abs(mark - value), default=None)
    if near is not None and abs(near - value) <= reach:
        return near
    return float(round(value / GRID) * GRID)


def _nearest(legs: Floats, at: Point) -> tuple[int, tuple[float, float]]:
    """Number of the part of a line (k, 4, 2) that comes nearest to a point, and where."""
    places = np.einsum("sc,kcd->ksd", bernstein(STEPS), legs)
    parts = np.concatenate([places[:, :-1], places[:, 1:]], axis=2)
    gaps = distances(parts.reshape(-1, 4), at.x, at.y).reshape(len(legs), -1)
    leg, step = divmod(int(gaps.argmin()), gaps.shape[1])
    start, end = parts[leg, step, :2], parts[leg, step, 2:]
    along = end - start
    length = float(along @ along)
    share = float((np.array([at.x, at.y]) - start) @ along) / length if length else 0.0
    x, y = (start + min(max(share, 0.0), 1.0) * along).tolist()
    return leg, (x, y)


def _middle(legs: Floats) -> tuple[int, tuple[float, float]]:
    """The middle of the longest part of a line."""
    leg = int(np.hypot(*(legs[:, 3] - legs[:, 0]).T).argmax())
    x, y = (bernstein(2)[1] @ legs[leg]).tolist()
    return leg, (x, y)


def split(scene: CanvasScene, row: int, dots: Dots, at: Point) -> tuple[Dots, Dots]:
    """The dots of a wire before a point that it passes, and those behind."""
    leg = _nearest(scene.lines.legs(row), at)[0] if dots else 0
    return dots[:leg], dots[leg:]


def carried(scene: CanvasScene, which: Indices) -> set[Spot]:
    """The dots that go along with nodes: those of wires between them."""
    both = np.isin(scene.ends, which).all(axis=1)
    return set(scene.led.all(np.flatnonzero(both))) if len(scene.led.rows) else set()


def shown(host: Host, moved: Iterable[Spot]) -> list[Edit]:
    """The edits that keep dots where the scene shows them."""
    document = host.document
    return [
        SetDots(document.wires[row], tuple((x, y) for x, y in places), into=document.into)
        for row in sorted({row for row, _ in moved})
        for places in (host.scene.led.of[row].tolist(),)
    ]


def without(document: Document, dots: Iterable[Dot], apart: Iterable[Wire] = ()) -> list[Edit]:
    """The edits that take dots off their wires, but off wires that go anyway."""
    numbers: dict[Wire, set[int]] = {}
    for dot in dots:
        numbers.setdefault(dot.wire, set()).add(dot.number)
    there = document.drawing.dots
    return [
        SetDots(
            wire,
            tuple(at for number, at in enumerate(there[wire]) if number not in gone),
            into=document.into,
        )
        for wire, gone in sorted(numbers.items())
        if wire not in set(apart)
    ]


def next_wire(host: Host) -> None:
    """Select the next wire at the node that the keyboard is at, or the next dot of a wire."""
    document, drawing = host.document, host.document.drawing
    chosen = [*document.selected_wires, *(dot.wire for dot in document.selected_dots)]
    node = host.at_node if host.at_node in drawing else min(document.selection, default="")
    if chosen and node not in (chosen[0].source, chosen[0].target):
        node = chosen[0].source
    if node not in drawing:
        host.say("Select the node whose wires you want.")
        return
    ring: list[Wire | Dot] = []
    for wire in (*drawing.wires_in(node), *drawing.wires_out(node)):
        ring += [wire, *(Dot(wire, n) for n in range(len(drawing.dots.get(wire, ()))))]
    if not ring:
        host.say("The node has no wires.")
        return
    now = min([*document.selected_dots, *document.selected_wires], key=str, default=None)
    goal = ring[(ring.index(now) + 1) % len(ring) if now in ring else 0]
    host.at_node = node
    if isinstance(goal, Dot):
        host.select((), (), [goal])
    else:
        host.select((), [goal])
