"""How much of an image one number of a node has seen (Araujo, Norris & Sim 2019). No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from graph.graph import Graph
from graph.op import Op
from graph.ops.conv import Pool2d
from graph.ops.windows import Windows, pair
from graph.shapes import Shapes

WINDOWS = Windows, Pool2d


@dataclass(frozen=True)
class Field:
    """Rows and columns seen, how far apart neighbours look, and the image they look at."""

    seen: tuple[int, int]
    jump: tuple[int, int]
    image: tuple[int, int]


def receptive_field(drawing: Graph, shapes: Shapes, prefix: str, id: str) -> str:
    """ "8 × 8 of 28 × 28" for a node that gives an image; "" for others, and past a branch.

    Only while every node on the way has one image as input, as a merge sees several fields, and
    slides windows over it or keeps its size.
    """
    chain: list[Op] = []
    while True:
        node = drawing.node(id)
        wires = drawing.wires_in(id)
        kind = shapes.types.get((prefix + id, next((p.name for p in drawing.ports_out(id)), "")))
        if kind is None or len(kind.shape) != 4:
            return ""
        if not wires:
            break
        if len(wires) != 1:
            return ""
        before = shapes.types.get((prefix + wires[0].source, wires[0].output))
        if not node.bypassed:
            resized = before is None or before.shape[2:] != kind.shape[2:]
            if resized and not isinstance(node.op, WINDOWS):
                return ""
            chain.append(node.op)
        id = wires[0].source
    image = (kind.shape[2], kind.shape[3])
    field = Field((1, 1), (1, 1), image)
    for op in reversed(chain):
        field = _after(field, op)
    if not any(isinstance(op, WINDOWS) for op in chain):
        return ""
    seen = [min(a, b) for a, b in zip(field.seen, image, strict=True)]
    return f"{seen[0]} × {seen[1]} of {image[0]} × {image[1]}"


def _after(field: Field, op: Op) -> Field:
    if not isinstance(op, WINDOWS):
        return field
    window = pair(op.kernel)
    stride = pair(op.kernel if op.stride is None else op.stride)
    dilation = pair(op.dilation) if isinstance(op, Windows) else (1, 1)
    rows, columns = (
        seen + (size - 1) * spread * jump
        for seen, size, spread, jump in zip(field.seen, window, dilation, field.jump, strict=True)
    )
    down, across = (jump * step for jump, step in zip(field.jump, stride, strict=True))
    return Field((rows, columns), (down, across), field.image)
