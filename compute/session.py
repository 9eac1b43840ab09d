"""Training on record: from a graph to events, with checkpoints, and a run to go on with."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute import checkpoint, stopping
from compute.book import Book
from compute.control import Control
from compute.data import Folder
from compute.events import Event, Finished, Warned
from compute.lock import FolderLock
from compute.prepare import (
    Loaded,
    Report,
    TrainOptions,
    load_graph,
    make_job,
    make_plan,
    silent,
    with_settings,
)
from compute.runs import RunError, RunRecord, Workspace, find_workspace
from compute.steps import prepare_steps
from compute.train import Job, train
from graph.files import dumps, loads
from graph.graph import Graph

UNENDED = ("running", "interrupted")  # what the record says of a run whose process died


@dataclass
class Session:
    """A training on record that can begin. Its plan and data stay until `close`."""

    job: Job
    loaded: Loaded
    options: TrainOptions
    workspace: Workspace
    run: str
    lock: FolderLock
    warning: str = ""

    def events(self, control: Control) -> Iterator[Event]:
        """Train to the end; then others may go on with the run."""
        with self.lock:
            if self.warning:
                yield Warned(self.job.position.step, self.warning)
            yield from _recorded(self.job, control, self.workspace, self.run, self.options)

    def close(self) -> None:
        """Free the plan's memory and the run."""
        self.lock.release()
        self.job.plan.close()


def train_graph(
    graph: Graph,
    options: TrainOptions,
    control: Control | None = None,
    progress: Report = silent,
) -> Iterator[Event]:
    """Train a graph as a new run of the workspace; the graph itself is not changed.

    Raises LowerError, DataError or RunError at the first event when it cannot begin.
    """
    with contextlib.closing(open_new(graph, options, progress)) as session:
        yield from session.events(control or Control())


def resume(
    run: str,
    options: TrainOptions,
    control: Control | None = None,
    progress: Report = silent,
) -> Iterator[Event]:
    """Go on with a run where its last checkpoint is, bit for bit as if it had never ended.

    Device, threads and vector length are those of `options`; `options.epochs` may ask for more,
    `options.memory_budget` for another budget.
    Raises RunError when the run is finished, in training elsewhere, or its data has changed.
    """
    with contextlib.closing(open_again(run, options, progress)) as session:
        yield from session.events(control or Control())


def open_new(graph: Graph, options: TrainOptions, progress: Report = silent) -> Session:
    """A new run of the workspace; see `train_graph`."""
    graph = with_settings(loads(dumps(graph)), options)
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    loaded = load_graph(graph, Folder(options.folder, allowed=options.allowed))
    with contextlib.ExitStack() as undo:
        plan = undo.enter_context(contextlib.closing(make_plan(loaded, options, progress)))
        job = make_job(loaded, plan)
        _check_budget(job)
        run = workspace.create(
            options.name,
            dumps(graph),
            options.folder.resolve(),
            _kept_options(options) | _chosen(graph),
            _fitted(loaded),
            loaded.samples.fingerprint,
            versions() | arithmetic(loaded, options),
        )
        lock = workspace.lock(run)
        undo.pop_all()
    return Session(job, loaded, options, workspace, run, lock)


def open_again(run: str, options: TrainOptions, progress: Report = silent) -> Session:
    """A run of the workspace at its last checkpoint; see `resume`."""
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    record = workspace.get(run)
    with contextlib.ExitStack() as undo:
        lock = undo.enter_context(workspace.lock(record.id))
        graph, saved = latest(workspace, record)
        asked = dataclasses.replace(options, seed=None, batch_size=None, fast_convolution=None)
        graph = with_settings(graph, asked)
        loaded = load_graph(graph, Folder(Path(record.folder), allow_outside=True))
        check_fingerprint(record, loaded)
        plan = undo.enter_context(contextlib.closing(make_plan(loaded, options, progress)))
        job = _go_on(make_job(loaded, plan), saved, workspace.live_changes(record.id))
        _check_budget(job)
        # one that was killed after its last checkpoint is only to be declared finished
        if record.status not in UNENDED:
            _need_more(record.id, job)
        changed = {options.epochs, options.patience, options.memory_budget} != {None}
        given = {"graph": dumps(graph)} if changed else {}
        workspace.update(record.id, {"status": "running", "message": ""} | given)
        now = versions() | arithmetic(loaded, options)
        warning = "" if dict(record.versions) == now else _other_versions(record, now)
        undo.pop_all()
    return Session(job, loaded, options, workspace, record.id, lock, warning)


