"""Convolution in three passes, as implicit matrix products over NHWC images.

An image operand `x` is four words: `x` the address of the interior element (n=0, y=0, x=0, c=0) and
the byte strides `x_img`, `x_row`, `x_pix`; channels are contiguous. Kernels read a zero border
around the interior at negative offsets and never check bounds; writers touch interiors only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.copy import transpose
from compute.cpu.kernels.correlate import correlate, correlate_transposed
from compute.cpu.kernels.reduce import columns_sum
from compute.cpu.kernels.vocabulary import ITEM, LANES, device, first, store_masked, unpack
from compute.cpu.templates import Access, block, kernel, pieces


def image(
    w: Any, name: str, count: int, height: int, width: int, channels: int, item: int,
    write: bool = False,
) -> Access:  # fmt: skip
    """The access to the interior of an image operand."""
    dims = (count, getattr(w, f"{name}_img")), (height, getattr(w, f"{name}_row"))
    across = (width, getattr(w, f"{name}_pix")), (channels, item)
    return block(name, getattr(w, name), *dims, *across, item=item, write=write)


def windows(w: Any, channels: int, item: int) -> Access:
    """What the windows of a convolution over image `x` reach: from -pad to the last tap of the last
    window.
    """
    if min(w.n, w.oh, w.ow, channels) <= 0:
        return Access("x", 0, 0, 0)
    start = -w.ph * w.x_row - w.pw * w.x_pix
    rows = (w.oh - 1) * w.sh + (w.kh - 1) * w.dh + 1
    columns = (w.ow - 1) * w.sw + (w.kw - 1) * w.dw + 1
    reach = block(
        "x", w.x, (w.n, w.x_img), (rows, w.x_row), (columns, w.x_pix), (channels, item), item=item
    )
    return Access("x", w.x, reach.low + start, reach.high + start)


GEOMETRY = "n oh ow ci co kh kw sh sw ph pw dh dw"


def _conv_extents(w: Any, item: int) -> Iterator[Access]:
    yield windows(w, w.ci, item)
    yield block("w", w.w, (w.kh * w.kw * w.ci * w.co, item), item=item)
    yield image(w, "y", w.n, w.oh, w.ow, w.co, item, True)
    if w.init == 2:
        yield block("bias", w.bias, (w.co, item), item=item)
    if w.epilogue == 2:
        yield image(w, "mask", w.n, w.oh, w.ow, w.co, item)
    if w.pre:
        dims = (w.n, w.y_img), (w.oh, w.y_row), (w.ow, w.y_pix), (w.co, item)
        yield block("pre", w.pre, *dims, item=item, write=True)


def _images(w: Any) -> int:
    return pieces(w.n, w.size)


@kernel(
    f"x x_img x_row x_pix w y y_img y_row y_pix {GEOMETRY}"
    " init bias epilogue mask mask_img mask_row mask_pix pre size",
    extents=_conv_extents,
    chunks=_images,
)
def conv2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y[n,oh,ow,co] = epilogue(init + cross-correlation of x with w); a chunk is `size` images.

    x …              image of ci channels with its zero border in place
    w                weights [kh,kw,ci,co], contiguous
    y …              output image (interior address and strides), co channels
    n oh ow ci co    images, output height and width, channels in and out
    kh kw sh sw      kernel and stride;  ph pw  padding above and left;  dh dw  dilation
    init, bias, epilogue, mask …   as in gemm; the mask is y-shaped with strides of its own
    pre              y-shaped, with y's strides: where the value before the epilogue is stored as
                     well, or 0
    """
    (
        x, x_img, x_row, x_pix, w, y, y_img, y_row, y_pix,
        n, oh, ow, ci, co, kh, kw, sh, sw, ph, pw, dh, dw,
        init, bias, epilogue, mask, mask_img, mask_row, mask_pix, pre, size,
    ) = unpack(row)  # fmt: skip
    correlate(
        x - ph * x_row - pw * x_pix, x_img, sh * x_row, sw * x_pix, dh * x_row, dw * x_pix,
        w, kh, kw, ci, co, y, y_img, y_row, y_pix, oh, ow,
        init, bias, epilogue, mask, mask_img, mask_row, mask_pix, pre,
        chunk * size, min(n, (chunk + 1) * size),
    )  # fmt: skip


