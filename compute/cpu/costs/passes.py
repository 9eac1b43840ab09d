"""Counts of what passes over numbers: elementwise chains, sums, norms, pools, copies.

These count vectors, rows of them and numbers that are taken one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from compute.cpu.costs.shape import Counts, Shape
from compute.cpu.kernels.elementwise import READ, WRITE, Mode
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.kernels.program import BLOCK_BYTES
from compute.cpu.planner.steps import Step


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


def _pool(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    windows, big = w.n * w.oh * w.ow, w.n * w.height * w.width
    halves = (w.kh, w.kw, w.sh, w.sw, w.ph, w.pw) == (2, 2, 2, 2, 0, 0)
    halves = halves and (w.height, w.width) == (2 * w.oh, 2 * w.ow) and w.c % shape.lanes == 0
    name = "halved" if halves else "taps"
    taps = float(windows * w.kh * w.kw * shape.over(w.c))
    return {"halved": 0.0, "taps": 0.0, "windows": float(windows), name: taps,
            "big": float(big * shape.over(w.c))}  # fmt: skip


def _norm(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    vectors = float(w.n * w.height * w.width * shape.over(w.c))
    return {
        "vectors": vectors,
        "masked": vectors if getattr(w, "mask", 0) else 0.0,
        "lines": float(w.n * w.height * shape.over(w.c)),
        "groups": float(chunks * shape.over(w.c)),
    }


def _combine(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"vectors": float(w.images * shape.over(w.c)) if w.images else float(shape.over(w.c))}


def _rows(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.m), "vectors": float(w.m * shape.over(w.n))}


def _row_norm_grad(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    counts = _rows(step, w, chunks, shape)
    return counts | {"summed": counts["vectors"] if w.partial else 0.0,
                     "pulled": counts["vectors"] if w.dx else 0.0}  # fmt: skip


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
    rows, real = prod((w.d0, w.d1, w.d2, w.d3, w.d4)), w.item == shape.item
    counts = {"rows": float(rows), "vectors": 0.0, "added": 0.0, "single": 0.0, "turned": 0.0}
    wide = min(w.d4, w.d5) >= shape.lanes
    if real and wide and not w.add and w.x4 == w.y5 == w.item:
        turned = prod((w.d0, w.d1, w.d2, w.d3)) * (w.d4 // shape.lanes) * (w.d5 // shape.lanes)
        counts["turned"] = float(turned * shape.lanes)
        counts["single"] = float(rows * w.d5 - turned * shape.lanes**2)
        counts["rows"] = 0.0
    elif real and w.y5 == w.item and w.x5 in ((w.item,) if w.add else (0, w.item)):
        counts["added" if w.add else "vectors"] = float(rows * shape.over(w.d5))
    else:
        counts["single"] = float(rows * w.d5)
    return counts


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


def _gather_rows(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.m), "vectors": float(w.m * shape.over(w.n))}


def _scatter(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    tables = -(-w.m // max(1, w.per))
    rows = tables * w.rows
    looks = sum(
        min(w.m, (-(-min(rows, low + w.size) // w.rows)) * w.per) - low // w.rows * w.per
        for low in range(0, rows, max(1, w.size))
    )
    cleared = 0 if w.init else rows * shape.over(w.n)
    vectors = float(w.m * shape.over(w.n))
    return {"looks": float(looks), "vectors": vectors, "cleared": float(cleared)}


def _random(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    numbers = w.n * w.c * w.height * w.width
    return {"vectors": float(shape.over(numbers)), "samples": float(w.n)}


def _numbers(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"rows": float(w.m), "single": float(w.m * w.n)}


def _flip(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {"single": float(w.kh * w.kw * w.ci * w.co), "taps": float(w.kh * w.kw)}


def _nothing(step: Step, w: Any, chunks: int, shape: Shape) -> Counts:
    return {}


PASSES: dict[str, Callable[[Step, Any, int, Shape], Counts]] = {
    **{"elementwise": _elementwise, "reduce": _reduce, "sum_chunks": _sum_chunks},
    **dict.fromkeys(("max_pool2d", "max_pool2d_dx", "max_pool2d_take"), _pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool2d_dx"), _pool),
    **dict.fromkeys(("bn_moments", "bn_apply", "bn_dx_sums", "bn_dx"), _norm),
    **dict.fromkeys(("softmax", "softmax_dx"), _softmax),
    **{"layer_norm": _rows, "layer_norm_grad": _row_norm_grad},
    **dict.fromkeys(("to_real", "to_int", "arange", "equal_int"), _each),
    **{"bn_combine": _combine, "transpose2d": _transpose, "permute": _permute, "fill": _fill},
    **{"gather_batch": _gather, "gather_rows": _gather_rows, "scatter_add_rows": _scatter},
    **{"random_uniform": _random, "softmax_cross_entropy": _rows, "flip_weights": _flip},
    **{"one_hot": _numbers, "argmax": _numbers, "record": _nothing},
}
