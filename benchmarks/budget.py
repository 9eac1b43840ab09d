"""What a memory budget costs: bytes of a plan, and the time of a step beside the unbounded one's.

    python benchmarks/budget.py [--threads 1] [--rounds 15] [NAME …]

NAME is a workload of `netloom bench` or an example. Every plan of a net runs in turn in each round,
about 0.1 s long; the last column is the median of a round's ratio to the plan without a budget.
On one thread times are those on the processor, so what else runs disturbs them little. A budget
that cannot be met is replaced by the least that can, marked with a star.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.cpu.memory import BudgetError
from compute.cpu.plan import CpuPlan
from compute.evaluate import host_scalars
from graph.files import load
from graph.lower import Model
from graph.stepping import batch_size
from graph.training import AT_ONCE
from resources import example_path

NETS = ("W4", "W6", "char-transformer", "digits-cnn")
SHARES = (1.0, 0.7, 0.5)
ROUND = 0.1  # seconds
BATCHES = 4


@dataclass
class Candidate:
    """A plan of the net within a share of what the unbounded one takes."""

    model: Model
    batch: int
    plan: CpuPlan
    star: str = ""

    def __post_init__(self) -> None:
        self.weights = self.plan.read()

    def steps(self, count: int) -> float:
        """Seconds of a training step, over so many."""
        program = self.model.program("train/0", self.batch)
        generator = np.random.default_rng(1)
        data = {}
        for given in program.inputs:
            if given.kind == "batch":
                kind = program.types[given.value]
                shape = (self.batch * BATCHES, *kind.shape[1:])
                whole = kind.dtype == "int"
                real = generator.standard_normal(shape).astype(np.float32)
                data[given.key] = generator.integers(0, 2, shape) if whole else real
        index = generator.integers(0, self.batch * BATCHES, (count, self.batch))
        scalars = host_scalars(self.model.live, 0, count)
        scalars["iteration:steps"] = np.full(count, float(count))
        self.plan.write(self.weights)  # noise is not learnt: a long run would end in NaN
        clock = time.thread_time if self.plan.engine.threads == 1 else time.perf_counter
        start = clock()
        done = self.plan.run("train/0", data, index, scalars).steps
        assert done == count, "the loss is no number"
        return (clock() - start) / count

    @property
    def flops(self) -> int:
        """Operations of a step."""
        planned = self.plan.planned("train/0", self.batch).planned
        return sum(step.flops for step in planned.steps())


def candidates(name: str, threads: int) -> list[Candidate]:
    """The plans that are compared, the unbounded one first."""
    if name in WORKLOADS:
        model, batch = Model(WORKLOADS[name].graph()), WORKLOADS[name].batch
    else:
        model = Model(load(example_path(name)))
        batch = batch_size(model.graph) or AT_ONCE
    found = [Candidate(model, batch, _plan(model, threads))]
    found[0].plan.prepare("train/0", batch)
    whole = found[0].plan.memory
    for share in SHARES[1:]:
        plan, star = _plan(model, threads, int(share * whole)), ""
        try:
            plan.prepare("train/0", batch)
        except BudgetError as error:
            plan, star = _plan(model, threads, error.smallest), "*"
            plan.prepare("train/0", batch)
        found.append(Candidate(model, batch, plan, star))
    return found


def _plan(model: Model, threads: int, budget: int | None = None) -> CpuPlan:
    options = PlanOptions(threads=threads, memory_budget=budget)
    return CpuPlan(model, options, lambda done, total, what: None)


def compare(found: list[Candidate], rounds: int) -> list[tuple[float, float]]:
    """Median seconds of a step of each, and median ratio to the first of the same round."""
    counts = [max(1, int(ROUND / one.steps(3))) for one in found]
    table = [[one.steps(n) for one, n in zip(found, counts, strict=True)] for _ in range(rounds)]
    times = np.array(table)
    ratios = np.median(times / times[:, :1], axis=0)
    return list(zip(np.median(times, axis=0).tolist(), ratios.tolist(), strict=True))


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("names", nargs="*", default=NETS)
    given = parser.parse_args()
    print("| net | MiB | share | further operations | step | to unbounded |")
    print("|---|---|---|---|---|---|")
    for name in given.names:
        found = candidates(name, given.threads)
        whole, flops = found[0].plan.memory, found[0].flops
        for one, (seconds, ratio) in zip(found, compare(found, given.rounds), strict=True):
            size = one.plan.memory
            cells = [name, f"{size / 2**20:.2f}", f"{size / whole:.0%}{one.star}"]
            cells += [f"{one.flops / flops - 1:.1%}", f"{seconds * 1e3:.3g} ms", f"{ratio:.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)
            one.plan.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
