"""Running a block of training steps: as many as take about 50 ms, cut where something changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compute.backend import Array, Plan, StepOutputs
from compute.batches import Batches
from compute.events import Tap
from compute.split import Parts
from compute.watch import norm_tap, reduce_tap

if TYPE_CHECKING:
    from compute.train import Job
    from graph.lower import Model, Phase

BLOCK_SECONDS = 0.05
MOST_STEPS = 1 << 14


@dataclass
class Pace:
    """How many steps fit into a block, and the seconds of one, from the time the last ones took.

    `cpu` is what one takes of this thread.
    """

    steps: int = 1
    seconds: float = 0.0
    cpu: float = 0.0

    def measured(self, steps: int, seconds: float, cpu: float) -> None:
        """Learn from a block; growth is gentle, as the first step of a plan is slow."""
        fitting = int(BLOCK_SECONDS * steps / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 4 * self.steps, MOST_STEPS))
        self.seconds, self.cpu = seconds / steps, cpu / steps


@dataclass(frozen=True)
class BadStep:
    """The step whose loss was not finite: what it was given."""

    entry: str
    samples: Array
    scalars: Mapping[str, float]


@dataclass
class Block:
    """What a block of steps gave: the loss of each step, samples a second, watched arrays.

    `each` holds, by the path of its node, what each of several losses was at the steps that had it.
    `seconds` is how much more CPU time than as many unwatched steps it took.
    """

    losses: Array
    each: dict[str, Array] = field(default_factory=dict)
    rate: float = 0.0
    arrays: dict[str, Array] = field(default_factory=dict)
    bad: BadStep | None = None
    seconds: float = 0.0


def run_block(job: Job, pace: Pace, most: int) -> Block:
    """Train up to `most` steps, within one epoch and before the next planned change.

    Moves `job.position`. Nothing in the result but times depends on how steps fall into blocks.
    """
    place = job.position.step - job.position.epochs * job.batches.steps
    count = min(most, pace.steps, job.batches.run_length(place))
    if job.changes:
        count = min(count, job.changes[0][0] - job.position.step)
    block, seconds, cpu = _timed(job, place, count, frozenset())
    done = len(block.losses)
    if done:
        pace.measured(done, seconds, cpu)
        block.rate = done * job.batches.size(place) / seconds
    return block


def run_tapped(job: Job, pace: Pace, names: frozenset[str]) -> Block:
    """Train one step and keep watched tensors: the same bits as an unwatched step.

    Blocks are trained unwatched, so looking on costs one slower step now and then.
    """
    place = job.position.step - job.position.epochs * job.batches.steps
    block, seconds, cpu = _timed(job, place, 1, names)
    if len(block.losses):
        block.rate = job.batches.size(place) / (pace.seconds or seconds)
        block.seconds = max(0.0, cpu - pace.cpu)
    return block


def prepare_steps(model: Model, plan: Plan, parts: Parts, batches: Batches) -> None:
    """Make the tapes of the training now, so that no kernel is compiled in the middle of it."""
    for phase in model.phases:
        for size in _sizes(len(parts.train), batches.batch):
            plan.prepare(phase.name, size)
    for size in _sizes(len(parts.validation), batches.evaluated):
        plan.prepare("evaluate", size)


def _sizes(count: int, batch: int) -> list[int]:
    """The sizes of batches of so many samples: full ones, and the last, the larger first."""
    return sorted({size for size in (min(batch, count), count % batch) if size}, reverse=True)


def prepare_taps(job: Job) -> None:
    """Build the watched tapes of the present batch size now, so that they are not timed."""
    place = job.position.step - job.position.epochs * job.batches.steps
    for phase in job.model.phases:
        for names in {job.watch, job.watch - job.seldom}:
            kept = _of_phase(job, phase, names)
            job.plan.prepare(phase.name, job.batches.size(place), kept)


def _timed(job: Job, place: int, count: int, watch: frozenset[str]) -> tuple[Block, float, float]:
    """A block of steps, the seconds it took, and those of this thread's CPU time."""
    clock, cpu, phases = time.perf_counter(), time.thread_time(), job.model.phases
    if len(phases) == 1 and phases[0].every == 1:
        block = _one_phase(job, phases[0], place, count, watch)
    else:
        block = _all_phases(job, place, count, watch)
    return block, time.perf_counter() - clock, time.thread_time() - cpu


