"""What the inspector says and does beside settings: wires, problems, blocks, files, training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from graph.define import Instance
from graph.edits import AddNode, Connect, Disconnect, Rename, SetFrame, SetOp
from graph.graph import Frame, Node, Wire
from graph.op import REGISTRY
from graph.trace import trace
from gui.app import App
from gui.document import Document
from gui.fonts import measure
from gui.inspector.card import ConceptCard, paragraphs
from gui.inspector.panel import InspectorPanel
from gui.inspector.picks import PathRow
from gui.inspector.row import ChoiceRow, EntryRow
from gui.inspector.spec import tip
from gui.inspector.subject import places
from tests.support.drawn import blocks
from tests.support.inspected import by_type, inspector


@pytest.fixture
def panel(app: App, qtbot: QtBot) -> Iterator[InspectorPanel]:
    """The panel in a window that has the focus; no document is open."""
    with inspector(app, qtbot) as made:
        yield made


def facts(panel: InspectorPanel) -> dict[str, str]:
    """What the panel says, by name."""
    return {fact.name: fact.value for fact in panel.facts.facts}


def entry(panel: InspectorPanel, name: str) -> QLineEdit:
    """The typed field of a setting."""
    assert panel.settings.form is not None
    row = panel.settings.form.rows[name]
    assert isinstance(row, EntryRow)
    return row.entry


def type_into(field: QLineEdit, text: str) -> None:
    """Replace the text of a field by typing."""
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_nothing_is_open(panel: InspectorPanel) -> None:
    """The panel says so, and shows what ports mean."""
    assert panel.head.name.text() == "Nothing open"
    assert panel.facts.facts == ()


def test_shapes_and_cost(app: App, panel: InspectorPanel) -> None:
    """The figures of the second convolution of digits-cnn."""
    document = app.desk.open_example("digits-cnn")
    document.select([by_type(document, "Conv2d")[1]])
    assert facts(panel) == {
        "In": "N×16×8×8",
        "Out": "N×32×8×8",
        "Parameters": "4,608 + 32 = 4,640",
        "Receptive field": "5 × 5 of 8 × 8",
        "Cost": "592 kFLOPs / sample",
    }
    document.select(by_type(document, "Adam"))
    assert facts(panel)["Trains"] == "4 nodes"


def test_what_is_unknown_is_no_zero(app: App, panel: InspectorPanel) -> None:
    """An unwired layer."""
    document = app.desk.new()
    document.push(AddNode(Node("dense1", REGISTRY["Dense"]())))
    document.select(["dense1"])
    expected = {"In": "unconnected", "Out": "–", "Parameters": "unknown until wired"}
    assert facts(panel) == expected
    assert panel.facts.facts[0].wrong


def test_a_problem_has_its_remedy_as_a_button(app: App, panel: InspectorPanel) -> None:
    """Pressing it does the edit, and the problem is gone."""
    document = app.desk.open_example("digits-mlp")
    flatten = by_type(document, "Flatten")[0]
    target = document.drawing.wires_out(flatten)[0].target
    wire = document.drawing.wires_in(flatten)[0]
    document.push(Disconnect(document.drawing.wires_out(flatten)[0]))

    document.push(Connect(Wire(wire.source, wire.output, target, "x")))
    document.select([target])
    assert panel.problems.isVisible()
    button = panel.problems.buttons[0]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not panel.problems.isVisible()
    assert "Flatten" in {type(n.op).__name__ for n in document.drawing}


def test_fields_stay_in_place_when_problems_come(app: App, panel: InspectorPanel) -> None:
    """They are told below what is edited."""
    document = app.desk.open_example("digits-mlp")
    dense = by_type(document, "Dense")[0]
    document.select([dense])
    assert panel.settings.form is not None
    units = panel.settings.form.rows["units"]
    before = units.mapTo(panel, QPoint())
    document.push(Disconnect(document.drawing.wires_in(dense)[0]))
    assert panel.problems.isVisible()
    assert units.mapTo(panel, QPoint()) == before
    assert panel.problems.mapTo(panel, QPoint()).y() > before.y()


def test_long_texts_end_in_an_ellipsis_while_nobody_types(app: App, panel: InspectorPanel) -> None:
    """A path shows its end, all else its beginning."""
    document = app.desk.open_example("table-regression")
    (table,) = by_type(document, "Table")
    node = document.drawing.node(table)
    name = "/a/folder/with/a/rather/long/name/and-the-file.csv"
    document.select([table])
    assert panel.settings.form is not None
    row = panel.settings.form.rows["path"]
    assert isinstance(row, EntryRow)
    panel.setFocus()
    before = row.entry.grab().toImage()
    document.push(SetOp(table, replace(node.op, path=name)))
    assert row.entry.cursorPosition() == len(name)
    shown = row.entry.grab().toImage()
    row.entry.setText(name[-20:])
    assert row.entry.grab().toImage().copy(0, 0, 24, 24) != shown.copy(0, 0, 24, 24)
    assert before != shown
    document.push(Rename(table, "patients of a year that was very long"))
    assert panel.head.name.cursorPosition() == 0
    assert panel.head.name.toolTip().startswith("patients of a year that was very long")


def test_a_wire_says_what_passes_and_can_go(app: App, panel: InspectorPanel) -> None:
    """From, to, kind, shape; the button removes it."""
    document = app.desk.open_example("digits-cnn")
    wire = document.drawing.wires_out(by_type(document, "Conv2d")[0])[0]
    document.select([], [wire])
    assert facts(panel)["From"] == f"{wire.source}.y"
    assert (facts(panel)["Kind"], facts(panel)["Shape"]) == ("Image, maps", "N×16×8×8")
    QTest.mouseClick(panel.remove, Qt.MouseButton.LeftButton)
    assert wire not in document.drawing.wires()
    assert document.history.position == 1


def test_an_instance_can_be_entered(app: App, panel: InspectorPanel) -> None:
    """Definition, repeat and weights are settings; the button shows the inside."""
    document = app.desk.open_example("digits-mlp")
    dense = by_type(document, "Dense")[0]
    document.push(Instance((dense,), "block", "block1"))
    document.select(["block1"])
    assert entry(panel, "definition").text() == "block"
    assert facts(panel)["Parameters"].replace(",", "").isdigit()
    QTest.mouseClick(panel.settings.enter, Qt.MouseButton.LeftButton)
    assert document.into == "block"
    document.select([dense])
    assert entry(panel, "units").isVisible()
    assert panel.problems.buttons == ()


def test_places_of_a_repeated_node(app: App, panel: InspectorPanel) -> None:
    """The paths are those that training names its live settings and weights by."""

    document = app.desk.new()
    for id, op in (("in1", REGISTRY["Input"](shape=(8,))), ("d1", REGISTRY["Dense"](units=8))):
        document.push(AddNode(Node(id, op)))

    document.push(Connect(Wire("in1", "y", "d1", "x")))
    document.push(Instance(("d1",), "block", "b"))
    for weights in ("own", "shared"):
        op = document.drawing.node("b").op
        document.push(SetOp("b", replace(op, repeat=3, weights=weights)))
        found = trace(document.graph, "evaluate", 2)
        mine = places(document.graph, "block", "d1")
        assert {path for path, _ in mine} <= found.nodes.keys()
        assert {f"{keys}/weight" for _, keys in mine} <= found.params.keys()
        assert len({keys for _, keys in mine}) == (3 if weights == "own" else 1)


def test_a_file_is_looked_at_in_the_background(
    app: App, panel: InspectorPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    """A chosen path brings its columns with it, as one step; a bad one is said."""
    (tmp_path / "a.csv").write_text("x,kind\n" + "".join(f"{k},{'pq'[k % 2]}\n" for k in range(20)))
    document = app.desk.new()
    document.folder = tmp_path
    document.push(AddNode(Node("table1", REGISTRY["Table"]())))
    document.select(["table1"])
    assert panel.settings.form is not None
    row = panel.settings.form.rows["path"]
    assert isinstance(row, PathRow)
    row.choose(str(tmp_path / "a.csv"))
    assert document.drawing.node("table1").op.path == "a.csv"
    qtbot.waitUntil(lambda: bool(document.drawing.node("table1").op.schema))
    assert document.drawing.node("table1").op.class_names() == ("p", "q")
    assert document.history.position == 2
    assert facts(panel)["Out, features"] == "N×1"
    document.undo()
    assert not document.drawing.node("table1").op.path
    type_into(row.entry, "gone.csv")
    qtbot.waitUntil(row.problem.isVisible)
    assert "no file 'gone.csv'" in row.problem.toolTip()


def test_what_an_optimizer_trains_is_picked(app: App, panel: InspectorPanel) -> None:
    """The menu lists nodes with weights and marks the chosen ones."""
    document = app.desk.open_example("digits-cnn")
    adam = by_type(document, "Adam")[0]
    document.select([adam])
    assert panel.settings.form is not None
    row = panel.settings.form.rows["trains"]
    names = {action.text(): action for action in row.menu().actions()}  # type: ignore[attr-defined]
    conv = by_type(document, "Conv2d")[0]
    assert conv in names
    assert by_type(document, "ReLU")[0] not in names
    names[conv].trigger()
    assert document.drawing.node(adam).op.trains == (conv,)
    assert facts(panel)["Trains"] == "1 node"


def test_advanced_settings_are_folded_away(app: App, panel: InspectorPanel) -> None:
    """A click shows them."""
    document = app.desk.open_example("digits-cnn")
    document.select(by_type(document, "Adam"))
    assert panel.settings.form is not None
    assert not entry(panel, "epsilon").isVisible()
    fold = panel.settings.form._fold
    assert fold is not None
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert entry(panel, "epsilon").isVisible()


def test_live_settings_and_plots_while_training(
    app: App, panel: InspectorPanel, qtbot: QtBot
) -> None:
    """A learning rate typed goes to the run and the graph; norms and activations are drawn."""
    document = app.desk.open_example("moons-mlp")
    dense, adam = by_type(document, "Dense")[0], by_type(document, "Adam")[0]
    document.select([dense])
    assert not panel.watching.isVisible()
    document.select([])
    epochs = panel.training.form.rows["epochs"]
    assert isinstance(epochs, EntryRow)
    type_into(epochs.entry, "4000")
    document.select([dense])
    app.trainer.run(document)
    board = app.trainer.board_of(document)
    qtbot.waitUntil(lambda: panel.watching.curve.isVisible(), timeout=60_000)
    qtbot.waitUntil(lambda: panel.watching.histogram.isVisible(), timeout=20_000)
    assert panel.watching.curve.figure.startswith("‖∂L/∂w‖ ")
    document.select([adam])
    type_into(entry(panel, "learning_rate"), "0.0123")
    assert document.drawing.node(adam).op.learning_rate == 0.0123
    qtbot.waitUntil(lambda: board.live.get(f"{adam}/learning_rate") == 0.0123, timeout=20_000)
    assert board.active
    app.trainer.close()


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_node_type_has_a_card(app: App, qtbot: QtBot, name: str) -> None:
    """The card is no taller than its limit and tells the whole docstring."""
    card = ConceptCard(app.look, REGISTRY[name])
    qtbot.addWidget(card)
    assert card.accessibleDescription() == " ".join(paragraphs(REGISTRY[name].__doc__ or ""))
    assert 100 < card.height() <= 600


def test_the_card_opens_and_closes_by_key(app: App, panel: InspectorPanel, qtbot: QtBot) -> None:
    """The button opens it, F1 and Esc close it."""
    document = app.desk.open_example("digits-cnn")
    document.select([by_type(document, "Conv2d")[0]])
    for key in (Qt.Key.Key_F1, Qt.Key.Key_Escape):
        QTest.mouseClick(panel.head.card, Qt.MouseButton.LeftButton)
        cards = [w for w in QApplication.topLevelWidgets() if isinstance(w, ConceptCard)]
        assert len(cards) == 1
        QTest.keyClick(cards[0], key)
        qtbot.waitUntil(
            lambda: not [w for w in QApplication.topLevelWidgets() if isinstance(w, ConceptCard)]
        )


def test_the_graph_itself_when_nothing_is_chosen(app: App, panel: InspectorPanel) -> None:
    """Epochs and split are edits of the training section; a bad share is refused."""
    document = app.desk.open_example("digits-cnn")
    rows = panel.training.form.rows
    epochs, share = rows["epochs"], rows["split.validation"]
    assert isinstance(epochs, EntryRow)
    assert isinstance(share, EntryRow)
    type_into(epochs.entry, "3*4")
    type_into(share.entry, "1/4")
    training = document.graph.training
    assert (training.epochs, training.split.validation) == (12, 0.25)
    patience = rows["stopping.patience"]
    assert isinstance(patience, EntryRow)
    type_into(patience.entry, "5")
    training = document.graph.training
    assert (training.stopping.patience, training.split.validation) == (5, 0.25)
    type_into(share.entry, "1")
    assert share.problem.isVisible()
    assert document.graph.training == training
    assert facts(panel)["Nodes"] == str(len(document.drawing))


def test_a_memory_budget_has_its_unit_and_range(app: App, panel: InspectorPanel) -> None:
    """MiB stand behind the number; nothing below 0 is taken."""
    document = app.desk.open_example("digits-cnn")
    row, fold = panel.training.form.rows["memory_budget"], panel.training.form._fold
    assert isinstance(row, EntryRow)
    assert fold is not None
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert row.spec.rule.unit == "MiB"
    assert "0 to 1,000,000 MiB" in tip(row.spec)
    type_into(row.entry, "2.5")
    assert document.graph.training.memory_budget == 2.5
    type_into(row.entry, "-1")
    assert row.problem.isVisible()
    assert document.graph.training.memory_budget == 2.5


def test_a_frame_is_named(app: App, panel: InspectorPanel) -> None:
    """The title of the only chosen frame is typed in the head."""
    document = app.desk.open_example("digits-cnn")
    document.push(SetFrame(Frame("f1", "Old", (), 0, 0, 100, 100)))
    document.select({"f1"})
    panel.rebuild()
    type_into(panel.head.name, "Head")
    assert document.drawing.frames["f1"].title == "Head"


def test_a_choice_by_keyboard(app: App, panel: InspectorPanel) -> None:
    """Down chooses the next word."""
    document = app.desk.open_example("digits-cnn")
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    assert panel.settings.form is not None
    choice = panel.settings.form.rows["init"]
    assert isinstance(choice, ChoiceRow)
    choice.choice.setFocus()
    QTest.keyClick(choice.choice, Qt.Key.Key_Down)
    assert document.drawing.node(conv).op.init == "he_normal"


@pytest.mark.parametrize("repeat", [1, 2])
def test_of_a_definition_the_instance_that_was_entered_is_watched(
    app: App, panel: InspectorPanel, repeat: int
) -> None:
    """Its first repetition; without one that was entered, the first in the graph."""
    document, turn = app.desk.add(Document(blocks(repeat), measure)), "0/" if repeat > 1 else ""
    for node, path in (("b", "b"), ("", "a")):
        document.enter("block", node)
        document.select(["dense"])
        names = {f"value:{path}/{turn}dense.y", f"gradient:{path}/{turn}dense/weight"}
        assert panel.watching.names() == names
        document.enter("")
