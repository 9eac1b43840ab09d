"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Op, Param, bad, sample, setting
from graph.primitives import matmul
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Dense(Op):
    """Every output is a weighted sum of all inputs: y = x Wᵀ + b."""

    category, icon, family = "Dense", "dense", "dense"
    keywords = ("linear", "fully connected", "perceptron", "affine")
    summary = ("units", "bias")
    units: int = setting(64, "Number of outputs", min=1, max=1_000_000)
    bias: bool = setting(True, "Add a trained offset to each output")
    init: str = setting(
        "he_uniform",
        "How the weights start",
        choices=("he_uniform", "he_normal", "glorot_uniform", "glorot_normal", "torch_linear"),
        advanced=True,
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        if len(x.shape) != 2 or x.dtype == "int":
            raise ShapeError(
                f"{text(x.shape[1:])} a sample",
                "a vector a sample",
                "put a Flatten before it",
                adapter="Flatten",
            )
        inputs = x.shape[1]
        found = {"weight": Param((self.units, inputs), self.init)}
        if self.bias:
            found["bias"] = Param((self.units,), "zeros", (inputs, self.units))
        return found

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        y = matmul(x, weight, transpose_b=True)
        return y if bias is None else y + bias

    torch = "nn.Linear({x.shape[1]}, {units}, bias={bias})"
    samples = (
        sample(x=(2, 3), settings={"units": 4}),
        sample(x=(3, 5), settings={"units": 1, "bias": False}),
        bad("Flatten", x=(2, 1, 8, 8)),
    )
