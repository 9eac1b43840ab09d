"""Keeping the record of a run while it trains: metrics, events and checkpoints, in safe order."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

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
from compute.runs import EpochMetrics, RunEvent, Workspace
from compute.train import Job
from graph.files import dumps

KEPT = Started | Paused | Resumed | LiveChanged | Swapped | Warned | Failed | Finished
EPOCH_GAP = 2.0  # seconds between checkpoints where epochs are shorter


class Book:
    """Writes a run's record and checkpoints as events come by."""

    def __init__(self, job: Job, workspace: Workspace, run: str, seconds: float) -> None:
        self._job, self._workspace, self._run = job, workspace, run
        self._seconds = seconds
        self._saved = time.monotonic()
        self._metrics: list[EpochMetrics] = []
        self._events: list[RunEvent] = []
        self._graph = dumps(job.model.graph)
        checkpoint.sweep(workspace.run_folder(run))

    def keep(self, event: Event) -> None:
        """Record an event: live settings at once, the rest with the next checkpoint."""
        if isinstance(event, EpochDone):
            self._metrics.append((event.epoch, dict(event.metrics)))
        elif isinstance(event, KEPT):
            found = to_json(event)
            kind = str(found.pop("event"))
            found.pop("step")
            self._events.append((time.time(), event.step, kind, found))
        if isinstance(event, LiveChanged):
            self._workspace.add_live_change(self._run, event.step, event.key, event.value)
        elif isinstance(event, Swapped):
            self._graph = dumps(self._job.model.graph)
        elif isinstance(event, Failed):
            self.flush({"status": "failed", "message": f"{event.path}: {event.message}"})

    def due(self, event: Event) -> bool:
        """Whether the weights should be saved after this event."""
        waited = time.monotonic() - self._saved
        if isinstance(event, EpochDone):
            return waited >= min(EPOCH_GAP, self._seconds)
        if isinstance(event, Progress):
            return waited >= self._seconds
        return isinstance(event, Swapped | Paused)

    def flush(self, fields: Mapping[str, object] = MappingProxyType({})) -> None:
        """Record what was not written yet, the position, and these fields."""
        at = self._job.position
        place = {"step": at.step, "epochs": at.epochs, "metrics": dict(at.metrics)}
        self._workspace.update(self._run, {**fields, **place}, self._metrics, self._events)
        self._metrics, self._events = [], []

    def checkpoint(self, status: str = "", message: str = "") -> Checkpointed:
        """Save weights and position; metrics before that, a final status after it, and why."""
        self.flush()
        job, folder = self._job, self._workspace.run_folder(self._run)
        arrays = job.plan.read()
        saved = checkpoint.Checkpoint(job.position, arrays, self._graph, job.losses, job.best)
        file = checkpoint.save(folder, saved)
        self._saved = time.monotonic()
        if status:
            self._workspace.update(self._run, {"status": status, "message": message})
        return Checkpointed(job.position.step, file.name)