def _one_phase(job: Job, phase: Phase, place: int, count: int, watch: frozenset[str]) -> Block:
    outputs, bad = _run(job, phase, place, count, watch)
    losses = np.zeros(0)  # a run that did no step may not know its outputs
    if outputs.steps:
        losses = np.asarray(outputs.scalars["loss"][: outputs.steps], np.float64)
    job.position.step += len(losses)
    each = _each(phase, outputs) if len(phase.losses) > 1 else {}
    return Block(losses, each, 0.0, watched(outputs, watch), bad)


def _all_phases(job: Job, place: int, count: int, watch: frozenset[str]) -> Block:
    """Step by step, every phase whose turn it is; a step's loss is the sum of theirs."""
    block = Block(np.zeros(0))
    losses: list[float] = []
    each: dict[str, list[float]] = {}
    for turn in range(count):
        total = 0.0
        for phase in job.model.phases:
            if job.position.step % phase.every:
                continue
            outputs, block.bad = _run(job, phase, place + turn, 1, watch)
            if block.bad:
                block.losses = np.array(losses)
                return block
            total += float(outputs.scalars["loss"][0])
            for path, values in _each(phase, outputs).items():
                each.setdefault(path, []).extend(values)
            block.arrays |= watched(outputs, watch)
        job.position.step += 1
        losses.append(total)
    block.losses = np.array(losses)
    block.each = {path: np.array(values) for path, values in each.items()}
    return block


def _each(phase: Phase, outputs: StepOutputs) -> dict[str, Array]:
    """The losses of a phase by the paths of their nodes, of the steps that were done."""
    if not outputs.steps:
        return {}
    alone = len(phase.losses) == 1
    scalars = {path: "loss" if alone else f"loss/{path}" for path, _ in phase.losses}
    done = outputs.steps
    return {p: np.asarray(outputs.scalars[s][:done], np.float64) for p, s in scalars.items()}


def _run(
    job: Job, phase: Phase, place: int, count: int, watch: frozenset[str]
) -> tuple[StepOutputs, BadStep | None]:
    """Run `count` steps of one phase from `place` of the epoch and count their losses."""
    at = job.position
    stream = phase.name if phase.fresh_batch else ""
    index = job.batches.take(at.epochs, place, count, stream)
    scalars = _scalars(job, phase, count)
    kept = _of_phase(job, phase, watch)
    outputs = job.plan.run(phase.name, job.data, index, scalars, kept)
    if outputs.steps:
        for name, values in outputs.scalars.items():
            if name == "loss" or name.startswith("loss/"):
                own = phase.name if name == "loss" else name
                at.add(own, values[: outputs.steps], index.shape[1])
    if outputs.bad_step is None:
        return outputs, None
    given = {name: float(values[outputs.bad_step]) for name, values in scalars.items()}
    return outputs, BadStep(phase.name, index[outputs.bad_step], given)


def _scalars(job: Job, phase: Phase, count: int) -> dict[str, Array]:
    """Host scalars of the next `count` steps: each phase counts its own steps, from 1."""
    live = job.live | job.position.shares()
    found = {f"live:{key}": np.full(count, value) for key, value in live.items()}
    first = job.position.step // phase.every + 1
    found["iteration:step"] = np.arange(first, first + count, dtype=np.float64)
    found["iteration:epoch"] = np.full(count, float(job.position.epochs))
    found["iteration:steps"] = np.full(count, float(-(-job.steps // phase.every)))
    return found


def _of_phase(job: Job, phase: Phase, watch: frozenset[str]) -> frozenset[str]:
    """The watched names that mean something in this phase: gradients of what it trains, and of
    values that its losses reach.
    """
    if not watch:
        return watch
    reached = job.model.reached(phase) - job.model.params.keys()
    own = reached.union(*(keys for _, keys in phase.owned))
    gradients = {f"gradient:{target}" for target in own}
    return frozenset(n for n in watch if n in gradients or not n.startswith("gradient:"))


def watched(outputs: StepOutputs, names: frozenset[str]) -> dict[str, Array]:
    """The watched tensors after the last step of a block."""
    found = {name: array for name, array in outputs.arrays.items() if name in names}
    for name, values in outputs.scalars.items():
        if name in names and len(values):
            found[name] = values[-1:]
    return found


def taps(block: Block, norms: frozenset[str] = frozenset()) -> tuple[Tap, ...]:
    """The watched tensors of a block, reduced; those in `norms` to a norm only."""
    return tuple(
        norm_tap(name, array) if name in norms else reduce_tap(name, array)
        for name, array in sorted(block.arrays.items())
    )