def _check_budget(job: Job) -> None:
    """Plan every step now, so that a budget that is too small is told before there is a run."""
    if job.model.graph.training.memory_budget:
        prepare_steps(job.model, job.plan, job.parts, job.batches)


def _recorded(
    job: Job, control: Control, workspace: Workspace, run: str, options: TrainOptions
) -> Iterator[Event]:
    """Train and keep record: what an event tells is durable before the event is handed on."""
    book = Book(job, workspace, run, options.checkpoint_seconds)
    for event in train(job, control, run):
        book.keep(event)
        if isinstance(event, Finished):
            status = "stopped" if event.stopped else "finished"
            yield book.checkpoint(status, event.reason)
        yield event
        if book.due(event):
            yield book.checkpoint()


def _need_more(run: str, job: Job) -> None:
    """Raise RunError where nothing of a training is left to do."""
    if job.position.epochs >= job.epochs:
        found = f"it finished after {job.epochs} epochs"
        raise RunError(f"run {run}: {found}, expected more to do; ask for more epochs")
    if early := stopping.used_up(job):
        raise RunError(f"run {run}: it {early}, expected more to do; ask for more patience")


def _go_on(
    job: Job, saved: checkpoint.Checkpoint | None, changes: list[tuple[int, str, float]]
) -> Job:
    """The job at its checkpoint, live settings as they were; later changes come at their step."""
    if saved is not None:
        job.plan.write(saved.arrays)
        job.position, job.best = saved.position, dict(saved.best)
        if saved.losses is not None:
            job.losses = saved.losses
    for step, key, value in changes:
        if step <= job.position.step and key in job.live:
            job.live[key] = value
    job.changes = [change for change in changes if change[0] > job.position.step]
    return job


def latest(workspace: Workspace, record: RunRecord) -> tuple[Graph, checkpoint.Checkpoint | None]:
    """The graph a run trains now and its newest checkpoint; None before the first one."""
    if not checkpoint.any_in(workspace.run_folder(record.id)):
        return loads(record.graph), None
    saved = checkpoint.newest(workspace.run_folder(record.id))
    return loads(saved.graph or record.graph), saved


def check_fingerprint(record: RunRecord, loaded: Loaded) -> None:
    """Raise RunError when the data is not what the run was trained on."""
    found, expected = loaded.samples.fingerprint, record.fingerprint
    if found != expected:
        raise RunError(
            f"run {record.id}: found data {found[:12]}, expected {expected[:12]}; "
            "bring back the data the run started with, or start a new run"
        )


def versions() -> dict[str, str]:
    """What the bits of a run depend on beside its record."""
    try:
        own = importlib.metadata.version("netloom")
    except importlib.metadata.PackageNotFoundError:
        own = "source"
    return {
        "netloom": own,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def arithmetic(loaded: Loaded, options: TrainOptions) -> dict[str, str]:
    """The back end and its vectors: other ones round otherwise."""
    if options.device != "cpu":
        return {"arithmetic": options.device}
    from compute.cpu.engine import variant_of  # loads the machinery of that back end

    training = loaded.model.graph.training
    chosen = variant_of(options.plan_options(training))
    return {"arithmetic": f"cpu {chosen.name}"}


def _other_versions(record: RunRecord, now: Mapping[str, str]) -> str:
    changed = [
        f"{name} {record.versions.get(name)} → {text}"
        for name, text in now.items()
        if record.versions.get(name) != text
    ]
    return f"not as at the start ({', '.join(changed)}): last digits may differ"


def _kept_options(options: TrainOptions) -> dict[str, object]:
    return {name: getattr(options, name) for name in ("device", "threads", "vector")}


def _chosen(graph: Graph) -> dict[str, object]:
    """Settings of the graph that the record names: its seed and budget, and other rounding where
    asked for.
    """
    training = graph.training
    named: dict[str, object] = {"seed": training.seed}
    named["memory_budget"] = training.memory_budget or None
    return named | ({"fast_convolution": True} if training.fast_convolution else {})


def _fitted(loaded: Loaded) -> dict[str, object]:
    return {
        "count": loaded.samples.count,
        "scaling": {key: s.to_json() for key, s in loaded.scaling.items()},
        "classes": {path: list(names) for path, names in loaded.samples.class_names.items()},
    }
