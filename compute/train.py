"""The training loop: a generator that trains in blocks of steps and yields events.

No threads and no window: whoever calls `next()` runs it. What it computes depends on the model, the
data, the seed and the settings only; never on block sizes, threads, pauses or watching.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from compute.backend import Array, Plan
from compute.batches import Batches
from compute.control import Control, Orders, Swap
from compute.diagnose import first_bad
from compute.evaluate import evaluate
from compute.events import (
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
    Tapped,
    Warned,
)
from compute.position import Position
from compute.split import Parts
from compute.steps import BadStep, Pace, run_block, taps
from graph.lower import LowerError, Model

TAP_SECONDS = 1 / 30


@dataclass
class Job:
    """One training: the model and its plan, the samples, the settings, and how far it is.

    `live` holds the present live settings; `changes` are those to come, (step, key, value) by step,
    which a resumed run replays.
    """

    model: Model
    plan: Plan
    data: Mapping[str, Array]
    parts: Parts
    batches: Batches
    epochs: int
    live: dict[str, float]
    seed: int = 0
    changes: list[tuple[int, str, float]] = field(default_factory=list)
    watch: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()  # what others want watched, known or not
    position: Position = field(default_factory=Position)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.batches.steps


def train(job: Job, control: Control, run: str = "") -> Iterator[Event]:
    """Train `job` from its position to its end, yielding events between blocks of steps.

    `job.position` and the arrays of `job.plan` agree at every event, so both may be saved then.
    """
    at, pace, tapped = job.position, Pace(), 0.0
    control.attach(lambda: job.plan.stop())
    yield _started(job, run)
    clock = time.perf_counter()
    while at.epochs < job.epochs:
        if at.step == (at.epochs + 1) * job.batches.steps:
            _end_epoch(job)
            seconds, clock = time.perf_counter() - clock, time.perf_counter()
            yield EpochDone(at.epochs, at.step, at.metrics, seconds)
            continue
        orders = yield from _obey(job, control)
        if orders.stop:
            break
        block = run_block(job, pace, 1 if orders.single else job.steps)
        if block.losses.size:
            control.losses.append(block.losses)
            yield Progress(at.step, at.epochs, job.steps, block.losses.tolist(), block.rate)
        if block.arrays and (orders.single or time.perf_counter() - tapped > TAP_SECONDS):
            yield Tapped(at.step, taps(block))
            tapped = time.perf_counter()
        if block.bad:
            yield _failed(job, block.bad, run)
            return
    stopped = at.epochs < job.epochs
    if not stopped and job.parts.test.size:
        at.metrics = at.metrics | _evaluate(job, job.parts.test, "test_")
    yield Finished(at.step, at.metrics, run, stopped)


def _started(job: Job, run: str) -> Started:
    parameters = sum(int(np.prod(p.shape)) for p in job.model.params.values())
    samples = len(job.parts.train)
    return Started(
        job.position.step, job.steps, job.epochs, job.batches.steps, samples, parameters, run
    )


def _obey(job: Job, control: Control) -> Generator[Event, None, Orders]:
    """Do what is asked for and wait while paused; returns the orders for the next block."""
    at, waiting = job.position, False
    while True:
        orders = control.take()
        due = [change for change in job.changes if change[0] <= at.step]
        for _, key, value in due:
            job.live[key] = value
        job.changes = job.changes[len(due) :]
        for key, value in orders.live.items():
            yield _set_live(job, key, value)
        if orders.swap:
            yield _swap(job, orders.swap)
        if orders.watch != job.asked:
            yield from _watch(job, orders.watch)
        if not orders.pause or orders.stop:
            break
        if not waiting:
            waiting = True
            yield Paused(at.step)
        control.wait()
    if waiting and not orders.single:
        yield Resumed(at.step)
    return orders


def _set_live(job: Job, key: str, value: float) -> Event:
    step = job.position.step
    if key not in job.live:
        return Warned(step, f"found no live setting {key!r}, expected one of {', '.join(job.live)}")
    job.live[key] = value
    return LiveChanged(step, key, value)


def _swap(job: Job, swap: Swap) -> Event:
    """Go on with another plan: arrays of equal name and shape keep their values."""
    step = job.position.step
    needed = {
        f"{p}.{port}" for p, op in swap.model.data_nodes.items() for port in op.sample_types()
    }
    if not needed <= set(job.data):
        missing = ", ".join(sorted(needed - set(job.data)))
        return Warned(step, f"the other model reads data this run does not have: {missing}")
    fresh = swap.plan.read()
    old = job.plan.read()
    kept = {n: old[n] for n, v in fresh.items() if n in old and old[n].shape == v.shape}
    swap.plan.write(kept | dict(swap.values))
    job.plan.close()
    job.model, job.plan = swap.model, swap.plan
    job.live = {key: job.live.get(key, value) for key, value in swap.model.live.items()}
    return Swapped(step, len(kept))


def _watch(job: Job, names: frozenset[str]) -> Iterator[Event]:
    """Tap these tensors from now on; names that mean nothing are left out and said."""
    job.asked, known = names, set()
    for name in sorted(names):
        try:
            for phase in job.model.phases:
                job.model.program(phase.name, job.batches.batch, frozenset({name}))
            known.add(name)
        except LowerError as error:
            yield Warned(job.position.step, str(error))
    job.watch = frozenset(known)


def _end_epoch(job: Job) -> None:
    """Count the epoch and take its metrics; the sums start anew."""
    at = job.position
    metrics = at.mean_losses(job.model.phases)
    if job.parts.validation.size:
        metrics |= _evaluate(job, job.parts.validation, "val_")
    at.epochs += 1
    at.totals, at.metrics = {}, metrics


def _evaluate(job: Job, samples: Array, prefix: str) -> dict[str, float]:
    batch = job.batches.batch
    return evaluate(job.model, job.plan, job.data, samples, batch, job.live, prefix)


def _failed(job: Job, bad: BadStep, run: str) -> Failed:
    """The node whose value stopped being finite, found by running the step again."""
    batch = {key: array[bad.samples] for key, array in job.data.items()}
    arrays, step = job.plan.read(), job.position.step
    real = np.result_type(*(a for a in arrays.values())).type
    path, what = first_bad(job.model, bad.entry, batch, arrays, bad.scalars, real, job.seed)
    return Failed(step, path, f"step {step + 1}: {what}", run)
