"""Runs kernels with every operand between guard pages, at exactly its declared extents."""

from __future__ import annotations

import ctypes
import mmap
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compute.cpu.kernels.program import OPERAND_WORDS
from compute.cpu.loader import Library
from compute.cpu.tape import ARGUMENTS, ROW_WORDS
from compute.cpu.templates import SPECS, Access

Array = np.ndarray[Any, np.dtype[Any]]
PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_NO_ACCESS, _READ, _WRITE = 0, 1, 2
_Kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)


class Region:
    """`size` bytes that end at a guard page (`side` "high") or start after one ("low").

    The rest of its pages holds canary bytes; `check` says whether they are untouched.
    """

    def __init__(self, size: int, side: str) -> None:
        pages = -(-size // PAGE)
        self.length = (pages + 2) * PAGE
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.base = _libc.mmap(None, self.length, _READ | _WRITE, flags, -1, 0)
        assert self.base not in (None, ctypes.c_void_p(-1).value)
        self.size, start = size, self.base + PAGE
        self.address = start if side == "low" else start + pages * PAGE - size
        self._inside = (ctypes.c_ubyte * (pages * PAGE)).from_address(start)
        ctypes.memset(start, 0xA5, pages * PAGE)
        for guard in (self.base, start + pages * PAGE):
            assert _libc.mprotect(guard, PAGE, _NO_ACCESS) == 0

    def protect(self) -> None:
        """Makes the data read-only, so that writing an input is caught."""
        assert _libc.mprotect(self.base + PAGE, self.length - 2 * PAGE, _READ) == 0

    def check(self) -> bool:
        """Whether the canary bytes beside the data are untouched."""
        inside = np.frombuffer(self._inside, np.uint8)
        offset = self.address - self.base - PAGE
        beside = np.concatenate([inside[:offset], inside[offset + self.size :]])
        return bool((beside == 0xA5).all())

    def free(self) -> None:
        del self._inside
        _libc.munmap(self.base, self.length)


@dataclass
class _Span:
    """A range of addresses covered by accesses that overlap, to be moved as one."""

    low: int
    high: int
    write: bool
    region: Region | None = None

    def moved(self, address: int) -> int:
        assert self.region is not None
        return self.region.address + address - self.low


def _spans(accesses: Sequence[Access]) -> list[_Span]:
    spans: list[_Span] = []
    for access in sorted(accesses, key=lambda a: a.address + a.low):
        low, high = access.address + access.low, access.address + access.high
        if spans and low < spans[-1].high:
            spans[-1].high = max(spans[-1].high, high)
            spans[-1].write |= access.write
        else:
            spans.append(_Span(low, high, access.write))
    return spans


def run(library: Library, name: str, step: int = 0, shuffle: int = 0, **words: float) -> None:
    """Runs all chunks of a kernel, in an order drawn from `shuffle`, and checks its memory.

    The operands stay where the caller's words say; the kernel sees copies of exactly the declared
    extents, once flush against the guard page behind and once against the one before. Both must
    give the same bytes.
    """
    results = [_run(library, name, step, shuffle, side, words) for side in ("low", "high")]
    for (low, data), (_, other) in zip(*results, strict=True):
        assert data == other, f"{name}: what it writes depends on where its operands lie"
        ctypes.memmove(low, data, len(data))


def _run(
    library: Library, name: str, step: int, shuffle: int, side: str, words: dict[str, float]
) -> list[tuple[int, bytes]]:
    spec = SPECS[name]
    packed = spec.pack(**words)
    accesses = spec.extents(packed, library.variant.item)
    spans = _spans(accesses)
    try:
        for span in spans:
            span.region = Region(span.high - span.low, side)
            ctypes.memmove(span.region.address, span.low, span.high - span.low)
        _relocate(name, packed, accesses, spans)
        for span in spans:
            if not span.write and span.region is not None:
                span.region.protect()
        row = np.zeros(ROW_WORDS, np.int64)
        row[ARGUMENTS : ARGUMENTS + len(packed)] = packed
        chunks = list(range(spec.chunks(packed)))
        random.Random(shuffle).shuffle(chunks)
        function = _Kernel(library.address(name))
        for chunk in chunks:
            function(row.ctypes.data, chunk, 0, step)
        assert all(span.region is not None and span.region.check() for span in spans), (
            f"{name} wrote beside its operands"
        )
        return [
            (span.low, ctypes.string_at(span.region.address, span.region.size))
            for span in spans
            if span.write and span.region is not None
        ]
    finally:
        for span in spans:
            if span.region is not None:
                span.region.free()


def _relocate(
    name: str, packed: list[int], accesses: Sequence[Access], spans: Sequence[_Span]
) -> None:
    """Points the words (and an elementwise program's operand table) at the copies."""
    index = {word: i for i, word in enumerate(SPECS[name].words)}
    moved = {}
    for access in accesses:
        low = access.address + access.low
        span = next(s for s in spans if s.low <= low < s.high)
        moved[access.name] = span.moved(access.address)
    for word, address in moved.items():
        if word in index:
            packed[index[word]] = address
    for word, address in moved.items():
        if word.startswith("operand") and word != "operands":
            number = int(word.removeprefix("operand"))
            slot = packed[index["operands"]] + number * OPERAND_WORDS * 8
            ctypes.c_int64.from_address(slot).value = address


def padded(shape: Sequence[int], dtype: Any, gap: int = 3) -> Array:
    """An array of NaN (or -1) whose rows of the last axis lie `gap` elements further apart than
    need be.
    """
    *outer, inner = shape
    base = np.full((*outer, inner + gap), -1, dtype)
    if np.issubdtype(dtype, np.floating):
        base[...] = np.nan
    return base[..., :inner]


def untouched_gaps(array: Array) -> bool:
    """Whether the gaps of a `padded` array still hold what they held."""
    base = array.base
    assert base is not None
    gaps = base[..., array.shape[-1] :]
    return bool(
        np.isnan(gaps).all() if np.issubdtype(array.dtype, np.floating) else (gaps == -1).all()
    )


def image(shape: Sequence[int], dtype: Any, border: Sequence[int] = (0, 0, 0, 0)) -> Array:
    """The interior N×H×W×C of an image with a border (top, bottom, left, right) of zeros."""
    n, height, width, channels = shape
    top, bottom, left, right = border
    base = np.zeros((n, height + top + bottom, width + left + right, channels), dtype)
    return base[:, top : top + height, left : left + width]


def nhwc(array: Array, border: Sequence[int] = (0, 0, 0, 0)) -> Array:
    """An N×C×H×W array as the interior of an N×H×W×C image."""
    turned = array.transpose(0, 2, 3, 1)
    inside = image(turned.shape, array.dtype, border)
    inside[...] = turned
    return inside


def border_is_zero(inside: Array) -> bool:
    """Whether nothing has been written around the interior of an image."""
    assert inside.base is not None
    base = inside.base.copy()
    top = (inside.ctypes.data - inside.base.ctypes.data) // inside.strides[1]
    left = (inside.ctypes.data - inside.base.ctypes.data) % inside.strides[1] // inside.strides[2]
    base[:, top : top + inside.shape[1], left : left + inside.shape[2]] = 0
    return not base.any()


def image_words(name: str, array: Array) -> dict[str, int]:
    """The four words of an image operand."""
    img, row, pix, _ = array.strides
    return {name: array.ctypes.data, f"{name}_img": img, f"{name}_row": row, f"{name}_pix": pix}


def no_image(name: str) -> dict[str, int]:
    """The words of an image operand that is not there."""
    return {f"{name}{part}": 0 for part in ("", "_img", "_row", "_pix")}


def tolerance(dtype: Any, depth: int, scale: float) -> float:
    """Allowed difference of a sum of `depth` terms whose magnitudes add up to `scale`."""
    return 4.0 * float(np.finfo(dtype).eps) * max(1.0, depth) ** 0.5 * max(scale, 1e-30)


def check_weight_gradient(
    library: Library, name: str, case: Any, expected: Array, with_bias: bool
) -> None:
    """A kernel's gradient of the weights of a geometry, in the kernel's order, summed over chunks.

    With a bias, its gradient as well. `case` has x, dy, pad, words and size.
    """
    x, dy, channels = nhwc(case.x, case.pad), nhwc(case.dy, (0, 1, 0, 2)), case.dy.shape[1]
    chunks = -(-case.words["n"] // case.size)
    partial = np.full((chunks, *expected.shape), np.nan, x.dtype)
    db = np.full((chunks, channels), np.nan, x.dtype)
    run(
        library, name, **case.words, **image_words("x", x), **image_words("dy", dy),
        partial=partial.ctypes.data, partial_chunk=partial.strides[0],
        db=db.ctypes.data if with_bias else 0, db_chunk=db.strides[0],
    )  # fmt: skip
    pixels = case.dy.size // channels
    allowed = tolerance(x.dtype.type, pixels, 4.0 * pixels)
    np.testing.assert_allclose(partial.sum(0), expected, rtol=0, atol=allowed)
    if with_bias:
        np.testing.assert_allclose(db.sum(0), case.dy.sum((0, 2, 3)), rtol=0, atol=allowed)
