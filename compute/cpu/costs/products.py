"""Counts of matrix products and of convolutions as products.

Products count turns of their micro-kernel's loop in cycles of an ideal core (two fused
multiply-adds and two loads each), tiles begun, vectors packed, and numbers of A that lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from compute.cpu.costs.shape import Counts, Shape
from compute.cpu.kernels.gemm import NEAR
from compute.cpu.kernels.panels import DEPTH, PACK_ROWS
from compute.cpu.kernels.transforms import EDGE, POINTS
from compute.cpu.kernels.winograd import PADDED
from compute.cpu.planner.steps import Step
from compute.cpu.planner.winograd import GRADIENT_IN, GRADIENT_OUT, INTO, OUT
from compute.cpu.tape import CACHE_LINE

NEAREST = 1 << 15  # bytes that the nearest cache of any machine holds
LATENCY = 4  # cycles until the result of a multiply-add can be added to


def _groups(vectors: int, shape: Shape) -> Iterator[int]:
    """Widths of the column groups of a product, in vectors: see `panels.width_of`."""
    while vectors > 0:
        width = min(vectors, shape.vectors)
        if shape.vectors == 3 and vectors == 4:
            width = 2
        yield width
        vectors -= width


def _turn(rows: int, width: int) -> float:
    """Cycles of one turn of a tile's loop: arithmetic, loads, or the wait for the last result."""
    return max(rows * width / 2, (rows + width) / 2, LATENCY)


def _heights(rows: int, shape: Shape, tall: int = 0) -> Iterator[tuple[int, int]]:
    """(rows of a tile, how many of these) for a column of `rows` rows."""
    full = shape.rows
    whole, left = divmod(rows, full)
    if tall and left == 1 and whole:
        whole, left = whole - 1, full + 1
    if whole:
        yield full, whole
    if left:
        yield left if left > full else full // 2 if left <= full // 2 else full, 1


def tiles_of(rows: int, columns: int, depth: int, shape: Shape, tall: int = 0) -> tuple[float, int]:
    """Cycles and tiles of a product of rows × depth by depth × columns."""
    cycles, tiles = 0.0, 0
    for width in _groups(shape.over(columns), shape):
        for height, count in _heights(rows, shape, tall):
            cycles += count * depth * _turn(height, width)
            tiles += count
    return cycles, tiles


