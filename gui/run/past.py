"""Runs to go on with, or to take weights from. No Qt; called in the thread of a run."""

from __future__ import annotations

import dataclasses

from compute import checkpoint
from compute.book import Book
from compute.prepare import Report, TrainOptions
from compute.runs import RunError, RunRecord, Workspace, find_workspace
from compute.session import Session, open_again, open_new
from compute.widen import overlap
from graph.files import loads
from graph.graph import Graph
from graph.lower import Model


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


def open_with(graph: Graph, options: TrainOptions, run: str, progress: Report) -> Session:
    """A new run whose layers begin with the weights of `run`, by name.

    Layers of another size take what fits. Raises RunError where none has a name that is known.
    """
    folder = Workspace(find_workspace(options.workspace, options.folder)).run_folder(run)
    model = Model(graph)
    known = {*(f"param:{key}" for key in model.params), *(f"state:{key}" for key in model.states)}
    old = {name: a for name, a in checkpoint.newest(folder).arrays.items() if name in known}
    if not old:
        expected = "expected layers of the same names"
        raise RunError(f"run {run}: found no layer of this graph in it, {expected}; press Run")
    session = open_new(graph, options, progress)
    fresh = session.job.plan.read()
    taken = {name: a for name, a in old.items() if a.shape == fresh[name].shape}
    taken |= overlap(old, fresh)
    for key, slot in session.job.model.averages.items():  # a running mean begins with its weights
        if f"param:{key}" in taken:
            taken[f"slot:{slot}"] = taken[f"param:{key}"]
    session.job.plan.write(taken)
    # a process that dies before the first checkpoint must not go on with other weights
    Book(session.job, session.workspace, session.run, options.checkpoint_seconds).checkpoint()
    return session


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
