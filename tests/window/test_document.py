"""The document: problems, selection and what it tells of them."""

import pytest

import resources
from graph.define import Define, Instance, RenameDefinition
from graph.drawing import Drawing
from graph.edits import AddNode, Disconnect, SetOp
from graph.files import load
from graph.graph import Graph, Node
from graph.ops.dense import Dense
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
