"""Regularisers: what keeps a model from learning its samples by heart."""

from __future__ import annotations

from graph.op import Context, Op, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.primitives import greater_equal, where
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

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_numbers(x.type)
        if not ctx.training:
            return x
        p = ctx.live("p")
        kept = greater_equal(ctx.uniform(x.shape), p)
        return where(kept, x, 0.0) * (1.0 / (1.0 - p))
