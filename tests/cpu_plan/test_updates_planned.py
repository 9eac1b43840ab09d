"""Values carried from step to step: optimizer rows and plain updates, in every awkward order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from plan_checks import check_plan
from plan_harness import Runner, engine_of

import graph.primitives as rows
from compute.backend import PlanOptions
from compute.cpu.planner.storage import Slot
from compute.reference import evaluate
from graph.program import PersistentKind, Program, Shape, TensorType, Update
from graph.simplify import expand_composites, simplify
from graph.tensor import Builder, Tensor

STEPS = 3
SCALAR = TensorType((), "scalar")
Step = Callable[[dict[str, Tensor]], tuple[Tensor, ...]]


def _rule(step: Step, slots: int, live: bool = True) -> Program:
    """An optimizer's rule; `step` gets p, g, s0, s1 …, rate."""
    builder, one = Builder(), TensorType(())
    given = {name: builder.input("batch", name, one) for name in ("p", "g")}
    given |= {f"s{k}": builder.input("batch", f"s{k}", one) for k in range(slots)}
    if live:
        given["rate"] = builder.input("live", "rate", SCALAR)
    made = step(given)
    names = ("p", *(f"s{k}" for k in range(slots)))
    return simplify(builder.finish("update", dict(zip(names, made, strict=True))))


def _simulate(program: Program, state: dict[tuple[str, str], np.ndarray], rates: np.ndarray):
    """The reference, step by step; the outputs of each step."""
    basic = expand_composites(program)
    series = []
    for step in range(STEPS):
        inputs = {(i.kind, i.key): state.get((i.kind, i.key), rates[step]) for i in basic.inputs}
        values = evaluate(basic, inputs)
        series.append({name: values[v] for name, v in basic.outputs})
        state.update({(u.kind, u.key): values[u.value] for u in basic.updates})
    return series


def _check(
    program: Program,
    shapes: Mapping[tuple[str, str], Shape],
    slots: Mapping[str, Slot],
    near: float = 0.0,
) -> None:
    """Compare with the reference, on one thread and on two; `near` is an absolute tolerance."""
    generator = np.random.default_rng(2)
    state = {key: generator.uniform(0.2, 1.0, shape) for key, shape in shapes.items()}
    rates = np.array([0.1, 0.05, 0.2])
    persistent = {f"{kind}:{key}": array for (kind, key), array in state.items()}
    for threads in (1, 2):
        runner = Runner(program, persistent, {}, PlanOptions("float64", threads=threads), slots)
        own = {k: v.copy() for k, v in state.items()}
        found = runner.run(STEPS, {"live:rate": rates}, np.zeros((STEPS, 1), np.int64))
        series = _simulate(program, own, rates)
        after = runner.engine.read()
        for (kind, key), array in own.items():
            np.testing.assert_allclose(after[f"{kind}:{key}"], array, 1e-12, near, err_msg=key)
        for name, value in series[-1].items():
            mine = found.scalars[name][-1] if value.shape == () else found.arrays[name]
            np.testing.assert_allclose(mine, value, 1e-12, near, err_msg=name)
        for bound in runner.engine.bound():
            check_plan(bound.planned)


PARAMS: dict[str, Shape] = {"a": (5, 7), "b": (7,), "c": (3, 5), "d": (3,)}


def _forward(builder: Builder) -> tuple[dict[str, Tensor], Tensor]:
    p = {key: builder.input("param", key, TensorType(s)) for key, s in PARAMS.items()}
    y = rows.relu(rows.matmul(p["c"], p["a"]) + p["b"])
    return p, rows.reduce_mean(y * y) + rows.reduce_sum(p["d"] * p["d"])


RULES: dict[str, tuple[int, Step]] = {
    "plain": (0, lambda v: (v["p"] - v["rate"] * v["g"],)),
    "momentum": (
        1,
        lambda v: (v["p"] - v["rate"] * (0.9 * v["s0"] + v["g"]), 0.9 * v["s0"] + v["g"]),
    ),
    "gradient_kept": (1, lambda v: (v["p"] - v["rate"] * v["s0"], v["g"])),
    "slots_swapped": (2, lambda v: (v["p"] + v["s0"] * v["rate"], v["s1"], v["s0"])),
    "slots_equal": (2, lambda v: (v["p"] - v["g"] * v["rate"], v["g"] * v["g"], v["g"] * v["g"])),
    "nothing_moves": (1, lambda v: (v["p"], v["s0"])),
    "old_after_new": (1, lambda v: (v["p"] * 0.5, v["p"] + v["s0"] * v["rate"])),
    "clipped": (0, lambda v: (v["p"] - v["rate"] * rows.minimum(v["g"], 0.01),)),
    "adam": (
        2,
        lambda v: (
            v["p"]
            - v["rate"]
            * (
                (0.9 * v["s0"] + 0.1 * v["g"])
                / (rows.sqrt(0.99 * v["s1"] + 0.01 * (v["g"] * v["g"])) * 1.1 + 1e-3)
            ),
            0.9 * v["s0"] + 0.1 * v["g"],
            0.99 * v["s1"] + 0.01 * (v["g"] * v["g"]),
        ),
    ),
}


