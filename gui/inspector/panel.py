"""The panel at the right of the window: all about what is chosen on the canvas."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from graph.checks import Problem
from graph.edit import Edit
from graph.edits import Batch, Disconnect, Remove
from graph.graph import Frame, Graph, Node, Note, Wire
from graph.subgraph import Defined
from gui.app import App
from gui.canvas.describe import icon_name
from gui.docks.page import Page
from gui.document import Document, DocumentChange
from gui.inspector import facts
from gui.inspector.card import ConceptCard
from gui.inspector.exposing import ExposedList
from gui.inspector.head import Head
from gui.inspector.label import LABEL, MARGIN
from gui.inspector.nodes import NodeSettings
from gui.inspector.remedies import Problems
from gui.inspector.row import GAP
from gui.inspector.section import WIDTH, Facts, PortLegend, Section
from gui.inspector.subject import Subject, push, rename
from gui.inspector.things import ThingForm
from gui.inspector.training import TrainingForm
from gui.inspector.watching import Watching
from gui.widgets.scroll import OverlaidArea


class InspectorPanel(Page):
    """Head, problems, settings, shapes and cost, and what training does to the chosen node.

    Widgets are made once for each type of node and reused, so choosing another node is quick.
    """

    title = "Inspector"
    id = "inspector"

    def __init__(self, app: App, parent: QWidget | None = None) -> None:
        super().__init__(app)
        self.setParent(parent)
        self.setFixedWidth(WIDTH)
        self.subject = Subject()
        look = app.look
        self.head = Head(look)
        self.problems = Problems(look, self._mend)
        self.settings = NodeSettings(app)
        self.things = ThingForm(look)
        self.training = TrainingForm(look)
        self._things = Section(look, "Settings")
        self._things.add(self.things)
        self._training = Section(look, "Training")
        self._training.add(self.training.form)
        self.exposed = ExposedList(look)
        self._facts = Section(look, "Shapes and cost", bottom=10)
        self.facts = Facts(look, "Shapes and cost")
        self._facts.add(self.facts)
        self.watching = Watching(app)
        self._legend = Section(look, "Ports")
        self._legend.add(PortLegend(look))
        self.remove = QPushButton("Delete")
        self._removing = _indented(self.remove)
        self.remove.clicked.connect(self._remove)
        self._tabs: tuple[QWidget, ...] = ()
        self._fill()
        self.head.renamed.connect(self._rename)
        self.head.card_asked.connect(self.show_card)
        app.forecasts.changed.connect(self._show_facts)

    def _fill(self) -> None:
        body = QWidget()
        column = self._column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (
            self.settings,
            self._things,
            self._training,
            self.exposed,
            self.problems,  # below what is edited: fields stay where they are as problems come
            self._facts,
            self._removing,
            self.watching,
            self._legend,
        ):
            column.addWidget(part)
        column.addStretch(1)
        area = OverlaidArea(body)
        area.viewport().setAutoFillBackground(False)
        body.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.head)
        whole.addWidget(area)

    # What Page asks for

    def rebuild(self) -> None:
        self._update()
        self.update()

    def edited(self, change: DocumentChange) -> None:
        edit = bool(change.title) and not change.moved  # one of training changes no view
        if change.view or change.selection or change.problems or edit:
            self._update()
            self.watch()

    def refresh(self) -> None:
        self.watching.refresh(self.app.trainer.board_of(self.document))

    def wants(self) -> frozenset[str]:
        trainer = self.app.trainer
        if trainer.document is not None and trainer.document is not self.document:
            return frozenset()
        return self.watching.names()

    # Showing

    def _update(self) -> None:
        subject = self.subject = Subject.of(self.document)
        document = subject.document
        self._show_head(subject)
        self._show_problems(subject)
        chosen_nodes = bool(subject.nodes) and len(subject.nodes) == subject.count
        self.settings.setVisible(chosen_nodes)
        if chosen_nodes:
            self.settings.display(subject)
        self.things.display(subject)
        self._things.setVisible(not self.things.isHidden())
        nothing = document is not None and not subject.count
        self._legend.setVisible(nothing or document is None)
        self._training.setVisible(nothing and document is not None and not document.into)
        if nothing and document is not None:
            self.training.display(document)
        self.exposed.display(document if nothing else None)
        titles = {Wire: "Connection", Frame: "Frame"}
        title = titles.get(type(subject.only), "Shapes and cost")
        self._facts.retitle("Graph" if nothing else title)
        self._show_facts()
        self._removing.setVisible(subject.count > len(subject.nodes))
        self.watching.show_subject(subject)
        self.watching.refresh(self.app.trainer.board_of(document))
        self._order_tabs()
        self._settle_layout()

    def _show_facts(self) -> None:
        self.facts.display(self._all_facts(self.subject))
        self._facts.setVisible(bool(self.facts.facts))

    def _settle_layout(self) -> None:
        """Place everything now, from the inside out, so that no frame shows the old places."""
        form = self.settings.form
        for part in (form, self.settings, self._facts, self.watching, self.problems):
            layout = part.layout() if part is not None else None
            if layout is not None:
                layout.activate()
        self._column.activate()

    def _order_tabs(self) -> None:
        """Tab goes from top to bottom, whenever the parts were made."""
        form = self.settings.form
        parts = (
            self.head.name,
            self.head.card,
            *(form.fields if form else ()),
            *self.things.fields,
            *(self.exposed.form.fields if self.exposed.form else ()),
            *self.settings.buttons,
            *self.problems.buttons,
            self.remove,
        )
        if parts != self._tabs:
            self._tabs = parts
            for one, other in pairwise(parts):
                QWidget.setTabOrder(one, other)

    def _all_facts(self, subject: Subject) -> list[facts.Fact]:
        document = subject.document
        if document is None:
            return []
        costs = self.app.forecasts.costs(document)
        match subject.only:
            case Node() as node:
                return facts.node_facts(document, node, costs)
            case Wire() as wire:
                return facts.wire_facts(document, wire)
            case Frame() as frame:
                return [facts.Fact("Nodes", f"{len(frame.nodes):,}")]
            case Note():
                return []
        if subject.nodes:
            return facts.group_facts(subject)
        return [] if subject.count else facts.graph_facts(document, costs)

    def _show_head(self, subject: Subject) -> None:
        name, below, icon, family = _head_of(subject)
        only = subject.only
        self.head.show_card(len(subject.types) == 1)
        self.head.display(name, below, icon, family, editable=isinstance(only, (Node, Frame)))

    def _show_problems(self, subject: Subject) -> None:
        document = subject.document
        if document is None or not subject.nodes:
            self.problems.display((), Graph())
            return
        found = problems_of(document, {node.id for node in subject.nodes})
        self.problems.display(found, document.graph)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.app.look.theme.panel))
        painter.end()

    # Doing

    def show_card(self) -> None:
        """Open the concept card of the chosen type."""
        if len(self.subject.types) == 1:
            ConceptCard(self.app.look, self.subject.types[0], self).open_beside(self)

    def edit_settings(self) -> None:
        """Put the cursor into the first field."""
        form = self.training.form if not self.subject.count else self.settings.form
        row = next(iter(form.rows.values()), None) if form else None
        if row is not None and row.isVisible():
            row.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _rename(self, text: str) -> None:
        if self.subject.document:
            push(self.subject.document, rename(self.subject, text))

    def _mend(self, edit: Edit) -> None:
        if self.document:
            push(self.document, edit)

    def _remove(self) -> None:
        document, subject = self.document, self.subject
        if document is None:
            return
        into = document.into
        parts: list[Edit] = [Disconnect(wire, into=into) for wire in subject.wires]
        items: tuple[Node | Frame | Note, ...] = (*subject.nodes, *subject.frames, *subject.notes)
        if items:
            parts.append(Remove(tuple(item.id for item in items), into=into))
        push(document, parts[0] if len(parts) == 1 else Batch(tuple(parts)))


def _indented(button: QPushButton) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(MARGIN + LABEL + GAP, 12, MARGIN, 12)
    column.addWidget(button)
    return holder


def problems_of(document: Document, ids: set[str]) -> tuple[Problem, ...]:
    """The problems of nodes of the drawing that is shown."""
    return tuple(
        problem
        for problem in document.problems
        if problem.definition == document.into
        and problem.path.rpartition("/")[2].rpartition(":")[2] in ids
    )


def _head_of(subject: Subject) -> tuple[str, str, str, str]:
    """Name, line below, icon and family of what is chosen."""
    document = subject.document
    if document is None:
        return "Nothing open", "Open or draw a graph", "", ""
    match subject.only:
        case Node(op=op) as node:
            kind = op.definition if isinstance(op, Defined) else facts.type_title(type(op))
            return node.label, f"{kind} · {op.category}", icon_name(op), op.family
        case Wire() as wire:
            ends = (document.drawing.node(id).label for id in (wire.source, wire.target))
            return "Wire", " → ".join(ends), "", ""
        case Frame() as frame:
            return frame.title or "Frame", f"Frame · {frame.id}", "", ""
        case Note():
            return "Note", "Text on the canvas", "", ""
    if subject.nodes and len(subject.nodes) == subject.count:
        families = {node.op.family for node in subject.nodes}
        names = ", ".join(facts.type_title(op) for op in subject.types)
        first = subject.nodes[0].op
        alike = len(families) == 1
        icon = icon_name(first) if alike else "custom"
        return f"{len(subject.nodes)} nodes", names, icon, first.family if alike else ""
    if subject.count:
        return f"{subject.count} things", "Nodes, wires, frames and notes", "", ""
    if document.into:
        return document.into, "Definition", "subgraph", ""
    return document.title, "Graph", "", ""
