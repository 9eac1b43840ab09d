"""Batch norm: training moves the running values, evaluation reads them and moves nothing."""

import numpy as np
import pytest

from graph.lower import Model
from tests.support.small_graphs import DEVICES, draw, make_plan, op, outputs, train_steps

MOMENTUM, EPSILON, BATCH = 0.3, 1e-5, 8


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("images", [False, True])
def test_running_values_in_training_and_evaluation(device: str, images: bool) -> None:
    """Ten batches against the formulas; the same samples evaluated alone or together."""
    source = op("Digits") if images else op("ToyData", samples_count=80)
    port, target = ("image", "label") if images else ("features", "target")
    classes = 10 if images else 2
    nodes = {
        "data": source,
        "bn": op("BatchNorm", momentum=MOMENTUM, epsilon=EPSILON),
        "flat": op("Flatten"),
        "top": op("Dense", units=classes),
        "loss": op("CrossEntropy"),
        "sgd": op("SGD", learning_rate=0.0),
    }
    wires = (
        f"data.{port}>bn.x bn.y>flat.x flat.y>top.x top.y>loss.prediction "
        f"data.{target}>loss.target loss.loss>sgd.loss"
    )
    model = Model(draw(nodes, wires))
    plan = make_plan(model, device)
    rng = np.random.default_rng(4)
    shape = (80, 1, 8, 8) if images else (80, 2)
    x = rng.normal(2.0, 3.0, shape)
    data = {f"data.{port}": x, f"data.{target}": np.arange(80) % classes}
    train_steps(model, plan, data, np.arange(80).reshape(-1, BATCH))

    axes = (0, 2, 3) if images else (0,)
    mean, variance = np.zeros(shape[1]), np.ones(shape[1])
    for rows in np.arange(80).reshape(-1, BATCH):
        mean += MOMENTUM * (x[rows].mean(axes) - mean)
        variance += MOMENTUM * (x[rows].var(axes, ddof=1) - variance)
    state = plan.read()
    np.testing.assert_allclose(state["state:bn/running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(state["state:bn/running_var"], variance, rtol=1e-12)

    wide = (1, -1) + (1,) * (x.ndim - 2)
    normal = (x - mean.reshape(wide)) / np.sqrt(variance.reshape(wide) + EPSILON)
    weight, bias = state["param:top/weight"], state["param:top/bias"]
    expected = normal.reshape(80, -1) @ weight.T + bias
    np.testing.assert_allclose(
        outputs(model, plan, data)["prediction"], expected, rtol=1e-9, atol=1e-11
    )
    alone = outputs(model, plan, {key: array[:1] for key, array in data.items()})["prediction"]
    np.testing.assert_allclose(alone, expected[:1], rtol=1e-9, atol=1e-11)
    after = plan.read()
    assert all(np.array_equal(after[name], value) for name, value in state.items())
    plan.close()
