"""Optimizers: how a gradient becomes a step; Adam's kin are in adaptive.py."""

from __future__ import annotations

from typing import ClassVar

from graph.kinds import Optimizer
from graph.op import Context, SettingError, setting
from graph.primitives import power, sqrt
from graph.tensor import Tensor


class SGD(Optimizer):
    """Step against the gradient, with momentum when asked for (Sutskever et al. 2013).

    g ← g + weight_decay·p;  v ← momentum·v + g;  p ← p − rate·v, or with Nesterov's look ahead
    p ← p − rate·(g + momentum·v). This is PyTorch's form, where the rate scales the whole step.
    """

    title = "SGD"
    keywords = (
        "stochastic gradient descent",
        "momentum",
        "nesterov",
        "heavy ball",
    )
    summary = ("learning_rate", "momentum")
    torch = (
        "torch.optim.SGD({params}, lr={learning_rate}, momentum={momentum}, "
        "weight_decay={weight_decay}, nesterov={nesterov})"
    )
    learning_rate: float = setting(0.01, "Size of a step", min=0.0, max=1e6, live=True)
    momentum: float = setting(
        0.0, "Share of the last step that is kept; from 0 it cannot be changed in a run",
        min=0.0, below=1.0, live=True,
    )  # fmt: skip
    nesterov: bool = setting(False, "Look ahead along the momentum")
    weight_decay: float = setting(0.0, "L2 penalty added to the gradient", min=0.0, max=1e3)

    def check(self) -> None:
        if self.nesterov and self.momentum == 0:
            raise SettingError("nesterov", "it on with a momentum of 0", "a momentum above 0")

    def slot_names(self) -> tuple[str, ...]:
        return ("v",) if self.momentum else ()

    def live_settings(self) -> dict[str, float]:
        live = super().live_settings()
        if not self.momentum:  # there is no array to keep the last step in
            del live["momentum"]
        return live

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * p
        if not slots:
            return (p - rate * g,)
        momentum = ctx.live("momentum")
        v = momentum * slots[0] + g
        direction = g + momentum * v if self.nesterov else v
        return p - rate * direction, v


class GradientDescent(Optimizer):
    """Step against the gradient of the loss on all training samples at once (Cauchy 1847).

    p ← p − rate·g, with g of the whole training set: the batch size of the training does not count
    (Goodfellow et al. 2016, §8.1.3). For steps on batches use SGD.
    """

    title = "Gradient descent"
    keywords = ("full batch", "batch gradient descent", "steepest descent", "deterministic")
    full_batch: ClassVar[bool] = True
    torch = "torch.optim.SGD({params}, lr={learning_rate})"
    learning_rate: float = setting(0.1, "Size of a step", min=0.0, max=1e6, live=True)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        return (p - rate * g,)


def rest(decay: float, ctx: Context) -> Tensor:
    """1 − decayᵗ, t the number of the step: what a mean that began at 0 is short of."""
    return 1.0 - power(ctx.builder.constant(decay), ctx.step)


class Adaptive(Optimizer, register=False):
    """Base of adaptive optimizers, whose weight decay is an L2 penalty on the loss."""

    weight_decay: float = setting(0.0, "L2 penalty added to the gradient", min=0.0, max=1e3)

    def penalised(self, p: Tensor, g: Tensor) -> Tensor:
        """The gradient of the loss with its penalty."""
        return g + self.weight_decay * p if self.weight_decay else g


class Moments(Adaptive, register=False):
    """Base of Adam and its kin: a running gradient and one more running number."""

    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    beta1: float = setting(0.9, "Decay of the running gradient", min=0.0, below=1.0)
    beta2: float = setting(0.999, "Decay of the running squared gradient", min=0.0, below=1.0)
    epsilon: float = setting(1e-8, "Keeps the division finite", above=0.0, max=1.0, advanced=True)

    def moments(self, g: Tensor, m: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The running gradient and the running squared gradient with one more."""
        return (
            self.beta1 * m + (1.0 - self.beta1) * g,
            self.beta2 * v + (1.0 - self.beta2) * (g * g),
        )

    def adam(self, p: Tensor, m: Tensor, v: Tensor, rate: Tensor, ctx: Context) -> Tensor:
        """Adam's step (Kingma & Ba 2015, alg. 1)."""
        size = rate / rest(self.beta1, ctx)
        correction = 1.0 / sqrt(rest(self.beta2, ctx))
        return p - size * (m / (sqrt(v) * correction + self.epsilon))


BETAS = "lr={learning_rate}, betas=({beta1}, {beta2}), eps={epsilon}, weight_decay={weight_decay}"


class Adam(Moments):
    """Step scaled by running means of the gradient and its square (Kingma & Ba 2015, alg. 1).

    The weight decay is an L2 penalty: it is added to the gradient before the means are taken.
    """

    keywords = ("adaptive", "moments", "rmsprop")
    torch = f"torch.optim.Adam({{params}}, {BETAS})"

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        m, v = self.moments(self.penalised(p, g), *slots)
        return self.adam(p, m, v, rate, ctx), m, v
