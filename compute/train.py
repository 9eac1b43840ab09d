"""The training loop: a generator that trains in blocks of steps and yields events.

No threads and no window: whoever calls `next()` runs it. What it computes depends on the model, the
data, the seed and the settings only; never on block sizes, threads, pauses or watching.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from compute import stopping
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
from compute.series import Means
from compute.share import Share
from compute.split import Parts
from compute.steps import BadStep, Pace, prepare_steps, prepare_taps, run_block, run_tapped, taps
from graph.lower import Model

TAP_SECONDS, TAP_EARLY = 0.4, 0.1  # between looks at the watched tensors; and at first
TAP_SHARE = 0.01  # of the time, for watched tensors; and as much for questions
MOST_LOSSES = 1 << 14  # kept of a run, in every checkpoint
CREDIT = 0.3  # s of either at the beginning of a run that are not counted


@dataclass
class Job:
    """One training: the model and its plan, the samples, the settings, and how far it is.

    `live` holds the present live settings; `changes` are those to come, (step, key, value) by step,
    which a resumed run replays. `losses` are those of all steps from the beginning of the run.
    The graph's training section says when it stops early.
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
    norms: frozenset[str] = frozenset()  # those of `watch` of which the norm is enough
    seldom: frozenset[str] = frozenset()  # those of `watch` that need not be looked at each time
    asked: frozenset[str] = frozenset()  # what others want watched, known or not
    unknown: frozenset[str] = frozenset()  # what was asked for and does not exist, said already
    position: Position = field(default_factory=Position)
    losses: Means = field(default_factory=lambda: Means(MOST_LOSSES))
    best: dict[str, Array] = field(default_factory=dict)  # arrays of the best epoch, where kept

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.batches.steps


def train(job: Job, control: Control, run: str = "") -> Iterator[Event]:
    """Train `job` from its position to its end, yielding events between blocks of steps.

    `job.position` and the arrays of `job.plan` agree at every event, so both may be saved then.
    """
    at, pace = job.position, Pace()
    looks, questions = Looks(), Share(TAP_SHARE, credit=CREDIT)
    control.attach(lambda: job.plan.stop())
    yield _started(job, run)
    prepare_steps(job.model, job.plan, job.parts, job.batches)
    clock = time.perf_counter()
    while at.epochs < job.epochs and not stopping.used_up(job):
        if at.step == (at.epochs + 1) * job.batches.steps:
            missing = _end_epoch(job)
            seconds, clock = time.perf_counter() - clock, time.perf_counter()
            yield EpochDone(at.epochs, at.step, at.metrics, seconds)
            yield from _unscored(at, missing)
            continue
        orders = yield from _obey(job, control, questions)
        if orders.stop:
            break
        if names := looks.names(job, orders):
            block = run_tapped(job, pace, names)
        else:
            block = run_block(job, pace, 1 if orders.single else job.steps)
        if block.losses.size:
            job.losses.extend(block.losses)
            yield Progress(at.step, at.epochs, job.steps, block.losses, block.rate, block.each)
        if block.arrays:
            reducing = time.thread_time()
            tapped = taps(block, job.norms)
            looks.share.spent(block.seconds + time.thread_time() - reducing)
            yield Tapped(at.step, tapped)
        if block.bad:
            yield _failed(job, block.bad, run)
            return
    early = stopping.used_up(job)
    stopped, kept = at.epochs < job.epochs and not early, ""
    if not stopped:
        kept = stopping.restore(job)
        if job.parts.test.size:
            at.metrics = at.metrics | _evaluate(job, job.parts.test, "test_")
    yield Finished(at.step, at.metrics, run, stopped, "; ".join(filter(None, (early, kept))))


class Looks:
    """Which watched tensors the next step is to keep."""

    def __init__(self) -> None:
        self.share = Share(TAP_SHARE, TAP_SECONDS, CREDIT, TAP_EARLY)
        self._seldom_after = 0.0

    def names(self, job: Job, orders: Orders) -> frozenset[str]:
        """None for most steps: looking must not cost more than its share."""
        if orders.single or not job.watch:
            return job.watch
        if not (self.share.due and _full_batch(job)):
            return frozenset()
        if time.perf_counter() < self._seldom_after:
            return job.watch - job.seldom
        self._seldom_after = time.perf_counter() + orders.every
        return job.watch


def serve(job: Job, control: Control) -> None:
    """After the end: do the work that is asked for until `control` is closed."""
    while (work := control.wait_work()) is not None:
        work(job)


def _full_batch(job: Job) -> bool:
    """Whether the next batch is an ordinary one: the last of an epoch would need its own tape."""
    place = job.position.step - job.position.epochs * job.batches.steps
    return job.batches.size(place) == job.batches.size(0)


