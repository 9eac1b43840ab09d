"""Keeping the record of a run while it trains: metrics, events and checkpoints, in safe order."""

from __future__ import annotations

import time
from collections.abc import Mapping

from compute import checkpoint
from compute.events import (
    Checkpointed,
    EpochDone,
    Event,
    Failed,
    Finished,
    LiveChanged,
    Paused,
    Progress,
    Resumed,
    Started,
    Swapped,
    Warned,
    to_json,
)
from compute.runs import Workspace
from compute.train import Job
from graph.files import dumps

EPOCH_GAP = 0.5  # seconds between checkpoints where epochs are shorter


class Book:
    """Writes a run's record and checkpoints as events come by."""

    def __init__(self, job: Job, workspace: Workspace, run: str, seconds: float) -> None:
        self._job, self._workspace, self._run = job, workspace, run
        self._seconds = seconds
        self._saved = time.monotonic()
        self._metrics: list[tuple[int, Mapping[str, float]]] = []
        self._graph = dumps(job.model.graph)
        checkpoint.sweep(workspace.run_folder(run))

    def keep(self, event: Event) -> None:
        """Record an event."""
        book, run = self._workspace, self._run
        if isinstance(event, EpochDone):
            self._metrics.append((event.epoch, dict(event.metrics)))
        elif isinstance(event, LiveChanged):
            book.add_live_change(run, event.step, event.key, event.value)
        elif isinstance(event, Swapped):
            self._graph = dumps(self._job.model.graph)
        elif isinstance(event, Failed):
            self.flush()
            book.update(run, status="failed", message=f"{event.path}: {event.message}")
        if isinstance(
            event, Started | Paused | Resumed | LiveChanged | Swapped | Warned | Failed | Finished
        ):
            data = {k: v for k, v in to_json(event).items() if k not in ("event", "step")}
            book.add_event(run, event.step, str(to_json(event)["event"]), data)

    def due(self, event: Event) -> bool:
        """Whether the weights should be saved after this event."""
        waited = time.monotonic() - self._saved
        if isinstance(event, EpochDone):
            return waited >= min(EPOCH_GAP, self._seconds)
        if isinstance(event, Progress):
            return waited >= self._seconds
        return isinstance(event, Swapped | Paused)

    def flush(self) -> None:
        """Record the metrics of epochs not written yet."""
        at = self._job.position
        if self._metrics:
            self._workspace.add_metrics(self._run, self._metrics)
            self._metrics = []
        self._workspace.update(self._run, step=at.step, epochs=at.epochs, metrics=dict(at.metrics))

    def checkpoint(self) -> Checkpointed:
        """Save the weights and the position; metrics first, so none is ever missing."""
        self.flush()
        job, folder = self._job, self._workspace.run_folder(self._run)
        saved = checkpoint.Checkpoint(job.position, job.plan.read(), self._graph)
        file = checkpoint.save(folder, saved)
        self._saved = time.monotonic()
        return Checkpointed(job.position.step, file.name)
