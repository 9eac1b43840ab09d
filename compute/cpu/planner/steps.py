"""Steps: kernel calls with symbolic addresses, and what memory each touches.

A step may be cut along `samples` equal slices of its leading axis, so that several steps can run
chunk by chunk one after the other; steps with `samples` 0 have chunks of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from compute.cpu.planner.host import Number
from compute.cpu.planner.views import Axis, Buffer, View, known, merged, reach_of, text_of


class Address(NamedTuple):
    """A byte of a buffer; bind turns it into a number."""

    buffer: Buffer
    offset: int


Word = int | float | Address
NULL = 0


class Touch(NamedTuple):
    """Bytes [low, high) of a buffer that a step reads or writes.

    With `stride` above 0, slice i of the step's samples touches only the `span` bytes from
    low + i·stride.
    """

    buffer: Buffer
    low: int
    high: int
    write: bool
    stride: int = 0
    span: int = 0


Source = tuple[Literal["in", "out", "tmp"], int]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation of an elementwise program on operands and temporaries."""

    op: str
    target: int  # register number
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """One row of an elementwise operand table, its address still symbolic.

    `place` is an address, or a host number (a column of the step table, or a constant).
    """

    place: Address | Number
    mode: int
    flags: int
    strides: tuple[int, int] = (0, 0)


@dataclass(eq=False, slots=True)
class Step:
    """One kernel call. `unit` is what the kernel's `size` counts for one sample.

    `prefer` is the wanted number of samples in a chunk, 0 for any; for steps without samples it is
    the value of `size` itself. `share` is that number when each thread is to have a chunk, 0 where
    that is not known. `commits`: writes parameters, optimizer slots or states, which must
    not happen in a step whose loss is not finite. `follows`: an earlier step with the same samples
    that this one runs behind, slice by slice, where nothing stands between them. `again`: nodes
    of which it computes anew what was not kept. `behind`: an earlier one that it must not be moved
    ahead of, so that no memory is in use before it need be.
    `clears`: writes the zeros around an image, for the step that then writes the image.
    """

    kernel: str
    path: str
    words: dict[str, Word]
    touches: list[Touch]
    samples: int = 0
    unit: int = 1
    prefer: int = 0
    shapes: tuple[str, ...] = ()
    flops: int = 0
    commits: bool = False
    follows: Step | None = None
    again: tuple[str, ...] = ()
    behind: Step | None = None
    clears: bool = False
    share: int = 0
    operands: list[Operand] = field(default_factory=list)
    program: list[Instruction] = field(default_factory=list)

    def bytes(self) -> int:
        """Bytes between the first and the last that each operand covers, summed."""
        return sum([touch.high - touch.low for touch in self.touches])


def work_of(steps: Iterable[Step]) -> tuple[int, int]:
    """Operations of steps, and the bytes that they touch."""
    found = [(step.flops, step.bytes()) for step in steps]
    return sum([flops for flops, _ in found]), sum([bytes for _, bytes in found])


def address(view: View) -> Address:
    """Of the view's first element."""
    return Address(view.buffer, view.offset)


def touch(view: View, samples: int = 0, write: bool = False) -> Touch:
    """What a step touches of `view`: sliced along axis 0 when it has `samples` regular slices."""
    low, high, stride, span = _touched(view.axes, view.item, samples)
    return Touch(view.buffer, view.offset + low, view.offset + high, write, stride, span)


@known
def _touched(axes: tuple[Axis, ...], item: int, samples: int) -> tuple[int, int, int, int]:
    """low, high, stride and span of a touch, from the view's first byte on."""
    low, high = reach_of(axes)
    high += item
    if not samples or not axes:
        return low, high, 0, 0
    extent = 1
    dims = merged(axes[0])
    for count, _ in dims:
        extent *= count
    if extent != samples or len(dims) > 1:
        return low, high, 0, 0
    stride = dims[0][1] if dims else high - low
    if stride <= 0:
        return low, high, 0, 0
    return low, high, stride, high - low - (samples - 1) * stride


Spans = list[tuple[int, int, bool, int, int]]  # low, high, write, stride, span of a touch


@known
def declared(
    views: tuple[tuple[tuple[Axis, ...], int], ...], reads: int, whole: int, samples: int
) -> tuple[Spans, tuple[str, ...]]:
    """What a step touches of each view (axes and item), from its first byte on; and the shapes.

    So many of them it reads and so many it reads whole, the others it writes.
    """
    spans: Spans = []
    for number, (axes, item) in enumerate(views):
        cut = samples if number < reads or number >= reads + whole else 0
        low, high, stride, span = _touched(axes, item, cut)
        spans.append((low, high, number >= reads + whole, stride, span))
    return spans, tuple([text_of(axes) for axes, _ in views])