def product(
    m: int, n: int, k: int, shape: Shape, *, turned: bool = False, apart: int = 0
) -> Counts:
    """One product of m × k by k × n; `turned`: the columns of B are contiguous, not its rows; so
    are those of A when they lie `apart` bytes from one to the next.
    """
    cycles, tiles = tiles_of(m, n, k, shape)
    vectors, runs = shape.over(n), max(1, -(-k // DEPTH))
    counts = {"cycles": cycles, "tiles": float(tiles * runs), "turned": 0.0, "packed": 0.0}
    far = m > 1 and min(k, DEPTH) * apart > NEAR  # packed as B is
    counts["apart"] = float(tiles * k) if apart and not far else 0.0
    if turned:
        counts["turned"] = float(vectors * k)
    elif m >= PACK_ROWS:
        counts["packed"] = float(vectors * k)
    elif n % shape.lanes and n:
        counts["packed"] = float(list(_groups(vectors, shape))[-1] * k)
    counts["packed"] += float(shape.over(m) * k) if far else 0.0
    return counts


def times(counts: Counts, count: float) -> Counts:
    """All of it so often."""
    return {name: count * one for name, one in counts.items()}


def added(*several: Counts) -> Counts:
    """The sum of counts."""
    found: Counts = {}
    for counts in several:
        for name, count in counts.items():
            found[name] = found.get(name, 0.0) + count
    return found


def _gemm(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    m, n, often = w.m, w.n, 1.0
    if w.batch > 1:
        often = w.batch
    elif w.split:
        n = min(n, w.size)
        often = w.n / n
    else:
        m = min(m, w.size)
        often = w.m / m
    apart = w.a_col if w.a_col != shape.item and w.k > 1 else 0
    one = product(m, n, w.k, shape, turned=w.b_col != shape.item, apart=apart)
    return times(one, often)


def _row_product(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return product(1, w.n, w.k, shape, apart=w.a_col if w.a_col != shape.item else 0)


def _correlate(
    w: Any, pixels: int, taps: tuple[int, int, int], columns: int, chunks: int, shape: Shape
) -> Counts:
    """`correlate` over images of `pixels`, windows of taps (high, wide, channels)."""
    high, wide, channels = taps
    depth = high * wide * channels
    cycles, tiles = tiles_of(pixels, columns, depth, shape)
    loops = high if w.dw == 1 else high * wide
    counts = {"cycles": w.n * cycles, "tiles": float(w.n * tiles), "loops": w.n * tiles * loops}
    partial = columns % shape.lanes != 0
    last = list(_groups(shape.over(columns), shape))[-1]
    counts["packed"] = float(chunks * last * depth) if partial else 0.0
    if partial and depth > DEPTH:  # tap by tap, C read and written each time
        runs = high * wide * -(-channels // DEPTH)
        counts["tiles"] += w.n * -(-pixels // shape.rows) * (runs - 1)
    return counts


def _conv(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return _correlate(w, w.oh * w.ow, (w.kh, w.kw, w.ci), w.co, chunks, shape)


def _conv_dx(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    if w.sh == 1 and w.sw == 1:
        return _correlate(w, w.height * w.width, (w.kh, w.kw, w.co), w.ci, chunks, shape)
    part = -(-w.height // w.sh) * -(-w.width // w.sw)
    counts = _correlate(w, part, (1, 1, w.co), w.ci, chunks, shape)
    return {name: count * w.kh * w.kw for name, count in counts.items()}


def _streamed(rows: int, columns: int, pixels: int, shape: Shape) -> float:
    """Lines that tiles fetch again from beyond the nearest cache: images that it does not hold."""
    lines = 0.0
    for width in _groups(shape.over(columns), shape):
        if pixels * (width + 1) * CACHE_LINE > NEAREST:
            tiles = sum(count for _, count in _heights(rows, shape, 1))
            lines += tiles * pixels * (width + 1)
    return lines


def _conv_dw(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    taps, pixels = w.kh * w.kw * w.ci, w.oh * w.ow
    cycles, tiles = tiles_of(taps, w.co, pixels, shape, tall=1)
    together = min(w.size, max(1, DEPTH // pixels))
    partial = w.co % shape.lanes != 0
    starts = w.n if partial else -(-w.n // together)
    last = list(_groups(shape.over(w.co), shape))[-1]
    return {
        "cycles": w.n * cycles,
        "tiles": float(starts * tiles),
        "loops": float(w.n * tiles * w.oh),
        "packed": float(w.n * pixels * last) if partial else 0.0,
        "summed": float(w.n * pixels * shape.over(w.co)) if w.db else 0.0,
        "streamed": w.n * _streamed(taps, w.co, pixels, shape),
    }


def _transformed(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    """Winograd's products at all points as those of `gemm`, and the cycles of its transforms."""
    tiles = w.n * -(-w.oh // EDGE) * -(-w.ow // EDGE)
    block = min(w.tiles, -(-tiles // chunks))
    deep, wide = -(-w.ci // PADDED) * PADDED, -(-w.co // PADDED) * PADDED
    if step.kernel == "winograd_dw":
        cycles, begun = tiles_of(w.ci, wide, block, shape)
        moved = tiles * (INTO * deep + GRADIENT_IN * wide) + chunks * GRADIENT_OUT * w.ci * wide
    else:
        cycles, begun = tiles_of(block, wide, w.ci, shape)
        moved = tiles * (INTO * deep + OUT * wide)
    often = POINTS * tiles / block
    return {"cycles": often * cycles, "tiles": often * begun, "moved": moved / shape.lanes}


def _weights(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    """Weights at all points: some cycles for each vector of them."""
    return {"moved": float(POINTS * w.ci * shape.over(w.co))}


AS = {"row_product": "gemm"}  # whose rates
PRODUCTS: dict[str, Callable[[Step, Any, int, Shape], Counts]] = {
    "gemm": _gemm,
    "row_product": _row_product,
    "conv2d": _conv,
    "conv2d_dx": _conv_dx,
    "conv2d_dw": _conv_dw,
    "winograd_conv": _transformed,
    "winograd_dw": _transformed,
    "winograd_weights": _weights,
}
