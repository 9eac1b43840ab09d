"""The last run of a document, to go on with. No Qt; called in the thread of a run."""

from __future__ import annotations

import dataclasses

from compute.prepare import Report, TrainOptions
from compute.runs import RunError, RunRecord, Workspace, find_workspace
from compute.session import Session, open_again
from graph.files import loads


def open_last(options: TrainOptions, epochs: int, run: str, progress: Report) -> Session:
    """The run `run`, or where that is "" the newest of this name and folder, at its checkpoint.

    One that finished goes on when `epochs` asks for more than it has. Raises RunError for none.
    """
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    record = workspace.get(run) if run else _newest(workspace, options)
    if record.status in ("stopped", "interrupted"):
        return open_again(record.id, options, progress)
    if record.status == "finished" and epochs > loads(record.graph).training.epochs:
        return open_again(record.id, dataclasses.replace(options, epochs=epochs), progress)
    raise RunError(_nothing_left(record))


def _newest(workspace: Workspace, options: TrainOptions) -> RunRecord:
    folder = str(options.folder.resolve())
    for record in workspace.records():
        if record.folder == folder and workspace.is_named(record.id, options.name):
            return record
    found = f"found no run of {options.name} in {workspace.folder}"
    raise RunError(f"{found}, expected one that was stopped; press Run to begin one")


def _nothing_left(record: RunRecord) -> str:
    if record.status == "finished":
        remedy = "raise the epochs to train it further, or press Run to begin a new one"
        return f"run {record.id}: found it finished, expected one with epochs left; {remedy}"
    remedy = "press Run to begin a new one"
    return f"run {record.id}: found it {record.status}, expected it stopped; {remedy}"
