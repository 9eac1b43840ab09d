"""Nodes that use the weight of another node: one array, and a problem where that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import defined, draw, drawn

from graph.checks import check
from graph.clipboard import copied, paste
from graph.define import Dissolve
from graph.drawing import copy, same
from graph.edits import Remove
from graph.files import dumps, loads
from graph.graph import Graph, Node
from graph.lower import LowerError, Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.conv import Conv2d
from graph.ops.conv1d import Conv1d
from graph.ops.conv_groups import DepthwiseConv2d, GroupedConv2d
from graph.ops.conv_variants import ConvTranspose2d
from graph.ops.data import ToyData
from graph.ops.dense import Dense
from graph.ops.loss import CrossEntropy
from graph.ops.optimizer import Adam
from graph.ops.structure import Input, Output
from graph.shapes import shapes
from graph.subgraph import Subgraph

WIRES = (
    *("data.features -> first.x", "first.y -> second.x", "second.y -> third.x"),
    *("third.y -> loss.prediction", "data.target -> loss.target", "loss.loss -> adam.loss"),
)


def net(**changed: Op) -> Graph:
    """Three layers of two in a row, the third with the weight of the first."""
    nodes = {
        "data": ToyData(),
        "first": Dense(units=2),
        "second": Dense(units=2),
        "third": Dense(units=2, bias=False, tie="first"),
        "loss": CrossEntropy(),
        "adam": Adam(),
    }
    return drawn({**nodes, **changed}, *WIRES)


def errors(graph: Graph) -> list[str]:
    """What is wrong, in words."""
    return [str(problem) for problem in check(graph) if problem.severity == "error"]


def test_there_is_one_weight_and_both_nodes_own_it() -> None:
    """A checkpoint has it once, and it is counted once."""
    graph = net()
    model = Model(graph)
    assert errors(graph) == []
    assert list(model.params) == ["first/weight", "first/bias", "second/weight", "second/bias"]
    assert list(model.owners["third"]) == ["first/weight"]
    assert [(path, len(keys)) for path, keys in model.phases[0].owned] == [("adam", 4)]
    assert shapes(graph).parameters() == 12
    assert shapes(graph).parameters("third") == 0


def test_a_frozen_tie_freezes_the_weight() -> None:
    """PyTorch's shared parameter has one requires_grad as well."""
    graph = net()
    graph.set_node(replace(graph.node("third"), frozen=True))
    assert Model(graph).phases[0].owned[0][1] == ("first/bias", "second/weight", "second/bias")


def test_a_chain_of_ties_ends_at_the_weight() -> None:
    """Two nodes use it, one by way of the other."""
    middle, last = Dense(units=2, tie="first"), Dense(units=2, bias=False, tie="second")
    graph = net(second=middle, third=last)
    assert errors(graph) == []
    assert list(Model(graph).params) == ["first/weight", "first/bias", "second/bias"]


def test_a_branch_may_use_the_weight_of_one_beside_it() -> None:
    """No wire says which of the two is made first; the tie does."""
    graph = net()
    draw(graph, {"a": Dense(units=2, tie="b"), "b": Dense(units=2)}, "second.y -> a.x")
    draw(graph, {}, "second.y -> b.x")
    assert errors(graph) == []
    assert list(Model(graph).owners["a"]) == ["b/weight", "a/bias"]


