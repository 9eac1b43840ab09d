"""How long people wait: for the first step of a process, and for the next step after an edit.

    python benchmarks/latency.py [--cold]

`--cold` also measures a fresh kernel cache, which takes some twenty seconds. Medians; the edits are
measured in one process, the starts in one process each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from compute.bench.engine import Engine  # noqa: E402
from compute.bench.nets import chain  # noqa: E402
from compute.bench.workloads import WORKLOADS, Workload  # noqa: E402
from graph.graph import Graph  # noqa: E402
from graph.op import Op  # noqa: E402
from graph.ops.activation import ReLU, Tanh  # noqa: E402
from graph.ops.dense import Dense  # noqa: E402
from graph.ops.loss import CrossEntropy  # noqa: E402
from graph.ops.optimizer import Adam  # noqa: E402

STARTS, EDITS = 9, 21


def hidden_dense(graph: Graph) -> str:
    """The id of the first dense layer that is not the last one before the loss."""
    dense = [node.id for node in graph.ordered() if isinstance(node.op, Dense)]
    loss = next(node.id for node in graph if isinstance(node.op, CrossEntropy))
    last = graph.wires_in(loss, "prediction")[0].source
    return next(id for id in dense if id != last)


def thousand() -> Graph:
    """998 hidden layers and activations in a row, between data and loss."""
    layers: list[Op] = []
    for _ in range(498):
        layers += [Dense(units=16), ReLU()]
    return chain((64,), [*layers, Dense(units=10)], Adam())


THOUSAND = replace(WORKLOADS["W2"], name="1,000 nodes", graph=thousand)


def _wider(graph: Graph, number: int) -> None:
    """Each time one unit more."""
    _width(graph, 40 + number)


def _apart(graph: Graph, number: int) -> None:
    """A width unlike that of its neighbours, then theirs: steps leave groups and come back."""
    _width(graph, 16 if number % 2 else 40)


def _width(graph: Graph, units: int) -> None:
    node = graph.node(hidden_dense(graph))
    assert isinstance(node.op, Dense)
    graph.set_node(replace(node, op=replace(node.op, units=units)))


def _activation(graph: Graph, number: int) -> None:
    """Another activation in the first layer's place, and back."""
    (wire,) = graph.wires_out(hidden_dense(graph))
    node = graph.node(wire.target)
    graph.set_node(replace(node, op=ReLU() if number % 2 else Tanh()))


def edit_seconds(
    workload: Workload, edits: int = EDITS, edit: Callable[[Graph, int], None] = _wider
) -> float:
    """Median seconds from a changed graph to the end of its first training step."""
    graph = workload.graph()
    Engine(workload, graph, 2).run(2)
    times = []
    for number in range(edits):
        edit(graph, number)
        start = time.perf_counter()
        Engine(workload, graph, 2).run(1)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def first_step_seconds(name: str, environment: dict[str, str]) -> float:
    """Seconds from starting `netloom train` to its first training step."""
    with tempfile.TemporaryDirectory() as workspace:
        command = [sys.executable, "-m", "netloom", "train", name, "--json", "--epochs", "1"]
        start = time.perf_counter()
        with subprocess.Popen(
            [*command, "--workspace", workspace],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if '"event": "progress"' in line:
                    break
            seconds = time.perf_counter() - start
            process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"netloom train {name} ended with exit code {process.returncode}")
    return seconds


def cold_seconds(name: str) -> float:
    """The same with an empty kernel cache."""
    with tempfile.TemporaryDirectory() as cache:
        return first_step_seconds(name, {"NETLOOM_CACHE": cache})


def show(what: str, seconds: float, goal: str) -> None:
    """One line of the table."""
    print(f"{what:56} {1000 * seconds:9.1f} ms   goal {goal}")


def median_of(measure: Callable[[], float], count: int) -> float:
    """Median of repeated measurements."""
    return statistics.median(measure() for _ in range(count))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true")
    asked = parser.parse_args()
    for name in ("digits-mlp", "digits-cnn", "W1", "W3"):
        show(f"{name}: edit to the end of the next step", edit_seconds(WORKLOADS[name]), "< 50 ms")
    for name in ("digits-mlp", "digits-cnn"):
        first_step_seconds(name, {})
        seconds = median_of(lambda name=name: first_step_seconds(name, {}), STARTS)
        show(f"{name}: process start to first step, warm", seconds, "< 1500 ms")
    show("1,000 nodes: edit to the end of the next step", edit_seconds(THOUSAND, 9), "< 50 ms")
    apart = edit_seconds(THOUSAND, 9, _apart)
    show("1,000 nodes: a width unlike its neighbours', and back", apart, "none")
    show("1,000 nodes: another activation", edit_seconds(THOUSAND, 9, _activation), "none")
    if asked.cold:
        show("digits-cnn: fresh kernel cache to first step", cold_seconds("digits-cnn"), "< 20 s")
        cold = cold_seconds("char-transformer")
        show("char-transformer: fresh kernel cache to first step", cold, "< 25 s")


if __name__ == "__main__":
    main()
