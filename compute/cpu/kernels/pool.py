"""Maximum and average pooling over NHWC images, vectorised over channels.

Windows slide from (-ph, -pw); taps outside the image count as -inf for the maximum and as 0 for
the average (which divides by the whole window, as PyTorch's count_include_pad=True). Borders are
never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    LEAST,
    VECTOR,
    Mask,
    Vector,
    both,
    device,
    first,
    greater,
    load,
    load_masked,
    maximum,
    same,
    select,
    splat,
    store,
    store_masked,
    unpack,
    without,
)
from compute.cpu.templates import Access, Extents, kernel, pieces

GEOMETRY = "n height width oh ow c kh kw sh sw ph pw"


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


def _extents(big: tuple[str, ...], small: tuple[str, ...], output: str) -> Extents:
    """Accesses of operands of the input's size (`big`) and of the output's size (`small`)."""

    def extents(w: Any, item: int) -> Iterator[Access]:
        for name in big:
            yield image(w, name, w.n, w.height, w.width, w.c, item, name == output)
        for name in small:
            yield image(w, name, w.n, w.oh, w.ow, w.c, item, name == output)

    return extents


def _operands(*names: str) -> str:
    return " ".join(f"{name} {name}_img {name}_row {name}_pix" for name in names)


def _pool(
    big: tuple[str, ...], small: tuple[str, ...], output: str, extra: str = ""
) -> Callable[..., Any]:
    words = f"{_operands(*big, *small)} {GEOMETRY} {extra} size"
    return kernel(words, extents=_extents(big, small, output), chunks=_images)


@device
def low(start: int) -> int:
    """First tap of a window that begins at `start` which lies inside the image."""
    return max(0, -start)


@device
def high(start: int, taps: int, extent: int) -> int:
    """One past the last such tap."""
    return min(taps, extent - start)


@device
def window_max(
    at: int, row: int, pix: int, y0: int, y1: int, x0: int, x1: int, mask: Mask
) -> Vector:
    """Largest value of the taps y0 … y1-1, x0 … x1-1 of the window whose first tap is at `at`."""
    best = splat(LEAST)
    for ky in range(y0, y1):
        for kx in range(x0, x1):
            best = maximum(best, load_masked(at + ky * row + kx * pix, mask))
    return best


@device
def halves(
    height: int, width: int, oh: int, ow: int, c: int,
    kh: int, kw: int, sh: int, sw: int, ph: int, pw: int,
) -> bool:  # fmt: skip
    """Whether 2×2 windows, side by side and without padding, tile the image in whole vectors."""
    if kh != 2 or kw != 2 or sh != 2 or sw != 2 or ph != 0 or pw != 0:
        return False
    return height == 2 * oh and width == 2 * ow and c % LANES == 0


@device
def halve(
    at: int, x_row: int, x_pix: int, target: int, y_row: int, y_pix: int, oh: int, ow: int, c: int
) -> None:
    """The maximum of every 2×2 window of one image."""
    for oy in range(oh):
        for ox in range(ow):
            from_ = at + 2 * oy * x_row + 2 * ox * x_pix
            to = target + oy * y_row + ox * y_pix
            for k in range(0, c * ITEM, VECTOR):
                above = maximum(load(from_ + k), load(from_ + k + x_pix))
                below = maximum(load(from_ + k + x_row), load(from_ + k + x_row + x_pix))
                store(to + k, maximum(above, below))


@device
def halve_dx(
    at: int, x_row: int, x_pix: int, target: int, dx_row: int, dx_pix: int,
    source: int, dy_row: int, dy_pix: int, oh: int, ow: int, c: int, relu: int,
) -> None:  # fmt: skip
    """The gradient of `halve`: every place of the image is written once."""
    zero = splat(0.0)
    for oy in range(oh):
        for ox in range(ow):
            from_ = at + 2 * oy * x_row + 2 * ox * x_pix
            to = target + 2 * oy * dx_row + 2 * ox * dx_pix
            given_at = source + oy * dy_row + ox * dy_pix
            for k in range(0, c * ITEM, VECTOR):
                p00, p01 = load(from_ + k), load(from_ + k + x_pix)
                p10, p11 = load(from_ + k + x_row), load(from_ + k + x_row + x_pix)
                best = maximum(maximum(p00, p01), maximum(p10, p11))
                given = load(given_at + k)
                if relu != 0:
                    given = select(greater(best, zero), given, zero)
                hit = same(p00, best)
                store(to + k, select(hit, given, zero))
                given = select(hit, zero, given)
                hit = same(p01, best)
                store(to + k + dx_pix, select(hit, given, zero))
                given = select(hit, zero, given)
                hit = same(p10, best)
                store(to + k + dx_row, select(hit, given, zero))
                store(to + k + dx_row + dx_pix, select(hit, zero, given))


@device
def clear_image(at: int, row: int, pix: int, height: int, width: int, channels: int) -> None:
    """Zeroes the interior of one image."""
    zero = splat(0.0)
    for y in range(height):
        for x in range(width):
            for c in range(0, channels, LANES):
                store_masked(at + y * row + x * pix + c * ITEM, zero, first(channels - c))


@_pool(("x",), ("y",), "y")
def max_pool2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y = largest value of each window of x; NaN wins; a chunk is `size` images.

    x …, y …         images of `height`×`width` and `oh`×`ow`, c channels
    kh kw sh sw      window and stride;  ph pw  padding above and left
    """
    (
        x, x_img, x_row, x_pix, y, y_img, y_row, y_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, size,
    ) = unpack(row)  # fmt: skip
    tiled = halves(height, width, oh, ow, c, kh, kw, sh, sw, ph, pw)
    for sample in range(chunk * size, min(n, (chunk + 1) * size)):
        if tiled:
            at, target = x + sample * x_img, y + sample * y_img
            halve(at, x_row, x_pix, target, y_row, y_pix, oh, ow, c)
            continue
        for oy in range(oh):
            top = oy * sh - ph
            y0, y1 = low(top), high(top, kh, height)
            for ox in range(ow):
                left = ox * sw - pw
                x0, x1 = low(left), high(left, kw, width)
                at = x + sample * x_img + top * x_row + left * x_pix
                target = y + sample * y_img + oy * y_row + ox * y_pix
                for k in range(0, c, LANES):
                    mask = first(c - k)
                    best = window_max(at + k * ITEM, x_row, x_pix, y0, y1, x0, x1, mask)
                    store_masked(target + k * ITEM, best, mask)


