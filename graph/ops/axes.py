"""Nodes that order, add, take away, cut and stack the axes of a sample.

Axes are counted as `Concat` counts them: 0 is the batch and never touched, 1 the first of a sample.
"""

from __future__ import annotations

from graph.op import Op, Port, SettingError, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers
from graph.primitives import concat, pad, permute, reshape, slice_axis
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

LARGEST = 10_000_000  # extent of an axis
MOST_AXES = 8  # with the batch axis


def need_axis(kind: TensorType, axis: int, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` holds numbers and has this axis."""
    need_numbers(kind, operand)
    if axis >= len(kind.shape):
        last = len(kind.shape) - 1
        expected = f"an axis up to {last}" if last else "several numbers a sample"
        remedy = "choose a smaller axis" if last else "put a Reshape before it"
        raise ShapeError(f"axis {axis} of {describe(kind)}", expected, remedy, operand)


class Permute(Op):
    """Puts the axes of a sample into another order, its numbers moving with them.

    Axis k of the result is axis `order[k]` of x, counted from 1: 2, 1 transposes a matrix, 2, 3, 1
    brings the channels of an image to the end (Goodfellow et al. 2016, §2.1).
    """

    category, icon, family = "Shape", "reshape", "shape"
    keywords = ("transpose", "swap axes", "movedim", "channels last", "rearrange")
    summary = ("order",)
    order: tuple[int, ...] = setting(
        (2, 1), "Axes of a sample in their new order: 2, 1 swaps the first two", min=1, max=7
    )
    samples = (
        sample(x=(2, 3, 4)),
        sample(x=(2, 3, 4, 5), settings={"order": (2, 3, 1)}),
        sample(x=(2, 3), settings={"order": (1,)}),
        bad("the numbers 1 to 3", x=(2, 3, 4, 5)),
        bad("the numbers 1 to 1", x=(2, 3)),
        bad("order", x=(2, 3, 4), settings={"order": (1, 1)}),
        bad("order", x=(2, 3, 4), settings={"order": ()}),
        bad("class labels", x=labels(2, 3, 4)),
    )

    def check(self) -> None:
        if not self.order or sorted(self.order) != list(range(1, len(self.order) + 1)):
            found = ", ".join(map(str, self.order)) or "no axis"
            raise SettingError("order", found, "each axis from 1 on once, such as 2, 1")

    def call_template(self, *operands: TensorType) -> str:
        return f"{{x}}.permute(0, {', '.join(map(str, self.order))})"

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        if len(self.order) != x.rank - 1:
            found = f"an order of {len(self.order)} axes for {describe(x.type)}"
            axes = f"the numbers 1 to {x.rank - 1}" if x.rank > 1 else "several numbers a sample"
            raise ShapeError(found, axes, "name each axis of a sample once in `order`")
        return permute(x, (0, *self.order))


class Squeeze(Op):
    """Takes axes of extent 1 away: C×1×1 becomes a vector of C; PyTorch's squeeze, batch kept."""

    category, icon, family = "Shape", "reshape", "shape"
    keywords = ("drop axis", "remove dimension", "unit axis")
    summary = ("axis",)
    axis: int | None = setting(
        None, "Axis to take away, 1 is the first of a sample; free: all of extent 1", min=1, max=7
    )
    samples = (
        sample(x=(2, 3, 1, 1)),
        sample(x=(2, 1, 3, 1), settings={"axis": 1}),
        sample(x=(2, 1)),
        sample(x=(1, 1, 4)),
        bad("an axis of extent 1", x=(2, 3)),
        bad("extent 1", x=(2, 3, 1), settings={"axis": 1}),
        bad("an axis up to 2", x=(2, 3, 1), settings={"axis": 3}),
        bad("class labels", x=labels(2, 1)),
    )

    def call_template(self, *operands: TensorType) -> str:
        axes = self.gone(operands[0])
        return f"{{x}}.squeeze({axes[0] if len(axes) == 1 else axes})"

    def build(self, x: Tensor) -> Tensor:
        gone = self.gone(x.type)
        return reshape(x, tuple(n for axis, n in enumerate(x.shape) if axis not in gone))

    def gone(self, x: TensorType) -> tuple[int, ...]:
        """The axes to take away; raises ShapeError when there are none."""
        need_numbers(x)
        if self.axis is None:
            found = tuple(axis for axis, n in enumerate(x.shape) if axis and n == 1)
            if not found:
                remedy = "take the node out, or reduce an axis first"
                raise ShapeError(describe(x), "an axis of extent 1", remedy)
            return found
        need_axis(x, self.axis)
        if x.shape[self.axis] != 1:
            found_extent = f"{x.shape[self.axis]} along axis {self.axis}"
            raise ShapeError(found_extent, "extent 1", "choose another axis, or use a Reduce")
        return (self.axis,)


class Unsqueeze(Op):
    """Adds an axis of extent 1: a vector of C becomes 1×C or C×1; PyTorch's unsqueeze."""

    category, icon, family = "Shape", "reshape", "shape"
    keywords = ("expand dims", "new axis", "add dimension")
    summary = ("axis",)
    axis: int = setting(
        1, "Place of the new axis, 1 puts it before all others of a sample", min=1, max=7
    )
    torch_call = "{x}.unsqueeze({axis})"
    samples = (
        sample(x=(2, 3)),
        sample(x=(2, 3), settings={"axis": 2}),
        sample(x=(2,)),
        sample(x=(2, 3, 4), settings={"axis": 2}),
        bad("at most 2", x=(2, 3), settings={"axis": 3}),
        bad("at most 6 axes", x=(2, 1, 1, 1, 1, 1, 1, 1)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        if x.rank >= MOST_AXES:
            found = f"{x.rank - 1} axes a sample"
            raise ShapeError(found, f"at most {MOST_AXES - 2} axes", "put a Reshape before it")
        if self.axis > x.rank:
            found, expected = f"axis {self.axis} for {describe(x.type)}", f"at most {x.rank}"
            raise ShapeError(found, expected, "choose a smaller axis")
        return reshape(x, (*x.shape[: self.axis], 1, *x.shape[self.axis :]))


class Slice(Op):
    """Keeps the places start … stop − 1 along one axis, as x[start:stop] does in Python.

    Negative places count from the end: start −1 keeps the last one. The axis stays, with the extent
    that is left; refuses places that are not there.
    """

    category, icon, family = "Shape", "shape", "shape"
    keywords = ("index", "select", "narrow", "take", "subset", "range")
    summary = ("axis", "start", "stop")
    axis: int = setting(1, "Axis to cut: 1 is features, channels or time", min=1, max=7)
    start: int = setting(
        0, "First place kept, from 0; below 0: from the end", min=-LARGEST, max=LARGEST
    )
    stop: int | None = setting(
        None,
        "First place no longer kept; below 0: from the end; free: all",
        min=-LARGEST,
        max=LARGEST,
    )
    samples = (
        sample(x=(2, 5), settings={"start": 1, "stop": 3}),
        sample(x=(2, 3, 4), settings={"axis": 2, "start": -1}),
        sample(x=(2, 3, 4, 2), settings={"stop": -1}),
        sample(x=(2, 3)),
        bad("0 to 2", x=(2, 3), settings={"start": 3}),
        bad("1 to 3", x=(2, 3), settings={"stop": 4}),
        bad("more than start", x=(2, 5), settings={"start": 3, "stop": -2}),
        bad("an axis up to 1", x=(2, 3), settings={"axis": 2}),
        bad("class labels", x=labels(2, 3)),
    )

    def call_template(self, *operands: TensorType) -> str:
        start = self.start or ""
        stop = "" if self.stop is None else self.stop
        return f"{{x}}[{':, ' * self.axis}{start}:{stop}]"

    def build(self, x: Tensor) -> Tensor:
        need_axis(x.type, self.axis)
        extent = x.shape[self.axis]
        start = self.start + (extent if self.start < 0 else 0)
        if not 0 <= start < extent:
            found, expected = f"start {self.start} of {extent}", f"0 to {extent - 1}"
            raise ShapeError(found, f"{expected}, or from -{extent} on", "choose another start")
        stop = extent if self.stop is None else self.stop + (extent if self.stop < 0 else 0)
        if not 0 < stop <= extent:
            found, expected = f"stop {self.stop} of {extent}", f"1 to {extent}"
            raise ShapeError(found, expected, "choose another stop, or leave it free")
        if stop <= start:
            found = f"places {start} to {stop} of {extent}"
            raise ShapeError(found, "a stop that is more than start", "keep one place at least")
        return slice_axis(x, self.axis, start, stop)


class Pad(Op):
    """Adds zeros before and after the places of an axis; PyTorch's F.pad.

    As many before as a window has places less one, and none after, keep a convolution over time
    from seeing what is to come (van den Oord et al. 2016). For images there is Pad2d.
    """

    category, icon, family = "Shape", "shape", "shape"
    keywords = ("padding", "zeros", "causal", "lengthen")
    summary = ("axis", "before", "after")
    axis: int = setting(1, "Axis to lengthen: 1 is features, channels or time", min=1, max=7)
    before: int = setting(1, "Zeros before the first place", min=0, max=65_536)
    after: int = setting(0, "Zeros after the last place", min=0, max=65_536)
    samples = (
        sample(x=(2, 3)),
        sample(x=(2, 3, 2), settings={"before": 2, "after": 1}),
        sample(x=(2, 3, 2), settings={"axis": 2, "before": 0, "after": 3}),
        bad("an axis up to 1", x=(2, 3), settings={"axis": 2}),
        bad("several numbers", x=(2,)),
        bad("class labels", x=labels(2, 3)),
    )

    def call_template(self, *operands: TensorType) -> str:
        inner = "0, 0, " * (len(operands[0].shape) - 1 - self.axis)
        return f"F.pad({{x}}, ({inner}{{before}}, {{after}}))"

    def build(self, x: Tensor) -> Tensor:
        need_axis(x.type, self.axis)
        before, after = [0] * x.rank, [0] * x.rank
        before[self.axis], after[self.axis] = self.before, self.after
        return pad(x, before, after)


class Split(Op):
    """Cuts an axis into equal parts, each with an output of its own; PyTorch's chunk.

    The outputs y1, y2, … are in the order of the places; refuses an extent the parts do not divide.
    """

    category, icon, family = "Shape", "shape", "shape"
    keywords = ("chunk", "divide", "heads", "gate", "branch")
    outputs = (Port("y1"), Port("y2"))
    summary = ("axis", "parts")
    axis: int = setting(1, "Axis to cut: 1 is features, channels or time", min=1, max=7)
    parts: int = setting(2, "Number of parts, and of outputs", min=2, max=16)
    torch_call = "{x}.chunk({parts}, dim={axis})"
    samples = (
        sample(x=(2, 4)),
        sample(x=(2, 3, 2, 2), settings={"parts": 3}),
        sample(x=(2, 3, 4), settings={"axis": 2}),
        bad("a multiple of 2", x=(2, 3)),
        bad("an axis up to 1", x=(2, 4), settings={"axis": 2}),
        bad("class labels", x=labels(2, 4)),
    )

    def ports_out(self) -> tuple[Port, ...]:
        return tuple(Port(f"y{number}") for number in range(1, self.parts + 1))

    def build(self, x: Tensor) -> tuple[Tensor, ...]:
        need_axis(x.type, self.axis)
        extent = x.shape[self.axis]
        if extent % self.parts:
            found, expected = f"{extent} along axis {self.axis}", f"a multiple of {self.parts}"
            raise ShapeError(found, expected, "choose parts that divide it, or use Slices")
        size = extent // self.parts
        return tuple(
            slice_axis(x, self.axis, start, start + size) for start in range(0, extent, size)
        )


class Stack(Op):
    """Lays what is wired to it along a new axis, one beside the other; PyTorch's stack.

    All operands have one shape; the new axis has an extent for each of them.
    """

    category, icon, family = "Merge", "concat", "merge"
    keywords = ("join", "pile", "new axis", "sequence of vectors")
    inputs = (Port("x", many=True),)
    summary = ("axis",)
    axis: int = setting(
        1, "Place of the new axis, 1 puts it before all others of a sample", min=1, max=7
    )
    torch_call = "torch.stack([{all}], dim={axis})"
    samples = (
        sample(x=[(2, 3), (2, 3)]),
        sample(x=[(2, 3), (2, 3), (2, 3)], settings={"axis": 2}),
        sample(x=[(2,), (2,)]),
        sample(x=[(2, 3)]),
        bad("equal shapes", x=[(2, 3), (2, 4)]),
        bad("at most 2", x=[(2, 3), (2, 3)], settings={"axis": 3}),
        bad("class labels", x=[(2, 3), labels(2)]),
    )

    def build(self, x: list[Tensor]) -> Tensor:
        for index, part in enumerate(x):
            need_numbers(part.type, index)
            if part.shape != x[0].shape:
                found = f"{describe(part.type)} beside {describe(x[0].type)}"
                raise ShapeError(found, "equal shapes", "bring both to the same size first", index)
        return concat([Unsqueeze(axis=self.axis).build(part) for part in x], self.axis)