def dx_border(
    size: int, out: int, kernel: int, stride: int, pad: int, dilation: int
) -> tuple[int, int]:
    """Zero border (before, after) that conv2d_dx reads around dy along one axis.

    `size` is the input's extent, `out` the output's; the other arguments are the forward pass's.
    """
    reach = dilation * (kernel - 1)
    first = -((reach - pad) // stride) if reach > pad else 0
    last = (size - 1 + pad) // stride
    return max(0, -first), max(0, last - (out - 1))


def gradient_reach(w: Any, channels: int, item: int) -> Iterator[Access]:
    """What a gradient to the input reads of the output gradient `dy`, border included."""
    if min(w.n, w.height, w.width, w.oh, w.ow) > 0:
        top, bottom = dx_border(w.height, w.oh, w.kh, w.sh, w.ph, w.dh)
        left, right = dx_border(w.width, w.ow, w.kw, w.sw, w.pw, w.dw)
        start = -top * w.dy_row - left * w.dy_pix
        rows, columns = top + w.oh + bottom, left + w.ow + right
        reach = block(
            "dy", w.dy, (w.n, w.dy_img), (rows, w.dy_row), (columns, w.dy_pix), (channels, item),
            item=item,
        )  # fmt: skip
        yield Access("dy", w.dy, reach.low + start, reach.high + start)


def _dx_extents(w: Any, item: int) -> Iterator[Access]:
    yield from gradient_reach(w, w.co, item)
    yield block("w", w.w, (w.kh * w.kw * w.ci * w.co, item), item=item)
    yield image(w, "dx", w.n, w.height, w.width, w.ci, item, True)
    if w.epilogue == 2:
        yield image(w, "mask", w.n, w.height, w.width, w.ci, item)


@device
def last_tap(place: int, taps: int, stride: int, dilation: int) -> int:
    """The last tap k with place - k·dilation divisible by the stride, or -1."""
    for k in range(taps - 1, -1, -1):
        if (place - k * dilation) % stride == 0:
            return k
    return -1


@kernel(
    "dy dy_img dy_row dy_pix w dx dx_img dx_row dx_pix n height width oh ow ci co"
    " kh kw sh sw ph pw dh dw init epilogue mask mask_img mask_row mask_pix size",
    extents=_dx_extents,
    chunks=_images,
)
def conv2d_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx[n,height,width,ci] = epilogue(init + gradient of conv2d to its input); a chunk is `size`
    images.

    dy …             output gradient, co channels, with a zero border of `dx_border(…)` on each axis
    w                the flipped weights [kh,kw,co,ci] that `flip_weights` writes
    dx …             input gradient (interior address and strides), ci channels
    height width     extents of x;  oh ow  extents of y;  the rest is conv2d's geometry, any stride
                     and dilation
    init             0 zero, 1 the present dx;  epilogue  0 none, 2 keep where mask > 0 (mask is dx-
                     shaped)
    """
    (
        dy, dy_img, dy_row, dy_pix, w, dx, dx_img, dx_row, dx_pix,
        n, height, width, oh, ow, ci, co, kh, kw, sh, sw, ph, pw, dh, dw,
        init, epilogue, mask, mask_img, mask_row, mask_pix, size,
    ) = unpack(row)  # fmt: skip
    first_image, last_image = chunk * size, min(n, (chunk + 1) * size)
    if sh == 1 and sw == 1:
        up, left = (kh - 1) * dh - ph, (kw - 1) * dw - pw
        correlate(
            dy - up * dy_row - left * dy_pix, dy_img, dy_row, dy_pix, dh * dy_row, dw * dy_pix,
            w, kh, kw, co, ci, dx, dx_img, dx_row, dx_pix, height, width,
            init, 0, epilogue, mask, mask_img, mask_row, mask_pix, 0, first_image, last_image,
        )  # fmt: skip
        return
    # Pixels whose place has the same remainder by the stride are reached by the same taps.
    for top in range(min(sh, height)):
        for left in range(min(sw, width)):
            last_y, last_x = last_tap(top + ph, kh, sh, dh), last_tap(left + pw, kw, sw, dw)
            target = dx + top * dx_row + left * dx_pix
            masked = mask + top * mask_row + left * mask_pix
            rows, columns = (height - top + sh - 1) // sh, (width - left + sw - 1) // sw
            begin = init
            if last_y < 0 or last_x < 0:
                correlate(
                    dy, dy_img, 0, 0, 0, 0, w, 0, 0, co, ci,
                    target, dx_img, sh * dx_row, sw * dx_pix, rows, columns,
                    init, 0, epilogue, masked, mask_img, sh * mask_row, sw * mask_pix, 0,
                    first_image, last_image,
                )  # fmt: skip
                continue
            for ky in range(last_y + 1):
                for kx in range(last_x + 1):
                    down, right = top + ph - ky * dh, left + pw - kx * dw
                    if down % sh != 0 or right % sw != 0:
                        continue
                    flipped = ((kh - 1 - ky) * kw + kw - 1 - kx) * co * ci * ITEM
                    done = ky == last_y and kx == last_x
                    correlate(
                        dy + down // sh * dy_row + right // sw * dy_pix,
                        dy_img, dy_row, dy_pix, 0, 0,
                        w + flipped, 1, 1, co, ci,
                        target, dx_img, sh * dx_row, sw * dx_pix, rows, columns,
                        begin, 0, epilogue if done else 0,
                        masked, mask_img, sh * mask_row, sw * mask_pix, 0, first_image, last_image,
                    )  # fmt: skip
                    begin = 1


def _dw_extents(w: Any, item: int) -> Iterator[Access]:
    chunks = pieces(w.n, w.size)
    yield windows(w, w.ci, item)
    yield image(w, "dy", w.n, w.oh, w.ow, w.co, item)
    count = w.kh * w.kw * w.ci * w.co
    parts = (chunks, w.partial_chunk)
    yield block("partial", w.partial, parts, (count, item), item=item, write=True)
    yield block("db", w.db, (chunks, w.db_chunk), (w.co, item), item=item, write=True)


@kernel(
    "x x_img x_row x_pix dy dy_img dy_row dy_pix partial partial_chunk db db_chunk"
    f" {GEOMETRY} size",
    extents=_dw_extents,
    chunks=_images,
)
def conv2d_dw(row: int, chunk: int, tid: int, step: int) -> None:
    """Partial gradients to weights and bias from each chunk of `size` images; `sum_chunks` adds
    them.

    x …              input image of ci channels with its zero border in place
    dy …             output gradient image, co channels; needs no border
    partial          [chunks] of [kh,kw,ci,co], `partial_chunk` bytes apart
    db               [chunks] of [co], `db_chunk` bytes apart: sum of dy over the chunk's pixels, or
                     0
    With a single chunk `partial` may be the gradient itself.
    """
    (
        x, x_img, x_row, x_pix, dy, dy_img, dy_row, dy_pix, partial, partial_chunk, db, db_chunk,
        n, oh, ow, ci, co, kh, kw, sh, sw, ph, pw, dh, dw, size,
    ) = unpack(row)  # fmt: skip
    first_image, last_image = chunk * size, min(n, (chunk + 1) * size)
    correlate_transposed(
        x - ph * x_row - pw * x_pix, x_img, sh * x_row, sw * x_pix, dh * x_row, dw * x_pix,
        dy, dy_img, dy_row, dy_pix, partial + chunk * partial_chunk,
        oh, ow, ci, co, kh, kw, first_image, last_image,
    )  # fmt: skip
    if db != 0:
        pixel_sums(
            dy, dy_img, dy_row, dy_pix, oh, ow, co, first_image, last_image, db + chunk * db_chunk
        )


@device
def pixel_sums(
    x: int, x_img: int, x_row: int, x_pix: int, height: int, width: int, channels: int,
    first_image: int, last_image: int, target: int,
) -> None:  # fmt: skip
    """target[c] = sum of x over the pixels of the images."""
    images, start = last_image - first_image, x + first_image * x_img
    for c in range(0, channels, LANES):
        at, left = start + c * ITEM, channels - c
        total = columns_sum(at, images, x_img, height, x_row, width, x_pix, left)
        store_masked(target + c * ITEM, total, first(left))


def _flip_extents(w: Any, item: int) -> Iterator[Access]:
    count = w.kh * w.kw * w.ci * w.co
    yield block("w", w.w, (count, item), item=item)
    yield block("flipped", w.flipped, (count, item), item=item, write=True)


@kernel(
    "w flipped kh kw ci co size",
    extents=_flip_extents,
    chunks=lambda w: pieces(w.kh * w.kw, w.size),
)
def flip_weights(row: int, chunk: int, tid: int, step: int) -> None:
    """flipped[kh-1-y, kw-1-x, co, ci] = w[y, x, ci, co]; a chunk is `size` taps."""
    w, flipped, kh, kw, ci, co, size = unpack(row)
    taps = kh * kw
    for tap in range(chunk * size, min(taps, (chunk + 1) * size)):
        source, target = w + tap * ci * co * ITEM, flipped + (taps - 1 - tap) * ci * co * ITEM
        transpose(source, co * ITEM, target, ci * ITEM, ci, co)
