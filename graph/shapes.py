"""Shapes, weights and cost of every node, without a program, kept up to date by small steps.

Checks and the canvas ask after every edit. One walk of a drawing is a `Visit`; the graph has one,
and each repetition of an instance one, until their shapes no longer change. `update` looks only at
what an edit touched and at what then gets other types.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import cast

from graph.exposed import ops_inside
from graph.graph import Graph, Node, counted
from graph.index import Index
from graph.infer import BATCH, Given, Inferred, infer, refused
from graph.kinds import DataSource
from graph.op import Op, SettingError
from graph.program import ShapeError, TensorType
from graph.scanned import check_states, one_step, over_time, roles_of, with_states
from graph.subgraph import Scan, Subgraph
from graph.trace import Refusal, reached

MAX_TURNS = 64  # repetitions whose shapes may differ from those before
Types = dict[str, TensorType]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visit found at one node.

    `reaches` is what comes to an Output node; `parameters` counts the trained numbers of one copy
    of the drawing, those inside an instance included.
    """

    node: Node
    outputs: tuple[tuple[str, TensorType], ...] = ()
    inferred: Inferred | None = None
    refusal: Refusal | None = None
    reaches: TensorType | None = None
    parameters: int = 0
    turns: tuple[Visit, ...] = ()


@dataclass(slots=True, eq=False)
class Visit:
    """One walk of a drawing: its name and the path to it, how often it runs, how many sets of its
    weights there are, what feeds its Input nodes, and the nodes that are not as drawn.
    """

    drawing: str
    prefix: str
    index: Index
    copies: int = 1
    weights: int = 1
    given: Types = field(default_factory=dict)
    ops: dict[str, Op] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    parameters: int = 0


