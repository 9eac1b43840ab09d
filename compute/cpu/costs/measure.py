"""Measuring a machine: `python -m compute.cpu.costs.measure` takes about two seconds.

Everything is repeated in short slices and the fastest counts, so that what else runs on the
machine disturbs little, but for how long it takes. It is a process of its own: its memory tells
what such a process needs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from compute.backend import Array, PlanOptions
from compute.cpu.costs import forecast
from compute.cpu.costs.fit import Measured, kernel_rates, nonnegative
from compute.cpu.costs.probes import net_probes, single_probes
from compute.cpu.costs.rates import Calibration, Reach, Teamwork, rising, write
from compute.cpu.costs.store import system_load
from compute.cpu.costs.timing import Probe, Run, step_seconds, take_turns
from compute.cpu.costs.traffic import WRITTEN
from compute.cpu.costs.work import OTHER
from compute.cpu.engine import variant_of
from compute.cpu.loader import all_names, ensure
from compute.cpu.memory import Segment
from compute.events import EpochDone
from compute.prepare import TrainOptions
from compute.session import train_graph
from graph.files import load
from resources import example_path

KERNEL_SECONDS = 0.35
TEAM_NETS = (0, 1, 3, 6, 11, 14)  # small and large, of every kind
RECORDED = 6  # epochs of a small training on record
REACHES = (1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 26)
NEAREST = (1 << 15, 1e-13)  # bytes that are never waited for
Report = Callable[[int, int, str], None]


def calibrate(threads: int, report: Report) -> Calibration:
    """Measure this machine, alone and with `threads` threads."""
    start, load = time.perf_counter(), system_load()
    counts = sorted({1, threads})
    report(0, 3, "memory")
    epoch, process = _epoch(), resident()
    reaches = {count: _reach(count) for count in counts}
    report(1, 3, "kernels")
    options, used = PlanOptions(threads=1), resident()
    nets = list(net_probes(options))
    a_step = _bytes_a_step(nets, resident() - used)
    runs = [Run(probe) for probe in [*nets, *single_probes(options)]]
    take_turns(runs, KERNEL_SECONDS)
    hertz = max(run.hertz for run in runs)  # of programs so long that they hide all else
    alone = Teamwork(1.0, 0.0, 0.0, reaches[1])
    rates = kernel_rates(row for run in runs for row in _rows(run, hertz, alone))
    rates[OTHER] = _others(rates)
    report(2, 3, "threads")
    call = _call(nets[0])
    some, first = [nets[k] for k in TEAM_NETS], Calibration(rates, {1: alone}, call, epoch, process)
    first = replace(first, teams={1: _alone(some, first)})
    teams = {k: _team(some, k, first, reaches[k]) if k > 1 else first.team(1) for k in counts}
    used = resident()
    import compute.data.table  # noqa: F401  (for its size)

    tables = max(0, resident() - used)
    seconds = time.perf_counter() - start
    return Calibration(rates, teams, call, epoch, process, a_step, tables, load, seconds)


def resident() -> int:
    """Bytes of this process that lie in memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * int(os.sysconf("SC_PAGE_SIZE"))


def _bytes_a_step(probes: Sequence[Probe], grown: int) -> int:
    """Bytes of a plan's step besides what it computes on, when all these made a process grow."""
    steps = sum(len(probe.bound.planned.steps()) for probe in probes)
    arrays = sum(array.nbytes for probe in probes for array in probe.data.values())
    arenas = sum(probe.engine.memory for probe in probes)
    return max(0, grown - arrays - arenas) // steps


# ---- memory


