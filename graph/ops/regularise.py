"""Regularisers: what keeps a model from learning its samples by heart."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Context, Op, Port, Role, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.primitives import absolute, greater_equal, reduce_sum, where
from graph.tensor import Tensor


class Dropout(Op):
    """While training, sets each number to 0 with probability `p` and enlarges the others.

    What is kept is divided by 1 − p, so that evaluation passes x through unchanged (Srivastava et
    al. 2014, in the inverted form). The mask depends on the run's seed, this node and the step.
    """

    category, icon, family = "Regularise", "dropout", "regularise"
    keywords = ("regularisation", "noise", "overfitting", "mask")
    summary = ("p",)
    p: float = setting(
        0.5, "Probability of a 0", min=0.0, below=1.0, live=True, label="probability"
    )
    torch = "nn.Dropout({p})"
    samples = (
        sample(x=(4, 3)),
        sample(x=(2, 2, 3, 3), settings={"p": 0.2}),
        sample(x=(4, 3), settings={"p": 0.0}),
        bad("class labels", x=labels(4)),
    )

    def live_settings(self) -> dict[str, float]:
        return super().live_settings() if self.p else {}  # at 0 nothing is drawn at random

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_numbers(x.type)
        if not ctx.training or not self.p:
            return x
        p = ctx.live("p")
        kept = greater_equal(ctx.uniform(x.shape), p)
        return where(kept, x, 0.0) * (1.0 / (1.0 - p))


class ActivityRegulariser(Op):
    """A penalty on large values: `l1` · Σ|x| + `l2` · Σx² of a sample, mean over the batch.

    Wire its loss to the optimizer beside the loss of the task, which is then added to it. `l1`
    makes what a layer says sparse (Goodfellow et al. 2016, §7.10), `l2` keeps it small.
    """

    category, icon, family = "Regularise", "regularise", "regularise"
    role: ClassVar[Role] = "loss"
    title = "Activity regulariser"
    keywords = ("activity regularizer", "sparsity", "penalty", "l1", "l2", "sparse")
    summary = ("l1", "l2")
    outputs = (Port("loss", "loss"),)
    l1: float = setting(0.0, "Factor on the sum of the absolute values", min=0.0, max=1e6)
    l2: float = setting(0.01, "Factor on the sum of the squares", min=0.0, max=1e6)
    torch_call = "({l1} * {x}.abs().sum() + {l2} * {x}.square().sum()) / len({x})"
    samples = (
        sample(x=(4, 3)),
        sample(x=(2, 2, 3, 3), settings={"l1": 0.3, "l2": 0.0}),
        sample(x=(5,), settings={"l1": 0.2, "l2": 0.1}),
        bad("class labels", x=labels(4)),
        bad("l1", x=(2, 3), settings={"l1": -1.0}),
    )

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        sizes, squares = reduce_sum(absolute(x)), reduce_sum(x * x)
        return (self.l1 * sizes + self.l2 * squares) * (1.0 / x.shape[0])
