"""The settings section for nodes: a form for each set of types, flags, and the edits of both."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from graph.kinds import DataSource
from graph.op import Op
from graph.ops.table import Table
from graph.subgraph import Defined
from gui.app import App
from gui.inspector.exposing import exposed_as, fill_menu
from gui.inspector.form import Form
from gui.inspector.label import LABEL, MARGIN, ScrubLabel
from gui.inspector.lookup import FileLookup
from gui.inspector.row import GAP
from gui.inspector.section import Section
from gui.inspector.spec import Spec
from gui.inspector.subject import (
    Subject,
    candidates,
    exposed_specs,
    has_weights,
    live_keys,
    push,
    set_flags,
    shared_specs,
    tried,
    values_of,
)
from gui.inspector.switches import Flag, Switch
from gui.look import Look

FORMS = 64  # kept; making one takes some milliseconds
Types = tuple[type[Op], ...]


class FlagRow(QWidget):
    """Bypass and freeze."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, MARGIN - 4, 0)
        line.setSpacing(0)
        self.label = ScrubLabel(look, "Bypass", False, self)
        self.bypass = Switch(look, self)
        self.bypass.setAccessibleName("Bypass")
        tip = "The first input passes this node by, unchanged."
        self.bypass.setToolTip(tip)
        self.label.setToolTip(tip)
        self.freeze = Flag(look, "lock", "Freeze", self)
        self.freeze.setToolTip("Training leaves the weights of this node as they are.")
        line.addWidget(self.label)
        line.addSpacing(GAP)
        line.addWidget(self.bypass)
        line.addStretch(1)
        line.addWidget(self.freeze)
        self.label.clicked.connect(self.bypass.nextCheckState)

    def display(self, subject: Subject) -> None:
        """Show the flags of the chosen nodes; those that mean nothing to them are hidden."""
        nodes = subject.nodes
        layers = [n for n in nodes if n.op.role == "layer" and not isinstance(n.op, Defined)]
        trained = [n for n in layers if has_weights(n.op)]
        self.setVisible(bool(layers) and len(layers) == len(nodes))
        self.freeze.setVisible(len(trained) == len(nodes))
        bypassed, frozen = {n.bypassed for n in nodes}, {n.frozen for n in nodes}
        self.bypass.display(bypassed.pop() if len(bypassed) == 1 else None)
        self.freeze.display(frozen.pop() if len(frozen) == 1 else None)
        self.label.display(any(n.bypassed for n in nodes))


