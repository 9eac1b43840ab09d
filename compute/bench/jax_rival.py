"""JAX's side of a comparison: the whole step under one `jit`, and many steps under one `scan`.

The loss is made of the program's own forward rows and differentiated by JAX; the optimizer is its
rule applied to JAX's gradients. JAX is optional: it is imported when the comparison asks for it.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compute.backend import Array
from compute.bench.engine import PHASE, Answers, Engine
from compute.bench.paired import Run
from compute.bench.workloads import BATCHES, has_images
from graph.kinds import Optimizer
from graph.program import Program, Row
from graph.simplify import expand_composites

JIT = "JAX, jit"
SCAN = "JAX, jit and scan"
Values = Mapping[str, Any]  # by `kind:KEY`


def installed() -> bool:
    """Whether there is a JAX to compare with."""
    return all(importlib.util.find_spec(name) is not None for name in ("jax", "jaxlib"))


def set_threads(threads: int) -> None:
    """How many threads JAX will use; to be called before it is imported."""
    os.environ["NPROC"] = str(threads)
    if threads == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


@dataclass
class Step:
    """One training step as a pure function of (arrays, number of the step, batch)."""

    engine: Engine

    def __post_init__(self) -> None:
        from compute.bench.jax_rows import COMPOSITES

        made = self.engine.model.program(PHASE, self.engine.workload.batch)
        self.program = expand_composites(made, lambda row, types: row.op in COMPOSITES)
        self.loss = self.program.output("loss")
        self.stored = {f"{u.kind}:{u.key}": u.value for u in self.program.updates}
        self.rows = [row for row in self.program.rows if row.op == "update"]
        names = {given.value: f"{given.kind}:{given.key}" for given in self.program.inputs}
        # the gradient of each parameter, where the update expects it
        self.gradients = {
            names[row.inputs[k]]: row.inputs[row.attr("count") + k]
            for row in self.rows
            for k in range(row.attr("count"))
        }

    def known(self, arrays: Values, number: Any, batch: Values) -> dict[int, Any]:
        """The program's inputs by number of the value."""
        live = self.engine.model.live
        iteration = {"step": number, "epoch": 0.0, "steps": 1e6}
        found = {}
        for given in self.program.inputs:
            match given.kind:
                case "batch":
                    found[given.value] = batch[given.key]
                case "live":
                    found[given.value] = live[given.key]
                case "iteration":
                    found[given.value] = iteration[given.key]
                case _:
                    found[given.value] = arrays[f"{given.kind}:{given.key}"]
        return found

    def __call__(self, arrays: Values, number: Any, batch: Values) -> tuple[Values, Any]:
        """(arrays after the step, loss)."""
        import jax

        from compute.bench.jax_rows import follow

        key = jax.random.fold_in(jax.random.key(0, impl="rbg"), number.astype("int32"))
        states = {name: value for name, value in self.stored.items() if name[:6] == "state:"}

        def loss_of(trained: Values) -> Any:
            known = self.known({**arrays, **trained}, number, batch)
            loss, *rest = follow(self.program, known, [self.loss, *states.values()], key)
            return loss, dict(zip(states, rest, strict=True))

        trained = {name: arrays[name] for name in self.gradients}
        (loss, moved), found = jax.value_and_grad(loss_of, has_aux=True)(trained)
        known = self.known(arrays, number, batch)
        for row in self.rows:
            known |= self._limited(row, found)
        others = {name: value for name, value in self.stored.items() if name not in states}
        made = follow(self.program, known, list(others.values()), key)
        return {**moved, **dict(zip(others, made, strict=True))}, loss

    def _limited(self, row: Row, found: Values) -> dict[int, Any]:
        """The gradients of one optimizer by number of the value, clipped as its node says."""
        import jax.numpy as jnp

        op = self.engine.model.nodes[row.path].op
        assert isinstance(op, Optimizer)
        places = set(row.inputs)
        own = {name: found[name] for name, value in self.gradients.items() if value in places}
        if op.clip_value is not None:
            most = op.clip_value
            own = {name: jnp.clip(g, -most, most) for name, g in own.items()}
        if op.clip_norm is not None:
            length = jnp.sqrt(sum(jnp.sum(g * g) for g in own.values()))
            factor = jnp.minimum(op.clip_norm / (length + 1e-6), 1.0)
            own = {name: g * factor for name, g in own.items()}
        return {self.gradients[name]: g for name, g in own.items()}


