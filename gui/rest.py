"""The room that nodes keep for previews from the start: none grows over another. No Qt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.op import Op
from gui.canvas.view_model import REST, Mosaic, Preview
from gui.overlay_nodes import BARS, MAPS, PICTURED, Picture, Types, at_rest, pictures

IMAGES, IMAGE_COLUMNS = 12, 4  # of a data node


def rest_previews(graph: Graph, types: Types, prefix: str = "") -> dict[str, Preview]:
    """Empty previews of all nodes that training will draw something in, by node id: of their exact
    size, or of the largest where a shape is not known yet. `prefix` is that of `pictures`.
    """
    found = {id: at_rest(picture) for id, picture in pictures(graph, types, prefix).items()}
    unknown = {
        node.id: preview
        for node in graph
        if node.op.role == "layer" and not _known(node, types, prefix)
        for preview in (room(node.op),)
        if preview is not None
    }
    return found | (unknown if len(unknown) + len(found) <= PICTURED else {})


def _known(node: Node, types: Types, prefix: str) -> bool:
    return any((prefix + node.id, port.name) in types for port in node.op.ports_out())


def room(op: Op) -> Preview | None:
    """The largest preview that a node of this type and these settings may come to show."""
    if op.role == "loss":
        return at_rest(Picture("losses"))
    if isinstance(op, DataSource):
        if hasattr(op, "path"):
            return None
        return Mosaic(np.zeros((IMAGES, 1, 1), np.uint8), IMAGE_COLUMNS, REST)
    if op.role != "layer":
        return None
    if op.family == "conv":
        return at_rest(Picture("maps", "", (min(getattr(op, "filters", MAPS), MAPS), 1, 1)))
    units = getattr(op, "units", 0) if op.family == "dense" else 0
    if units < 2:
        return None
    return at_rest(Picture("bars" if units <= BARS else "cells", "", (units,)))


class DataShown:
    """Previews of data nodes that came or changed since the last time it was asked."""

    def __init__(self, graph: Graph) -> None:
        self._known: Mapping[str, Op] = _sources(graph)

    def fresh(self, graph: Graph) -> dict[str, Preview]:
        """By node id."""
        before, self._known = self._known, _sources(graph)
        part = Graph()
        for id, op in self._known.items():
            if before.get(id) != op:
                part.set_node(Node(id, op))
        if not len(part):
            return {}
        from gui.run.previews import data_previews  # reads data: not before the window is painted

        return data_previews(part)


def _sources(graph: Graph) -> dict[str, Op]:
    return {node.id: node.op for node in graph if isinstance(node.op, DataSource)}
