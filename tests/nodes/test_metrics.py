"""Metrics that are no means over batches: against scikit-learn, however an evaluation is cut."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from compute.backend import Array, Plan
from compute.evaluate import evaluate
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.op import Op
from graph.program import TensorType
from tests.export.samples import Given
from tests.support.small_graphs import DEVICES, make_plan, op

COUNT = 41
BATCHES = (1, 3, 7, COUNT)
RNG = np.random.default_rng(11)


@cache
def measured(
    metric: Op, widths: tuple[tuple[int, ...], tuple[int, ...]], ids: bool, device: str
) -> tuple[Model, Plan]:
    """Model and plan of predictions and targets from outside, of these shapes a sample."""
    drawn = Graph()
    kinds = [TensorType((1, *width)) for width in widths]
    if ids:
        kinds[1] = TensorType(kinds[1].shape, "int")
    drawn.set_node(Node("given", Given((("prediction", kinds[0]), ("target", kinds[1])))))
    drawn.set_node(Node("metric", metric))
    for port in ("prediction", "target"):
        drawn.add_wire(Wire("given", port, "metric", port))
    model = Model(drawn)
    return model, make_plan(model, device)


def value(
    metric: Op, prediction: Array, target: Array, batch: int, device: str = "reference"
) -> float:
    """The metric of an evaluation in batches of a size."""
    widths = prediction.shape[1:], target.shape[1:]
    model, plan = measured(metric, widths, target.dtype == np.int64, device)
    arrays = {"given.prediction": prediction, "given.target": target}
    data = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    samples = np.arange(len(target), dtype=np.int64)
    (found,) = evaluate(model, plan, data, samples, batch, {}).values()
    assert type(found) is float
    return found


def softmax(scores: Array) -> Array:
    """Probabilities of scores."""
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def pixels(maps: Array) -> Array:
    """The vector of each place of N×K×H×W, in order."""
    return np.moveaxis(maps, 1, -1).reshape(-1, maps.shape[1])


SCORES = RNG.normal(size=(COUNT, 4))
SCORES[:, 3] -= 9.0  # never the answer, and never true: it must not count
IDS = RNG.integers(0, 3, COUNT)
TIED = RNG.integers(-3, 4, (COUNT, 1)) / 2  # many equal scores
SHARES = RNG.uniform(size=COUNT)
YES = (TIED[:, 0] + RNG.normal(size=COUNT) > 0.4).astype(np.int64)
PAIR = RNG.normal(size=(COUNT, 2))
MAPS = RNG.normal(size=(COUNT, 3, 4, 2))
PLACES = RNG.integers(0, 3, (COUNT, 4, 2))
NUMBERS = RNG.normal(2000.0, 10.0, (COUNT, 3))
CLOSE = NUMBERS + RNG.normal(size=(COUNT, 3)) * [1.0, 4.0, 12.0]
ANSWERS, SAID, PIXELS = SCORES.argmax(1), (TIED[:, 0] > 0), MAPS.argmax(1)

Case = tuple[Op, Array, Array, Callable[[], Any]]
CASES: dict[str, Case] = {
    "rmse": (
        op("RootMeanSquareError"), CLOSE, NUMBERS,
        lambda: np.sqrt(((CLOSE - NUMBERS) ** 2).mean()),
    ),
    "rmse column": (
        op("RootMeanSquareError"), CLOSE[:, :1], NUMBERS[:, 0],
        lambda: sk.root_mean_squared_error(NUMBERS[:, 0], CLOSE[:, 0]),
    ),
    "r2": (op("R2Score"), CLOSE, NUMBERS, lambda: sk.r2_score(NUMBERS, CLOSE)),
    "r2 column": (
        op("R2Score"), CLOSE[:, 1:2], NUMBERS[:, 1],
        lambda: sk.r2_score(NUMBERS[:, 1], CLOSE[:, 1]),
    ),
    "perplexity": (
        op("Perplexity"), SCORES, IDS,
        lambda: np.exp(sk.log_loss(IDS, softmax(SCORES), labels=range(4))),
    ),
    "perplexity of maps": (
        op("Perplexity"), MAPS, PLACES,
        lambda: np.exp(sk.log_loss(PLACES.ravel(), softmax(pixels(MAPS)))),
    ),
    "auroc with ties": (op("AUROC"), TIED, YES, lambda: sk.roc_auc_score(YES, TIED[:, 0])),
    "auroc of numbers": (
        op("AUROC"), SHARES, YES * 0.9, lambda: sk.roc_auc_score(YES, SHARES)
    ),
    "auroc of two": (
        op("AUROC"), PAIR, YES, lambda: sk.roc_auc_score(YES, softmax(PAIR)[:, 1])
    ),
    "ap with ties": (
        op("AveragePrecision"), TIED, YES, lambda: sk.average_precision_score(YES, TIED[:, 0])
    ),
    "ap of shares": (
        op("AveragePrecision"), SHARES, YES, lambda: sk.average_precision_score(YES, SHARES)
    ),
    "ap of two": (
        op("AveragePrecision"), PAIR, YES,
        lambda: sk.average_precision_score(YES, PAIR[:, 1] - PAIR[:, 0]),
    ),
    "iou": (op("MeanIoU"), SCORES, IDS, lambda: sk.jaccard_score(IDS, ANSWERS, average="macro")),
    "iou of one": (op("MeanIoU"), TIED, YES, lambda: sk.jaccard_score(YES, SAID, average="macro")),
    "iou of maps": (
        op("MeanIoU"), MAPS, PLACES,
        lambda: sk.jaccard_score(PLACES.ravel(), PIXELS.ravel(), average="macro"),
    ),
}  # fmt: skip

for _name, _score in {
    "Precision": sk.precision_score,
    "Recall": sk.recall_score,
    "F1Score": sk.f1_score,
}.items():
    for _average in ("auto", "macro", "micro"):
        _theirs = "macro" if _average == "auto" else _average
        CASES[f"{_name} {_average}"] = (
            op(_name, average=_average), SCORES, IDS,
            lambda s=_score, a=_theirs: s(IDS, ANSWERS, average=a),
        )  # fmt: skip
        CASES[f"{_name} of maps {_average}"] = (
            op(_name, average=_average), MAPS, PLACES,
            lambda s=_score, a=_theirs: s(PLACES.ravel(), PIXELS.ravel(), average=a),
        )  # fmt: skip
    for _average in ("auto", "binary", "macro", "micro"):
        _theirs = "binary" if _average == "auto" else _average
        CASES[f"{_name} of one {_average}"] = (
            op(_name, average=_average), TIED, YES,
            lambda s=_score, a=_theirs: s(YES, SAID, average=a),
        )  # fmt: skip
    CASES[f"{_name} above 0.7"] = (
        op(_name, threshold=0.7),
        SHARES,
        YES,
        lambda s=_score: s(YES, SHARES > 0.7),
    )
    CASES[f"{_name} of two"] = (
        op(_name), PAIR, YES, lambda s=_score: s(YES, PAIR.argmax(1))
    )  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_scikit_learn(name: str, batch: int, device: str) -> None:
    """To 1e-12, for every size of batch."""
    metric, prediction, target, theirs = CASES[name]
    found = value(metric, prediction, target, batch, device)
    assert found == pytest.approx(float(theirs()), rel=1e-12, abs=1e-12)


COUNTED = [name for name, case in CASES.items() if case[0].gathers != "mean"]  # type: ignore[attr-defined]


@given(st.sampled_from(COUNTED), st.integers(1, COUNT + 3), st.permutations(range(COUNT)))
def test_no_cut_changes_a_bit(name: str, batch: int, order: list[int]) -> None:
    """Counts and collected scores give the same whatever the batches; of counts any order, too."""
    metric, prediction, target, _ = CASES[name]
    whole = value(metric, prediction, target, COUNT)
    assert value(metric, prediction, target, batch) == whole
    if not name.startswith("r2"):
        assert value(metric, prediction[order], target[order], batch) == whole


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30))
def test_ranks_are_those_of_all_pairs(rows: list[tuple[int, bool]]) -> None:
    """AUROC by counting pairs, average precision by walking down the thresholds."""
    scores, truth = np.array([s for s, _ in rows], float), np.array([t for _, t in rows])
    yes, no = scores[truth], scores[~truth]
    found = [value(op(m), scores, truth.astype(np.int64), 4) for m in ("AUROC", "AveragePrecision")]
    if len(yes) and len(no):
        pairs = np.sign(yes[:, None] - no[None]) / 2 + 0.5
        assert found[0] == pytest.approx(pairs.mean(), rel=1e-12)
    else:
        assert np.isnan(found[0])
    area, before = 0.0, 0
    for least in sorted(set(scores), reverse=True):
        right = int((yes >= least).sum())
        area += (right - before) * right / (scores >= least).sum()
        before = right
    assert found[1] == pytest.approx(area / max(1, len(yes)), rel=1e-12)


@pytest.mark.parametrize("name", ["Precision", "Recall", "F1Score"])
def test_nothing_to_divide_by_is_zero(name: str) -> None:
    """As scikit-learn without its warning: no answer and no truth is yes."""
    never = np.full((5, 1), -1.0), np.zeros(5, np.int64)
    assert value(op(name), *never, 2) == 0.0
    assert value(op(name, average="macro"), *never, 2) == 1.0  # class 1 does not occur


def test_ends_of_ranks() -> None:
    """One class alone, and a score that is no number."""
    scores = np.array([1.0, 2.0, 3.0])
    none, some = np.zeros(3, np.int64), np.array([0, 1, 1])
    assert np.isnan(value(op("AUROC"), scores, none, 2))
    assert value(op("AveragePrecision"), scores, none, 2) == 0.0
    assert (
        value(op("AUROC"), scores, some, 2) == value(op("AveragePrecision"), scores, some, 2) == 1
    )
    for name in ("AUROC", "AveragePrecision"):
        assert np.isnan(value(op(name), np.array([1.0, np.nan, 3.0]), some, 2))


def test_ends_of_r2() -> None:
    """A target that never changes, one sample, and one output of two that never changes."""
    same = np.full((4, 1), 3.0)
    assert value(op("R2Score"), same, same, 3) == 1.0
    assert value(op("R2Score"), same + 1, same, 3) == 0.0
    assert np.isnan(value(op("R2Score"), same[:1], same[:1], 1))
    target = np.hstack([same, [[1.0], [2.0], [3.0], [4.0]]])
    assert value(op("R2Score"), target + np.array([1.0, 0.0]), target, 3) == 0.5


def test_perplexity_ends() -> None:
    """As many as there are classes where all are alike; infinite beyond what a float holds."""
    flat, first = np.zeros((5, 7)), np.zeros(5, np.int64)
    assert value(op("Perplexity"), flat, first, 2) == pytest.approx(7.0, rel=1e-15)
    flat[:, 1] = 1e4
    assert value(op("Perplexity"), flat, first, 2) == np.inf
