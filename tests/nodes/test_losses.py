"""Losses and metrics where samples do not reach: at 0 and 1, far away, on ties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from compute.backend import Array
from compute.outputs import Meaning, meanings, read_output
from graph.lower import Model
from tests.nodes.test_values import case, only
from tests.support.small_graphs import draw, op

INF = math.inf


def slope(name: str, settings: dict[str, Any] | None = None, **inputs: Any) -> Array:
    """The gradient of a loss to its first real operand."""
    return next(iter(case(name, settings, **inputs).gradients().values()))


@pytest.mark.parametrize(
    ("share", "truth", "loss"),
    [(0.0, 0, 0.0), (1.0, 1, 0.0), (0.0, 1, 100.0), (1.0, 0, 100.0), (0.25, 1, math.log(4))],
)
def test_cross_entropy_of_certain_probabilities(share: float, truth: int, loss: float) -> None:
    """Being sure costs nothing or 100, as in PyTorch, and the slope is a number."""
    given: dict[str, Any] = {"prediction": np.array([[share]]), "target": [truth]}
    assert only("BinaryCrossEntropyOfProbabilities", **given) == pytest.approx(loss, abs=1e-15)
    assert np.isfinite(slope("BinaryCrossEntropyOfProbabilities", **given)).all()


def test_impossible_classes_do_not_spoil_a_likelihood() -> None:
    """A log-probability of −∞ counts only where it is the truth's."""
    given: dict[str, Any] = {"prediction": np.array([[0.0, -INF]]), "target": [0]}
    assert only("NegativeLogLikelihood", **given) == 0.0
    assert slope("NegativeLogLikelihood", **given)[0, 1] == 0.0
    assert only("NegativeLogLikelihood", prediction=given["prediction"], target=[1]) == INF


def test_divergence_of_what_never_happens() -> None:
    """0·log 0 is 0, whatever the prediction says; equal distributions cost nothing."""
    target = np.array([[0.5, 0.5, 0.0]])
    logs = np.array([[math.log(0.5), math.log(0.5), -INF]])
    assert only("KLDivergence", prediction=logs, target=target) == pytest.approx(0, abs=1e-15)
    slopes = case("KLDivergence", prediction=logs, target=target).gradients()
    assert all(np.isfinite(found).all() for found in slopes.values())
    settings = {"logarithms": False}
    assert only("KLDivergence", settings, prediction=target, target=target) == 0.0
    other = np.array([[0.25, 0.25, 0.5]])
    found = only("KLDivergence", settings, prediction=other, target=target)
    assert found == pytest.approx(math.log(2))
    assert np.isfinite(slope("KLDivergence", settings, prediction=target, target=target)).all()


@pytest.mark.parametrize("no", [0.0, -1.0])
def test_hinge_takes_both_ways_to_say_no(no: float) -> None:
    """0 and −1 are the same answer, with labels and with numbers."""
    scores = np.array([[0.5], [-0.5], [2.0]])
    found = only("Hinge", prediction=scores, target=np.array([[1.0], [no], [no]]))
    assert found == pytest.approx((0.5 + 0.5 + 3.0) / 3)
    assert found == only("Hinge", prediction=scores, target=[1, 0, 0])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_of_huge_scores(gamma: float) -> None:
    """Right or wrong by a thousand: neither the loss nor its slope overflows."""
    settings = {"gamma": gamma}
    for target, loss in ((0, 0.0), (2, 2000.0)):
        given: dict[str, Any] = {"prediction": np.array([[1000.0, 0.0, -1000.0]])}
        assert only("Focal", settings, **given, target=[target]) == loss
        assert np.isfinite(slope("Focal", settings, **given, target=[target])).all()
    for target, loss in ((1, 0.0), (0, 750.0)):
        given = {"prediction": np.array([[1000.0]]), "target": [target]}
        assert only("BinaryFocal", settings, **given) == loss
        assert np.isfinite(slope("BinaryFocal", settings, **given)).all()


def test_focal_of_gamma_zero_is_cross_entropy() -> None:
    """Nothing is let go of then; alpha one half halves all alike."""
    rng = np.random.default_rng(0)
    scores, yes = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    found = only("Focal", {"gamma": 0.0}, prediction=scores, target=[0, 1, 2, 0, 1])
    assert found == pytest.approx(only("CrossEntropy", prediction=scores, target=[0, 1, 2, 0, 1]))
    settings = {"gamma": 0.0, "alpha": 0.5}
    half = only("BinaryFocal", settings, prediction=yes, target=[0, 1, 1, 0, 1])
    whole = only("BinaryCrossEntropy", prediction=yes, target=[0, 1, 1, 0, 1])
    assert half == pytest.approx(whole / 2)


