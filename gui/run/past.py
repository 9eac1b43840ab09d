"""The last run of a document, to go on with. No Qt; called in the thread of a run."""

from __future__ import annotations

import dataclasses

from compute.prepare import Report, TrainOptions
from compute.runs import RunError, RunRecord, Workspace, find_workspace
from compute.session import Session, open_again
from graph.files import loads


def open_last(options: TrainOptions, epochs: int, progress: Report) -> Session:
    """The newest run of this name and folder, where its last checkpoint is.

    One that finished goes on when `epochs` asks for more than it has. Raises RunError for none.
    """
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    folder = str(options.folder.resolve())
    for record in workspace.records():
        if record.folder != folder or not workspace.is_named(record.id, options.name):
            continue
        if record.status in ("stopped", "interrupted"):
            return open_again(record.id, options, progress)
        if record.status == "finished" and epochs > loads(record.graph).training.epochs:
            more = dataclasses.replace(options, epochs=epochs)
            return open_again(record.id, more, progress)
        raise RunError(_nothing_left(record))
    found = f"found no run of {options.name} in {workspace.folder}"
    raise RunError(f"{found}, expected one that was stopped; press Run to begin one")


def _nothing_left(record: RunRecord) -> str:
    if record.status == "finished":
        remedy = "raise the epochs to train it further, or press Run to begin a new one"
        return f"run {record.id}: found it finished, expected one with epochs left; {remedy}"
    remedy = "press Run to begin a new one"
    return f"run {record.id}: found it {record.status}, expected it stopped; {remedy}"
