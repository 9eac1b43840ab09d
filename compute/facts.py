"""What only reading the data tells the export of a graph."""

from __future__ import annotations

from compute.data import Folder, Scaling
from compute.data.table import read_table
from compute.prepare import load_graph
from graph.export import TableFacts
from graph.graph import Graph
from graph.lower import Model
from graph.ops.table import Table


def table_facts(graph: Graph, folder: Folder) -> dict[str, TableFacts]:
    """What reading the tables of a graph tells its export: how they are written and scaled."""
    model = Model(graph)
    tables = {path: op for path, op in model.data_nodes.items() if isinstance(op, Table)}
    if not tables:
        return {}
    scaling = load_graph(graph, folder).scaling
    found = {}
    for path, op in tables.items():
        text = read_table(op, folder.file(op.path, path), path)
        target = scaling.get(f"{path}.target")
        found[path] = TableFacts(
            text.delimiter,
            text.encoding,
            columns(scaling[f"{path}.features"]),
            columns(target)[0] if target else None,
        )
    return found


def columns(scaling: Scaling) -> tuple[tuple[float, float, float], ...]:
    """(fill, mean, scale) of each number."""
    parts = (scaling.fill.tolist(), scaling.mean.tolist(), scaling.scale.tolist())
    return tuple(zip(*parts, strict=True))
