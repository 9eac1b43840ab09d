"""A graph as Python that stands alone: readable, and with the same numbers as the engine."""

from graph.export.data import TableFacts
from graph.export.export import Options, Target, export
from graph.export.symbolic import ExportError

__all__ = ["ExportError", "Options", "TableFacts", "Target", "export"]
