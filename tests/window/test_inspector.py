"""The inspector by real keys and mouse: fields, scrubbing, errors, several nodes, undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from graph.edits import AddNode
from graph.graph import Node
from graph.op import REGISTRY, Op
from gui import fonts
from gui.app import App
from gui.document import Document
from gui.inspector.panel import InspectorPanel
from gui.inspector.row import EntryRow, Row, SwitchRow
from gui.inspector.spec import MIXED, specs_of
from tests.support.inspected import by_type, inspector

NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def document(app: App) -> Document:
    """The digits example: convolutions, dense layers, a loss and Adam."""
    return app.desk.open_example("digits-cnn")


@pytest.fixture
def panel(app: App, document: Document, qtbot: QtBot) -> Iterator[InspectorPanel]:
    """The panel in a window that has the focus."""
    with inspector(app, qtbot) as made:
        yield made


def row(panel: InspectorPanel, name: str) -> EntryRow:
    """The row of a setting."""
    assert panel.settings.form is not None
    found = panel.settings.form.rows[name]
    assert isinstance(found, EntryRow)
    return found


def type_into(field: QLineEdit, text: str, key: Qt.Key | None = Qt.Key.Key_Return) -> None:
    """Replace the text of a field by typing, and press a key."""
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    field.selectAll()
    QTest.keyClicks(field, text)
    if key is not None:
        QTest.keyClick(field, key)


def test_what_is_pressed_stays_under_the_pointer(
    panel: InspectorPanel, document: Document, qtbot: QtBot
) -> None:
    """A wrong value taken over by a click elsewhere is told once the mouse is let go."""
    document.select([by_type(document, "Conv2d")[0]])
    field, below = row(panel, "filters"), row(panel, "stride").entry
    type_into(field.entry, "0", key=None)
    window = panel.windowHandle()
    at = below.mapTo(panel, QPoint(10, 8))
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(window, left, pos=at)
    assert below.hasFocus()
    assert field.entry.property("invalid") is True
    assert below.mapTo(panel, QPoint(10, 8)) == at
    assert not field.problem.isVisible()
    QTest.mouseRelease(window, left, pos=at)
    qtbot.waitUntil(field.problem.isVisible)


def op_of(document: Document, id: str) -> Op:
    """The op of a node as it is now."""
    return document.drawing.node(id).op


def drag(label: QWidget, by: int, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Drag a label sideways, in steps of 2 px, without letting go."""
    left, at = Qt.MouseButton.LeftButton, QPoint(60, 12)
    QTest.mousePress(label, left, modifier, at)
    for x in range(0, by + (2 if by > 0 else -2), 2 if by > 0 else -2):
        # QTest.mouseMove holds no button and no key, so the event is made here
        place = QPointF(at + QPoint(x, 0))
        event = QMouseEvent(
            QEvent.Type.MouseMove, place, label.mapToGlobal(place), left, left, modifier
        )
        QApplication.sendEvent(label, event)
        QApplication.processEvents()


def let_go(label: QWidget) -> None:
    """Release the mouse."""
    QTest.mouseRelease(label, Qt.MouseButton.LeftButton)


def test_an_expression_is_worked_out(panel: InspectorPanel, document: Document) -> None:
    """`2*64` in Output channels sets 128; undo shows the old value again."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    before = op_of(document, conv)
    type_into(row(panel, "filters").entry, "2*64")
    assert op_of(document, conv).filters == 128
    assert row(panel, "filters").entry.text() == "128"
    assert document.history.position == 1
    document.undo()
    assert op_of(document, conv) == before
    assert row(panel, "filters").entry.text() == str(before.filters)


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("5", 5, "5 × 5"),
        ("3 x 5", (3, 5), "3 × 5"),
        ("3×5 px", (3, 5), "3 × 5"),
        ("7,7", 7, "7 × 7"),
    ],
)
def test_a_window_is_read_as_one_number_or_two(
    panel: InspectorPanel, document: Document, text: str, value: object, shown: str
) -> None:
    """Several spellings; two equal sides are one number."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    type_into(row(panel, "kernel").entry, text)
    assert op_of(document, conv).kernel == value
    assert row(panel, "kernel").entry.text() == shown


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("filters", "0", "Found 0, expected at least 1"),
        ("filters", "2.5", "Found 2.5, expected a whole number"),
        ("stride", "", "Found nothing, expected 1 to 1,024"),
        ("filters", "x", "Found 'x' at character 1, expected a number"),
        (
            "filters",
            "1/0",
            "Found '/' of 1 and 0 at character 2, expected numbers it is defined for",
        ),
    ],
)
def test_a_wrong_value_is_said_below_the_field(
    panel: InspectorPanel, document: Document, name: str, text: str, says: str
) -> None:
    """The graph keeps its value, the field what was typed; Esc brings the value back."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    field = row(panel, name)
    held = field.entry.text()
    field.entry.setFocus()
    field.entry.selectAll()
    QTest.keyClick(field.entry, Qt.Key.Key_Delete)
    QTest.keyClicks(field.entry, text)
    QTest.keyClick(field.entry, Qt.Key.Key_Return)
    assert field.problem.isVisible()
    assert field.problem.toolTip().replace("\n", " ") == says
    assert field.entry.property("invalid") is True
    assert (field.entry.text(), document.history.position) == (text, 0)
    QTest.keyClick(field.entry, Qt.Key.Key_Escape)
    assert not field.problem.isVisible()
    assert (field.entry.text(), field.entry.property("invalid")) == (held, False)


def test_settings_that_do_not_go_together_name_the_other(
    panel: InspectorPanel, document: Document
) -> None:
    """A stride of 2 with the padding `same` is refused with the padding's name."""
    document.select([by_type(document, "Conv2d")[0]])
    type_into(row(panel, "stride").entry, "2")
    assert row(panel, "stride").problem.toolTip().startswith("padding: found 'same'")


