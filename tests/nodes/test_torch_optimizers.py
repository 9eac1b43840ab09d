"""Optimizers and schedules step as PyTorch's: 200 steps of a small model, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from compute.backend import PlanOptions
from compute.reference_plan import ReferencePlan
from graph.graph import Graph
from graph.kinds import Optimizer, Schedule
from graph.lower import Model
from graph.op import REGISTRY
from graph.template import optimizer_text, schedule_text
from tests.nodes.harness import distance, load_source
from tests.nodes.peer import double_precision, torch
from tests.support.small_graphs import draw, op

STEPS, EPOCH, BATCH, FEATURES = 200, 7, 4, 3

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "GradientDescent": {"learning_rate": 0.05},
    "SGD": {},
    "SGD momentum": {"momentum": 0.9},
    "SGD nesterov": {"momentum": 0.8, "nesterov": True},
    "SGD decay": {"weight_decay": 0.05},
    "SGD all": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "learning_rate": 0.02},
    "Adam": {},
    "Adam fast": {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3},
    "Adam decay": {"learning_rate": 0.01, "weight_decay": 0.1},
    "Adam without memory": {"beta1": 0.0, "learning_rate": 0.01},
    "Adagrad": {},
    "Adagrad decay": {"weight_decay": 0.1, "learning_rate": 0.1},
    "Adadelta": {},
    "Adadelta decay": {"rho": 0.8, "weight_decay": 0.1},
    "RMSprop": {},
    "RMSprop all": {"alpha": 0.9, "momentum": 0.8, "centered": True, "weight_decay": 0.01},
    "AdamW": {"learning_rate": 0.01},
    "AdamW decay": {"learning_rate": 0.01, "weight_decay": 0.5},
    "AMSGrad": {"learning_rate": 0.05, "beta2": 0.9},
    "Adamax": {},
    "Adamax decay": {"weight_decay": 0.1, "beta2": 0.9},
    "NAdam": {},
    "NAdam decay": {"weight_decay": 0.1, "beta1": 0.8},
    "NAdam decoupled": {"weight_decay": 0.1, "beta1": 0.8, "decoupled": True},
    "RAdam": {"learning_rate": 0.01},
    "RAdam decay": {"learning_rate": 0.01, "weight_decay": 0.1, "beta2": 0.9},
    "RAdam decoupled": {"learning_rate": 0.01, "weight_decay": 0.1, "decoupled": True},
}
# gradients that are limited first, for each way of stepping
CLIPPED: dict[str, dict[str, Any]] = {
    "SGD norm": {"learning_rate": 0.1, "clip_norm": 0.05},
    "SGD norm seldom": {"learning_rate": 0.1, "clip_norm": 0.5, "momentum": 0.9},
    "SGD value": {"learning_rate": 0.1, "clip_value": 0.02},
    "Adam norm": {"learning_rate": 0.01, "clip_norm": 0.02, "weight_decay": 0.1},
    "Adam value": {"learning_rate": 0.01, "clip_value": 0.01, "weight_decay": 0.1},
    "AdamW both": {"learning_rate": 0.01, "clip_norm": 0.1, "clip_value": 0.05},
    "Adagrad norm": {"clip_norm": 0.02},
    "Lion both": {"learning_rate": 0.01, "clip_norm": 0.1, "clip_value": 0.05},
}
# running means of the weights beside them
AVERAGED: dict[str, dict[str, Any]] = {
    "SGD mean": {"learning_rate": 0.1, "ema_decay": 0.9},
    "AdamW mean": {"learning_rate": 0.01, "ema_decay": 0.99},
    "LAMB mean": {"learning_rate": 0.01, "ema_decay": 0.5},
}
# PyTorch has none of these: compared with the update rule of the paper
RULES: dict[str, dict[str, Any]] = {
    "Lion": {"learning_rate": 0.01},
    "Lion decay": {"learning_rate": 0.01, "beta1": 0.8, "weight_decay": 0.1},
    "LAMB": {"learning_rate": 0.01},
    "LAMB decay": {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.9, "weight_decay": 0.1},
    "LAMB without decay": {"learning_rate": 0.01, "weight_decay": 0.0},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "StepSchedule": {"every": 2, "factor": 0.5},
    "CosineSchedule": {},
    "CosineSchedule floor": {"floor": 0.1},
    "MultiStepSchedule": {"milestones": (2, 5, 6), "factor": 0.3},
    "ExponentialSchedule": {},
    "PolynomialSchedule": {},
    "PolynomialSchedule power": {"power": 0.9},
    "WarmRestartsSchedule": {"epochs": 3},
    "WarmRestartsSchedule even": {"epochs": 4, "longer": 1, "floor": 0.1},
    "WarmRestartsSchedule three": {"epochs": 1, "longer": 3},
    "OneCycleSchedule": {},
    "OneCycleSchedule steep": {"rise": 0.1, "start": 4.0, "end": 10.0},
    "WarmUpSchedule": {},
    "WarmUpSchedule short": {"warm_up": 7, "start": 0.2},
}
# PyTorch has none of these: the factor at step k of 200, from 0
SCHEDULE_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "InverseSqrtSchedule": ({"warm_up": 20}, "min((k + 1) / 20, (20 / (k + 1)) ** 0.5)"),
    "CurveSchedule": (
        {"shares": (0.2, 1.0, 1.0, 0.5)},
        "float(numpy.interp(k / 200, [0, 1 / 3, 2 / 3, 1], [0.2, 1, 1, 0.5]))",
    ),
}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """PyTorch computes in float64 as the plan does."""
    with double_precision():
        yield


def drawing(optimizer: Optimizer, schedule: Schedule | None) -> Graph:
    """Two dense layers and a tanh, trained on a curve."""
    nodes = {
        "data": op("ToyData", shape="regression"),
        "first": op("Dense", units=FEATURES),
        "tanh": op("Tanh"),
        "second": op("Dense", units=1),
        "loss": op("MeanSquaredError"),
        "optimizer": optimizer,
        **({"schedule": schedule} if schedule else {}),
    }
    wires = (
        "data.features>first.x first.y>tanh.x tanh.y>second.x second.y>loss.prediction "
        "data.target>loss.target loss.loss>optimizer.loss"
    )
    return draw(nodes, f"{wires} schedule.rate>optimizer.schedule" if schedule else wires)


def batches() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Inputs and targets of all steps."""
    rng = np.random.default_rng(11)
    x = rng.uniform(-1, 1, (STEPS * BATCH, 1))
    return x, np.sin(3 * x) + 0.1 * rng.normal(size=x.shape)


