"""The drawing as a list of sentences: what a screen reader follows, in step with the canvas."""

from __future__ import annotations

import networkx as nx
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QIcon, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QTreeView, QVBoxLayout

from graph.graph import Graph
from gui import fonts
from gui.app import App
from gui.canvas.view_model import NodeView, WireView
from gui.docks.page import Page
from gui.document import DocumentChange

NODE = Qt.ItemDataRole.UserRole


class OutlinePage(Page):
    """One row a node, in the order in which values flow; below it, where its ports lead."""

    title = "Outline"
    id = "outline"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.model = QStandardItemModel(self)
        self.tree = QTreeView()
        self.tree.setModel(self.model)
        self.tree.setHeaderHidden(True)
        self.tree.setFont(fonts.font("body"))
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName("Outline of the graph")
        self.tree.selectionModel().selectionChanged.connect(self._selected)
        self.tree.activated.connect(self._activated)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tree)
        self._rows: dict[str, QStandardItem] = {}
        self._following = False

    def rebuild(self) -> None:
        self._fill()
        self._follow()

    def edited(self, change: DocumentChange) -> None:
        if change.view:
            self._fill()
        if change.view or change.selection:
            self._follow()

    def _fill(self) -> None:
        """Show the nodes anew; rows that were open stay open."""
        open_ = {id for id, item in self._rows.items() if self.tree.isExpanded(item.index())}
        self._following = True
        self.model.clear()
        self._rows = {}
        if self.document is not None:
            view, drawing = self.document.view, self.document.drawing
            wires: dict[str, list[WireView]] = {}
            for wire in view.wires:
                wires.setdefault(wire.source, []).append(wire)
                wires.setdefault(wire.target, []).append(wire)
            for id in _in_order(drawing):
                node = view.by_id[id]
                item = self._item(sentence(node), id, self._icon(node))
                for wire in wires.get(id, []):
                    item.appendRow(self._item(_wire_sentence(wire, id, view.by_id), id))
                self.model.appendRow(item)
                self._rows[id] = item
                if id in open_:
                    self.tree.expand(item.index())
        self._following = False

    def _icon(self, node: NodeView) -> QIcon:
        look = self.app.look
        return look.icon(node.icon, look.theme.of_family(node.family))

    def _item(self, text: str, id: str, icon: QIcon | None = None) -> QStandardItem:
        item = QStandardItem(text)
        if icon is not None:
            item.setIcon(icon)
        item.setData(id, NODE)
        item.setData(text, Qt.ItemDataRole.AccessibleTextRole)
        return item

    def _follow(self) -> None:
        """Show the document's selection."""
        if self.document is None:
            return
        self._following = True
        model, flags = self.tree.selectionModel(), QItemSelectionModel.SelectionFlag
        model.clearSelection()
        for id in self.document.selection:
            if id in self._rows:
                model.select(self._rows[id].index(), flags.Select | flags.Rows)
        chosen = [id for id in self._rows if id in self.document.selection]
        if chosen:
            self.tree.scrollTo(self._rows[chosen[0]].index())
            model.setCurrentIndex(self._rows[chosen[0]].index(), flags.NoUpdate)
        self._following = False

    def _selected(self) -> None:
        if not self._following and self.document is not None:
            indexes = self.tree.selectionModel().selectedRows()
            self.document.select(str(index.data(NODE)) for index in indexes)

    def _activated(self, index: QModelIndex) -> None:
        if self.document is not None:
            self.app.desk.jump(str(index.data(NODE)), self.document.into)


def sentence(node: NodeView) -> str:
    """A node in one line: name, key settings, shape, parameters, what is wrong."""
    known = node.title.casefold() == node.id
    parts = [node.title if known else f"{node.title} {node.id}"]
    if node.summary:
        parts.append(node.summary.replace(" · ", ", "))
    if node.badge:
        parts.append(node.badge)
    states = {"bypassed": node.state.bypassed, "frozen": node.state.frozen}
    parts += [name for name, on in states.items() if on]
    if node.state.problem:
        parts.append(node.state.problem)
    return " · ".join(parts)


def _wire_sentence(wire: WireView, id: str, nodes: dict[str, NodeView]) -> str:
    source, target = nodes[wire.source], nodes[wire.target]
    if wire.source == id:
        return (
            f"{source.outputs[wire.output].name} → {target.title}.{target.inputs[wire.input].name}"
        )
    return f"{target.inputs[wire.input].name} ← {source.title}.{source.outputs[wire.output].name}"


def _in_order(drawing: Graph) -> list[str]:
    """Ids in the order of the flow; as they are stored when a cycle leaves no order."""
    try:
        return [node.id for node in drawing.ordered()]
    except nx.NetworkXUnfeasible:
        return [node.id for node in drawing]
