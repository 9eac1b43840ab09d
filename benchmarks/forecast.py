"""Whether forecasts come true: predicted against measured step time and memory.

    python benchmarks/forecast.py [--threads 1 2] [--limit 25] [--rounds 3] [--random SEED] [NAME…]

Every net of the bench and every shipped example, each in a process of its own: the step as it is
forecast and as it is measured on each number of threads, the peak memory of a process that trains
it beside the forecast; of an example also the ratio of an epoch on record, which has no limit.
`--random` takes six nets that a seed makes instead, so also such as nobody has looked at. Each
round calibrates the machine first; the table shows medians of all rounds, of the ratios of each
round too. On one thread the measured time is that on the processor, so what else runs disturbs it
little; on several the machine must be idle. The exit code is 1 when a forecast is off by more than
the limit, in percent of what was measured.
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
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

import resources
from compute.backend import Array, PlanOptions
from compute.bench.nets import chain
from compute.bench.workloads import BATCHES, WORKLOADS, Workload
from compute.cpu.costs import store
from compute.cpu.costs.forecast import forecast
from compute.cpu.costs.rates import Calibration
from compute.cpu.costs.timing import Probe, step_seconds
from compute.cpu.plan import CpuPlan
from compute.cpu.variants import native
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU, Tanh
from graph.ops.attention import MultiHeadAttention
from graph.ops.conv import Conv2d, MaxPool2d
from graph.ops.dense import Dense
from graph.ops.norm import BatchNorm
from graph.ops.optimizer import SGD, Adam
from graph.ops.rectifier import GELU
from graph.ops.recurrent import GRU, LSTM
from graph.ops.reduce import Reduce
from graph.ops.sample_norm import LayerNorm
from graph.ops.shape import Flatten

Found = dict[str, float]
SECONDS = 1.5  # of measuring a step
STEPS = 40  # before the peak of memory is read
EPOCHS = 5  # of an example, on record
RANDOM, RANDOM_NETS, CLASSES = "random {seed}.{number}", 6, 10


def random_net(number: int, seed: int) -> Workload:
    """One of the nets that a seed makes: dense, with images, or with sequences."""
    dice = np.random.default_rng((seed, number))

    def pick(*choices: int) -> int:
        return int(dice.choice(choices))

    def dense() -> list[Op]:
        activation = (ReLU, Tanh, GELU)[pick(0, 1, 2)]()
        return [Dense(units=pick(24, 40, 96, 200, 320)), activation]

    layers: list[Op] = []
    batch = pick(16, 32, 48, 96)
    sample: tuple[int, ...] = (pick(20, 64, 150, 500),)
    if number % 3 == 1:
        sample = (pick(1, 3), *[pick(14, 20, 32)] * 2)
        for _ in range(pick(1, 2)):
            layers += [Conv2d(filters=pick(8, 20, 48), kernel=pick(3, 5), padding=1)]
            layers += [*([BatchNorm()] if pick(0, 1) else []), ReLU(), MaxPool2d()]
        layers.append(Flatten())
    elif number % 3 == 2:
        width = pick(16, 32, 64)
        sample, walk = (pick(8, 20, 40), width), (GRU, LSTM)[pick(0, 1)]
        attends = [LayerNorm(), MultiHeadAttention(heads=2), Reduce(axes=(1,))]
        layers += attends if pick(0, 1) else [walk(units=pick(24, 64, 100), returns="last")]
    for _ in range(pick(1, 2, 3)):
        layers += dense()
    layers.append(Dense(units=CLASSES))
    optimizer = (Adam(), SGD(momentum=0.9))[pick(0, 1)]
    count = batch * BATCHES
    data: dict[str, Array] = {
        "data.image": dice.standard_normal((count, *sample), dtype=np.float32),
        "data.label": dice.integers(0, CLASSES, count, dtype=np.int64),
    }
    graph = chain(sample, layers, optimizer)
    graph.training = replace(graph.training, batch_size=batch)
    name = RANDOM.format(seed=seed, number=number)
    return Workload(name, "made by a seed", batch, lambda: graph, lambda: data)


def workload(name: str) -> Workload:
    """A net of the bench, or a random one by its name."""
    if name in WORKLOADS:
        return WORKLOADS[name]
    seed, _, number = name.removeprefix(RANDOM.partition("{")[0]).partition(".")
    return random_net(int(number), int(seed))


def calibrated() -> Calibration:
    """What the machine was measured to do."""
    known = store.known(native())
    assert known is not None, "the machine was not calibrated"
    return known


def measure_net(workload: Workload, threads: int) -> dict[str, float]:
    """Step and memory of a net of the bench."""
    known, model = calibrated(), Model(workload.graph())
    fast = model.graph.training.fast_convolution
    options = PlanOptions(threads=threads, fast_convolution=fast)
    plan = CpuPlan(model, options, lambda done, total, what: None)
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
    from compute.events import EpochDone
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
            threads=threads, epochs=EPOCHS, workspace=Path(folder), folder=opened.file.parent
        )
        events = train_graph(open_graph(name).graph, wanted)
        ends = [event.seconds for event in events if isinstance(event, EpochDone)]
    return {
        "predicted epoch": found.epoch or 0.0,
        "measured epoch": median(ends[1:]),
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
    epoch = (
        f"{middle('predicted epoch', 'measured epoch'):.2f}"
        if "predicted epoch" in found[0]
        else ""
    )
    kept = all(abs(ratio - 1) <= limit / 100 for ratio in (time, memory))
    text = (
        f"{name:<22}{middle('threads'):>8.0f}{1e6 * middle('predicted'):>13.1f}"
        f"{1e6 * middle('measured'):>12.1f}{time:>8.2f}"
        f"{middle('predicted memory') / 1e6:>14.1f}{middle('measured memory') / 1e6:>11.1f}"
        f"{memory:>8.2f}{epoch:>8}{'' if kept else '   missed'}"
    )
    return text, kept


def one_round(names: Sequence[str], threads: Sequence[int]) -> Iterator[tuple[str, int, Found]]:
    """Calibrate, then measure each in its process."""
    known = store.measure(lambda done, total, what: None)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    off = ", ".join(f"{100 * by:.0f} % on {count}" for count, by in known.off.items())
    share = ", ".join(f"{100 * of:.0f} % on {count}" for count, of in known.share.items())
    print(f"calibrated in {known.seconds:.2f} s; of the processors {share}; its own nets are off by"
          f" {off}; load {load}", flush=True)  # fmt: skip
    for name in names:
        for count in threads:
            words = [sys.executable, __file__, "--child", name, "--threads", str(count)]
            done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            yield name, count, json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Measure in rounds, print the table."""
    names = [*WORKLOADS, *(name for name in resources.examples() if name not in WORKLOADS)]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--random", type=int, metavar="SEED")
    parser.add_argument("--limit", type=float, default=25.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        (threads,) = given.threads
        own = given.child in resources.examples()
        child: Found = (
            measure_example(given.child, threads)
            if own
            else measure_net(workload(given.child), threads)
        )
        print(json.dumps(child))
        return 0
    if given.random is not None:
        given.names = [RANDOM.format(seed=given.random, number=k) for k in range(RANDOM_NETS)]
    found: dict[tuple[str, int], list[Found]] = {}
    for _ in range(given.rounds):
        for name, count, one in one_round(given.names, given.threads):
            found.setdefault((name, count), []).append(one)
    print(f"{'':<22}{'threads':>8}{'predicted µs':>13}{'measured':>12}{'ratio':>8}"
          f"{'predicted MB':>14}{'measured':>11}{'ratio':>8}{'epoch':>8}")  # fmt: skip
    lines = [line(name, rounds, given.limit) for (name, _), rounds in found.items()]
    print("\n".join(text for text, _ in lines))
    missed = sum(not kept for _, kept in lines)
    print(f"{len(lines) - missed} of {len(lines)} within {given.limit:g} %")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
