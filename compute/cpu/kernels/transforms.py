"""Winograd's transforms of F(4×4, 3×3): tiles of images, results, gradients and weights.

A tile is 4×4 places of a result and the 6×6 of the image that they reach. Each axis is transformed
by itself, a vector of channels at a time; a transform along two axes goes by way of `halfway`,
memory for 6×6 vectors. What a tile has at the 36 points lies `point` bytes apart.

The points are 0, ±1/√2, ±√2 and ∞ (of the form ±c, ±1/c: Alam et al. 2022): with these the largest
error is a quarter of that with the usual 0, ±1, ±2 and ∞, and the transforms take as many steps.
"""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Mask,
    Vector,
    device,
    first,
    fma,
    greater,
    load,
    load_masked,
    rectify,
    select,
    splat,
    store,
    store_masked,
)

EDGE = 4  # of a tile of the result
REACH = 6  # of what it reaches of the image
POINTS = 36
NEAR, FAR = 2.0**-0.5, 2.0**0.5  # the points; 1/2 and 2 are their squares


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
