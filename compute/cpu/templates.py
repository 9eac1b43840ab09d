"""Kernels as templates: their declarations, and their instantiation for one vector variant.

A kernel is a module-level Python function in the vocabulary of `compute.cpu.kernels.vocabulary`.
Declaring it imports no compiler, so the planner can read `SPECS` in the application process; the
compiler process rebinds the globals of the same functions to one variant's vector operations and
compiles them.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType, SimpleNamespace
from typing import Any

from compute.cpu.tape import MAX_ARGUMENTS


@dataclass(frozen=True)
class Access:
    """Bytes [address + low, address + high) that one whole call (all chunks) may touch."""

    name: str
    address: int
    low: int
    high: int
    write: bool = False


Extents = Callable[[Any, int], Iterable[Access]]
Chunks = Callable[[Any], int]


@dataclass(frozen=True)
class KernelSpec:
    """The declaration of a kernel: its words in row order, the memory it touches, its number of
    chunks.

    A word declared as `name:f` holds a float64 bit pattern; all others are plain int64.
    """

    name: str
    words: tuple[str, ...]
    floats: frozenset[str]
    function: Callable[..., None]
    _extents: Extents
    _chunks: Chunks

    @property
    def doc(self) -> str:
        return self.function.__doc__ or ""

    def pack(self, **values: float) -> list[int]:
        """The argument words in order. Every word must be given; floats become bit patterns."""
        if set(values) != set(self.words):
            missing = sorted(set(self.words) - set(values))
            extra = sorted(set(values) - set(self.words))
            raise ValueError(f"Kernel {self.name}: missing words {missing}, unknown words {extra}.")
        return [
            float_bits(values[name]) if name in self.floats else int(values[name])
            for name in self.words
        ]

    def unpack(self, words: Sequence[int]) -> SimpleNamespace:
        """Argument words by name (floats decoded), for reading and for tests."""
        pairs = zip(self.words, words, strict=False)
        return SimpleNamespace(
            **{name: bits_float(int(w)) if name in self.floats else int(w) for name, w in pairs}
        )

    def extents(self, words: Sequence[int], item: int) -> list[Access]:
        """Byte ranges touched by a call with these argument words; `item` is the real's size, 4 or
        8.

        Null operands (address 0) and empty ranges are left out. `elementwise` reads its operand
        table at the address in its words, so that table must be in place.
        """
        found = self._extents(self.unpack(words), item)
        return [a for a in found if a.address != 0 and a.high > a.low]

    def chunks(self, words: Sequence[int]) -> int:
        """Number of chunks this call is divided into: what its GROUP row must say."""
        return self._chunks(self.unpack(words))


def float_bits(value: float) -> int:
    """The int64 with the bits of a float64."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def bits_float(word: int) -> float:
    """The float64 whose bits an int64 holds."""
    return float(struct.unpack("<d", struct.pack("<q", word))[0])


def read_words(address: int, count: int) -> list[int]:
    """`count` int64 words at an address of this process."""
    return list((ctypes.c_int64 * count).from_address(address)) if count else []


def cover(*dims: tuple[int, int], item: int) -> tuple[int, int]:
    """Byte range, relative to the first element, of a strided block of (count, byte stride)
    dimensions.
    """
    if any(count <= 0 for count, _ in dims):
        return 0, 0
    low = sum(min(0, (count - 1) * stride) for count, stride in dims)
    high = sum(max(0, (count - 1) * stride) for count, stride in dims)
    return low, high + item


def block(
    name: str, address: int, *dims: tuple[int, int], item: int, write: bool = False
) -> Access:
    """The access of a strided block that starts at `address`."""
    low, high = cover(*dims, item=item)
    return Access(name, address, low, high, write)


def pieces(count: int, chunk: int) -> int:
    """Chunks of at most `chunk` that cover `count`."""
    return -(-count // chunk) if count > 0 else 0


SPECS: dict[str, KernelSpec] = {}


def kernel(
    words: str, *, extents: Extents, chunks: Chunks
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declares a kernel. The function must begin by unpacking its words, in this order and by these
    names (floats with `_bits` appended, as the word holds their bit pattern)."""
    declared = words.split()
    names = tuple(word.removesuffix(":f") for word in declared)
    floats = frozenset(word.removesuffix(":f") for word in declared if word.endswith(":f"))
    if len(names) > MAX_ARGUMENTS:
        raise ValueError(f"{len(names)} words do not fit a row of {MAX_ARGUMENTS} arguments.")

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        assert isinstance(function, FunctionType)
        # co_varnames lists the parameters, then locals in order of first assignment.
        given = function.__code__.co_varnames[4 : 4 + len(names)]
        expected = tuple(f"{name}_bits" if name in floats else name for name in names)
        if given != expected:
            raise ValueError(f"Kernel {function.__name__} unpacks {given}, declares {expected}.")
        name = function.__name__
        SPECS[name] = KernelSpec(name, names, floats, function, extents, chunks)
        return function

    return declare
