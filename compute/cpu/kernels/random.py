"""Random numbers: the bits of `compute.philox`, keyed by seed, stream, step and canonical element index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.conv import image
from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces


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
    """out[n,y,x,c] = uniform(seed, stream, step)[((n·C + c)·H + y)·W + x] in [0,1); `size` of n a chunk.

    out …            NHWC image; a flat array of n·c values is an image of 1×1 pixels
    seed, stream     int64 run seed and stream key (`philox.stream_key(name)`)
    base             address of an int64 that is added to the interpreter's step (the run's step number of
                     step 0 of this call), or 0
    kind             0 the number itself; 1 Bernoulli: 1.0 where it is < the real at `probability`, else 0.0
    """
    (
        out, out_img, out_row, out_pix, n, c, height, width,
        seed, stream, base, kind, probability, size,
    ) = unpack(row)  # fmt: skip
