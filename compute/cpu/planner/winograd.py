"""Which convolutions run by Winograd's transforms, and what their steps need beside.

Only a run that asks for fast convolution is planned so: the results differ from those of the direct
kernels in their last digits (about twice the rounding error).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from compute.cpu.kernels import SPECS
from compute.cpu.kernels.transforms import EDGE, POINTS
from compute.cpu.kernels.winograd import PADDED, weight_bytes, work_bytes
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.images import image_words
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import View
from graph.program import Row

TILES = 32  # worked on together: enough for the products, few enough for a core's own cache
LEAST = 32  # channels on either side
CHANNELS = 8  # of weights transformed by one chunk
PLAIN = {"kernel": (3, 3), "stride": (1, 1), "dilation": (1, 1)}

# Cycles, measured where 16 numbers are a vector and two fused multiply-adds a cycle can begin.
DIRECT, PRODUCT = 1.1, 1.25  # of one turn of the micro-kernel, in its ideal
INTO, OUT = 270, 180  # the transform of a tile, for a vector of channels
GRADIENT_IN = 180  # that of a gradient's tile
GRADIENT_OUT = 150  # back from a vector of gradients at all points
ADDED = 4  # a vector of these read and written
STREAMED = 20  # bytes of weights at all points that come in a cycle
PACES = ((1 << 20, 0.75), (1 << 22, 1.5))  # how much of the last three, up to so many bytes
FAR = 2.0  # beyond


def pays(em: Emitter, row: Row, images: int, places: tuple[int, ...], ci: int, co: int) -> bool:
    """Whether the pass `row` of a convolution is faster by Winograd's transforms.

    `places` are height and width of what has tiles: the output, or the input in its gradient; `ci`
    and `co` are the channels read and made in the forward sense of the pass; `images` are those of
    a chunk.
    """
    if not em.winograd or min(ci, co) < LEAST:
        return False
    if any(row.attr(name) != value for name, value in PLAIN.items()):
        return False
    direct, fast = costs(row.op, images, places, ci, co)
    return fast < direct


def costs(op: str, images: int, places: tuple[int, ...], ci: int, co: int) -> tuple[float, float]:
    """Cycles of a chunk by the direct kernel and by transforms."""
    height, width = places
    tiles = images * -(-height // EDGE) * -(-width // EDGE)
    deep, wide = _vectors(ci), _vectors(co)
    direct = DIRECT * images * height * width * 9 * ci * wide / 2
    matrices = POINTS * ci * wide
    fast = tiles * (PRODUCT * matrices / 2 + INTO * deep)
    blocks, size = -(-tiles // TILES), 64 * matrices
    pace = next((pace for most, pace in PACES if size <= most), FAR)
    if op == "conv2d_dw":
        fast += tiles * GRADIENT_IN * wide
        fast += pace * (ADDED * matrices * blocks + GRADIENT_OUT * ci * wide)
    else:
        fast += tiles * OUT * wide + pace * size / STREAMED * blocks
    return direct, fast


def _vectors(channels: int) -> int:
    return -(-channels // PADDED)


def add_conv(
    em: Emitter,
    words: Mapping[str, Word],
    reads: list[View],
    writes: list[View],
    images: int,
    whole: list[View],
    flops: int,
) -> None:
    """The step of a forward pass in the words of `conv2d`; the weights are `whole[0]`."""
    ci, co = cast("int", words["ci"]), cast("int", words["co"])
    samples, u = cast("int", words["n"]), _transformed(em, whole[0], ci, co)
    own, work = _memory(em, -(-samples // images), ci, co)
    words = _only("winograd_conv", {**words, **own, "u": address(u)})
    whole = [u, *whole[1:]]
    em.add("winograd_conv", words, reads, [*writes, work], samples, 1, images, whole, flops)


def turned_words(dy: View, dx: View, window: Mapping[str, Word]) -> dict[str, Word]:
    """A gradient to the input as a forward pass over `dy`: its images, sizes and padding."""
    ph, pw = cast("int", window["ph"]), cast("int", window["pw"])
    _, ci, height, width = dx.shape
    words = image_words("x", dy) | image_words("y", dx)
    words |= {"oh": height, "ow": width, "ci": dy.shape[1], "co": ci}
    return words | {"ph": 2 - ph, "pw": 2 - pw, "bias": NULL, "pre": NULL}


def add_gradient(
    em: Emitter,
    words: Mapping[str, Word],
    reads: list[View],
    partial: View,
    images: int,
    flops: int,
) -> None:
    """The step of partial gradients to the weights in the words of `conv2d_dw`."""
    ci, co = cast("int", words["ci"]), cast("int", words["co"])
    samples = cast("int", words["n"])
    made = weight_bytes(ci, co, em.item)
    own, work = _memory(em, -(-samples // images), ci, co, made)
    words = _only("winograd_dw", {**words, **own})
    em.add("winograd_dw", words, reads, [partial, work], samples, 1, images, (), flops)


def _transformed(em: Emitter, weights: View, ci: int, co: int) -> View:
    """The weights [3,3,ci,co] at all points, made once a step."""
    key = (id(weights.buffer), weights.offset)
    if key not in em.transformed:
        place = em.new((weight_bytes(ci, co, em.item) // em.item,))
        words: dict[str, Word] = {"w": address(weights), "u": address(place), "ci": ci, "co": co}
        em.add("winograd_weights", words, [], [place], prefer=CHANNELS, whole=[weights])
        em.transformed[key] = place
    return em.transformed[key]


def _memory(
    em: Emitter, chunks: int, ci: int, co: int, more: int = 0
) -> tuple[dict[str, Word], View]:
    """Memory for the matrices of a block of tiles and `more` bytes, for all that run at a time."""
    slots = min(em.winograd, chunks)
    size = slots * (work_bytes(TILES, ci, co, em.item) + more)
    work = em.new((size // em.item,))
    return {"work": address(work), "slots": slots, "tiles": TILES}, work


def _only(kernel: str, words: Mapping[str, Word]) -> dict[str, Word]:
    """Those of the words that a kernel has."""
    return {name: words[name] for name in SPECS[kernel].words if name in words}
