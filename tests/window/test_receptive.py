"""How much of an image a node has seen, over windows of every kind."""

from __future__ import annotations

from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY, Op
from graph.shapes import shapes
from gui.inspector.receptive import receptive_field

CHAIN: tuple[tuple[str, dict[str, object], str], ...] = (
    ("DepthwiseConv2d", {"kernel": 3}, "3 × 3 of 8 × 8"),
    ("ReLU", {}, "3 × 3 of 8 × 8"),
    ("MaxPool2d", {"kernel": 2}, "4 × 4 of 8 × 8"),
    ("GroupedConv2d", {"kernel": 3, "groups": 1}, "8 × 8 of 8 × 8"),
    ("Upsample", {}, ""),
    ("Conv2d", {"kernel": 3}, ""),
)


def test_windows_of_every_kind_count_and_what_resizes_otherwise_is_not_guessed() -> None:
    drawing, before = Graph(), "digits"
    drawing.set_node(Node("digits", REGISTRY["Digits"]()))
    output = drawing.ports_out("digits")[0].name
    for number, (name, settings, _) in enumerate(CHAIN):
        op: type[Op] = REGISTRY[name]
        drawing.set_node(Node(f"n{number}", op(**settings)))
        drawing.add_wire(Wire(before, output, f"n{number}", drawing.ports_in(f"n{number}")[0].name))
        before, output = f"n{number}", drawing.ports_out(f"n{number}")[0].name
    known = shapes(drawing)
    found = [receptive_field(drawing, known, "", f"n{number}") for number in range(len(CHAIN))]
    assert found == [field for _, _, field in CHAIN]
