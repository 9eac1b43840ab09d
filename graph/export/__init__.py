"""A graph as Python that stands alone: readable, and with the same numbers as the engine."""

from graph.export.data import TableFacts
from graph.export.export import Options, Target, export, export_lines
from graph.export.expression import Line
from graph.export.symbolic import ExportError

__all__ = [
    "ExportError",
    "Line",
    "Options",
    "TableFacts",
    "Target",
    "export",
    "export_lines",
]
