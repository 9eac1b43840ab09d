"""Depthwise convolution in three passes over NHWC images: each channel with its own window.

Vectors hold channels, so a tap is one fma of a vector of x with a vector of weights. Images are
conv.py's: read with their zero border in place, written in their interior only. Weights are
[kh,kw,c].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import gradient_reach, image, pixel_sums, windows
from compute.cpu.kernels.reduce import RUN
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    Mask,
    Vector,
    device,
    first,
    fma,
    greater,
    load_masked,
    rectify,
    select,
    splat,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


def _extents(w: Any, item: int) -> Iterator[Access]:
    yield windows(w, w.c, item)
    yield block("w", w.w, (w.kh * w.kw * w.c, item), item=item)
    yield image(w, "y", w.n, w.oh, w.ow, w.c, item, True)
    yield block("bias", w.bias, (w.c, item), item=item)


@device
def put(target: int, value: Vector, relu: int, gated: int, gate: int, lanes: Mask) -> None:
    """Stores a vector: its positive part when `relu`, or only where `gate` is positive."""
    if relu != 0:
        value = rectify(value)
    if gated != 0:
        zero = splat(0.0)
        value = select(greater(load_masked(gate, lanes), zero), value, zero)
    store_masked(target, value, lanes)


@device
def line(
    at: int, x_pix: int, tap_row: int, tap_pix: int, w: int, w_row: int, w_tap: int,
    kh: int, kw: int, target: int, y_pix: int, ow: int, start: Vector,
    relu: int, gated: int, gate: int, mask_pix: int, lanes: Mask,
) -> None:  # fmt: skip
    """One vector of channels of `ow` pixels side by side, four at a time, then one by one.

    A number is one fma chain from `start` over its taps in order, however many are made at once.
    """
    ox = 0
    while ox + 4 <= ow:
        a, b, d, e = start, start, start, start
        for ky in range(kh):
            tap, weight = at + ky * tap_row, w + ky * w_row
            for _ in range(kw):
                v = load_masked(weight, lanes)
                a = fma(load_masked(tap, lanes), v, a)
                b = fma(load_masked(tap + x_pix, lanes), v, b)
                d = fma(load_masked(tap + 2 * x_pix, lanes), v, d)
                e = fma(load_masked(tap + 3 * x_pix, lanes), v, e)
                tap += tap_pix
                weight += w_tap
        put(target, a, relu, gated, gate, lanes)
        put(target + y_pix, b, relu, gated, gate + mask_pix, lanes)
        put(target + 2 * y_pix, d, relu, gated, gate + 2 * mask_pix, lanes)
        put(target + 3 * y_pix, e, relu, gated, gate + 3 * mask_pix, lanes)
        at += 4 * x_pix
        target += 4 * y_pix
        gate += 4 * mask_pix
        ox += 4
    while ox < ow:
        a = start
        for ky in range(kh):
            tap, weight = at + ky * tap_row, w + ky * w_row
            for _ in range(kw):
                a = fma(load_masked(tap, lanes), load_masked(weight, lanes), a)
                tap += tap_pix
                weight += w_tap
        put(target, a, relu, gated, gate, lanes)
        at += x_pix
        target += y_pix
        gate += mask_pix
        ox += 1


@device
def slide(
    x: int, x_img: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    w: int, w_row: int, w_tap: int, kh: int, kw: int, c: int,
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int,
    bias: int, relu: int, mask: int, mask_img: int, mask_row: int, mask_pix: int,
    first_image: int, last_image: int,
) -> None:  # fmt: skip
    """y = bias + Σ x[window] · w of each channel, for the images first_image … last_image-1.

    `x` is the first tap of the first window; x_row, x_pix step from window to window, tap_row,
    tap_pix from tap to tap, w_row, w_tap from weight to weight. `put` says what is stored.
    """
    gated = 1 if mask != 0 else 0
    for sample in range(first_image, last_image):
        for k in range(0, c, LANES):
            lanes, place = first(c - k), k * ITEM
            start = splat(0.0)
            if bias != 0:
                start = load_masked(bias + place, lanes)
            for oy in range(oh):
                line(
                    x + sample * x_img + oy * x_row + place, x_pix, tap_row, tap_pix,
                    w + place, w_row, w_tap, kh, kw,
                    y + sample * y_img + oy * y_row + place, y_pix, ow, start, relu,
                    gated, mask + sample * mask_img + oy * mask_row + place, mask_pix, lanes,
                )  # fmt: skip


@kernel(
    "x x_img x_row x_pix w y y_img y_row y_pix n oh ow c kh kw sh sw ph pw dh dw bias relu size",
    extents=_extents,
    chunks=_images,
)
def depthwise2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y[n,oh,ow,c] = bias + cross-correlation of x with w, each channel by itself; a chunk is
    `size` images.

    x …              image of c channels with its zero border in place
    w                weights [kh,kw,c], contiguous
    y …              output image (interior address and strides)
    kh kw sh sw      kernel and stride;  ph pw  padding above and left;  dh dw  dilation
    bias             c numbers, or 0;  relu  1: negative results become 0
    """
    (
        x, x_img, x_row, x_pix, w, y, y_img, y_row, y_pix,
        n, oh, ow, c, kh, kw, sh, sw, ph, pw, dh, dw, bias, relu, size,
    ) = unpack(row)  # fmt: skip
    slide(
        x - ph * x_row - pw * x_pix, x_img, sh * x_row, sw * x_pix, dh * x_row, dw * x_pix,
        w, kw * c * ITEM, c * ITEM, kh, kw, c,
        y, y_img, y_row, y_pix, oh, ow, bias, relu, 0, 0, 0, 0,
        chunk * size, min(n, (chunk + 1) * size),
    )  # fmt: skip


