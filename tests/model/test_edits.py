"""Edits do what they say, their inverses undo it, and a refused edit changes nothing."""

from random import Random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit, random_graph

from graph.define import Define, Undefine
from graph.drawing import Drawing, copy, same
from graph.edit_records import edit_record, read_edit
from graph.edits import AddNode, Connect, Disconnect, SetFlags
from graph.files import dumps, loads
from graph.graph import Graph, Node, Wire
from graph.history import History
from graph.ops.activation import ReLU
from graph.ops.merge import Add
from graph.rules import EditError


@hypothesis_settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_an_inverse_restores_the_graph(seed: int, edits: int) -> None:
    """Apply then inverse gives the same graph; the redone edit gives the same result again."""
    rng = Random(seed)
    graph = random_graph(rng, edits)
    before = copy(graph)
    edit = random_edit(rng, graph)
    assert edit.title(graph)
    try:
        inverse = edit.apply(graph)
    except EditError:
        assert same(graph, before)
        return
    after = copy(graph)
    redo = inverse.apply(graph)
    assert same(graph, before)
    redo.apply(graph)
    assert same(graph, after)


def test_thousands_of_edits_undo_to_the_start() -> None:
    """3,000 seeded edits, each checked on its own, all undone in the end."""
    rng = Random(7)
    graph = random_graph(rng, 0)
    start = copy(graph)
    inverses = []
    refused = 0
    for _ in range(3000):
        edit = read_edit(edit_record(random_edit(rng, graph)))
        try:
            inverses.append(edit.apply(graph))
        except EditError:
            refused += 1
        if len(graph) > 60:
            while inverses:
                inverses.pop().apply(graph)
            assert same(graph, start)
    assert refused < 2000
    for inverse in reversed(inverses):
        inverse.apply(graph)
    assert same(graph, start)


def test_flags_are_set_one_by_one() -> None:
    """What is None stays; the title says what changes; the inverse sets no more than the edit."""
    graph = Graph()
    AddNode(Node("a", ReLU(), frozen=True)).apply(graph)
    edit = SetFlags("a", collapsed=True)
    assert edit.title(graph) == "Collapse a"
    assert edit.apply(graph) == SetFlags("a", collapsed=False)
    assert (graph.node("a").frozen, graph.node("a").collapsed) == (True, True)
    assert SetFlags("a", frozen=True, bypassed=True).title(graph) == "Bypass a"
    assert SetFlags("a", frozen=False).title(graph) == "Unfreeze a"
    assert SetFlags("a").title(graph) == "Nothing"
    assert read_edit(edit_record(edit)) == edit


def test_a_definition_comes_back_with_the_numbers_of_its_wires() -> None:
    """Earlier steps name wires by them, so undo goes on behind the definition's return."""
    history = History(Graph())
    nodes = (*(Node(id, ReLU()) for id in "abc"), Node("add", Add()))
    history.push(Define("cell", Drawing(nodes)))
    for number, id in enumerate("abc"):
        history.push(Connect(Wire(id, "y", "add", "x", number), into="cell"))
    history.push(Disconnect(Wire("a", "y", "add", "x", 0), into="cell"))
    numbers = [wire.order for wire in history.graph.definitions["cell"].wires()]
    written = loads(dumps(history.graph, exact=True)).definitions["cell"].wires()
    assert [wire.order for wire in written] == numbers == [1, 2]
    history.push(Undefine("cell"))
    for _ in range(6):
        assert history.undo()
    assert history.graph.definitions == {}
