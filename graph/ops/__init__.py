"""Node types, one file a family. Importing this package fills the registry."""

from graph.ops import activation, data, dense, loss, metric, optimizer

__all__ = ["activation", "data", "dense", "loss", "metric", "optimizer"]
