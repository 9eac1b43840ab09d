"""The table of rows: for each operation its shape rule, gradient and texts.

Three kinds. *elementwise* and *basic* rows are what every back end must compute. A *composite* row
has `expand`, which says what it means in other rows; a back end with a fused kernel may keep it.
Gradients (`vjp`) are written in rows themselves, so the gradient of a gradient exists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from graph.program import Attrs, ShapeError, TensorType
from graph.tensor import Tensor

Types = tuple[TensorType, ...]
Infer = Callable[[Types, Attrs], Types]
# vjp(inputs, outputs, gradients of the outputs, attrs) -> gradients of the inputs (None: zero)
Tensors = Sequence[Tensor]
Gradients = Sequence[Tensor | None]
Vjp = Callable[[Tensors, Tensors, Tensors, Attrs], Gradients]
Expand = Callable[[Sequence[Tensor], Attrs], Sequence[Tensor]]


@dataclass(frozen=True)
class Primitive:
    """One kind of row. `numpy` is the NumPy text with `{0}`, `{1}` and attribute names."""

    name: str
    kind: Literal["elementwise", "basic", "composite"]
    infer: Infer
    vjp: Vjp | None = None
    expand: Expand | None = None
    numpy: str = ""
    # which operands the gradient never reaches (labels, masks, states)
    constant: frozenset[int] = frozenset()


PRIMITIVES: dict[str, Primitive] = {}


def register(primitive: Primitive) -> None:
    """Add one row kind to the table; a name is taken once."""
    if primitive.name in PRIMITIVES:
        raise ValueError(f"row {primitive.name!r} is already in the table")
    PRIMITIVES[primitive.name] = primitive


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcasting rule; raises ShapeError naming the first clashing pair."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max((len(s) for s in shapes), default=0)
    result = [1] * rank
    for index, shape in enumerate(shapes):
        for axis, extent in enumerate(shape, start=rank - len(shape)):
            if result[axis] == 1:
                result[axis] = extent
            elif extent not in (1, result[axis]):
                raise ShapeError(
                    f"shapes {text(shapes[0])} and {text(shape)}",
                    "equal shapes, or 1 where they differ",
                    operand=index,
                )
    return tuple(result)


def text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 64×3×28×28; `scalar` when it has no axes."""
    return "×".join(map(str, shape)) or "scalar"
