"""Maximum and average pooling over NHWC images, vectorised over channels.

Windows slide from (-ph, -pw); taps outside the image count as -inf for the maximum and as 0 for the average
(which divides by the whole window, as PyTorch's count_include_pad=True). Borders are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.vocabulary import unpack
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


def _pool(big: tuple[str, ...], small: tuple[str, ...], output: str, extra: str = "") -> Callable[..., Any]:
    words = f"{_operands(*big, *small)} {GEOMETRY} {extra} size"
    return kernel(words, extents=_extents(big, small, output), chunks=_images)


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


@_pool(("x", "h"), ("y",), "y")
def max_pool2d_take(row: int, chunk: int, tid: int, step: int) -> None:
    """y = value of h at the first maximum of each window of x (the gradient of max_pool2d_dx to dy)."""
    (
        x, x_img, x_row, x_pix, h, h_img, h_row, h_pix, y, y_img, y_row, y_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, size,
    ) = unpack(row)  # fmt: skip


@_pool(("x",), ("y",), "y")
def avg_pool2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y = sum of each window of x divided by kh·kw; a chunk is `size` images."""
    (
        x, x_img, x_row, x_pix, y, y_img, y_row, y_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, size,
    ) = unpack(row)  # fmt: skip


@_pool(("dx",), ("dy",), "dx", "init")
def avg_pool2d_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """dx = dy / (kh·kw) spread over each window; init 0 starts from zero, 1 adds to the present dx."""
    (
        dx, dx_img, dx_row, dx_pix, dy, dy_img, dy_row, dy_pix,
        n, height, width, oh, ow, c, kh, kw, sh, sw, ph, pw, init, size,
    ) = unpack(row)  # fmt: skip