class Shapes:
    """What the walks found, by NodePath (`block/2/conv`).

    `nodes` says which node of which drawing a path is; one path may stand for several repetitions.
    Nodes on a cycle or behind something unknown have no shape. A definition that no reachable
    instance uses is walked on its own, under the path `name:`.
    """

    def __init__(self, graph: Graph | None = None, indexes: Mapping[str, Index] | None = None):
        self.types: dict[tuple[str, str], TensorType] = {}
        self.found: dict[str, Inferred] = {}
        self.nodes: dict[str, tuple[str, Node]] = {}
        self.copies: dict[str, int] = {}  # how many repetitions a path stands for
        self.weights: dict[str, int] = {}  # how many sets of its weights there are
        self.refused: dict[str, Refusal] = {}
        self.visits: dict[str, dict[str, Visit]] = {}  # by drawing and prefix
        self.weight_count = 0  # parameters(), kept as a sum
        self.value_count = 0  # numbers that all nodes give for one sample
        self._dirty: Mapping[str, set[str]] = {}
        self._looked: dict[str, set[str]] = {}
        self._graph = graph if graph is not None else Graph()
        self._indexes = indexes if indexes is not None else indexed(self._graph)
        if graph is not None:
            self._top = self._visit(Visit("", "", self._indexes[""]))
            self._walk_unused()

    @property
    def refusals(self) -> list[Refusal]:
        """What nodes say against their operands, by path."""
        return [self.refused[path] for path in sorted(self.refused, key=counted)]

    def text(self, path: str, port: str) -> str:
        """The shape of one sample as the canvas shows it: `32×14×14`; empty when not known.

        One number a sample is `1`, a loss or metric (one number a batch) likewise.
        """
        kind = self.types.get((path, port))
        return "" if kind is None else "×".join(map(str, kind.shape[1:])) or "1"

    def parameters(self, path: str = "") -> int:
        """Trained numbers of a node, of all nodes inside an instance, or of everything."""
        return sum(self.found[key].parameters * self.weights[key] for key in self._under(path))

    def flops(self, path: str = "") -> int:
        """Multiplications and additions of one forward pass for one sample, likewise."""
        return sum(self.found[key].flops * self.copies[key] for key in self._under(path))

    def _under(self, path: str) -> Iterable[str]:
        if not path:
            return self.found
        return [key for key in self.found if key == path or key.startswith(f"{path}/")]

    def prefix(self, drawing: str) -> str:
        """The path that a drawing's nodes are reported under: that of its first visit."""
        prefixes = self.visits.get(drawing)
        return min(prefixes, key=counted) if prefixes else f"{drawing}:" if drawing else ""

    def update(self, dirty: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """Look again at the nodes `dirty`, by drawing, and at all that they change.

        Drawings whose index is another are walked anew. Returns, by drawing, the nodes looked at.
        """
        self._dirty, self._looked = dirty, {}
        self._settle(self._top, ())
        self._walk_unused()
        self._dirty = {}
        return self._looked

    def _walk_unused(self) -> None:
        for name, visits in list(self.visits.items()):
            alone = visits.get(f"{name}:")
            used = name not in self._indexes or any(":" not in prefix for prefix in visits)
            if alone and (used or alone.index is not self._indexes[name]):
                self._drop(alone)
        for name in sorted(self._indexes.keys() - {""}):
            visits = self.visits.get(name, {})
            if any(":" not in prefix for prefix in visits):
                continue
            if f"{name}:" in visits:
                self._settle(visits[f"{name}:"], ())
            else:
                self._visit(Visit(name, f"{name}:", self._indexes[name]))

    def _visit(self, visit: Visit) -> Visit:
        """Walk a drawing for the first time."""
        self.visits.setdefault(visit.drawing, {})[visit.prefix] = visit
        for id in sorted(visit.index.rank, key=visit.index.rank.__getitem__):
            self._put(visit, id, self._look(visit, id))
        return visit

    def _settle(self, visit: Visit, fed: Collection[str]) -> None:
        """Walk again from what is dirty and from the Input nodes that are fed otherwise."""
        rank, succ = visit.index.rank, visit.index.drawing.net.succ
        dirty = {*self._dirty.get(visit.drawing, ()), *fed}
        for id in dirty - rank.keys():
            self._put(visit, id, None)
        heap = [(rank[id], id) for id in dirty & rank.keys()]
        heapify(heap)
        queued = {id for _, id in heap}
        while heap:
            _, id = heappop(heap)
            before, now = visit.seen.get(id), self._look(visit, id)
            self._put(visit, id, now)
            if before is None or before.outputs != now.outputs:
                for target in succ[id]:
                    if target in rank and target not in queued:
                        queued.add(target)
                        heappush(heap, (rank[target], target))
        self._looked.setdefault(visit.drawing, set()).update(dirty | queued)

    def _put(self, visit: Visit, id: str, now: Seen | None) -> None:
        """Put what was found at a node in the place of what was found before."""
        path, before = visit.prefix + id, visit.seen.pop(id, None)
        if before is not None:
            kept = now.turns if now else ()
            for turn in before.turns:
                if not any(turn is one for one in kept):
                    self._drop(turn)
            for port, _ in before.outputs:
                del self.types[path, port]
            self._count(visit, path, before, -1)
        if now is not None:
            visit.seen[id] = now
            self.types.update({(path, port): kind for port, kind in now.outputs})
            self._count(visit, path, now, 1)

    def _count(self, visit: Visit, path: str, seen: Seen, sign: int) -> None:
        one = seen.inferred
        visit.parameters += sign * seen.parameters
        if one is not None:
            self.weight_count += sign * one.parameters * visit.weights
            self.value_count += sign * one.values * visit.copies
        if sign < 0:
            for kept in (self.nodes, self.found, self.copies, self.weights, self.refused):
                kept.pop(path, None)
            return
        self.nodes[path] = visit.drawing, seen.node
        if one is not None:
            self.found[path] = one
            self.copies[path], self.weights[path] = visit.copies, visit.weights
        if seen.refusal is not None:
            self.refused[path] = seen.refusal

    def _drop(self, visit: Visit) -> None:
        """Forget a visit and those inside it."""
        if self.visits[visit.drawing].get(visit.prefix) is visit:
            for id in list(visit.seen):
                self._put(visit, id, None)
            del self.visits[visit.drawing][visit.prefix]

    def _look(self, visit: Visit, id: str) -> Seen:
        """What a node makes of what reaches it now."""
        drawing = visit.index.drawing
        node, path = drawing.node(id), visit.prefix + id
        if id in visit.ops:
            node = replace(node, op=visit.ops[id])
        op, seen = node.op, Seen(node)
        operands = None if op.role in ("optimizer", "schedule") else _operands(visit, id)
        if operands is None:
            return _unwired(visit, node) if isinstance(op, Scan) else seen
        reaches = operands[0] if op.role == "output" and operands else None
        reached = reaches if isinstance(reaches, TensorType) else None
        if isinstance(op, DataSource):
            return _fed(node, path, op)
        if op.role == "input" and id in visit.given:
            return Seen(node, ((op.ports_out()[0].name, visit.given[id]),))
        if isinstance(op, Scan):
            known = op.definition in drawing.definitions
            return self._scan(visit, node, op, operands) if known else seen
        if isinstance(op, Subgraph):
            known = op.definition in drawing.definitions
            return self._instance(visit, node, op, operands) if known else seen
        ports = drawing.ports_out(id)
        if node.bypassed and ports and operands and isinstance(operands[0], TensorType):
            return Seen(node, ((ports[0].name, operands[0]),), reaches=reached)
        made, refusal = infer(op, operands), None
        if made.refusal is not None:
            refusal = refused(path, drawing.ports_in(id), operands, made.refusal)
        outputs = tuple((p.name, kind) for p, kind in zip(ports, made.outputs, strict=False))
        return Seen(node, outputs, made, refusal, reached, made.parameters)

    def _instance(
        self, outer: Visit, node: Node, op: Subgraph, operands: tuple[Given, ...]
    ) -> Seen:
        """Walk the repetitions, those of before again where they are fed the same."""
        path, index = outer.prefix + node.id, self._indexes[op.definition]
        try:
            ops = ops_inside(index.drawing, op)
        except SettingError as error:
            return Seen(node, refusal=refused(path, (), (), error))
        names, ends = (index.drawing.port_ids(role) for role in ("input", "output"))
        given = {n: t for n, t in zip(names, operands, strict=True) if isinstance(t, TensorType)}
        before = outer.seen[node.id].turns if node.id in outer.seen else ()
        turns: list[Visit] = []
        outputs: Types = {}
        parameters = 0
        for turn in range(op.repeat):
            back = [outputs[id] for id in ends[:1] if id in outputs]
            fed = given | dict(zip(names[:1], back, strict=False))
            # Once a turn is fed as the one before it, it stands for all that follow.
            last = fed == given if turn else op.repeat == 1
            if turn == MAX_TURNS:
                text = f"found shapes that still change after {turn} repetitions, expected one"
                refusal = Refusal(
                    path, "", f"{text} shape", "make its output as large as its input"
                )
                return Seen(node, (), None, refusal, None, parameters, tuple(turns))
            given = fed
            rest = op.repeat - turn if last else 1
            sets = rest if op.weights == "own" else int(turn == 0)
            inner = f"{path}/{turn}/" if op.repeat > 1 else f"{path}/"
            copies, weights = outer.copies * rest, outer.weights * sets
            wanted = Visit(op.definition, inner, index, copies, weights, given, ops)
            visit = self._turn(before[turn] if turn < len(before) else None, wanted)
            turns.append(visit)
            parameters += visit.parameters * sets
            found = ((id, visit.seen.get(id)) for id in ends)
            outputs = {id: seen.reaches for id, seen in found if seen and seen.reaches}
            if last:
                break
        return Seen(node, tuple(outputs.items()), None, None, None, parameters, tuple(turns))

    def _scan(self, outer: Visit, node: Node, op: Scan, operands: tuple[Given, ...]) -> Seen:
        """Walk the cell for one step."""
        path, index = outer.prefix + node.id, self._indexes[op.definition]
        ports = [port.name for port in outer.index.drawing.ports_in(node.id)]
        ends = index.drawing.port_ids("output")
        before = outer.seen[node.id].turns if node.id in outer.seen else ()
        turns: tuple[Visit, ...] = ()
        types = [kind if isinstance(kind, TensorType) else None for kind in operands]
        try:
            ops, drawing = ops_inside(index.drawing, op), outer.index.drawing.inside(op)
            roles = roles_of(op, drawing)
            given, steps = one_step(roles, ports, types)
            given = with_states(
                drawing, roles, given, lambda fed: reached(drawing, fed, "train", BATCH)
            )
            copies = outer.copies * steps
            wanted = Visit(op.definition, f"{path}/", index, copies, outer.weights, given, ops)
            visit = self._turn(before[0] if before else None, wanted)
            turns = (visit,)
            found = ((id, visit.seen.get(id)) for id in ends)
            made = {id: seen.reaches for id, seen in found if seen and seen.reaches}
            check_states(roles, ports, given, made)
            outputs = over_time(op, roles, steps, made, BATCH)
        except (ShapeError, SettingError) as error:
            refusal = refused(path, outer.index.drawing.ports_in(node.id), operands, error)
            return Seen(node, refusal=refusal, turns=turns)
        return Seen(node, tuple(outputs.items()), parameters=visit.parameters, turns=turns)

    def _turn(self, before: Visit | None, wanted: Visit) -> Visit:
        """The visit that is wanted: that of before, brought up to date, or a new one."""
        if before is not None:
            if before.index is wanted.index and _place(before) == _place(wanted):
                fed, before.given = before.given, wanted.given
                ops, before.ops = before.ops, wanted.ops
                other = _differ(fed, wanted.given) | _differ(ops, wanted.ops)
                self._settle(before, other)
                return before
            self._drop(before)
        return self._visit(wanted)


def _differ(left: Mapping[str, object], right: Mapping[str, object]) -> set[str]:
    return {id for id in left.keys() | right.keys() if left.get(id) != right.get(id)}


def _place(visit: Visit) -> tuple[str, str, int, int]:
    return visit.drawing, visit.prefix, visit.copies, visit.weights


def _operands(visit: Visit, id: str) -> tuple[Given, ...] | None:
    """The types at the node's ports; None when one is missing or unknown."""
    result: list[Given] = []
    for port in visit.index.drawing.ports_in(id):
        wires = visit.index.incoming.get((id, port.name), ())
        types: list[TensorType] = []
        for wire in wires:
            source = visit.seen.get(wire.source)
            kind = (
                next((k for name, k in source.outputs if name == wire.output), None)
                if source
                else None
            )
            if kind is None:
                return None
            types.append(kind)
        if not wires and not port.optional:
            return None
        result.append(tuple(types) if port.many else types[0] if types else None)
    return tuple(result)


def _unwired(visit: Visit, node: Node) -> Seen:
    """What can be said of a scan before all it needs is wired."""
    op = cast("Scan", node.op)
    definition = visit.index.drawing.definitions.get(op.definition)
    try:
        if definition is not None:
            roles_of(op, definition)
    except (SettingError, ShapeError) as error:
        return Seen(node, refusal=refused(visit.prefix + node.id, (), (), error))
    return Seen(node)


def _fed(node: Node, path: str, source: DataSource) -> Seen:
    try:
        types = source.sample_types()
    except ShapeError as error:
        text = f"found {error.found}, expected {error.expected}"
        return Seen(node, refusal=Refusal(path, "", text, error.remedy, error.adapter))
    return Seen(
        node,
        tuple((port, TensorType((BATCH, *k.shape), k.dtype)) for port, k in types.items()),
    )


def indexed(graph: Graph) -> dict[str, Index]:
    """An index of every drawing, by name."""
    return {"": Index(graph)} | {name: Index(one) for name, one in graph.definitions.items()}


def shapes(graph: Graph) -> Shapes:
    """The shapes of all nodes of a graph as it is now."""
    return Shapes(graph)
