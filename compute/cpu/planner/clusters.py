"""Joining elementwise rows of one shape into chains that run as a single pass.

A row may join a chain unless something outside the chain lies between them. Ancestors of every
group are kept as bit masks, so the question costs one integer operation.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import ClassVar, Protocol

from graph.program import Program, Row, Shape


class Node(Protocol):
    """An op that is not part of any chain."""

    reads: list[int]
    writes: list[int]


class Clusters:
    """Groups of elementwise rows. Groups and other ops are numbered; masks have a bit for each."""

    MAX_OPERANDS: ClassVar[int] = 20  # of the kernel's 24: constants take places of their own
    MAX_ROWS: ClassVar[int] = 48

    def __init__(
        self, program: Program, rows: Sequence[Row], others: Sequence[Node], results: Set[int]
    ) -> None:
        self.program, self.rows, self.results = program, rows, results
        self._outside = {v for other in others for v in other.reads}
        self._readers: dict[int, list[int]] = {}  # value -> the first output of each row
        for row in rows:
            for value in row.inputs:
                self._readers.setdefault(value, []).append(row.outputs[0])
        self.groups: dict[int, list[Row]] = {}
        self.group_of: dict[int, int] = {}  # value -> group or op that makes it
        self.above: dict[int, int] = {}  # group or op -> mask of all it depends on
        self._next = 0
        self._order: list[Row | Node] = self._sorted([*others, *rows])

    def _sorted(self, items: Sequence[Row | Node]) -> list[Row | Node]:
        """Items after what they read."""
        maker = {v: k for k, item in enumerate(items) for v in _writes(item)}
        done: set[int] = set()
        result: list[Row | Node] = []

        for start in range(len(items)):
            stack = [start]
            while stack:
                k = stack[-1]
                needed = {maker[v] for v in _reads(items[k]) if v in maker} - done - {k}
                if k in done or not needed:
                    stack.pop()
                    if k not in done:
                        done.add(k)
                        result.append(items[k])
                else:
                    stack.extend(needed)
        return result

    def run(self) -> list[list[Row]]:
        """The chains, each in an order that can run."""
        place = {}
        for position, item in enumerate(self._order):
            if isinstance(item, Row):
                place[item.outputs[0]] = position
                self._join(item)
            else:
                self._new(_reads(item), _writes(item))
        return [sorted(g, key=lambda row: place[row.outputs[0]]) for g in self.groups.values()]

    def _new(self, reads: Sequence[int], writes: Sequence[int]) -> int:
        number = self._next
        self._next += 1
        self.above[number] = self._mask(reads, number)
        self.group_of.update(dict.fromkeys(writes, number))
        return number

    def _mask(self, reads: Sequence[int], own: int) -> int:
        mask = 0
        for value in reads:
            group = self.group_of.get(value, own)
            if group != own:
                mask |= self.above[group] | 1 << group
        return mask

    def _join(self, row: Row) -> None:
        """Put the row into a chain it reads from, chains that can be one joined before."""
        shape = self.program.types[row.outputs[0]].shape
        near = dict.fromkeys(self.group_of.get(v, -1) for v in reversed(row.inputs))
        chains = [g for g in near if g in self.groups and self._shape(g) == shape]
        for other in chains[1:]:
            if self._mergeable(chains[0], other):
                self._merge(chains[0], other)
        for group in chains:
            if group in self.groups and self._fits(row, group):
                self.groups[group].append(row)
                self.group_of[row.outputs[0]] = group
                self._raise(group, self._mask(row.inputs, group))
                return
        self.groups[self._new(row.inputs, row.outputs)] = [row]

    def _shape(self, group: int) -> Shape:
        return self.program.types[self.groups[group][0].outputs[0]].shape

    def _fits(self, row: Row, group: int) -> bool:
        return not self._mask(row.inputs, group) >> group & 1 and self._small(
            [*self.groups[group], row]
        )

    def _raise(self, group: int, mask: int) -> None:
        """`group` depends on `mask` too, and so does all below it."""
        if mask & ~self.above[group]:
            self.above[group] |= mask
            for other, above in self.above.items():
                if above >> group & 1:
                    self.above[other] |= mask

    def _mergeable(self, first: int, second: int) -> bool:
        apart = not (self.above[first] >> second & 1 or self.above[second] >> first & 1)
        return apart and self._small([*self.groups[first], *self.groups[second]])

    def _merge(self, first: int, second: int) -> None:
        rows = self.groups.pop(second)
        self.groups[first] += rows
        for row in rows:
            self.group_of[row.outputs[0]] = first
        for other, above in self.above.items():
            if above >> second & 1:
                self.above[other] |= 1 << first
        self._raise(first, self.above.pop(second))

    def _small(self, rows: Sequence[Row]) -> bool:
        made = {row.outputs[0] for row in rows}
        read = {v for row in rows for v in row.inputs} - made
        kept = self.results | self._outside
        # what rows outside read now is stored, unless they join, too
        stored = [
            value
            for value in made
            if value in kept or any(r not in made for r in self._readers.get(value, ()))
        ]
        few = len(read) < self.MAX_OPERANDS - 4 and len(read) + len(stored) <= self.MAX_OPERANDS
        return few and len(rows) <= self.MAX_ROWS


def _reads(item: Row | Node) -> Sequence[int]:
    return item.inputs if isinstance(item, Row) else item.reads


def _writes(item: Row | Node) -> Sequence[int]:
    return item.outputs if isinstance(item, Row) else item.writes
