"""Batch normalisation over NHWC images (a matrix is an image of 1×1 pixels), by channel.

Training: bn_moments → bn_combine → bn_apply; backward: bn_dx_sums → sum_chunks → bn_dx. Statistics
are means and sums of squared deviations per chunk, combined in chunk order (Chan, Golub & LeVeque
1979), so a large mean costs no digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.reduce import RUN, columns_sum
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    Mask,
    Vector,
    as_float,
    device,
    first,
    fma,
    greater,
    load_masked,
    rectify,
    select,
    splat,
    square_root,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

SIZES = "n height width c"


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


def _channels(w: Any, item: int, *names: str, write: bool = False) -> Iterator[Access]:
    for name in names:
        yield block(name, getattr(w, name), (w.c, item), item=item, write=write)


def _partial(w: Any, item: int) -> Access:
    dims = (_images(w), w.partial_chunk), (2 * w.c, item)
    return block("partial", w.partial, *dims, item=item, write=True)


def _moments_extents(w: Any, item: int) -> Iterator[Access]:
    yield image(w, "x", w.n, w.height, w.width, w.c, item)
    yield _partial(w, item)


@kernel(
    f"x x_img x_row x_pix partial partial_chunk {SIZES} size",
    extents=_moments_extents,
    chunks=_images,
)
def bn_moments(row: int, chunk: int, tid: int, step: int) -> None:
    """partial[chunk] = mean[c] then Σ (x - mean)²[c] over the chunk's `size` images.

    partial          [chunks] of [2,c], `partial_chunk` bytes apart
    """
    x, x_img, x_row, x_pix, partial, partial_chunk, n, height, width, c, size = unpack(row)
    x, n = x + chunk * size * x_img, min(size, n - chunk * size)
    share = splat(1.0 / (n * height * width))
    target = partial + chunk * partial_chunk
    if height * width == 1:  # one long line
        n, width, x_pix = 1, n, x_img
    for k in range(0, c, LANES):
        mask, at = first(c - k), x + k * ITEM
        mean = columns_sum(at, n, x_img, height, x_row, width, x_pix, c - k) * share
        squares = squared_distance(at, n, x_img, height, x_row, width, x_pix, mask, mean)
        store_masked(target + k * ITEM, mean, mask)
        store_masked(target + (c + k) * ITEM, squares, mask)


@device
def squared_distance(
    x: int, n: int, x_img: int, height: int, x_row: int, width: int, x_pix: int, mask: Mask,
    middle: Vector,
) -> Vector:  # fmt: skip
    """Σ (x - middle)² over the pixels of n images: a cascade as in `columns_sum`."""
    zero = splat(0.0)
    even, odd, near, far = zero, zero, zero, zero
    room, runs = RUN, RUN
    for sample in range(n):
        for y in range(height):
            at = x + sample * x_img + y * x_row
            left = width
            while left > 0:
                pixels = min(left, room)
                for _ in range(pixels // 2):
                    apart = load_masked(at, mask) - middle
                    even = fma(apart, apart, even)
                    apart = load_masked(at + x_pix, mask) - middle
                    odd = fma(apart, apart, odd)
                    at += 2 * x_pix
                if pixels % 2 != 0:
                    apart = load_masked(at, mask) - middle
                    even = fma(apart, apart, even)
                    at += x_pix
                left -= pixels
                room -= pixels
                if room == 0:
                    near, even, odd, room, runs = near + (even + odd), zero, zero, RUN, runs - 1
                    if runs == 0:
                        far, near, runs = far + near, zero, RUN
    return far + (near + (even + odd))


def _combine_extents(w: Any, item: int) -> Iterator[Access]:
    parts = pieces(w.n, w.images)
    yield block("partial", w.partial, (parts, w.partial_chunk), (2 * w.c, item), item=item)
    yield from _channels(w, item, "mean", "variance", "inverse", write=True)


@kernel(
    "partial partial_chunk images n pixels c epsilon:f mean variance inverse size",
    extents=_combine_extents,
    chunks=lambda w: pieces(w.c, w.size),
)
def bn_combine(row: int, chunk: int, tid: int, step: int) -> None:
    """mean[c], variance[c] (biased), inverse[c] = 1/√(variance + epsilon) from bn_moments'
    partials.

    images           images a partial holds (bn_moments' `size`)
    n, pixels        images in all, height·width
    variance         may be 0 (not wanted);  a chunk is `size` channels
    """
    (
        partial, partial_chunk, images, n, pixels, c, epsilon_bits, mean, variance, inverse, size,
    ) = unpack(row)  # fmt: skip
    one, epsilon = splat(1.0), splat(as_float(epsilon_bits))
    for k in range(chunk * size, min(c, (chunk + 1) * size), LANES):
        mask = first(min(c, (chunk + 1) * size) - k)
        middle, squares = splat(0.0), splat(0.0)
        seen = 0
        for part in range((n + images - 1) // images):
            at = partial + part * partial_chunk + k * ITEM
            count = min(images, n - part * images)
            apart = load_masked(at, mask) - middle
            share = splat(count / (seen + count))
            squares = squares + load_masked(at + c * ITEM, mask)
            squares = fma(apart * apart, splat(float(pixels) * seen) * share, squares)
            middle = fma(apart, share, middle)
            seen += count
        spread = squares * splat(1.0 / (n * pixels))
        store_masked(mean + k * ITEM, middle, mask)
        if variance != 0:
            store_masked(variance + k * ITEM, spread, mask)
        store_masked(inverse + k * ITEM, one / square_root(spread + epsilon), mask)


def _apply_extents(w: Any, item: int) -> Iterator[Access]:
    yield image(w, "x", w.n, w.height, w.width, w.c, item)
    yield image(w, "y", w.n, w.height, w.width, w.c, item, True)
    yield from _channels(w, item, "mean", "inverse", "gamma", "beta")


@kernel(
    f"x x_img x_row x_pix y y_img y_row y_pix {SIZES} mean inverse gamma beta epilogue size",
    extents=_apply_extents,
    chunks=_images,
)
def bn_apply(row: int, chunk: int, tid: int, step: int) -> None:
    """y = (x - mean) · inverse · gamma + beta by channel; relu when epilogue is 1; y may be x."""
    (
        x, x_img, x_row, x_pix, y, y_img, y_row, y_pix,
        n, height, width, c, mean, inverse, gamma, beta, epilogue, size,
    ) = unpack(row)  # fmt: skip
    for k in range(0, c * ITEM, LANES * ITEM):
        mask = first(c - k // ITEM)
        middle = load_masked(mean + k, mask)
        scale = load_masked(inverse + k, mask) * load_masked(gamma + k, mask)
        shift = load_masked(beta + k, mask)
        for sample in range(chunk * size, min(n, (chunk + 1) * size)):
            for line in range(height):
                at = x + sample * x_img + line * x_row + k
                to = y + sample * y_img + line * y_row + k
                for _ in range(width):
                    value = fma(load_masked(at, mask) - middle, scale, shift)
                    if epilogue == 1:
                        value = rectify(value)
                    store_masked(to, value, mask)
                    at += x_pix
                    to += y_pix


def _sums_extents(w: Any, item: int) -> Iterator[Access]:
    for name in ("x", "dy", "mask"):
        yield image(w, name, w.n, w.height, w.width, w.c, item)
    yield _partial(w, item)
    yield from _channels(w, item, "mean", "inverse")


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix mask mask_img mask_row mask_pix"
    f" {SIZES} mean inverse partial partial_chunk size",
    extents=_sums_extents,
    chunks=_images,
)
def bn_dx_sums(row: int, chunk: int, tid: int, step: int) -> None:
    """partial[chunk] = Σ dy [c] (for beta) then Σ dy·(x - mean)·inverse [c] (for gamma).

    A chunk is `size` images.
    mask             image shaped as dy (a relu's output): dy counts only where mask > 0; 0 means
                     all
    """
    (
        x, x_img, x_row, x_pix, dy, dy_img, dy_row, dy_pix, mask, mask_img, mask_row, mask_pix,
        n, height, width, c, mean, inverse, partial, partial_chunk, size,
    ) = unpack(row)  # fmt: skip
    zero, start = splat(0.0), chunk * size
    x, dy = x + start * x_img, dy + start * dy_img
    mask = mask + start * mask_img if mask != 0 else 0
    target, n = partial + chunk * partial_chunk, min(size, n - start)
    if height * width == 1:  # one long line
        n, width, x_pix, dy_pix, mask_pix = 1, n, x_img, dy_img, mask_img
    for k in range(0, c * ITEM, LANES * ITEM):
        lanes = first(c - k // ITEM)
        middle = load_masked(mean + k, lanes)
        part, dot, near, near_dot, total, product = zero, zero, zero, zero, zero, zero
        room, runs = RUN // 2, RUN
        for sample in range(n):
            for line in range(height):
                at = x + sample * x_img + line * x_row + k
                given_at = dy + sample * dy_img + line * dy_row + k
                open_at = mask + sample * mask_img + line * mask_row + k
                left = width
                while left > 0:
                    pixels = min(left, room)
                    for _ in range(pixels):
                        given = load_masked(given_at, lanes)
                        if mask != 0:
                            given = select(greater(load_masked(open_at, lanes), zero), given, zero)
                        part = part + given
                        dot = fma(given, load_masked(at, lanes) - middle, dot)
                        at += x_pix
                        given_at += dy_pix
                        open_at += mask_pix
                    left -= pixels
                    room -= pixels
                    if room == 0:
                        near, near_dot, room, runs = near + part, near_dot + dot, RUN // 2, runs - 1
                        part, dot = zero, zero
                        if runs == 0:
                            total, product, runs = total + near, product + near_dot, RUN
                            near, near_dot = zero, zero
        total, product = total + (near + part), product + (near_dot + dot)
        store_masked(target + k, total, lanes)
        scaled = product * load_masked(inverse + k, lanes)
        store_masked(target + c * ITEM + k, scaled, lanes)


def _dx_extents(w: Any, item: int) -> Iterator[Access]:
    for name in ("x", "dy", "mask"):
        yield image(w, name, w.n, w.height, w.width, w.c, item)
    yield image(w, "dx", w.n, w.height, w.width, w.c, item, True)
    yield from _channels(w, item, "mean", "inverse", "gamma", "d_mean", "d_variance")
    yield block("sums", w.sums, (2 * w.c, item), item=item)


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix mask mask_img mask_row mask_pix"
    f" dx dx_img dx_row dx_pix {SIZES} mean inverse gamma sums d_mean d_variance size",
    extents=_dx_extents,
    chunks=_images,
)
def bn_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx = gamma·inverse·(dy - Σdy/N - x̂·Σ(dy·x̂)/N) + d_mean/N + 2·d_variance·(x - mean)/N.

    N is n·height·width.

    sums             [2,c]: Σdy then Σ dy·x̂ (bn_dx_sums summed over chunks)
    d_mean, d_variance   gradients to the batch statistics [c], or 0 when there are none
    mask             as in bn_dx_sums;  dx may be dy;  a chunk is `size` images
    """
    (
        x, x_img, x_row, x_pix, dy, dy_img, dy_row, dy_pix, mask, mask_img, mask_row, mask_pix,
        dx, dx_img, dx_row, dx_pix, n, height, width, c,
        mean, inverse, gamma, sums, d_mean, d_variance, size,
    ) = unpack(row)  # fmt: skip
    zero, share = splat(0.0), splat(1.0 / (n * height * width))
    for k in range(0, c * ITEM, LANES * ITEM):
        lanes = first(c - k // ITEM)
        middle, inverted = load_masked(mean + k, lanes), load_masked(inverse + k, lanes)
        scale = load_masked(gamma + k, lanes) * inverted
        # dx = scale·dy + slope·(x - mean) + level
        level = zero - scale * load_masked(sums + k, lanes) * share
        slope = zero - scale * inverted * load_masked(sums + c * ITEM + k, lanes) * share
        if d_mean != 0:
            level = level + load_masked(d_mean + k, lanes) * share
        if d_variance != 0:
            slope = slope + load_masked(d_variance + k, lanes) * (share + share)
        for sample in range(chunk * size, min(n, (chunk + 1) * size)):
            for line in range(height):
                at = x + sample * x_img + line * x_row + k
                given_at = dy + sample * dy_img + line * dy_row + k
                open_at = mask + sample * mask_img + line * mask_row + k
                to = dx + sample * dx_img + line * dx_row + k
                for _ in range(width):
                    given = load_masked(given_at, lanes)
                    if mask != 0:
                        given = select(greater(load_masked(open_at, lanes), zero), given, zero)
                    value = fma(load_masked(at, lanes) - middle, slope, level)
                    store_masked(to, fma(scale, given, value), lanes)
                    at += x_pix
                    given_at += dy_pix
                    open_at += mask_pix
                    to += dx_pix
