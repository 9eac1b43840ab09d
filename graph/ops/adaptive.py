"""Adaptive optimizers: each weight has a step of its own, from the gradients it has seen."""

from __future__ import annotations

from typing import ClassVar

from graph.kinds import Optimizer
from graph.op import Context, setting
from graph.ops.optimizer import BETAS, Adaptive, Moments, rest
from graph.primitives import absolute, greater, maximum, minimum, norm, power, sign, sqrt, where
from graph.tensor import Tensor

NADAM_DECAY = 0.004  # ψ of Dozat 2016: how slowly the momentum comes up to β₁
RADAM_LENGTH = 5.0  # of the running square from which its variance is known (Liu et al. 2020)


class Adagrad(Adaptive):
    """Step over the root of all squared gradients so far (Duchi, Hazan & Singer 2011).

    s ← s + g²;  p ← p − rate·g / (√s + ε). Steps only get smaller.
    """

    keywords = ("adaptive", "sparse", "accumulated squares")
    slots: ClassVar[tuple[str, ...]] = ("sum",)
    torch = (
        "torch.optim.Adagrad({params}, lr={learning_rate}, eps={epsilon}, "
        "weight_decay={weight_decay})"
    )
    learning_rate: float = setting(0.01, "Size of a step", min=0.0, max=1e6, live=True)
    epsilon: float = setting(1e-10, "Keeps the division finite", above=0.0, max=1.0, advanced=True)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        g = self.penalised(p, g)
        total = slots[0] + g * g
        return p - rate * (g / (sqrt(total) + self.epsilon)), total


class Adadelta(Adaptive):
    """Step in the units of the weight: root of past steps over root of gradients (Zeiler 2012).

    s ← ρ·s + (1 − ρ)·g²;  Δ = √(d + ε)/√(s + ε)·g;  d ← ρ·d + (1 − ρ)·Δ²;  p ← p − rate·Δ.
    """

    keywords = ("adaptive", "no learning rate", "running squares")
    slots: ClassVar[tuple[str, ...]] = ("square", "delta")
    torch = (
        "torch.optim.Adadelta({params}, lr={learning_rate}, rho={rho}, eps={epsilon}, "
        "weight_decay={weight_decay})"
    )
    learning_rate: float = setting(1.0, "Factor on a step", min=0.0, max=1e6, live=True)
    rho: float = setting(0.9, "Decay of the running squares", min=0.0, below=1.0)
    epsilon: float = setting(1e-6, "Lets the first step begin", above=0.0, max=1.0, advanced=True)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        g = self.penalised(p, g)
        square = self.rho * slots[0] + (1.0 - self.rho) * (g * g)
        change = sqrt(slots[1] + self.epsilon) / sqrt(square + self.epsilon) * g
        delta = self.rho * slots[1] + (1.0 - self.rho) * (change * change)
        return p - rate * change, square, delta


class RMSprop(Adaptive):
    """Step over the root of a running mean of squared gradients (Tieleman & Hinton 2012).

    s ← α·s + (1 − α)·g²;  p ← p − rate·g / (√s + ε); with momentum v ← momentum·v + g / (√s + ε)
    and p ← p − rate·v. `centered` takes the mean's square off s (Graves 2013).
    """

    keywords = ("adaptive", "root mean square", "running squares")
    summary = ("learning_rate", "alpha")
    torch = (
        "torch.optim.RMSprop({params}, lr={learning_rate}, alpha={alpha}, eps={epsilon}, "
        "weight_decay={weight_decay}, momentum={momentum}, centered={centered})"
    )
    learning_rate: float = setting(0.01, "Size of a step", min=0.0, max=1e6, live=True)
    alpha: float = setting(0.99, "Decay of the running squared gradient", min=0.0, below=1.0)
    momentum: float = setting(0.0, "Share of the last step that is kept", min=0.0, below=1.0)
    centered: bool = setting(False, "Divide by the deviation instead of the root mean square")
    epsilon: float = setting(1e-8, "Keeps the division finite", above=0.0, max=1.0, advanced=True)

    def slot_names(self) -> tuple[str, ...]:
        return (
            "square",
            *(("mean",) if self.centered else ()),
            *(("v",) if self.momentum else ()),
        )

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        g = self.penalised(p, g)
        given = dict(zip(self.slot_names(), slots, strict=True))
        new = {"square": self.alpha * given["square"] + (1.0 - self.alpha) * (g * g)}
        spread = new["square"]
        if self.centered:
            new["mean"] = self.alpha * given["mean"] + (1.0 - self.alpha) * g
            spread = spread - new["mean"] * new["mean"]
        direction = g / (sqrt(spread) + self.epsilon)
        if self.momentum:
            direction = new["v"] = self.momentum * given["v"] + direction
        return p - rate * direction, *new.values()


