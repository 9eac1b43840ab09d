"""The remembered shapes are those of the program."""

import math
from random import Random

import networkx as nx
from drawn import deep_cnn, defined, digits_mlp, draw, drawn
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_graph
from random_graphs import training_graphs

from graph.checks.problem import expanded
from graph.graph import Graph, Wire
from graph.index import Index
from graph.infer import BATCH, infer
from graph.lower import Model
from graph.ops.conv import Conv2d
from graph.ops.data import Digits
from graph.ops.dense import Dense
from graph.ops.merge import Concat
from graph.ops.structure import Input, Output
from graph.program import TensorType
from graph.shapes import indexed, shapes
from graph.subgraph import Subgraph
from graph.trace import trace


def agree(graph: Graph) -> None:
    """Types, weights and refusals of the walk are those of the trace."""
    found, traced = shapes(graph), trace(graph, "train", BATCH)
    ours = {place: kind for place, kind in found.types.items() if ":" not in place[0]}
    assert ours == {p: t.type for p, t in traced.values.items() if p in ours}
    walked = {path for path in found.nodes if ":" not in path}
    assert {p for p, _ in traced.values if p in walked} == {p for p, _ in ours}
    told = {(r.path, r.port, r.message) for r in found.refusals if ":" not in r.path}
    assert told <= {(r.path, r.port, r.message) for r in traced.refusals}
    assert bool(told) == bool(traced.refusals)


@hypothesis_settings(max_examples=50)
@given(training_graphs())
def test_training_graphs_have_the_shapes_of_their_program(graph: Graph) -> None:
    """And as many weights."""
    agree(graph)
    made = Model(graph).params
    assert shapes(graph).parameters() == sum(math.prod(param.shape) for param in made.values())


@hypothesis_settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(0, 120))
def test_any_graph_has_the_shapes_of_its_trace(seed: int, edits: int) -> None:
    """Definitions, repetitions, bypassed nodes and refusals included."""
    graph = random_graph(Random(seed), edits)
    drawings = [graph, *graph.definitions.values()]
    if (
        all(nx.is_directed_acyclic_graph(d.net) for d in drawings)
        and expanded(indexed(graph)) < 2000
    ):
        agree(graph)


def test_shapes_as_the_canvas_shows_them() -> None:
    """Without the batch; one number is 1; nothing for what is not known."""
    found = shapes(digits_mlp())
    assert found.text("digits", "image") == "1×8×8"
    assert found.text("dense1", "y") == "32"
    assert found.text("loss", "loss") == "1"
    assert found.text("digits", "label") == "1"
    assert found.text("gone", "y") == ""


def test_weights_and_work_of_a_node() -> None:
    """Dense 64→32: 2,080 weights, 2·64·32 + 32 operations a sample; Conv2d likewise by hand."""
    found = shapes(digits_mlp())
    assert found.parameters("dense1") == 64 * 32 + 32
    assert found.parameters() == 64 * 32 + 32 + 32 * 10 + 10
    assert found.flops("dense1") == 2 * 64 * 32 + 32
    conv = drawn({"d": Digits(), "c": Conv2d(filters=4, bias=False)}, "d.image -> c.x")
    assert shapes(conv).flops("c") == 2 * 9 * 4 * 64
    assert shapes(deep_cnn(3)).flops() > shapes(deep_cnn(2)).flops()


def test_shared_weights_count_once() -> None:
    """Three repetitions: three sets of weights, or one; the work is three times the same."""
    for weights, sets in (("own", 3), ("shared", 1)):
        root = Graph()
        nodes = {"x": Input(), "dense": Dense(units=64), "y": Output()}
        defined(root, "cell", nodes, "x.y -> dense.x", "dense.y -> y.x")
        flat = {"in": Input(shape=(64,)), "c": Subgraph("cell", 3, weights), "out": Output()}
        draw(root, flat, "in.y -> c.x", "c.y -> out.x")
        found = shapes(root)
        one = 64 * 64 + 64
        assert found.parameters("c") == found.parameters() == sets * one
        assert found.flops("c") == 3 * (2 * 64 * 64 + 64)
        assert found.text("c", "y") == "64"
        agree(root)


def test_wires_of_a_port_come_in_its_order() -> None:
    """Whatever order they were drawn in."""
    graph = drawn({"a": Digits(), "b": Digits(), "c": Digits(), "join": Concat()})
    for order, source in ((2, "a"), (0, "b"), (1, "c")):
        graph.add_wire(Wire(source, "image", "join", "x", order))
    found = Index(graph).incoming["join", "x"]
    assert [wire.source for wire in found] == ["b", "c", "a"]
    assert found == graph.wires_in("join", "x")


def test_a_remembered_refusal_keeps_nobody_alive() -> None:
    """Its traceback would hold every frame, and so the document, for as long as it is known."""
    made = infer(Dense(units=3), (TensorType((2, 1, 8, 8)),))
    assert made.refusal is not None
    assert made.refusal.__traceback__ is None
    assert made.refusal.__context__ is None
