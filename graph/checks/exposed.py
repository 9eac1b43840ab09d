"""Checks of what definitions expose, and of the values that their instances give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graph.checks.problem import Problem, View
from graph.edits import SetOp
from graph.expose import Expose, without_place
from graph.exposed import alike, at, offered
from graph.subgraph import Defined


def places(view: View) -> Iterator[Problem]:
    """Exposed settings that are gone, or that take other values than those beside them."""
    for spot in view:
        for exposure in spot.drawing.exposed:
            first = offered(spot.drawing).get(exposure.name)
            for place in exposure.places:
                behind, name = at(spot.drawing, place), f"{place[0]}.{place[1]}"
                if behind is not None and first is not None and alike(first, behind):
                    continue
                found = f"found {exposure.name!r} for {name}, "
                if behind is None:
                    found += "which is no setting here that can be exposed, expected one that is"
                else:
                    found += "which takes other values, expected settings of one kind"
                id = place[0] if place[0] in spot.drawing else ""
                mend = Expose(without_place(spot.drawing.exposed, place), into=spot.name)
                yield spot.warning(id, "", found, f"stop exposing {name}", [mend])


def values(view: View) -> Iterator[Problem]:
    """Values that instances give to what their definition does not expose."""
    for spot in view:
        for id, definition in sorted(spot.index.instances.items()):
            op = spot.drawing.node(id).op
            assert isinstance(op, Defined)
            known = offered(view.graph.definitions[definition]) if op.values else {}
            for name, _ in op.values:
                if name not in known:
                    words = ", ".join(known) or "it exposes none"
                    found = f"found a value of {name!r}, expected a setting that is exposed"
                    kept = tuple(pair for pair in op.values if pair[0] != name)
                    mend = SetOp(id, replace(op, values=kept), into=spot.name)
                    remedy = f"take it off, or expose it in {definition} ({words})"
                    yield spot.warning(id, "", found, remedy, [mend])
