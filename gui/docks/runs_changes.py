"""How the graph of a run differs from the present one, in words. No Qt of its own."""

from __future__ import annotations

from collections.abc import Iterator

from graph.edit import op_name
from graph.graph import Graph, Node
from gui.inspector.spec import Spec, specs_of, words
from gui.inspector.training import SPECS, value_of

SHOWN_ELSEWHERE = frozenset({"schema"})  # what a file was found to hold


def changes(then: Graph, now: Graph) -> list[tuple[str, str, str]]:
    """(what, as it was in the run, as it is now) of settings, nodes and wires that differ."""
    found = [
        (spec.label, words(spec, before), words(spec, after))
        for spec in SPECS
        if (before := value_of(then.training, spec.name))
        != (after := value_of(now.training, spec.name))
    ]
    names = ["", *sorted({*then.definitions, *now.definitions})]
    for name in names:
        if name and (name not in then.definitions or name not in now.definitions):
            there = name in then.definitions
            found.append((f"Subgraph {name}", "there" if there else "–", "–" if there else "there"))
        else:
            found += _drawn(name, then.drawing(name), now.drawing(name))
    return found


def _drawn(name: str, then: Graph, now: Graph) -> Iterator[tuple[str, str, str]]:
    before, after = ({node.id: node for node in graph} for graph in (then, now))
    where = f"{name}/" if name else ""
    for id in dict.fromkeys((*before, *after)):
        old, new = before.get(id), after.get(id)
        if old is None or new is None:
            yield where + id, _kind(old), _kind(new)
        else:
            yield from ((where + what, a, b) for what, a, b in _node(old, new))
    gone, added = (len(set(a.wires()) - set(b.wires())) for a, b in ((then, now), (now, then)))
    if gone or added:
        yield f"{where}Wires", f"{gone} others", f"{added} others"


def _node(old: Node, new: Node) -> Iterator[tuple[str, str, str]]:
    label = new.label
    if type(old.op) is not type(new.op):
        yield label, _kind(old), _kind(new)
        return
    for spec in specs_of(type(new.op)):
        before, after = getattr(old.op, spec.name), getattr(new.op, spec.name)
        if before != after and spec.name not in SHOWN_ELSEWHERE:
            yield f"{label} · {_lower(spec)}", words(spec, before), words(spec, after)
    for state in ("frozen", "bypassed"):
        if getattr(old, state) != getattr(new, state):
            was, now = (state if getattr(node, state) else f"not {state}" for node in (old, new))
            yield label, was, now


def _lower(spec: Spec) -> str:
    return spec.label[:1].lower() + spec.label[1:]


def _kind(node: Node | None) -> str:
    return op_name(node.op) if node is not None else "–"