class AdamW(Moments):
    """Adam whose weight decay shrinks the weights themselves (Loshchilov & Hutter 2019).

    p ← p·(1 − rate·weight_decay), then Adam's step; the penalty is not divided by √v.
    """

    keywords = ("adaptive", "decoupled weight decay", "transformer")
    summary = ("learning_rate", "weight_decay")
    weight_decay: float = setting(0.01, "Share of the weights taken off", min=0.0, max=1e3)
    torch = f"torch.optim.AdamW({{params}}, {BETAS})"

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        m, v = self.moments(g, *slots)
        if self.weight_decay:
            p = p * (1.0 - rate * self.weight_decay)
        return self.adam(p, m, v, rate, ctx), m, v


class AMSGrad(Moments):
    """Adam over the largest running square so far, so none grows again (Reddi et al. 2018)."""

    title = "AMSGrad"
    keywords = ("adaptive", "adam", "convergence")
    slots: ClassVar[tuple[str, ...]] = ("m", "v", "largest")
    torch = f"torch.optim.Adam({{params}}, {BETAS}, amsgrad=True)"

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        m, v = self.moments(self.penalised(p, g), *slots[:2])
        largest = maximum(slots[2], v)
        return self.adam(p, m, largest, rate, ctx), m, v, largest


class Adamax(Moments):
    """Adam over the largest gradient, slowly forgotten, not a root (Kingma & Ba 2015, alg. 2).

    u ← max(β₂·u, |g| + ε);  p ← p − rate/(1 − β₁ᵗ)·m/u.
    """

    keywords = ("adaptive", "infinity norm", "adam")
    learning_rate: float = setting(0.002, "Size of a step", min=0.0, max=1e6, live=True)
    slots: ClassVar[tuple[str, ...]] = ("m", "u")
    torch = f"torch.optim.Adamax({{params}}, {BETAS})"

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        g = self.penalised(p, g)
        m = self.beta1 * slots[0] + (1.0 - self.beta1) * g
        u = maximum(self.beta2 * slots[1], absolute(g) + self.epsilon)
        return p - rate / rest(self.beta1, ctx) * (m / u), m, u


