"""What a gradient reaches, also inside scanned cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from graph.autodiff import differentiated
from graph.primitives.scan import Inside
from graph.program import Row
from graph.tensor import Builder, Tensor
from graph.trace import Trace


def differentiable(
    found: Trace, losses: tuple[tuple[str, str], ...]
) -> tuple[set[str], set[tuple[str, str]]]:
    """ParamKeys and ports that a gradient from the losses reaches (not through stop_gradient or
    labels).
    """
    needed = upstream(found, {found.values[loss].id for loss in losses if loss in found.values})
    keys = {key for key, tensor in found.param_tensors.items() if tensor.id in needed}
    places = {place for place, tensor in found.values.items() if tensor.id in needed}
    for inside in _inside(found, needed):
        places |= {place for place in inside if found.slope(*place)}
    return keys, places


def _inside(found: Trace, needed: set[int]) -> Iterator[set[tuple[str, str]]]:
    """The same of scanned cells whose outputs are among these values, and of cells within."""
    for cell in found.cells.values():
        if cell.scan is not None and not needed.isdisjoint(cell.scan.outputs):
            behind = upstream(cell, {value for _, value in cell.scan.attr("body").outputs})
            yield {place for place, tensor in cell.values.items() if tensor.id in behind}
            yield from _inside(cell, behind)


def upstream(found: Trace, values: set[int]) -> set[int]:
    """These values, and those that a gradient to them goes on to."""
    builder, key = found.builder, ("upstream", frozenset(values))
    needed = cast("set[int] | None", builder.noted(key))
    if needed is None:
        needed = set(values)
        for row in reversed(builder.rows):
            if row.op != "stop_gradient" and not needed.isdisjoint(row.outputs):
                needed.update(differentiated(row))
        builder.note(key, needed)
    return needed


def slopes(found: Trace, watch: frozenset[str]) -> dict[str, tuple[Row, Inside]]:
    """Watched gradients to values inside scanned cells: the row of the scan, where they are."""
    known: dict[str, tuple[Row, Inside]] = {}
    for name in sorted(watch):
        kind, _, target = name.partition(":")
        path, _, port = target.rpartition(".")
        inside = found.slope(path, port) if kind == "gradient" else None
        if inside is not None:
            known[name] = inside
    return known


def ends(builder: Builder, row: Row) -> list[Tensor]:
    """What comes out of a row, as far as it is made of numbers."""
    return [t for t in (Tensor(builder, v) for v in row.outputs) if t.dtype == "real"]
