"""Optimizers with one step for all weights; those with a step for each are in adaptive.py."""

from __future__ import annotations

from graph.kinds import Optimizer
from graph.op import Context, SettingError, setting
from graph.tensor import Tensor


class SGD(Optimizer):
    """Step against the gradient, with momentum when asked for (Sutskever et al. 2013).

    g ← g + weight_decay·p;  v ← momentum·v + g;  p ← p − rate·v, or with Nesterov's look ahead
    p ← p − rate·(g + momentum·v). This is PyTorch's form, where the rate scales the whole step.
    """

    title = "SGD"
    keywords = (
        "gradient descent",
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
