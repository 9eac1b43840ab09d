"""One comparison in a process of its own, so that thread pools, environment and memory are its own.

`python -m compute.bench.worker W1 --threads 2` prints one JSON object; what is being done is said
on stderr, in lines that begin with `@`.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from compute.backend import Array
from compute.bench import jax_rival
from compute.bench.engine import Answers, Engine
from compute.bench.paired import Run, compare
from compute.bench.rivals import (
    Variant,
    inference_variants,
    torch_answers,
    torch_run,
    variants,
)
from compute.bench.torch_net import torch_net
from compute.bench.workloads import INFERENCES, WORKLOADS, Inference, Workload
from graph.graph import Graph
from graph.ops.regularise import Dropout

OURS = "netloom"
STEPPED = "netloom, one step a call"
TOGETHER = "netloom, samples of one call"
AGREEMENT_STEPS = 24


def say(text: str) -> None:
    """Tell the waiting process what is being done."""
    sys.stderr.write(f"@{text}\n")
    sys.stderr.flush()


@dataclass
class Contenders:
    """Who takes part, what their first call took (compilation included), and who could not."""

    limit: float  # seconds a first call may take
    patience: float  # seconds to wait for rounds in which the machine is quiet
    runs: dict[str, Run] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, make: Callable[[], Run]) -> None:
        """Take part unless that fails here, or takes too long to begin."""
        say(name)
        start = time.perf_counter()
        try:
            with _at_most(self.limit):
                run = make()
                run(2)
        except Exception as error:  # a variant this machine cannot run is reported, not hidden
            if name == OURS:
                raise
            self.failed[name] = (str(error).splitlines() or [type(error).__name__])[0][:200]
            return
        self.first[name] = time.perf_counter() - start
        self.runs[name] = run

    def result(self, name: str, rounds: int) -> dict[str, Any]:
        """Time all who take part; figures by contender, beside how often the machine was quiet."""
        say("timing")
        timing = compare(self.runs, rounds, limit=self.patience)
        return {
            "workload": name,
            "seconds": {name: timing.median(name) for name in self.runs},
            "ratios": {name: timing.ratio(name, OURS) for name in self.runs if name != OURS},
            "rounds": timing.rounds,
            "quiet": timing.quiet,
            "first": self.first,
            "failed": self.failed,
        }


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds, where the system has such a clock."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"not ready within {seconds:.0f} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    """Measure what the arguments ask for and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=sorted([*WORKLOADS, *INFERENCES]))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vector", default=None)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--jax", action="store_true")
    parser.add_argument("--limit", type=float, default=120.0)
    parser.add_argument("--patience", type=float, default=90.0)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--agree", action="store_true", help="compare first losses, time nothing")
    parser.add_argument("--memory", choices=("netloom", "pytorch"))
    asked = parser.parse_args()
    if asked.jax:
        jax_rival.set_threads(asked.threads)
    if asked.memory:
        result = _memory(asked)
    elif asked.agree:
        result = {"differences": _disagreement(WORKLOADS[asked.workload], asked)}
    elif asked.workload in INFERENCES:
        result = _answers(INFERENCES[asked.workload], asked)
    else:
        result = _train(WORKLOADS[asked.workload], asked)
    sys.stdout.write(json.dumps(result) + "\n")


# ---- training


def _torch(engine: Engine, variant: Variant) -> Run:
    net = torch_net(engine.graph, engine.weights())
    return torch_run(engine.workload, engine.data, net, variant, engine.threads)


def _train(workload: Workload, asked: Any) -> dict[str, Any]:
    differences = _disagreement(workload, asked)
    engine = Engine(workload, workload.graph(), asked.threads, asked.vector)
    contest = Contenders(asked.limit, asked.patience)
    contest.add(OURS, lambda: engine.run)
    if workload.name == "W2":
        contest.add(STEPPED, lambda: engine.run_single)
    for variant in variants(engine.data, asked.compile):
        contest.add(variant.name, partial(_torch, engine, variant))
    if asked.jax:
        for name, run in jax_rival.jax_runs(engine).items():
            contest.add(name, partial(_same, run))
    return contest.result(workload.name, asked.rounds) | {"differences": differences}


def _same(run: Run) -> Run:
    return run


def _disagreement(workload: Workload, asked: Any) -> dict[str, float]:
    """Largest relative difference of the first losses: all sides must train the same net.

    Without dropout, whose random bits are each side's own.
    """
    say("first losses")
    engine = Engine(workload, _without_dropout(workload.graph()), asked.threads, asked.vector)
    rivals = {"PyTorch": _torch(engine, Variant("eager"))}
    if asked.jax:
        rivals["JAX"] = jax_rival.jax_runs(engine)[jax_rival.JIT]
    ours = engine.run(AGREEMENT_STEPS)
    return {name: _furthest(run(AGREEMENT_STEPS), ours) for name, run in rivals.items()}


def _furthest(theirs: Any, ours: Array) -> float:
    found = np.asarray([float(loss) for loss in theirs])
    return float(np.max(np.abs(ours - found) / np.abs(ours)))


def _without_dropout(graph: Graph) -> Graph:
    for drawing in (graph, *graph.definitions.values()):
        for node in list(drawing):
            if isinstance(node.op, Dropout):
                drawing.set_node(replace(node, op=Dropout(p=0.0)))
    return graph


# ---- inference


def _answers(inference: Inference, asked: Any) -> dict[str, Any]:
    workload = inference.net
    engine = Engine(workload, workload.graph(), asked.threads, asked.vector)
    answers = Answers(engine)
    expected = answers.answer(answers.samples[0])
    contest, differences = Contenders(asked.limit, asked.patience), dict[str, float]()
    contest.add(OURS, lambda: answers.run)
    contest.add(TOGETHER, lambda: answers.run_together)
    weights = engine.weights()

    def torch_side(variant: Variant) -> Run:
        net = torch_net(engine.graph, weights)
        run = torch_answers(answers.samples, net, variant, asked.threads)
        differences.setdefault("PyTorch", _distance(run(1), expected))
        return run

    def jax_side() -> Run:
        run = jax_rival.jax_answers(answers)
        differences["JAX"] = _distance(run(1), expected)
        return run

    for variant in inference_variants(engine.data, asked.compile):
        contest.add(variant.name, partial(torch_side, variant))
    if asked.jax:
        contest.add(jax_rival.JIT, jax_side)
    return contest.result(inference.name, asked.rounds) | {"differences": differences}


def _distance(theirs: Any, ours: Array) -> float:
    """Largest difference of two answers, as a share of the largest number in ours."""
    return float(np.max(np.abs(theirs - ours)) / np.max(np.abs(ours)))


# ---- memory


def _memory(asked: Any) -> dict[str, Any]:
    """Peak memory of a process that runs one side, in bytes."""
    inference = INFERENCES.get(asked.workload)
    workload = inference.net if inference else WORKLOADS[asked.workload]
    graph, data = workload.graph(), workload.data()
    if asked.memory == "netloom":
        engine = Engine(workload, graph, asked.threads)
        (Answers(engine) if inference else engine).run(50)
    else:
        net, variant = torch_net(graph, None), Variant("eager", fused=True)
        if inference:
            samples = [array[:1] for array in data.values() if array.ndim > 1]
            torch_answers(samples, net, variant, asked.threads)(50)
        else:
            torch_run(workload, data, net, variant, asked.threads)(50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"workload": asked.workload, "side": asked.memory, "peak_bytes": peak}


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
