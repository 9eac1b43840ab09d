"""Counts of kernels that hold products and passes in one: recurrent, attention, depthwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compute.cpu.costs.products import added, product, times
from compute.cpu.costs.shape import Counts, Shape
from compute.cpu.kernels.attention import BLOCK
from compute.cpu.kernels.depthwise import first_tap, next_tap
from compute.cpu.kernels.recurrent import GRU, LSTM, RELU, columns_of
from compute.cpu.planner.steps import Step

TAPS = 3  # whose sums over the pixels are made at once


def _cells(w: Any, shape: Shape) -> Counts:
    """Vectors that all cells make, named by the kind of cell."""
    name = {LSTM: "LSTM", GRU: "GRU", RELU: "ReLU"}.get(w.kind, "tanh")
    return {f"{name} vectors": float(w.n * w.steps * shape.over(w.units)),
            "cells": float(w.n * w.steps)}  # fmt: skip


def _recurrent(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    rows, columns = min(w.n, w.size), columns_of(w.kind) * w.units
    one = product(rows, columns, w.units, shape)
    products = times(one, (w.steps - 1) * w.n / rows)
    products["products"] = float(chunks * w.steps)
    products["streamed"] = float(chunks * (w.steps - 1) * w.units * shape.over(columns))
    return added(products, _cells(w, shape))


def _recurrent_dx(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    rows, units = min(w.n, w.size), w.units
    depths = {LSTM: (4 * units,), GRU: (2 * units, units)}.get(w.kind, (units,))
    one = added(*(product(rows, units, depth, shape) for depth in depths))
    products = times(one, (w.steps - 1) * w.n / rows)
    products["products"] = float(chunks * w.steps * len(depths))
    products["streamed"] = float(chunks * (w.steps - 1) * sum(depths) * shape.over(units))
    return added(products, _cells(w, shape))


def _blocks(w: Any) -> list[tuple[int, int]]:
    """(queries, keys) of each block of scores of a head; all keys are taken as seen."""
    found = []
    for i in range(0, w.t, BLOCK):
        rows = min(BLOCK, w.t - i)
        stop = min(w.s, i + rows) if w.causal else w.s
        found += [(rows, min(BLOCK, stop - j)) for j in range(0, stop, BLOCK)]
    return found


def _attention(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    one: Counts = {"rows": 0.0, "powers": 0.0}
    for rows, keys in _blocks(w):
        scores = product(rows, keys, w.d, shape, turned=True)
        one = added(one, scores, product(rows, w.e, keys, shape))
        one["rows"] += rows
        one["powers"] += rows * shape.over(keys)
    one["vectors"] = float(w.t * shape.over(w.e))
    return times(one, w.n * w.h)


def _attention_grad(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    one: Counts = {"rows": 0.0, "powers": 0.0}
    for rows, keys in _blocks(w):
        one = added(
            one,
            product(rows, keys, w.d, shape, turned=True),
            product(rows, keys, w.e, shape, turned=True),
            product(keys, w.e, rows, shape, apart=BLOCK * shape.item),
            product(rows, w.d, keys, shape),
            product(keys, w.d, rows, shape, apart=BLOCK * shape.item),
        )
        one["rows"] += rows
        one["powers"] += rows * shape.over(keys)
    one["vectors"] = float((w.t + w.s) * (shape.over(w.e) + shape.over(w.d)))
    return times(one, w.n * w.h)


def _slide(w: Any, size: tuple[int, int], taps: int, shape: Shape) -> Counts:
    """Windows of so many taps over images of `size` (high, wide): four side by side, then one."""
    high, wide = size
    lines = float(w.n * shape.over(w.c) * high)
    fours, ones = divmod(wide, 4)
    return {
        **{"lines": lines, "windows": lines * (fours + ones)},
        **{"taps of four": lines * fours * taps, "taps of one": lines * ones * taps},
    }


def _depthwise(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return _slide(w, (w.oh, w.ow), w.kh * w.kw, shape)


def _depthwise_dx(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    down, right = next_tap(w.sh, w.dh), next_tap(w.sw, w.dw)
    found: Counts = {}
    for top in range(min(w.sh, w.height)):
        for left in range(min(w.sw, w.width)):
            rows = -(-(w.kh - first_tap(top + w.ph, w.kh, w.sh, w.dh)) // down)
            columns = -(-(w.kw - first_tap(left + w.pw, w.kw, w.sw, w.dw)) // right)
            size = -(-(w.height - top) // w.sh), -(-(w.width - left) // w.sw)
            found = added(found, _slide(w, size, rows * columns, shape))
    return found


def _depthwise_dw(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    groups, pixels = -(-w.kh * w.kw // TAPS) * shape.over(w.c), w.oh * w.ow
    return {
        "pixels": float(w.n * groups * pixels),
        "lines": float(w.n * groups * w.oh),
        "summed": float(w.n * pixels * shape.over(w.c)) if w.db else 0.0,
    }


LAYERS: dict[str, Callable[[Step, Any, int, Shape], Counts]] = {
    **{"recurrent": _recurrent, "recurrent_dx": _recurrent_dx},
    **{"attention": _attention, "attention_grad": _attention_grad},
    **{"depthwise2d": _depthwise, "depthwise2d_dx": _depthwise_dx},
    "depthwise2d_dw": _depthwise_dw,
}
