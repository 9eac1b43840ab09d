"""The reference back end as a plan: slow and obvious, one step of NumPy after the other.

It is the definition that the fast back ends are compared with, and runs any graph they run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compute.backend import Array, PlanOptions, PlanStep, StepOutputs
from compute.initial import initial_values
from compute.reference import evaluate
from graph.program import Program
from graph.simplify import expand_composites

if TYPE_CHECKING:
    from graph.lower import Model

DTYPES: dict[str, type[np.floating[Any]]] = {"float32": np.float32, "float64": np.float64}


class ReferencePlan:
    """A model's arrays in a dictionary and its programs evaluated row by row; see `Plan`.

    A step whose loss is not finite is not applied: the arrays stay as they were before it.
    """

    def __init__(
        self, model: Model, options: PlanOptions, progress: Callable[[int, int, str], None]
    ) -> None:
        self._model, self._options = model, options
        self._dtype = DTYPES[options.precision]
        self._values = initial_values(model, options.seed, self._dtype)
        self._programs: dict[tuple[str, int, frozenset[str]], Program] = {}
        self._stopping = False
        progress(1, 1, "reference plan")

    def read(self) -> dict[str, Array]:
        """Copies of all persistent arrays by `kind:KEY`."""
        return {name: value.copy() for name, value in self._values.items()}

    def write(self, values: Mapping[str, Array]) -> None:
        """Set persistent arrays by name; ValueError for unknown names and other shapes."""
        for name, value in values.items():
            if name not in self._values:
                raise ValueError(f"found an array named {name!r}, expected one of the plan's")
            expected, found = self._values[name].shape, np.shape(value)
            if found != expected:
                raise ValueError(f"{name}: found shape {found}, expected {expected}")
        for name, value in values.items():
            self._values[name] = np.array(value, self._dtype)

    def prepare(self, entry: str, batch: int, watch: frozenset[str] = frozenset()) -> None:
        """Lower the entry point now."""
        self._program(entry, batch, watch)

    def _program(self, entry: str, batch: int, watch: frozenset[str]) -> Program:
        key = (entry, batch, watch)
        if key not in self._programs:
            self._programs[key] = expand_composites(self._model.program(entry, batch, watch))
        return self._programs[key]

    def run(
        self,
        entry: str,
        data: Mapping[str, Array],
        index: Array,
        scalars: Mapping[str, Array],
        watch: frozenset[str] = frozenset(),
    ) -> StepOutputs:
        """Run `entry` for each row of `index`; see `Plan.run`."""
        self._stopping = False
        program = self._program(entry, index.shape[1], watch)
        series: dict[str, list[Array]] = {}
        arrays: dict[str, Array] = {}
        done, bad = 0, None
        for step in range(index.shape[0]):
            values = self._evaluate(program, data, index[step], step, scalars)
            outputs = {name: values[value] for name, value in program.outputs}
            if not np.isfinite(outputs.get("loss", 0.0)):
                bad = step
                break
            for update in program.updates:
                self._values[f"{update.kind}:{update.key}"] = values[update.value]
            for name, value in outputs.items():
                if value.shape == ():
                    series.setdefault(name, []).append(value)
                else:
                    arrays[name] = value
            done += 1
            if self._stopping:
                break
        return StepOutputs({n: np.array(v) for n, v in series.items()}, arrays, done, bad)

    def _evaluate(
        self,
        program: Program,
        data: Mapping[str, Array],
        samples: Array,
        step: int,
        scalars: Mapping[str, Array],
    ) -> dict[int, Array]:
        inputs: dict[tuple[str, str], Array | float] = {
            ("iteration", "step"): scalars["iteration:step"][step]
            if "iteration:step" in scalars
            else 0.0
        }
        for given in program.inputs:
            if given.kind == "batch":
                value = data[given.key][samples]
            elif given.kind in ("live", "iteration"):
                value = scalars[f"{given.kind}:{given.key}"][step]
            else:
                value = self._values[f"{given.kind}:{given.key}"]
            inputs[given.kind, given.key] = value
        return evaluate(program, inputs, self._dtype, self._options.seed)

    def stop(self) -> None:
        """Let a run under way return after the step it is in."""
        self._stopping = True

    @property
    def memory(self) -> int:
        """NumPy's own affair."""
        return 0

    def table(self, entry: str, batch: int) -> list[PlanStep]:
        """One line for each basic row, in order."""
        program = self._program(entry, batch, frozenset())
        item = np.dtype(self._dtype).itemsize
        lines = []
        for index, row in enumerate(program.rows):
            types = [program.types[v] for v in (*row.inputs, *row.outputs)]
            size = sum(t.size for t in types) * item
            lines.append(PlanStep(index, row.path, row.op, tuple(map(str, types)), size, 0))
        return lines

    def close(self) -> None:
        """Forget the arrays."""
        self._values.clear()
