"""Convolution with 3×3 windows by Winograd's minimal filtering, F(4×4, 3×3) (Lavin & Gray 2016).

A tile is 4×4 places of the result and the 6×6 of the image that they reach. Polynomials are
evaluated at six points along each axis: what an image has at a point, times what the weights have,
is what the result has there. So 36 products of matrices (tiles × channels by channels × channels)
do what takes four times the multiplications directly.

The points and what they cost in rounding: see `transforms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import image, pixel_sums
from compute.cpu.kernels.gemm import run_group, set_steps
from compute.cpu.kernels.panels import set_loop, width_of
from compute.cpu.kernels.tiling import (
    EPILOGUE,
    INIT,
    INNER,
    JOB_BYTES,
    MIDDLE,
    OUTER,
    PRE,
    B,
)
from compute.cpu.kernels.transforms import (
    EDGE,
    POINTS,
    REACH,
    copy_patch,
    fold_tiles,
    leave_gradient,
    spread_tiles,
    unfold_tiles,
    weigh,
)
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Stack,
    device,
    first,
    load,
    set_word,
    store,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

PADDED = 16  # channels are padded to a multiple of it, which every vector divides
GAP = 64  # bytes between the matrices of two points, else all would fall into the same cache sets

JOB = Stack(JOB_BYTES)
PATCH, HALFWAY = Stack(REACH * REACH * 64), Stack(REACH * REACH * 64)


def padded_row(channels: int, item: int) -> int:
    """Bytes of a row of channels with its padding."""
    return -(-channels // PADDED) * PADDED * item


def matrices(tiles: int, channels: int, item: int) -> int:
    """Bytes of one matrix tiles × channels a point."""
    return POINTS * (tiles * padded_row(channels, item) + GAP)


def weight_bytes(ci: int, co: int, item: int) -> int:
    """Bytes of transformed weights, or of gradients to them."""
    return POINTS * ci * padded_row(co, item)


def work_bytes(tiles: int, ci: int, co: int, item: int) -> int:
    """Bytes a thread works on in `winograd_conv`."""
    return matrices(tiles, ci, item) + matrices(tiles, co, item)


@device
def set_products(job: int, a_row: int, c_row: int) -> None:
    """What the products of all points share: no outer loops, no epilogue."""
    set_loop(job, OUTER, 1, 0, 0)
    set_loop(job, MIDDLE, 1, 0, 0)
    set_steps(job, a_row, c_row, 0, 0)
    set_word(job + EPILOGUE * 8, 0)
    set_word(job + PRE * 8, 0)


# ---- kernels


def _weights_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("w", w.w, (9 * w.ci * w.co, item), item=item)
    yield block("u", w.u, (weight_bytes(w.ci, w.co, item), 1), item=1, write=True)


@kernel(
    "w u ci co size",
    extents=_weights_extents,
    chunks=lambda w: pieces(w.ci, w.size),
)
def winograd_weights(row: int, chunk: int, tid: int, step: int) -> None:
    """u = the weights w [3,3,ci,co] at all points; a chunk is `size` of the ci channels.

    u is [36] of ci × co, the co padded with zeros to a multiple of 16 and cut into column groups of
    the micro-kernel, each dense.
    """
    w, u, ci, co, size = unpack(row)
    patch, halfway, made = PATCH(), HALFWAY(), PATCH()
    vectors = (co + PADDED - 1) // PADDED * PADDED // LANES
    wide = vectors * VECTOR
    for c in range(chunk * size, min(ci, (chunk + 1) * size)):
        j = 0
        while j < vectors:
            width = width_of(vectors - j)
            for v in range(width):
                start = (j + v) * LANES
                at, lanes = w + (c * co + start) * ITEM, first(co - start)
                copy_patch(at, 3 * ci * co * ITEM, ci * co * ITEM, 3, 3, 3, lanes, patch)
                for i in range(3):
                    weigh(patch + i * VECTOR, 3 * VECTOR, halfway + i * VECTOR, 3 * VECTOR)
                for i in range(REACH):
                    weigh(
                        halfway + i * 3 * VECTOR, VECTOR, made + i * REACH * VECTOR, VECTOR
                    )  # fmt: skip
                to = u + j * VECTOR * ci + (c * width + v) * VECTOR
                for point in range(POINTS):
                    store(to + point * ci * wide, load(made + point * VECTOR))
            j += width


def _windows(w: Any, name: str, channels: int, item: int) -> Access:
    """What 3×3 windows over an image reach."""
    img, row, pix = (getattr(w, f"{name}_{part}") for part in ("img", "row", "pix"))
    dims = (w.n, img), (w.oh + 2, row), (w.ow + 2, pix), (channels, item)
    reach = block(name, getattr(w, name), *dims, item=item)
    start = -w.ph * row - w.pw * pix
    return Access(name, reach.address, reach.low + start, reach.high + start)


def _conv_extents(w: Any, item: int) -> Iterator[Access]:
    yield _windows(w, "x", w.ci, item)
    yield block("u", w.u, (weight_bytes(w.ci, w.co, item), 1), item=1)
    yield image(w, "y", w.n, w.oh, w.ow, w.co, item, True)
    if w.init == 2:
        yield block("bias", w.bias, (w.co, item), item=item)
    if w.epilogue == 2:
        yield image(w, "mask", w.n, w.oh, w.ow, w.co, item)
    if w.pre:
        dims = (w.n, w.y_img), (w.oh, w.y_row), (w.ow, w.y_pix), (w.co, item)
        yield block("pre", w.pre, *dims, item=item, write=True)
    size = w.slots * work_bytes(w.tiles, w.ci, w.co, item)
    yield block("work", w.work, (size, 1), item=1, write=True)


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


@kernel(
    "x x_img x_row x_pix u y y_img y_row y_pix n oh ow ci co ph pw"
    " init bias epilogue mask mask_img mask_row mask_pix pre work slots tiles size",
    extents=_conv_extents,
    chunks=_images,
)
def winograd_conv(row: int, chunk: int, tid: int, step: int) -> None:
    """y = epilogue(init + cross-correlation of x with 3×3 weights); a chunk is `size` images.

    u                what `winograd_weights` made of the weights
    ph pw            padding above and left
    init             0 zero, 2 the row `bias`
    work             memory for the matrices of `tiles` tiles, `slots` times: one for each chunk, or
                     fewer, one for each thread
    All others are conv2d's. Every number is one fixed chain of operations, whatever the chunk.
    """
    (
        x, x_img, x_row, x_pix, u, y, y_img, y_row, y_pix, n, oh, ow, ci, co, ph, pw,
        init, bias, epilogue, mask, mask_img, mask_row, mask_pix, pre, work, slots, tiles, size,
    ) = unpack(row)  # fmt: skip
    job, patch, halfway = JOB(), PATCH(), HALFWAY()
    v_row = (ci + PADDED - 1) // PADDED * PADDED * ITEM
    m_row = (co + PADDED - 1) // PADDED * PADDED * ITEM
    v_point, m_point = tiles * v_row + GAP, tiles * m_row + GAP
    slot = chunk if slots * size >= n else tid
    v = work + slot * POINTS * (v_point + m_point)
    m = v + POINTS * v_point
    set_products(job, v_row, m_row)
    set_word(job + INIT * 8, 0)
    vectors = m_row // VECTOR
    each = ((oh + EDGE - 1) // EDGE) * ((ow + EDGE - 1) // EDGE)
    last = min(n, (chunk + 1) * size) * each
    if init != 2:
        bias = 0
    x -= ph * x_row + pw * x_pix
    for start in range(chunk * size * each, last, tiles):
        count = min(tiles, last - start)
        spread_tiles(
            x, x_img, x_row, x_pix, oh, ow, ci, start, count, v, v_row, v_point, patch, halfway
        )
        for point in range(POINTS):
            j = 0
            while j < vectors:
                width = width_of(vectors - j)
                set_loop(job, INNER, ci, ITEM, width * VECTOR)
                columns = j * VECTOR
                set_word(job + B * 8, u + point * ci * m_row + columns * ci - columns)
                run_group(
                    job, v + point * v_point, v_row, m + point * m_point, m_row, 0, 0, 0, 0,
                    0, count, width, columns, LANES,
                )  # fmt: skip
                j += width
        fold_tiles(
            m, m_row, m_point, start, count, y, y_img, y_row, y_pix, oh, ow, co,
            bias, epilogue, mask, mask_img, mask_row, mask_pix, pre, halfway,
        )  # fmt: skip


def _dw_extents(w: Any, item: int) -> Iterator[Access]:
    chunks = pieces(w.n, w.size)
    yield _windows(w, "x", w.ci, item)
    yield image(w, "dy", w.n, w.oh, w.ow, w.co, item)
    parts = (chunks, w.partial_chunk)
    yield block("partial", w.partial, parts, (9 * w.ci * w.co, item), item=item, write=True)
    yield block("db", w.db, (chunks, w.db_chunk), (w.co, item), item=item, write=True)
    each = work_bytes(w.tiles, w.ci, w.co, item) + weight_bytes(w.ci, w.co, item)
    yield block("work", w.work, (w.slots * each, 1), item=1, write=True)


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix partial partial_chunk db db_chunk"
    " n oh ow ci co ph pw work slots tiles size",
    extents=_dw_extents,
    chunks=_images,
)
def winograd_dw(row: int, chunk: int, tid: int, step: int) -> None:
    """Partial gradients to 3×3 weights and bias from each chunk of `size` images.

    partial, db      as in conv2d_dw; `sum_chunks` adds them
    work             as in winograd_conv, and the gradient at all points
    """
    (
        x, x_img, x_row, x_pix, dy, dy_img, dy_row, dy_pix, partial, partial_chunk, db, db_chunk,
        n, oh, ow, ci, co, ph, pw, work, slots, tiles, size,
    ) = unpack(row)  # fmt: skip
    job, patch, halfway = JOB(), PATCH(), HALFWAY()
    v_row = (ci + PADDED - 1) // PADDED * PADDED * ITEM
    d_row = (co + PADDED - 1) // PADDED * PADDED * ITEM
    v_point, d_point, g_point = tiles * v_row + GAP, tiles * d_row + GAP, ci * d_row
    slot = chunk if slots * size >= n else tid
    v = work + slot * POINTS * (v_point + d_point + g_point)
    d = v + POINTS * v_point
    g = d + POINTS * d_point
    set_products(job, ITEM, d_row)
    vectors = d_row // VECTOR
    each = ((oh + EDGE - 1) // EDGE) * ((ow + EDGE - 1) // EDGE)
    first_image, last_image = chunk * size, min(n, (chunk + 1) * size)
    x -= ph * x_row + pw * x_pix
    for start in range(first_image * each, last_image * each, tiles):
        count = min(tiles, last_image * each - start)
        spread_tiles(
            x, x_img, x_row, x_pix, oh, ow, ci, start, count, v, v_row, v_point, patch, halfway
        )
        unfold_tiles(
            dy, dy_img, dy_row, dy_pix, oh, ow, co, start, count, d, d_row, d_point, patch, halfway
        )
        set_word(job + INIT * 8, 0 if start == first_image * each else 1)
        set_loop(job, INNER, count, v_row, d_row)
        for point in range(POINTS):
            set_word(job + B * 8, d + point * d_point)
            j = 0
            while j < vectors:
                width = width_of(vectors - j)
                run_group(
                    job, v + point * v_point, ITEM, g + point * g_point, d_row, 0, 0, 0, 0,
                    0, ci, width, j * VECTOR, LANES,
                )  # fmt: skip
                j += width
    leave_gradient(g, g_point, d_row, ci, co, partial + chunk * partial_chunk, halfway, patch)
    if db != 0:
        pixel_sums(
            dy, dy_img, dy_row, dy_pix, oh, ow, co, first_image, last_image, db + chunk * db_chunk
        )
