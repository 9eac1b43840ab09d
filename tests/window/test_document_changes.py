"""The document: problems, selection and what it tells of them."""

import contextlib
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit

import resources
from graph.define import Define, Instance, RenameDefinition
from graph.drawing import Drawing
from graph.edits import AddNode, Disconnect, Remove, SetOp
from graph.files import load
from graph.graph import Graph, Node
from graph.ops.dense import Dense
from graph.rules import EditError
from graph.subgraph import Subgraph
from gui.document import Document, DocumentChange


def measure(text: str, style: str) -> float:
    """Six px a letter: no fonts are needed."""
    return 6.0 * len(text)


@pytest.fixture
def document() -> Document:
    """digits-mlp, opened."""
    return Document(load(resources.example_path("digits-mlp")), measure)


def told(document: Document) -> list[DocumentChange]:
    """What the document tells from now on."""
    changes: list[DocumentChange] = []
    document.subscribe(changes.append)
    return changes


def test_problems_follow_every_edit(document: Document) -> None:
    assert document.problems == ()
    changes = told(document)
    last = next(wire.source for wire in document.wires if wire.input == "prediction")
    document.push(SetOp(last, Dense(units=3)))
    assert changes[-1].problems
    assert [problem.severity for problem in document.problems] == ["error"]
    marked = {node.id for node in document.view.nodes if node.state.problem}
    assert marked == {document.problems[0].path}
    document.undo()
    assert document.problems == ()
    assert not any(node.state.problem for node in document.view.nodes)
    document.push(AddNode(Node("spare", Dense())))
    assert document.view["spare"].state.problem == "warning"


def test_a_problem_inside_a_definition_marks_its_instances(document: Document) -> None:
    graph = document.graph
    dense = next(node.id for node in graph if isinstance(node.op, Dense))
    document.push(Instance((dense,), "block", "block1"))
    assert not document.view["block1"].state.problem
    (wire,) = graph.definitions["block"].wires_in(dense)
    document.push(Disconnect(wire, into="block"))
    assert document.view["block1"].state.problem == "error"
    document.push(Define("outer", Drawing((Node("inner", Subgraph("block")),))))
    document.push(AddNode(Node("twice", Subgraph("outer"))))
    assert document.view["twice"].state.problem == "error"
    document.enter("block")
    assert document.view[dense].state.problem == "error"


def test_wires_are_selected_with_nodes(document: Document) -> None:
    changes = told(document)
    node, wire = document.view.nodes[0].id, document.wires[1]
    view = document.view.wires[1]
    assert (view.source, view.target) == (wire.source, wire.target)
    document.select([node], [wire])
    assert (document.selection, document.selected_wires) == ({node}, {wire})
    document.select([node], [wire])
    assert changes == [DocumentChange(selection=True)]
    document.push(Disconnect(wire))
    assert document.selected_wires == frozenset()
    assert changes[-1].selection
    document.select([], [wire])
    assert document.selected_wires == frozenset()


def test_the_shown_definition_keeps_being_shown_under_its_new_name() -> None:
    document = Document(Graph(), measure)
    document.push(Define("cell", Drawing((Node("a", Dense()),))))
    document.enter("cell")
    document.push(RenameDefinition("cell", "block"))
    assert document.into == "block"
    document.undo()
    assert document.into == "cell"
    document.undo()
    assert document.into == ""
    assert document.view.nodes == ()


def test_undo_brings_back_what_was_selected_and_shown(document: Document) -> None:
    dense, other = [node.id for node in document.graph if isinstance(node.op, Dense)][:2]
    document.select([dense])
    document.push(Instance((dense,), "block", "block1"))
    document.select(["block1"])
    document.enter("block")
    document.select([dense])
    document.push(SetOp(dense, Dense(units=9), into="block"))
    document.leave()
    document.select([other])
    changes = told(document)
    assert document.undo()
    assert (document.into, document.selection) == ("block", {dense})
    assert changes[-1].entered
    assert changes[-1].title == f"Change units of {dense}"
    assert document.undo()
    assert (document.into, document.selection) == ("", {dense})
    assert document.redo()
    assert (document.into, document.selection) == ("block", {dense})
    assert document.redo()
    assert (document.into, document.selection) == ("", {other})
    document.go_to(0)
    assert (document.into, document.selection) == ("", {dense})
    assert document.steps == ("Make block from 1 nodes", f"Change units of {dense}")


def test_undo_selects_wires_again(document: Document) -> None:
    wire = document.wires[0]
    document.select([], [wire])
    document.push(Disconnect(wire))
    assert document.selected_wires == frozenset()
    document.undo()
    assert document.selected_wires == {wire}


def test_the_trail_leads_through_the_drawings() -> None:
    document = Document(Graph(), measure)
    document.push(Define("inner", Drawing((Node("a", Dense()),))))
    document.push(Define("outer", Drawing((Node("i", Subgraph("inner")),))))
    document.push(AddNode(Node("o", Subgraph("outer"))))
    document.enter("outer")
    document.enter("inner")
    assert document.trail == ("", "outer", "inner")
    document.leave()
    assert document.trail == ("", "outer")
    document.enter("")
    document.enter("inner")  # straight there, by a link
    assert document.trail == ("", "outer", "inner")
    document.push(RenameDefinition("outer", "tower"))
    assert document.trail == ("", "tower", "inner")
    document.push(Remove(("o",)))
    assert document.into == "inner"
    document.enter("")
    document.enter("inner")  # nothing in the graph leads there
    assert document.trail == ("", "inner")
    with pytest.raises(KeyError):
        document.enter("gone")
    assert document.into == "inner"


def test_an_edit_elsewhere_leaves_the_view_as_it_is(document: Document) -> None:
    document.push(Define("cell", Drawing((Node("a", Dense()),))))
    before, changes = document.view, told(document)
    document.push(SetOp("a", Dense(units=3), into="cell"))
    assert document.view is before
    assert not changes[-1].view


def test_what_looks_as_before_is_the_same_object(document: Document) -> None:
    before = document.view
    dense = next(node.id for node in document.graph if isinstance(node.op, Dense))
    document.push(SetOp(dense, Dense(units=9)))
    kept = [node for node in document.view.nodes if node is before.by_id.get(node.id)]
    assert len(before.nodes) > len(kept) >= len(before.nodes) - 3
    assert document.view.wires[0] is before.wires[0]


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_the_view_is_that_of_a_document_opened_now(seed: int, edits: int) -> None:
    """After random edits, undone and redone, in drawings entered and left."""
    rng = Random(seed)
    document = Document(Graph(), measure)
    for _ in range(edits):
        with contextlib.suppress(EditError):
            match rng.randrange(12):
                case 0:
                    document.undo()
                case 1:
                    document.redo()
                case 2:
                    document.enter(rng.choice(["", *document.graph.definitions]))
                case 3:
                    document.select(sorted(document.drawing.net)[: rng.randrange(4)])
                case _:
                    document.push(random_edit(rng, document.graph))
        assert document.selection <= document.view.by_id.keys()
    fresh = Document(document.graph, measure)
    fresh.enter(document.into)
    unrouted = [replace(wire, lane=None, portal="") for wire in document.view.wires]
    assert unrouted == [replace(wire, lane=None, portal="") for wire in fresh.view.wires]
    assert document.view.nodes == fresh.view.nodes
    assert (document.view.frames, document.view.notes) == (fresh.view.frames, fresh.view.notes)
    assert (document.wires, document.problems) == (fresh.wires, fresh.problems)
