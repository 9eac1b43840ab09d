"""What the menus and keys do to the selection: every function is one step of the history. No Qt.

They take the canvas as interactions see it (`Host`), so they work on what is shown and selected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from graph import edits
from graph.checks.connect import can_connect
from graph.checks.offers import bridges
from graph.clipboard import copied, paste
from graph.define import Dissolve, Instance
from graph.dots import dots_text
from graph.edit import Edit
from graph.graph import Frame, Note, Wire
from graph.rules import EditError
from graph.subgraph import Defined, Scan, Subgraph
from graph.validator import FileError
from gui.canvas.dots import without
from gui.canvas.geometry import GRID, Point, Rect, snapped
from gui.canvas.interact.state import Host
from gui.canvas.layout import FRAME_PAD, FRAME_TITLE

Flag = Literal["bypassed", "frozen", "collapsed"]
SHIFT = 40.0  # a duplicate stands so far from its original
NOTE_WIDTH = 200.0


def chosen(host: Host) -> frozenset[str]:
    """Selected nodes, frames and notes."""
    return host.document.selection | host.scene.items


def delete(host: Host) -> None:
    """Take away everything selected, wires and dots too."""
    document, into = host.document, host.document.into
    ids, wires = chosen(host), document.selected_wires
    gone = [w for w in wires if w.source not in ids and w.target not in ids]
    cut = {*wires, *(w for w in document.wires if w.source in ids or w.target in ids)}
    off = without(document, document.selected_dots, cut)
    parts: list[Edit] = [edits.Disconnect(wire, into=into) for wire in sorted(gone)]
    if ids:
        parts.insert(0, edits.Remove(tuple(sorted(ids)), into=into))
    name = _many("Disconnect", len(gone), "wire") if gone and not ids else ""
    if off and not parts:
        name = f"Remove {dots_text(len(document.selected_dots))}"
    if parts or off:
        host.push(*parts, *off, name=name)


def delete_and_reconnect(host: Host) -> None:
    """Take away the selected nodes; what fed them feeds what they fed, where it fits."""
    document, into = host.document, host.document.into
    ids = document.selection
    if not ids:
        return delete(host)
    kept = [
        (wire, dots)
        for wire, dots in bridges(document.drawing, ids)
        if can_connect(document.graph, wire, into, document.checked) is None
    ]
    remove = edits.Remove(tuple(sorted(chosen(host))), into=into)
    name = remove.title(document.graph).replace("Remove", "Take out")
    host.push(remove, *(edits.Connect(*one, into=into) for one in kept), name=name)
    return None


def detach(host: Host) -> None:
    """Take all wires off the selected nodes, but those between them."""
    document, ids = host.document, host.document.selection
    crossing = [w for w in document.wires if (w.source in ids) != (w.target in ids)]
    if crossing:
        into = document.into
        host.push(*(edits.Disconnect(wire, into=into) for wire in crossing), name="Detach")


def copy_text(host: Host) -> str:
    """The selection as text; "" when there is none."""
    document, ids = host.document, chosen(host)
    return copied(document.graph, ids | _carried(host, ids), document.into) if ids else ""


def _carried(host: Host, ids: Iterable[str]) -> set[str]:
    """What selected frames hold."""
    frames = host.document.drawing.frames
    return {node for id in ids if id in frames for node in frames[id].nodes}


def paste_text(
    host: Host,
    text: str,
    at: Point | None = None,
    keep_wires: bool = False,
    snap: bool = False,
    name: str = "",
    key: str = "",
) -> tuple[str, ...]:
    """Put copied text on the canvas, its middle at a point (with `snap`, so near that the nodes
    stand on the grid); the new ids, which are selected.
    """
    document, into = host.document, host.document.into
    place = None if at is None else (at.x, at.y)
    try:
        edit = paste(document.graph, text, into, place, keep_wires)
        if snap and at is not None:
            off = _off_grid(edit)
            edit = paste(document.graph, text, into, (at.x - off.x, at.y - off.y), keep_wires)
    except (FileError, EditError):
        host.say("The clipboard holds no nodes. Copy some first.")
        return ()
    if not host.push(edit, name=name, key=key):
        return ()
    ids = tuple(_added(edit))
    host.select(ids)
    return ids


def _off_grid(edit: Edit) -> Point:
    """How far the first new node is behind the grid."""
    for part in edit.edits if isinstance(edit, edits.Batch) else ():
        if isinstance(part, edits.AddNode):
            return Point(part.node.x % GRID, part.node.y % GRID)
    return Point(0.0, 0.0)


def _added(edit: Edit) -> Iterable[str]:
    for part in edit.edits if isinstance(edit, edits.Batch) else (edit,):
        if isinstance(part, edits.AddNode):
            yield part.node.id
        elif isinstance(part, edits.SetFrame):
            yield part.frame.id
        elif isinstance(part, edits.SetNote):
            yield part.note.id


def duplicate(host: Host, by: float = SHIFT) -> tuple[str, ...]:
    """Copy the selection beside itself, with the wires that come into it; the new ids."""
    text = copy_text(host)
    if not text:
        return ()
    corner = middle_of(host)
    at = corner.moved(by, by) if corner else None
    return paste_text(host, text, at, keep_wires=True, name="Duplicate")


def middle_of(host: Host) -> Point | None:
    """The middle of the corners of what is copied, as `graph.clipboard` counts it."""
    drawing, ids = host.document.drawing, chosen(host)
    ids = ids | _carried(host, ids)
    items: list[Point] = [
        Point(node.x, node.y) for node in (drawing.node(id) for id in ids if id in drawing)
    ]
    if not items:
        items = [Point(f.x, f.y) for id, f in drawing.frames.items() if id in ids]
        items += [Point(n.x, n.y) for id, n in drawing.notes.items() if id in ids]
    if not items:
        return None
    xs, ys = [p.x for p in items], [p.y for p in items]
    return Point((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)


def select_all(host: Host) -> None:
    """Nodes, frames and notes."""
    view = host.document.view
    host.select([*view.by_id, *(f.id for f in view.frames), *(n.id for n in view.notes)])


def select_cone(host: Host, upstream: bool) -> None:
    """Also everything that feeds the selected nodes, or that they feed."""
    drawing, ids = host.document.drawing, host.document.selection
    host.select(sorted(drawing.upstream(ids) if upstream else drawing.downstream(ids)))


def toggle_flag(host: Host, flag: Flag) -> None:
    """Bypass, freeze or collapse the selected nodes; undo that when all of them are so."""
    document = host.document
    nodes = [document.drawing.node(id) for id in sorted(document.selection)]
    on = not all(getattr(node, flag) for node in nodes)
    changing = [node.id for node in nodes if getattr(node, flag) != on]
    if changing:
        host.push(*(_flag(id, flag, on, document.into) for id in changing))


def _flag(id: str, flag: Flag, on: bool, into: str) -> Edit:
    if flag == "bypassed":
        return edits.SetFlags(id, bypassed=on, into=into)
    if flag == "frozen":
        return edits.SetFlags(id, frozen=on, into=into)
    return edits.SetFlags(id, collapsed=on, into=into)


def connect_in_order(host: Host) -> None:
    """Chain the selected nodes from left to right, then from top to bottom."""
    document, scene, into = host.document, host.scene, host.document.into
    ids = sorted(
        document.selection,
        key=lambda id: (scene.places[scene.index_of[id], 0], scene.places[scene.index_of[id], 1]),
    )
    document.history.end_merge()
    key = "connect in order"
    refused = []
    for source, target in pairwise(ids):
        wire = _first_fit(host, source, target)
        if wire is not None:
            host.push(edits.Connect(wire, into=into), name="Connect in order", key=key)
        elif not any(w.source == source for w in document.drawing.wires_in(target)):
            refused.append(document.drawing.node(target).label)
    document.history.end_merge()
    if refused:
        host.say(f"{', '.join(refused)} takes nothing from the node before. Wire it by hand.")


def _first_fit(host: Host, source: str, target: str) -> Wire | None:
    """The wire between the first ports that fit, free inputs only."""
    document = host.document
    drawing = document.drawing
    for port in drawing.ports_in(target):
        if not port.many and drawing.wires_in(target, port.name):
            continue
        for out in drawing.ports_out(source):
            wire = edits.connect(drawing, source, out.name, target, port.name)
            if can_connect(document.graph, wire, document.into, document.checked) is None:
                return wire
    return None


def frame_selection(host: Host) -> str:
    """Put a frame around the selected nodes, its title to be typed; returns its id."""
    document, scene = host.document, host.scene
    ids = document.selection
    if not ids:
        host.say("Select the nodes that the frame should hold.")
        return ""
    around = around_nodes(host, ids)
    id = document.drawing.fresh_id("frame")
    left = [
        replace(frame, nodes=tuple(node for node in frame.nodes if node not in ids))
        for frame in document.drawing.frames.values()
        if ids & set(frame.nodes)
    ]
    frame = Frame(id, "Frame", tuple(sorted(ids)), around.x, around.y, around.width, around.height)
    into = document.into
    parts = [edits.SetFrame(one, into=into) for one in (*left, frame)]
    if not host.push(*parts, name="Add frame"):
        return ""
    scene.choose_items(())
    host.select([id])
    host.edit_text(id)
    return id


def around_nodes(host: Host, ids: Iterable[str]) -> Rect:
    """The rectangle of a frame around nodes."""
    rects = [host.scene.rect(index) for index in host.scene.indices(ids).tolist()]
    whole = rects[0]
    for rect in rects[1:]:
        whole = whole.united(rect)
    inner = whole.grown(FRAME_PAD)
    x, y = _on_grid(inner.x), _on_grid(inner.y - FRAME_TITLE)
    return Rect(x, y, snapped(inner.right - x), snapped(inner.bottom + GRID - y))


def add_note(host: Host, at: Point) -> str:
    """A note at a point, its text to be typed; returns its id."""
    document = host.document
    id = document.drawing.fresh_id("note")
    note = Note(id, "", _on_grid(at.x), _on_grid(at.y), NOTE_WIDTH)
    if not host.push(edits.SetNote(note, into=document.into)):
        return ""
    host.select([id])
    host.edit_text(id)
    return id


def define_selection(host: Host) -> None:
    """Make a subgraph of the selected nodes."""
    document = host.document
    ids = tuple(sorted(document.selection))
    names = {*document.graph.definitions, *document.drawing.net}
    name = document.graph.fresh_id("block", names)
    id = document.drawing.fresh_id(name)
    if ids and host.push(Instance(ids, name, id, into=document.into)):
        host.select([id])


def dissolve_selection(host: Host) -> None:
    """Take the selected subgraphs apart."""
    document = host.document
    ids = [i for i in sorted(document.selection) if is_instance(host, i, Subgraph)]
    before = set(document.drawing.net)
    if ids and host.push(*(Dissolve(id, into=document.into) for id in ids)):
        host.select(sorted(set(document.drawing.net) - before))


def scan_selection(host: Host) -> None:
    """Run the selected subgraphs at every step of a sequence; those that do already, once."""
    document = host.document
    ids = [i for i in sorted(document.selection) if is_instance(host, i, Subgraph)]
    kind: type[Defined] = Scan if ids else Subgraph
    ids = ids or [i for i in sorted(document.selection) if is_instance(host, i)]
    names = {id: getattr(document.drawing.node(id).op, "definition", "") for id in ids}
    parts = [edits.SetOp(id, kind(definition=names[id]), into=document.into) for id in ids]
    if parts:
        host.push(*parts)


def is_instance(host: Host, id: str, kind: type[Defined] = Defined) -> bool:
    """Whether a node stands for a definition, in the way of `kind`."""
    drawing = host.document.drawing
    return id in drawing and isinstance(drawing.node(id).op, kind)


def _on_grid(length: float) -> float:
    return float(round(length / GRID) * GRID)


def _many(word: str, count: int, what: str) -> str:
    return f"{word} {count} {what}{'s' if count != 1 else ''}"
