"""`netloom export`: the Python of a graph, its weights beside it."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import safetensors.numpy

from compute.backend import Array
from compute.checkpoint import write_durably
from compute.cli.errors import UsageError, say
from compute.cli.opening import Opened, open_graph, sound
from compute.cli.text import write
from compute.cli.using import check_place
from compute.facts import table_facts
from compute.prepare import TrainOptions
from compute.results import Trained, open_run, weights
from compute.runs import find_workspace
from graph.export import Options, Target
from graph.export import export as exported
from graph.graph import Graph
from graph.lower import Model
from graph.ops.table import Table

TARGETS: tuple[str, ...] = typing.get_args(Target)


def export(name: str, to: str, run: str | None, output: Path, workspace: Path | None) -> None:
    """Write a graph for a target; with a run, its weights go into the file's safetensors twin."""
    if to not in TARGETS:
        available = " or ".join(TARGETS)
        raise UsageError(f"the target {to!r}", available, "others are not available yet")
    check_place(output, (".py",))
    opened = sound(open_graph(name))
    trained = None
    if run is not None:
        trained = open_run(run, TrainOptions(workspace=find_workspace(workspace)))
        _check_fit(opened, trained)
    for file in write_export(opened, cast(Target, to), output, trained):
        write(str(file))
    for data in data_files(opened.graph):
        if not (output.parent / data).is_file():
            say(f"{output.name} reads {data!r} from its own folder: copy it there")


def write_export(opened: Opened, to: Target, output: Path, trained: Trained | None) -> list[Path]:
    """Write the code, and the weights of a run beside it; returns the files."""
    tables = table_facts(opened.graph, opened.folder)
    text = exported(opened.graph, to, Options(opened.name, tables))
    write_durably(output, text.encode())
    if trained is None:
        return [output]
    file = output.with_suffix(".safetensors")
    write_durably(file, safetensors.numpy.save(dict(weights(trained))))
    return [output, file]


def data_files(graph: Graph) -> list[str]:
    """The files that a graph's tables are read from, as it names them."""
    return [op.path for op in Model(graph).data_nodes.values() if isinstance(op, Table)]


def _check_fit(opened: Opened, trained: Trained) -> None:
    """The weights of a run must be those of the graph: same names, same shapes."""
    model = Model(opened.graph)
    needed = {key: param.shape for key, param in model.params.items()}
    needed |= {key: state.shape for key, state in model.states.items()}
    found = shapes(weights(trained))
    if needed == found:
        return
    wrong = sorted(key for key in {*needed, *found} if needed.get(key) != found.get(key))
    have, want = found.get(wrong[0], "none"), needed.get(wrong[0], "none")
    raise UsageError(
        f"{wrong[0]} {have} in run {trained.record.id}",
        f"{want} as in {opened.name}",
        "export the graph the run was trained with",
    )


def shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    return {key: array.shape for key, array in arrays.items()}
