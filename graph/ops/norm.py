"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Context, Op, Param, Result, State, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers
from graph.primitives import batch_norm, channel_shape, reshape, rsqrt
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class BatchNorm(Op):
    """Brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it.

    x N×F or N×C×H×W; weight, bias and the running values have one number a channel (Ioffe &
    Szegedy 2015). Training uses the biased variance of the batch and moves the running values by
    `momentum` towards the batch's mean and its unbiased variance, as PyTorch does; evaluation uses
    the running values. Refuses a batch that has only one value a channel.
    """

    category, icon, family = "Normalisation", "norm", "norm"
    keywords = ("batch normalisation", "normalization", "bn", "running mean")
    momentum: float = setting(0.1, "Share of the batch in the new running values", min=0.0, max=1.0)
    epsilon: float = setting(
        1e-5, "Added to the variance, keeps the division finite", above=0.0, max=1.0, advanced=True
    )
    samples = (
        sample(x=(4, 3)),
        sample(x=(2, 3, 2, 2), settings={"momentum": 0.3, "epsilon": 1e-3}),
        sample(x=(1, 2, 3, 3), settings={"momentum": 1.0}),
        bad("a vector or an image", x=(2, 3, 4)),
        bad("a vector or an image", x=(4,)),
        bad("class labels", x=labels(4)),
    )

    def module_template(self, *operands: TensorType) -> str:
        rank = len(operands[0].shape) - 2 or 1
        return f"nn.BatchNorm{rank}d({{x.shape[1]}}, eps={{epsilon}}, momentum={{momentum}})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_numbers(x)
        if len(x.shape) not in (2, 4):
            remedy = "put it where the values are N×F or N×C×H×W"
            raise ShapeError(describe(x), "a vector or an image a sample", remedy)
        channels = (x.shape[1],)
        return {"weight": Param(channels, "ones"), "bias": Param(channels, "zeros")}

    def state(self, x: TensorType) -> Mapping[str, State]:
        channels = (x.shape[1],)
        return {"running_mean": State(channels), "running_var": State(channels, "ones")}

    def build(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        ctx: Context,
    ) -> Tensor | Result:
        if not ctx.training:
            return self._evaluated(x, weight, bias, running_mean, running_var)
        count = x.type.size // x.shape[1]
        if count < 2:
            remedy = "choose a batch size that leaves no batch of one sample"
            raise ShapeError("one value a channel in the batch", "two at least", remedy)
        y, mean, variance = batch_norm(x, weight, bias, self.epsilon)
        old, new = 1.0 - self.momentum, self.momentum
        unbiased = new * count / (count - 1)
        updates = {
            "running_mean": old * running_mean + new * mean,
            "running_var": old * running_var + unbiased * variance,
        }
        return Result((y,), updates)

    def _evaluated(
        self, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
    ) -> Tensor:
        shape = channel_shape(x)
        scale = weight * rsqrt(variance + self.epsilon)
        return (x - reshape(mean, shape)) * reshape(scale, shape) + reshape(bias, shape)
