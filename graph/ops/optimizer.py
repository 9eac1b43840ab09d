"""Optimizers: how a gradient becomes a step."""

from __future__ import annotations

from typing import ClassVar

from graph.kinds import Optimizer
from graph.op import Context, setting
from graph.primitives import power, sqrt
from graph.tensor import Tensor


class Adam(Optimizer):
    """Step scaled by running means of the gradient and its square (Kingma & Ba 2015, alg. 1)."""

    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    torch = "torch.optim.Adam({params}, lr={learning_rate}, betas=({beta1}, {beta2}), eps={epsilon}, weight_decay={weight_decay})"
    beta1: float = setting(0.9, "Decay of the running gradient", min=0.0, below=1.0)
    beta2: float = setting(0.999, "Decay of the running squared gradient", min=0.0, below=1.0)
    epsilon: float = setting(1e-8, "Keeps the division finite", above=0.0, advanced=True)
    weight_decay: float = setting(0.0, "L2 penalty added to the gradient", min=0.0)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        m, v = slots
        if self.weight_decay:
            g = g + self.weight_decay * p
        m = self.beta1 * m + (1.0 - self.beta1) * g
        v = self.beta2 * v + (1.0 - self.beta2) * (g * g)
        size = rate / (1.0 - power(ctx.builder.constant(self.beta1), ctx.step))
        correction = 1.0 / sqrt(1.0 - power(ctx.builder.constant(self.beta2), ctx.step))
        return p - size * (m / (sqrt(v) * correction + self.epsilon)), m, v