@pytest.mark.parametrize("trained", ["abcd", "ac", "bd", "ad"])
@pytest.mark.parametrize("name", RULES)
def test_optimizer_rules(name: str, trained: str) -> None:
    from graph.autodiff import gradients

    count, step = RULES[name]
    builder = Builder()
    p, loss = _forward(builder)
    keys = list(trained)
    slots = {f"o/s{k}/{key}": Slot(f"o/s{k}", key) for k in range(count) for key in keys}
    tensors = [builder.input("slot", k, TensorType(PARAMS[s.param])) for k, s in slots.items()]
    found = gradients(loss, [p[key] for key in keys])
    made = rows.update(_rule(step, count), [p[key] for key in keys], found, tensors)
    updates = _updates([*(("param", key) for key in keys), *(("slot", k) for k in slots)], made)
    program = builder.finish("case", {"loss": loss, "before": p["a"]}, updates, 1)
    shapes = {("param", key): shape for key, shape in PARAMS.items()}
    shapes |= {("slot", key): PARAMS[slot.param] for key, slot in slots.items()}
    _check(simplify(program), shapes, slots)


LARGE: dict[str, Shape] = {"a": (90, 110), "b": (110, 100), "c": (100,)}


def _large(gradient: Callable[[Tensor], Tensor], twice: bool) -> tuple[Program, dict[str, Slot]]:
    """Adam's rule on two large weights and a bias; b is needed for a's gradient."""
    from graph.autodiff import gradients

    builder = Builder()
    p = {key: builder.input("param", key, TensorType(s)) for key, s in LARGE.items()}
    x = builder.input("state", "x", TensorType((70, 90)))
    y = rows.matmul(rows.tanh(rows.matmul(x, p["a"])), p["b"]) + p["c"]
    y = rows.matmul(rows.matmul(rows.relu(x), p["a"]), p["b"]) + y if twice else y
    loss = rows.reduce_mean(y * y)
    slots = {f"o/s{k}/{key}": Slot(f"o/s{k}", key) for k in range(2) for key in LARGE}
    tensors = [builder.input("slot", k, TensorType(LARGE[s.param])) for k, s in slots.items()]
    found = [gradient(g) for g in gradients(loss, list(p.values()))]
    made = rows.update(_rule(RULES["adam"][1], 2), list(p.values()), found, tensors)
    updates = _updates([*(("param", key) for key in LARGE), *(("slot", k) for k in slots)], made)
    outputs = {"loss": loss, "before": p["b"] * 1.0, "gradient": found[0] * 1.0}
    return simplify(builder.finish("case", outputs, updates, 1)), slots


def _updates(places: Sequence[tuple[PersistentKind, str]], made: Sequence[Tensor]) -> list[Update]:
    """What was made goes to these persistent arrays."""
    return [Update(*place, t.id) for place, t in zip(places, made, strict=True)]


GRADIENTS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "plain": (lambda g: g, False),
    "of_two_uses": (lambda g: g, True),
    "clipped": (lambda g: g * (1.0 / (1.0 + rows.reduce_sum(g * g))), False),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_large_parameters(name: str) -> None:
    program, slots = _large(*GRADIENTS[name])
    shapes = {("param", key): shape for key, shape in LARGE.items()}
    shapes |= {("slot", key): LARGE[slot.param] for key, slot in slots.items()}
    _check(program, {**shapes, ("state", "x"): (70, 90)}, slots, 1e-15)


def test_a_large_update_runs_behind_the_product_of_its_gradient() -> None:
    program, slots = _large(*GRADIENTS["plain"])
    engine = engine_of(program, PlanOptions("float64", threads=1), slots)
    planned = engine.entry(("case", 0, frozenset()), lambda: program).planned
    groups = [group.steps for region in planned.regions for group in region.groups]
    behind = [g[0].kernel for g in groups if len(g) == 2 and g[1].commits]
    assert behind == ["gemm", "gemm"]


