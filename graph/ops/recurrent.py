"""Recurrent layers: a state that is carried from step to step of a sequence N×T×F."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from graph.op import Context, Op, Param, Port, SettingError, bad, labels, sample, setting
from graph.ops.dense import limit_setting
from graph.ops.expect import describe, need_lengths, need_numbers
from graph.primitives import (
    concat,
    greater_equal,
    gru_scan,
    lstm_scan,
    matmul,
    one_hot,
    pad,
    reduce_sum,
    reshape,
    rnn_scan,
    slice_axis,
    to_real,
    zeros,
)
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


def need_sequence(kind: TensorType) -> None:
    """Raises ShapeError unless `kind` is a batch of sequences N×T×F."""
    need_numbers(kind)
    if len(kind.shape) != 3:
        remedy = "put a Reshape to its steps and features before it"
        if len(kind.shape) == 2:
            remedy = f"put a Reshape to {kind.shape[1]}×1 before it, one number a step"
        raise ShapeError(describe(kind), "a sequence T×F a sample", remedy)


class Recurrent(Op, register=False):
    """Base of the recurrent layers; `gates` numbers a unit come from each step's input."""

    gates: ClassVar[int] = 1
    category, icon, family = "Recurrent", "recurrent", "recurrent"
    inputs = (Port("x", "sequence"), Port("length", "labels", optional=True))
    summary = ("units", "returns")
    units: int = setting(128, "Numbers of the state", min=1, max=65_536, label="hidden units")
    layers: int = setting(1, "Layers, each on the states of the one before", min=1, max=64)
    bidirectional: bool = setting(
        False, "Walk both ways in each layer and put both states beside each other"
    )
    returns: str = setting(
        "sequence",
        "The states of all steps of the last layer, or the last state of each walk only",
        choices=("sequence", "last"),
    )
    dropout: float = setting(
        0.0,
        "Probability of dropping a number between two layers while training",
        min=0.0,
        below=1.0,
        advanced=True,
    )
    bias: bool = setting(True, "Add trained offsets to the products", advanced=True)
    max_norm: float | None = limit_setting("the weights of one number of the state or a gate")

    def check(self) -> None:
        if self.dropout and self.layers == 1:
            raise SettingError("dropout", f"{self.dropout:g} with 1 layer", "0, or more layers")

    def module_template(self, *operands: TensorType) -> str:
        return (
            f"nn.{type(self).__name__}({{x.shape[2]}}, {{units}}, num_layers={{layers}}, "
            "bias={bias}, batch_first=True, dropout={dropout}, bidirectional={bidirectional}"
            f"{self._more()})"
        )

    def _more(self) -> str:
        """Further arguments of the module."""
        return ""

    def call_template(self, *operands: TensorType) -> str:
        called = "{module}({x})"
        if len(operands) > 1:
            called = "{module}(pack_sequences({x}, {length}))"
        if self.returns == "last":
            states = f"{called}[1]{'[0]' if isinstance(self, LSTM) else ''}"
            both = "[-2:].transpose(0, 1).flatten(1)"
            return states + (both if self.bidirectional else "[-1]")
        if len(operands) > 1:
            return f"unpack_sequences({called}[0], {{x.shape[1]}})"
        return f"{called}[0]"

    def _walks(self) -> Iterator[tuple[int, bool, str]]:
        """(layer, whether it walks back, what its weights' names end in), in PyTorch's order."""
        for layer in range(self.layers):
            yield layer, False, f"l{layer}"
            if self.bidirectional:
                yield layer, True, f"l{layer}_reverse"

    def params(self, x: TensorType, length: TensorType | None = None) -> Mapping[str, Param]:
        need_sequence(x)
        if length is not None:
            need_lengths(length, x.shape[0], 1)
        rows, fan = self.gates * self.units, (self.units, self.units)
        found: dict[str, Param] = {}
        for layer, _, ending in self._walks():
            width = self.units * (2 if self.bidirectional else 1) if layer else x.shape[2]
            shapes: dict[str, Shape] = {"weight_ih": (rows, width), "weight_hh": (rows, self.units)}
            if self.bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for name, shape in shapes.items():
                limit = self.max_norm if len(shape) > 1 else None
                found[f"{name}_{ending}"] = Param(shape, "torch_linear", fan, max_norm=limit)
        return found

    def build(
        self, x: Tensor, length: Tensor | None = None, *, ctx: Context, **weights: Tensor
    ) -> Tensor:
        ends = None if length is None else to_real(length)
        walks: list[Tensor] = []
        for layer, reverse, ending in self._walks():
            if layer and not reverse:
                x, walks = self._dropped(concat(walks, 2), layer, ctx), []
            own = [weights[f"{k}_{ending}"] for k in ("weight_ih", "weight_hh")]
            if self.bias:
                own += [weights[f"{k}_{ending}"] for k in ("bias_ih", "bias_hh")]
            walks.append(self.walk(x, ends, reverse, *own))
        if self.returns == "sequence":
            return concat(walks, 2)
        last = [_last(y, length, reverse) for y, reverse in zip(walks, (False, True), strict=False)]
        return concat(last, 1)

    def _dropped(self, x: Tensor, layer: int, ctx: Context) -> Tensor:
        if not self.dropout or not ctx.training:
            return x
        kept = greater_equal(ctx.uniform(x.shape, f"layer{layer}"), self.dropout)
        return x * (kept * (1.0 / (1.0 - self.dropout)))

    def walk(self, x: Tensor, length: Tensor | None, reverse: bool, *weights: Tensor) -> Tensor:
        """The states N×T×units of one layer in one direction, given its weights and biases."""
        w_ih, w_hh, *biases = weights
        bias = biases[0] + biases[1] if biases else None
        return self.scan(_projected(x, w_ih, bias), w_hh, length, reverse)

    def scan(self, x: Tensor, weight: Tensor, length: Tensor | None, reverse: bool) -> Tensor:
        """The walk itself, of inputs that have met their weights."""
        raise NotImplementedError


