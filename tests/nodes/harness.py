"""One node with its sample as a program, and the numbers to run it on.

Everything is derived from the registry: a new node type is covered by its `samples`.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from compute.backend import Array
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.graph import Node
from graph.op import REGISTRY, Bad, Mode, Op, Sample
from graph.primitives import reduce_sum
from graph.program import Program, TensorType
from graph.simplify import drop_dead, expand_composites
from graph.template import Operand
from graph.tensor import Builder, Tensor
from graph.trace import Trace, build_node

SEED = 7
STEP = 1e-6  # of a difference quotient
CHECKED = 20  # elements of each array; a sum over a random direction covers the rest
# Node types that stand for more than one expression, or for none.
NO_SAMPLES = frozenset({"Scan", "Subgraph"})

Values = dict[str, Array]


def case_name(name: str, sample: Sample) -> str:
    """`Conv2d x=2x3x5x5 filters=2`: what a failing test is called."""
    kinds = [
        f"{port}={'+'.join('x'.join(map(str, kind.shape)) for kind in wired)}"
        for port, wired in sample.types().items()
    ]
    settings = [f"{key}={value}" for key, value in sample.settings.items()]
    return " ".join([name, *kinds, *settings])


def layer_types() -> list[type[Op]]:
    """Node types that compute: all but data, optimizers and schedules."""
    return [
        op
        for name, op in REGISTRY.items()
        if op.role not in ("data", "optimizer", "schedule") and name not in NO_SAMPLES
    ]


def samples(bad: bool = False) -> dict[str, tuple[type[Op], Sample]]:
    """Every good (or bad) sample of every registered node type, by its name."""
    return {
        case_name(op.__name__, sample): (op, sample)
        for op in REGISTRY.values()
        for sample in op.samples
        if isinstance(sample, Bad) == bad
    }


@dataclass
class Case:
    """A node built on its sample: forward values, an objective and its gradients.

    The objective is Σ cotangent · output. `wires` names the operands, `x.0` the first at port x.
    """

    op: Op
    sample: Sample
    mode: Mode
    trace: Trace
    wires: dict[str, Tensor]
    outputs: dict[str, Tensor]
    values: Values = field(default_factory=dict)

    @property
    def random(self) -> bool:
        """Whether it draws random numbers in this mode."""
        return any(row.op == "random_uniform" for row in self.trace.builder.rows)

    @property
    def trained(self) -> dict[str, Tensor]:
        """Real operands and params, by name: what a gradient can be asked for."""
        real = {name: t for name, t in self.wires.items() if t.dtype == "real"}
        return real | {name(key): t for key, t in self.trace.param_tensors.items()}

    def objective(self) -> Tensor | None:
        """Σ cotangent · output over the real outputs; None when there is none."""
        total: Tensor | None = None
        for port, output in self.outputs.items():
            if output.dtype != "real":
                continue
            key = f"cotangent.{port}"
            weights = self.trace.builder.input("batch", key, TensorType(output.shape))
            self.values.setdefault(key, _grid(np.random.default_rng(SEED + 1), output.shape))
            part = reduce_sum(output * weights)
            total = part if total is None else total + part
        return total

    def program(self, outputs: Mapping[str, Tensor]) -> Program:
        """The rows behind some values, composites expanded."""
        made = self.trace.builder.finish("node", outputs)
        return expand_composites(drop_dead(made))

    def run(self, outputs: Mapping[str, Tensor], changed: Values | None = None) -> Values:
        """Numbers of some values, in float64."""
        return run(self.program(outputs), self.values | (changed or {}), self.op)

    def forward(self) -> Values:
        """Outputs and new running values."""
        updates = {name(key): tensor for key, tensor, _ in self.trace.updates}
        return self.run({**self.outputs, **updates})

    def gradients(self) -> Values:
        """Gradients of the objective by the names of `trained`."""
        total = self.objective()
        assert total is not None
        wanted = self.trained
        parts = gradients(total, list(wanted.values()))
        return self.run(dict(zip(wanted, parts, strict=True)))

    def operands(self) -> dict[str, list[Operand]]:
        """The operands as the templates take them: each named `x_0` after port and number."""
        found: dict[str, list[Operand]] = {port.name: [] for port in self.op.ports_in()}
        for wire, tensor in self.wires.items():
            found[wire.split(".")[0]].append(Operand(wire.replace(".", "_"), tensor.type))
        return found


def name(key: str) -> str:
    """`weight` of the ParamKey `node/weight`."""
    return key.rpartition("/")[2]


def build(op_type: type[Op], sample: Sample, mode: Mode = "train") -> Case:
    """The node on its sample's operands. Raises what the node raises."""
    op, types = op_type(**sample.settings), sample.types()
    batch = next((kind.shape[0] for kinds in types.values() for kind in kinds if kind.shape), 2)
    found = Trace(Builder(), mode, batch)
    wires: dict[str, Tensor] = {}
    operands: list[Tensor | list[Tensor] | None] = []
    for port in op.ports_in():
        wired = []
        for number, kind in enumerate(types.get(port.name, [])):
            wire = f"{port.name}.{number}"
            wires[wire] = found.builder.input("batch", wire, kind)
            wired.append(wires[wire])
        operands.append(wired if port.many else wired[0] if wired else None)
    made = build_node(found, Node("node", op), "node", "node", operands)
    parts = made if isinstance(made, tuple) else (made,)
    outputs = {port.name: t for port, t in zip(op.ports_out(), parts, strict=True)}
    case = Case(op, sample, mode, found, wires, outputs)
    case.values = dict(_values(case))
    return case