@_pool(("x", "dx"), ("dy",), "dx", "relu init")
def max_pool2d_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx = dy sent to the first maximum of each window, row by row, zero elsewhere.

    dx …             the whole interior is written; may not overlap the other operands
    relu             1: dy counts only where the window's maximum is > 0 (x is a relu's output)
    init             0 start from zero, 1 add to the present dx
    """
    (
        x, x_img, x_row, x_pix, dx, dx_img, dx_row, dx_pix, dy, dy_img, dy_row, dy_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, relu, init, size,
    ) = unpack(row)  # fmt: skip
    zero = splat(0.0)
    tiled = init == 0 and halves(height, width, oh, ow, c, kh, kw, sh, sw, ph, pw)
    for sample in range(chunk * size, min(n, (chunk + 1) * size)):
        if tiled:
            halve_dx(
                x + sample * x_img, x_row, x_pix, dx + sample * dx_img, dx_row, dx_pix,
                dy + sample * dy_img, dy_row, dy_pix, oh, ow, c, relu,
            )  # fmt: skip
            continue
        if init == 0:
            clear_image(dx + sample * dx_img, dx_row, dx_pix, height, width, c)
        for oy in range(oh):
            top = oy * sh - ph
            y0, y1 = low(top), high(top, kh, height)
            for ox in range(ow):
                left = ox * sw - pw
                x0, x1 = low(left), high(left, kw, width)
                at = x + sample * x_img + top * x_row + left * x_pix
                target = dx + sample * dx_img + top * dx_row + left * dx_pix
                source = dy + sample * dy_img + oy * dy_row + ox * dy_pix
                for k in range(0, c, LANES):
                    mask = first(c - k)
                    best = window_max(at + k * ITEM, x_row, x_pix, y0, y1, x0, x1, mask)
                    given = load_masked(source + k * ITEM, mask)
                    if relu != 0:
                        given = select(greater(best, zero), given, zero)
                    open_ = mask
                    for ky in range(y0, y1):
                        for kx in range(x0, x1):
                            value = load_masked(at + ky * x_row + kx * x_pix + k * ITEM, mask)
                            hit = both(open_, same(value, best))
                            place = target + ky * dx_row + kx * dx_pix + k * ITEM
                            before = load_masked(place, mask)
                            store_masked(place, before + select(hit, given, zero), mask)
                            open_ = without(open_, hit)


@_pool(("x", "h"), ("y",), "y")
def max_pool2d_take(row: int, chunk: int, tid: int, step: int) -> None:
    """y = h at the first maximum of each window of x: the gradient of max_pool2d_dx to dy."""
    (
        x, x_img, x_row, x_pix, h, h_img, h_row, h_pix, y, y_img, y_row, y_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, size,
    ) = unpack(row)  # fmt: skip
    for sample in range(chunk * size, min(n, (chunk + 1) * size)):
        for oy in range(oh):
            top = oy * sh - ph
            y0, y1 = low(top), high(top, kh, height)
            for ox in range(ow):
                left = ox * sw - pw
                x0, x1 = low(left), high(left, kw, width)
                at = x + sample * x_img + top * x_row + left * x_pix
                values = h + sample * h_img + top * h_row + left * h_pix
                target = y + sample * y_img + oy * y_row + ox * y_pix
                for k in range(0, c, LANES):
                    mask = first(c - k)
                    best = window_max(at + k * ITEM, x_row, x_pix, y0, y1, x0, x1, mask)
                    found, open_ = splat(0.0), mask
                    for ky in range(y0, y1):
                        for kx in range(x0, x1):
                            value = load_masked(at + ky * x_row + kx * x_pix + k * ITEM, mask)
                            hit = both(open_, same(value, best))
                            place = values + ky * h_row + kx * h_pix + k * ITEM
                            found = select(hit, load_masked(place, mask), found)
                            open_ = without(open_, hit)
                    store_masked(target + k * ITEM, found, mask)


@_pool(("x",), ("y",), "y")
def avg_pool2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y = sum of each window of x divided by kh·kw; a chunk is `size` images."""
    (
        x, x_img, x_row, x_pix, y, y_img, y_row, y_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, size,
    ) = unpack(row)  # fmt: skip
    scale = splat(1.0 / (kh * kw))
    for sample in range(chunk * size, min(n, (chunk + 1) * size)):
        for oy in range(oh):
            top = oy * sh - ph
            y0, y1 = low(top), high(top, kh, height)
            for ox in range(ow):
                left = ox * sw - pw
                x0, x1 = low(left), high(left, kw, width)
                at = x + sample * x_img + top * x_row + left * x_pix
                target = y + sample * y_img + oy * y_row + ox * y_pix
                for k in range(0, c, LANES):
                    mask = first(c - k)
                    total = splat(0.0)
                    for ky in range(y0, y1):
                        for kx in range(x0, x1):
                            place = at + ky * x_row + kx * x_pix + k * ITEM
                            total = total + load_masked(place, mask)
                    store_masked(target + k * ITEM, total * scale, mask)


