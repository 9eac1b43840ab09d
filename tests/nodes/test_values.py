"""Values worked out by hand: borders, ties, large scores, and what a refusal offers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from compute.backend import Array
from graph.graph import Graph, Node, Wire
from graph.lower import LowerError, Model
from graph.op import REGISTRY, Op, Sample, SettingError, labels, sample
from graph.program import ShapeError, TensorType
from graph.trace import trace
from tests.nodes.harness import Case, build, samples


def case(name: str, settings: dict[str, Any] | None = None, **inputs: Any) -> Case:
    """The node on given numbers: arrays for real operands, lists of ints for labels."""
    types = {
        port: labels(len(given)) if isinstance(given, list) else np.shape(given)
        for port, given in inputs.items()
    }
    built = build(REGISTRY[name], Sample(types, settings or {}))
    for port, given in inputs.items():
        built.values[f"{port}.0"] = np.asarray(given, np.int64 if isinstance(given, list) else None)
    return built


def only(name: str, settings: dict[str, Any] | None = None, **inputs: Any) -> Array:
    """The value at the node's one output."""
    built = case(name, settings, **inputs)
    return built.forward()[next(iter(built.outputs))]


LOGITS = np.array([[1000.0, 0.0, -1000.0]])


@pytest.mark.parametrize(("target", "loss"), [(0, 0.0), (1, 1000.0), (2, 2000.0)])
def test_cross_entropy_of_huge_scores(target: int, loss: float) -> None:
    """Scores of a thousand neither overflow nor lose the loss."""
    assert only("CrossEntropy", prediction=LOGITS, target=[target]) == loss


@pytest.mark.parametrize(
    ("score", "truth", "loss"),
    [
        (0.0, 0, math.log(2)),
        (800.0, 1, 0.0),
        (800.0, 0, 800.0),
        (-800.0, 1, 800.0),
        (50.0, 1, math.exp(-50)),
        (-50.0, 0, math.exp(-50)),
    ],
)
def test_binary_cross_entropy_keeps_its_digits(score: float, truth: int, loss: float) -> None:
    """Losses near 0 are right to 15 digits, large ones do not overflow."""
    found = only("BinaryCrossEntropy", prediction=np.array([[score]]), target=[truth])
    assert found == pytest.approx(loss, rel=1e-14, abs=0)


def test_activations_of_huge_inputs_are_finite() -> None:
    """No activation overflows."""
    x = np.array([[-1e4, -50.0, 0.0, -0.0, 50.0, 1e4]])
    for op in REGISTRY.values():
        if op.category == "Activation":
            built = case(op.__name__, x=x)
            assert np.isfinite(built.forward()["y"]).all()
            assert all(np.isfinite(g).all() for g in built.gradients().values())


def test_activations_hide_no_nan() -> None:
    """What is not a number stays so, that the node it comes from can be found."""
    x = np.full((1, 4), np.nan)
    for op in REGISTRY.values():
        if op.category == "Activation":
            assert np.isnan(only(op.__name__, x=x)).all(), op


def test_softmax_goes_over_channels_of_images() -> None:
    """Each pixel's probabilities add up to 1; so do each vector's and each time step's."""
    rng = np.random.default_rng(0)
    for shape, axis in (((2, 3), 1), ((2, 3, 4, 5), 1), ((2, 3, 4), 2)):
        y = only("Softmax", x=rng.normal(size=shape))
        np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-14)


def test_same_padding_puts_the_odd_zeros_last() -> None:
    """A window of two looks at its pixel and the next; beyond the edge there are zeros."""
    built = case("Conv2d", {"filters": 1, "kernel": (1, 2), "bias": False}, x=np.ones((1, 1, 1, 3)))
    built.values["weight"] = np.array([[[[1.0, 10.0]]]])
    assert built.forward()["y"].ravel().tolist() == [11.0, 11.0, 1.0]


def test_convolution_does_not_flip_its_window() -> None:
    """Cross-correlation, as every framework has it."""
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    built = case("Conv2d", {"filters": 1, "padding": "valid", "bias": False}, x=x)
    built.values["weight"] = x
    assert built.forward()["y"].item() == (x**2).sum()


def test_max_pooling_sends_the_gradient_to_the_first_of_equals() -> None:
    """In reading order, once; the border never wins, not even over negative numbers."""
    built = case("MaxPool2d", x=np.full((1, 1, 2, 2), 3.0))
    assert (built.gradients()["x.0"] != 0).ravel().tolist() == [True, False, False, False]
    padded = {"kernel": 3, "stride": 2, "padding": 1}
    assert (only("MaxPool2d", padded, x=np.full((1, 1, 4, 4), -5.0)) == -5).all()
    assert only("AvgPool2d", padded, x=np.full((1, 1, 1, 1), 9.0)).item() == 1.0


@pytest.mark.parametrize("name", ["LeakyReLU", "ReLU"])
def test_slope_at_the_kink(name: str) -> None:
    """At 0 the lower slope counts, as in PyTorch."""
    built = case(name, x=np.zeros((1, 3)))
    built.objective()
    slopes = built.gradients()["x.0"] / built.values["cotangent.y"]
    np.testing.assert_allclose(slopes, {"LeakyReLU": 0.01, "ReLU": 0.0}[name])


