"""What is wrong with a graph: found, expected, what to do, and an edit that does it.

`check` runs on every edit. A check is a small function from a `View` to problems; the list below is
all there is. What breaks the rules of drawings (`graph.rules`) never gets this far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graph.checks import exposed, ids, scans, ties, training, values, wiring
from graph.checks.connect import can_connect
from graph.checks.problem import Problem, View
from graph.graph import Graph

CHECKS: tuple[Callable[[View], Iterable[Problem]], ...] = (
    wiring.too_many,
    wiring.cycles,
    wiring.placeholders,
    wiring.missing_wires,
    wiring.crosswise,
    values.refusals,
    ties.ties,
    values.classes,
    ids.ids,
    values.samples,
    values.memory,
    scans.long_scans,
    exposed.places,
    exposed.values,
    training.losses,
    training.nothing_to_train,
    training.inside_definitions,
    training.chosen,
    training.owners,
    training.unfed,
    wiring.unread,
    wiring.names,
)


def check(graph: Graph, view: View | None = None) -> tuple[Problem, ...]:
    """All problems of `graph`, errors first; `view` saves working the shapes out again."""
    view = view or View.of(graph)
    found = [problem for one in CHECKS for problem in one(view)]
    return tuple(sorted(found, key=lambda problem: problem.severity != "error"))


__all__ = ["CHECKS", "Problem", "View", "can_connect", "check"]
