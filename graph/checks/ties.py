"""Checks of nodes that use the weight of another node."""

from __future__ import annotations

from collections.abc import Iterator

from graph.checks.problem import Problem, Spot, View
from graph.edits import SetOp
from graph.graph import Node
from graph.primitives.table import text
from graph.program import Shape
from graph.trace import fitting


def ties(view: View) -> Iterator[Problem]:
    """`tie` names a node that is there, is not behind this one, and has a weight of its shape."""
    for spot in view:
        for id in sorted(spot.index.tied):
            node = spot.drawing.node(id)
            message, remedy = _wrong(view, spot, node)
            if message:
                mend = SetOp(id, node.op.untied(), into=spot.name)
                yield spot.error(id, "", message, f"{remedy}, or give it one of its own", [mend])


def _wrong(view: View, spot: Spot, node: Node) -> tuple[str, str]:
    """(message, remedy) for a node that is tied; empty where nothing is wrong or known yet."""
    drawing, other = spot.drawing, node.op.tied_to()
    if other not in drawing or other == node.id:
        message = f"found {other!r} in `weight of`, expected the id of another node"
        return message, "choose a node with a weight"
    if other in drawing.downstream([node.id]) or _in_a_ring(spot, node):
        message = f"found {other!r}, which is behind it or tied to it, expected a node before it"
        return message, f"let {other!r} use the weight of this one"
    found = view.shapes.found
    mine, theirs = (found.get(spot.prefix + id) for id in (node.id, other))
    if drawing.node(other).bypassed or (theirs and not theirs.refusal and not theirs.weight):
        message = f"found {other!r}, which has no weight here, expected one that has"
        return message, "choose a node with a weight"
    if mine and theirs and mine.weight and theirs.weight:
        own, given = mine.weight.shape, theirs.weight.shape
        if drawing.node(other).op.turned():  # it sees the array the other way round
            given = given[::-1]
        if given != (own[::-1] if node.op.turned() else own):
            expected = fitting(node.op, own)
            message = f"found the weight {text(given)} of {other!r}, expected {expected}"
            return message, _of_that_shape(node, own, given)
    return "", ""


def _of_that_shape(node: Node, own: Shape, given: Shape) -> str:
    """What to do about a weight of another shape."""
    turns = hasattr(node.op, "transposed") and given[::-1] == own and not node.op.turned()
    return "use it transposed" if turns else "choose one of that shape, or change its size"


def _in_a_ring(spot: Spot, node: Node) -> bool:
    """Whether following the ties leads back to the node."""
    seen: set[str] = set()
    id = node.op.tied_to()
    while id in spot.drawing and id not in seen:
        if id == node.id:
            return True
        seen.add(id)
        id = spot.drawing.node(id).op.tied_to()
    return False
