"""Nodes that pick by integer ids: learned vectors of tokens, places along an axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graph.op import Op, Param, Port, SettingError, bad, labels, sample, setting
from graph.ops.axes import need_axis
from graph.ops.dense import (
    constant_setting,
    init_setting,
    limit_setting,
    limited_weight,
    weight_of,
)
from graph.ops.expect import describe, need_numbers
from graph.primitives import equal, permute, reshape, stop_gradient, take, to_int, where
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


def need_ids(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` holds integer ids."""
    if kind.dtype != "int":
        remedy = "wire a port of ids, or put a ToIds before it"
        raise ShapeError(describe(kind), "integer ids", remedy, operand, adapter="ToIds")


class Embedding(Op):
    """A trained vector for each token, picked by its id (Bengio et al. 2003, §2).

    ids N, N×T or of any shape → one axis of `features` more; weight vocabulary×features. The row of
    `padding_idx`, when there is one, starts at 0 and gets no gradient. A training whose data has an
    id that is not below `vocabulary`, or below 0, does not begin; such an id gives NaN.
    """

    category, icon, family = "Embedding", "table", "dense"
    keywords = ("token", "word vector", "lookup", "vocabulary", "categorical", "word2vec", "nlp")
    inputs = (Port("x", "labels"),)
    picks = "x"
    summary = ("vocabulary", "features")
    vocabulary: int = setting(
        1000,
        "Number of tokens; ids go from 0 to one less",
        min=1,
        max=10_000_000,
        label="tokens",
    )
    features: int = setting(64, "Length of the vector of a token", min=1, max=1_000_000)
    padding_idx: int | None = setting(
        None,
        "Id of what only fills up, whose vector stays 0; free: none",
        min=0,
        max=9_999_999,
        label="padding id",
    )
    init: str = init_setting("standard_normal")
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting("the vector of one token")
    tie: str = weight_of()
    samples = (
        sample(x=labels(4), settings={"vocabulary": 3, "features": 5}),
        sample(x=labels(2, 3), settings={"vocabulary": 5, "features": 4, "padding_idx": 1}),
        sample(x=labels(2, 2, 2), settings={"vocabulary": 3, "features": 1, "init": "zeros"}),
        bad("integer ids", x=(2, 3)),
        bad("padding", x=labels(2), settings={"vocabulary": 3, "padding_idx": 3}),
    )

    def check(self) -> None:
        if self.padding_idx is not None and self.padding_idx >= self.vocabulary:
            raise SettingError(
                "padding_idx", str(self.padding_idx), f"an id below {self.vocabulary}"
            )

    def module_template(self, *operands: TensorType) -> str:
        padding = "" if self.padding_idx is None else ", padding_idx={padding_idx}"
        return f"nn.Embedding({{vocabulary}}, {{features}}{padding})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_ids(x)
        shape = (self.vocabulary, self.features)
        return {"weight": replace(limited_weight(self, *shape), blank=self.padding_idx)}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        y = take(weight, x)
        if self.padding_idx is None:
            return y
        fills = reshape(equal(x, self.padding_idx), (*x.shape, 1))
        return where(fills, stop_gradient(y), y)


class ToIds(Op):
    """Makes integer ids of numbers that stand for them, as columns of a table do (x.long()).

    What is behind the point is cut off. Turn the scaling of those columns off: scaled, they are no
    ids any more. No gradient flows back.
    """

    category, icon, family = "Embedding", "float", "dense"
    title = "Numbers to ids"
    keywords = ("integer", "long", "int", "cast", "tokens", "categories", "truncate")
    outputs = (Port("y", "labels"),)
    torch_call = "{x}.long()"
    samples = (
        sample(x=(2, 3)),
        sample(x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        return to_int(x)


class Gather(Op):
    """Picks places along an axis, in each sample those that its own ids name (torch.gather).

    index N: one place a sample, the axis goes. index N×K: K places, each with all that lies there
    (torch.take_along_dim): x N×T×F, index N×K, axis 1 → N×K×F. An index with as many axes as x,
    three or more, and its extents but for the axis, picks number by number as torch.gather does.
    An id that is no place gives NaN.
    """

    category, icon, family = "Shape", "reshape", "shape"
    keywords = ("index_select", "take", "pick", "lookup", "select", "last step", "take_along_dim")
    inputs = (Port("x"), Port("index", "labels"))
    picks = "index"
    summary = ("axis",)
    axis: int = setting(
        1, "Axis along which is picked, 1 is features, channels or time", min=1, max=7
    )
    samples = (
        sample(x=(3, 4), index=labels(3)),
        sample(x=(3, 4), index=labels(3, 5)),
        sample(x=(2, 4, 5), index=labels(2)),
        sample(x=(2, 4, 3), index=labels(2, 5), settings={"axis": 2}),
        sample(x=(2, 2, 3, 2), index=labels(2), settings={"axis": 2}),
        sample(x=(2, 3, 4), index=labels(2, 5, 4)),
        sample(x=(2, 2, 3, 3), index=labels(2, 2, 3, 4), settings={"axis": 3}),
        bad("integer ids", x=(2, 3), index=(2,)),
        bad("class labels", x=labels(2, 3), index=labels(2)),
        bad("an axis up to 1", x=(2, 3), index=labels(2), settings={"axis": 2}),
        bad("ids 2×K", x=(2, 3, 4), index=labels(2, 3, 5)),
        bad("ids 2×K", x=(2, 3), index=labels(3)),
        bad("ids 2×K", x=(2, 3), index=labels(2, 2, 2)),
    )

    def call_template(self, *operands: TensorType) -> str:
        x, index = operands
        if self._each(x, index):
            return "torch.gather({x}, {axis}, {index})"
        spread = [":", *["None"] * (len(x.shape) - 1)]
        if len(index.shape) > 1:
            spread[self.axis] = ":"
        ids = "{index}" if len(spread) == len(index.shape) else f"{{index}}[{', '.join(spread)}]"
        gone = "" if len(index.shape) > 1 else ".squeeze({axis})"
        return f"torch.take_along_dim({{x}}, {ids}, {{axis}}){gone}"

    def build(self, x: Tensor, index: Tensor) -> Tensor:
        need_axis(x.type, self.axis)
        need_ids(index.type, 1)
        rest = [k for k in range(1, x.rank) if k != self.axis]
        if self._each(x.type, index.type):
            order = [0, *rest, self.axis]
            made = take(permute(x, order), permute(index, order), batch=x.rank - 1)
            return permute(made, sorted(range(x.rank), key=order.__getitem__))
        if index.rank > 2 or index.shape[0] != x.shape[0]:
            found = f"{describe(index.type)} beside {describe(x.type)}"
            expected = f"ids {x.shape[0]}×K, or one a sample"
            raise ShapeError(found, expected, "give each sample as many ids as it picks", 1)
        order = [0, self.axis, *rest]
        made = take(permute(x, order), index, batch=1)
        if index.rank == 1:
            return made
        return permute(made, sorted(range(x.rank), key=order.__getitem__))

    def _each(self, x: TensorType, index: TensorType) -> bool:
        """Whether the index names a place for each number by itself."""
        extents = zip(x.shape, index.shape, strict=False)
        same = all(a == b for k, (a, b) in enumerate(extents) if k != self.axis)
        return len(index.shape) == len(x.shape) > 2 and same