def test_dice_of_equal_and_of_empty_regions() -> None:
    """Both agree fully; what does not overlap at all loses nearly 1."""
    region = np.zeros((1, 1, 4, 4))
    assert only("Dice", prediction=region, target=region) == 0.0
    region[..., :2] = 1.0
    assert only("Dice", prediction=region, target=region) == 0.0
    apart = only("Dice", prediction=region, target=1.0 - region)
    assert apart == pytest.approx(1 - 1 / 17)


def test_distances_of_nothing_have_a_slope() -> None:
    """A zero vector has no direction, and equal ones no way apart: the slope is a number."""
    zero, one = np.zeros((2, 3)), np.ones((2, 3))
    assert only("CosineLoss", prediction=zero, target=one) == 1.0
    assert np.isfinite(slope("CosineLoss", prediction=zero, target=one)).all()
    assert only("CosineLoss", prediction=one, target=-2 * one) == pytest.approx(2.0)
    for other in (zero, zero + 1e-6):
        found = slope("TripletMargin", anchor=zero, positive=other, negative=one)
        assert np.isfinite(found).all()


def test_top_k_counts_ties_and_nothing_else() -> None:
    """As large as the k-th is among them; what is not a number is not."""
    scores = np.array([[3.0, 2.0, 2.0, 1.0]] * 4 + [[math.nan] * 4])
    found = only("TopKAccuracy", {"k": 2}, prediction=scores, target=[0, 1, 2, 3, 0])
    assert found == pytest.approx(3 / 5)
    found = only("TopKAccuracy", {"k": 1}, prediction=scores, target=[0, 1, 2, 3, 0])
    assert found == pytest.approx(1 / 5)


def test_accuracy_of_probabilities() -> None:
    """After a sigmoid the answer turns at the threshold, one half."""
    shares = np.array([[0.2], [0.5], [0.6]])
    given: dict[str, Any] = {"prediction": shares, "target": [0, 1, 1]}
    assert only("Accuracy", {"threshold": 0.5}, **given) == pytest.approx(2 / 3)
    assert only("Accuracy", **given) == pytest.approx(2 / 3)  # all are above 0


def test_outputs_are_read_as_their_loss_reads_them() -> None:
    """Probabilities stay as they are; scores become some."""
    shares = np.array([[0.2, 0.5, 0.3]])
    read = read_output("y", shares, Meaning("probabilities"), {}, {})
    assert read.values.tolist() == shares.tolist()
    assert read.classes is not None
    assert read.classes.tolist() == [1]
    read = read_output("y", np.log(shares), Meaning("softmax"), {}, {})
    np.testing.assert_allclose(read.values, shares, rtol=1e-15)
    read = read_output("y", shares, Meaning("probability"), {}, {})
    assert (read.values.tolist(), Meaning("probability").kind) == (shares.tolist(), "sigmoid")
    assert read.classes is not None
    assert read.classes.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("loss", "reads"),
    [
        (op("KLDivergence"), "softmax"),
        (op("KLDivergence", logarithms=False), "probabilities"),
        (op("BinaryCrossEntropyOfProbabilities"), "probability"),
        (op("Hinge"), "sigmoid"),
        (op("Dice"), "numbers"),
        (op("MeanSquaredError"), "numbers"),
    ],
)
def test_loss_says_how_it_reads(loss: Any, reads: str) -> None:
    """In a model, by what is wired to the loss."""
    nodes = {"x": op("Input", shape=(3,)), "t": op("Input", shape=(2,)), "loss": loss}
    nodes["dense"] = op("Dense", units=2)
    graph = draw(nodes, "x.y>dense.x dense.y>loss.prediction t.y>loss.target")
    assert meanings(Model(graph))["prediction"] == Meaning(reads)  # type: ignore[arg-type]


def test_the_anchor_is_what_a_model_of_triplets_gives() -> None:
    """A loss's first port reads the model's answer, whatever it is called."""
    nodes = {name: op("Input", shape=(3,)) for name in ("a", "p", "n")}
    nodes |= {"dense": op("Dense", units=2), "loss": op("TripletMargin")}
    nodes |= {"p2": op("Dense", units=2), "n2": op("Dense", units=2)}
    graph = draw(
        nodes,
        "a.y>dense.x dense.y>loss.anchor p.y>p2.x p2.y>loss.positive n.y>n2.x n2.y>loss.negative",
    )
    program = Model(graph).program("predict", 4)
    assert [given.key for given in program.inputs if given.kind == "batch"] == ["a.y"]
    assert program.types[program.output("outputs/prediction")].shape == (4, 2)
    assert meanings(Model(graph)) == {"prediction": Meaning("numbers")}


def test_batch_without_a_class_that_counts_trains_nothing() -> None:
    """Its mean is 0 / 0, which is not a number, but no gradient flows, as in PyTorch."""
    given: dict[str, Any] = {"prediction": np.array([[1.0, 2.0, 3.0]]), "target": [1]}
    settings = {"ignore": 1, "smoothing": 0.1}
    assert np.isnan(only("CrossEntropy", settings, **given))
    assert (slope("CrossEntropy", settings, **given) == 0).all()
