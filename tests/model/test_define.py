"""Definitions: made from chosen nodes, taken apart, renamed; edits inside them."""

import pytest
from drawn import defined, digits_mlp, draw, drawn

from graph.checks import check
from graph.define import Define, Dissolve, Instance, RenameDefinition, Undefine
from graph.drawing import Drawing, copy, same
from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, Remove, Rename, SetOp
from graph.graph import Frame, Graph, Node, Wire
from graph.lower import Model
from graph.ops.activation import ReLU, Tanh
from graph.ops.dense import Dense
from graph.ops.merge import Add, Concat
from graph.ops.optimizer import Adam
from graph.ops.structure import Input, Output
from graph.rules import MAX_DEPTH, EditError
from graph.shapes import shapes
from graph.subgraph import Subgraph


def undone(graph: Graph, edit: Edit) -> None:
    """Apply, check that the inverse restores, apply again."""
    before = copy(graph)
    inverse = edit.apply(graph)
    after = copy(graph)
    inverse.apply(graph)
    assert same(graph, before)
    edit.apply(graph)
    assert same(graph, after)


def test_chosen_nodes_become_an_instance() -> None:
    """The same model as before: shapes, weights and problems do not change."""
    graph = digits_mlp()
    graph.frames["body"] = Frame("body", "Body", ("dense1", "relu1", "flat"))
    adam = graph.node("adam")
    graph.set_node(Node("adam", Adam(trains=("dense1", "dense2")), x=adam.x))
    undone(graph, Instance(("dense1", "relu1"), "hidden", "hidden1"))
    assert [str(w) for w in graph.wires_in("hidden1")] == ["flat.y → hidden1.x"]
    assert [str(w) for w in graph.wires_out("hidden1")] == ["hidden1.y → dense2.x"]
    assert sorted(graph.definitions["hidden"].net) == ["dense1", "relu1", "x", "y"]
    assert graph.frames["body"].nodes == ("flat", "hidden1")
    assert graph.node("adam").op == Adam(trains=("dense2", "hidden1"))
    assert check(graph) == ()
    assert shapes(graph).parameters() == shapes(digits_mlp()).parameters()
    assert set(Model(graph).params) >= {"hidden1/dense1/weight", "dense2/bias"}
    undone(graph, Dissolve("hidden1"))
    assert Drawing.of(graph).wires == Drawing.of(digits_mlp()).wires
    assert {node.id for node in graph} == {node.id for node in digits_mlp()}


def test_one_source_is_one_port() -> None:
    """However many chosen nodes read it; each output that leaves is one port too."""
    graph = drawn(
        {"a": Input((3,)), "b": Dense(), "c": Dense(), "d": Add(), "e": Add(), "f": Tanh()},
        *("a.y -> b.x", "a.y -> c.x", "b.y -> d.x", "c.y -> d.x", "c.y -> e.x", "b.y -> f.x"),
    )
    undone(graph, Instance(("b", "c"), "pair", "pair1"))
    assert [port.name for port in graph.ports_in("pair1")] == ["x"]
    assert [port.name for port in graph.ports_out("pair1")] == ["y", "y1"]
    assert [str(w) for w in graph.wires_in("d")] == ["pair1.y → d.x", "pair1.y1 → d.x"]
    undone(graph, Dissolve("pair1"))
    assert {w.source for w in graph.wires_in("d")} == {"b", "c"}


def test_what_cannot_be_an_instance() -> None:
    """Nothing chosen, optimizers, a hole in the middle, a name that is taken."""
    graph = digits_mlp()
    before = copy(graph)
    for ids, words in (
        ((), "no node chosen"),
        (("dense1", "adam"), "found the optimizer adam"),
        (("dense1", "dense2"), "found relu1 between them, not chosen"),
        (("gone",), "gone: found no such node"),
    ):
        with pytest.raises(EditError, match=words):
            Instance(ids, "part", "part1").apply(graph)
        assert same(graph, before)
    Instance(("relu1",), "part", "part1").apply(graph)
    with pytest.raises(EditError, match="a second definition 'part'"):
        Instance(("dense1",), "part", "part2").apply(graph)


def cell() -> Graph:
    """A graph with two instances of a definition, wired."""
    root = defined(Graph(), "cell", {"x": Input(), "f": Tanh(), "y": Output()}, "x.y -> f.x")
    draw(root.definitions["cell"], {}, "f.y -> y.x")
    nodes = {"in": Input((3,)), "a": Subgraph("cell"), "b": Subgraph("cell"), "out": Output()}
    return draw(root, nodes, "in.y -> a.x", "a.y -> b.x", "b.y -> out.x")


def test_edits_inside_a_definition_reach_every_instance() -> None:
    """A definition is one drawing; its instances are linked."""
    graph = cell()
    undone(graph, SetOp("f", Dense(units=5), into="cell"))
    found = shapes(graph)
    assert (found.text("a", "y"), found.text("b", "y")) == ("5", "5")
    undone(graph, Rename("f", "Layer", into="cell"))
    undone(graph, AddNode(Node("g", ReLU()), into="cell"))
    with pytest.raises(EditError, match="no definition of that name"):
        AddNode(Node("g", ReLU()), into="gone").apply(graph)


