"""A wire that does not fit is refused at the port, with the adapter that makes it fit."""

import pytest
from drawn import digits_mlp, draw
from wrong_graphs import plus, refused_inside, without

from graph.checks import Problem, View, can_connect, check
from graph.edits import connect
from graph.graph import Graph, Wire
from graph.op import Op, Port
from graph.ops.conv import Conv2d
from graph.ops.dense import Dense
from graph.ops.merge import Add, Concat
from graph.ops.schedule import CosineSchedule
from graph.program import ShapeError
from graph.tensor import Tensor


def wire(graph: Graph, text: str) -> Wire:
    """The wire `a.y -> b.x` of a graph."""
    source, target = (end.split(".") for end in text.split(" -> "))
    return connect(graph, *source, *target)


def test_a_wire_that_fits_may_be_drawn() -> None:
    """Also one that replaces another, and one from a node whose shape is not known."""
    graph = plus(digits_mlp(), {"dense3": Dense(), "sum": Add(), "cosine": CosineSchedule()})
    view = View.of(graph)
    for text in (
        "relu1.y -> dense3.x",
        "flat.y -> dense2.x",
        "dense3.y -> dense2.x",
        "relu1.y -> sum.x",
        "cosine.rate -> adam.schedule",
    ):
        assert can_connect(graph, wire(graph, text), "", view) is None


@pytest.mark.parametrize(
    ("text", "port", "words"),
    [
        ("digits.image -> dense1.x", "x", "found an image 1×8×8 a sample, expected a vector"),
        ("digits.label -> dense1.x", "x", "found class labels, expected real numbers"),
        ("dense1.y -> sum.x", "x", "found 32 beside 10 a sample, expected equal shapes"),
        ("relu1.y -> dense1.x", "x", "found a cycle through relu1"),
        ("dense1.y -> dense1.x", "x", "found a cycle through dense1"),
        ("gone.y -> dense1.x", "x", "found a wire at the node 'gone'"),
        ("flat.y -> dense1.q", "q", "found a wire at the input 'q' of dense1, expected x"),
        ("flat.y -> dense1.x", "x", "twice, expected it once"),
        ("dense2.y -> adam.loss", "loss", "found 10 a sample, expected one number"),
        ("dense2.y -> adam.schedule", "schedule", "found dense2, expected a schedule"),
    ],
)
def test_a_refused_wire_says_why(text: str, port: str, words: str) -> None:
    """At the port, before it is drawn; the graph is not touched."""
    graph = plus(digits_mlp(), {"sum": Add()}, "dense2.y -> sum.x")
    problem = can_connect(graph, wire(graph, text))
    assert isinstance(problem, Problem)
    assert problem.port == port
    assert words in problem.message


def test_the_adapter_is_offered_with_the_wire() -> None:
    """One click draws the wire through a Flatten, or what else there is."""
    graph = without("flat.x", "dense1.x", "dense1.y")
    graph.drop_node("flat")
    problem = can_connect(graph, wire(graph, "digits.image -> dense1.x"))
    assert problem is not None
    titles = [mend.title(graph) for mend in problem.mends]
    assert titles == ["Insert Flatten", "Insert AvgPool2d and Flatten"]
    for mend in problem.mends:
        back = mend.apply(graph)
        assert check(graph) == ()
        back.apply(graph)
    problem.mends[0].apply(graph)
    graph = plus(graph, {"conv": Conv2d(), "join": Concat()}, "digits.image -> conv.x")
    draw(graph, {}, "dense1.y -> join.x", "conv.y -> join.x")
    (refused,) = [p for p in check(graph) if p.path == "join"][:1]
    assert "expected equal extents" in refused.message


def test_the_target_is_swapped_only_where_all_behind_it_goes_on() -> None:
    """A Dense in front of a ReLU may become a convolution; one in front of a Dense may not."""
    graph = plus(digits_mlp(), {"wide": Dense(units=5)})
    problem = can_connect(graph, wire(graph, "digits.image -> wide.x"))
    assert problem is not None
    swap = problem.mends[-1]
    assert swap.title(graph) == "Swap wide for a 1×1 Conv2d"
    swap.apply(graph).apply(graph)
    draw(graph, {"last": Dense()}, "wide.y -> last.x")
    problem = can_connect(graph, wire(graph, "digits.image -> wide.x"))
    assert problem is not None
    assert not any("Swap" in mend.title(graph) for mend in problem.mends)


def test_definitions_are_checked_where_they_are_used() -> None:
    """Wires inside a definition get the shapes of its first instance."""
    graph = refused_inside()
    view = View.of(graph)
    found = can_connect(graph, Wire("x", "y", "dense", "x"), "part", view)
    assert found is not None
    assert "twice" in found.message
    assert found.definition == "part"
    mend = next(p for p in check(graph) if p.path == "part1/dense").mends[0]
    mend.apply(graph)
    assert check(graph) == ()


class Stack(Op, register=False):
    """Takes several vectors; asks for a Flatten where it gets something else."""

    category = "Test"
    inputs = (Port("x", many=True),)

    def build(self, x: list[Tensor]) -> Tensor:
        for index, part in enumerate(x):
            if part.rank != 2:
                raise ShapeError(
                    "an image", "a vector", "put a Flatten before it", index, "Flatten"
                )
        return x[0]


def test_an_adapter_takes_the_place_of_a_wire_among_many() -> None:
    """The wire it stands in is gone, the others and their order stay."""
    graph = plus(digits_mlp(), {"stack": Stack()}, "flat.y -> stack.x", "digits.image -> stack.x")
    draw(graph, {}, "relu1.y -> stack.x")
    (problem,) = [p for p in check(graph) if p.path == "stack" and p.severity == "error"]
    problem.mends[0].apply(graph)
    assert [w.source for w in graph.wires_in("stack")] == ["flat", "flatten1", "relu1"]
    assert not [p for p in check(graph) if p.severity == "error"]