def _reach(threads: int) -> Reach:
    """Seconds a byte of a pass over arrays of so many bytes, all threads at work."""
    found = []
    for size in REACHES:
        count = size // threads // 12
        arrays = [_operands(count) for _ in range(threads)]
        turns = max(1, min(64, (1 << 23) // size))
        spent = min(_together(arrays, turns) for _ in range(4)) / turns
        found.append((float(size), spent / (4 * (2 + WRITTEN) * count)))
    return [NEAREST, *rising(found)]


def _operands(count: int) -> list[Array]:
    """Three arrays in memory such as plans have."""
    numbers = np.frombuffer(Segment(12 * count).bytes.data, np.float32)
    return [numbers[k * count : (k + 1) * count] for k in range(3)]


def _together(arrays: Sequence[Sequence[Array]], turns: int) -> float:
    """Seconds in which every thread has added its arrays so often."""
    gate = threading.Barrier(len(arrays))
    times = [0.0] * len(arrays)

    def work(k: int) -> None:
        a, b, c = arrays[k]
        np.add(a, b, out=c)
        gate.wait()
        start = time.perf_counter()
        for _ in range(turns):
            np.add(a, b, out=c)
        times[k] = time.perf_counter() - start

    others = [threading.Thread(target=work, args=(k,)) for k in range(1, len(arrays))]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()
    return max(times)


# ---- kernels


def _rows(run: Run, hertz: float, alone: Teamwork) -> list[Measured]:
    """What was measured of each step of a program."""
    parts = forecast.parts(run.probe.bound.planned, run.probe.engine.variant)
    return [
        Measured(part.work, float(cycles) / hertz, forecast.bytes_seconds(part, alone))
        for part, cycles in zip(parts, run.best, strict=True)
    ]


def _others(rates: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of kernels that were not measured: as fast as plain chains and as products."""
    vector = 2 * rates["elementwise"]["fast"]
    return {"vectors": vector, "flops": rates["gemm"]["cycles"] / 32, "chunks": 5e-8}


# ---- calls and threads


def _call(probe: Probe) -> float:
    """Seconds that Python adds to a call of the engine."""

    def spent(steps: int) -> float:
        start = time.perf_counter()
        probe.run(steps)
        return time.perf_counter() - start

    one, many = (min(spent(steps) for _ in range(30)) for steps in (1, 201))
    return max(0.0, one - (many - one) / 200)


def _epoch() -> float:
    """Seconds that an epoch on record takes besides its steps: a checkpoint, metrics, events."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        options = TrainOptions(threads=1, epochs=RECORDED, workspace=Path(folder))
        graph = load(example_path("moons-mlp"))
        start = time.perf_counter()
        for event in train_graph(graph, options):
            if isinstance(event, EpochDone):
                times.append(time.perf_counter() - start)
                start = time.perf_counter()
    return min(times[1:])


def _alone(nets: Sequence[Probe], known: Calibration) -> Teamwork:
    """One thread: its rows, but with less for each chunk, or more.

    They were measured with a look at the clock before and after, which a run does without.
    """
    told, wanted = _compared(nets, 1, known.team(1), known)
    chunks = told[:, 2] / wanted
    claim = nonnegative(np.stack([chunks, -chunks], axis=1), 1.0 - told[:, 0] / wanted)
    return replace(known.team(1), claim=float(claim[0] - claim[1]))


def _team(nets: Sequence[Probe], threads: int, known: Calibration, reach: Reach) -> Teamwork:
    """What a step takes on so many threads, beside what its rows take on one."""
    plain = replace(known.team(1), reach=reach)
    told, wanted = _compared(nets, threads, plain, known)
    weight = 1.0 / wanted
    found = nonnegative(told * weight[:, None], 1.0 - told[:, 0] * weight)
    slower, barrier, claim = map(float, found)
    return Teamwork(1.0 + slower, barrier, (1.0 + slower) * plain.claim + claim, reach)


def _compared(
    nets: Sequence[Probe], threads: int, plain: Teamwork, known: Calibration
) -> tuple[Array, Array]:
    """(seconds, regions, chunks) of each net as `plain` foretells it, and the seconds it takes."""
    known, rows, wanted = replace(known, teams={threads: plain}), [], []
    for probe in nets:
        planned = probe.bound.planned
        told = forecast.forecast(planned, known, threads, probe.engine.variant)
        rows.append((told.seconds, len(planned.regions), told.chunks))
        wanted.append(step_seconds(probe, threads, known.call))
    return np.array(rows, float), np.array(wanted)


def main() -> int:
    """Measure, telling how far it is on stdout, and keep what was found in the file named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args()
    options = PlanOptions()
    ensure(variant_of(options), all_names())

    def report(done: int, total: int, what: str) -> None:
        sys.stdout.write(json.dumps({"done": done, "total": total, "what": what}) + "\n")
        sys.stdout.flush()

    write(given.file, calibrate(given.threads, report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