def _dx_extents(w: Any, item: int) -> Iterator[Access]:
    yield from gradient_reach(w, w.c, item)
    yield block("w", w.w, (w.kh * w.kw * w.c, item), item=item)
    yield image(w, "dx", w.n, w.height, w.width, w.c, item, True)
    yield image(w, "mask", w.n, w.height, w.width, w.c, item)


@device
def first_tap(place: int, taps: int, stride: int, dilation: int) -> int:
    """The first tap k with place - k·dilation divisible by the stride, or `taps`."""
    for k in range(taps):
        if (place - k * dilation) % stride == 0:
            return k
    return taps


@device
def next_tap(stride: int, dilation: int) -> int:
    """From one such tap to the next: stride / gcd(stride, dilation)."""
    a, b = stride, dilation
    while b != 0:
        a, b = b, a % b
    return stride // a


@kernel(
    "dy dy_img dy_row dy_pix w dx dx_img dx_row dx_pix n height width oh ow c"
    " kh kw sh sw ph pw dh dw mask mask_img mask_row mask_pix size",
    extents=_dx_extents,
    chunks=_images,
)
def depthwise2d_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx[n,height,width,c] = gradient of depthwise2d to its input; a chunk is `size` images.

    dy …             output gradient with a zero border of `dx_border(…)` on each axis
    w                the weights [kh,kw,c] of the forward pass
    dx …             input gradient (interior address and strides), written whole
    height width     extents of x;  oh ow  extents of y;  the rest is depthwise2d's geometry
    mask …           dx-shaped image: dx counts only where it is > 0; or 0
    """
    (
        dy, dy_img, dy_row, dy_pix, w, dx, dx_img, dx_row, dx_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, dh, dw,
        mask, mask_img, mask_row, mask_pix, size,
    ) = unpack(row)  # fmt: skip
    # Pixels whose place has the same remainder by the stride are reached by the same taps.
    down, right = next_tap(sh, dh), next_tap(sw, dw)
    for top in range(min(sh, height)):
        for left in range(min(sw, width)):
            ky, kx = first_tap(top + ph, kh, sh, dh), first_tap(left + pw, kw, sw, dw)
            rows, columns = (kh - ky + down - 1) // down, (kw - kx + right - 1) // right
            start, gate = dy, 0
            if mask != 0:
                gate = mask + top * mask_row + left * mask_pix
            if rows > 0 and columns > 0:
                start += (top + ph - ky * dh) // sh * dy_row + (left + pw - kx * dw) // sw * dy_pix
            slide(
                start, dy_img, dy_row, dy_pix, -(down * dh // sh) * dy_row,
                -(right * dw // sw) * dy_pix,
                w + (ky * kw + kx) * c * ITEM, down * kw * c * ITEM, right * c * ITEM,
                rows, columns, c,
                dx + top * dx_row + left * dx_pix, dx_img, sh * dx_row, sw * dx_pix,
                (height - top + sh - 1) // sh, (width - left + sw - 1) // sw,
                0, 0, gate, mask_img, sh * mask_row, sw * mask_pix,
                chunk * size, min(n, (chunk + 1) * size),
            )  # fmt: skip


def _dw_extents(w: Any, item: int) -> Iterator[Access]:
    yield windows(w, w.c, item)
    yield image(w, "dy", w.n, w.oh, w.ow, w.c, item)
    parts = (pieces(w.n, w.size), w.partial_chunk)
    count = w.kh * w.kw * w.c
    yield block("partial", w.partial, parts, (count, item), item=item, write=True)
    parts = (pieces(w.n, w.size), w.db_chunk)
    yield block("db", w.db, parts, (w.c, item), item=item, write=True)


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix partial partial_chunk db db_chunk"
    " n oh ow c kh kw sh sw ph pw dh dw size",
    extents=_dw_extents,
    chunks=_images,
)
def depthwise2d_dw(row: int, chunk: int, tid: int, step: int) -> None:
    """Partial gradients to weights and bias from each chunk of `size` images; `sum_chunks` adds
    them.

    x …              input image with its zero border in place;  dy …  output gradient image
    partial          [chunks] of [kh,kw,c], `partial_chunk` bytes apart
    db               [chunks] of [c], `db_chunk` bytes apart: sum of dy over the pixels, or 0
    """
    (
        x, x_img, x_row, x_pix, dy, dy_img, dy_row, dy_pix, partial, partial_chunk, db, db_chunk,
        n, oh, ow, c, kh, kw, sh, sw, ph, pw, dh, dw, size,
    ) = unpack(row)  # fmt: skip
    first_image, last_image = chunk * size, min(n, (chunk + 1) * size)
    if db != 0:
        pixel_sums(
            dy, dy_img, dy_row, dy_pix, oh, ow, c, first_image, last_image, db + chunk * db_chunk
        )
    start, taps = x - ph * x_row - pw * x_pix, kh * kw
    for k in range(0, c, LANES):
        place = k * ITEM
        for tap in range(0, taps, 3):
            one, two = min(tap + 1, taps - 1), min(tap + 2, taps - 1)
            at_a = start + tap // kw * dh * x_row + tap % kw * dw * x_pix + place
            at_b = start + one // kw * dh * x_row + one % kw * dw * x_pix + place
            at_d = start + two // kw * dh * x_row + two % kw * dw * x_pix + place
            tap_sums(
                at_a, at_b, at_d, x_img, sh * x_row, sw * x_pix,
                dy + place, dy_img, dy_row, dy_pix, oh, ow, first_image, last_image,
                partial + chunk * partial_chunk + place, tap, one, two, c, c - k,
            )  # fmt: skip


@device
def tap_sums(
    at_a: int, at_b: int, at_d: int, x_img: int, x_row: int, x_pix: int,
    dy: int, dy_img: int, dy_row: int, dy_pix: int, oh: int, ow: int,
    first_image: int, last_image: int,
    target: int, tap: int, one: int, two: int, c: int, lanes: int,
) -> None:  # fmt: skip
    """Σ x · dy over the pixels for three taps, even and odd columns apart; lines of some
    2 · RUN pixels are summed by themselves, then together.

    The addresses are x at each tap of the first window. Fewer than three taps are left at the end:
    the last is then summed again, and stored again with the same bits.
    """
    mask, zero = first(lanes), splat(0.0)
    a, b, d, a2, b2, d2 = zero, zero, zero, zero, zero, zero
    near_a, near_b, near_d, room = zero, zero, zero, 2 * RUN
    for sample in range(first_image, last_image):
        for oy in range(oh):
            off = sample * x_img + oy * x_row
            source = dy + sample * dy_img + oy * dy_row
            for _ in range(ow // 2):
                g, h = load_masked(source, mask), load_masked(source + dy_pix, mask)
                a = fma(load_masked(at_a + off, mask), g, a)
                b = fma(load_masked(at_b + off, mask), g, b)
                d = fma(load_masked(at_d + off, mask), g, d)
                off += x_pix
                a2 = fma(load_masked(at_a + off, mask), h, a2)
                b2 = fma(load_masked(at_b + off, mask), h, b2)
                d2 = fma(load_masked(at_d + off, mask), h, d2)
                off += x_pix
                source += 2 * dy_pix
            if ow % 2 != 0:
                g = load_masked(source, mask)
                a = fma(load_masked(at_a + off, mask), g, a)
                b = fma(load_masked(at_b + off, mask), g, b)
                d = fma(load_masked(at_d + off, mask), g, d)
            room -= ow
            if room <= 0:
                near_a, near_b, near_d = near_a + (a + a2), near_b + (b + b2), near_d + (d + d2)
                a, b, d, a2, b2, d2, room = zero, zero, zero, zero, zero, zero, 2 * RUN
    store_masked(target + tap * c * ITEM, near_a + (a + a2), mask)
    store_masked(target + one * c * ITEM, near_b + (b + b2), mask)
    store_masked(target + two * c * ITEM, near_d + (d + d2), mask)
