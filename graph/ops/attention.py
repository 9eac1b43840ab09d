"""Attention: every step of a sequence takes what it needs from the steps it may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.op import Context, Op, Param, Port, bad, labels, sample, setting
from graph.ops.dense import (
    constant_setting,
    init_setting,
    limit_setting,
    limited_weight,
    linear,
)
from graph.ops.expect import describe, need_numbers
from graph.primitives import attention, greater_equal, permute, reshape, slice_axis
from graph.primitives.table import text
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


class Attending(Op, register=False):
    """Base of attention nodes.

    `length` says how many steps of each sequence are valid keys, `mask` names the keys of each
    query. With a mask, a window or dropout the weights are kept as a matrix T×S of each head.
    """

    category, icon, family = "Attention", "attention", "attention"
    outputs = (Port("y", "sequence"),)
    causal: bool = setting(False, "A step sees itself and those before it, none after it")
    window: int | None = setting(
        None,
        "A step sees those less than so many steps away, itself one of them; free: all",
        min=1,
        max=1 << 20,
        advanced=True,
    )
    dropout: float = setting(
        0.0, "Probability of dropping a weight while training", min=0.0, below=1.0, advanced=True
    )

    def band(self, queries: int, keys: int) -> str:
        """PyTorch's text of what `causal` and `window` show, T×S; empty when it is all."""
        if not self.causal and self.window is None:
            return ""
        seen = f"torch.ones({queries}, {keys}, dtype=torch.bool)"
        if self.window is not None:
            seen += f".triu({1 - self.window})"
        after = 0 if self.causal else (self.window or 1) - 1
        return f"{seen}.tril({after or ''})"

    def dropped(self, scores: Shape, ctx: Context) -> Tensor | None:
        """Factors on the weights: 0 with probability `dropout`, else 1 / (1 − dropout)."""
        if not self.dropout or not ctx.training:
            return None
        kept = greater_equal(ctx.uniform(scores), self.dropout)
        return kept * (1.0 / (1.0 - self.dropout))


