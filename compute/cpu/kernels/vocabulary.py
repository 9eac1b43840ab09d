"""The words kernels are written in: declarations only, rebound to a variant's operations when
compiled.

Calling one of these functions directly raises: kernels run only when compiled. Addresses are int64
byte addresses. A `Vector` holds LANES reals; a `Mask` one truth value a lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

LANES = 0
"""Reals in a vector."""
ITEM = 0
"""Bytes of a real."""
VECTOR = 0
"""Bytes of a vector."""
TILE_ROWS = 0
"""Rows of the full micro-kernel tile."""
TILE_VECTORS = 0
"""Vectors across the full micro-kernel tile."""
WIDE = 0
"""Vectors across the one-row tile."""
LEAST = float("-inf")
"""Identity of the maximum."""


class Mask:
    """One truth value a lane."""


class Vector:
    """LANES reals, with strict IEEE arithmetic."""

    def __add__(self, other: Vector) -> Vector:
        raise not_here()

    def __sub__(self, other: Vector) -> Vector:
        raise not_here()

    def __mul__(self, other: Vector) -> Vector:
        raise not_here()

    def __truediv__(self, other: Vector) -> Vector:
        raise not_here()


def not_here() -> NoReturn:
    """What every word does when it is called from plain Python."""
    raise NotImplementedError("Kernels run only when compiled; ask compute.cpu.loader for them.")


def word(function: F) -> F:
    """Marks a function of the vocabulary."""
    function.__vocabulary__ = True  # type: ignore[attr-defined]
    return function


def device(function: F) -> F:
    """Marks a helper that kernels call; it is instantiated with them."""
    function.__device__ = True  # type: ignore[attr-defined]
    return function


# ---- words of rows, scalars, memory


@word
def unpack(row: int) -> Any:
    """The argument words of the kernel's row, as a tuple of int64."""
    raise not_here()


@word
def get_word(address: int) -> int:
    """The int64 at an address."""
    raise not_here()


@word
def set_word(address: int, value: int) -> None:
    """Stores an int64."""
    raise not_here()


@word
def get_int32(address: int) -> int:
    """The 32-bit pattern at an address, as int64."""
    raise not_here()


@word
def set_int32(address: int, value: int) -> None:
    """Stores the low 32 bits."""
    raise not_here()


@word
def get_double(address: int) -> float:
    """The float64 at an address."""
    raise not_here()


@word
def set_double(address: int, value: float) -> None:
    """Stores a float64."""
    raise not_here()


@word
def get_real(address: int) -> float:
    """The real at an address, widened to float64."""
    raise not_here()


@word
def set_real(address: int, value: float) -> None:
    """Stores a float64 rounded to the real type."""
    raise not_here()


@word
def as_float(bits: int) -> float:
    """The float64 with these bits."""
    raise not_here()


# ---- vectors


@word
def first(count: int) -> Mask:
    """True in lanes below `count`."""
    raise not_here()


@word
def load(address: int) -> Vector:
    """The vector at an address of any alignment."""
    raise not_here()


@word
def store(address: int, value: Vector) -> None:
    """Stores a vector."""
    raise not_here()


@word
def load_masked(address: int, mask: Mask) -> Vector:
    """The vector at an address; lanes outside the mask are not read and become 0."""
    raise not_here()


@word
def store_masked(address: int, value: Vector, mask: Mask) -> None:
    """Stores the lanes of the mask only."""
    raise not_here()


@word
def splat(value: float) -> Vector:
    """A float64, rounded to the real type, in every lane."""
    raise not_here()


@word
def fma(a: Vector, b: Vector, c: Vector) -> Vector:
    """a·b + c, in one rounding where the CPU can."""
    raise not_here()


@word
def maximum(a: Vector, b: Vector) -> Vector:
    """The larger; NaN if either is."""
    raise not_here()


@word
def square_root(a: Vector) -> Vector:
    """√a."""
    raise not_here()


@word
def exponential(a: Vector) -> Vector:
    """exp(a)."""
    raise not_here()


@word
def natural_log(a: Vector) -> Vector:
    """Natural logarithm."""
    raise not_here()


@word
def logistic(a: Vector) -> Vector:
    """1 / (1 + exp(-a))."""
    raise not_here()


@word
def hyperbolic_tangent(a: Vector) -> Vector:
    """tanh(a)."""
    raise not_here()


