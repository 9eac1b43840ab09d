"""Copy and paste: in one graph, between graphs, with definitions; the text is a file."""

from random import Random

import pytest
from drawn import defined, digits_mlp, draw
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_graph

from graph.clipboard import copied, paste
from graph.define import drawings
from graph.drawing import Drawing, copy, same
from graph.files import loads
from graph.graph import Frame, Graph, Node, Note
from graph.ops.activation import ReLU, Tanh
from graph.ops.optimizer import SGD
from graph.ops.structure import Input, Output
from graph.rules import EditError
from graph.subgraph import Subgraph
from graph.validator import FileError


def test_a_paste_gets_new_ids_and_keeps_what_is_between() -> None:
    """Wires inside come along, wires from outside do not; frames follow their members."""
    graph = digits_mlp()
    graph.frames["head"] = Frame("head", "Head", ("dense2", "relu1", "flat"))
    graph.notes["n"] = Note("n", "why")
    text = copied(graph, ["relu1", "dense2", "head", "n"])
    edit = paste(graph, text, at=(1000.0, 500.0))
    assert edit.title(graph) == "Paste 4 items"
    before = copy(graph)
    inverse = edit.apply(graph)
    assert [str(wire) for wire in graph.wires_in("dense3")] == ["relu2.y → dense3.x"]
    assert graph.wires_in("relu2") == []
    assert graph.frames["head1"].nodes == ("dense3", "relu2")
    assert (graph.node("relu2").op, graph.notes["n1"].text) == (ReLU(), "why")
    xs = [graph.node(id).x for id in ("relu2", "dense3")]
    assert min(xs) < 1000.0 < max(xs) + 400
    inverse.apply(graph)
    assert same(graph, before)


def test_a_paste_may_keep_its_wires() -> None:
    """From the nodes it was wired to; those that are not there are left out."""
    graph = digits_mlp()
    text = copied(graph, ["dense2", "loss"])
    paste(graph, text, keep_wires=True).apply(graph)
    assert [wire.source for wire in graph.wires_in("dense3")] == ["relu1"]
    assert [wire.source for wire in graph.wires_in("loss1", "target")] == ["digits"]
    elsewhere = Graph()
    paste(elsewhere, text, keep_wires=True).apply(elsewhere)
    assert [str(wire) for wire in elsewhere.wires()] == ["dense2.y → loss.prediction"]


def test_an_optimizer_follows_the_nodes_it_trains() -> None:
    """Ids in `trains` are those of the copies."""
    graph = digits_mlp()
    graph.set_node(Node("sgd", SGD(trains=("dense2", "dense1"))))
    paste(graph, copied(graph, ["sgd", "dense2"])).apply(graph)
    op = graph.node("sgd1").op
    assert isinstance(op, SGD)
    assert op.trains == ("dense3", "dense1")


def block(inner: type) -> Graph:
    """A graph with an instance of `block`, which has a `cell` inside."""
    root = defined(Graph(), "cell", {"x": Input(), "f": inner(), "y": Output()}, "x.y -> f.x")
    draw(root.definitions["cell"], {}, "f.y -> y.x")
    defined(root, "block", {"x": Input(), "c": Subgraph("cell"), "y": Output()}, "x.y -> c.x")
    draw(root.definitions["block"], {}, "c.y -> y.x")
    root.set_node(Node("block1", Subgraph("block")))
    return root


def test_definitions_come_along() -> None:
    """New ones are defined, equal ones used, others get another name."""
    source = block(ReLU)
    text = copied(source, ["block1"])
    empty = Graph()
    paste(empty, text).apply(empty)
    assert sorted(empty.definitions) == ["block", "cell"]
    paste(empty, text).apply(empty)
    assert sorted(empty.definitions) == ["block", "cell"]
    other = block(Tanh)
    paste(other, text).apply(other)
    assert sorted(other.definitions) == ["block", "block1", "cell", "cell1"]
    assert other.node("block2").op == Subgraph("block1")
    assert other.definitions["block1"].node("c").op == Subgraph("cell1")
    assert other.definitions["cell1"].node("f").op == ReLU()


def test_a_definition_cannot_be_pasted_into_itself() -> None:
    """The rules hold for a paste as for any edit; nothing of it stays."""
    graph = block(ReLU)
    before = copy(graph)
    edit = paste(graph, copied(graph, ["block1"]), into="cell")
    with pytest.raises(EditError, match="definitions in a cycle"):
        edit.apply(graph)
    assert same(graph, before)


def test_the_text_is_a_file_and_a_file_is_such_text() -> None:
    """Apart from the list of wires from outside."""
    graph = digits_mlp()
    ids = list(graph.net)
    text = copied(graph, ids)
    made = loads(text.replace('  "outside": [],\n', ""))
    assert Drawing.of(made) == Drawing.of(graph)


@pytest.mark.parametrize("text", ["", "hello", "[1]", '{"netloom": 1}', '{"netloom": 9}'])
def test_other_text_is_refused(text: str) -> None:
    """What people paste by mistake changes nothing."""
    with pytest.raises(FileError):
        paste(Graph(), text)


@hypothesis_settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 80))
def test_everything_can_be_copied(seed: int, edits: int) -> None:
    """A random drawing pasted into an empty graph is that drawing; twice is twice as much."""
    graph = random_graph(Random(seed), edits)
    for into, drawing in drawings(graph):
        ids = [*drawing.net, *drawing.frames, *drawing.notes]
        text = copied(graph, ids, into)
        other = Graph()
        edit = paste(other, text)
        edit.apply(other)
        assert sorted(other.net) == sorted(drawing.net)
        assert len(other.wires()) == len(drawing.wires())
        count = len(other)
        paste(other, text).apply(other)
        assert len(other) == 2 * count
