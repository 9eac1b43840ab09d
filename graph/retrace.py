"""The trace of a net that was edited, taken up from that of before.

Where the wires are the same, only nodes that are others, and those that are given other shapes,
are built anew; likewise the rows of a training program, which stand behind those of the trace.
Drawings with instances or tied weights are walked from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from graph.again import Again, Kept, Otherwise, others, places
from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.op import Mode
from graph.program import Program
from graph.subgraph import Defined
from graph.tensor import Builder
from graph.trace import Trace, build, feed, operands_of, trace

Made = tuple[tuple[str, int], ...]  # the values at a node's ports, by number


@dataclass(frozen=True)
class _Walked:
    """A trace and the drawing it is of; `reads` are the values that each node built of, `updates`
    where its updates stand in the trace.
    """

    found: Trace
    nodes: dict[str, Node]
    wires: list[tuple[str, str, Wire]]
    order: list[str]
    reads: dict[str, tuple[int, ...]]
    updates: dict[str, slice]
    places: dict[int, int]


_kept: Kept[_Walked] = Kept(6)


def traced(graph: Graph, mode: Mode, batch: int, phase: str = "") -> Trace:
    """`trace`, whose result must not be changed: it is where that of the next edit begins.

    Raises networkx.NetworkXUnfeasible for wires in a circle.
    """
    nodes = {node.id: node for node in graph}
    if any(isinstance(node.op, Defined) or node.op.tied_to() for node in nodes.values()):
        return trace(graph, mode, batch, phase)
    before = _kept.get((mode, batch, phase))
    wires = list(graph.net.edges(keys=True))
    try:
        if before is None or before.wires != wires or list(before.nodes) != list(nodes):
            raise Otherwise
        walked = _again(before, graph, nodes)
    except Otherwise:
        walked = _from_nothing(graph, nodes, Trace(Builder(), mode, batch, phase), wires)
    if not walked.found.refusals:
        _kept.put((mode, batch, phase), walked)
    return walked.found


def _from_nothing(
    graph: Graph, nodes: dict[str, Node], found: Trace, wires: list[tuple[str, str, Wire]]
) -> _Walked:
    order = [node.id for node in graph.ordered()]
    walked = _Walked(found, nodes, wires, order, {}, {}, {})
    for id in order:
        node = found.nodes[id] = nodes[id]
        operands = None
        if node.op.role not in ("optimizer", "schedule"):
            operands = operands_of(found, graph, node, "")
        if operands is None:
            continue
        parts = [one if isinstance(one, list) else [one] for one in operands]
        walked.reads[id] = tuple([t.id for part in parts for t in part if t is not None])
        start = len(found.updates)
        found.builder.once((), lambda node=node: _visit(found, graph, node))  # type: ignore[misc]
        walked.updates[id] = slice(start, len(found.updates))
    return replace(walked, places=places(found.builder.rows))


def _visit(found: Trace, graph: Graph, node: Node) -> Made:
    """Build one node; returns the numbers of the values at its ports."""
    operands = operands_of(found, graph, node, "")
    assert operands is not None
    if isinstance(node.op, DataSource):
        feed(found, node.id, node.op)
    else:
        build(found, graph, node, node.id, node.id, operands)
    ports = [port.name for port in graph.ports_out(node.id)]
    return tuple([(n, found.values[node.id, n].id) for n in ports if (node.id, n) in found.values])


def _again(before: _Walked, graph: Graph, nodes: dict[str, Node]) -> _Walked:
    builder = Again(before.found.builder, before.places)
    found = _own(before.found.on(builder))
    for id in before.order:
        old, node = before.nodes[id], nodes[id]
        same = old is node or _as_built(old) == _as_built(node)
        if old is not node:
            found.nodes[id] = node
        if id not in before.reads:
            if not same and {old.op.role, node.op.role} - {"optimizer", "schedule"}:
                raise Otherwise
        elif same and builder.touched.isdisjoint(before.reads[id]):
            builder.pass_over()
        else:
            builder.once(None, lambda node=node: _anew(before, found, graph, node))  # type: ignore[misc]
    builder.end()
    if found.refusals:
        raise Otherwise
    return replace(before, found=found, nodes=nodes)


def _own(found: Trace) -> Trace:
    """The same with everything in it its own."""
    return replace(
        found,
        params={**found.params},
        states={**found.states},
        frozen={*found.frozen},
        nodes={**found.nodes},
        owner_of={**found.owner_of},
    )


def _as_built(node: Node) -> tuple[object, ...]:
    """What a node is to a trace."""
    return type(node.op), node.op, node.frozen, node.bypassed


def _anew(before: _Walked, found: Trace, graph: Graph, node: Node) -> Made:
    """Build one node in the place of what was made of it before."""
    if node.op.role in ("optimizer", "schedule"):
        raise Otherwise
    operands = operands_of(found, graph, node, "")
    parts = [one if isinstance(one, list) else [one] for one in operands or [None]]
    if tuple([t.id for part in parts for t in part if t is not None]) != before.reads[node.id]:
        raise Otherwise
    found.frozen.difference_update(found.owner_of.get(node.id, ()))
    if node.id in found.owner_of:
        found.owner_of[node.id] = []
    updates, found.updates = found.updates, []
    made = _visit(found, graph, node)
    place = before.updates[node.id]
    if len(found.updates) != place.stop - place.start:
        raise Otherwise
    updates[place], found.updates = found.updates, updates
    return made


# ---- programs


@dataclass(frozen=True)
class _Program:
    """The builder of a program, and how many rows, inputs and visits of it are the trace's."""

    builder: Builder
    ends: tuple[int, int, int]
    places: dict[int, int]
    about: Hashable


_programs: Kept[_Program] = Kept(4)


def gone_on(found: Trace, about: Hashable, make: Callable[[Trace], Program]) -> Program:
    """The program that `make` makes of a trace by adding rows to it; `about` is what it is about,
    besides the trace and nodes that have no rows in it.
    """
    traced = found.builder
    if found.cells:
        return make(found)
    key = found.mode, found.batch, found.phase
    ends = len(traced.rows), len(traced.inputs), len(traced.visits)
    before = _programs.get(key)
    try:
        if before is None or (before.ends, before.about) != (ends, about):
            raise Otherwise
        builder = Again(before.builder, before.places)
        if builder.inputs[: ends[1]] != traced.inputs:
            raise Otherwise
        builder.shared |= traced.shared
        builder.touch(traced.types, others(builder.rows[: ends[0]], traced.rows))
        builder.stand(*ends)
        program = make(found.on(builder))
        builder.end()
        now = replace(before, builder=builder)
    except Otherwise:
        own = found.fork()
        program = make(own)
        now = _Program(own.builder, ends, places(own.builder.rows), about)
    _programs.put(key, now)
    return program