def need_sequence(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` is a batch of sequences N×T×F."""
    need_numbers(kind, operand)
    if len(kind.shape) != 3:
        remedy = "put a Reshape to steps and features before it"
        raise ShapeError(describe(kind), "a sequence T×F a sample", remedy, operand)


def need_lengths(kind: TensorType, operand: int) -> None:
    """Raises ShapeError unless `kind` is one integer a sample."""
    if kind.dtype != "int" or len(kind.shape) != 1:
        remedy = "wire how many steps of each sequence are valid, or leave it free"
        raise ShapeError(describe(kind), "one integer a sample", remedy, operand)


def need_mask(kind: TensorType, scores: Shape, operand: int) -> None:
    """Raises ShapeError unless `kind` is integers for scores N×T×S or N×heads×T×S."""
    n, inner = scores[0], kind.shape[1:]
    fitting = [scores[k:] for k in range(1, len(scores))]
    fits = any(
        len(inner) == len(full) and all(one in (1, k) for one, k in zip(inner, full, strict=True))
        for full in fitting
    )
    if kind.dtype != "int":
        remedy = "put ToIds before it"
        raise ShapeError(
            describe(kind), "integers, 0 where a key is hidden", remedy, operand, "ToIds"
        )
    if not fits or kind.shape[0] != n:
        expected = " or ".join(text(full) for full in fitting) + " a sample"
        remedy = "give a number for each query and key, 0 where the key is hidden"
        raise ShapeError(describe(kind), expected, remedy, operand)


def _split_off(operands: Sequence[TensorType]) -> tuple[bool, TensorType | None]:
    """Whether `length` is wired, and the type of the mask: integers both, the first a vector."""
    whole = [kind for kind in operands if kind.dtype == "int"]
    masks = [kind for kind in whole if len(kind.shape) > 1]
    return len(whole) > len(masks), masks[0] if masks else None


class ScaledDotProductAttention(Attending):
    """For each query the mean of the values, weighted by softmax(q·kᵀ / √d) (Vaswani et al. 2017).

    q N×T×d, k N×S×d, v N×S×e → y N×T×e; or all with heads, N×H×T×d. `length` N hides the keys from
    that number on, such as padding; `mask` hides those where it is 0: N×S for all queries, N×T×S,
    or N×heads×T×S; any extent of a sample may be 1. A query that sees no key gives 0. `window`
    shows near steps only (Beltagy et al. 2020). Mask, window and dropout need memory for T·S
    weights of each head, which the rest does without.
    """

    title = "Dot-product attention"
    keywords = ("scaled dot-product", "query", "key", "value", "transformer", "sdpa", "mask")
    summary = ("causal",)
    inputs = (
        Port("q", "sequence"),
        Port("k", "sequence"),
        Port("v", "sequence"),
        Port("length", "labels", optional=True),
        Port("mask", "labels", optional=True),
    )
    scale: float | None = setting(None, "Factor on q·k; free: 1 / √d", above=0.0, max=1e6)
    samples = (
        sample(q=(2, 3, 4), k=(2, 5, 4), v=(2, 5, 3)),
        sample(q=(2, 2, 3, 2), k=(2, 2, 3, 2), v=(2, 2, 3, 2), settings={"causal": True}),
        sample(q=(1, 1, 1), k=(1, 1, 1), v=(1, 1, 2), settings={"scale": 0.5}),
        sample(q=(4, 2, 3), k=(4, 3, 3), v=(4, 3, 2), length=labels(4), classes=4),
        sample(
            q=(4, 2, 3, 2), k=(4, 2, 3, 2), v=(4, 2, 3, 2), length=labels(4), classes=4,
            settings={"causal": True},
        ),
        sample(q=(3, 4, 2), k=(3, 4, 2), v=(3, 4, 2), settings={"window": 2}),
        sample(
            q=(2, 2, 4, 2), k=(2, 2, 5, 2), v=(2, 2, 5, 2),
            settings={"window": 2, "causal": True, "dropout": 0.25},
        ),
        sample(q=(3, 2, 3), k=(3, 4, 3), v=(3, 4, 2), mask=labels(3, 4)),
        sample(q=(2, 3, 2), k=(2, 3, 2), v=(2, 3, 1), mask=labels(2, 3, 3), classes=2),
        sample(
            q=(3, 2, 3, 2), k=(3, 2, 4, 2), v=(3, 2, 4, 2), length=labels(3), classes=5,
            mask=labels(3, 1, 3, 4), settings={"causal": True, "scale": 0.5},
        ),
        bad("steps and features", q=(2, 8), k=(2, 8), v=(2, 8)),
        bad("as many as the queries have, 4", q=(2, 3, 4), k=(2, 3, 5), v=(2, 3, 5)),
        bad("one for each of the 5 keys", q=(2, 3, 4), k=(2, 5, 4), v=(2, 3, 4)),
        bad("one for each of its heads", q=(2, 2, 3, 4), k=(2, 3, 3, 4), v=(2, 2, 3, 4)),
        bad("one integer a sample", q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4), length=(2,)),
        bad("class labels", q=labels(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4)),
        bad(
            "0 where a key is hidden", q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4), length=labels(2),
            mask=(2, 3, 3),
        ),
        bad("3×5 or 5 a sample", q=(2, 3, 4), k=(2, 5, 4), v=(2, 5, 4), mask=labels(2, 5, 3)),
        bad("3×5 or 5 a sample", q=(2, 3, 4), k=(2, 5, 4), v=(2, 5, 4), mask=labels(2)),
        bad("at least 1", q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4), settings={"window": 0}),
        bad("less than 1", q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4), settings={"dropout": 1.0}),
        bad("scale", q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4), settings={"scale": 0.0}),
    )  # fmt: skip

    def module_template(self, *operands: TensorType) -> str:
        return "nn.Dropout({dropout})" if self.dropout else ""

    def call_template(self, *operands: TensorType) -> str:
        queries, keys, rank = operands[0].shape[-2], operands[1].shape[-2], len(operands[0].shape)
        parts = ["{q}", "{k}", "{v}"]
        length, mask = _split_off(operands)
        band, seen = self.band(queries, keys), []
        if length:
            axes = ", None" * (rank - 1)
            seen.append(f"torch.arange({keys}) < {{length}}[:{axes}]")
        if mask is not None:
            axes = ", None" * (rank - len(mask.shape))
            seen.append(f"({{mask}} != 0)[:{axes}]" if axes else "{mask} != 0")
        if seen or self.window is not None:
            seen += [band] if band else []
            parts.append(f"attn_mask={' & '.join(f'({one})' for one in seen)}")
        elif self.causal:
            parts.append("is_causal=True")
        if self.dropout:
            parts.append("dropout_p={module}.p if {module}.training else 0.0")
        if self.scale is not None:
            parts.append("scale={scale}")
        return f"F.scaled_dot_product_attention({', '.join(parts)})"

    def build(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        length: Tensor | None,
        mask: Tensor | None,
        ctx: Context,
    ) -> Tensor:
        for operand, given in enumerate((q, k, v)):
            need_numbers(given.type, operand)
            if given.rank != 4:
                need_sequence(given.type, operand)
            if given.shape[1:-2] != q.shape[1:-2]:
                expected = f"one for each of its heads, as the queries have, {describe(q.type)}"
                raise ShapeError(describe(given.type), expected, "give all the same heads", operand)
        scores = (*q.shape[:-1], k.shape[-2])
        if length is not None:
            need_lengths(length.type, 3)
        if mask is not None:
            need_mask(mask.type, scores, 4)
        return attention(
            q, k, v, length, causal=self.causal, scale=self.scale, window=self.window, mask=mask,
            factors=self.dropped(scores, ctx),
        )  # fmt: skip


class MultiHeadAttention(Attending):
    """Attention several times side by side, each on a projection of its own (Vaswani et al. 2017).

    x N×T×E → y N×T×E; E is a multiple of the heads. Steps of x look at those of x, or at those of
    `context` N×S×C when it is wired (cross-attention). `length` N hides the steps of what is looked
    at from that number on, `mask` those where it is 0: N×S for all steps of x, N×T×S, or
    N×heads×T×S. `window` shows near steps only (Beltagy et al. 2020). A step that sees none gets 0
    from all heads. Mask, window and dropout need memory for T·S weights of each head, which the
    rest does without. Weights are those of PyTorch's MultiheadAttention.
    """

    title = "Multi-head attention"
    keywords = ("transformer", "self-attention", "cross-attention", "mha", "query", "key", "value")
    summary = ("heads", "causal")
    inputs = (
        Port("x", "sequence"),
        Port("context", "sequence", optional=True),
        Port("length", "labels", optional=True),
        Port("mask", "labels", optional=True),
    )
    heads: int = setting(
        4, "How often attention runs, each time on E / heads features", min=1, max=1024
    )
    bias: bool = setting(True, "Add trained offsets to the projections")
    init: str = init_setting("glorot_uniform")
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting("the weights of one feature of a projection")
    torch_state = {"out_proj_weight": "out_proj.weight", "out_proj_bias": "out_proj.bias"}
    samples = (
        sample(x=(2, 3, 4), settings={"heads": 2}),
        sample(x=(1, 4, 3), settings={"heads": 3, "causal": True, "bias": False}),
        sample(x=(2, 3, 4), context=(2, 2, 4), settings={"heads": 1}),
        sample(x=(2, 2, 4), context=(2, 3, 5), settings={"heads": 2}),
        sample(x=(4, 3, 4), length=labels(4), classes=4, settings={"heads": 2, "causal": True}),
        sample(x=(4, 2, 2), context=(4, 3, 3), length=labels(4), classes=4, settings={"heads": 1}),
        sample(x=(2, 4, 2), settings={"heads": 1, "window": 2, "dropout": 0.25}),
        sample(x=(2, 4, 2), mask=labels(2, 4), settings={"heads": 2, "window": 3, "causal": True}),
        sample(x=(2, 3, 2), mask=labels(2, 3, 3), settings={"heads": 2}),
        sample(
            x=(3, 2, 2),
            context=(3, 3, 3),
            length=labels(3),
            mask=labels(3, 2, 1, 3),
            classes=4,
            settings={"heads": 2},
        ),
        bad("steps and features", x=(2, 8)),
        bad("a multiple of 4", x=(2, 3, 6)),
        bad("steps and features", x=(2, 3, 4), context=(2, 8)),
        bad("one integer a sample", x=(2, 3, 4), length=labels(2, 3)),
        bad("4×3×3 or 3×3 or 3 a sample", x=(2, 3, 4), mask=labels(2, 2)),
        bad("class labels", x=labels(2, 3)),
    )

    def module_template(self, *operands: TensorType) -> str:
        width, looked_at = operands[0].shape[2], _looked_at(operands).shape[2]
        other = "" if looked_at == width else f", kdim={looked_at}, vdim={looked_at}"
        more = "" if self.bias else ", bias=False"
        more += ", dropout={dropout}" if self.dropout else ""
        return f"nn.MultiheadAttention({width}, {{heads}}{more}{other}, batch_first=True)"

    def call_template(self, *operands: TensorType) -> str:
        length, mask = _split_off(operands)
        # of the very tensor of the queries PyTorch may make NaN where no key is seen
        keys = "{x}[:]" if length or mask is not None else "{x}"
        keys = "{context}" if _looked_at(operands) is not operands[0] else keys
        queries, steps = operands[0].shape[1], _looked_at(operands).shape[1]
        parts = ["{x}", keys, keys, "need_weights=False"]
        unseen = [f"torch.arange({steps}) >= {{length}}[:, None]"] if length else []
        if mask is not None and len(mask.shape) == 2:
            unseen.append(f"({{mask}} == 0).expand(-1, {steps})")
        if unseen:
            joined = " | ".join(f"({one})" for one in unseen) if len(unseen) > 1 else unseen[0]
            parts.append(f"key_padding_mask={joined}")
        band = self.band(queries, steps)
        unseen = [f"~{band}"] if band else []
        if self.causal and self.window is None:
            unseen = [f"torch.ones({queries}, {steps}, dtype=torch.bool).triu(1)"]
        if mask is not None and len(mask.shape) > 2:
            each = "[:, None]" if len(mask.shape) == 3 else ""
            spread = f".expand(-1, {{heads}}, {queries}, {steps}).flatten(0, 1)"
            unseen.append(f"({{mask}} == 0){each}{spread}")
        if unseen:
            parts.append(f"attn_mask={' | '.join(unseen)}")
        return f"{{module}}({', '.join(parts)})[0]"

    def params(self, *operands: TensorType) -> Mapping[str, Param]:
        x, looked_at = operands[0], _looked_at(operands)
        need_sequence(x)
        need_sequence(looked_at, int(looked_at is not x))
        width, other = x.shape[2], looked_at.shape[2]
        if width % self.heads:
            expected = f"a multiple of {self.heads} features, the number of heads"
            raise ShapeError(f"{width} features a step", expected, "choose heads that divide them")
        found = {"in_proj_weight": limited_weight(self, 3 * width, width)}
        if other != width:
            found = {"q_proj_weight": limited_weight(self, width, width)}
            found |= {f"{name}_proj_weight": limited_weight(self, width, other) for name in "kv"}
        if self.bias:
            found["in_proj_bias"] = Param((3 * width,), "zeros")
        found["out_proj_weight"] = limited_weight(self, width, width)
        if self.bias:
            found["out_proj_bias"] = Param((width,), "zeros")
        return found

    def build(
        self,
        x: Tensor,
        context: Tensor | None,
        length: Tensor | None,
        mask: Tensor | None,
        ctx: Context,
        **weights: Tensor,
    ) -> Tensor:
        if length is not None:
            need_lengths(length.type, 2)
        looked_at = x if context is None else context
        scores = (x.shape[0], self.heads, x.shape[1], looked_at.shape[1])
        if mask is not None:
            need_mask(mask.type, scores, 3)
        parts = self._projected(x, looked_at, weights)
        q, k, v = (self._split(part) for part in parts)
        y = attention(
            q, k, v, length, causal=self.causal, window=self.window, mask=mask,
            factors=self.dropped(scores, ctx),
        )  # fmt: skip
        joined = reshape(permute(y, (0, 2, 1, 3)), x.shape)
        return linear(joined, weights["out_proj_weight"], weights.get("out_proj_bias"))

    def _projected(
        self, x: Tensor, looked_at: Tensor, weights: Mapping[str, Tensor]
    ) -> list[Tensor]:
        """Queries of x, keys and values of what is looked at, all N×steps×E."""
        width, bias = x.shape[2], weights.get("in_proj_bias")
        whole = weights.get("in_proj_weight")
        if whole is not None and looked_at.id == x.id:
            together = linear(x, whole, bias)
            return [slice_axis(together, 2, k * width, (k + 1) * width) for k in range(3)]
        made = []
        for place, (name, given) in enumerate(zip("qkv", (x, looked_at, looked_at), strict=True)):
            start, stop = place * width, (place + 1) * width
            own = weights.get(f"{name}_proj_weight")
            weight = slice_axis(whole, 0, start, stop) if whole is not None else own
            assert weight is not None
            part = None if bias is None else slice_axis(bias, 0, start, stop)
            made.append(linear(given, weight, part))
        return made

    def _split(self, part: Tensor) -> Tensor:
        """N×T×E as N×heads×T×E/heads."""
        n, steps, width = part.shape
        return permute(reshape(part, (n, steps, self.heads, width // self.heads)), (0, 2, 1, 3))


def _looked_at(operands: tuple[TensorType, ...]) -> TensorType:
    """The type of what keys and values are made of: the context's when it is wired."""
    real = [kind for kind in operands[:2] if kind.dtype == "real"]
    return real[-1] if real else operands[0]
