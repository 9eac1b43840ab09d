"""Fully connected layers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from graph.op import Op, Param, Port, bad, labels, sample, setting
from graph.ops.expect import need_vector
from graph.primitives import matmul
from graph.program import TensorType
from graph.tensor import Tensor

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
    "identity",
    "zeros",
    "ones",
)


def bias_beside(weight: Param, wanted: bool, axis: int = 0) -> dict[str, Param]:
    """The bias beside a weight, one number for each place of `axis`; none unless wanted.

    It starts at 0, but PyTorch draws it as it draws the weight, with the weight's fans.
    """
    if not wanted:
        return {}
    taps = math.prod(weight.shape[2:])
    fan = (weight.shape[1] * taps, weight.shape[0] * taps)
    start = weight.init if weight.init == "torch_linear" else "zeros"
    return {"bias": Param((weight.shape[axis],), start, fan)}


class Dense(Op):
    """Every output is a weighted sum of all inputs: y = x Wᵀ + b.

    x N×F → y N×units, weight units×F, bias units (Goodfellow, Bengio & Courville 2016, §6.1).
    Refuses anything but a vector a sample.
    """

    category, icon, family = "Dense", "dense", "dense"
    keywords = ("linear", "fully connected", "hidden layer", "perceptron", "affine")
    inputs = (Port("x", "vector"),)
    outputs = (Port("y", "vector"),)
    summary = ("units", "bias")
    units: int = setting(64, "Number of outputs", min=1, max=1_000_000)
    bias: bool = setting(True, "Add a trained offset to each output")
    init: str = setting(
        "he_uniform",
        "How the weights start",
        choices=INITIALISERS,
        advanced=True,
        label="initialise",
    )
    torch = "nn.Linear({x.shape[1]}, {units}, bias={bias})"
    samples = (
        sample(x=(2, 3), settings={"units": 4}),
        sample(x=(1, 1), settings={"units": 1}),
        sample(x=(3, 5), settings={"units": 17, "bias": False, "init": "glorot_normal"}),
        bad("put a Flatten", x=(2, 1, 8, 8)),
        bad("put a Reshape", x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_vector(x)
        weight = Param((self.units, x.shape[1]), self.init)
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        y = matmul(x, weight, transpose_b=True)
        return y if bias is None else y + bias
