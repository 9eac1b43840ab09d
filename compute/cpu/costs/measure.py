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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from compute.backend import Array, PlanOptions
from compute.cpu.costs import forecast, teams
from compute.cpu.costs.fit import Measured, kernel_rates
from compute.cpu.costs.probes import net_probes, single_probes
from compute.cpu.costs.rates import Calibration, Reach, Teamwork, rising, write
from compute.cpu.costs.store import LEAST_SHARE
from compute.cpu.costs.timing import Probe, Run, Share, take_turns
from compute.cpu.costs.traffic import WRITTEN
from compute.cpu.costs.work import OTHER
from compute.cpu.engine import variant_of
from compute.cpu.loader import all_names, ensure
from compute.cpu.memory import Segment
from compute.events import EpochDone
from compute.prepare import TrainOptions
from compute.session import train_graph
from graph.files import load
from graph.graph import Graph
from graph.kinds import Optimizer
from resources import example_path

KERNEL_SECONDS = 0.2
RECORDED = 5  # epochs of a small training on record
EVERY = 2  # steps of one in which phases take turns
NEAR = (1 << 18, 1 << 19, 1 << 20, 1 << 21)  # bytes; nearer ones each core keeps for itself
FAR = (1 << 22, 1 << 23, 1 << 24, 1 << 25, 3 << 25)  # to beyond most caches
NEAREST = (1 << 15, 1e-13)  # bytes that are never waited for
Report = Callable[[int, int, str], None]


def calibrate(threads: int, report: Report) -> Calibration:
    """Measure this machine, alone and with `threads` threads."""
    start = time.perf_counter()
    report(0, 3, "memory")
    (epoch, turn), process = _epochs(), resident()
    near = [NEAREST, *rising(_reach(1, NEAR + FAR))]
    reaches: dict[int, Reach] = {1: near}
    if threads > 1:
        own = [at for at in near if at[0] < FAR[0]]
        reaches[threads] = rising([*own, *_reach(threads, FAR)])
    report(1, 3, "kernels")
    options, used, share = PlanOptions(threads=1), resident(), Share(1)
    nets = list(net_probes(options, threads))
    a_step = _bytes_a_step(nets, resident() - used)
    runs = [Run(probe) for probe in [*nets, *single_probes(options)]]
    take_turns(runs, KERNEL_SECONDS)
    hertz = max(run.hertz for run in runs)  # of programs so long that they hide all else
    call = teams.call_seconds(nets[0])
    whole = teams.wholes(runs[: len(nets)], hertz, call)
    step, look = teams.besides(whole)
    every = [*whole, *(teams.Whole.of(run, hertz) for run in runs[len(nets) :])]
    spent = [each.corrected(step, look) for each in every]
    alone = Teamwork(1.0, 0.0, 0.0, near)
    rates = kernel_rates(
        row for each, taken in zip(every, spent, strict=True) for row in _rows(each, taken, alone)
    )
    rates[OTHER] = _others(rates)
    report(2, 3, "threads")
    known = Calibration(rates, {1: alone}, call, epoch, process, a_step)
    known = replace(known, turn=turn, step=step, share={1: share.now})
    known = _with_threads(known, whole, spent, reaches)
    used = resident()
    import compute.data.table  # noqa: F401  (for its size)

    tables = max(0, resident() - used)
    return replace(known, tables=tables, seconds=time.perf_counter() - start)


def _with_threads(
    known: Calibration,
    nets: Sequence[teams.Whole],
    spent: Sequence[Array],
    reaches: Mapping[int, Reach],
) -> Calibration:
    """What teams add to nets whose rows take `spent`, and how well the nets are foretold."""
    found, shares = dict(known.teams), dict(known.share)
    off = {1: teams.off(nets, [net.seconds for net in nets], 1, known)}
    for count in sorted(set(reaches) - {1}):
        shares[count] = teams.share_of(count)
        calm = shares[count] >= LEAST_SHARE  # else each wait is for whoever was put aside
        wanted = teams.together_seconds(nets, count, known.call) if calm else []
        timed = [k for k, seconds in enumerate(wanted) if seconds < inf]
        pieces = [
            teams.shared(nets[k], _among(nets[k], spent[k], known, reaches[count]), count)
            for k in timed
        ]
        wanted = [wanted[k] for k in timed]
        found[count] = teams.team(pieces, wanted, count, known.step, reaches[count])
        if timed:
            told = replace(known, teams=found)
            off[count] = teams.off([nets[k] for k in timed], wanted, count, told)
    return replace(known, teams=found, off=off, share=shares)


def _among(net: teams.Whole, spent: Array, known: Calibration, reach: Reach) -> Array:
    """The seconds of rows where other threads fetch too, of rows that take `spent` alone."""
    alone = known.team(1).reach
    rows = [[forecast.row_seconds(part, known, of) for part in net.parts] for of in (alone, reach)]
    found: Array = spent * np.array(rows[1]) / np.maximum(rows[0], 1e-12)
    return found


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


def _reach(threads: int, sizes: Sequence[int]) -> list[tuple[float, float]]:
    """Seconds a byte of a pass over arrays of so many bytes, all threads at work."""
    found = []
    for size in sizes:
        count = size // threads // 12
        arrays = [_operands(count) for _ in range(threads)]
        turns = max(1, min(64, (1 << 25) // size))
        spent = min(_together(arrays, turns) for _ in range(4)) / turns
        found.append((float(size), spent / (4 * (2 + WRITTEN) * count)))
    return found


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


def _rows(net: teams.Whole, seconds: Array, alone: Teamwork) -> list[Measured]:
    """What was measured of each step of a program."""
    return [
        Measured(part.work, float(spent), forecast.bytes_seconds(part, alone.reach))
        for part, spent in zip(net.parts, seconds, strict=True)
    ]


def _others(rates: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of kernels that were not measured: as fast as plain chains and as products."""
    vector = 2 * rates["elementwise"]["fast"]
    return {"vectors": vector, "flops": rates["gemm"]["cycles"] / 32, "chunks": 5e-8}


# ---- runs


def _epochs() -> tuple[float, float]:
    """Seconds that an epoch on record takes besides its steps (a checkpoint, metrics, events), and
    those that Python adds to each call where phases take turns.
    """
    graph = load(example_path("moons-mlp"))
    plain, _ = _epoch(graph)
    for node in list(graph):
        if isinstance(node.op, Optimizer):
            graph.set_node(replace(node, op=replace(node.op, every=EVERY)))
    turns, steps = _epoch(graph)
    return plain, max(0.0, turns - plain) * EVERY / steps


def _epoch(graph: Graph) -> tuple[float, float]:
    """Seconds of an epoch of a training on record, and its steps."""
    times, steps = [], 1.0
    with tempfile.TemporaryDirectory() as folder:
        options = TrainOptions(threads=1, epochs=RECORDED, workspace=Path(folder))
        start = time.perf_counter()
        for event in train_graph(graph, options):
            if isinstance(event, EpochDone):
                times.append(time.perf_counter() - start)
                steps = event.step / event.epoch
                start = time.perf_counter()
    return min(times[1:]), steps


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
