"""Python of a graph on disk, with the weights of a run beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.numpy

from compute.backend import Array
from compute.data import Folder
from compute.facts import table_facts
from compute.results import Trained, weights
from graph.export import Options, Target, export
from graph.files import replace_files
from graph.graph import Graph
from graph.lower import Model
from graph.ops.table import Table


def write_export(
    graph: Graph, folder: Folder, name: str, to: Target, output: Path, trained: Trained | None
) -> list[Path]:
    """Write the code, and the weights of a run beside it; returns the files.

    Raises ExportError, LowerError, DataError or OSError.
    """
    return write_code(code(graph, folder, name, to), output, trained)


def code(graph: Graph, folder: Folder, name: str, to: Target) -> str:
    """The code of a graph; reads its tables. Raises ExportError, LowerError, DataError, OSError."""
    return export(graph, to, Options(name, table_facts(graph, folder)))


def write_code(text: str, output: Path, trained: Trained | None) -> list[Path]:
    """Write code that was made, and the weights of a run beside it; returns the files.

    Raises OSError.
    """
    paths, contents = [output], [text.encode()]
    if trained is not None:
        paths.append(output.with_suffix(".safetensors"))
        contents.append(safetensors.numpy.save(dict(weights(trained))))
    replace_files(dict(zip(paths, contents, strict=True)))
    return paths


def data_files(graph: Graph) -> list[str]:
    """The files that a graph's tables are read from, as it names them."""
    return [op.path for op in Model(graph).data_nodes.values() if isinstance(op, Table)]


def misfit(graph: Graph, trained: Trained) -> tuple[str, str] | None:
    """What a run has and what the graph needs, where weights differ by name or shape; else None."""
    model = Model(graph)
    needed = {key: param.shape for key, param in model.params.items()}
    needed |= {key: state.shape for key, state in model.states.items()}
    found = shapes(weights(trained))
    wrong = sorted(key for key in {*needed, *found} if needed.get(key) != found.get(key))
    if not wrong:
        return None
    have, want = found.get(wrong[0], "none"), needed.get(wrong[0], "none")
    return f"{wrong[0]} {have} in run {trained.record.id}", f"{want}"


def shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    return {key: array.shape for key, array in arrays.items()}