class Decayed(Moments, register=False):
    """Base of Adam's kin that decay weights in either way."""

    decoupled: bool = setting(
        False, "Take the decay off the weights and not into the gradient, as AdamW", advanced=True
    )

    def decayed(self, p: Tensor, g: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """The weights and the gradient that the step begins with (Loshchilov & Hutter 2019)."""
        if self.decoupled and self.weight_decay:
            return p * (1.0 - rate * self.weight_decay), g
        return p, self.penalised(p, g)


class NAdam(Decayed):
    """Adam with Nesterov's look ahead (Dozat 2016).

    The momentum μ = β₁·(1 − ½·0.96^(0.004·t)) grows with the step t; Π is the product of all so
    far. p ← p − rate·(μ₊·m/(1 − Π·μ₊) + (1 − μ)·g/(1 − Π)) / (√(v/(1 − β₂ᵗ)) + ε).
    """

    title = "NAdam"
    keywords = ("adaptive", "nesterov", "adam")
    learning_rate: float = setting(0.002, "Size of a step", min=0.0, max=1e6, live=True)
    # 1 − Π, since running arrays begin at 0; one number would do, kept for each weight
    slots: ClassVar[tuple[str, ...]] = ("m", "v", "passed")
    torch = (
        f"torch.optim.NAdam({{params}}, {BETAS}, momentum_decay=0.004, "
        "decoupled_weight_decay={decoupled})"
    )

    def momentum(self, step: Tensor) -> Tensor:
        """μ at a step."""
        grown = power(step.builder.constant(0.96), step * NADAM_DECAY)
        return self.beta1 * (1.0 - 0.5 * grown)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        p, g = self.decayed(p, g, rate)
        m, v = self.moments(g, *slots[:2])
        now, ahead = self.momentum(ctx.step), self.momentum(ctx.step + 1.0)
        product = (1.0 - slots[2]) * now
        spread = sqrt(v) * (1.0 / sqrt(rest(self.beta2, ctx))) + self.epsilon
        moved = (1.0 - now) * g / (1.0 - product) + ahead * m / (1.0 - product * ahead)
        return p - rate * (moved / spread), m, v, 1.0 - product


class RAdam(Decayed):
    """Adam that waits with dividing until the square's mean is worth it (Liu et al. 2020).

    ρ∞ = 2/(1 − β₂) − 1;  ρ = ρ∞ − 2t·β₂ᵗ/(1 − β₂ᵗ). Up to ρ = 5 the step is rate·m̂, then it is
    Adam's times √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)).
    """

    title = "RAdam"
    keywords = ("adaptive", "rectified", "warm-up", "adam")
    beta2: float = setting(0.999, "Decay of the running squared gradient", above=0.7, below=1.0)
    torch = f"torch.optim.RAdam({{params}}, {BETAS}, decoupled_weight_decay={{decoupled}})"

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        p, g = self.decayed(p, g, rate)
        m, v = self.moments(g, *slots)
        longest = 2.0 / (1.0 - self.beta2) - 1.0
        left = rest(self.beta2, ctx)
        length = longest - 2.0 * ctx.step * (1.0 - left) / left
        known = greater(length, RADAM_LENGTH)
        sure = maximum(length, RADAM_LENGTH)
        scale = longest / ((longest - 4.0) * (longest - 2.0))
        rectified = sqrt((sure - 4.0) * (sure - 2.0) * scale / sure) * sqrt(left)
        size = rate / rest(self.beta1, ctx)
        divided = m * (rectified / (sqrt(v) + self.epsilon))
        return p - size * where(known, divided, m), m, v


class Lion(Optimizer):
    """Steps of one size along the sign of a running gradient (Chen et al. 2023, alg. 2).

    u = sign(β₁·m + (1 − β₁)·g);  p ← p·(1 − rate·weight_decay) − rate·u;  m ← β₂·m + (1 − β₂)·g.
    """

    keywords = ("sign", "evolved", "momentum", "decoupled weight decay")
    slots: ClassVar[tuple[str, ...]] = ("m",)
    learning_rate: float = setting(0.0001, "Size of a step", min=0.0, max=1e6, live=True)
    beta1: float = setting(0.9, "Share of the running gradient in a step", min=0.0, below=1.0)
    beta2: float = setting(0.99, "Decay of the running gradient", min=0.0, below=1.0)
    weight_decay: float = setting(0.0, "Share of the weights taken off", min=0.0, max=1e3)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        direction = sign(self.beta1 * slots[0] + (1.0 - self.beta1) * g)
        if self.weight_decay:
            p = p * (1.0 - rate * self.weight_decay)
        m = self.beta2 * slots[0] + (1.0 - self.beta2) * g
        return p - rate * direction, m


class LAMB(Moments):
    """Adam whose step on an array of weights is as long as the array (You et al. 2020).

    u = m̂/(√v̂ + ε) + weight_decay·p;  p ← p − rate·‖p‖/‖u‖·u, a norm for each array of weights;
    where either is 0 (a bias at its start), the step is rate·u. Meant for very large batches.
    """

    title = "LAMB"
    keywords = ("adaptive", "layer-wise", "large batch", "trust ratio", "lars", "transformer")
    epsilon: float = setting(1e-6, "Keeps the division finite", above=0.0, max=1.0, advanced=True)
    weight_decay: float = setting(0.01, "Share of the weights in a step", min=0.0, max=1e3)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        m, v = self.moments(g, *slots)
        spread = sqrt(v) * (1.0 / sqrt(rest(self.beta2, ctx))) + self.epsilon
        u = m / spread * (1.0 / rest(self.beta1, ctx))
        if self.weight_decay:
            u = u + self.weight_decay * p
        size, length = norm(p), norm(u)
        known = greater(minimum(size, length), 0.0)
        trust = where(known, size, 1.0) / where(known, length, 1.0)
        return p - rate * trust * u, m, v
