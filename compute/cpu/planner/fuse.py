"""Which rows run as one step: epilogues of products, chains of elementwise rows, paired passes.

Decisions look only at the core of a program (what its results need without any watch), so watching
a value never changes how another is computed. A watched value that a fusion hides is stored as a
further output where that is free, and otherwise computed once more by its own unfused row.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.planner.again import repeated
from compute.cpu.planner.clusters import Clusters
from compute.cpu.planner.host import Number
from compute.cpu.planner.prepare import Prepared
from graph.program import Program, Row, Shape

WATCHES = ("value:", "gradient:")
ELEMENTWISE = "elementwise"


@dataclass(eq=False, slots=True)
class Op:
    """Rows that become one step (or one fixed series of steps).

    `roles` names values with a special part: bias, mask, relu and pre of an epilogue,
    `bias_gradient` of a weight gradient. `scale` multiplies a sum. `taps` are values stored only
    because they are watched. An op of `watched` rows alone keeps every row as it is written, so
    that what one watch shows does not depend on the others. `hidden` values are no longer stored
    though rows were joined as if they were. A chain begins with the rows of the chains `within`,
    which are stored nowhere. An op done `again` computes what was not kept; `behind` is an earlier
    op that no step of this one is to run ahead of, so that no memory is in use before it need be.
    """

    kind: str
    rows: list[Row]
    reads: list[int]
    writes: list[int]
    roles: dict[str, int] = field(default_factory=dict)
    scale: float = 1.0
    taps: set[int] = field(default_factory=set)
    watched: bool = False
    hidden: tuple[int, ...] = ()
    within: list[Op] = field(default_factory=list)
    again: bool = False
    behind: Op | None = None

    @property
    def row(self) -> Row:
        """The row that gives the op its kind."""
        return self.rows[0]

    @property
    def path(self) -> str:
        return self.rows[0].path


def is_watch(name: str) -> bool:
    """Whether an output exists only because it is watched."""
    return name.startswith(WATCHES)


def results_of(program: Program) -> set[int]:
    """What a program is for, watches aside."""
    results = {v for name, v in program.outputs if not is_watch(name)}
    return results | {u.value for u in program.updates}


def core_rows(prepared: Prepared) -> list[Row]:
    """The rows that run whatever is watched."""
    needed, kept = results_of(prepared.program), []
    for row in reversed(prepared.rows):
        if not needed.isdisjoint(row.outputs):
            needed.update(row.inputs)
            kept.append(row)
    kept.reverse()
    return kept


def plain(row: Row) -> Op:
    """A row as an op of its own."""
    return Op(row.op, [row], list(dict.fromkeys(row.inputs)), list(row.outputs))


def is_elementwise(row: Row, program: Program) -> bool:
    """Whether the row can be part of an elementwise program: real operands, known opcode."""
    return row.op in OPCODES and all(program.types[v].dtype != "int" for v in row.inputs)


class Fusion:
    """Walks over the core rows; `taken` has absorbed rows by their first output."""

    def __init__(
        self,
        program: Program,
        numbers: Mapping[int, Number],
        rows: Sequence[Row],
        results: set[int],
    ) -> None:
        self.program, self.numbers, self.rows, self.results = program, numbers, rows, results
        self.users: dict[int, list[Row]] = {}
        self.made: dict[int, Row] = {}
        for row in rows:
            self.made.update(dict.fromkeys(row.outputs, row))
            for value in dict.fromkeys(row.inputs) if len(row.inputs) > 1 else row.inputs:
                self.users.setdefault(value, []).append(row)
        self.taken: Container[int] = ()
        self.ruled: list[tuple[Op, Rule]] = []
        self.rest: list[Row] = []

    def run(self) -> list[Op]:
        """Every op, those of rules (`ruled`) before those of the `rest` of the rows."""
        self.taken = taken = set[int]()
        kinds = {row.op for row in self.rows}
        for names, rule in RULES:
            for row in self.rows if not names.isdisjoint(kinds) else ():
                if row.op in names and row.outputs[0] not in taken:
                    self.ruled.append((op := rule(self, row), rule))
                    taken.update(part.outputs[0] for part in op.rows)
        self.rest = [row for row in self.rows if row.outputs[0] not in taken]
        ops = [op for op, _ in self.ruled]
        return [*ops, *chains(self.rest, self.program, self.results, ops)]

    def swapped(self, program: Program, other: Mapping[int, Row]) -> Fusion:
        """The same about a program of which rows are others, by their first output."""
        found = copy(self)
        found.program, found.users, found.made = program, {**self.users}, {**self.made}
        for row in other.values():
            found.made.update(dict.fromkeys(row.outputs, row))
            for value in row.inputs:
                found.users[value] = [other.get(r.outputs[0], r) for r in found.users[value]]
        found.rest = [other.get(row.outputs[0], row) for row in self.rest]
        return found

    def shape(self, value: int) -> Shape:
        return self.program.types[value].shape

    def only_user(self, value: int) -> Row | None:
        """The one row that reads `value`; None when others do or it is a result."""
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self.results else None

    def _bias(self, op: Op, value: int, bias_shapes: Iterable[Shape]) -> int:
        """Absorb `value + bias`; returns the value that stands for the result."""
        user = self.only_user(value)
        if user is None or user.op != "add":
            return value
        left, right = user.inputs
        other = right if left == value else left
        if other in self.numbers or self.shape(other) not in bias_shapes:
            return value
        op.rows.append(user)
        op.roles["bias"] = other
        op.reads.append(other)
        return user.outputs[0]

    def _relu(self, op: Op, value: int, keep_before: bool) -> int:
        """Absorb relu(value); with `keep_before` others may read `value` as well."""
        users = self.users.get(value, [])
        relu = next((row for row in users if row.op == "relu"), None)
        alone = len(users) == 1 and value not in self.results
        if relu is None or not (alone or keep_before):
            return value
        op.rows.append(relu)
        op.roles["relu"] = relu.outputs[0]
        if not alone:
            op.roles["pre"] = value
            op.writes.append(value)
        return relu.outputs[0]

    def _mask(self, op: Op, value: int, only: int | None = None) -> int:
        """Absorb relu_grad(y, value); `only` restricts which y will do."""
        user = self.only_user(value)
        if user is None or user.op != "relu_grad" or user.inputs[1] != value:
            return value
        mask = user.inputs[0]
        same = mask != value and self.shape(mask) == self.shape(value)
        if mask in self.numbers or not same or (only is not None and mask != only):
            return value
        op.rows.append(user)
        op.roles["mask"] = mask
        op.reads.append(mask)
        return user.outputs[0]

    def product(self, row: Row) -> Op:
        """matmul or conv2d with bias and relu, or with the mask of a relu behind; or, as the
        gradient to a weight, with the sum that is the one to the bias.
        """
        op = plain(row)
        op.writes.clear()
        value = row.outputs[0]
        shape = self.shape(value)
        if row.op == "matmul" and len(shape) > 2:
            op.writes.append(value)
            return op
        if row.op == "matmul" and row.attr("transpose_a") and not row.attr("transpose_b"):
            self._bias_gradient(op, row.inputs[0], (0,))
        channels = shape[1]
        biases: list[Shape] = [(channels,), (1, channels)]
        if row.op == "conv2d":
            biases = [(channels, 1, 1), (1, channels, 1, 1)]
        value = self._bias(op, value, biases)
        before = value
        value = self._relu(op, value, keep_before=True)
        if value == before and "bias" not in op.roles:
            value = self._mask(op, value)
        op.writes.append(value)
        return op

    def depthwise(self, row: Row) -> Op:
        """depthwise2d with bias and relu."""
        op = plain(row)
        channels = self.shape(row.outputs[0])[1]
        value = self._bias(op, row.outputs[0], [(channels, 1, 1), (1, channels, 1, 1)])
        op.writes = [self._relu(op, value, keep_before=False)]
        return op

    def masked(self, row: Row) -> Op:
        """A gradient to an image, of a convolution or max-pool, with the mask of the relu there."""
        op = plain(row)
        only = row.inputs[0] if row.op == "max_pool2d_scatter" else None
        op.writes = [self._mask(op, row.outputs[0], only)]
        return op

    def weight_gradient(self, row: Row) -> Op:
        """conv2d_dw or depthwise2d_dw with the sum over its dy that is the bias gradient."""
        op = plain(row)
        self._bias_gradient(op, row.inputs[1], (0, 2, 3))
        return op

    def _bias_gradient(self, op: Op, value: int, axes: tuple[int, ...]) -> None:
        """Absorb the sum over the batch of what a weight gradient is made of."""
        for user in self.users.get(value, []):
            free = user.outputs[0] not in self.taken
            if free and user.op == "sum" and user.attr("axes") == axes:
                op.rows.append(user)
                op.roles["bias_gradient"] = user.outputs[0]
                op.writes.append(user.outputs[0])
                break

    def scaled_sum(self, row: Row) -> Op:
        """sum, times a constant."""
        op = plain(row)
        user = self.only_user(row.outputs[0])
        if user is not None and user.op == "mul":
            left, right = user.inputs
            factor = self.numbers.get(right if left == row.outputs[0] else left)
            same = self.shape(user.outputs[0]) == self.shape(row.outputs[0])
            if isinstance(factor, float) and same:
                op.rows.append(user)
                op.scale = factor
                op.writes = [user.outputs[0]]
        return op

    def cross_entropy(self, row: Row) -> Op:
        """The loss of each row and the gradient from the same logits in one pass."""
        op = plain(row)
        for user in self.users.get(row.inputs[0], []):
            pair = user.op == "softmax_cross_entropy_grad" and user.inputs[:2] == row.inputs
            if pair and user.inputs[2] in self.numbers:
                op.rows.append(user)
                op.reads.append(user.inputs[2])
                op.roles["gradient"] = user.outputs[0]
                op.writes.append(user.outputs[0])
                break
        return op

    def batch_norm(self, row: Row) -> Op:
        """Batch normalisation with the relu behind it."""
        op = plain(row)
        op.writes[0] = self._relu(op, row.outputs[0], keep_before=False)
        return op

    def batch_norm_grad(self, row: Row) -> Op:
        """Its gradient, with the mask of that relu where no product has taken it."""
        op = plain(row)
        masked = self.made.get(row.inputs[4])
        if masked is None or masked.op != "relu_grad" or masked.outputs[0] in self.taken:
            return op
        if self.only_user(row.inputs[4]) is row and masked.inputs[0] not in self.numbers:
            op.rows.append(masked)
            op.roles["mask"], op.roles["gradient"] = masked.inputs
            op.reads = [v for v in op.reads if v != row.inputs[4]] + list(masked.inputs)
        return op

    def used(self, row: Row) -> Op:
        """A row that makes only those of its results that anything reads."""
        op = plain(row)
        op.writes = [v for v in row.outputs if v in self.users or v in self.results]
        return op


# Earlier rules take their rows first: a mask is free behind a product, dearer elsewhere.
Rule = Callable[[Fusion, Row], Op]
RULES: tuple[tuple[frozenset[str], Rule], ...] = (
    (frozenset({"matmul", "conv2d"}), Fusion.product),
    (frozenset({"depthwise2d"}), Fusion.depthwise),
    (frozenset({"conv2d_dx", "depthwise2d_dx", "max_pool2d_scatter"}), Fusion.masked),
    (frozenset({"conv2d_dw", "depthwise2d_dw"}), Fusion.weight_gradient),
    (frozenset({"batch_norm"}), Fusion.batch_norm),
    (frozenset({"batch_norm_grad"}), Fusion.batch_norm_grad),
    (frozenset({"layer_norm_grad"}), Fusion.used),
    (frozenset({"softmax_cross_entropy"}), Fusion.cross_entropy),
    (frozenset({"sum"}), Fusion.scaled_sum),
)


def chains(
    rows: Sequence[Row], program: Program, results: set[int], others: Sequence[Op]
) -> list[Op]:
    """The remaining rows as ops, elementwise ones joined into chains."""
    joinable = [row for row in rows if is_elementwise(row, program)]
    single = [plain(row) for row in rows if not is_elementwise(row, program)]
    found = Clusters(program, joinable, [*others, *single], results).run()
    outside = set(results)
    for op in (*others, *single):
        outside.update(op.reads)
    ops, groups = [], repeated(found, program, outside)
    for extra, group in groups:
        rows = [*extra, *group]
        inside = {row.outputs[0] for row in rows}
        reads = dict.fromkeys(v for row in rows for v in row.inputs if v not in inside)
        ops.append(Op(ELEMENTWISE, rows, list(reads), []))
    stored = outside.union(*(op.reads for op in ops))
    for op, (_, group) in zip(ops, groups, strict=True):
        op.writes = [row.outputs[0] for row in group if row.outputs[0] in stored]
    return single + ops


def with_taps(
    prepared: Prepared, ops: list[Op], core: Sequence[Row], taps: Sequence[Row]
) -> list[Op]:
    """The ops with everything stored that watches need."""
    program = prepared.program
    made = {row.outputs[k]: row for row in core for k in range(len(row.outputs))}
    holder = {row.outputs[0]: op for op in reversed(ops) for row in op.rows}
    stored = {v for op in ops for v in op.writes}
    pending = [v for _, v in program.outputs] + [v for row in taps for v in row.inputs]
    extra: dict[int, Row] = {}
    while pending:
        value = pending.pop()
        if value in stored or value not in made:
            continue
        stored.add(value)
        row = made[value]
        if not _store_hidden(holder[row.outputs[0]], row, value):
            extra[row.outputs[0]] = row
            pending += row.inputs
    rows = [row for row in prepared.rows if row.outputs[0] in extra] + list(taps)
    if not rows:
        return ops
    wanted = {v for _, v in program.outputs} | {v for op in ops for v in op.reads}
    found = chains(rows, program, wanted, ops)
    for op in found:
        op.watched = True
    return ops + found


def _store_hidden(op: Op, row: Row, value: int) -> bool:
    """Let `op` store a value inside it as well; False when it cannot."""
    if op.kind == ELEMENTWISE and len(op.reads) + len(op.writes) < Clusters.MAX_OPERANDS:
        op.writes.append(value)
        op.taps.add(value)
        return True
    position = op.rows.index(row)
    last = position == len(op.rows) - 2
    if op.kind in ("matmul", "conv2d") and last and op.rows[-1].op in ("relu", "relu_grad"):
        op.roles["pre"] = value
        op.writes.insert(0, value)  # the last one stays the result
        return True
    return False


def in_order(ops: Sequence[Op], prepared: Prepared) -> list[Op]:
    """Ops sorted so that each comes after what it reads; among the free ones by program order."""
    place = {row.outputs[0]: k for k, row in enumerate(prepared.rows)}
    maker = {v: k for k, op in enumerate(ops) for v in op.writes}
    waiting = [0] * len(ops)
    behind: list[list[int]] = [[] for _ in ops]
    for k, op in enumerate(ops):
        for other in {maker[v] for v in op.reads if v in maker}:
            waiting[k] += 1
            behind[other].append(k)
    key = [max(place[row.outputs[0]] for row in op.rows) for op in ops]
    ready = [(key[k], k) for k in range(len(ops)) if not waiting[k]]
    heapify(ready)
    result = []
    while ready:
        _, k = heappop(ready)
        result.append(ops[k])
        for other in behind[k]:
            waiting[other] -= 1
            if not waiting[other]:
                heappush(ready, (key[other], other))
    assert len(result) == len(ops), "the fused ops form a cycle"
    return result