def test_one_gradient_of_two_parameters_and_none_of_a_third() -> None:
    """The same value is the gradient of a and b; c's is zero everywhere, d's one number."""
    builder = Builder()
    p = {key: builder.input("param", key, TensorType((4, 3))) for key in "abcd"}
    same = p["a"] * p["b"] + p["a"]
    zero = rows.zeros(p["a"], (4, 3))
    one = rows.broadcast_to(rows.reshape(rows.reduce_sum(p["d"]), (1, 1)), (4, 3))
    rule = _rule(lambda v: (v["p"] - v["rate"] * v["g"],), 0)
    made = rows.update(rule, list(p.values()), [same, same, zero, one], [])
    updates = _updates([("param", key) for key in "abcd"], made)
    program = builder.finish("case", {}, updates, 1)
    _check(simplify(program), {("param", key): (4, 3) for key in "abcd"}, {})


def test_a_gradient_that_is_another_parameter() -> None:
    """The gradient of a is d itself, which is stored anew in the same step."""
    builder = Builder()
    p = {key: builder.input("param", key, TensorType((4, 3))) for key in "ad"}
    rule = _rule(lambda v: (v["p"] - v["rate"] * v["g"],), 0)
    (made,) = rows.update(rule, [p["a"]], [p["d"]], [])
    updates = [Update("param", "a", made.id), Update("param", "d", p["a"].id)]
    program = simplify(builder.finish("case", {}, updates, 1))
    _check(program, {("param", key): (4, 3) for key in "ad"}, {})


def _states(builder: Builder) -> dict[str, Tensor]:
    return {key: builder.input("state", key, TensorType((6,))) for key in "abc"}


STATES: dict[str, Callable[[dict[str, Tensor]], tuple[dict[str, Tensor], dict[str, Tensor]]]] = {
    "running": lambda s: ({"a": s["a"] * 0.9 + s["b"] * 0.1}, {"y": s["b"] * 2.0}),
    "old_is_read": lambda s: ({"a": s["a"] * 0.9}, {"y": rows.exp(s["a"])}),
    "old_is_shown": lambda s: ({"a": s["a"] * 0.9}, {"y": s["a"]}),
    "new_is_shown": lambda s: ({"a": s["a"] * 0.9}, {"y": s["a"] * 0.9}),
    "swapped": lambda s: ({"a": s["b"], "b": s["a"]}, {"y": s["a"] + s["b"]}),
    "rotated": lambda s: (
        {"a": s["b"] * 1.0, "b": s["c"] * 0.5, "c": s["a"] * 2.0},
        {"y": s["a"]},
    ),
    "two_of_one": lambda s: ({"a": rows.sin(s["c"]), "b": rows.sin(s["c"])}, {}),
    "new_and_old": lambda s: (
        {"a": s["a"] * 0.5},
        {"y": rows.reduce_sum(rows.exp(s["a"] * 0.5) + s["a"])},
    ),
    "by_sum": lambda s: ({"a": rows.broadcast_to(rows.reduce_sum(s["a"], keep=True), (6,))}, {}),
    "to_zero": lambda s: ({"a": rows.zeros(s["a"], (6,))}, {"y": s["a"] * 3.0}),
    "permuted": lambda s: (
        {"a": rows.reshape(rows.permute(rows.reshape(s["a"], (2, 3)), (1, 0)), (6,))},
        {},
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_plain_updates(name: str) -> None:
    builder = Builder()
    new, outputs = STATES[name](_states(builder))
    updates = [Update("state", key, value.id) for key, value in new.items()]
    program = simplify(builder.finish("case", outputs, updates, 1))
    used = {i.key for i in program.inputs} | set(new)
    _check(program, {("state", key): (6,) for key in sorted(used)}, {})


def test_a_parameter_follows_another() -> None:
    """A target network: d := 0.9 d + 0.1 a, beside an optimizer of a."""
    builder = Builder()
    p = {key: builder.input("param", key, TensorType((4, 3))) for key in "ad"}
    rule = _rule(lambda v: (v["p"] - v["rate"] * v["g"],), 0)
    (made,) = rows.update(rule, [p["a"]], [p["a"] * p["d"]], [])
    follow = p["d"] * 0.9 + p["a"] * 0.1
    updates = [Update("param", "a", made.id), Update("param", "d", follow.id)]
    program = simplify(builder.finish("case", {"y": p["d"] * 1.5}, updates, 1))
    _check(program, {("param", key): (4, 3) for key in "ad"}, {})
