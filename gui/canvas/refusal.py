"""Why a wire is refused, in a person's words, and the ways to make it fit. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from graph import edits
from graph.checks.problem import Problem
from graph.edit import Edit
from graph.graph import Graph, Node, Wire
from graph.infer import infer
from graph.op import Op
from graph.ops.expect import describe
from graph.program import TensorType
from gui.canvas.bare import bare_view
from gui.canvas.describe import icon_name, kind_of, title
from gui.canvas.draft import DraftNode, DraftWire
from gui.canvas.geometry import GRID, NodeBox, Point
from gui.canvas.room import make_room
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import NodeView, WireState

GAP = 28.0  # least length of a wire to or from a proposed node
PROPOSED = WireState(proposed=True)
# what layers say they expect: its shape, and in words
WANTED = {
    "a vector a sample": ("N×F", "a vector, one row of numbers a sample"),
    "an image C×H×W a sample": ("N×C×H×W", "an image, channels of height × width"),
}


@dataclass(frozen=True)
class Proposal:
    """One way to make the wire fit: its row in the bubble, and what the canvas shows of it.

    `shift` are nodes with how far they move to make room: (id, dx).
    """

    edit: Edit
    title: str
    icon: str
    family: str
    shapes: str
    nodes: tuple[DraftNode, ...] = ()
    wires: tuple[DraftWire, ...] = ()
    shift: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """The bubble at a port of `node`: `source` and `port` are the ends of the refused wire on the
    canvas, `giver` is the node at its other end.
    """

    title: str
    sentence: str
    node: str
    giver: str
    source: Point
    port: Point
    proposals: tuple[Proposal, ...] = ()


def shape_words(kind: TensorType) -> str:
    """A batch as people write it: N×32×7×7."""
    return "×".join(["N", *map(str, kind.shape[1:])]) if kind.shape else "scalar"


def worded(
    problem: Problem, source: Node, target: Node, kind: TensorType | None = None
) -> tuple[str, str]:
    """Title and sentence of a problem: what was wanted and got, then what to do.

    `kind` is what would pass. Where it is what was refused, the title names both shapes and the
    sentence both kinds; the remedy is said unless the bubble offers it.
    """
    found, _, expected = problem.message.partition(", expected ")
    found = found.removeprefix("found ")
    remedy = problem.remedy[:1].upper() + problem.remedy[1:] + "." if problem.remedy else ""
    if not expected or found.startswith(("a cycle", "the wire", "a wire")):
        return f"Found {found}", f"Expected {expected}. {remedy}" if expected else remedy
    wants, gives = f"{title(target)} wants", f"{title(source)} gives"
    if kind is None or found != describe(kind) or expected not in WANTED:
        wanted, got = (words.removesuffix(" a sample") for words in (expected, found))
        return f"{wants} {wanted}, got {got}", f"{gives} {found}. {remedy}"
    letters, reads = WANTED[expected]
    said = [f"{gives} {in_words(kind)}.", f"{title(target)} reads {reads}."]
    said += [] if problem.mends else [remedy]
    return f"{wants} {letters}, got {shape_words(kind)}", " ".join(said)


def in_words(kind: TensorType) -> str:
    """A batch of numbers as people say it: "an image, 32 maps of 4 × 4"."""
    match kind.shape[1:]:
        case (size,):
            return f"a vector of {size:,} numbers"
        case (1, height, width):
            return f"an image of {height} × {width}"
        case (count, height, width):
            return f"an image, {count} maps of {height} × {width}"
    return describe(kind).removesuffix(" a sample")


def proposals(
    drawing: Graph,
    problem: Problem,
    wire: Wire,
    kind: TensorType | None,
    scene: CanvasScene,
    box_of: Callable[[NodeView], NodeBox],
) -> Iterator[Proposal]:
    """What `problem` offers, laid out on the canvas."""
    for mend in problem.mends:
        parts = mend.edits if isinstance(mend, edits.Batch) else (mend,)
        added = [part.node for part in parts if isinstance(part, edits.AddNode)]
        swapped = [part.op for part in parts if isinstance(part, edits.SetOp)]
        if kind is None or not (added or swapped):
            continue
        ops = [node.op for node in added] or swapped
        kinds = list(_flow(kind, ops))
        name = mend.title(drawing)
        first = ops[0]
        text = f"{shape_words(kind)} → {shape_words(kinds[-1])}"
        row = Proposal(mend, name, icon_name(first), first.family, text)
        yield _placed(row, added, [kind, *kinds], wire, drawing, scene, box_of) if added else row


def _flow(kind: TensorType, ops: list[Op]) -> Iterator[TensorType]:
    """What leaves each of several nodes in a row."""
    for op in ops:
        made = infer(op, (kind,)).outputs
        kind = made[0] if made else kind
        yield kind


def _placed(
    row: Proposal,
    added: list[Node],
    kinds: list[TensorType],
    wire: Wire,
    drawing: Graph,
    scene: CanvasScene,
    box_of: Callable[[NodeView], NodeBox],
) -> Proposal:
    """The nodes on the thread between both ends; what stands behind them makes room."""
    start = scene.port_point(wire.source, _index(drawing, wire, True), True)
    end = scene.port_point(wire.target, _index(drawing, wire, False), False)
    views = [bare_view(node) for node in added]
    boxes = [box_of(view) for view in views]
    needed = sum(box.width for box in boxes) + GAP * (len(boxes) + 1)
    free = end.x - start.x
    gap = GAP + max(free - needed, 0.0) / (len(boxes) + 1)
    x = start.x if free > 0 else end.x - GAP
    push = max(needed - (end.x - x), 0.0)
    shift = make_room(scene, wire.target, push) if push > 0 else ()
    nodes: list[DraftNode] = []
    wires: list[DraftWire] = []
    at, offset = start, push
    for view, box, before, after in zip(views, boxes, kinds, kinds[1:], strict=False):
        x += gap
        share = min(max((x - start.x) / max(end.x - start.x, 1.0), 0.0), 1.0) if free > 0 else 1.0
        y = start.y + (end.y - start.y) * share - box.inputs[0].y
        corner = Point(round(x / GRID) * GRID, round(y / GRID) * GRID)
        ports = replace(
            view,
            x=corner.x,
            y=corner.y,
            inputs=(replace(view.inputs[0], kind=kind_of(before)), *view.inputs[1:]),
            outputs=(replace(view.outputs[0], kind=kind_of(after)), *view.outputs[1:]),
            state=replace(view.state, ghost=True),
        )
        nodes.append(DraftNode(ports, box, shape_words(after)))
        into = corner.moved(0.0, box.inputs[0].y)
        wires.append(DraftWire(at, into, kind_of(before), PROPOSED, shape_words(before)))
        at = corner.moved(box.width, box.outputs[0].y)
        x += box.width
    target = end.moved(offset, 0.0)
    wires.append(DraftWire(at, target, kind_of(kinds[-1]), PROPOSED, shape_words(kinds[-1])))
    places = {node.view.id: (node.view.x, node.view.y) for node in nodes}
    edit = moved_to(row.edit, places)
    return replace(row, edit=edit, nodes=tuple(nodes), wires=tuple(wires), shift=shift)


def _index(drawing: Graph, wire: Wire, is_output: bool) -> int:
    """Which of its node's ports one end of a wire is at."""
    ports = drawing.ports_out(wire.source) if is_output else drawing.ports_in(wire.target)
    name = wire.output if is_output else wire.input
    return next((index for index, port in enumerate(ports) if port.name == name), 0)


def moved_to(edit: Edit, places: dict[str, tuple[float, float]]) -> Edit:
    """An edit whose new nodes stand at these places."""
    if isinstance(edit, edits.Batch):
        return replace(edit, edits=tuple(moved_to(part, places) for part in edit.edits))
    if isinstance(edit, edits.AddNode) and edit.node.id in places:
        x, y = places[edit.node.id]
        return replace(edit, node=replace(edit.node, x=x, y=y))
    return edit