def _values(case: Case) -> Iterator[tuple[str, Array]]:
    """Numbers for operands, params and states: all different, none near 0, so no kink is hit."""
    rng = np.random.default_rng(SEED)
    real = {n: t for n, t in case.wires.items() if t.dtype == "real"}
    flat = _grid(rng, (sum(t.type.size for t in real.values()),))
    for wire, tensor in case.wires.items():
        if tensor.dtype == "int":
            ids = rng.integers(0, case.sample.classes, tensor.shape)
            yield wire, ids.astype(np.int64) + int(case.sample.positive)
            continue
        part, flat = flat[: tensor.type.size], flat[tensor.type.size :]
        if case.sample.shares:
            part = 0.5 + part / 3.0
        yield wire, (np.abs(part) if case.sample.positive else part).reshape(tensor.shape)
    for key, param in case.trace.params.items():
        yield name(key), _grid(rng, param.shape)
    for key, state in case.trace.states.items():
        yield name(key), np.abs(_grid(rng, state.shape)) + 0.5


def _grid(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers from −1.3 to 1.3 in random order, evenly spaced, |x| ≥ 0.1."""
    count = math.prod(shape)
    steps = (np.arange(count) + 0.5) / max(count, 1) * 2 - 1
    steps[np.abs(steps) < 1e-12] = 0.37 / max(count, 1)  # the middle of an odd count
    spread = np.sign(steps) * 0.1037 + 1.1913 * steps  # no round numbers: kinks lie there
    return rng.permutation(spread).reshape(shape)


def run(program: Program, values: Mapping[str, Array], op: Op) -> Values:
    """The outputs of a program by name; inputs by wire, weight or state name."""
    live = op.live_settings()
    inputs: dict[tuple[str, str], Array | float] = {("iteration", "step"): 1.0}
    for given in program.inputs:
        key = (given.kind, given.key)
        if given.kind == "batch":
            inputs[key] = values[given.key]
        elif given.kind in ("param", "state"):
            inputs[key] = values[name(given.key)]
        elif given.kind == "live":
            inputs[key] = live[name(given.key)]
    computed = evaluate(program, inputs, np.float64, SEED)
    return {output: computed[value] for output, value in program.outputs}


def distance(found: Array, expected: Array) -> float:
    """The largest difference of two arrays, relative where numbers are above 1."""
    scale = np.maximum(1.0, np.abs(expected))
    return float(np.max(np.abs(found - expected) / scale, initial=0.0))


def check_gradient(case: Case) -> float:
    """Assert that the gradients of a case are its central differences; returns the worst miss."""
    total = case.objective()
    assert total is not None
    rng, worst = np.random.default_rng(SEED), 0.0
    blank = {name(key): param.blank for key, param in case.trace.params.items()}
    for key, gradient in case.gradients().items():
        value, moved = case.values[key], np.ones_like(case.values[key])
        if blank.get(key) is not None:  # a row that is not trained
            assert not gradient[blank[key]].any()
            moved[blank[key]] = 0.0
        places = rng.permutation(value.size)[:CHECKED]
        directions = [np.eye(1, value.size, k).reshape(value.shape) for k in places]
        directions.append(rng.normal(size=value.shape))
        for direction in (d * moved for d in directions):
            ahead, behind = (
                case.run({"f": total}, {key: value + sign * STEP * direction})["f"]
                for sign in (1, -1)
            )
            slope = (ahead - behind) / (2 * STEP)
            scale = max(1.0, float(np.abs(gradient).max()) * float(np.abs(direction).sum()))
            assert (gradient * direction).sum() == pytest.approx(slope, abs=2e-8 * scale), key
            worst = max(worst, abs(float((gradient * direction).sum()) - slope) / scale)
    return worst


def load_source(source: str, folder: Path, stem: str) -> ModuleType:
    """Import generated code from a file, as its user would.

    No bytecode is kept: it is matched by size and whole seconds, and the next text of that name may
    share both.
    """
    file = folder / f"{stem}.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    return module
