"""The recorded runs of a document, for people who choose among them. No Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from compute import checkpoint
from compute.checkpoint import CheckpointError
from compute.prepare import TrainOptions
from compute.runs import RunError, RunRecord, Workspace, find_workspace
from gui.run.board import MOST_EPOCHS, MOST_LOSSES, Board, Curves

MOST = 100  # runs, the newest


@dataclass(frozen=True)
class Run:
    """One run on record; `trained`: it has weights. `graph` is the text of that it began with."""

    id: str
    status: str
    epochs: int
    metrics: Mapping[str, float]
    created: float
    graph: str
    trained: bool

    def metric(self, name: str) -> float:
        """A held-out metric where there is one, else of the training; NaN for none."""
        return self.metrics.get(f"val_{name}", self.metrics.get(name, math.nan))


def runs_of(options: TrainOptions) -> tuple[Run, ...]:
    """The runs of this name and folder, the newest first; () where nothing was ever run.

    Raises RunError for a workspace that cannot be read.
    """
    place = find_workspace(options.workspace, options.folder)
    if not (place / "runs.sqlite").exists():
        return ()  # opening it would make one
    workspace, folder = Workspace(place), str(options.folder.resolve())
    found = (
        _run(workspace, record)
        for record in workspace.records()
        if record.folder == folder and workspace.is_named(record.id, options.name)
    )
    return tuple(run for run, _ in zip(found, range(MOST), strict=False))


def _run(workspace: Workspace, record: RunRecord) -> Run:
    trained = checkpoint.any_in(workspace.run_folder(record.id))
    metrics = dict(record.metrics)
    return Run(
        record.id, record.status, record.epochs, metrics, record.created, record.graph, trained
    )


def curves_of(run: str, options: TrainOptions) -> Curves | None:
    """What a run has measured; None for one that is not on record any more."""
    try:
        workspace = Workspace(find_workspace(options.workspace, options.folder))
        record = workspace.get(run)
        history, events = workspace.metrics(run, MOST_EPOCHS), workspace.events(run)
    except RunError:
        return None
    begun = (told["steps_per_epoch"] for _, _, _, told in events if "steps_per_epoch" in told)
    board = Board(curves=Curves(run=record.id))
    try:
        losses = checkpoint.newest(workspace.run_folder(record.id)).losses
    except CheckpointError:
        losses = None
    kept = board.curves.losses if losses is None else losses.copy(MOST_LOSSES)
    board.recall(int(str(next(begun, 1))), history, kept)
    return board.curves
