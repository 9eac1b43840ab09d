"""Exposed settings in the inspector: exposing, editing at an instance, renaming, undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

import resources
from graph.clipboard import paste
from graph.exposed import held
from graph.subgraph import Subgraph
from gui.app import App
from gui.document import Document
from gui.inspector.panel import InspectorPanel
from gui.inspector.row import EntryRow, Row
from gui.inspector.spec import MIXED
from tests.support.inspected import inspector

BLOCK = "TransformerEncoderBlock"


@pytest.fixture
def document(app: App) -> Document:
    """Two encoder blocks."""
    made = app.desk.new()
    text = resources.block("transformer-encoder")
    for _ in range(2):
        made.push(paste(made.graph, text))
    return made


@pytest.fixture
def panel(app: App, document: Document, qtbot: QtBot) -> Iterator[InspectorPanel]:
    """The panel in a window that has the focus."""
    with inspector(app, qtbot) as made:
        yield made


def instances(document: Document) -> list[str]:
    """Ids of the blocks."""
    return sorted(node.id for node in document.graph if isinstance(node.op, Subgraph))


def row(panel: InspectorPanel, name: str) -> Row:
    """The row of a setting."""
    assert panel.settings.form is not None
    return panel.settings.form.rows[name]


def entry(panel: InspectorPanel, name: str) -> EntryRow:
    """The row of a setting that is typed."""
    found = row(panel, name)
    assert isinstance(found, EntryRow)
    return found


def typed(one: EntryRow, text: str) -> None:
    """Type into a field and press Enter."""
    one.entry.setText(text)
    one.entry.setModified(True)
    one.commit()


def picked(one: Row, text: str) -> None:
    """Choose an action of the menu of a row."""
    menu = QMenu()
    one.fill_menu(menu)
    actions = {action.text(): action for action in menu.actions()}
    assert text in actions, list(actions)
    actions[text].trigger()


def heads(document: Document, id: str) -> tuple[object, ...]:
    """What an instance has of the exposed heads."""
    found = held(document.graph, document.graph.node(id).op, "heads")
    assert found is not None
    return found.drawn


def test_an_instance_shows_and_sets_them(panel: InspectorPanel, document: Document) -> None:
    """As any setting: an expression, bounds, undo; the other instance stays as it is."""
    first, second = instances(document)
    document.select([first])
    assert entry(panel, "heads").entry.text() == "4"
    typed(entry(panel, "heads"), "2*4")
    assert (heads(document, first), heads(document, second)) == ((8,), (4,))
    assert entry(panel, "heads").entry.text() == "8"
    assert document.history.undo_title == f"Change heads of {document.graph.node(first).label}"
    typed(entry(panel, "heads"), "0")
    assert not row(panel, "heads").problem.isHidden()
    assert heads(document, first) == (8,)
    document.undo()
    assert heads(document, first) == (4,)


def test_several_are_set_in_one_step(panel: InspectorPanel, document: Document) -> None:
    """And reset together, after which nothing is kept of them."""
    first, second = instances(document)
    document.select([first])
    typed(entry(panel, "dropout"), "0.25")
    document.select([first, second])
    assert entry(panel, "dropout").entry.placeholderText() == MIXED
    typed(entry(panel, "dropout"), "0.5")
    ops = [document.graph.node(id).op for id in (first, second)]
    assert ops == [Subgraph(BLOCK, values=(("dropout", 0.5),))] * 2
    picked(row(panel, "dropout"), "Reset to 0")
    ops = [document.graph.node(id).op for id in (first, second)]
    assert ops == [Subgraph(BLOCK)] * 2
    document.undo()
    document.undo()
    assert document.graph.node(second).op == Subgraph(BLOCK)


def test_a_setting_is_exposed_from_its_menu(panel: InspectorPanel, document: Document) -> None:
    """Only inside a definition; the block shows it at once, and no longer after undo."""
    first, _ = instances(document)
    document.select([first])
    menu = QMenu()
    row(panel, "heads").fill_menu(menu)
    assert not any("xpos" in action.text() for action in menu.actions())
    document.enter(BLOCK, first)
    document.select(["norm1", "norm2"])
    picked(row(panel, "epsilon"), "Expose in the block as “epsilon”")
    exposed = document.graph.definitions[BLOCK].exposed
    assert exposed[-1].places == (("norm1", "epsilon"), ("norm2", "epsilon"))
    document.leave()
    document.select([first])
    assert "epsilon" in panel.settings.form.rows  # type: ignore[union-attr]
    document.undo()  # which shows what it takes back
    assert document.into == BLOCK
    document.leave()
    document.select([first])
    assert "epsilon" not in panel.settings.form.rows  # type: ignore[union-attr]


def test_it_joins_another_and_leaves_it(panel: InspectorPanel, document: Document) -> None:
    """What joins is drawn like what is there; the value of instances goes with the last one."""
    first, _ = instances(document)
    document.select([first])
    typed(entry(panel, "heads"), "8")
    document.enter(BLOCK, first)
    document.select(["widen"])
    picked(row(panel, "units"), "Stop exposing “hidden units”")
    picked(row(panel, "units"), "Expose in the block as “units”")
    document.select(["attention1"])
    picked(row(panel, "heads"), "Stop exposing “heads”")
    assert document.graph.node(first).op == Subgraph(BLOCK)
    names = [one.name for one in document.graph.definitions[BLOCK].exposed]
    assert names == ["dropout", "units"]
    document.undo()
    assert document.graph.node(first).op == Subgraph(BLOCK, values=(("heads", 8),))


def test_a_definition_lists_and_renames_them(panel: InspectorPanel, document: Document) -> None:
    """A name that another has is refused; no name ends it."""
    first, _ = instances(document)
    document.select([first])
    typed(entry(panel, "heads"), "8")
    assert panel.exposed.isHidden()
    document.enter(BLOCK, first)
    document.select([])
    assert not panel.exposed.isHidden()
    form = panel.exposed.form
    assert form is not None
    assert list(form.rows) == ["heads", "hidden units", "dropout"]
    line = form.rows["heads"]
    assert isinstance(line, EntryRow)
    typed(line, "dropout")
    assert not line.problem.isHidden()
    typed(line, "attention heads")
    assert document.graph.node(first).op == Subgraph(BLOCK, values=(("attention heads", 8),))
    assert panel.exposed.form is not None
    line = panel.exposed.form.rows["dropout"]
    assert isinstance(line, EntryRow)
    typed(line, "")
    names = [one.name for one in document.graph.definitions[BLOCK].exposed]
    assert names == ["attention heads", "hidden units"]
