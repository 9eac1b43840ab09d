"""The document: what it tells, and what it never does to the history."""

import pytest

import resources
from graph import edits
from graph.files import load
from graph.graph import Graph
from gui.canvas.view_model import Mosaic, mosaic
from gui.document import Document, DocumentChange


def measure(text: str, style: str) -> float:
    """Six px a letter: no fonts are needed."""
    return 6.0 * len(text)


@pytest.fixture
def graph() -> Graph:
    """An example that nobody has placed."""
    return load(resources.example_path("digits-cnn"))


def told(document: Document) -> list[DocumentChange]:
    """What the document tells from now on."""
    changes: list[DocumentChange] = []
    document.subscribe(changes.append)
    return changes


def test_layout_of_an_unplaced_graph_is_no_step(graph: Graph) -> None:
    document = Document(graph, measure)
    assert len({(node.x, node.y) for node in graph}) == len(graph)
    assert document.history.position == 0
    assert document.history.clean
    assert {n.id: (n.x, n.y) for n in document.view.nodes} == {n.id: (n.x, n.y) for n in graph}
    assert any(wire.portal for wire in document.view.wires)


def test_places_of_a_file_are_kept(graph: Graph) -> None:
    first = next(iter(graph))
    edits.Move(((first.id, 12.0, 34.0),)).apply(graph)
    document = Document(graph, measure)
    assert (document.view[first.id].x, document.view[first.id].y) == (12.0, 34.0)


def test_a_move_is_told_as_a_move(graph: Graph) -> None:
    document = Document(graph, measure)
    node = document.view.nodes[0]
    changes = told(document)
    document.push(edits.Move(((node.id, node.x + 8, node.y + 4),)))
    assert changes == [DocumentChange(moved=frozenset({node.id}), title=f"Move {node.id}")]
    assert document.view[node.id].x == node.x + 8
    for wire in document.view.wires:
        assert wire.lane is None or node.id not in (wire.source, wire.target)
    assert document.undo()
    assert document.view[node.id].x == node.x


def test_lanes_move_with_both_their_ends(graph: Graph) -> None:
    document = Document(graph, measure)
    before = {(w.source, w.target): w.lane for w in document.view.wires if w.lane is not None}
    assert before
    document.push(edits.Move(tuple((n.id, n.x, n.y + 40) for n in document.view.nodes)))
    after = {(w.source, w.target): w.lane for w in document.view.wires if w.lane is not None}
    assert after == {ends: lane + 40 for ends, lane in before.items()}
    document.push(edits.Rename(document.view.nodes[0].id, "first"))
    assert after == {(w.source, w.target): w.lane for w in document.view.wires if w.lane}


def test_selection_loses_what_is_gone(graph: Graph) -> None:
    document = Document(graph, measure)
    gone, stays = (node.id for node in document.view.nodes[:2])
    document.select([gone, stays, "nothing of that id"])
    changes = told(document)
    document.push(edits.Remove((gone,)))
    assert document.selection == {stays}
    assert changes[-1].selection
    document.select([stays])
    assert len(changes) == 1


def test_previews_change_the_layout_only_of_an_untouched_graph(graph: Graph) -> None:
    picture: Mosaic = mosaic([[[0.0, 1.0], [1.0, 0.0]]] * 12)
    document = Document(graph, measure)
    data = next(node.id for node in document.view.nodes if node.role == "data")
    below = [node.y for node in document.view.nodes]
    document.show_previews({data: picture})
    assert max(node.y for node in document.view.nodes) > max(below)
    assert document.history.clean
    touched = Document(graph, measure)
    first = touched.view.nodes[0]
    touched.push(edits.Move(((first.id, first.x + 400, first.y),)))
    placed = {node.id: (node.x, node.y) for node in touched.view.nodes}
    touched.show_previews({first.id: picture})
    assert placed == {node.id: (node.x, node.y) for node in touched.view.nodes}
    assert touched.view[first.id].preview is picture
