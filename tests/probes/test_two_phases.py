"""A toy GAN: two optimizers, two losses, two phases of a step, each training its own weights."""

import numpy as np
import pytest

from compute import philox
from graph.lower import Model
from graph.op import Op, Port
from graph.primitives import concat, reduce_mean, slice_axis, softplus
from graph.tensor import Tensor
from tests.support.small_graphs import DEVICES, draw, make_plan, op, train_steps

N, RATE = 10, 0.05
KEYS = ("maker/weight", "maker/bias", "judge/weight", "judge/bias")
WIRES = """data.features>noise.x noise.y>maker.x data.features>stack.x maker.y>stack.fake
    stack.y>judge.x judge.y>gan.x gan.judge>d.loss gan.maker>g.loss"""


class Noise(Op, register=False):
    build = staticmethod(lambda x, ctx: ctx.uniform(x.shape))


class Stack(Op, register=False):
    inputs = (Port("x"), Port("fake"))
    build = staticmethod(lambda x, fake: concat([x, fake], 0))


class GanLosses(Op, register=False):  # not saturating: Goodfellow et al. 2014
    outputs = (Port("judge", "loss"), Port("maker", "loss"))

    def build(self, x: Tensor) -> tuple[Tensor, Tensor]:
        real, fake = slice_axis(x, 0, 0, N), slice_axis(x, 0, N, 2 * N)
        return reduce_mean(softplus(-real) + softplus(fake)), reduce_mean(softplus(-fake))


@pytest.mark.parametrize("device", DEVICES)
def test_twenty_steps_equal_the_formulas(device: str) -> None:
    """Linear generator and judge against their gradients written out."""
    nodes = {"data": op("ToyData"), "noise": Noise(), "maker": op("Dense", units=2)}
    nodes |= {"stack": Stack(), "judge": op("Dense", units=1), "gan": GanLosses()}
    for order, (id, part) in enumerate({"d": "judge", "g": "maker"}.items()):
        nodes[id] = op("SGD", learning_rate=RATE, trains=(part,), order=order)
    model = Model(draw(nodes, WIRES))
    plan, points = make_plan(model, device, seed=11), np.random.default_rng(1).normal(size=(40, 2))
    index = np.random.default_rng(2).integers(0, 40, (20, N))
    W, b, v, c = (plan.read()[f"param:{key}"] for key in KEYS)
    train_steps(model, plan, {"data.features": points}, index)
    for step, phase in ((s, p) for s in range(20) for p in ("train/0", "train/1")):
        z = philox.uniform(11, f"{phase}/noise/noise", step + 1, 2 * N).reshape(N, 2)
        both = np.concatenate([points[index[step]], z @ W.T + b])
        up, down = np.split(1 / (1 + np.exp(-(both @ v.T + c))), 2)
        if phase == "train/0":
            slope = np.concatenate([up - 1, down]) / N
            v, c = v - RATE * slope.T @ both, c - RATE * slope.sum(0)
        else:
            slope = (down - 1) / N @ v
            W, b = W - RATE * slope.T @ z, b - RATE * slope.sum(0)
    for key, value in zip(KEYS, (W, b, v, c), strict=True):
        np.testing.assert_allclose(plan.read()[f"param:{key}"], value, rtol=1e-11, atol=1e-13)
    plan.close()
