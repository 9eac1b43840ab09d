"""Node types, one file a family. Importing this package fills the registry."""

from graph.ops import (
    activation,
    conv,
    custom,
    data,
    dense,
    loss,
    merge,
    metric,
    norm,
    optimizer,
    rectifier,
    regularise,
    schedule,
    shape,
    structure,
    table,
)

__all__ = [
    "activation",
    "conv",
    "custom",
    "data",
    "dense",
    "loss",
    "merge",
    "metric",
    "norm",
    "optimizer",
    "rectifier",
    "regularise",
    "schedule",
    "shape",
    "structure",
    "table",
]
