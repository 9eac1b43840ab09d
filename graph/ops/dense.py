"""Fully connected layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graph.op import Op, Param, Port, bad, labels, sample, setting
from graph.ops.expect import need_vector
from graph.primitives import matmul, reduce_sum, reshape
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

Fan = tuple[int, int]  # numbers that come in, numbers that go out

INITIALISERS = (
    "he_uniform",
    "he_normal",
    "glorot_uniform",
    "glorot_normal",
    "lecun_uniform",
    "lecun_normal",
    "torch_linear",
    "orthogonal",
    "truncated_normal",
    "standard_normal",
    "he_truncated",
    "glorot_truncated",
    "lecun_truncated",
    "identity",
    "zeros",
    "ones",
    "constant",
)


def init_setting(usual: str = "he_uniform") -> Any:
    """The setting `init` of a node with weights."""
    return setting(
        usual,
        "How the weights start",
        choices=INITIALISERS,
        advanced=True,
        label="initialise",
    )


def constant_setting() -> Any:
    """The setting `init_value` beside it."""
    return setting(
        0.1,
        "The number that a constant start fills the weights with",
        min=-1e6,
        max=1e6,
        advanced=True,
        label="constant",
    )


def limit_setting(whose: str = "the weights of one output") -> Any:
    """The setting `max_norm` beside it."""
    return setting(
        None,
        f"Longest that {whose} may be after an update (Srivastava et al. 2014); free: no limit",
        above=0.0,
        max=1e6,
        advanced=True,
    )


def weight_of() -> Any:
    """The setting `tie` of a node type whose param `weight` may be that of another node."""
    return setting(
        "",
        "Id of the node whose weight it uses, which then learns from both; empty: its own",
        advanced=True,
        label="weight of",
    )


def turned_weight() -> Any:
    """The setting `transposed` beside it, of a node type whose weight is a matrix."""
    return setting(
        False,
        "Use that weight with its axes swapped, as the decoder of a tied autoencoder does",
        advanced=True,
    )


def weight_start(op: Any) -> str | float:
    """How the weights of a node with both settings start: a number fills them."""
    return float(op.init_value) if op.init == "constant" else str(op.init)


def limited_weight(op: Any, *shape: int, makes: int = 0, fan: Fan | None = None) -> Param:
    """The weight of a node with all three settings; axis `makes` is what it makes."""
    return Param(shape, weight_start(op), fan, max_norm=op.max_norm, makes=makes)


def bias_start(init: str | float) -> str:
    """How a bias starts beside weights that start with `init`: at 0, but PyTorch draws it too."""
    return "torch_linear" if init == "torch_linear" else "zeros"


def bias_beside(weight: Param, wanted: bool, axis: int = 0) -> dict[str, Param]:
    """The bias beside a weight, one number for each place of `axis`; none unless wanted.

    Where it is drawn, it is with the weight's fans.
    """
    if not wanted:
        return {}
    taps = math.prod(weight.shape[2:])
    fan = (weight.shape[1] * taps, weight.shape[0] * taps)
    return {"bias": Param((weight.shape[axis],), bias_start(weight.init), fan)}


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b over the last axis of N×F or N×T×F, with weight units×F and bias units."""
    flat = reshape(x, (x.type.size // x.shape[-1], x.shape[-1]))
    y = matmul(flat, weight, transpose_b=True)
    y = y if bias is None else y + bias
    return reshape(y, (*x.shape[:-1], weight.shape[0]))


def width_of(units: int | None, factor: float, x: TensorType) -> int:
    """How many outputs there are for vectors of x, where the units may be free.

    Raises ShapeError when as many times as the input has are no whole number.
    """
    if units is not None:
        return units
    width = factor * x.shape[-1]
    if width != round(width) or width < 1:
        found = f"{x.shape[-1]} features × {factor:g} = {width:g} outputs"
        raise ShapeError(found, "a whole number", "set the units, or another factor")
    return round(width)


class Dense(Op):
    """Every output is a weighted sum of all inputs: y = x Wᵀ + b.

    x N×F → y N×units, weight units×F, bias units (Goodfellow, Bengio & Courville 2016, §6.1). Of a
    sequence N×T×F each step by itself, N×T×units. Refuses what has more axes. With the `weight of`
    an Embedding it scores tokens; with that of another Dense `transposed`, it undoes it (Vincent et
    al. 2010, §3.3).
    """

    category, icon, family = "Dense", "dense", "dense"
    keywords = ("linear", "fully connected", "hidden layer", "perceptron", "affine")
    inputs = (Port("x", "vector"),)
    outputs = (Port("y", "vector"),)
    summary = ("units", "bias")
    units: int | None = setting(
        64,
        "Number of outputs; free: as many as the input has, times the factor",
        min=1,
        max=1_000_000,
    )
    factor: float = setting(
        1.0,
        "Outputs for each number of the input, where the units are free",
        above=0.0,
        max=1000.0,
        advanced=True,
    )
    bias: bool = setting(True, "Add a trained offset to each output")
    init: str = init_setting()
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()
    tie: str = weight_of()
    transposed: bool = turned_weight()
    samples = (
        sample(x=(2, 3), settings={"units": 4}),
        sample(x=(1, 1), settings={"units": 1}),
        sample(x=(3, 5), settings={"units": 17, "bias": False, "init": "glorot_normal"}),
        sample(x=(2, 3, 4), settings={"units": 5}),
        sample(x=(2, 3), settings={"units": None}),
        sample(x=(2, 3, 4), settings={"units": None, "factor": 0.5}),
        bad("5 features × 0.5 = 2.5 outputs", x=(2, 5), settings={"units": None, "factor": 0.5}),
        bad("put a Flatten", x=(2, 1, 8, 8)),
        bad("put a Reshape", x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def module_template(self, *operands: TensorType) -> str:
        x = operands[0]
        units = width_of(self.units, self.factor, x)
        return f"nn.Linear({{x.shape[{len(x.shape) - 1}]}}, {units}, bias={{bias}})"

    def call_template(self, *operands: TensorType) -> str:
        if not self.turned():
            return self.torch_call
        return "F.linear({x}, {module}.weight.T, {module}.bias)"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        if len(x.shape) != 3 or x.dtype == "int":
            need_vector(x)
        weight = limited_weight(self, width_of(self.units, self.factor, x), x.shape[-1])
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return linear(x, weight, bias)


class Projection(Op):
    """A weighted sum of all inputs, to as many outputs as another value has.

    x N×F and like N×G → y N×G, weight G×F, bias G; of a sequence N×T×F each step by itself. Of
    `like` only the width is read. It ends a branch that is added to what went past it, however wide
    the branch is (He et al. 2016, §3.2).
    """

    category, icon, family = "Dense", "dense", "dense"
    keywords = ("match", "linear", "same width", "bottleneck")
    inputs = (Port("x", "vector"), Port("like", "vector", sized=True))
    outputs = (Port("y", "vector"),)
    summary = ("bias",)
    bias: bool = setting(True, "Add a trained offset to each output")
    init: str = init_setting("glorot_uniform")
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()
    torch_call = "{module}({x})"
    samples = (
        sample(x=(2, 3), like=(2, 4)),
        sample(x=(3, 2, 5), like=(3, 2, 1), settings={"bias": False}),
        sample(x=(2, 3, 4), like=(2, 6), settings={"init": "he_normal"}),
        bad("put a Flatten", x=(2, 1, 8, 8), like=(2, 4)),
        bad("put a Flatten", x=(2, 4), like=(2, 1, 8, 8)),
        bad("class labels", x=(2, 4), like=labels(2)),
    )

    def module_template(self, *operands: TensorType) -> str:
        x, like = operands
        return f"nn.Linear({x.shape[-1]}, {like.shape[-1]}, bias={{bias}})"

    def params(self, x: TensorType, like: TensorType) -> Mapping[str, Param]:
        for place, kind in enumerate((x, like)):
            if len(kind.shape) != 3 or kind.dtype == "int":
                need_vector(kind, place)
        weight = limited_weight(self, like.shape[-1], x.shape[-1])
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, like: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return linear(x, weight, bias)


class Bilinear(Op):
    """Every output is a weighted sum of all products of two vectors: y = x1ᵀ W x2 + b.

    x1 N×F, x2 N×G → y N×units; weight units×F×G, bias units (Tenenbaum & Freeman 2000, §2). Lets
    one input decide how the other is read.
    """

    category, icon, family = "Dense", "dense", "dense"
    keywords = ("product", "interaction", "two inputs", "similarity", "relation", "tensor network")
    inputs = (Port("x1", "vector"), Port("x2", "vector"))
    outputs = (Port("y", "vector"),)
    summary = ("units", "bias")
    units: int = setting(64, "Number of outputs", min=1, max=1_000_000)
    bias: bool = setting(True, "Add a trained offset to each output")
    init: str = init_setting("torch_linear")
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()
    torch = "nn.Bilinear({x1.shape[1]}, {x2.shape[1]}, {units}, bias={bias})"
    samples = (
        sample(x1=(2, 3), x2=(2, 4), settings={"units": 5}),
        sample(x1=(1, 1), x2=(1, 2), settings={"units": 1}),
        sample(x1=(3, 2), x2=(3, 2), settings={"units": 2, "bias": False, "init": "he_normal"}),
        bad("put a Flatten", x1=(2, 3), x2=(2, 1, 8, 8)),
        bad("put a Reshape", x1=(2,), x2=(2, 3)),
        bad("as many samples", x1=(2, 3), x2=(4, 3)),
        bad("class labels", x1=labels(2), x2=(2, 3)),
    )

    def params(self, x1: TensorType, x2: TensorType) -> Mapping[str, Param]:
        need_vector(x1)
        need_vector(x2, 1)
        if x1.shape[0] != x2.shape[0]:
            found = f"{x2.shape[0]} samples beside {x1.shape[0]}"
            raise ShapeError(found, "as many samples", "wire two paths of one batch", 1)
        # PyTorch scales by the first input alone
        fan = (x1.shape[1], self.units)
        made = {"weight": limited_weight(self, self.units, x1.shape[1], x2.shape[1], fan=fan)}
        if self.bias:
            made["bias"] = Param((self.units,), bias_start(self.init), fan)
        return made

    def build(self, x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        units, first, second = weight.shape
        read = matmul(x2, reshape(weight, (units * first, second)), transpose_b=True)
        parts = reshape(read, (x2.shape[0], units, first)) * reshape(x1, (x1.shape[0], 1, first))
        y = reduce_sum(parts, 2)
        return y if bias is None else y + bias
