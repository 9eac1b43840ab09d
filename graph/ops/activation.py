"""Activation functions: elementwise, except Softmax."""

from __future__ import annotations

from graph.op import Op, sample
from graph.primitives import relu
from graph.tensor import Tensor


class ReLU(Op):
    """max(0, x): passes what is positive, cuts what is not."""

    category, icon, family = "Activation", "relu", "activation"
    keywords = ("rectifier", "rectified linear")
    torch = "nn.ReLU()"
    samples = (sample(x=(2, 3)), sample(x=(2, 3, 4, 4)))

    def build(self, x: Tensor) -> Tensor:
        return relu(x)