WRONG = {
    "gone": ({"third": Dense(units=2, tie="forth")}, "found 'forth'"),
    "itself": ({"third": Dense(units=2, tie="third")}, "found 'third'"),
    "behind": ({"second": Dense(units=2, tie="third"), "third": Dense(units=2)}, "behind it"),
    "ring": ({"first": Dense(units=2, tie="third")}, "tied to it"),
    "shape": ({"second": Dense(units=3)}, "found the weight 2×2 of 'first', expected 2×3"),
    "weightless": ({"second": ReLU(), "third": Dense(units=2, tie="second")}, "no weight"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_tied_is_a_problem_that_one_edit_mends(name: str) -> None:
    """Said at the node, and refused when it is lowered all the same."""
    changed, message = WRONG[name]
    graph = net(**changed)
    found = [problem for problem in check(graph) if problem.severity == "error"]
    assert any(message in problem.message for problem in found)
    with pytest.raises(LowerError, match="tie: found"):
        _ = Model(graph).params
    for problem in found:
        problem.mends[0].apply(graph)
    assert errors(graph) == []


def transposed(**changed: Op) -> Graph:
    """An autoencoder of four, with the second layer as the first one backwards."""
    nodes = {"second": Dense(units=2, tie="first", transposed=True), "third": Dense(units=2)}
    return net(first=Dense(units=5), **(nodes | changed))


def test_a_transposed_tie_is_one_weight() -> None:
    """Of the first layer's shape; a layer tied to the second may use it either way."""
    for third in (
        Dense(units=5, bias=False, tie="second"),
        Dense(units=5, bias=False, tie="first"),
    ):
        graph = transposed(third=third)
        assert errors(graph) == []
        model = Model(graph)
        assert list(model.params) == ["first/weight", "first/bias", "second/bias"]
        assert model.params["first/weight"].shape == (5, 2)
        assert model.params["second/bias"].shape == (2,)


def test_a_weight_that_fits_only_transposed_is_said() -> None:
    """And the other way round, with the shape that would fit."""
    [text] = errors(transposed(second=Dense(units=2, tie="first")))
    assert "found the weight 5×2 of 'first', expected 2×5; use it transposed" in text
    [text] = errors(transposed(second=Dense(units=3, tie="first", transposed=True)))
    assert "found the weight 5×2 of 'first', expected 5×3, transposed 3×5" in text
    with pytest.raises(LowerError, match="expected 5×3, transposed 3×5"):
        _ = Model(transposed(second=Dense(units=3, tie="first", transposed=True))).params


CONVOLUTIONS: dict[str, tuple[tuple[int, ...], Op, Op]] = {
    "signal": ((2, 8), Conv1d(filters=2), Conv1d(filters=2, dilation=2, tie="a")),
    "image": ((2, 4, 4), Conv2d(filters=2), Conv2d(filters=2, stride=2, padding=1, tie="a")),
    "groups": ((4, 4, 4), GroupedConv2d(filters=4), GroupedConv2d(filters=4, tie="a")),
    "apart": ((2, 4, 4), DepthwiseConv2d(), DepthwiseConv2d(dilation=2, tie="a")),
    "back": (
        (2, 5, 4),
        Conv2d(filters=3, stride=2, padding=1),
        ConvTranspose2d(filters=2, kernel=3, output_padding=(0, 1), tie="a"),
    ),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_share_a_weight(name: str) -> None:
    """One array, also on the way back through a convolution."""
    shape, first, second = CONVOLUTIONS[name]
    nodes = {"x": Input(shape), "a": first, "b": second, "y": Output()}
    graph = drawn(nodes, "x.y -> a.x", "a.y -> b.x", "b.y -> y.x")
    assert errors(graph) == []
    model = Model(graph)
    assert list(model.params) == ["a/weight", "a/bias", "b/bias"]
    assert list(model.owners["b"]) == ["a/weight", "b/bias"]


def test_windows_of_another_size_are_said() -> None:
    """With both shapes."""
    nodes = {"x": Input((2, 4, 4)), "a": Conv2d(filters=2, kernel=5), "y": Output()}
    wires = ("x.y -> a.x", "a.y -> b.x", "b.y -> y.x")
    [text] = errors(drawn(nodes | {"b": Conv2d(filters=2, tie="a")}, *wires))
    assert "found the weight 2×2×5×5 of 'a', expected 2×2×3×3" in text


def test_a_bypassed_node_lends_no_weight() -> None:
    """It has none while it is bypassed."""
    graph = net()
    graph.set_node(replace(graph.node("first"), bypassed=True))
    assert "found 'first', which has no weight here" in errors(graph)[0]


def test_removing_the_other_node_is_a_problem_and_undoing_it_none() -> None:
    """The tie stays, so that nothing is lost."""
    graph = net()
    before = copy(graph)
    undo = Remove(("first",)).apply(graph)
    assert any("found 'first'" in text for text in errors(graph))
    undo.apply(graph)
    assert same(graph, before)


def test_files_and_pastes_keep_ties() -> None:
    """A copy of both is tied to the copy; a copy of one stays tied to the node it was tied to."""
    graph = net()
    assert same(loads(dumps(graph)), graph)
    text = copied(graph, ["first", "third"])
    paste(graph, text).apply(graph)
    assert graph.node("third1").op.tied_to() == "first1"
    paste(graph, copied(graph, ["third"])).apply(graph)
    assert graph.node("third2").op.tied_to() == "first"


def test_ties_inside_a_definition_hold_for_each_instance() -> None:
    """Each repetition has a weight of its own; taken apart, the tie is between the new nodes."""
    nodes = {"x": Input(), "a": Dense(units=2), "b": Dense(units=2, tie="a"), "y": Output()}
    wires = ("x.y -> a.x", "a.y -> b.x", "b.y -> y.x")
    graph = defined(Graph(), "block", nodes, *wires)
    outer = net(third=Dense(units=2))
    for node in outer:
        graph.set_node(Node(node.id, node.op))
    graph.set_node(Node("second", Subgraph("block", repeat=2)))
    draw(graph, {}, "data.features -> first.x", "first.y -> second.x", "second.y -> third.x")
    model = Model(graph)
    assert list(model.owners["second/0/b"]) == ["second/0/a/weight", "second/0/b/bias"]
    assert list(model.owners["second/1/b"]) == ["second/1/a/weight", "second/1/b/bias"]
    graph.set_node(Node("second", Subgraph("block")))
    graph.set_node(Node("a", ReLU()))
    Dissolve("second").apply(graph)
    tied = {node.id: node.op.tied_to() for node in graph if node.op.tied_to()}
    assert list(tied) == ["b"]
    assert tied["b"] != "a"
    assert isinstance(graph.node(tied["b"]).op, Dense)
