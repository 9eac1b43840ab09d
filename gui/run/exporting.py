"""The Python of a document and the weights of its last run, as `netloom export --run` has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compute import checkpoint
from compute.checkpoint import CheckpointError
from compute.data import Folder
from compute.exporting import code, data_files, misfit, write_code
from compute.prepare import TrainOptions
from compute.results import Trained, open_run
from compute.runs import RunError, Workspace, find_workspace
from graph.export import Target
from gui.document import Document


def python_of(document: Document, target: Target) -> str:
    """The code of a document. Raises ExportError, LowerError, DataError or OSError."""
    folder = Folder(document.folder, allowed=document.allowed)
    return code(document.graph, folder, document.title, target)


def write_python(
    text: str, document: Document, output: Path, options: TrainOptions, run: str
) -> str:
    """Write the code, and beside it the weights of `run`, or of the newest one when that is "".

    Returns sentences about what was written, and why the weights were not. Raises OSError.
    """
    trained, lack = _weights(document, options, run)
    files = write_code(text, output, trained)
    names = " and ".join(file.name for file in files)
    told = [f"Exported {names} to {output.parent}"]
    if trained is not None:
        told[0] += f", with the weights of run {trained.record.id}"
    elif lack:
        told.append(f"The weights are left out: {lack}")
    far = [path for path in data_files(document.graph) if not (output.parent / path).is_file()]
    if far:
        told.append(f"The code reads {', '.join(far)} from its own folder: copy it there")
    return ". ".join(told) + "."


def _weights(document: Document, options: TrainOptions, run: str) -> tuple[Trained | None, str]:
    """The run whose weights fit the document as it is now; else why there are none."""
    try:
        name = run or next(_runs(options), "")
        if not name:
            return None, "press Run to train some"
        trained = open_run(name, options)
    except (RunError, CheckpointError) as error:
        return None, str(error)
    wrong = misfit(document.graph, trained)
    if wrong is None:
        return trained, ""
    found, expected = wrong
    return None, f"found {found}, expected {expected} as in the graph; run it again"


def _runs(options: TrainOptions) -> Iterator[str]:
    """The runs of this name and folder that have weights, newest first."""
    place = find_workspace(options.workspace, options.folder)
    if not (place / "runs.sqlite").exists():
        return  # opening it would make one
    workspace = Workspace(place)
    folder = str(options.folder.resolve())
    for record in workspace.records():
        mine = record.folder == folder and workspace.is_named(record.id, options.name)
        if mine and checkpoint.any_in(workspace.run_folder(record.id)):
            yield record.id