def test_dragging_a_label_is_one_step(panel: InspectorPanel, document: Document) -> None:
    """4 px a step, Shift ten times as much; one undo takes the whole drag back."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    start = op_of(document, conv).filters
    label = row(panel, "filters").label
    drag(label, 40)
    assert op_of(document, conv).filters == start + 10  # while the button is still down
    let_go(label)
    drag(label, -8, Qt.KeyboardModifier.ShiftModifier)
    let_go(label)
    assert op_of(document, conv).filters == max(1, start + 10 - 20)
    assert document.history.position == 2
    document.undo()
    document.undo()
    assert op_of(document, conv).filters == start


def test_esc_takes_a_drag_back(panel: InspectorPanel, document: Document) -> None:
    """The value of before holds again, and no step is left."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    start = op_of(document, conv)
    label = row(panel, "filters").label
    drag(label, 40)
    assert op_of(document, conv) != start
    QTest.keyClick(label, Qt.Key.Key_Escape)
    let_go(label)
    assert op_of(document, conv) == start
    assert document.history.position == 0


def test_arrows_step_and_merge(panel: InspectorPanel, document: Document) -> None:
    """Arrows go by one, with Shift by ten; all in one step until the field is left."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    start = op_of(document, conv).filters
    entry = row(panel, "filters").entry
    entry.setFocus()
    for _ in range(3):
        QTest.keyClick(entry, Qt.Key.Key_Up)
    QTest.keyClick(entry, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert op_of(document, conv).filters == start + 13
    assert document.history.position == 1
    row(panel, "kernel").entry.setFocus()
    entry.setFocus()
    QTest.keyClick(entry, Qt.Key.Key_Down)
    assert document.history.position == 2


def test_the_wheel_changes_nothing(panel: InspectorPanel, document: Document) -> None:
    """Neither over numbers nor over choices."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    before = op_of(document, conv)
    assert panel.settings.form is not None
    for name in ("filters", "init"):
        field = panel.settings.form.rows[name].focusProxy()
        assert field is not None
        middle = QPointF(field.rect().center())
        for focused in (False, True):
            if focused:
                field.setFocus()
            event = QWheelEvent(
                middle,
                field.mapToGlobal(middle),
                QPoint(),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(field, event)
    assert op_of(document, conv) == before
    assert document.history.position == 0


def test_tab_goes_from_top_to_bottom(panel: InspectorPanel, document: Document) -> None:
    """Through every field, the switches and the flags, in the order in which they stand."""
    document.select([by_type(document, "Dense")[0]])
    document.select([by_type(document, "Conv2d")[0]])
    row(panel, "filters").entry.setFocus()
    heights, seen = [], set()
    for _ in range(8):
        focused = QApplication.focusWidget()
        assert focused is not None
        seen.add(focused.accessibleName())
        heights.append(focused.mapTo(panel, QPoint(0, 0)).y())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert heights == sorted(heights)
    assert {"Output channels", "Kernel size", "Padding", "Advanced"} <= seen
    assert {"Bias", "Bypass", "Freeze"} <= seen


def test_mixed_values_and_one_step_for_all(panel: InspectorPanel, document: Document) -> None:
    """Where nodes differ a field shows a dash; a value typed goes to all as one step."""
    convs = by_type(document, "Conv2d")
    document.select(convs)
    before = [op_of(document, id) for id in convs]
    field = row(panel, "filters")
    assert len({op.filters for op in before}) > 1
    assert (field.entry.text(), field.entry.placeholderText()) == ("", MIXED)
    assert row(panel, "kernel").entry.text() == "3 × 3"
    type_into(field.entry, "24")
    assert {op_of(document, id).filters for id in convs} == {24}
    assert field.entry.text() == "24"
    assert document.history.titles == ("Change output channels of 2 nodes",)
    document.undo()
    assert [op_of(document, id) for id in convs] == before


def test_types_share_what_they_have_in_common(panel: InspectorPanel, document: Document) -> None:
    """A convolution and a dense layer: bias, start and length of the weights."""
    document.select([by_type(document, "Conv2d")[0], by_type(document, "Dense")[0]])
    assert panel.settings.form is not None
    shared = {"bias", "init", "init_value", "max_norm", "tie"}
    assert set(panel.settings.form.rows) == shared
    switch = panel.settings.form.rows["bias"]
    assert isinstance(switch, SwitchRow)
    QTest.mouseClick(switch.switch, Qt.MouseButton.LeftButton)
    assert not any(op_of(document, id).bias for id in document.selection)
    assert document.history.position == 1


def test_reset_from_the_menu(panel: InspectorPanel, document: Document, qtbot: QtBot) -> None:
    """The menu names the default; taking it is a step."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    type_into(row(panel, "filters").entry, "7")
    menu = QMenu()
    qtbot.addWidget(menu)
    row(panel, "filters").fill_menu(menu)
    reset = menu.actions()[0]
    assert (reset.text(), reset.isEnabled()) == ("Reset to 32", True)
    reset.trigger()
    assert op_of(document, conv).filters == 32


def test_padding_is_a_word_or_a_number(panel: InspectorPanel, document: Document) -> None:
    """Words are offered by the button, numbers are typed."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    field = row(panel, "padding")
    words = {action.text(): action for action in field.menu().actions()}  # type: ignore[attr-defined]
    assert set(words) == {"same", "valid"}
    assert words["same"].isChecked()
    words["valid"].trigger()
    assert op_of(document, conv).padding == "valid"
    type_into(field.entry, "1, 2")
    assert op_of(document, conv).padding == (1, 2)
    type_into(field.entry, "SAME")
    assert op_of(document, conv).padding == "same"


def test_renaming_freezing_and_bypassing(panel: InspectorPanel, document: Document) -> None:
    """The head names the node; flags are edits of their own."""
    conv = by_type(document, "Conv2d")[0]
    document.select([conv])
    type_into(panel.head.name, "Edges")
    assert document.drawing.node(conv).name == "Edges"
    QTest.mouseClick(panel.settings.flags.freeze, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.settings.flags.bypass, Qt.MouseButton.LeftButton)
    node = document.drawing.node(conv)
    assert (node.frozen, node.bypassed) == (True, True)
    assert panel.settings.flags.freeze.isChecked()
    titles = ("Rename conv1", "Freeze Edges", "Bypass Edges")
    assert document.history.titles == titles
    type_into(panel.head.name, conv)
    assert document.drawing.node(conv).name == ""


def test_typing_stays_while_others_edit(panel: InspectorPanel, document: Document) -> None:
    """A field in which somebody types is not overwritten; leaving it takes the text over."""
    first, second = by_type(document, "Conv2d")[:2]
    document.select([first])
    entry = row(panel, "filters").entry
    type_into(entry, "9", key=None)
    document.push(AddNode(Node("late", REGISTRY["ReLU"]())))
    assert entry.text() == "9"
    row(panel, "kernel").entry.setFocus()
    assert op_of(document, first).filters == 9
    document.select([second])
    assert entry.text() == str(op_of(document, second).filters)


def test_a_hidden_panel_does_nothing(
    panel: InspectorPanel, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It catches up when it is shown."""
    panel.hide()
    monkeypatch.setattr(panel.settings, "display", lambda subject: pytest.fail("it worked"))
    document.select([by_type(document, "Conv2d")[0]])
    monkeypatch.undo()
    panel.show()
    assert row(panel, "filters").entry.text()


def test_fields_are_made_once_for_each_type(panel: InspectorPanel, document: Document) -> None:
    """Choosing another node of the type reuses them."""
    first, second = by_type(document, "Conv2d")[:2]
    document.select([first])
    made = panel.settings.form
    document.select(by_type(document, "Dense")[:1])
    document.select([second])
    assert panel.settings.form is made
    assert row(panel, "filters").entry.text() == str(op_of(document, second).filters)


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"Scan", "Subgraph"}))
def test_every_node_type_has_a_panel(panel: InspectorPanel, document: Document, name: str) -> None:
    """Each setting has a row that shows its default, and no row is marked as changed."""
    op = REGISTRY[name]
    document.push(AddNode(Node("probe", op())))
    document.select(["probe"])
    rows: dict[str, Row] = panel.settings.form.rows if panel.settings.form else {}
    assert (list(rows) and set(rows) == {s.name for s in specs_of(op)}) or not specs_of(op)
    assert not any(r.problem.isVisible() for r in rows.values())
    assert all(r.values == (r.spec.default,) for r in rows.values())
    assert fonts.measure(panel.head.name.text(), "panel title") > 0
