"""Whether forecasts come true: predicted against measured step time and memory.

    python benchmarks/forecast.py [--threads 1] [--limit 25] [--rounds 3] [NAME…]

Every net of the bench and every shipped example, each in a process of its own: the step as it is
forecast and as it is measured on so many threads, the peak memory of a process that trains it
beside the forecast. Each round calibrates the machine first; the table shows medians of all rounds,
of the ratios of each round too. On one thread the measured time is that on the processor, so what
else runs disturbs it little; on several the machine must be idle. The exit code is 1 when a
forecast is off by more than the limit, in percent of what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import resources
from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS, Workload
from compute.cpu.costs import store
from compute.cpu.costs.forecast import forecast
from compute.cpu.costs.rates import Calibration
from compute.cpu.costs.timing import Probe, step_seconds
from compute.cpu.plan import CpuPlan
from compute.cpu.variants import native
from graph.lower import Model

Found = dict[str, float]
SECONDS = 1.5  # of measuring a step
STEPS = 40  # before the peak of memory is read


def calibrated() -> Calibration:
    """What the machine was measured to do."""
    known = store.known(native())
    assert known is not None, "the machine was not calibrated"
    return known


def measure_net(workload: Workload, threads: int) -> dict[str, float]:
    """Step and memory of a net of the bench."""
    known, model = calibrated(), Model(workload.graph())
    plan = CpuPlan(model, PlanOptions(threads=threads), lambda done, total, what: None)
    data = workload.data()
    bound = plan.planned("train/0", workload.batch)
    count = 1 if bound.small else threads
    probe = Probe(workload.name, plan.engine, bound, data, model.live)
    tables = sum(buffer.size for buffer in bound.planned.tables.buffers())
    probe.run(STEPS, count=count)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "threads": count,
        "predicted": forecast(bound.planned, known, count, plan.engine.variant).seconds,
        "measured": step_seconds(probe, count, known.call, SECONDS),
        "predicted memory": known.process
        + plan.memory
        + tables
        + sum(array.nbytes for array in data.values())
        + known.a_step * len(bound.planned.steps()),
        "measured memory": memory,
    }


def measure_example(name: str, threads: int) -> dict[str, float]:
    """Step and memory of an example; its data is loaded and a run of it is recorded."""
    from compute.cli.opening import open_graph
    from compute.forecast import Data, costs, measured
    from compute.prepare import TrainOptions, load_graph, silent
    from compute.session import train_graph

    opened = open_graph(name)
    loaded = load_graph(opened.graph, opened.folder)
    options = TrainOptions(threads=threads).plan_options(loaded.model.graph.training)
    plan = CpuPlan(loaded.model, options, silent)
    found = costs(loaded.model, Data.of(loaded), plan, calibrated())
    taken = measured(found, loaded, plan, calibrated()).measured_step
    plan.close()
    del plan, loaded
    with tempfile.TemporaryDirectory() as folder:
        wanted = TrainOptions(
            threads=threads, epochs=2, workspace=Path(folder), folder=opened.file.parent
        )
        for _ in train_graph(open_graph(name).graph, wanted):
            pass
    return {
        "threads": found.threads,
        "predicted": found.step,
        "measured": taken or 0.0,
        "predicted memory": found.bytes,
        "measured memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def line(name: str, found: Sequence[Found], limit: float) -> tuple[str, bool]:
    """A row of the table, and whether it keeps the gate."""

    def middle(what: str, of: str = "") -> float:
        return median(one[what] / (one[of] if of else 1.0) for one in found)

    time = middle("predicted", "measured")
    memory = middle("predicted memory", "measured memory")
    kept = all(abs(ratio - 1) <= limit / 100 for ratio in (time, memory))
    text = (
        f"{name:<22}{middle('threads'):>8.0f}{1e6 * middle('predicted'):>13.1f}"
        f"{1e6 * middle('measured'):>12.1f}{time:>8.2f}"
        f"{middle('predicted memory') / 1e6:>14.1f}{middle('measured memory') / 1e6:>11.1f}"
        f"{memory:>8.2f}{'' if kept else '   missed'}"
    )
    return text, kept


def one_round(names: Sequence[str], threads: int) -> Iterator[tuple[str, Found]]:
    """Calibrate, then measure each in its process."""
    known = store.measure(lambda done, total, what: None)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"calibrated in {known.seconds:.1f} s; load {load}", flush=True)
    for name in names:
        words = [sys.executable, __file__, "--child", name, "--threads", str(threads)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        yield name, json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Measure in rounds, print the table."""
    names = [*WORKLOADS, *(name for name in resources.examples() if name not in WORKLOADS)]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=25.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=names, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        examples = resources.examples()
        own = given.child in examples
        measure = measure_example if own else lambda n, t: measure_net(WORKLOADS[n], t)
        print(json.dumps(measure(given.child, given.threads)))
        return 0
    found: dict[str, list[Found]] = {name: [] for name in given.names}
    for _ in range(given.rounds):
        for name, one in one_round(given.names, given.threads):
            found[name].append(one)
    print(f"{'':<22}{'threads':>8}{'predicted µs':>13}{'measured':>12}{'ratio':>8}"
          f"{'predicted MB':>14}{'measured':>11}{'ratio':>8}")  # fmt: skip
    lines = [line(name, rounds, given.limit) for name, rounds in found.items()]
    print("\n".join(text for text, _ in lines))
    return 0 if all(kept for _, kept in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
