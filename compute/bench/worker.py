"""One comparison in a process of its own, so that thread pools, environment and memory are its own.

`python -m compute.bench.worker W1 --threads 2` prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from compute.bench.engine import Engine
from compute.bench.paired import Run, compare
from compute.bench.rivals import Variant, torch_module, torch_run, variants
from compute.bench.workloads import WORKLOADS, Workload
from graph.graph import Graph
from graph.lower import Model
from graph.ops.regularise import Dropout

OURS = "netloom"
STEPPED = "netloom, one step a call"
AGREEMENT_STEPS = 24


def main() -> None:
    """Measure what the arguments ask for and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vector", default=None)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--memory", choices=("netloom", "pytorch"))
    asked = parser.parse_args()
    workload = WORKLOADS[asked.workload]
    if asked.memory:
        result = _memory(workload, asked.memory, asked.threads)
    else:
        result = _compare(workload, asked)
    sys.stdout.write(json.dumps(result) + "\n")


def _torch(workload: Workload, engine: Engine, variant: Variant, threads: int) -> Run:
    module = torch_module(engine.model, engine.weights())
    return torch_run(workload, engine.graph, module, variant, threads)


def _compare(workload: Workload, asked: Any) -> dict[str, Any]:
    graph = workload.graph()
    engine = Engine(workload, graph, asked.threads, asked.vector)
    difference = _disagreement(workload, asked.threads, asked.vector)
    runs: dict[str, Run] = {OURS: engine.run}
    if workload.name == "W2":
        runs[STEPPED] = engine.run_single
    failed = {}
    for variant in variants(workload, asked.compile):
        try:
            run = _torch(workload, engine, variant, asked.threads)
            run(2)
            runs[variant.name] = run
        except Exception as error:  # a variant this machine cannot run is reported, not hidden
            failed[variant.name] = str(error).splitlines()[0][:200]
    timing = compare(runs, asked.rounds)
    rivals = {name: timing.ratio(name, OURS) for name in runs if name != OURS}
    return {
        "workload": workload.name,
        "seconds": {name: timing.median(name) for name in runs},
        "ratios": rivals,
        "rounds": timing.rounds,
        "quiet": timing.quiet,
        "failed": failed,
        "loss_difference": difference,
    }


def _disagreement(workload: Workload, threads: int, vector: str | None) -> float:
    """Largest relative difference of the first losses: both sides must train the same net.

    Without dropout, whose random bits are each side's own.
    """
    graph = _without_dropout(workload.graph())
    engine = Engine(workload, graph, threads, vector)
    theirs = _torch(workload, engine, Variant("eager"), threads)(AGREEMENT_STEPS)
    ours = engine.run(AGREEMENT_STEPS)
    return float(np.max(np.abs(ours - np.asarray(theirs)) / np.abs(ours)))


def _without_dropout(graph: Graph) -> Graph:
    for node in list(graph):
        if isinstance(node.op, Dropout):
            graph.set_node(replace(node, op=Dropout(p=0.0)))
    return graph


def _memory(workload: Workload, side: str, threads: int) -> dict[str, Any]:
    """Peak memory of a process that trains one side, in bytes."""
    if side == "netloom":
        Engine(workload, workload.graph(), threads).run(50)
    else:
        graph = workload.graph()
        module = torch_module(Model(graph), None)
        torch_run(workload, graph, module, Variant("eager", fused=True), threads)(50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"workload": workload.name, "side": side, "peak_bytes": peak}


if __name__ == "__main__":
    main()
