"""One setting in the panel: its label, its field, and one line for what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Protocol

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from graph.op import SettingError
from gui import fonts
from gui.inspector.entry import Entry
from gui.inspector.label import LABEL, MARGIN, ScrubLabel
from gui.inspector.spec import MIXED, Spec, message, read, shown, tip, words
from gui.inspector.stepping import stepped
from gui.inspector.switches import Choice, Switch
from gui.look import Look
from gui.widgets.menus import rounded
from gui.widgets.tips import tip_lines

GAP = 8
RELEASE = 30  # ms between two looks whether the mouse is let go
_gestures = count(1)


class Owner(Protocol):
    """Who keeps the values that rows show."""

    def apply(self, name: str, value: Any, key: str) -> str:
        """Set a value and say what is wrong, or ""; edits of one `key` are one undo step."""

    def settle(self) -> None:
        """A gesture is over."""

    def take_back(self) -> None:
        """A gesture that changed something was cancelled."""


class Row(QWidget):
    """Base of rows: `display` shows the values of the chosen nodes, each different one once."""

    def __init__(self, look: Look, spec: Spec, owner: Owner) -> None:
        super().__init__()
        self.look, self.spec, self.owner = look, spec, owner
        self.values: tuple[Any, ...] = (spec.default,)
        self.label = ScrubLabel(look, spec.label, spec.numeric, self)
        self.explain()
        self.problem = QLabel(self)
        self.problem.setProperty("tone", "error")
        self.problem.setFont(fonts.font("small"))
        self.problem.setFixedHeight(16)
        self.problem.hide()
        self.more: Callable[[QMenu], None] | None = None  # adds what else can be done with it
        self._wrong = False
        self._released = QTimer(self, interval=RELEASE)
        self._released.timeout.connect(self._show_problem)
        self._line = QHBoxLayout()
        self._line.setContentsMargins(0, 0, MARGIN, 0)
        self._line.setSpacing(0)
        self._line.addWidget(self.label)
        self._line.addSpacing(GAP)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(self._line)
        below = QHBoxLayout()
        below.setContentsMargins(MARGIN, 0, MARGIN, 0)
        below.addWidget(self.problem)
        whole.addLayout(below)
        self.label.clicked.connect(self._label_clicked)

    def explain(self, exposed: str = "") -> None:
        """Say what the setting is, and what an instance of the drawing calls it."""
        more = f" Instances set it as “{exposed}”." if exposed else ""
        self.label.explain(tip(self.spec) + more, bool(exposed))

    def take(self, field: QWidget) -> None:
        """Put the field into the row."""
        field.setAccessibleName(self.spec.label)
        field.setAccessibleDescription(self.spec.rule.help)
        field.setToolTip(tip_lines(tip(self.spec)))
        self.setFocusProxy(field)
        self._line.addWidget(field)

    @property
    def line(self) -> QHBoxLayout:
        """Where label and field stand; more may stand behind them."""
        return self._line

    def display(self, values: Sequence[Any], live: bool = False) -> None:
        """Show these values."""
        fixed = self.spec.editor == "fixed"
        self.label.display(not fixed and any(value != self.spec.default for value in values))
        self.show_live(live)
        fresh = tuple(values)
        if fresh != self.values or self._wrong:
            self.clear()
        self.values = fresh
        self.refresh()

    def show_live(self, live: bool) -> None:
        """Say that a training under way takes a new value up."""

    def refresh(self) -> None:
        """Show `values` in the field."""
        raise NotImplementedError

    def set(self, value: Any, key: str = "") -> None:
        """Give all chosen nodes a value, or say why not."""
        self.fail(self.owner.apply(self.spec.name, value, key))

    def fail(self, text: str) -> None:
        """Show what is wrong; "" takes it away."""
        if not text:
            self.clear()
            return
        self.problem.setToolTip(tip_lines(text))
        room = LABEL + GAP + 140
        metrics = fonts.metrics("small")
        self.problem.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))
        self._wrong = True
        self._show_problem()

    def clear(self) -> None:
        """Take the error away."""
        self._wrong = False
        self._show_problem()

    def _show_problem(self) -> None:
        """Show or hide the line, once no button of the mouse is down: what is pressed stays put."""
        held = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if held:
            self._released.start()
            return
        self._released.stop()
        self.problem.setVisible(self._wrong)

    def fill_menu(self, menu: QMenu) -> None:
        """Add what can be done with the setting to a menu."""
        text = words(self.spec, self.spec.default)
        first = menu.actions()[0] if menu.actions() else None
        reset = menu.addAction(f"Reset to {text}")
        reset.setEnabled(any(value != self.spec.default for value in self.values))
        reset.triggered.connect(lambda: self.set(self.spec.default))
        if first is not None:
            menu.removeAction(reset)
            menu.insertAction(first, reset)
            menu.insertSeparator(first)
        if self.more is not None:
            self.more(menu)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = rounded(QMenu(self))
        self.fill_menu(menu)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _label_clicked(self) -> None:
        field = self.focusProxy()
        if field is not None:
            field.setFocus(Qt.FocusReason.ShortcutFocusReason)


class EntryRow(Row):
    """A row with a typed field."""

    def __init__(self, look: Look, spec: Spec, owner: Owner) -> None:
        super().__init__(look, spec, owner)
        self.entry = Entry(look, self)
        self.entry.set_unit(spec.rule.unit)
        self.entry.steps = spec.numeric
        self.take(self.entry)
        self._gesture, self._waiting, self._applied = "", 0, False
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._scrub)
        self.entry.committed.connect(self.commit)
        self.entry.reverted.connect(self.revert)
        self.entry.stepped.connect(self._arrow)
        self.entry.left.connect(self._left)
        self.entry.menu_asked.connect(self.fill_menu)
        self.label.began.connect(self._begin)
        self.label.scrubbed.connect(self._scrubbed)
        self.label.released.connect(self._end)
        self.label.cancelled.connect(self._cancel)

    def refresh(self) -> None:
        if self.entry.isModified() and self.entry.hasFocus():
            return  # somebody is typing
        mixed = len(self.values) > 1
        text = "" if mixed else shown(self.spec, self.values[0])
        self.entry.setPlaceholderText(MIXED if mixed else self.spec.hint)
        if not self._wrong:
            self.entry.show_text(text)

    def show_live(self, live: bool) -> None:
        self.entry.set_live(live)

    def fail(self, text: str) -> None:
        super().fail(text)
        self.entry.set_invalid(bool(text))

    def clear(self) -> None:
        super().clear()
        self.entry.set_invalid(False)

    def commit(self) -> None:
        """Take over what was typed."""
        if not self.entry.isModified():
            return
        text = self.entry.text()
        if len(self.values) > 1 and not text.strip():
            self.revert()
            return
        try:
            value = read(self.spec, text)
        except SettingError as error:
            self.entry.setModified(False)
            self.fail(message(error))
            return
        self.entry.setModified(False)
        self.set(value)
        self.owner.settle()
        self.refresh()

    def revert(self) -> None:
        """Show the value that holds."""
        self.entry.setModified(False)
        self.clear()
        self.refresh()

    def step(self, count: int, key: str) -> None:
        """Go up or down from the value shown."""
        try:
            now = read(self.spec, self.entry.text()) if self.entry.isModified() else self.values[0]
        except SettingError:
            now = self.values[0]
        self.entry.setModified(False)
        value = stepped(self.spec, now, count)
        if value != now or len(self.values) > 1:
            self.set(value, key)

    def _arrow(self, count: int) -> None:
        if not self._gesture:
            self._gesture = f"step {next(_gestures)}"
        self.step(count, self._gesture)
        self.entry.selectAll()

    def _left(self) -> None:
        if self._gesture:
            self._gesture = ""
            self.owner.settle()

    def _begin(self) -> None:
        self._gesture, self._waiting, self._applied = f"scrub {next(_gestures)}", 0, False

    def _scrubbed(self, steps: int) -> None:
        self._waiting += steps
        self._soon.start()  # several moves of the mouse are one edit

    def _scrub(self) -> None:
        steps, self._waiting = self._waiting, 0
        if steps:
            self._applied = True
            self.step(steps, self._gesture)

    def _end(self) -> None:
        self._soon.stop()
        self._scrub()
        self._gesture = ""
        self.owner.settle()

    def _cancel(self) -> None:
        self._soon.stop()
        self._waiting, self._gesture = 0, ""
        self.owner.settle()
        if self._applied:
            self.owner.take_back()
        self.revert()


class ChoiceRow(Row):
    """A row with one of some words."""

    def __init__(self, look: Look, spec: Spec, owner: Owner) -> None:
        super().__init__(look, spec, owner)
        self.choice = Choice(spec.rule.choices, self)
        self.take(self.choice)
        self.choice.picked.connect(lambda word: self.set(word))

    def refresh(self) -> None:
        self.choice.display(self.values[0] if len(self.values) == 1 else None)

    def fail(self, text: str) -> None:
        super().fail(text)
        self.refresh()


class SwitchRow(Row):
    """A row with yes or no."""

    def __init__(self, look: Look, spec: Spec, owner: Owner) -> None:
        super().__init__(look, spec, owner)
        self.switch = Switch(look, self)
        self.take(self.switch)
        self.line.addStretch(1)
        self.switch.flipped.connect(lambda on: self.set(on))

    def refresh(self) -> None:
        self.switch.display(self.values[0] if len(self.values) == 1 else None)

    def _label_clicked(self) -> None:
        self.switch.nextCheckState()


class FixedRow(Row):
    """A value that is only shown."""

    def __init__(self, look: Look, spec: Spec, owner: Owner, text: Callable[[Any], str]) -> None:
        super().__init__(look, spec, owner)
        self._text = text
        self.value = QLabel(self)
        self.value.setProperty("tone", "mono secondary")
        self.value.setFixedHeight(24)
        self.take(self.value)
        self.line.addStretch(1)

    def refresh(self) -> None:
        self.value.setText(self._text(self.values[0]) if len(self.values) == 1 else MIXED)

    def fill_menu(self, menu: QMenu) -> None:
        pass
