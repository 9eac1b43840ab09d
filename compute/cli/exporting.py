"""`netloom export`: the Python of a graph, its weights beside it."""

from __future__ import annotations

import typing
from pathlib import Path

from compute.cli.errors import UsageError, say
from compute.cli.opening import Opened, open_graph, sound
from compute.cli.text import write
from compute.cli.using import check_place
from compute.exporting import data_files, misfit, write_export
from compute.prepare import TrainOptions
from compute.results import Trained, open_run
from compute.runs import find_workspace
from graph.export import Target

TARGETS: tuple[Target, ...] = typing.get_args(Target)


def export(
    name: str,
    to: str,
    run: str | None,
    output: Path,
    workspace: Path | None,
    *,
    allow_outside: bool,
) -> None:
    """Write a graph for a target; with a run, its weights go into the file's safetensors twin."""
    if to not in TARGETS:
        available = " or ".join(TARGETS)
        raise UsageError(f"the target {to!r}", available, "others are not available yet")
    check_place(output, (".py",))
    opened = sound(open_graph(name, allow_outside))
    trained = None
    if run is not None:
        trained = open_run(run, TrainOptions(workspace=find_workspace(workspace)))
        _check_fit(opened, trained)
    graph, folder = opened.graph, opened.folder
    for file in write_export(graph, folder, opened.name, to, output, trained):
        write(str(file))
    for data in data_files(opened.graph):
        if not (output.parent / data).is_file():
            say(f"{output.name} reads {data!r} from its own folder: copy it there")


def _check_fit(opened: Opened, trained: Trained) -> None:
    """The weights of a run must be those of the graph: same names, same shapes."""
    if (found := misfit(opened.graph, trained)) is not None:
        remedy = "export the graph the run was trained with"
        raise UsageError(found[0], f"{found[1]} as in {opened.name}", remedy)
