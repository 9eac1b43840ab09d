"""What a training will cost before it runs: seconds of each node, of a step, of the run; memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from compute.cpu.costs.forecast import Forecast, forecast
from compute.cpu.costs.rates import Calibration
from compute.cpu.costs.timing import Probe, Run, step_seconds, take_turns
from compute.cpu.plan import CpuPlan
from compute.cpu.planner.program import Planned
from compute.cpu.planner.steps import Step, touch
from compute.prepare import Loaded, make_job
from graph.ops.table import Table

MEASURING = 0.3  # seconds
PASSES = ("forward", "backward", "update")


@dataclass(frozen=True)
class NodeCost:
    """A node's part of a training step on one thread; `seconds` by pass, `measured` of all."""

    path: str
    flops: int
    bytes: int
    seconds: Mapping[str, float]
    measured: float | None = None


@dataclass(frozen=True)
class Costs:
    """The forecast of a training.

    `step` are seconds of a full training step on `threads` threads, `epoch` and `run` those of an
    epoch with its evaluation and record, and of everything. `memory` are bytes by what they are
    for.
    """

    nodes: tuple[NodeCost, ...]
    batch: int
    threads: int
    step: float
    epoch: float
    run: float
    memory: Mapping[str, int]
    measured_step: float | None = None

    @property
    def bytes(self) -> int:
        """Memory of the process."""
        return sum(self.memory.values())


def costs(loaded: Loaded, plan: CpuPlan, known: Calibration) -> Costs:
    """The forecast for a graph with its data, on the threads of `plan`; runs nothing."""
    model, parts = loaded.model, loaded.parts
    batch = min(model.graph.training.batch_size, len(parts.train))
    found = {phase.name: _Entry(plan, phase.name, batch, known) for phase in model.phases}
    shares = {phase.name: 1.0 / phase.every for phase in model.phases}
    step = sum(shares[name] * entry.forecast.seconds for name, entry in found.items())
    several = len(found) > 1 or any(share != 1.0 for share in shares.values())
    epoch = step * len(parts.train) / batch
    calls = sum(shares.values()) * len(parts.train) / batch if several else 1.0
    epoch += known.epoch + known.call * calls
    evaluated = _evaluation(plan, len(parts.validation), batch, known)
    tested = _evaluation(plan, len(parts.test), batch, known)
    epochs = model.graph.training.epochs
    data = sum(array.nbytes for array in loaded.samples.arrays.values())
    memory = _memory(plan, [entry.planned for entry in found.values()])
    reads = any(isinstance(op, Table) for op in model.data_nodes.values())
    memory |= {"data": data, "process": known.process + (known.tables if reads else 0)}
    return Costs(
        _nodes(found, shares),
        batch,
        max(entry.threads for entry in found.values()),
        step,
        epoch + evaluated,
        epochs * (epoch + evaluated) + tested,
        memory,
    )


def measured(found: Costs, loaded: Loaded, plan: CpuPlan, known: Calibration) -> Costs:
    """The forecast with what some steps of the training take; the weights stay as they were."""
    job, before = make_job(loaded, plan), plan.read()
    taken: dict[str, float] = {}
    total = 0.0
    try:
        for phase in loaded.model.phases:
            bound = plan.planned(phase.name, found.batch)
            probe = Probe(phase.name, plan.engine, bound, job.data, job.live)
            run = Run(probe)
            take_turns([run], MEASURING)
            for step, cycles in zip(bound.planned.steps(), run.best, strict=True):
                seconds = float(cycles) / run.hertz / phase.every
                taken[step.path] = taken.get(step.path, 0.0) + seconds
            threads = 1 if bound.small else plan.engine.threads
            total += step_seconds(probe, threads, known.call, MEASURING) / phase.every
            bound.threads = threads
    finally:
        plan.write(before)
    nodes = tuple(replace(node, measured=taken.get(node.path)) for node in found.nodes)
    return replace(found, nodes=nodes, measured_step=total)


class _Entry:
    """An entry point of a plan with its forecast."""

    def __init__(self, plan: CpuPlan, name: str, batch: int, known: Calibration) -> None:
        bound = plan.planned(name, batch)
        self.planned: Planned = bound.planned
        self.threads = 1 if bound.small else plan.engine.threads
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


def _evaluation(plan: CpuPlan, count: int, batch: int, known: Calibration) -> float:
    """Seconds in which so many samples are evaluated."""
    if not count:
        return 0.0
    entry = _Entry(plan, "evaluate", min(batch, count), known)
    return entry.forecast.seconds * count / min(batch, count) + 2 * known.call


def _nodes(entries: Mapping[str, _Entry], shares: Mapping[str, float]) -> tuple[NodeCost, ...]:
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


def _memory(plan: CpuPlan, entries: list[Planned]) -> dict[str, int]:
    """Bytes of the arena by what lies there, and of the tables of a call."""
    storage = plan.engine.storage
    slots = sum(buffer.size for buffer, _ in storage.families.values())
    tables = sum(b.size for entry in entries for b in entry.tables.buffers())
    return {
        "parameters": storage.params.size,
        "gradients": storage.gradients.size,
        "optimizer": slots,
        "states": storage.states.size,
        "work space": max(entry.transient for entry in entries),
        "tables": tables,
    }
