"""Random numbers: the bits of `compute.philox`, keyed by seed, stream, step and canonical element
index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.program import copy_reals
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Stack,
    device,
    first,
    get_real,
    get_word,
    greater,
    load,
    load_masked,
    philox_block,
    select,
    splat,
    store_masked,
    transpose_block,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

SEGMENT = 128  # pixels of a channel drawn at a time
ROW = (SEGMENT + 64) * 8  # bytes of one channel's row of numbers
NUMBERS = Stack(4 * 64)  # what one philox_block writes
PLANES = Stack(16 * ROW)  # a row of numbers for each lane
TURNED = Stack(16 * 64)


@device
def draw(target: int, start: int, count: int, step: int, stream: int, seed: int) -> None:
    """Writes the numbers start … start + count - 1 of the stream."""
    numbers, group = NUMBERS(), 4 * LANES
    done = 0
    while done < count:
        index = start + done
        skip = index % group
        run = min(group - skip, count - done)
        if run == group:
            philox_block(target + done * ITEM, index // 4, step, stream, seed)
        else:
            philox_block(numbers, (index - skip) // 4, step, stream, seed)
            copy_reals(numbers + skip * ITEM, target + done * ITEM, run)
        done += run


@device
def decide(target: int, count: int, limit: float) -> None:
    """Replaces each number by 1 where it is below the limit, else by 0."""
    bound, one, zero = splat(limit), splat(1.0), splat(0.0)
    for j in range(0, count, LANES):
        mask = first(count - j)
        value = load_masked(target + j * ITEM, mask)
        store_masked(target + j * ITEM, select(greater(bound, value), one, zero), mask)


@device
def draw_line(
    target: int, start: int, count: int, step: int, stream: int, seed: int, kind: int, limit: float
) -> None:
    """Numbers, or decisions, that lie side by side."""
    draw(target, start, count, step, stream, seed)
    if kind == 1:
        decide(target, count, limit)


@device
def draw_lines(
    out: int, row: int, height: int, width: int, start: int,
    step: int, stream: int, seed: int, kind: int, limit: float,
) -> None:  # fmt: skip
    """An image of one channel: some lines at a time are drawn and then put in their places."""
    planes, together = PLANES(), max(1, SEGMENT * LANES // width)
    for y in range(0, height, together):
        lines = min(together, height - y)
        if row == width * ITEM or together == 1:
            draw_line(
                out + y * row, start + y * width, lines * width, step, stream, seed, kind, limit
            )
            continue
        draw_line(planes, start + y * width, lines * width, step, stream, seed, kind, limit)
        for line in range(lines):
            copy_reals(planes + line * width * ITEM, out + (y + line) * row, width)


@device
def draw_pixels(
    out: int, row: int, pix: int, width: int, pixel: int, count: int, channels: int,
    start: int, plane: int, step: int, stream: int, seed: int, kind: int, limit: float,
) -> None:  # fmt: skip
    """`count` pixels from number `pixel` on, of at most LANES channels of an image.

    Numbers run along pixels, channel after channel (`plane` apart); memory runs along channels. So
    a row of numbers is drawn for each channel, and squares of them are transposed.
    """
    planes, turned, mask = PLANES(), TURNED(), first(channels)
    begin, stride = start + pixel, ROW
    if count == plane:  # small images: the channels' numbers follow one another
        stride = plane * ITEM
        draw_line(planes, begin, channels * plane, step, stream, seed, kind, limit)
    else:
        for k in range(channels):
            draw_line(planes + k * ROW, begin + k * plane, count, step, stream, seed, kind, limit)
    y, x = pixel // width, pixel % width
    for p in range(0, count, LANES):
        transpose_block(planes + p * ITEM, stride, turned, VECTOR)
        for q in range(min(LANES, count - p)):
            store_masked(out + y * row + x * pix, load(turned + q * VECTOR), mask)
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
    plane = height * width
    for i in range(chunk * size, min(n, (chunk + 1) * size)):
        at, start = out + i * out_img, i * c * plane
        if plane == 1:
            draw_line(at, start, c, number, stream, seed, kind, limit)
        elif c == 1 and out_pix == ITEM:
            draw_lines(at, out_row, height, width, start, number, stream, seed, kind, limit)
        else:
            for k in range(0, c, LANES):
                for pixel in range(0, plane, SEGMENT):
                    draw_pixels(
                        at + k * ITEM, out_row, out_pix, width, pixel,
                        min(SEGMENT, plane - pixel), min(LANES, c - k), start + k * plane, plane,
                        number, stream, seed, kind, limit,
                    )  # fmt: skip
