"""The one function behind `netloom export`: a graph, a target, the text of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from graph.export.data import TableFacts
from graph.export.expression import Line
from graph.export.numpy import export_numpy
from graph.export.pytorch import export_pytorch
from graph.graph import Graph

Target = Literal["pytorch", "numpy"]


@dataclass(frozen=True)
class Options:
    """What an export needs beside the graph.

    `title` heads the file. `tables` has the facts of every table, by NodePath; they come from
    reading the file, which `graph` never does.
    """

    title: str = "A model"
    tables: Mapping[str, TableFacts] = field(default_factory=dict)


def export(graph: Graph, target: Target, options: Options = Options()) -> str:
    """`graph` as the text of one Python file.

    The file reads its weights, by ParamKey, from the safetensors file of its own name. Raises
    LowerError when the graph cannot run, ExportError when it has no such text.
    """
    return "\n".join(export_lines(graph, target, options)) + "\n"


def export_lines(graph: Graph, target: Target, options: Options = Options()) -> list[Line]:
    """The lines of that file; each knows the nodes it comes from."""
    if target not in ("pytorch", "numpy"):
        raise ValueError(f"found target {target!r}, expected pytorch or numpy")
    write = export_pytorch if target == "pytorch" else export_numpy
    found = write(graph, options.title, options.tables)
    return [Line(part, getattr(line, "paths", ())) for line in found for part in line.split("\n")]