def _projected(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b for all steps at once."""
    n, steps, features = x.shape
    y = matmul(reshape(x, (n * steps, features)), weight, transpose_b=True)
    return reshape(y if bias is None else y + bias, (n, steps, weight.shape[0]))


def _last(y: Tensor, length: Tensor | None, reverse: bool) -> Tensor:
    """The state at the end of a walk."""
    n, steps, size = y.shape
    if reverse or length is None:
        step = 0 if reverse else steps - 1
        return reshape(slice_axis(y, 1, step, step + 1), (n, size))
    chosen = slice_axis(one_hot(length, steps + 1), 1, 1, steps + 1)
    return reduce_sum(y * reshape(chosen, (n, steps, 1)), 1)


_SAMPLES = (
    sample(x=(2, 3, 2), settings={"units": 3}),
    sample(x=(3, 1, 2), settings={"units": 1, "returns": "last"}),
    sample(x=(2, 3, 2), settings={"units": 2, "layers": 2, "bidirectional": True}),
    sample(x=(1, 2, 3), settings={"units": 2, "bidirectional": True, "returns": "last"}),
    sample(x=(2, 3, 1), settings={"units": 2, "bias": False}),
    sample(x=(2, 2, 2), settings={"units": 2, "layers": 2, "dropout": 0.25}),
    sample(x=(3, 3, 2), length=labels(3), positive=True, settings={"units": 2}),
    sample(
        x=(3, 3, 2),
        length=labels(3),
        positive=True,
        settings={"units": 2, "bidirectional": True, "returns": "last"},
    ),
    sample(x=(3, 3, 2), length=labels(3), positive=True, settings={"returns": "last", "units": 1}),
    bad("put a Reshape to 16×1", x=(2, 16)),
    bad("a sequence T×F", x=(2, 1, 8, 8)),
    bad("class labels", x=labels(2)),
    bad("an integer length", x=(2, 3, 4), length=(2,)),
    bad("an integer length", x=(2, 3, 4), length=labels(2, 3)),
    bad("more layers", x=(2, 3, 4), settings={"dropout": 0.5}),
    bad("at least 1", x=(2, 3, 4), settings={"units": 0}),
)


class RNN(Recurrent):
    """Carries a state through a sequence: tanh of weighted sums of input and state (Elman 1990).

    x N×T×F → all states N×T×units, or the last N×units; hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ +
    b_hh), from a state of 0 (Goodfellow et al. 2016, §10.2). Both directions double the units.
    `length`, from 1 to T, says where each sequence ends: later steps give 0, the last state is
    that of its last step, and the way back begins there.
    """

    keywords = ("recurrent", "elman", "simple rnn", "sequence", "time series")
    nonlinearity: str = setting(
        "tanh", "What is applied to the sum", choices=("tanh", "relu"), advanced=True
    )
    samples = (
        *_SAMPLES,
        sample(x=(2, 3, 2), settings={"units": 2, "nonlinearity": "relu"}),
    )

    def _more(self) -> str:
        return ", nonlinearity={nonlinearity}"

    def scan(self, x: Tensor, weight: Tensor, length: Tensor | None, reverse: bool) -> Tensor:
        return rnn_scan(x, weight, length, reverse, self.nonlinearity)


class LSTM(Recurrent):
    """Remembers over long times: gates decide what a cell keeps, takes in and shows.

    x N×T×F → all states N×T×units, or the last N×units (Hochreiter & Schmidhuber 1997, with the
    forget gate of Gers et al. 2000; Goodfellow et al. 2016, §10.10.1). The gates i, f, g, o are
    rows of the weights in this order; c = f·c + i·g, h = o·tanh(c), both from 0. Both directions
    double the units. `length`, from 1 to T, says where each sequence ends: later steps give 0, the
    last state is that of its last step, and the way back begins there.
    """

    gates: ClassVar[int] = 4
    keywords = ("recurrent", "long short-term memory", "sequence", "time series", "memory")
    samples = _SAMPLES

    def scan(self, x: Tensor, weight: Tensor, length: Tensor | None, reverse: bool) -> Tensor:
        return lstm_scan(x, weight, length, reverse)[0]


class GRU(Recurrent):
    """A lighter LSTM: two gates decide what of the state is renewed (Cho et al. 2014).

    x N×T×F → all states N×T×units, or the last N×units. The gates r, z, n are rows of the weights
    in this order; n = tanh(W_n x + b_n + r·(U_n h + b'_n)), h = (1 − z)·n + z·h, from 0. The reset
    gate stands behind the product, as in PyTorch. Both directions double the units. `length`, from
    1 to T, says where each sequence ends: later steps give 0, the last state is that of its last
    step, and the way back begins there.
    """

    gates: ClassVar[int] = 3
    keywords = ("recurrent", "gated recurrent unit", "sequence", "time series", "memory")
    samples = _SAMPLES

    def walk(self, x: Tensor, length: Tensor | None, reverse: bool, *weights: Tensor) -> Tensor:
        w_ih, w_hh, *biases = weights
        size = self.units
        bias, inner = None, zeros(x, (size,))
        if biases:
            # only the offset of n must stay inside the product with r
            bias = biases[0] + pad(slice_axis(biases[1], 0, 0, 2 * size), (0,), (size,))
            inner = slice_axis(biases[1], 0, 2 * size, 3 * size)
        return gru_scan(_projected(x, w_ih, bias), w_hh, inner, length, reverse)[0]