@word
def rectify(a: Vector) -> Vector:
    """max(a, 0); NaN stays."""
    raise not_here()


@word
def greater(a: Vector, b: Vector) -> Mask:
    """Lanes where a > b."""
    raise not_here()


@word
def same(a: Vector, b: Vector) -> Mask:
    """Lanes where a equals b, or both are NaN."""
    raise not_here()


@word
def both(a: Mask, b: Mask) -> Mask:
    """Lanes true in both masks."""
    raise not_here()


@word
def without(a: Mask, b: Mask) -> Mask:
    """Lanes true in a and not in b."""
    raise not_here()


@word
def select(mask: Mask, a: Vector, b: Vector) -> Vector:
    """a where the mask is true, else b."""
    raise not_here()


@word
def lane_sum(a: Vector) -> float:
    """Sum of the lanes in a fixed tree order, as float64 of the real result."""
    raise not_here()


@word
def lane_top(a: Vector) -> float:
    """Largest lane; which lane wins against NaN is not said."""
    raise not_here()


@word
def lane_max(a: Vector) -> float:
    """Largest lane; NaN if any is."""
    raise not_here()


@word
def transpose_block(source: int, source_row: int, target: int, target_row: int) -> None:
    """Transposes the LANES × LANES block at `source` into the one at `target`."""
    raise not_here()


# ---- threads and calls


@word
def atomic_add(address: int, value: int) -> int:
    """Adds to the int64 at an address; returns what stood there before."""
    raise not_here()


@word
def atomic_swap(address: int, expected: int, value: int) -> bool:
    """Stores `value` if the int64 at the address is `expected`; whether it did."""
    raise not_here()


@word
def atomic_get(address: int) -> int:
    """The int64 at an address, with acquire order."""
    raise not_here()


@word
def atomic_set(address: int, value: int) -> None:
    """Stores an int64 with release order."""
    raise not_here()


@word
def is_finite_real(address: int) -> int:
    """1 when the real at an address is neither infinite nor NaN, else 0."""
    raise not_here()


@word
def pause() -> None:
    """Tells the CPU that this is a spinning loop."""
    raise not_here()


@word
def cycles() -> int:
    """The CPU's cycle counter."""
    raise not_here()


@word
def flush_subnormals() -> int:
    """Has this thread take numbers too small for full precision as 0; the old control word."""
    raise not_here()


@word
def restore_control(word: int) -> None:
    """Brings back the control word that `flush_subnormals` gave."""
    raise not_here()


@word
def call(function: int, row: int, chunk: int, tid: int, step: int) -> None:
    """Calls the kernel at an address."""
    raise not_here()


# ---- micro-kernels (compute.cpu.tiles) and block operations (compute.cpu.blocks)


@word
def tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """Runs a tile of at most TILE_ROWS rows and TILE_VECTORS vectors; see compute.cpu.tiles."""
    raise not_here()


@word
def tile_column(job: int, tiles: int, vectors: int, columns: int, lanes: int) -> None:
    """`tiles` full tiles, one below the other: the job says how far apart their rows lie."""
    raise not_here()


@word
def packing_tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """One full tile that reads B as it lies and leaves it packed for the tiles below."""
    raise not_here()


@word
def tall_tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """As `tile`, with one row more."""
    raise not_here()


@word
def row_tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """One row of WIDE vectors."""
    raise not_here()


@word
def run_operation(
    code: int, target: int, a: int, a_step: int, b: int, b_step: int, c: int, c_step: int,
    d: int, d_step: int, count: int, streams: int, stream_count: int,
) -> None:  # fmt: skip
    """target[i] = opcode `code` of a[i], b[i], c[i], d[i] over `count` whole vectors.

    A step of 0 repeats one vector. Slow operations use their waits to fetch what lies at the
    `stream_count` addresses at `streams`, as far as the count goes.
    """
    raise not_here()


@word
def philox_block(target: int, block: int, step: int, stream: int, seed: int) -> None:
    """Stores the 4·LANES uniform numbers of counter blocks block … block+LANES-1 at `target`."""
    raise not_here()


class Stack:
    """Scratch bytes on the thread's stack, 64-byte aligned: `SPACE = Stack(1024)` at module level,
    `SPACE()` in a kernel gives the address. Each call site has a block of its own."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self) -> int:
        raise not_here()