def _arrays(values: Mapping[str, Array]) -> dict[str, Any]:
    """Copies on JAX's side; whole numbers as JAX has them."""
    import jax.numpy as jnp

    kinds = {name: "int32" if v.dtype == np.int64 else None for name, v in values.items()}
    return {name: jnp.array(value, kinds[name]) for name, value in values.items()}


def jax_runs(engine: Engine) -> dict[str, Run]:
    """Functions that train from the engine's present weights, so many steps; they return losses."""
    import jax
    import jax.numpy as jnp

    step, workload, data = Step(engine), engine.workload, engine.data
    start = {name: value for name, value in engine.plan.read().items() if name in step.stored}
    parts = [_arrays(workload.part(data, number)) for number in range(BATCHES)]
    batches = itertools.cycle(parts)
    whole = {key: jnp.stack([part[key] for part in parts]) for key in parts[0]}
    one = jax.jit(lambda arrays, number, batch: (*step(arrays, number, batch), number + 1.0),
                  donate_argnums=(0, 1))  # fmt: skip

    def body(carry: tuple[Values, Any], place: Any) -> tuple[tuple[Values, Any], Any]:
        batch = {key: array[place % BATCHES] for key, array in whole.items()}
        arrays, loss = step(carry[0], carry[1], batch)
        return (arrays, carry[1] + 1.0), loss

    def walk(carry: tuple[Values, Any], steps: int) -> tuple[tuple[Values, Any], Any]:
        moved, losses = jax.lax.scan(body, carry, jnp.arange(steps))
        return moved, losses

    many = jax.jit(walk, static_argnums=1, donate_argnums=0)
    stepped = {"arrays": _arrays(start), "number": jnp.float32(1.0)}
    scanned = {"carry": (_arrays(start), jnp.float32(1.0))}

    def run(steps: int) -> list[Any]:
        losses = []
        for batch in itertools.islice(batches, steps):
            arrays, loss, number = one(stepped["arrays"], stepped["number"], batch)
            stepped.update(arrays=arrays, number=number)
            losses.append(loss)
        jax.block_until_ready((stepped, losses))
        return losses

    def run_scan(steps: int) -> Any:
        scanned["carry"], losses = many(scanned["carry"], steps)
        return jax.block_until_ready(losses)

    # XLA walks convolutions in a loop without its fast ones, ten times slower than outside
    return {JIT: run} if has_images(data) else {JIT: run, SCAN: run_scan}


def jax_answers(answers: Answers) -> Run:
    """A function that answers so many single samples; it returns the last answer."""
    import jax

    from compute.bench.jax_rows import COMPOSITES, follow

    model, weights = answers.engine.model, _arrays(answers.engine.plan.read())
    made = model.program("predict", 1)
    program: Program = expand_composites(made, lambda row, types: row.op in COMPOSITES)
    wanted = [program.output("outputs/prediction")]

    def predict(weights: Values, sample: Any) -> Any:
        known = {
            i.value: sample if i.kind == "batch" else weights[f"{i.kind}:{i.key}"]
            for i in program.inputs
        }
        return follow(program, known, wanted, None)[0]

    compiled = jax.jit(predict)
    turn = itertools.cycle(answers.samples)

    def run(count: int) -> Array:
        answer = np.zeros(0)
        for sample in itertools.islice(turn, count):
            answer = np.asarray(compiled(weights, sample))
        return answer

    return run