def _started(job: Job, run: str) -> Started:
    at, samples, parameters = job.position, len(job.parts.train), _parameters(job.model)
    return Started(at.step, job.steps, job.epochs, job.batches.steps, samples, parameters, run)


def _obey(job: Job, control: Control, questions: Share) -> Generator[Event, None, Orders]:
    """Do what is asked for and wait while paused; returns the orders for the next block."""
    at, waiting = job.position, False
    while questions.due and (work := control.take_work()):
        clock = time.thread_time()
        work(job)
        questions.spent(time.thread_time() - clock)
    while True:
        while urgent := control.take_urgent():
            urgent(job)
        orders = control.take()
        due = [change for change in job.changes if change[0] <= at.step]
        for _, key, value in due:
            job.live[key] = value
        job.changes = job.changes[len(due) :]
        for key, value in orders.live.items():
            yield _set_live(job, key, value)
        if orders.swap:
            yield _swap(job, orders.swap)
        asked = orders.watch | orders.norms
        if (asked, orders.seldom) != (job.asked, job.seldom):
            yield from _watch(job, asked, orders.seldom)
        job.norms = orders.norms
        if not orders.pause or orders.stop:
            break
        if not waiting:
            waiting = True
            yield Paused(at.step)
        while work := control.take_work():
            work(job)
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
        swap.plan.close()
        return Warned(step, f"the other model reads data this run does not have: {missing}")
    fresh = swap.plan.read()
    old = job.plan.read()
    kept = {n: old[n] for n, v in fresh.items() if n in old and old[n].shape == v.shape}
    for key, slot in swap.model.averages.items():  # a mean that begins now begins with the weight
        if f"slot:{slot}" not in kept and f"param:{key}" in kept:
            kept[f"slot:{slot}"] = kept[f"param:{key}"]
    swap.plan.write(kept | dict(swap.values))
    job.plan.close()
    job.model, job.plan = swap.model, swap.plan
    job.live = {key: job.live.get(key, value) for key, value in swap.model.live.items()}
    job.epochs = swap.model.graph.training.epochs
    job.asked = job.watch = frozenset()  # looked up anew in the other model
    stopping.forget(job)
    parameters = _parameters(job.model)
    return Swapped(step, len(kept), job.steps, job.epochs, parameters)


def _parameters(model: Model) -> int:
    return sum(int(np.prod(p.shape)) for p in model.params.values())


def _watch(job: Job, names: frozenset[str], seldom: frozenset[str]) -> Iterator[Event]:
    """Tap these tensors from now on; names that mean nothing are left out and said once."""
    job.asked, job.seldom = names, seldom
    job.watch = frozenset(filter(job.model.can_watch, names))
    for name in sorted(names - job.watch - job.unknown):
        yield Warned(job.position.step, f"found nothing named {name!r} to watch")
    job.unknown |= names - job.watch
    if job.watch and job.batches.steps:
        prepare_taps(job)


def _end_epoch(job: Job) -> dict[str, tuple[str, str]]:
    """Count the epoch and take its metrics; the sums start anew. Schedules and early stopping
    follow the metrics; the names of those they want and there are not, each with what is left out.
    """
    at = job.position
    metrics = at.mean_losses(job.model)
    if job.parts.validation.size:
        metrics |= _evaluate(job, job.parts.validation, "val_")
    at.epochs += 1
    at.totals, at.metrics = {}, metrics
    rate = "a schedule to follow", "the learning rate stays as it is"
    missing = dict.fromkeys(at.follow(job.model), rate)
    if name := stopping.look(job):
        missing[name] = "early stopping", "training goes on to its end"
    return missing


def _unscored(at: Position, missing: Mapping[str, tuple[str, str]]) -> Iterator[Event]:
    """What is said, once, of a score that is wanted and that there is not."""
    for name, (purpose, left) in missing.items() if at.epochs == 1 else ():
        known = ", ".join(dict.fromkeys(name.removeprefix("val_") for name in at.metrics))
        text = f"found no score {name!r} for {purpose}, expected one of {known}"
        yield Warned(at.step, f"{text}; {left}")


def _evaluate(job: Job, samples: Array, prefix: str) -> dict[str, float]:
    batch = job.batches.evaluated
    return evaluate(job.model, job.plan, job.data, samples, batch, job.live, prefix)


def _failed(job: Job, bad: BadStep, run: str) -> Failed:
    """The node whose value stopped being finite, found by running the step again."""
    batch = {key: array[bad.samples] for key, array in job.data.items()}
    arrays, step = job.plan.read(), job.position.step
    real = np.result_type(*(a for a in arrays.values())).type
    path, what = first_bad(job.model, bad.entry, batch, arrays, bad.scalars, real, job.seed)
    return Failed(step, path, f"step {step + 1}: {what}", run)
