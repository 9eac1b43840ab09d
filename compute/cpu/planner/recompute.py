"""Ops of the forward pass done again where the backward pass reads them, instead of being kept.

Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost") after
fusion: what is done again is the very op, with the same rows joined in the same way, on the same
values stored in the same order, so that its results have the same bits. Random rows count from
their seed, stream and step, so they draw the same numbers. A chain that only chains read is not
stored again: each of them begins with its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from compute.cpu.planner.clusters import Clusters
from compute.cpu.planner.fuse import ELEMENTWISE, Op
from compute.cpu.planner.prepare import Prepared
from graph.program import Program, Row, Shape, TensorType


@dataclass(frozen=True, slots=True)
class Item:
    """Op number `op`, perhaps done `again`, beginning with the rows of the ops `within`.

    It comes not before what op number `behind` does.
    """

    op: int
    within: tuple[int, ...] = ()
    again: bool = False
    behind: int = -1


class Recipe:
    """The ops of a program with the places where some of them are done again.

    The forward pass ends with op number `split`, the one that makes the loss. `silent`
    ops only make other views of their operands: they follow these, whichever they are.
    """

    def __init__(
        self, ops: Sequence[Op], program: Program, split: int, silent: Collection[int]
    ) -> None:
        self.ops, self.program, self.split, self.silent = ops, program, split, set(silent)
        self.wanted = program.live_out()
        self.maker = {value: k for k, op in enumerate(ops) for value in op.writes}
        self.sources = [sorted({self.maker[v] for v in op.reads if v in self.maker}) for op in ops]
        self.readers: list[list[int]] = [[] for _ in ops]
        for k, sources in enumerate(self.sources):
            for source in sources:
                self.readers[source].append(k)
        self._roots = [self._root(k) for k in range(len(ops))]

    def _root(self, k: int) -> int:
        """The last op with a step of its own behind what op `k` hands on."""
        while k in self.silent and self.sources[k]:
            k = self.sources[k][-1]
        return k

    def items(self, chosen: Collection[int]) -> list[Item]:
        """Ops in an order that can run, those of `chosen` done again before their first reader."""
        fresh = self._renewed(chosen)
        gone = self._gone(fresh)
        found = [Item(k) for k in range(self.split + 1) if k not in gone]
        done: set[int] = set()
        for k in range(self.split + 1, len(self.ops)):
            within = {k: self._within(k, fresh)}
            kept = [self._roots[s] for s in self.sources[k] if s not in fresh]
            behind = max([self.split, *kept])
            for j in self._cone(k, fresh, done, within):
                found.append(Item(j, within[j], True, behind))
                done.add(j)
            found.append(Item(k, within[k], behind=behind))
        return found

    def _renewed(self, chosen: Collection[int]) -> set[int]:
        """`chosen` ops, and the silent ones of the forward pass that show their results."""
        found = set(chosen)
        for k in sorted(self.silent):
            if k < self.split and any(source in found for source in self.sources[k]):
                found.add(k)
        return found

    def _gone(self, fresh: Collection[int]) -> set[int]:
        """Ops that the forward pass itself does not need."""
        gone: set[int] = set()
        for k in sorted(fresh, reverse=True):
            readers = [reader for reader in self.readers[k] if reader <= self.split]
            idle = self.wanted.isdisjoint(self.ops[k].writes)
            if idle and all(reader in gone for reader in readers):
                gone.add(k)
        return gone

    def _within(self, k: int, fresh: Collection[int]) -> tuple[int, ...]:
        """Chains done again inside chain `k`, as far as one pass can hold them."""
        if self.ops[k].kind != ELEMENTWISE:
            return ()
        shape, found = self._shape(k), set[int]()
        pending = list(self.sources[k])
        while pending:
            source = pending.pop()
            wider = {k, *found, source}
            same = self.ops[source].kind == ELEMENTWISE and self._shape(source) == shape
            if source in fresh and source not in found and same and self._one_pass(wider):
                found.add(source)
                pending += self.sources[source]
        return tuple(sorted(found))

    def _shape(self, k: int) -> Shape:
        return self.program.types[self.ops[k].rows[-1].outputs[0]].shape

    def _one_pass(self, members: Collection[int]) -> bool:
        made = {v for k in members for v in self.ops[k].writes}
        read = {v for k in members for v in self.ops[k].reads} - made
        stored = len(self.ops[max(members)].writes)
        rows = sum(len(self.ops[k].rows) for k in members)
        few = len(read) < Clusters.MAX_OPERANDS - 4 and len(read) + stored <= Clusters.MAX_OPERANDS
        return few and rows <= Clusters.MAX_ROWS

    def _cone(
        self,
        k: int,
        fresh: Collection[int],
        done: Collection[int],
        within: dict[int, tuple[int, ...]],
    ) -> list[int]:
        """What must be done again, and stored, before op `k`; notes what each has `within`."""
        cone: set[int] = set()
        pending = [k]
        while pending:
            inner = within[(one := pending.pop())]
            for source in {s for j in (one, *inner) for s in self.sources[j]} - set(inner):
                if source in fresh and source not in cone and source not in done:
                    cone.add(source)
                    within[source] = self._within(source, fresh)
                    pending.append(source)
        return sorted(cone)

    # ---- new ops

    def build(self, chosen: Collection[int], prepared: Prepared) -> Rewritten:
        """The ops with new values for what is done again."""
        types, twins, name = list(self.program.types), dict[int, int](), dict[int, int]()
        made: dict[int, Op] = {}
        ops: list[Op] = []
        for item in self.items(chosen):
            op = self.ops[item.op]
            if item.again:
                _name(op, name, twins, types)
            if item.again or item.op > self.split:
                op = self._late(item, name, made)
            if not item.again:
                made[item.op] = op
            ops.append(op)
        program = replace(prepared.program, types=tuple(types), _hash=0)
        ops = _without_unread(ops, self.wanted, {self.ops[k].row for k in chosen})
        return Rewritten(replace(prepared, program=program), ops, twins)

    def _late(self, item: Item, name: Mapping[int, int], made: Mapping[int, Op]) -> Op:
        """The op on what was done again; itself done again it stores nothing only watched."""
        op = self.ops[item.op]
        inner = [self.ops[k] for k in item.within]
        own = {v for one in inner for v in one.writes}
        name = {old: new for old, new in name.items() if old not in own}
        given = [_renamed(one, name, outputs=False) for one in inner]
        if item.again:
            op = replace(op, writes=[v for v in op.writes if v not in op.taps], taps=set())
        op = _renamed(op, name)
        reads = dict.fromkeys(v for one in (*given, op) for v in one.reads if v not in own)
        # an update waits for what it reads alone: it may follow the product of its gradient
        free = item.behind < 0 or op.kind == "update"
        behind = None if free else made[item.behind]
        return replace(op, reads=list(reads), within=given, again=item.again, behind=behind)


@dataclass(frozen=True)
class Rewritten:
    """Ops of which some are done again; `twins` maps their values to what they are again."""

    prepared: Prepared
    ops: list[Op]
    twins: Mapping[int, int]


def _name(op: Op, name: dict[int, int], twins: dict[int, int], types: list[TensorType]) -> None:
    """New values for all that `op` makes."""
    for value in (v for row in op.rows for v in row.outputs):
        name[value] = len(types)
        twins[len(types)] = value
        types.append(types[value])


def _renamed(op: Op, name: Mapping[int, int], outputs: bool = True) -> Op:
    """The op on other values, and making others where it is to."""
    own = set() if outputs else {v for row in op.rows for v in row.outputs}

    def at(values: Collection[int]) -> tuple[int, ...]:
        return tuple(value if value in own else name.get(value, value) for value in values)

    def row(one: Row) -> Row:
        return one._replace(inputs=at(one.inputs), outputs=at(one.outputs))

    return replace(
        op,
        rows=[row(one) for one in op.rows],
        reads=list(at(op.reads)),
        writes=list(at(op.writes)),
        roles={role: at([value])[0] for role, value in op.roles.items()},
        taps=set(at(op.taps)),
    )


def _without_unread(ops: list[Op], wanted: Collection[int], chosen: Collection[Row]) -> list[Op]:
    """Chains that are `chosen` to be done again store no more, each time, than what is read."""
    read = {value for op in ops for value in op.reads} | set(wanted)
    found = []
    for op in ops:
        if op.kind == ELEMENTWISE and (op.again or op.row in chosen):
            stays = [v for v in op.writes if v in read or v in op.taps]
            hidden = tuple(v for v in op.writes if v not in stays)
            op = replace(op, writes=stays, hidden=hidden) if hidden else op
        found.append(op)
    return found
