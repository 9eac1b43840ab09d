"""What a training will cost before it runs: seconds of each node, of a step, of the run; memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from compute.cpu.costs.forecast import Forecast, forecast
from compute.cpu.costs.rates import Calibration
from compute.cpu.costs.timing import MOST_STEPS, Probe, Run, step_seconds, take_turns
from compute.cpu.entry import CALL_BYTES, CALL_FLOPS, Bound
from compute.cpu.plan import CpuPlan, Sketch
from compute.cpu.planner.program import Planned
from compute.cpu.planner.steps import Step, touch
from compute.foreseen import PROCESS, Costs, NodeCost
from compute.prepare import Loaded, make_job
from graph.lower import Model
from graph.ops.table import Table
from graph.stepping import batch_size

MEASURING = 0.3  # seconds
PASSES = ("forward", "backward", "update")


@dataclass(frozen=True)
class Data:
    """What of the data decides the cost: samples of each part, bytes, whether a table is read."""

    train: int
    validation: int
    test: int
    bytes: int
    table: bool

    @staticmethod
    def of(loaded: Loaded) -> Data:
        """As it was read, with the copy that is made ready for a plan."""
        size = 0
        for key, array in loaded.samples.arrays.items():
            kind = np.dtype(np.int64 if array.dtype == np.int64 else loaded.dtype)
            copied = key in loaded.scaling or array.dtype != kind
            size += array.nbytes + (array.size * kind.itemsize if copied else 0)
        parts = loaded.parts
        reads = any(isinstance(op, Table) for op in loaded.model.data_nodes.values())
        return Data(len(parts.train), len(parts.validation), len(parts.test), size, reads)


def costs(model: Model, data: Data | None, plan: Sketch, known: Calibration) -> Costs:
    """The forecast for a graph, on the threads of `plan`; runs nothing.

    Raises ValueError when a step is of all samples and nothing is known of them.
    """
    batch = batch_size(model.graph)
    if data is not None:
        batch = min(batch, data.train) if batch else data.train
    if not batch:
        raise ValueError("found steps of all samples, expected a batch size or data to count")
    shares = {phase.name: 1.0 / phase.every for phase in model.phases}
    several, steps = _several(model), _steps(model, data, batch)
    found = {name: Entry(plan, name, batch, known, steps) for name in shares}
    step = sum(shares[name] * entry.forecast.seconds for name, entry in found.items())
    epoch = run = None
    planned = [entry.planned for entry in found.values()]
    if data is not None:
        count = data.train / batch
        turns = known.turn * sum(shares.values()) * count if several else known.call
        epoch = step * count + known.epoch + turns
        for samples in (data.validation, data.test):
            if samples:
                planned.append(plan.planned("evaluate", min(batch, samples)).planned)
        epoch += _evaluation(plan, data.validation, batch, known)
        run = model.graph.training.epochs * epoch + _evaluation(plan, data.test, batch, known)
    threads = max(entry.threads for entry in found.values())
    memory = _memory(plan, planned, data, known)
    nodes, off = _nodes(found, shares), known.off.get(threads)
    return Costs(nodes, batch, threads, step, epoch, run, memory, off=off)


def measured(found: Costs, loaded: Loaded, plan: CpuPlan, known: Calibration) -> Costs:
    """The forecast with what some steps of the training take; the weights stay as they were.

    Of a net whose loss is not finite nothing is measured.
    """
    job, before = make_job(loaded, plan), plan.read()
    taken: dict[str, float] = {}
    total, steps = 0.0, _steps(loaded.model, Data.of(loaded), found.batch)
    try:
        for phase in loaded.model.phases:
            bound = plan.planned(phase.name, found.batch)
            probe = Probe(phase.name, plan.engine, bound, job.data, job.live)
            run = Run(probe)
            take_turns([run], MEASURING)
            for step, cycles in zip(bound.planned.steps(), run.best, strict=True):
                seconds = float(cycles) / run.hertz / phase.every
                taken[step.path] = taken.get(step.path, 0.0) + seconds
            threads = _threads(bound, plan.engine.threads, steps)
            total += step_seconds(probe, threads, known.call, MEASURING) / phase.every
            bound.threads = 1 if bound.small else plan.engine.threads
    except FloatingPointError:
        return found
    finally:
        plan.write(before)
    nodes = tuple(replace(node, measured=taken.get(node.path)) for node in found.nodes)
    return replace(found, nodes=nodes, measured_step=total)


def _several(model: Model) -> bool:
    """Whether phases take turns, so that each call runs one step."""
    return len(model.phases) > 1 or any(phase.every != 1 for phase in model.phases)


class Entry:
    """An entry point of a plan with its forecast, when a call runs so many steps."""

    def __init__(
        self, plan: Sketch, name: str, batch: int, known: Calibration, steps: int = MOST_STEPS
    ) -> None:
        bound = plan.planned(name, batch)
        self.planned: Planned = bound.planned
        self.threads = _threads(bound, plan.engine.threads, steps)
        self.forecast: Forecast = forecast(self.planned, known, self.threads, plan.engine.variant)

    def passes(self) -> dict[Step, str]:
        """Which pass each step belongs to: before the loss is known, after, or what commits."""
        loss = touch(self.planned.loss) if self.planned.loss is not None else None
        found, name = {}, "forward"
        for step in self.planned.steps():
            found[step] = "update" if step.commits and name == "backward" else name
            written = (t for t in step.touches if t.write)
            if loss and any(
                t.buffer is loss.buffer and t.low <= loss.low < t.high for t in written
            ):
                name = "backward"
        return found


def _steps(model: Model, data: Data | None, batch: int) -> int:
    """Steps that a call of the engine runs at most."""
    if _several(model):
        return 1
    return max(1, data.train // batch) if data is not None else MOST_STEPS


def _threads(bound: Bound, threads: int, steps: int) -> int:
    """Threads that run a call of so many steps: one where others are not worth waking."""
    planned = bound.planned
    work = steps * sum(step.flops for step in planned.steps())
    moved = steps * sum(step.bytes() for step in planned.steps())
    few = work < CALL_FLOPS and moved < CALL_BYTES
    return 1 if bound.small or few else threads


def _evaluation(plan: Sketch, count: int, batch: int, known: Calibration) -> float:
    """Seconds in which so many samples are evaluated."""
    if not count:
        return 0.0
    entry = Entry(plan, "evaluate", min(batch, count), known, -(-count // batch))
    return entry.forecast.seconds * count / min(batch, count) + 2 * known.call


def _nodes(entries: Mapping[str, Entry], shares: Mapping[str, float]) -> tuple[NodeCost, ...]:
    seconds: dict[str, dict[str, float]] = {}
    flops: dict[str, int] = {}
    moved: dict[str, int] = {}
    for name, entry in entries.items():
        passes = entry.passes()
        for step, spent in zip(entry.planned.steps(), entry.forecast.rows, strict=True):
            own = seconds.setdefault(step.path, dict.fromkeys(PASSES, 0.0))
            own[passes[step]] += shares[name] * spent
            flops[step.path] = flops.get(step.path, 0) + step.flops
            moved[step.path] = moved.get(step.path, 0) + step.bytes()
    return tuple(NodeCost(path, flops[path], moved[path], seconds[path]) for path in seconds)


def _memory(
    plan: Sketch, entries: list[Planned], data: Data | None, known: Calibration
) -> dict[str, int]:
    """Bytes of the arena by what lies there, of plans, of data and of the process."""
    storage = plan.engine.storage
    slots = sum(buffer.size for buffer, _ in storage.families.values())
    tables = sum(b.size for entry in entries for b in entry.tables.buffers())
    steps = sum(len(entry.steps()) for entry in entries)
    reads = data is not None and data.table
    return {
        "parameters": storage.params.size,
        "gradients": storage.gradients.size,
        "optimizer": slots,
        "states": storage.states.size,
        "work space": max(entry.transient for entry in entries),
        "plans": tables + steps * known.a_step,
        "data": data.bytes if data is not None else 0,
        PROCESS: known.process + (known.tables if reads else 0),
    }
