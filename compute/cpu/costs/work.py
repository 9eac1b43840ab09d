"""How much of what each step does: counts that, times a machine's rates, are its seconds.

A count is named by what it counts. Products count turns of their micro-kernel's loop in cycles of
an ideal core (two fused multiply-adds and two loads each), tiles begun and vectors packed; other
kernels count vectors, rows of them and chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from compute.cpu.kernels import SPECS
from compute.cpu.kernels.elementwise import READ, WRITE, Mode
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.kernels.panels import DEPTH, PACK_ROWS
from compute.cpu.kernels.program import BLOCK_BYTES
from compute.cpu.kernels.transforms import EDGE, POINTS
from compute.cpu.kernels.winograd import PADDED
from compute.cpu.planner.steps import Address, Step
from compute.cpu.planner.winograd import GRADIENT_IN, GRADIENT_OUT, INTO, OUT
from compute.cpu.variants import Variant

Counts = dict[str, float]
OTHER = "other"  # rates of kernels that have none of their own
WAIT = "wait"  # the count of which is seconds: those that a step's bytes take
BESIDE = "wait beside slow operations"  # which fetch while they compute
LATENCY = 4  # cycles until the result of a multiply-add can be added to


@dataclass(frozen=True)
class Shape:
    """What the counts depend on besides the step: the vectors of a variant, and its tile."""

    lanes: int
    item: int
    rows: int
    vectors: int

    @staticmethod
    def of(variant: Variant) -> Shape:
        """That of a variant; the tile is `simd.tile_shape`'s, which loads the compiler."""
        rows, vectors = 8, 3
        if variant.bytes == 32:
            rows, vectors = 6, 2
        elif variant.bytes < 32 and variant.cpu == "x86-64-v2":
            rows, vectors = 4, 2
        return Shape(variant.lanes, variant.item, rows, vectors)

    def over(self, count: int) -> int:
        """Vectors that hold so many reals."""
        return -(-count // self.lanes)


@dataclass(frozen=True)
class Work:
    """The counts of a step in one training step; `kind` says whose rates they are multiplied by.

    `wait` names the rate by which the seconds for its bytes are multiplied.
    """

    kind: str
    chunks: int
    counts: Mapping[str, float]
    wait: str = WAIT


def work(step: Step, size: int, shape: Shape) -> Work:
    """The work of `step`, cut into chunks of `size` samples (0 for a step that cuts itself)."""
    spec = SPECS[step.kernel]
    words: dict[str, Any] = dict.fromkeys(spec.words, 0)
    words |= {n: 1 if isinstance(w, Address) else w for n, w in step.words.items()}
    if "size" in words:
        words["size"] = max(1, size * step.unit if step.samples else step.prefer)
    packed = spec.pack(**words)
    chunks = max(1, spec.chunks(packed))
    count = _COUNTS.get(step.kernel)
    if count is None:
        vectors = step.bytes() / (shape.item * shape.lanes)
        plain = {"vectors": vectors, "flops": float(step.flops), "chunks": float(chunks)}
        return Work(OTHER, chunks, plain)
    counts = count(step, spec.unpack(packed), chunks, shape)
    slow = any(OPCODES[made.op].slow for made in step.program)
    kind = _AS.get(step.kernel, step.kernel)
    return Work(kind, chunks, {"chunks": float(chunks), **counts}, BESIDE if slow else WAIT)


# ---- products


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


def _tiles(rows: int, columns: int, depth: int, shape: Shape, tall: int = 0) -> tuple[float, int]:
    """Cycles and tiles of a product of rows × depth by depth × columns."""
    cycles, tiles = 0.0, 0
    for width in _groups(shape.over(columns), shape):
        for height, count in _heights(rows, shape, tall):
            cycles += count * depth * _turn(height, width)
            tiles += count
    return cycles, tiles


def _gemm(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    m, n, k = w.m, w.n, w.k
    times = chunks
    if w.batch > 1:
        times = w.batch
    elif w.split:
        n = min(n, w.size)
        times = w.n / n
    else:
        m = min(m, w.size)
        times = w.m / m
    turned = w.b_col != shape.item
    cycles, tiles = _tiles(m, n, k, shape)
    vectors, runs = shape.over(n), -(-k // DEPTH)
    counts = {"cycles": times * cycles, "tiles": times * tiles * runs, "turned": 0.0, "packed": 0.0}
    if turned:
        counts["turned"] = float(times * vectors * k)
    elif m >= PACK_ROWS:
        counts["packed"] = float(times * vectors * k)
    elif n % shape.lanes:
        counts["packed"] = float(times * list(_groups(vectors, shape))[-1] * k)
    return counts


def _correlate(
    w: Any, pixels: int, taps: tuple[int, int, int], columns: int, chunks: int, shape: Shape
) -> Counts:
    """`correlate` over images of `pixels`, windows of taps (high, wide, channels)."""
    high, wide, channels = taps
    depth = high * wide * channels
    cycles, tiles = _tiles(pixels, columns, depth, shape)
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


def _conv_dw(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    taps, pixels = w.kh * w.kw * w.ci, w.oh * w.ow
    cycles, tiles = _tiles(taps, w.co, pixels, shape, tall=1)
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
    }


def _transformed(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    """Winograd's products at all points, as those of `gemm`; transforms in the same cycles."""
    tiles = w.n * -(-w.oh // EDGE) * -(-w.ow // EDGE)
    block = min(w.tiles, -(-tiles // chunks))
    deep, wide = -(-w.ci // PADDED) * PADDED, -(-w.co // PADDED) * PADDED
    if step.kernel == "winograd_dw":
        cycles, begun = _tiles(w.ci, wide, block, shape)
        moved = tiles * (INTO * deep + GRADIENT_IN * wide) + chunks * GRADIENT_OUT * w.ci * wide
    else:
        cycles, begun = _tiles(block, wide, w.ci, shape)
        moved = tiles * (INTO * deep + OUT * wide)
    times = POINTS * tiles / block
    cycles = times * cycles + moved / shape.lanes
    return {"cycles": cycles, "tiles": times * begun, "turned": 0.0, "packed": 0.0}


# ---- elementwise chains


def _elementwise(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    block = BLOCK_BYTES // shape.item
    lengths = [w.d0, w.d1, w.d2]
    lengths[w.split] = min(lengths[w.split], w.size)
    times = prod((w.d0, w.d1, w.d2)) / max(1, prod(lengths))
    d0, d1, d2 = lengths
    long = d1 == 1 or 2 * d2 >= block
    together = 1 if long else max(1, min(d1, block // max(1, d2)))
    blocks = d0 * d1 * -(-d2 // block) if long else d0 * -(-d1 // together)
    inner = min(d2, block) * together
    vectors = times * blocks * shape.over(inner)
    parts = times * blocks * (2 if inner % shape.lanes and inner > shape.lanes else 1)
    counts = {"blocks": parts * w.operand_count, "dispatched": parts * w.program_count}
    counts |= {"fast": 0.0, "registers": float(chunks * w.registers), "rows": 0.0, "copied": 0.0}
    for made in step.program:
        name = f"op {made.op}" if OPCODES[made.op].slow else "fast"
        counts[name] = counts.get(name, 0.0) + vectors
    if not long:
        for operand in step.operands:
            dense = operand.mode == Mode.DENSE and operand.strides[1] == d2 * shape.item
            if operand.mode <= Mode.PERIODIC and not dense:
                sides = bool(operand.flags & READ) + bool(operand.flags & WRITE)
                turns = times * d0 * (d1 if operand.strides[1] else together) * sides
                counts["rows"] += turns
                counts["copied"] += turns * shape.over(d2)
    return counts


# ---- the others


def _places(w: Any, shape: Shape, pixels: int) -> Counts:
    return {"rows": float(w.n * pixels), "vectors": float(w.n * pixels * shape.over(w.c))}


def _pool(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    windows, big = w.n * w.oh * w.ow, w.n * w.height * w.width
    halves = (w.kh, w.kw, w.sh, w.sw, w.ph, w.pw) == (2, 2, 2, 2, 0, 0)
    halves = halves and (w.height, w.width) == (2 * w.oh, 2 * w.ow) and w.c % shape.lanes == 0
    name = "halved" if halves else "taps"
    taps = float(windows * w.kh * w.kw * shape.over(w.c))
    return {"halved": 0.0, "taps": 0.0, "windows": float(windows), name: taps,
            "big": float(big * shape.over(w.c))}  # fmt: skip


def _norm(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return _places(w, shape, w.height * w.width)


def _combine(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"vectors": float(w.images * shape.over(w.c)) if w.images else float(shape.over(w.c))}


def _rows(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.m), "vectors": float(w.m * shape.over(w.n))}


def _softmax(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    kind = "logarithm, " if w.logarithm else ""
    return {kind + name: count for name, count in _rows(step, w, chunks, shape).items()}


def _reduce(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    outer, inside = w.o0 * w.o1, w.r0 * w.r1 * w.r2
    counts = {"rows": 0.0, "vectors": 0.0, "single": 0.0, "results": 0.0, "column": 0.0}
    if w.inner > 1 and w.x_inner == w.y_inner == shape.item:
        counts["column"] = float(outer * inside * shape.over(w.inner))
        counts["results"] = float(outer * shape.over(w.inner))
    elif w.x_r2 == shape.item:
        counts["vectors"] = float(outer * w.inner * w.r0 * w.r1 * shape.over(w.r2))
        counts["rows"] = float(outer * w.inner * w.r0 * w.r1)
    else:
        counts["single"] = float(outer * w.inner * inside)
    return counts


def _sum_chunks(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"vectors": float(w.parts * shape.over(w.count))}


def _each(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"numbers": float(w.count)}


def _transpose(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    batch = max(1, w.batch)
    blocks = float(batch * (w.m // shape.lanes) * (w.n // shape.lanes) * shape.lanes)
    edges = batch * w.m * w.n - blocks * shape.lanes
    return {"vectors": blocks, "single": edges}


def _permute(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    rows = prod((w.d0, w.d1, w.d2, w.d3, w.d4))
    if w.x5 == w.y5 == w.item and not w.add:
        return {"rows": float(rows), "vectors": float(rows * shape.over(w.d5)), "single": 0.0}
    return {"rows": float(rows), "vectors": 0.0, "single": float(rows * w.d5)}


def _fill(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.d0 * w.d1), "vectors": float(w.d0 * w.d1 * shape.over(w.d2))}


def _gather(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    lines = w.batch * (1 if w.height * w.width == 1 else w.height)
    numbers = w.c * w.height * w.width * w.batch
    turned = w.c > 1 and w.height * w.width > 1
    whole, rest = divmod(numbers // max(1, lines), shape.lanes)
    counts = {"samples": float(w.batch), "lines": float(lines)}
    if turned or w.kind:
        return counts | {"single": float(numbers)}
    vectors = "vectors across lines" if rest else "vectors"
    return counts | {vectors: float(lines * whole), "ends": float(lines * bool(rest))}


def _random(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    numbers = w.n * w.c * w.height * w.width
    return {"vectors": float(shape.over(numbers)), "samples": float(w.n)}


def _numbers(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.m), "single": float(w.m * w.n)}


def _flip(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"single": float(w.kh * w.kw * w.ci * w.co), "taps": float(w.kh * w.kw)}


def _nothing(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {}


_COUNTS: dict[str, Callable[[Step, Any, int, Shape], Counts]] = {
    **{"gemm": _gemm, "conv2d": _conv, "conv2d_dx": _conv_dx, "conv2d_dw": _conv_dw},
    **dict.fromkeys(("winograd_conv", "winograd_dw"), _transformed),
    **{"elementwise": _elementwise, "reduce": _reduce, "sum_chunks": _sum_chunks},
    **dict.fromkeys(("max_pool2d", "max_pool2d_dx", "max_pool2d_take"), _pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool2d_dx"), _pool),
    **dict.fromkeys(("bn_moments", "bn_apply", "bn_dx_sums", "bn_dx"), _norm),
    **dict.fromkeys(("softmax", "softmax_dx"), _softmax),
    **dict.fromkeys(("to_real", "equal_int"), _each),
    **{"bn_combine": _combine, "transpose2d": _transpose, "permute": _permute, "fill": _fill},
    **{"gather_batch": _gather, "random_uniform": _random, "one_hot": _numbers},
    **{
        "softmax_cross_entropy": _rows,
        "argmax": _numbers,
        "flip_weights": _flip,
        "record": _nothing,
    },
}

_AS = dict.fromkeys(("winograd_conv", "winograd_dw"), "gemm")  # whose rates kernels share