def test_a_lost_port_takes_its_wires_along() -> None:
    """Instances have no wire at a port that is not there; undo brings both back."""
    graph = cell()
    undone(graph, Remove(("y",), into="cell"))
    assert [str(wire) for wire in graph.wires()] == ["in.y → a.x"]
    graph = cell()
    undone(graph, SetOp("x", ReLU(), into="cell"))
    assert [str(wire) for wire in graph.wires()] == ["b.y → out.x"]


def test_another_type_keeps_the_wires_that_fit() -> None:
    """Ports of the same name keep theirs; a port of one wire keeps the first of many."""
    graph = drawn({"a": Input((3,)), "b": Concat(), "c": Tanh()}, "a.y -> b.x", "a.y -> b.x")
    draw(graph, {}, "b.y -> c.x")
    undone(graph, SetOp("b", ReLU()))
    assert [str(wire) for wire in graph.wires()] == ["a.y → b.x", "b.y → c.x"]
    undone(graph, SetOp("b", Output()))
    assert [str(wire) for wire in graph.wires()] == ["a.y → b.x"]


def test_a_definition_in_use_stays() -> None:
    """Nor may one contain itself, or stand deeper than the limit."""
    graph = cell()
    with pytest.raises(EditError, match="instances of 'cell' in the graph"):
        Undefine("cell").apply(graph)
    with pytest.raises(EditError, match="cycle"):
        AddNode(Node("self", Subgraph("cell")), into="cell").apply(graph)
    with pytest.raises(EditError, match="cycle"):
        Define("loop", Drawing((Node("self", Subgraph("loop")),))).apply(graph)
    with pytest.raises(EditError, match="an instance of 'gone', expected a definition"):
        SetOp("a", Subgraph("gone")).apply(graph)
    below = "cell"
    for level in range(MAX_DEPTH):
        Define(f"d{level}", Drawing((Node("n", Subgraph(below)),))).apply(graph)
        below = f"d{level}"
    with pytest.raises(EditError, match="nested deeper"):
        Define("last", Drawing((Node("n", Subgraph(below)),))).apply(graph)
    assert "last" not in graph.definitions


def test_renaming_a_definition_renames_what_uses_it() -> None:
    """Instances in the graph and in other definitions."""
    graph = cell()
    Define("outer", Drawing((Node("n", Subgraph("cell")),))).apply(graph)
    undone(graph, RenameDefinition("cell", "unit"))
    assert graph.node("a").op == Subgraph("unit")
    assert graph.definitions["outer"].node("n").op == Subgraph("unit")


def test_a_repeated_instance_is_not_taken_apart() -> None:
    """Its body stands once in the drawing and runs several times."""
    graph = cell()
    graph.set_node(Node("a", Subgraph("cell", repeat=3)))
    with pytest.raises(EditError, match="found 3 repetitions, expected one"):
        Dissolve("a").apply(graph)
    with pytest.raises(EditError, match="found the node type Input, expected an instance"):
        Dissolve("in").apply(graph)


def test_a_failing_batch_changes_nothing() -> None:
    """What was done before the failure is taken back, also a definition."""
    graph = cell()
    before = copy(graph)
    edits = (
        Define("more", Drawing((Node("n", ReLU()),))),
        Remove(("a", "out")),
        AddNode(Node("a", ReLU())),
        Connect(Wire("in", "y", "a", "nothing")),
    )
    with pytest.raises(EditError, match="a wire at the input 'nothing' of a"):
        Batch(edits).apply(graph)
    assert same(graph, before)


@pytest.mark.parametrize(
    ("edit", "title"),
    [
        (AddNode(Node("n", ReLU())), "Add ReLU"),
        (AddNode(Node("n", Subgraph("cell"))), "Add cell"),
        (Remove(("a",)), "Remove First"),
        (Remove(("a", "b")), "Remove 2 items"),
        (Connect(Wire("in", "y", "b", "x")), "Connect in to b"),
        (SetOp("a", Subgraph("cell", repeat=2)), "Change repeat of First"),
        (SetOp("a", Subgraph("cell", 2, "shared")), "Change the settings of First"),
        (SetOp("a", ReLU()), "Replace First by ReLU"),
        (Instance(("a", "b"), "two", "two1"), "Make two from 2 nodes"),
        (Dissolve("a"), "Take First apart"),
        (Batch((Remove(("a",)), Remove(("b",)))), "Remove First and 1 more"),
        (Batch((Remove(("a",)),), "Cut"), "Cut"),
    ],
)
def test_every_edit_names_itself(edit: Edit, title: str) -> None:
    """For the undo menu, by the names people gave."""
    graph = cell()
    Rename("a", "First").apply(graph)
    assert edit.title(graph) == title
