"""What differs between training and evaluation: batch norm's running values, dropout's mask."""

from __future__ import annotations

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from compute.backend import Array, PlanOptions
from compute.reference_plan import ReferencePlan
from graph.graph import Graph, Node, Wire
from graph.lower import LowerError, Model
from graph.op import REGISTRY, Op
from tests.nodes.harness import build, samples
from tests.support.small_graphs import draw, op

WIDTH = 3


def drawing(layer: Op) -> Graph:
    """Input → layer → loss, with an optimizer, and the layer's value as the output."""
    nodes = {
        "data": op("Input", shape=(WIDTH,)),
        "truth": op("Input", shape=(WIDTH,)),
        "first": op("Dense", units=WIDTH, bias=False),
        "layer": layer,
        "loss": op("MeanSquaredError"),
        "sgd": op("SGD", learning_rate=0.0),
    }
    return draw(
        nodes,
        "data.y>first.x first.y>layer.x layer.y>loss.prediction truth.y>loss.target "
        "loss.loss>sgd.loss",
    )


class Runner:
    """A plan of `drawing` whose first layer passes its input on."""

    def __init__(self, layer: Op, seed: int = 3) -> None:
        self.model = Model(drawing(layer))
        self.plan = ReferencePlan(self.model, PlanOptions("float64", seed=seed), lambda *_: None)
        self.plan.write({"param:first/weight": np.eye(WIDTH)})

    def train(self, x: Array, batch: int, start: int = 1, **live: float) -> Array:
        """Train over `x` once; the layer's output at the last step."""
        index = np.arange(len(x)).reshape(-1, batch)
        values = self.model.live | {f"layer/{name}": value for name, value in live.items()}
        scalars = {f"live:{key}": np.full(len(index), value) for key, value in values.items()}
        scalars["iteration:step"] = np.arange(start, start + len(index), dtype=np.float64)
        data = {"data.y": x, "truth.y": np.zeros_like(x)}
        watch = frozenset({"value:layer.y"})
        done = self.plan.run("train/0", data, index, scalars, watch)
        return done.arrays["value:layer.y"]

    def evaluate(self, x: Array) -> Array:
        """The layer's output outside training."""
        data, index = {"data.y": x}, np.arange(len(x))[None]
        return self.plan.run("predict", data, index, {}).arrays["outputs/prediction"]


def test_batch_norm_keeps_running_values_and_evaluates_with_them() -> None:
    """Each step moves them by `momentum` to the batch's mean and unbiased variance."""
    rng = np.random.default_rng(1)
    x = rng.normal(2.0, 3.0, (20, WIDTH))
    runner = Runner(REGISTRY["BatchNorm"](momentum=0.25, epsilon=1e-3))
    last = runner.train(x, 5)
    mean, variance = np.zeros(WIDTH), np.ones(WIDTH)
    for part in x.reshape(4, 5, WIDTH):
        mean = 0.75 * mean + 0.25 * part.mean(0)
        variance = 0.75 * variance + 0.25 * part.var(0, ddof=1)
    values = runner.plan.read()
    np.testing.assert_allclose(values["state:layer/running_mean"], mean, atol=1e-14)
    np.testing.assert_allclose(values["state:layer/running_var"], variance, atol=1e-14)
    part = x[-5:]
    normal = (part - part.mean(0)) / np.sqrt(part.var(0) + 1e-3)
    np.testing.assert_allclose(last, normal, atol=1e-12)
    held_out = rng.normal(size=(1, WIDTH))  # one sample is enough to evaluate
    expected = (held_out - mean) / np.sqrt(variance + 1e-3)
    np.testing.assert_allclose(runner.evaluate(held_out), expected, atol=1e-12)
    again = runner.plan.read()
    assert all((again[key] == value).all() for key, value in values.items())


def test_batch_norm_refuses_a_batch_of_one_vector() -> None:
    """It has no variance; the refusal says what to change."""
    with pytest.raises(LowerError, match="choose a batch size") as caught:
        Model(drawing(REGISTRY["BatchNorm"]())).program("train/0", 1)
    assert caught.value.refusals[0].path == "layer"
    assert caught.value.refusals[0].port == "x"


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float) -> None:
    """Zeros are binomial with probability p, the rest is divided by 1 − p."""
    x = np.full((4000, WIDTH), 2.0)
    y = Runner(REGISTRY["Dropout"](p=p)).train(x, len(x))
    dropped = (y == 0).mean()
    deviation = np.sqrt(p * (1 - p) / y.size)
    assert abs(dropped - p) <= 4 * deviation
    np.testing.assert_allclose(y[y != 0], 2.0 / (1 - p), rtol=1e-12)


def test_dropout_mask_is_a_matter_of_seed_node_and_step() -> None:
    """The same ones give the same mask; another seed or step another one."""
    x = np.ones((50, WIDTH))
    dropout = REGISTRY["Dropout"]()
    first, again = (Runner(dropout, seed=3).train(x, 50) for _ in range(2))
    assert (first == again).all()
    other_step = Runner(dropout, seed=3).train(x, 50, start=2)
    other_seed = Runner(dropout, seed=4).train(x, 50)
    assert (first != other_step).any()
    assert (first != other_seed).any()


def test_dropout_is_live_and_rests_in_evaluation() -> None:
    """p can change between steps without a new plan; evaluation passes its input on."""
    x = np.ones((200, WIDTH))
    runner = Runner(REGISTRY["Dropout"](p=0.5))
    assert (runner.train(x, 200, p=0.0) == 1.0).all()
    assert (runner.train(x, 200, start=2, p=0.9) == 0).mean() > 0.8
    assert (runner.evaluate(x) == x).all()


def test_two_dropouts_of_one_drawing_have_different_masks() -> None:
    """Their streams are keyed by their nodes."""
    drawn = drawing(REGISTRY["Dropout"]())
    drawn.drop_wire(drawn.wires_in("loss", "prediction")[0])
    drawn.set_node(Node("other", REGISTRY["Dropout"]()))
    drawn.set_node(Node("sum", REGISTRY["Add"]()))
    for wire in (
        Wire("first", "y", "other", "x"),
        Wire("layer", "y", "sum", "x", 0),
        Wire("other", "y", "sum", "x", 1),
        Wire("sum", "y", "loss", "prediction"),
    ):
        drawn.add_wire(wire)
    streams = [
        row.attr("stream")
        for row in Model(drawn).program("train/0", 4).rows
        if row.op == "random_uniform"
    ]
    assert len(set(streams)) == 2


@pytest.mark.parametrize("case", [c for c in samples() if c.startswith(("BatchNorm", "Dropout"))])
def test_evaluation_draws_and_updates_nothing(case: str) -> None:
    """In evaluation there are no random rows and no new running values."""
    built = build(*samples()[case], "evaluate")
    assert not built.random
    assert not built.trace.updates


def test_stop_gradient_leaves_what_is_before_it_untrained() -> None:
    """Weights behind a StopGradient belong to no optimizer."""
    passed, stopped = (
        [own for _, own in Model(drawing(REGISTRY[name]())).phases[0].owned]
        for name in ("ReLU", "StopGradient")
    )
    assert passed == [("first/weight",)]
    assert stopped == [()]
