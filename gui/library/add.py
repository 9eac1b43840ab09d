"""Putting a new node on the canvas: where it stands, how it is wired, as one step of undo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce

from graph.edit import Edit, op_name
from graph.edits import AddNode, Batch, Connect, connect
from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY, Op
from gui import fonts
from gui.blocks import brought
from gui.canvas.bare import bare_view
from gui.canvas.geometry import GRID, WIDTH_MAX, NodeBox, Point, Rect, node_box
from gui.canvas.view import Canvas
from gui.document import Document
from gui.library.fits import Link, Side
from gui.rest import room

GAP = 48.0  # between a node and the one behind it, px
BREATH = 24.0  # least distance of a new node to others


def add_free(document: Document, op: Op, middle: Point) -> str:
    """Add a node around a point of the canvas, clear of others, and select it; returns its id."""
    box = _box(op)
    corner = Point(_on_grid(middle.x - box.width / 2), _on_grid(middle.y - box.height / 2))
    place = _cleared(document, Rect(corner.x, corner.y, box.width, box.height))
    return _push(document, op, (), Point(place.x, place.y))


def add_at(document: Document, op: Op, links: Iterable[Link], corner: Point) -> str:
    """Add a node with its corner at a point, wired as `links` say; returns its id."""
    return _push(document, op, tuple(links), corner)


def width_of(op: Op) -> float:
    """How wide a node is before it has shapes to show, with room for its preview, px."""
    return _box(op).width


def add_linked(document: Document, op: Op, links: tuple[Link, ...], beside: str) -> str:
    """Add a node wired as `links` say, on the same thread as the node `beside`; returns its id."""
    at, box = rect_of(document, beside), _box(op)
    side: Side = links[0].side if links else "output"
    step = _box(REGISTRY[links[0].adapter]()).width + GAP if links and links[0].adapter else 0.0
    if links and links[0].node != beside:  # both hang from one node: they stand in one column
        x, y = at.x, at.bottom + BREATH
    else:
        x, y = at.right + GAP if side == "output" else at.x - GAP - box.width, at.y
    place = _cleared(document, Rect(x, _on_grid(y), box.width + step, box.height))
    return _push(document, op, links, Point(place.x + step, place.y))


def bring(canvas: Canvas, id: str) -> None:
    """Show a node just added: with the whole drawing, else with what it is wired to, else alone;
    nothing moves when it is in sight.
    """
    document = canvas.document
    net = document.drawing.net
    own = rect_of(document, id)
    near = (rect_of(document, other) for other in {*net.pred[id], *net.succ[id]})
    canvas.show_added(own, [canvas.scene.bounds() or own, reduce(Rect.united, near, own)])


def _push(document: Document, op: Op, links: tuple[Link, ...], place: Point) -> str:
    drawing, into = document.drawing, document.into
    made, defined = brought(document.graph, op)
    id = drawing.fresh_id(_stem(made))
    parts: list[Edit] = [*defined, AddNode(Node(id, made, x=place.x, y=place.y), into=into)]
    for link in links:
        parts += _wired(drawing, into, link, id, place)
    document.push(Batch(tuple(parts), f"Add {op_name(made)}"))
    document.select([id])
    return id


def _wired(drawing: Graph, into: str, link: Link, id: str, place: Point) -> Iterator[Edit]:
    if link.side == "input":
        order = connect(drawing, id, link.own_port, link.node, link.port).order
        yield Connect(Wire(id, link.own_port, link.node, link.port, order), into=into)
        return
    source, output = link.node, link.port
    if link.adapter:
        between = REGISTRY[link.adapter]()
        adapter = drawing.fresh_id(_stem(between), (id,))
        yield AddNode(
            Node(adapter, between, x=place.x - _box(between).width - GAP, y=place.y), into=into
        )
        into_port = between.ports_in()[0].name
        yield Connect(Wire(source, output, adapter, into_port), into=into)
        source, output = adapter, between.ports_out()[0].name
    yield Connect(Wire(source, output, id, link.own_port), into=into)


def _stem(op: Op) -> str:
    return type(op).__name__.lower()


def _box(op: Op) -> NodeBox:
    view = bare_view(Node("", op))
    return node_box(view if view.collapsed else replace(view, preview=room(op)), fonts.measure)


def _on_grid(value: float) -> float:
    return round(value / GRID) * GRID


def rect_of(document: Document, id: str) -> Rect:
    """A node with the preview that it will have."""
    view = document.view[id]
    if view.preview is None and not view.collapsed:
        view = replace(view, preview=room(document.drawing.node(id).op))
    return node_box(view, fonts.measure).rect(view.x, view.y)


def _cleared(document: Document, wanted: Rect) -> Rect:
    """`wanted`, moved down until it meets no node."""
    near = [n.id for n in document.view.nodes if abs(n.x - wanted.x) < WIDTH_MAX + wanted.width]
    taken = [rect_of(document, id).grown(BREATH / 2) for id in near]
    place = wanted
    while True:
        below = [rect.bottom for rect in taken if rect.meets(place.grown(BREATH / 2 - 1))]
        if not below:
            return place
        place = Rect(wanted.x, _on_grid(max(below) + BREATH / 2 + GRID), place.width, place.height)