def test_flatten_lays_out_channels_first() -> None:
    """In memory order; Reshape takes it back."""
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    flat = only("Flatten", x=x)
    assert flat[0].tolist() == list(range(12))
    assert (only("Reshape", x=flat) == x).all()
    assert (only("Reshape", {"shape": (3, -1, 2)}, x=flat) == x).all()


@pytest.mark.parametrize(
    ("given", "made"),
    [((64,), (1, 8, 8)), ((784,), (1, 28, 28)), ((3072,), (3, 32, 32)), ((5, 7), (1, 5, 7))],
)
def test_reshape_finds_the_image(given: tuple[int, ...], made: tuple[int, ...]) -> None:
    """Left to itself it makes what a convolution takes, so it mends a refused wire."""
    with pytest.raises(ShapeError) as caught:
        build(REGISTRY["Conv2d"], sample(x=(2, *given)))
    assert caught.value.adapter == "Reshape"
    assert "×".join(map(str, made)) in caught.value.remedy
    adapted = build(REGISTRY["Reshape"], sample(x=(2, *given))).outputs["y"]
    assert adapted.shape == (2, *made)
    build(REGISTRY["Conv2d"], sample(x=adapted.type))


def refused() -> dict[str, tuple[type[Op], Sample, ShapeError]]:
    """Bad samples whose refusal offers an adapter."""
    found = {}
    for name, (op, bad) in samples(bad=True).items():
        try:
            build(op, bad)
        except ShapeError as error:
            if error.adapter:
                found[name] = (op, bad, error)
        except SettingError:
            continue
    return found


@pytest.mark.parametrize("name", refused())
def test_adapter_mends(name: str) -> None:
    """Put before the refused port with its default settings, the adapter makes the wire fit."""
    op, bad, error = refused()[name]
    flat = [(port, k) for port, wires in bad.types().items() for k in range(len(wires))]
    port, wire = flat[error.operand]
    mended = bad.types()
    adapted = build(REGISTRY[error.adapter], sample(x=mended[port][wire]))
    mended[port][wire] = adapted.outputs["y"].type
    build(op, Sample(mended, bad.settings))


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]), [1, 0, 0], 2 / 3),
        (np.array([[0.5, 0.5]]), [0], 1.0),
        (np.array([[2.0], [-1.0], [0.0], [-3.0]]), [1, 0, 0, 1], 3 / 4),
        (np.array([2.0, -1.0]), [1, 1], 1 / 2),
    ],
)
def test_accuracy_counts(prediction: Array, target: list[int], expected: float) -> None:
    """The first of equal scores is the answer; one score says 1 above 0, not at 0."""
    found = only("Accuracy", prediction=prediction, target=target)
    assert found == pytest.approx(expected, rel=1e-15)


def test_regression_losses() -> None:
    """Means over all elements; N beside N×1 is paired, not spread."""
    prediction, target = np.array([[1.0], [2.0], [4.0]]), np.array([0.0, 2.0, 1.0])
    assert only("MeanSquaredError", prediction=prediction, target=target) == pytest.approx(10 / 3)
    assert only("MeanAbsoluteError", prediction=prediction, target=target) == pytest.approx(4 / 3)
    half = only("MeanSquaredError", {"weight": 0.5}, prediction=prediction, target=target)
    assert half == pytest.approx(5 / 3)


def model_without_data() -> Graph:
    """Input → Dense → Output, with nothing wired to the Input."""
    drawn = Graph()
    drawn.set_node(Node("in", REGISTRY["Input"](shape=(5,))))
    drawn.set_node(Node("dense", REGISTRY["Dense"](units=2)))
    drawn.set_node(Node("out", REGISTRY["Output"]()))
    drawn.add_wire(Wire("in", "y", "dense", "x"))
    drawn.add_wire(Wire("dense", "y", "out", "x"))
    return drawn


def test_input_and_output_bound_a_model() -> None:
    """An unwired Input is given when the model is used; the Output names what it gives."""
    program = Model(model_without_data()).program("predict", 7)
    assert [(i.kind, i.key) for i in program.inputs if i.kind == "batch"] == [("batch", "in.y")]
    assert program.types[program.inputs[0].value] == TensorType((7, 5))
    assert program.types[program.output("outputs/out")] == TensorType((7, 2))


def test_wired_input_passes_on() -> None:
    """With data wired to it, an Input only marks where the model begins."""
    drawn = model_without_data()
    drawn.set_node(Node("in", REGISTRY["Input"]()))
    drawn.set_node(Node("data", REGISTRY["ToyData"]()))
    drawn.add_wire(Wire("data", "features", "in", "x"))
    program = Model(drawn).program("predict", 7)
    assert [i.key for i in program.inputs if i.kind == "batch"] == ["data.features"]


def test_refusal_names_node_and_port() -> None:
    """Through the whole graph: where, found, expected, remedy, adapter."""
    drawn = model_without_data()
    drawn.set_node(Node("in", REGISTRY["Input"](shape=(1, 8, 8))))
    (refused,) = trace(drawn, "train", 2).refusals
    assert (refused.path, refused.port, refused.adapter) == ("dense", "x", "Flatten")
    with pytest.raises(LowerError) as caught:
        Model(drawn).program("predict", 2)
    assert str(caught.value) == (
        "dense.x: found an image 1×8×8 a sample, expected a vector a sample; "
        "put a Flatten before it"
    )