class NodeSettings(Section):
    """Settings of one node, or those that several share."""

    def __init__(self, app: App) -> None:
        super().__init__(app.look, "Settings")
        self._app = app
        self._subject = Subject()
        self._forms: OrderedDict[tuple[Types, tuple[Spec, ...]], Form] = OrderedDict()
        self._specs: dict[str, Spec] = {}
        self.form: Form | None = None
        self.flags = FlagRow(app.look)
        self.add(self.flags)
        self.flags.freeze.flipped.connect(lambda on: self._flag(frozen=on))
        self.flags.bypass.flipped.connect(lambda on: self._flag(bypassed=on))
        self.enter = self._button("Enter", "Show what is inside")
        self.enter.clicked.connect(self._enter)
        self.look_at = self._button("Look at the file", "Find out what its columns hold")
        self.look_at.clicked.connect(lambda: self._look_up(""))
        self._lookup = FileLookup(self)
        self._lookup.failed.connect(self._not_read)

    def _button(self, text: str, tip: str) -> QPushButton:
        """A button below the fields, in their column."""
        button = QPushButton(text)
        button.setToolTip(tip)
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(MARGIN + LABEL + GAP, 4, MARGIN, 0)
        line.addWidget(button)
        self.add(holder)
        return button

    def display(self, subject: Subject) -> None:
        """Show the settings of these nodes."""
        self._subject = subject
        self._show_form(subject.types, exposed_specs(subject))
        specs = self._specs
        live = frozenset(n for n, s in specs.items() if s.rule.live and self._live(n))
        if self.form:
            self.form.display(partial(values_of, subject), live)
            for name, row in self.form.rows.items():
                row.explain(exposed_as(subject, name))
        self.flags.display(subject)
        only = subject.node
        inside = isinstance(only.op, Defined) if only else False
        self._show(self.enter, inside)
        self._show(self.look_at, isinstance(only.op, Table) if only else False)
        self.setVisible(bool(self._specs) or self.flags.isVisibleTo(self))

    @property
    def buttons(self) -> tuple[QWidget, ...]:
        """What Tab goes through below the fields."""
        return (self.flags.bypass, self.flags.freeze, self.enter, self.look_at)

    def _show(self, button: QPushButton, shown: bool) -> None:
        holder = button.parentWidget()
        if holder is not None:
            holder.setVisible(shown)

    def _show_form(self, types: Types, exposed: tuple[Spec, ...]) -> None:
        form = self._forms.get((types, exposed))
        if form is None:
            form = Form(self._app.look, (*shared_specs(types), *exposed), self)
            for name, row in form.rows.items():
                row.more = partial(self._more, name)
            self._forms[types, exposed] = form
            self._layout.insertWidget(0, form)
            if len(self._forms) > FORMS:
                _, old = self._forms.popitem(last=False)
                old.deleteLater()
        self._forms.move_to_end((types, exposed))
        if form is not self.form:
            if self.form is not None:
                self.form.hide()
            form.setVisible(bool(form.rows))
            self.form = form
            self._specs = {name: row.spec for name, row in form.rows.items()}

    def _more(self, name: str, menu: QMenu) -> None:
        fill_menu(menu, self._subject, self._specs[name])

    def _live(self, name: str) -> list[str]:
        """Keys of a setting that the run under way takes up; empty when it does not."""
        trainer, document = self._app.trainer, self._subject.document
        if document is None or trainer.document is not document:
            return []
        if not trainer.board_of(document).active:
            return []
        return live_keys(self._subject, name)

    # What rows ask for

    def apply(self, name: str, value: Any, key: str) -> str:
        """Set a value; see `Owner`."""
        subject = self._subject
        if self._reads_file(name):
            key = key or self._lookup.fresh_key()
        into = subject.document.into if subject.document else ""
        ids = " ".join(node.id for node in subject.nodes)
        error = tried(subject, self._specs[name], value, key and f"{key} {into}/{ids}.{name}")
        if error:
            return error
        if self._specs[name].rule.live:
            for live in self._live(name):
                self._app.trainer.set_live(live, float(value))
        if name == "path" and subject.document:
            subject.document.allow(value)  # typed or looked for: the user's own choice
        if self._reads_file(name):
            self._look_up(f"{key} {into}/{ids}.{name}")
        return ""

    def settle(self) -> None:
        """A gesture is over."""
        if self._subject.document and not self._lookup.busy:
            self._subject.document.history.end_merge()

    def take_back(self) -> None:
        """A gesture that changed something was cancelled."""
        if self._subject.document:
            self._subject.document.undo()

    def candidates(self, name: str) -> list[tuple[Any, str]]:
        """What the field of a setting offers."""
        return candidates(self._subject, name)

    def folder(self) -> Path:
        """Where relative paths start."""
        document = self._subject.document
        return document.folder if document else Path()

    def _reads_file(self, name: str) -> bool:
        node = self._subject.node
        return node is not None and isinstance(node.op, DataSource) and hasattr(node.op, "schema")

    def _look_up(self, key: str) -> None:
        node, document = self._subject.node, self._subject.document
        if node is None or document is None or not isinstance(node.op, Table):
            return
        look = partial(self._lookup.start, document, node.id, node.op, key)
        if self._app.trainer.permission(document, look):
            look()

    def _not_read(self, text: str) -> None:
        if self.form and "path" in self.form.rows:
            self.form.rows["path"].fail(text)

    def _flag(self, frozen: bool | None = None, bypassed: bool | None = None) -> None:
        if self._subject.document:
            push(self._subject.document, set_flags(self._subject, frozen, bypassed))

    def _enter(self) -> None:
        node, document = self._subject.node, self._subject.document
        if node and document and isinstance(node.op, Defined):
            document.enter(node.op.definition, node.id)
