"""What emitting a program keeps: where each value lies, the steps so far, copies already made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from compute.cpu.planner.host import Number
from compute.cpu.planner.images import interior_of
from compute.cpu.planner.layout import Layout
from compute.cpu.planner.prepare import Prepared
from compute.cpu.planner.steps import Step, Touch, Word, address, declared
from compute.cpu.planner.storage import GRADIENTS, Storage
from compute.cpu.planner.views import (
    NO_BORDER,
    Axis,
    Buffer,
    Joint,
    Sides,
    View,
    border_strips,
    image_axes,
    merged,
    packed,
    packed_like,
    walked,
)
from graph.program import Shape

INT = 8
CHUNK_ELEMENTS = 16384  # of steps that are cut anywhere
MAX_COPY_DIMS = 6


class PlanError(ValueError):
    """A program that the back end cannot run; says which row and what to do."""


class Emitter:
    """Places values and collects steps, op by op in an order that can run."""

    def __init__(
        self,
        prepared: Prepared,
        layout: Layout,
        storage: Storage,
        clears: bool = False,
        winograd: int = 0,
    ) -> None:
        self.clears = clears  # whether steps write the zeros around images
        self.program, self.layout, self.storage = prepared.program, layout, storage
        self.winograd = winograd  # threads that fast convolution gets memory for; 0 without it
        self.host, self.numbers = prepared.host, prepared.numbers
        self.item = storage.item
        self.steps: list[Step] = []
        self.buffers: list[Buffer] = []
        self.spare: Iterator[Buffer] = iter(())  # to be taken again where one just like it is asked
        self.puts: list[int] = []  # the values that were given places
        self.path = ""
        self.behind: Step | None = None  # these two are of the steps that are added now
        self.again: tuple[str, ...] = ()
        # values whose place is fixed beforehand (gradients of parameters), found when asked for
        self.fixed: dict[int, Callable[[], View | None]] = {}
        # values that lie in the order of a place, but not there
        self.alike: dict[int, Callable[[], View]] = {}
        self.inputs = {i.value: i for i in self.program.inputs}
        self.where: dict[int, View] = {}  # what has a place
        self._copies: dict[tuple[int, int, tuple[Axis, ...], object], View] = {}
        self._numbers: dict[Number, View] = {}
        # 1/√(variance + epsilon) beside the variance that batch_norm made
        self.inverse: dict[tuple[int, float], View] = {}
        # what attention left for its gradient, by its output
        self.attended: dict[int, tuple[View, View, View]] = {}
        self.flipped: dict[int, View] = {}  # convolution weights turned for conv2d_dx
        # convolution weights at Winograd's points, by their place
        self.transformed: dict[tuple[int, int], View] = {}

    def memos(self) -> tuple[dict[Any, Any], ...]:
        """What ops leave for others behind them, by value or by place."""
        by_value = self.inverse, self.attended, self.flipped
        return *by_value, self.transformed, self._copies, self._numbers

    # ---- values

    def shape(self, value: int) -> Shape:
        return self.program.types[value].shape

    def item_of(self, value: int) -> int:
        """Bytes of an element."""
        return INT if self.program.types[value].dtype == "int" else self.item

    def is_int(self, value: int) -> bool:
        return self.program.types[value].dtype == "int"

    def known(self, value: int) -> bool:
        """Whether the value has a place already."""
        return value in self.where

    def view(self, value: int) -> View:
        """Where a value lies. Host numbers and persistent arrays get a place when first asked."""
        if value in self.where:
            return self.where[value]
        if value in self.numbers:
            return self.number(self.numbers[value]).broadcast(self.shape(value))
        given = self.inputs[value]
        if given.kind == "batch" or given.kind == "live" or given.kind == "iteration":
            raise PlanError(f"value %{value} ({given.key}) has no place yet")
        view = self.storage.view(given.kind, given.key)
        self.where[value] = view
        return view

    def number(self, number: Number) -> View:
        """One real in memory that holds a host number."""
        if number not in self._numbers:
            from compute.cpu.planner.elementwise import write_number

            view = self.new(())
            write_number(self, number, view)
            self._numbers[number] = view
        return self._numbers[number]

    def undecided_param(self, value: int) -> str | None:
        """The key of a parameter whose storage order nothing has decided yet."""
        given = self.inputs.get(value)
        if given is None or given.kind != "param" or self.storage.decided(given.key):
            return None
        return given.key

    # ---- places

    def new(self, shape: Shape, item: int = 0, axes: tuple[Axis, ...] | None = None) -> View:
        """A fresh dense place, in the order of `axes` when given."""
        item = item or self.item
        buffer = self.own(Buffer(max(1, prod(shape)) * item, "transient"))
        return View(buffer, 0, packed(shape, item) if axes is None else axes, item)

    def new_image(self, shape: Shape, border: Sides = NO_BORDER) -> View:
        """A fresh place for N×C×H×W, channels last, with a zero border."""
        axes, offset, size = image_axes(shape, border, self.item)
        buffer = Buffer(size, "transient")
        if border != NO_BORDER:
            buffer.border, buffer.geometry = border, (*shape, *border)
        buffer = self.own(buffer)
        if buffer.border is not None and self.clears:
            self._clear(buffer)
        return View(buffer, offset, axes, self.item)

    def own(self, buffer: Buffer) -> Buffer:
        """A buffer of the program: the next spare one where that is just like it."""
        spare = next(self.spare, None)
        if spare is not None and spare.like(buffer):
            buffer = spare
        self.buffers.append(buffer)
        return buffer

    def _clear(self, buffer: Buffer) -> None:
        buffer.cleared = True
        for strip in border_strips(buffer, self.item):
            self.copy(self.number(0.0).broadcast(strip.shape), strip)
            self.steps[-1].clears, self.steps[-1].again = True, ()

    def fixed_place(self, value: int) -> View | None:
        """The place that was decided for a value beforehand, if any."""
        found = self.fixed.get(value)
        return found() if found is not None else None

    def twin(self, view: View) -> View:
        """A fresh place with the very strides of `view`."""
        low, high = view.hull()
        buffer = self.own(Buffer(high - low, "transient"))
        return View(buffer, view.offset - low, view.axes, view.item)

    def target(self, value: int, like: View | None = None) -> View:
        """Where to write a value: its fixed place, one of that order, an image, or dense in the
        order of `like`.
        """
        fixed = self.fixed_place(value)
        if fixed is None and value in self.alike:
            return self.twin(self.alike[value]())
        return fixed if fixed is not None else self.fresh(value, like)

    def fresh(self, value: int, like: View | None = None) -> View:
        """A place of its own for a value."""
        shape = self.shape(value)
        if value in self.layout.images:
            return self.new_image(shape, self.layout.border(value))
        if like is not None and like.shape == shape and full(like):
            return self.new(shape, self.item_of(value), packed_like(like.axes, self.item))
        return self.new(shape, self.item_of(value))

    def put(self, value: int, view: View) -> None:
        """The value lies at `view`; copied from there when its place is fixed elsewhere."""
        place = self.fixed_place(value)
        if place is not None and not place.same_place(view):
            self.copy(view, place)
            view = place
        self.puts.append(value)
        self.where[value] = view

    # ---- steps

    def add(
        self,
        kernel: str,
        words: Mapping[str, Word],
        reads: Sequence[View],
        writes: Sequence[View],
        samples: int = 0,
        unit: int = 1,
        prefer: int = 0,
        whole: Sequence[View] = (),
        flops: int = 0,
    ) -> Step:
        """Append a step. `reads` and `writes` are cut along the samples, `whole` is read whole."""
        views = (*reads, *whole, *writes)
        kinds = tuple([(v.axes, v.item) for v in views])
        spans, shapes = declared(kinds, len(reads), len(whole), samples)
        touches = [
            Touch(v.buffer, v.offset + low, v.offset + high, write, stride, span)
            for v, (low, high, write, stride, span) in zip(views, spans, strict=True)
        ]
        step = Step(kernel, self.path, dict(words), touches, samples, unit, prefer, shapes, flops)
        step.behind, step.again = self.behind, self.again
        for view in writes:
            step.commits = step.commits or self.lasts(view.buffer)
        self.steps.append(step)
        return step

    def lasts(self, buffer: Buffer) -> bool:
        """Whether what lies there is carried over to the next step."""
        return buffer.segment == "persistent" and buffer.name != GRADIENTS

    # ---- copies

    def copy(self, source: View, goal: View) -> None:
        """Copy element by element between equally shaped places."""
        dims, joined = walked(goal.axes, source.axes)
        if dims is None:
            between = self.new(source.shape, source.item)
            # splits the axis of the two at a dense array, which every split fits
            self.copy(source, between)
            self.copy(between, goal)
            return
        if self._transpose(source, goal, joined):
            return
        # one row of numbers is copied as such: cut by samples it would go number by number
        samples = dims[0][0] if len(joined) > 1 and _leads(goal, source) else 0
        self._permute(source, goal, joined, samples)

    def _permute(self, source: View, goal: View, dims: list[Joint], samples: int) -> None:
        """One copy kernel; the dimension that chunks cut comes first, the others last."""
        outer, rest = _cut(dims, samples)
        if len(rest) >= MAX_COPY_DIMS:
            self._unrolled(source, goal, dims)
            return
        full = [outer, *[(1, (0, 0))] * (MAX_COPY_DIMS - 1 - len(rest)), *rest]
        words: dict[str, Word] = {f"d{k}": extent for k, (extent, _) in enumerate(full)}
        words |= {f"x{k}": strides[1] for k, (_, strides) in enumerate(full)}
        words |= {f"y{k}": strides[0] for k, (_, strides) in enumerate(full)}
        words |= {"x": address(source), "y": address(goal)}
        words |= {"item": source.item, "add": 0, "split": 0}
        inner = prod(extent for extent, _ in rest)
        prefer = 0 if samples else max(1, CHUNK_ELEMENTS // inner)
        self.add("permute", words, [source], [goal], samples, 1, prefer)

    def _unrolled(self, source: View, goal: View, dims: list[Joint]) -> None:
        """A copy of more dimensions than the kernel has: one copy for each outermost index."""
        extent, (to, by) = dims[0]
        axes = [tuple((e, s[k]) for e, s in dims[1:]) for k in (0, 1)]
        for index in range(extent):
            part = View(goal.buffer, goal.offset + index * to, (axes[0],), goal.item)
            piece = View(source.buffer, source.offset + index * by, (axes[1],), source.item)
            self._permute(piece, part, dims[1:], 0)

    def _transpose(self, source: View, goal: View, dims: list[Joint]) -> bool:
        """A plain or batched matrix transpose by its own kernel, when the copy is one."""
        if len(dims) not in (2, 3) or source.item != self.item:
            return False
        batch = dims[0] if len(dims) == 3 else (1, (0, 0))
        (rows, (y_row, x_one)), (columns, (y_one, x_row)) = dims[-2:]
        if x_one != self.item or y_one != self.item or x_row <= 0:
            return False
        words: dict[str, Word] = {
            **{"x": address(source), "x_row": x_row, "y": address(goal), "y_row": y_row},
            **{"m": columns, "n": rows, "batch": batch[0]},
            **{"x_batch": batch[1][1], "y_batch": batch[1][0]},
        }
        prefer = max(1, CHUNK_ELEMENTS // (rows * columns)) if batch[0] > 1 else 0
        prefer = prefer or max(16, CHUNK_ELEMENTS // rows // 16 * 16)
        self.add("transpose2d", words, [source], [goal], prefer=prefer)
        return True

    def arranged(self, view: View, axes: tuple[Axis, ...]) -> View:
        """`view` with exactly these dense axes: itself, or a copy (made once)."""
        if view.axes == axes or _plain(view.axes) == _plain(axes):
            return view
        key = (id(view.buffer), view.offset, view.axes, axes)
        if key not in self._copies:
            place = self.new(view.shape, view.item, axes)
            self.copy(view, place)
            self._copies[key] = place
        return self._copies[key]

    def dense(self, view: View) -> View:
        """`view` as a dense row-major array."""
        axes = packed(view.shape, view.item)
        if view.axes == axes:
            return view
        return self.arranged(view, axes)

    def rows(self, view: View) -> tuple[View, int, int]:
        """`view` as a matrix of contiguous rows over its last axis: (view, rows, row stride)."""
        found = as_rows(view) or as_rows(self.dense(view))
        assert found is not None
        return found

    def row_target(self, value: int) -> tuple[View, View, int]:
        """A place with contiguous rows: (the value's view, the same as a matrix, row stride)."""
        goal = self.target(value)
        found = as_rows(goal)
        if found is None:
            goal = self.new(self.shape(value))
            found = as_rows(goal)
            assert found is not None
        return goal, found[0], found[2]

    def image_like(self, view: View) -> bool:
        """Whether image kernels can walk the view: one stride an axis, channels contiguous."""
        strides = [view.stride(axis) for axis in range(4)]
        return None not in strides and (strides[1] == view.item or view.shape[1] == 1)

    def image(self, view: View, border: Sides = NO_BORDER) -> View:
        """`view` as a channels-last image with at least this zero border: itself or a copy."""
        if border == NO_BORDER and self.image_like(view):
            return view
        interior = interior_of(view, border)
        if interior is not None and interior.same_place(view):
            return interior
        key = (id(view.buffer), view.offset, view.axes, border)
        if key not in self._copies:
            place = self.new_image(view.shape, border)
            self.copy(view, place)
            self._copies[key] = place
        return self._copies[key]


def as_rows(view: View) -> tuple[View, int, int] | None:
    """`view` as (matrix over its last axis, rows, row stride) when its rows are contiguous."""
    length = view.shape[-1]
    flat = view.reshape((view.size // length, length))
    if flat is None:
        return None
    stride, one = flat.stride(0), flat.stride(1)
    if stride is None or (one != view.item and length > 1):
        return None
    if flat.shape[0] > 1 and not stride:  # one row, repeated
        return None
    return flat, flat.shape[0], stride or length * view.item


def _plain(axes: Sequence[Axis]) -> list[Axis]:
    return [merged(axis) for axis in axes]


def full(view: View) -> bool:
    """Whether no element of the view stands for several."""
    return all(stride != 0 or extent == 1 for axis in view.axes for extent, stride in axis)


def _leads(goal: View, source: View) -> bool:
    """Whether axis 0 is one dimension on both sides and outermost in the goal."""
    outer = goal.stride(0)
    if not outer or source.stride(0) is None:
        return False
    return all(abs(stride) <= outer for axis in goal.axes for _, stride in axis)


def _cut(dims: list[Joint], samples: int) -> tuple[Joint, list[Joint]]:
    """The dimension that chunks cut (one for each sample, if any), and the remaining ones."""
    if not dims:
        return (1, (0, 0)), []
    (extent, strides), rest = dims[0], dims[1:]
    if not samples and rest:
        return (extent, strides), rest
    inner = extent // samples if samples else min(extent, 4096)
    while extent % inner:
        inner -= 1
    return (extent // inner, tuple(s * inner for s in strides)), [(inner, strides), *rest]
