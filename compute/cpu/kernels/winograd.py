"""Convolution with 3×3 windows by Winograd's minimal filtering, F(4×4, 3×3) (Lavin & Gray 2016).

A tile is 4×4 places of the result and the 6×6 of the image that they reach. Polynomials are
evaluated at six points along each axis: what an image has at a point, times what the weights have,
is what the result has there. So 36 products of matrices (tiles × channels by channels × channels)
do what takes four times the multiplications directly.

The points are 0, ±1/√2, ±√2 and ∞ (of the form ±c, ±1/c: Alam et al. 2022): with these the largest
error is a quarter of that with the usual 0, ±1, ±2 and ∞, and the transforms take as many steps.
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
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Mask,
    Stack,
    Vector,
    device,
    first,
    fma,
    greater,
    load,
    load_masked,
    rectify,
    select,
    set_word,
    splat,
    store,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

EDGE = 4  # of a tile of the result
REACH = 6  # of what it reaches of the image
POINTS = 36
PADDED = 16  # channels are padded to a multiple of it, which every vector divides
GAP = 64  # bytes between the matrices of two points, else all would fall into the same cache sets
NEAR, FAR = 2.0**-0.5, 2.0**0.5  # the points, squared: 1/2 and 2

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


# ---- transforms along one axis


@device
def spread(x: int, step: int, to: int, to_step: int) -> None:
    """Bᵀ: six numbers of an image to what it has at the six points."""
    x1, x2, x3, x4 = load(x + step), load(x + 2 * step), load(x + 3 * step), load(x + 4 * step)
    store(to, fma(splat(-2.5), x2, load(x) + x4))
    even, odd = fma(splat(-2.0), x2, x4), fma(splat(-2.0), x1, x3)
    store(to + to_step, fma(splat(NEAR), odd, even))
    store(to + 2 * to_step, fma(splat(-NEAR), odd, even))
    even, odd = fma(splat(-0.5), x2, x4), fma(splat(-0.5), x1, x3)
    store(to + 3 * to_step, fma(splat(FAR), odd, even))
    store(to + 4 * to_step, fma(splat(-FAR), odd, even))
    store(to + 5 * to_step, fma(splat(-2.5), x3, x1 + load(x + 5 * step)))


@device
def fold(m: int, step: int, to: int, to_step: int) -> None:
    """Aᵀ: what a result has at the six points to its four numbers."""
    m1, m2, m3, m4 = load(m + step), load(m + 2 * step), load(m + 3 * step), load(m + 4 * step)
    near, far = m1 + m2, m3 + m4
    store(to, load(m) + (near + far))
    store(to + 2 * to_step, fma(splat(2.0), far, splat(0.5) * near))
    near, far = splat(NEAR) * (m1 - m2), splat(FAR) * (m3 - m4)
    store(to + to_step, near + far)
    store(to + 3 * to_step, fma(splat(2.0), far, fma(splat(0.5), near, load(m + 5 * step))))


@device
def fold_row(
    m: int, columns: int, y: int, y_pix: int, shift: Vector,
    epilogue: int, mask: int, mask_pix: int, pre: int, lanes: Mask,
) -> None:  # fmt: skip
    """`fold` of a row of vectors into `columns` places of the result, plus `shift`."""
    m1, m2 = load(m + VECTOR), load(m + 2 * VECTOR)
    m3, m4 = load(m + 3 * VECTOR), load(m + 4 * VECTOR)
    near, far = m1 + m2, m3 + m4
    y0 = shift + (load(m) + (near + far))
    y2 = shift + fma(splat(2.0), far, splat(0.5) * near)
    near, far = splat(NEAR) * (m1 - m2), splat(FAR) * (m3 - m4)
    y1 = shift + (near + far)
    y3 = shift + fma(splat(2.0), far, fma(splat(0.5), near, load(m + 5 * VECTOR)))
    step = y_pix if pre != 0 else 0
    finish(y0, y, epilogue, mask, pre, lanes)
    if columns > 1:
        finish(y1, y + y_pix, epilogue, mask + mask_pix, pre + step, lanes)
    if columns > 2:
        finish(y2, y + 2 * y_pix, epilogue, mask + 2 * mask_pix, pre + 2 * step, lanes)
    if columns > 3:
        finish(y3, y + 3 * y_pix, epilogue, mask + 3 * mask_pix, pre + 3 * step, lanes)


@device
def unfold(y: int, step: int, to: int, to_step: int) -> None:
    """A: four numbers of a gradient to the result to what it has at the six points."""
    y0, y1, y2, y3 = load(y), load(y + step), load(y + 2 * step), load(y + 3 * step)
    store(to, y0)
    even, odd = fma(splat(0.5), y2, y0), fma(splat(0.5), y3, y1)
    store(to + to_step, fma(splat(NEAR), odd, even))
    store(to + 2 * to_step, fma(splat(-NEAR), odd, even))
    even, odd = fma(splat(2.0), y2, y0), fma(splat(2.0), y3, y1)
    store(to + 3 * to_step, fma(splat(FAR), odd, even))
    store(to + 4 * to_step, fma(splat(-FAR), odd, even))
    store(to + 5 * to_step, y3)


@device
def weigh(w: int, step: int, to: int, to_step: int) -> None:
    """G: three weights to what they have at the six points."""
    w0, w1, w2 = load(w), load(w + step), load(w + 2 * step)
    store(to, w0)
    even, odd = splat(-2 / 3) * fma(splat(0.5), w2, w0), splat(-2 / 3 * NEAR) * w1
    store(to + to_step, even + odd)
    store(to + 2 * to_step, even - odd)
    even, odd = splat(1 / 6) * fma(splat(2.0), w2, w0), splat(1 / 6 * FAR) * w1
    store(to + 3 * to_step, even + odd)
    store(to + 4 * to_step, even - odd)
    store(to + 5 * to_step, w2)


@device
def unweigh(u: int, step: int, to: int, to_step: int) -> None:
    """Gᵀ: what a gradient to the weights has at the six points to its three numbers."""
    u1, u2, u3, u4 = load(u + step), load(u + 2 * step), load(u + 3 * step), load(u + 4 * step)
    near, far = splat(-2 / 3) * (u1 + u2), splat(1 / 6) * (u3 + u4)
    store(to, load(u) + (near + far))
    store(to + 2 * to_step, fma(splat(0.5), near, fma(splat(2.0), far, load(u + 5 * step))))
    near, far = splat(-2 / 3 * NEAR) * (u1 - u2), splat(1 / 6 * FAR) * (u3 - u4)
    store(to + to_step, near + far)


# ---- tiles


@device
def copy_patch(
    x: int, x_row: int, x_pix: int, rows: int, columns: int, edge: int, lanes: Mask, to: int
) -> None:
    """What there is of a square of `edge` places, one vector each; 0 beyond."""
    for i in range(edge):
        for j in range(edge):
            value = splat(0.0)
            if i < rows and j < columns:
                value = load_masked(x + i * x_row + j * x_pix, lanes)
            store(to + (i * edge + j) * VECTOR, value)


@device
def spread_tile(x: int, x_row: int, x_pix: int, halfway: int, to: int, point: int) -> None:
    """The transform of 6×6 places; the points lie `point` bytes apart."""
    for j in range(REACH):
        spread(x + j * x_pix, x_row, halfway + j * VECTOR, REACH * VECTOR)
    for i in range(REACH):
        spread(halfway + i * REACH * VECTOR, VECTOR, to + i * REACH * point, point)


@device
def unfold_tile(y: int, y_row: int, y_pix: int, halfway: int, to: int, point: int) -> None:
    """The transform of a gradient to 4×4 places."""
    for j in range(EDGE):
        unfold(y + j * y_pix, y_row, halfway + j * VECTOR, EDGE * VECTOR)
    for i in range(REACH):
        unfold(halfway + i * EDGE * VECTOR, VECTOR, to + i * REACH * point, point)


@device
def spread_tiles(
    x: int, x_img: int, x_row: int, x_pix: int, oh: int, ow: int, channels: int,
    start: int, count: int, to: int, to_row: int, point: int, patch: int, halfway: int,
) -> None:  # fmt: skip
    """The tiles start … start+count-1 of an image `x`, from the first place of the first window."""
    across = (ow + EDGE - 1) // EDGE
    each = across * ((oh + EDGE - 1) // EDGE)
    for t in range(count):
        number = (start + t) // each
        left = start + t - number * each
        top = left // across
        side = (left - top * across) * EDGE
        top = top * EDGE
        rows, columns = min(REACH, oh + 2 - top), min(REACH, ow + 2 - side)
        at = x + number * x_img + top * x_row + side * x_pix
        for c in range(0, channels, LANES):
            place = to + t * to_row + c * ITEM
            if rows == REACH and columns == REACH and c + LANES <= channels:
                spread_tile(at + c * ITEM, x_row, x_pix, halfway, place, point)
            else:
                lanes = first(channels - c)
                copy_patch(at + c * ITEM, x_row, x_pix, rows, columns, REACH, lanes, patch)
                spread_tile(patch, REACH * VECTOR, VECTOR, halfway, place, point)


@device
def unfold_tiles(
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int, channels: int,
    start: int, count: int, to: int, to_row: int, point: int, patch: int, halfway: int,
) -> None:  # fmt: skip
    """The tiles start … start+count-1 of a gradient `y`."""
    across = (ow + EDGE - 1) // EDGE
    each = across * ((oh + EDGE - 1) // EDGE)
    for t in range(count):
        number = (start + t) // each
        left = start + t - number * each
        top = left // across
        side = (left - top * across) * EDGE
        top = top * EDGE
        rows, columns = min(EDGE, oh - top), min(EDGE, ow - side)
        at = y + number * y_img + top * y_row + side * y_pix
        for c in range(0, channels, LANES):
            place = to + t * to_row + c * ITEM
            if rows == EDGE and columns == EDGE and c + LANES <= channels:
                unfold_tile(at + c * ITEM, y_row, y_pix, halfway, place, point)
            else:
                lanes = first(channels - c)
                copy_patch(at + c * ITEM, y_row, y_pix, rows, columns, EDGE, lanes, patch)
                unfold_tile(patch, EDGE * VECTOR, VECTOR, halfway, place, point)


@device
def finish(value: Vector, at: int, epilogue: int, mask: int, pre: int, lanes: Mask) -> None:
    """Stores a vector of the result behind its epilogue."""
    if pre != 0:
        store_masked(pre, value, lanes)
    if epilogue == 1:
        value = rectify(value)
    elif epilogue == 2:
        zero = splat(0.0)
        value = select(greater(load_masked(mask, lanes), zero), value, zero)
    store_masked(at, value, lanes)


@device
def fold_tiles(
    m: int, m_row: int, point: int, start: int, count: int,
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int, channels: int,
    bias: int, epilogue: int, mask: int, mask_img: int, mask_row: int, mask_pix: int, pre: int,
    halfway: int,
) -> None:  # fmt: skip
    """The tiles start … start+count-1 of the result, from the products at `m`."""
    across = (ow + EDGE - 1) // EDGE
    each = across * ((oh + EDGE - 1) // EDGE)
    for t in range(count):
        number = (start + t) // each
        left = start + t - number * each
        top = left // across
        side = (left - top * across) * EDGE
        top = top * EDGE
        rows, columns = min(EDGE, oh - top), min(EDGE, ow - side)
        place = number * y_img + top * y_row + side * y_pix
        masked = mask + number * mask_img + top * mask_row + side * mask_pix
        for c in range(0, channels, LANES):
            lanes, at = first(channels - c), m + t * m_row + c * ITEM
            shift = splat(0.0)
            if bias != 0:
                shift = load_masked(bias + c * ITEM, lanes)
            for j in range(REACH):
                fold(at + j * point, REACH * point, halfway + j * VECTOR, REACH * VECTOR)
            for i in range(rows):
                offset = place + i * y_row + c * ITEM
                fold_row(
                    halfway + i * REACH * VECTOR, columns, y + offset, y_pix, shift, epilogue,
                    masked + i * mask_row + c * ITEM, mask_pix, pre + offset if pre != 0 else 0,
                    lanes,
                )  # fmt: skip


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
    size = w.threads * work_bytes(w.tiles, w.ci, w.co, item)
    yield block("work", w.work, (size, 1), item=1, write=True)


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


@kernel(
    "x x_img x_row x_pix u y y_img y_row y_pix n oh ow ci co ph pw"
    " init bias epilogue mask mask_img mask_row mask_pix pre work threads tiles size",
    extents=_conv_extents,
    chunks=_images,
)
def winograd_conv(row: int, chunk: int, tid: int, step: int) -> None:
    """y = epilogue(init + cross-correlation of x with 3×3 weights); a chunk is `size` images.

    u                what `winograd_weights` made of the weights
    ph pw            padding above and left
    init             0 zero, 2 the row `bias`
    work             memory for the matrices of `tiles` tiles, for each of the `threads`
    All others are conv2d's. Every number is one fixed chain of operations, whatever the chunk.
    """
    (
        x, x_img, x_row, x_pix, u, y, y_img, y_row, y_pix, n, oh, ow, ci, co, ph, pw,
        init, bias, epilogue, mask, mask_img, mask_row, mask_pix, pre, work, threads, tiles, size,
    ) = unpack(row)  # fmt: skip
    job, patch, halfway = JOB(), PATCH(), HALFWAY()
    v_row = (ci + PADDED - 1) // PADDED * PADDED * ITEM
    m_row = (co + PADDED - 1) // PADDED * PADDED * ITEM
    v_point, m_point = tiles * v_row + GAP, tiles * m_row + GAP
    v = work + tid * POINTS * (v_point + m_point)
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
                    count, width, columns, LANES,
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
    yield block("work", w.work, (w.threads * each, 1), item=1, write=True)


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix partial partial_chunk db db_chunk"
    " n oh ow ci co ph pw work threads tiles size",
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
        n, oh, ow, ci, co, ph, pw, work, threads, tiles, size,
    ) = unpack(row)  # fmt: skip
    job, patch, halfway = JOB(), PATCH(), HALFWAY()
    v_row = (ci + PADDED - 1) // PADDED * PADDED * ITEM
    d_row = (co + PADDED - 1) // PADDED * PADDED * ITEM
    v_point, d_point, g_point = tiles * v_row + GAP, tiles * d_row + GAP, ci * d_row
    v = work + tid * POINTS * (v_point + d_point + g_point)
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
                    ci, width, j * VECTOR, LANES,
                )  # fmt: skip
                j += width
    leave_gradient(g, g_point, d_row, ci, co, partial + chunk * partial_chunk, halfway, patch)
    if db != 0:
        pixel_sums(
            dy, dy_img, dy_row, dy_pix, oh, ow, co, first_image, last_image, db + chunk * db_chunk
        )


@device
def leave_gradient(
    g: int, point: int, g_row: int, ci: int, co: int, to: int, halfway: int, patch: int
) -> None:
    """The gradient at all points to [3,3,ci,co]."""
    for c in range(ci):
        for start in range(0, co, LANES):
            lanes, at = first(co - start), g + c * g_row + start * ITEM
            for j in range(REACH):
                unweigh(at + j * point, REACH * point, halfway + j * VECTOR, REACH * VECTOR)
            for i in range(3):
                unweigh(halfway + i * REACH * VECTOR, VECTOR, patch, VECTOR)
                for j in range(3):
                    place = to + (((i * 3 + j) * ci + c) * co + start) * ITEM
                    store_masked(place, load(patch + j * VECTOR), lanes)