def our_run(optimizer: Optimizer, schedule: Schedule | None) -> tuple[Any, Any, list[float]]:
    """Weights before and after 200 steps of the reference plan, and its losses."""
    model = Model(drawing(optimizer, schedule))
    plan = ReferencePlan(model, PlanOptions("float64", seed=5), lambda *_: None)
    before = plan.read()
    x, y = batches()
    count = np.arange(STEPS, dtype=np.float64)
    scalars = {f"live:{key}": np.full(STEPS, value) for key, value in model.live.items()}
    scalars |= {
        "iteration:step": count + 1,
        "iteration:epoch": count // EPOCH,
        "iteration:steps": np.full(STEPS, float(STEPS)),
    }
    index = np.arange(STEPS * BATCH).reshape(STEPS, BATCH)
    done = plan.run("train/0", {"data.features": x, "data.target": y}, index, scalars)
    after, losses = plan.read(), done.scalars["loss"].tolist()
    plan.close()
    return before, after, losses


def their_run(
    before: Any, optimizer: Optimizer, schedule: Schedule | None, folder: Path
) -> tuple[dict[str, Any], list[float]]:
    """The same steps with the optimizer and schedule that the templates name."""
    made = optimizer_text(optimizer, "params") or "None"
    rate = ""
    if schedule:
        rate = schedule_text(schedule, "optimizer", "steps", optimizer.learning_rate)
        factor = SCHEDULE_RULES.get(type(schedule).__name__, ({}, ""))[1]
        rate = rate or f"torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: {factor})"
    source = (
        f"import numpy\nimport torch\n\ndef make(params):\n    return {made}\n\n"
        f"def plan(optimizer, steps):\n    return {rate or None}\n"
    )
    loaded = load_source(source, folder, "peer_optimizer")
    weights = {
        key.removeprefix("param:"): torch.tensor(value, requires_grad=True)
        for key, value in before.items()
        if key.startswith("param:")
    }
    trained = torch.nn.ParameterList(weights.values())
    decay = torch.optim.swa_utils.get_ema_multi_avg_fn(optimizer.ema_decay)
    averaged = torch.optim.swa_utils.AveragedModel(trained, multi_avg_fn=decay)
    stepper = loaded.make(list(weights.values())) or _ByRule(optimizer, list(weights.values()))
    scheduler = loaded.plan(stepper, STEPS)
    losses = []
    x, y = (torch.tensor(part).reshape(STEPS, BATCH, 1) for part in batches())
    for step in range(STEPS):
        hidden = torch.tanh(x[step] @ weights["first/weight"].T + weights["first/bias"])
        out = hidden @ weights["second/weight"].T + weights["second/bias"]
        loss = ((out - y[step]) ** 2).mean()
        stepper.zero_grad()
        loss.backward()
        if optimizer.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(weights.values(), optimizer.clip_norm)
        if optimizer.clip_value is not None:
            torch.nn.utils.clip_grad_value_(weights.values(), optimizer.clip_value)
        stepper.step()
        averaged.update_parameters(trained)
        losses.append(loss.item())
        if schedule and (schedule.rhythm == "step" or (step + 1) % EPOCH == 0):
            scheduler.step()
    found = {f"param:{key}": value.detach().numpy() for key, value in weights.items()}
    if optimizer.ema_decay:
        for key, mean in zip(weights, averaged.parameters(), strict=True):
            found[f"slot:optimizer/average/{key}"] = mean.detach().numpy()
    return found, losses


