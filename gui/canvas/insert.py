"""Putting a node into the wire that lies under it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from graph import edits
from graph.checks.offers import insert_ports, into_wire
from graph.edit import Edit
from graph.graph import Wire
from graph.op import Op
from gui.canvas.dots import split
from gui.canvas.geometry import GRID, PORT_Y, NodeBox, Point, Rect
from gui.canvas.room import make_room
from gui.canvas.scene import CanvasScene
from gui.document import Document

GAP = 28.0  # least px between the node and its new neighbours
REACH = 4.0  # px around the header within which a wire counts
LEVEL = 16.0  # px within which the node is lifted onto the thread of the wire


@dataclass(frozen=True)
class Spot:
    """A wire of the scene that a node would go into, by which of its ports, and where it stands."""

    row: int
    wire: Wire
    ports: tuple[str, str]
    corner: Point


def wire_under(
    document: Document, scene: CanvasScene, op: Op, rect: Rect, own: str = ""
) -> Spot | None:
    """The wire under the header of a node at `rect` that the node fits into.

    `own` is the node itself when it is on the canvas already.
    """
    header = Rect(rect.x, rect.y - REACH, rect.width, 2 * PORT_Y + 2 * REACH)
    for row in scene.wires_through(header):
        wire = document.wires[row]
        if own in (wire.source, wire.target):
            continue
        ports = insert_ports(document.checked, wire, op, document.into)
        if ports is not None:
            return Spot(row, wire, ports, _settled(scene, wire, rect))
    return None


def _settled(scene: CanvasScene, wire: Wire, rect: Rect) -> Point:
    """The node's corner: on the thread of a level wire, clear of the source."""
    source, target = (scene.rect(scene.index_of[id]) for id in (wire.source, wire.target))
    x, y = rect.x, rect.y
    forward = target.x >= source.right
    if forward and x < source.right + GAP and rect.y < source.bottom and source.y < rect.bottom:
        x = source.right + GAP
    if source.y == target.y and abs(y - source.y) <= LEVEL:
        y = source.y
    return Point(round(x / GRID) * GRID, round(y / GRID) * GRID)


def insertion(
    document: Document, scene: CanvasScene, spot: Spot, id: str, box: NodeBox
) -> list[Edit]:
    """The edits that lead the wire through `id`, and make room behind it."""
    header = Point(spot.corner.x + box.width / 2, spot.corner.y + PORT_Y)
    dots = split(scene, spot.row, document.drawing.dots.get(spot.wire, ()), header)
    made: list[Edit] = into_wire(spot.wire, id, spot.ports, document.into, dots)
    target = scene.rect(scene.index_of[spot.wire.target])
    source = scene.rect(scene.index_of[spot.wire.source])
    push = spot.corner.x + box.width + GAP - target.x
    beside = spot.corner.y < target.bottom and target.y < spot.corner.y + box.height
    if push > 0 and beside and target.x >= source.right:
        places = [
            (one, float(scene.places[index, 0]) + by, float(scene.places[index, 1]))
            for one, by in make_room(scene, spot.wire.target, push)
            for index in (scene.index_of[one],)
            if one != id
        ]
        made.append(edits.Move(tuple(places), into=document.into))
    return made