@_pool(("dx",), ("dy",), "dx", "init")
def avg_pool2d_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx = dy / (kh·kw) spread over each window; init 0 starts from zero, 1 adds to dx."""
    (
        dx, dx_img, dx_row, dx_pix, dy, dy_img, dy_row, dy_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, init, size,
    ) = unpack(row)  # fmt: skip
    scale = splat(1.0 / (kh * kw))
    for sample in range(chunk * size, min(n, (chunk + 1) * size)):
        if init == 0:
            clear_image(dx + sample * dx_img, dx_row, dx_pix, height, width, c)
        for oy in range(oh):
            top = oy * sh - ph
            y0, y1 = low(top), high(top, kh, height)
            for ox in range(ow):
                left = ox * sw - pw
                x0, x1 = low(left), high(left, kw, width)
                target = dx + sample * dx_img + top * dx_row + left * dx_pix
                source = dy + sample * dy_img + oy * dy_row + ox * dy_pix
                for k in range(0, c, LANES):
                    mask = first(c - k)
                    share = load_masked(source + k * ITEM, mask) * scale
                    for ky in range(y0, y1):
                        for kx in range(x0, x1):
                            place = target + ky * dx_row + kx * dx_pix + k * ITEM
                            store_masked(place, load_masked(place, mask) + share, mask)