class _ByRule:
    """An optimizer that PyTorch lacks, from its paper's pseudocode, one array at a time."""

    def __init__(self, optimizer: Optimizer, params: list[Any]) -> None:
        self.settings, self.params, self.count = vars(optimizer), params, 0
        self.rule = {"Lion": self.lion, "LAMB": self.lamb}[type(optimizer).__name__]
        self.m = [torch.zeros_like(p) for p in params]
        self.v = [torch.zeros_like(p) for p in params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        self.count += 1
        self.rule()

    def lamb(self) -> None:
        """You et al. 2020, algorithm 2, with φ the identity; a ratio of 0 or ∞ is taken as 1."""
        rate, decay = self.settings["learning_rate"], self.settings["weight_decay"]
        beta1, beta2 = self.settings["beta1"], self.settings["beta2"]
        for p, m, v in zip(self.params, self.m, self.v, strict=True):
            m.copy_(beta1 * m + (1 - beta1) * p.grad)
            v.copy_(beta2 * v + (1 - beta2) * p.grad**2)
            m_hat, v_hat = m / (1 - beta1**self.count), v / (1 - beta2**self.count)
            r = m_hat / (v_hat.sqrt() + self.settings["epsilon"])
            u = r + decay * p
            size, length = p.norm().item(), u.norm().item()
            p.sub_(rate * (size / length if size and length else 1.0) * u)

    def lion(self) -> None:
        """Chen et al. 2023, algorithm 2."""
        rate, decay = self.settings["learning_rate"], self.settings["weight_decay"]
        beta1, beta2 = self.settings["beta1"], self.settings["beta2"]
        for p, m in zip(self.params, self.m, strict=True):
            c = torch.lerp(p.grad, m, beta1)
            p.sub_(rate * (torch.sign(c) + decay * p))
            m.copy_(torch.lerp(p.grad, m, beta2))


def check_steps(optimizer: Optimizer, schedule: Schedule | None, folder: Path) -> float:
    """Assert that 200 steps are PyTorch's; returns the worst miss of losses and weights."""
    before, after, losses = our_run(optimizer, schedule)
    weights, expected = their_run(before, optimizer, schedule, folder)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-10)
    assert set(weights) == {k for k in after if k.startswith("param:") or "/average/" in k}
    for key, value in weights.items():
        np.testing.assert_allclose(after[key], value, rtol=0, atol=1e-10)
        assert np.abs(value - before[key]).max() > 1e-4  # it has moved
    misses = [distance(after[key], value) for key, value in weights.items()]
    return max([*misses, distance(np.array(losses), np.array(expected))])


@pytest.mark.parametrize("case", [*OPTIMIZERS, *RULES, *CLIPPED, *AVERAGED])
def test_trajectory_is_pytorchs(case: str, tmp_path: Path) -> None:
    """Losses and weights of 200 steps agree to 1e-10."""
    optimizer = REGISTRY[case.split()[0]](**(OPTIMIZERS | RULES | CLIPPED | AVERAGED)[case])
    assert isinstance(optimizer, Optimizer)
    check_steps(optimizer, None, tmp_path)


@pytest.mark.parametrize("case", [*SCHEDULES, *SCHEDULE_RULES])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_scheduled_trajectory_is_pytorchs(case: str, kind: str, tmp_path: Path) -> None:
    """So they do when a schedule lowers the learning rate, by epoch or by step."""
    optimizer = REGISTRY[kind](learning_rate=0.05)
    settings = SCHEDULES[case] if case in SCHEDULES else SCHEDULE_RULES[case][0]
    schedule = REGISTRY[case.split()[0]](**settings)
    assert isinstance(optimizer, Optimizer)
    assert isinstance(schedule, Schedule)
    check_steps(optimizer, schedule, tmp_path)


def test_every_optimizer_and_schedule_is_compared() -> None:
    """A new one must be added to the tables above; a plateau has a test of its own."""
    compared = {"PlateauSchedule"} | {
        case.split()[0] for case in (*OPTIMIZERS, *RULES, *SCHEDULES, *SCHEDULE_RULES)
    }
    roles = ("optimizer", "schedule")
    assert compared == {name for name, op in REGISTRY.items() if op.role in roles}
