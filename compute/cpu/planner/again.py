"""Which values of a chain a later chain computes by itself, because that is cheaper than fetching.

A pass over large arrays waits for memory: what a few additions and multiplications make of an
operand that is there anyway (the scaled input of an activation, say) costs more to store and to
read than to compute once more; and what only the later chain wants need not be made by the earlier.
The same operations on the same numbers give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from math import prod

from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.planner.clusters import Clusters
from graph.program import Program, Row

LARGE = 1 << 14  # elements from which on an operand is worth the work


Chain = tuple[list[Row], list[Row]]


def repeated(groups: Sequence[Sequence[Row]], program: Program, outside: Set[int]) -> list[Chain]:
    """Each chain as the rows of earlier ones that it runs by itself, and its own that are left.

    `outside` are values that are stored whatever the chains do.
    """
    return _Repeats(groups, program, outside).run()


class _Repeats:
    def __init__(
        self, groups: Sequence[Sequence[Row]], program: Program, outside: Set[int]
    ) -> None:
        self.program, self.outside = program, outside
        self.own = [{row.outputs[0]: row for row in group} for group in groups]
        self.maker = {v: k for k, own in enumerate(self.own) for v in own}
        self.extra: list[dict[int, Row]] = [{} for _ in groups]
        self.reads = [_reads(own) for own in self.own]
        self.readers: dict[int, set[int]] = {}  # value -> the chains that read it
        for chain, reads in enumerate(self.reads):
            for value in reads:
                self.readers.setdefault(value, set()).add(chain)

    def run(self) -> list[Chain]:
        for reader in range(len(self.own)):
            for maker in sorted({self.maker.get(v, reader) for v in self.reads[reader]}):
                if maker != reader:
                    self._between(maker, reader)
        pairs = zip(self.extra, self.own, strict=True)
        return [(list(extra.values()), list(own.values())) for extra, own in pairs if own]

    def _large(self, values: Set[int]) -> int:
        return sum(prod(self.program.types[v].shape) >= LARGE for v in values)

    def _between(self, maker: int, reader: int) -> None:
        """Let `reader` compute what it can of what it reads from `maker`, when that saves passes
        over memory.
        """
        own = self.own[maker]
        both = {maker, reader}
        kept = {v for v in own if v in self.outside or self.readers.get(v, both) - both}
        wanted = self.reads[reader] & own.keys()
        again = self._possible(own, wanted - self.outside, kept)
        stored = (kept | wanted) - again
        rows = _cone(own, again, stored)
        extra = self.extra[reader] | {v: row for v, row in own.items() if v in rows}
        reads = _reads(extra | self.own[reader])
        more = self._large(reads) - self._large(self.reads[reader])
        count = len(extra) + len(self.own[reader])
        fits = len(reads) < Clusters.MAX_OPERANDS - 4 and count <= Clusters.MAX_ROWS
        if again and fits and more <= 0 and more < self._large(again - kept):
            self.extra[reader] = extra
            self._set_reads(reader, reads)
            live = _cone(own, (kept | wanted) - again | (again & kept), set())
            self.own[maker] = {v: row for v, row in own.items() if v in live}
            self._set_reads(maker, _reads(self.extra[maker] | self.own[maker]))

    def _set_reads(self, chain: int, reads: set[int]) -> None:
        for value in self.reads[chain] - reads:
            self.readers[value].discard(chain)
        for value in reads - self.reads[chain]:
            self.readers.setdefault(value, set()).add(chain)
        self.reads[chain] = reads

    def _possible(self, own: Mapping[int, Row], wanted: set[int], kept: set[int]) -> set[int]:
        """The wanted values that need no slow operation twice: of large arrays."""
        wanted = {v for v in wanted if self._large({v})}
        stored = set(kept)
        while wanted:
            live = _cone(own, stored, set())
            slow = {v for v in wanted if _slow(own, _cone(own, {v}, stored - {v}) & live)}
            if not slow:
                break
            wanted, stored = wanted - slow, stored | slow
        return wanted


def _reads(rows: Mapping[int, Row]) -> set[int]:
    return {v for row in rows.values() for v in row.inputs} - rows.keys()


def _cone(own: Mapping[int, Row], goals: Set[int], stored: Set[int]) -> set[int]:
    """The values of a chain that lie between the stored ones, its operands and the goals."""
    found: set[int] = set()
    pending = list(goals)
    while pending:
        value = pending.pop()
        if value in own and value not in found and (value in goals or value not in stored):
            found.add(value)
            pending += own[value].inputs
    return found


def _slow(own: Mapping[int, Row], values: Set[int]) -> bool:
    return any(OPCODES[own[v].op].slow for v in values)
