"""Nodes that tell where in a sequence a vector stands: fixed, learned and rotary positions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from graph.op import Op, Param, bad, labels, sample, setting
from graph.ops.dense import constant_setting, init_setting, weight_start
from graph.ops.expect import describe, need_numbers
from graph.primitives import arange, concat, cos, exp, reshape, sin, slice_axis
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

BASE = 10_000.0  # Vaswani et al. 2017: wavelengths go from 2π to 2π · base


def need_sequence(kind: TensorType, heads: bool = False) -> None:
    """Raises ShapeError unless `kind` is N×T×F, or with `heads` N×H×T×d."""
    need_numbers(kind)
    if len(kind.shape) != 3 and not (heads and len(kind.shape) == 4):
        expected = "a sequence T×F a sample" + (", or H×T×d" if heads else "")
        remedy = "put an Embedding, or a Reshape to T×F, before it"
        raise ShapeError(describe(kind), expected, remedy, adapter="Reshape")


def angles(like: Tensor, steps: int, pairs: int, width: int, base: float) -> Tensor:
    """steps×pairs: t · base^(−2i/width), how far pair i has turned at step t."""
    builder = like.builder
    rate = exp(arange(builder, pairs) * (-2.0 * math.log(base) / width))
    return reshape(arange(builder, steps), (steps, 1)) * reshape(rate, (1, pairs))


def woven(even: Tensor, odd: Tensor) -> Tensor:
    """Two tensors …×P as one …×2P, taking turns along the last axis."""
    shape = even.shape
    pairs = concat([reshape(part, (*shape, 1)) for part in (even, odd)], len(shape))
    return reshape(pairs, (*shape[:-1], 2 * shape[-1]))


class SinusoidalPosition(Op):
    """Adds waves of growing length, so that each step can be told (Vaswani et al. 2017, §3.5).

    x N×T×F → N×T×F; feature 2i of step t gets sin(t · base^(−2i/F)), feature 2i+1 its cosine.
    Nothing is trained, and the sequence may have any length.
    """

    category, icon, family = "Embedding", "add", "attention"
    title = "Sinusoidal position"
    keywords = ("positional encoding", "transformer", "sine", "cosine", "time")
    summary = ("base",)
    base: float = setting(BASE, "Longest wavelength over the shortest", above=1.0, max=1e9)
    torch_call = "add_sinusoids({x}, {base})"
    samples = (
        sample(x=(2, 5, 4)),
        sample(x=(2, 3, 5), settings={"base": 100.0}),
        sample(x=(1, 1, 1)),
        bad("a sequence", x=(2, 3)),
        bad("class labels", x=labels(2, 3)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_sequence(x.type)
        _, steps, width = x.shape
        turned = angles(x, steps, (width + 1) // 2, width, self.base)
        waves = woven(sin(turned), cos(turned))
        return x + slice_axis(waves, 1, 0, width)


class LearnedPosition(Op):
    """Adds a trained vector for each step of a sequence (Gehring et al. 2017, §3.1).

    x N×T×F → N×T×F, weight longest×F of which the first T rows are used.
    """

    category, icon, family = "Embedding", "table", "attention"
    title = "Learned position"
    keywords = ("positional embedding", "transformer", "gpt", "bert", "absolute position")
    summary = ("longest",)
    longest: int = setting(512, "Most steps of a sequence", min=1, max=1_000_000)
    init: str = init_setting("truncated_normal")
    init_value: float = constant_setting()
    torch = "nn.Embedding({longest}, {x.shape[2]})"
    torch_call = "{x} + {module}.weight[:{x.shape[1]}]"
    samples = (
        sample(x=(2, 3, 4), settings={"longest": 5}),
        sample(x=(2, 3, 2), settings={"longest": 3, "init": "zeros"}),
        bad("at most 2 steps", x=(2, 3, 4), settings={"longest": 2}),
        bad("a sequence", x=(2, 3)),
        bad("class labels", x=labels(2, 3)),
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_sequence(x)
        if x.shape[1] > self.longest:
            found, expected = f"{x.shape[1]} steps", f"at most {self.longest} steps"
            raise ShapeError(found, expected, "set `longest` higher, or cut the sequence")
        return {"weight": Param((self.longest, x.shape[2]), weight_start(self))}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        return x + slice_axis(weight, 0, 0, x.shape[1])


class RotaryPosition(Op):
    """Turns pairs of features by the step they stand at (RoPE; Su et al. 2021, §3.2.2).

    x N×T×F, or N×H×T×d with heads, of the same shape out: features 2i and 2i+1 of step t are turned
    by t · base^(−2i/F). The product of two vectors so turned depends on how far apart they stand:
    put it before queries and keys are multiplied. Refuses an odd number of features.
    """

    category, icon, family = "Embedding", "attention", "attention"
    title = "Rotary position"
    keywords = ("rope", "rotary embedding", "relative position", "llama", "transformer")
    summary = ("base",)
    base: float = setting(BASE, "Longest wavelength over the shortest", above=1.0, max=1e9)
    torch_call = "rotate_pairs({x}, {base})"
    samples = (
        sample(x=(2, 5, 4)),
        sample(x=(2, 2, 3, 6), settings={"base": 100.0}),
        sample(x=(1, 1, 2)),
        bad("an even number", x=(2, 3, 5)),
        bad("a sequence", x=(2, 4)),
        bad("class labels", x=labels(2, 3)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_sequence(x.type, heads=True)
        *lead, steps, width = x.shape
        if width % 2:
            remedy = "give the layer before it an even number of features"
            raise ShapeError(f"{width} features", "an even number of features", remedy)
        turned = angles(x, steps, width // 2, width, self.base)
        pairs = reshape(x, (*lead, steps, width // 2, 2))
        first, second = (
            reshape(slice_axis(pairs, -1, k, k + 1), (*lead, steps, width // 2)) for k in (0, 1)
        )
        c, s = cos(turned), sin(turned)
        return woven(first * c - second * s, first * s + second * c)
