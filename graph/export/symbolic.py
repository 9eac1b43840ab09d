"""Programs for any batch size: numbers that follow the batch become expressions in `n`.

A program is lowered for two batch sizes and compared row by row. Both sizes are large primes, so
no other extent of a model is taken for the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from graph.export.names import Code
from graph.primitives.table import PRIMITIVES
from graph.program import Attr, Program, Row
from graph.simplify import Keep, expand_composites, simplify

BATCHES = (10_007, 10_009)
N = "n"


class ExportError(ValueError):
    """The graph cannot be exported; the message says what was found, expected and what to do."""


@dataclass(frozen=True)
class Generic:
    """A program for `batch` samples whose attributes name the batch size `n` where they mean it.

    `shapes` are the types' shapes with `n` in place of what follows the batch.
    """

    program: Program
    shapes: tuple[tuple[object, ...], ...]

    @property
    def batch(self) -> int:
        """The batch size behind the numbers of `program.types`."""
        return self.program.batch


def generic(make: Callable[[int], Program], keep: Callable[[Row], bool]) -> Generic:
    """The program `make(batch)` for any batch size; composites that `keep` refuses are expanded.

    Raises ExportError when its rows depend on the batch size in a way that has no expression.
    """
    return _paired(make(BATCHES[0]), make(BATCHES[1]), keep)


def _paired(one: Program, other: Program, keep: Callable[[Row], bool]) -> Generic:
    """The program behind two that differ by the batch size only."""
    first, second = (expand_composites(program, _kept(keep)) for program in (one, other))
    if len(first.rows) != len(second.rows):
        raise ExportError("found rows that depend on the batch size, expected the same for any")
    rows = tuple(_row(a, b, keep) for a, b in zip(first.rows, second.rows, strict=True))
    shapes = tuple(
        tuple(_number(a, b, "") for a, b in zip(s.shape, t.shape, strict=True))
        for s, t in zip(first.types, second.types, strict=True)
    )
    return Generic(replace(first, rows=rows, _hash=0), shapes)


def _kept(keep: Callable[[Row], bool]) -> Keep:
    def kept(row: Row, types: object) -> bool:
        found = PRIMITIVES[row.op]
        return (found.kind != "composite" and bool(found.numpy)) or keep(row)

    return kept


def _row(first: Row, second: Row, keep: Callable[[Row], bool]) -> Row:
    if (first.op, first.inputs) != (second.op, second.inputs):
        raise ExportError(
            f"{first.path}: found {first.op} or {second.op} by batch size, expected one row"
        )
    attrs = zip(first.attrs, second.attrs, strict=True)

    def both(a: Attr, b: Attr) -> Attr:
        if first.op in ("scan", "scan_grad") and isinstance(a, Program):
            return _paired(simplify(a), simplify(b), keep)
        return _attr(a, b, first.path)

    return first._replace(attrs=tuple((k, both(a, b)) for (k, a), (_, b) in attrs))


def _attr(first: Attr, second: Attr, path: str) -> Attr:
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        return tuple(_attr(a, b, path) for a, b in zip(first, second, strict=True))
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return _number(first, second, path)
    if first != second and not isinstance(first, Program):
        raise ExportError(f"{path}: found a setting that depends on the batch size")
    return first


def _number(first: float, second: float, path: str) -> int | float | Code:
    """A number equal for both sizes, else the expression in `n` that gives both."""
    if first == second or first != first:
        return first
    for formula in (_multiple, _fraction, _bessel):
        found = formula(first, second)
        if found:
            return Code(found)
    raise ExportError(
        f"{path}: found {first!r} and {second!r} for batches of {BATCHES[0]} and {BATCHES[1]}, "
        "expected a number in proportion to the batch"
    )


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def _factor(factor: float) -> int | float:
    whole = round(factor)
    return whole if _close(whole, factor) else factor


def _multiple(first: float, second: float) -> str:
    a, b = first / BATCHES[0], second / BATCHES[1]
    if not _close(a, b):
        return ""
    factor = _factor(a)
    return N if factor == 1 else f"{factor!r} * {N}"


def _fraction(first: float, second: float) -> str:
    """c / n, written 1 / (k * n) where that is exact."""
    a, b = first * BATCHES[0], second * BATCHES[1]
    if not _close(a, b):
        return ""
    if a < 0:
        return f"-({_fraction(-first, -second)})"
    factor, inverse = _factor(a), _factor(1 / a)
    if isinstance(inverse, int) and inverse > 1:
        return f"1 / ({inverse} * {N})"
    return f"{factor!r} / {N}"


def _bessel(first: float, second: float) -> str:
    """c · m / (m − 1) with m = k·n: from the biased to the unbiased variance."""
    if 0 in (first, second):
        return ""
    # 1/value is A − B/n, with c = 1/A and k = A/B
    b = (1 / first - 1 / second) / (1 / BATCHES[1] - 1 / BATCHES[0])
    a = 1 / first + b / BATCHES[0]
    k = round(a / b) if b else 0
    if k < 1:
        return ""
    sizes = [k * batch for batch in BATCHES]
    exact = [v * (m - 1) / m for v, m in zip((first, second), sizes, strict=True)]
    if not _close(*exact):
        return ""
    factor = _factor(float(f"{exact[0]:.15g}"))
    many = N if k == 1 else f"{k} * {N}"
    return f"{'' if factor == 1 else f'{factor!r} * '}{many} / ({many} - 1)"
