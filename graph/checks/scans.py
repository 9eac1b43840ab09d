"""Checks of scanned cells."""

from __future__ import annotations

from collections.abc import Iterator

from graph.checks.problem import Problem, View
from graph.subgraph import Scan

MANY = 4000  # nodes of a cell times steps: takes two cores some ten seconds to prepare


def long_scans(view: View) -> Iterator[Problem]:
    """Scans that take long to prepare, since each step is planned by itself."""
    for spot in view:
        for id, definition in sorted(spot.index.instances.items()):
            visit = view.shapes.visits.get(definition, {}).get(f"{spot.prefix}{id}/")
            if visit is None or not isinstance(spot.drawing.node(id).op, Scan):
                continue
            nodes = len(view.graph.definitions[definition])
            if visit.copies * nodes > MANY:
                found = f"found {visit.copies:,} steps of {nodes} nodes"
                message = f"{found}, expected at most {MANY:,} nodes in all"
                remedy = "it takes long to prepare: shorten the sequences, or use a layer like GRU"
                yield spot.warning(id, "", message, remedy)
