"""Rows of a chain joined into the kernel's combined operations: fma and its kin.

Which rows are joined depends only on what the core of the program reads, so bits do not depend on
watching: a watched value that a combined operation hides is computed beside it by its own row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from graph.program import Row


def combine(
    rows: Sequence[Row],
    kept: Collection[int],
    taps: Collection[int],
    is_number: Callable[[int], bool],
) -> list[Row]:
    """The rows with products and sums joined; `kept` values stay, `taps` are computed as well.

    `is_number` says which operands are one number throughout: kernels want them second.
    """
    uses: dict[int, int] = {}
    for row in rows:
        for value in row.inputs:
            uses[value] = uses.get(value, 0) + 1
    walk = _Walk({v for v, count in uses.items() if count == 1} - set(kept), is_number)
    for row in rows:
        walk.visit(row)
    return _with_taps(rows, list(walk.made.values()), taps)


class _Walk:
    """Rows made so far by result; a row that is joined into a later one is taken out again."""

    def __init__(self, single: set[int], is_number: Callable[[int], bool]) -> None:
        self.single, self.is_number = single, is_number
        self.made: dict[int, Row] = {}

    def visit(self, row: Row) -> None:
        joined = None
        if row.op == "add":
            joined = self._sum(row)
        elif row.op == "sub":
            joined = self._difference(row)
        elif row.op == "div":
            joined = self._ratio(row)
        elif row.op == "mul":
            joined = ("mul", self._ordered(*row.inputs))
        op, inputs = joined or (row.op, row.inputs)
        self.made[row.outputs[0]] = Row(op, inputs, row.outputs, row.attrs, row.path)

    def _ordered(self, a: int, b: int) -> tuple[int, ...]:
        return (b, a) if self.is_number(a) else (a, b)

    def _take(self, value: int, op: str) -> tuple[int, ...] | None:
        """The operands of the row behind `value`, which then is gone; None when it must stay."""
        row = self.made.get(value)
        if row is None or row.op != op or value not in self.single:
            return None
        del self.made[value]
        return row.inputs

    def _sum(self, row: Row) -> tuple[str, tuple[int, ...]] | None:
        left, right = row.inputs
        first = self._take(left, "mul")
        second = self._take(right, "mul")
        if first and second:
            return self._weighted(first, second)
        if first:
            return "fma", (*first, right)
        if second:
            return "fma", (*second, left)
        return None

    def _weighted(
        self, first: tuple[int, ...], second: tuple[int, ...]
    ) -> tuple[str, tuple[int, ...]]:
        """The sum of two products; the first factor of the second may be a square."""
        square = self.made.get(second[0])
        alone = second[0] in self.single and self.is_number(second[1])
        if square is not None and square.op == "mul" and len(set(square.inputs)) == 1 and alone:
            del self.made[second[0]]
            return "square_axpby", (*first, square.inputs[0], second[1])
        return "axpby", (*first, *second)

    def _difference(self, row: Row) -> tuple[str, tuple[int, ...]] | None:
        product = self._take(row.inputs[1], "mul")
        return ("fnma", (*product, row.inputs[0])) if product else None

    def _ratio(self, row: Row) -> tuple[str, tuple[int, ...]] | None:
        """a / (√b · c + d)."""
        below = self.made.get(row.inputs[1])
        if below is None or below.op != "fma" or row.inputs[1] not in self.single:
            return None
        root = self._take(below.inputs[0], "sqrt")
        if root is None:
            return None
        del self.made[row.inputs[1]]
        return "root_ratio", (row.inputs[0], root[0], *below.inputs[1:])


def _with_taps(rows: Sequence[Row], made: list[Row], taps: Collection[int]) -> list[Row]:
    """The joined rows, with the plain rows that taps need put between them."""
    plain = {row.outputs[0]: row for row in rows}
    known = {row.outputs[0] for row in made}
    pending, extra = [v for v in taps if v not in known], list[Row]()
    while pending:
        value = pending.pop()
        if value in plain and value not in known:
            known.add(value)
            extra.append(plain[value])
            pending += plain[value].inputs
    place = {value: k for k, value in enumerate(plain)}
    return sorted(made + extra, key=lambda row: place[row.outputs[0]])
