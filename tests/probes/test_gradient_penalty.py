"""A gradient inside the loss: a node asks for gradients, and training differentiates them."""

import numpy as np
import pytest

from compute.evaluate import host_scalars
from graph.autodiff import gradients
from graph.lower import Model
from graph.op import Op, Port
from graph.primitives import reduce_mean, reduce_sum, sqrt
from graph.tensor import Tensor
from tests.support.small_graphs import DEVICES, draw, make_plan, op

KEYS = ("hidden/weight", "hidden/bias", "score/weight")
WIRES = """data.features>hidden.x hidden.y>tanh.x tanh.y>score.x score.y>penalty.score
    data.features>penalty.x penalty.loss>sgd.loss"""


class GradientPenalty(Op, register=False):
    """Mean over the batch of (‖∂score/∂x‖ − 1)² (Gulrajani et al. 2017, WGAN-GP)."""

    inputs = (Port("score"), Port("x"))
    outputs = (Port("loss", "loss"),)

    def build(self, score: Tensor, x: Tensor) -> Tensor:
        slope = gradients(reduce_sum(score), [x])[0]
        length = sqrt(reduce_sum(slope * slope, 1) + 1e-12)
        return reduce_mean((length - 1.0) * (length - 1.0))


@pytest.mark.parametrize("device", DEVICES)
def test_penalty_trains_with_its_second_derivative(device: str) -> None:
    """The watched gradients of the weights are the slopes of the loss, and training lowers it."""
    nodes = {"data": op("ToyData", samples_count=12), "hidden": op("Dense", units=4)}
    nodes |= {"tanh": op("Tanh"), "score": op("Dense", units=1), "penalty": GradientPenalty()}
    model = Model(draw(nodes | {"sgd": op("SGD")}, WIRES))
    plan = make_plan(model, device)
    data = {"data.features": np.random.default_rng(3).normal(size=(12, 2))}
    watch = frozenset(f"gradient:{key}" for key in KEYS)

    def step(rate: float = 0.0) -> tuple[float, dict[str, np.ndarray]]:
        scalars = host_scalars({"sgd/learning_rate": rate}, 0, 1)
        done = plan.run("train/0", data, np.arange(12)[None], scalars, watch)
        return float(done.scalars["loss"][0]), dict(done.arrays)

    (start, found), values = step(), plan.read()
    for key in KEYS:
        for place in np.ndindex(values[f"param:{key}"].shape):
            ends = []
            for shift in (1e-6, -1e-6):
                moved = values[f"param:{key}"].copy()
                moved[place] += shift
                plan.write({f"param:{key}": moved})
                ends.append(step()[0])
            difference = (ends[0] - ends[1]) / 2e-6
            assert found[f"gradient:{key}"][place] == pytest.approx(difference, abs=1e-8)
        plan.write({f"param:{key}": values[f"param:{key}"]})
    assert [step(0.1)[0] for _ in range(50)][-1] < 0.2 * start
    plan.close()
