"""Random numbers as a row: counter-based, so any back end and thread count gives the same bits."""

from __future__ import annotations

from typing import cast

from graph.primitives.table import Primitive, Types, register
from graph.program import Attrs, Shape, TensorType
from graph.tensor import Builder, Tensor


def random_uniform(builder: Builder, stream: str, shape: Shape) -> Tensor:
    """Numbers in [0, 1) keyed by (run seed, `stream`, training step, element index)."""
    return builder.emit("random_uniform", (), stream=stream, shape=shape)[0]


def _uniform_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType(cast("Shape", attrs["shape"]), "real"),)


# Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
register(
    Primitive(
        "random_uniform",
        "basic",
        _uniform_type,
        lambda i, o, g, a: [],
        numpy="random_uniform({stream!r}, {shape})",
    )
)
