"""Nodes that give the same values another shape, or class labels as numbers."""

from __future__ import annotations

import math

from graph.op import Op, Port, SettingError, bad, labels, sample, setting
from graph.ops.expect import describe, image_shape, need_numbers
from graph.primitives import one_hot, reshape
from graph.primitives.table import text
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


class Flatten(Op):
    """Lays the numbers of a sample in one row: C×H×W becomes a vector of C·H·W, channel first."""

    category, icon, family = "Shape", "flatten", "shape"
    keywords = ("vector", "ravel", "view", "unroll")
    outputs = (Port("y", "vector"),)
    torch = "nn.Flatten()"
    samples = (
        sample(x=(2, 3, 4, 5)),
        sample(x=(2, 3)),
        bad("put a Reshape to 1", x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        if x.rank < 2:
            found, remedy = describe(x.type), "put a Reshape to 1 there instead"
            raise ShapeError(found, "several numbers a sample", remedy, adapter="Reshape")
        return reshape(x, (x.shape[0], x.type.size // x.shape[0]))


class Reshape(Op):
    """Gives the numbers of a sample another shape, in the same order.

    `shape` is that of one sample; one extent may be −1 and is worked out. Empty makes an image: of
    a vector the square with 1 or 3 channels, of H×W one with 1 channel; of one number a sample, a
    vector of 1. Refuses another count.
    """

    category, icon, family = "Shape", "reshape", "shape"
    keywords = ("view", "image", "unflatten")
    summary = ("shape",)
    shape: tuple[int, ...] = setting(
        (), "Shape of one sample, such as 1, 28, 28; empty: an image", min=-1, max=10_000_000
    )
    samples = (
        sample(x=(2, 12), settings={"shape": (3, 2, 2)}),
        sample(x=(2, 3, 4), settings={"shape": (4, -1)}),
        sample(x=(2, 16)),
        sample(x=(2, 12)),
        sample(x=(2, 4, 3)),
        sample(x=(2,), settings={"shape": (1, 1)}),
        sample(x=(2,)),
        bad("12 numbers", x=(2, 12), settings={"shape": (5, 2)}),
        bad("12 numbers", x=(2, 12), settings={"shape": (5, -1)}),
        bad("set the shape", x=(2, 10)),
        bad("shape", x=(2, 12), settings={"shape": (-1, -1)}),
        bad("shape", x=(2, 12), settings={"shape": (0,)}),
        bad("class labels", x=labels(2), settings={"shape": (1,)}),
    )

    def check(self) -> None:
        if 0 in self.shape or self.shape.count(-1) > 1:
            raise SettingError("shape", text(self.shape), "extents from 1, one of them may be -1")
        if len(self.shape) > 7:
            raise SettingError("shape", f"{len(self.shape)} axes", "at most 7")

    def call_template(self, *operands: TensorType) -> str:
        return "{x}.reshape(-1, " + ", ".join(map(str, self.resolved(operands[0]))) + ")"

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        return reshape(x, (x.shape[0], *self.resolved(x.type)))

    def resolved(self, x: TensorType) -> Shape:
        """The shape of one sample without −1; raises ShapeError when the numbers do not fit."""
        given = x.shape[1:]
        count = math.prod(given)
        if not self.shape:
            found = image_shape(given) or (given if len(given) == 3 else None)
            found = found if given else (1,)
            if found is None:
                raise ShapeError(describe(x), "a square number of values", "set the shape")
            return found
        known = math.prod(extent for extent in self.shape if extent != -1)
        free = -1 in self.shape
        if count % known or (not free and count != known):
            wanted = f"{'a multiple of ' if free else ''}{known} for {text(self.shape)}"
            raise ShapeError(f"{count} numbers a sample", wanted, "set a shape that holds them all")
        return tuple(count // known if extent == -1 else extent for extent in self.shape)


class OneHot(Op):
    """Makes numbers of class labels: 1 at the place of the class, else 0 (Goodfellow et al., §6.2).

    labels N or N×T → N×classes or N×T×classes. No gradient flows back.
    """

    category, icon, family = "Shape", "shape", "shape"
    title = "One-hot"
    picks = "x"
    keywords = ("one hot", "categorical", "dummy variables", "encode", "indicator")
    inputs = (Port("x", "labels"),)
    summary = ("classes",)
    classes: int = setting(
        10, "Number of classes; labels go from 0 to one less", min=2, max=1_000_000
    )
    torch_call = "F.one_hot({x}, {classes}).to(torch.get_default_dtype())"
    samples = (
        sample(x=labels(4), settings={"classes": 3}),
        sample(x=labels(2, 3), settings={"classes": 5}),
        sample(x=labels(2)),
        bad("class labels", x=(2, 3)),
        bad("class labels", x=(2,)),
    )

    def build(self, x: Tensor) -> Tensor:
        if x.dtype != "int":
            remedy = "wire a labels port, or leave the node out"
            raise ShapeError(describe(x.type), "class labels", remedy)
        return one_hot(x, self.classes)
