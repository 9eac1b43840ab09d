"""Random numbers: the bits of `compute.philox`, keyed by seed, stream, step and canonical element
index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    Stack,
    device,
    get_real,
    get_word,
    philox_block,
    set_real,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

NUMBERS = Stack(4 * 64)  # what one philox_block writes


@device
def put_plane(
    out: int, row: int, pix: int, height: int, width: int, start: int,
    step: int, stream: int, seed: int, kind: int, limit: float,
) -> None:  # fmt: skip
    """The numbers start … start + height·width - 1 of the stream, at the pixels in order."""
    numbers, held = NUMBERS(), -1
    stop = start + height * width
    y, x = 0, 0
    for index in range(start, stop):
        group = index // (4 * LANES)
        if group != held:
            philox_block(numbers, group * LANES, step, stream, seed)
            held = group
        value = get_real(numbers + (index - group * 4 * LANES) * ITEM)
        if kind == 1:
            value = 1.0 if value < limit else 0.0
        set_real(out + y * row + x * pix, value)
        x += 1
        if x == width:
            x, y = 0, y + 1


def _extents(w: Any, item: int) -> Iterator[Access]:
    yield image(w, "out", w.n, w.height, w.width, w.c, item, True)
    yield block("base", w.base, (1, 8), item=8)
    if w.kind == 1:
        yield block("probability", w.probability, (1, item), item=item)


@kernel(
    "out out_img out_row out_pix n c height width seed stream base kind probability size",
    extents=_extents,
    chunks=lambda w: pieces(w.n, w.size),
)
def random_uniform(row: int, chunk: int, tid: int, step: int) -> None:
    """out[n,y,x,c] = uniform(seed, stream, step)[((n·C + c)·H + y)·W + x] in [0,1); `size` of n a
    chunk.

    out …            NHWC image; a flat array of n·c values is an image of 1×1 pixels
    seed, stream     int64 run seed and stream key (`philox.stream_key(name)`)
    base             address of an int64 that is added to the interpreter's step (the run's step
                     number of step 0 of this call), or 0
    kind             0 the number itself; 1 Bernoulli: 1.0 where it is < the real at `probability`,
                     else 0.0
    """
    (
        out, out_img, out_row, out_pix, n, c, height, width,
        seed, stream, base, kind, probability, size,
    ) = unpack(row)  # fmt: skip
    number = step + (get_word(base) if base != 0 else 0)
    limit = get_real(probability) if kind == 1 else 0.0
    for i in range(chunk * size, min(n, (chunk + 1) * size)):
        if height * width == 1:
            start = i * c
            put_plane(out + i * out_img, 0, ITEM, 1, c, start, number, stream, seed, kind, limit)
            continue
        for k in range(c):
            start = (i * c + k) * height * width
            at = out + i * out_img + k * ITEM
            put_plane(at, out_row, out_pix, height, width, start, number, stream, seed, kind, limit)
