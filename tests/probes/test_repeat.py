"""A subgraph repeated twice, with weights of its own for each repetition and with shared ones."""

import numpy as np
import pytest

from graph.lower import Model
from tests.support.small_graphs import DEVICES, draw, make_plan, op, outputs, train_steps

WIRES = " top.y>loss.prediction data.target>loss.target loss.loss>sgd.loss"
FEATURES = np.random.default_rng(5).normal(size=(30, 2))
DATA = {"data.features": FEATURES, "data.target": np.arange(30) % 2}


def whole(middle: dict[str, object], wires: str) -> Model:
    """data → middle → top, trained by SGD; `middle` may be an instance of Dense and Tanh."""
    ends = {"data": op("ToyData", samples_count=30), "top": op("Dense", units=2)}
    ends |= {"loss": op("CrossEntropy"), "sgd": op("SGD", learning_rate=0.5)}
    drawn = draw(ends | middle, wires + WIRES)
    body = {"in": op("Input"), "dense": op("Dense", units=2), "act": op("Tanh")}
    block = draw(body | {"out": op("Output")}, "in.y>dense.x dense.y>act.x act.y>out.x")
    block.definitions = drawn.definitions
    drawn.definitions["block"] = block
    return Model(drawn)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("weights", ["own", "shared"])
def test_repeat_equals_the_drawing_by_hand(device: str, weights: str) -> None:
    """Same outputs and, with own weights, same training; shared gradients add up."""
    block = op("Subgraph", definition="block", repeat=2, weights=weights)
    model = whole({"block": block}, "data.features>block.in block.out>top.x")
    nodes = {name: op("Dense", units=2) for name in "ab"}
    nodes |= {f"{name}act": op("Tanh") for name in "ab"}
    wires = "data.features>a.x a.y>aact.x aact.y>b.x b.y>bact.x bact.y>top.x"
    other = whole(nodes, wires)
    plan, hand = make_plan(model, device), make_plan(other, device)
    first = plan.read()
    for name in ("weight", "bias"):
        for turn, node in enumerate("ab"):
            key = f"block/{turn}/dense/{name}" if weights == "own" else f"block/dense/{name}"
            hand.write({f"param:{node}/{name}": first[f"param:{key}"]})
        hand.write({f"param:top/{name}": first[f"param:top/{name}"]})
    assert len(model.params) == (6 if weights == "own" else 4)
    before = outputs(model, plan, DATA)["prediction"]
    np.testing.assert_allclose(before, outputs(other, hand, DATA)["prediction"], rtol=1e-13)
    steps = np.arange(30).reshape(3, 10)[: 3 if weights == "own" else 1]
    one, two = train_steps(model, plan, DATA, steps), train_steps(other, hand, DATA, steps)
    np.testing.assert_allclose(one["train/0"], two["train/0"], rtol=1e-12)
    if weights == "shared":
        start, found, apart = first["param:block/dense/weight"], plan.read(), hand.read()
        change = sum(apart[f"param:{node}/weight"] - start for node in "ab")
        moved = found["param:block/dense/weight"] - start
        np.testing.assert_allclose(moved, change, rtol=1e-11, atol=1e-14)
    for each in (plan, hand):
        each.close()
