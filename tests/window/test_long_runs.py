"""Runs of any length are kept in bounded room, and drawn over the right steps."""

import numpy as np
import pytest

from compute.events import EpochDone, Progress, Tap, Tapped
from compute.series import Means
from gui.docks.curves_run import RunLines, bad_steps
from gui.docks.plot_lines import Pyramid
from gui.run import board
from gui.run.board import Board, Curves, Norms


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "MOST_LOSSES", 64)
    monkeypatch.setattr(board, "MOST_NORMS", 16)
    monkeypatch.setattr(board, "MOST_EPOCHS", 16)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_losses_are_means_of_equal_strides_however_they_come(block: int) -> None:
    losses, given = Means(64), np.random.default_rng(0).normal(size=1000)
    for start in range(0, 1000, block):
        losses.extend(given[start : start + block])
    assert (losses.taken, losses.stride) == (1000, 16)
    assert len(losses) == 1000 // 16 < 64
    np.testing.assert_allclose(losses.values, given[:992].reshape(-1, 16).mean(axis=1))
    one = Means(64)
    one.extend(given)
    assert np.array_equal(losses.values, one.values)
    for number in given[:300]:
        losses.add(number)
    one.extend(given[:300])
    assert np.array_equal(losses.state()[1], one.state()[1])
    assert losses.state()[0] == one.state()[0]


def test_means_go_on_from_what_was_kept() -> None:
    """Also in the middle of a stride, and with more room than before."""
    given = np.random.default_rng(0).normal(size=1000)
    whole, half = Means(64), Means(64)
    whole.extend(given)
    half.extend(given[:777])
    again = Means.restore(*half.state())
    wider = half.copy(256)
    again.extend(given[777:])
    wider.extend(given[777:])
    assert again.state()[0] == whole.state()[0]
    assert np.array_equal(again.state()[1], whole.state()[1])
    assert (wider.taken, wider.stride, len(wider)) == (1000, 16, 62)
    with pytest.raises(ValueError, match="found 3 numbers of 777"):
        Means.restore(half.state()[0], np.zeros(3))


def test_epochs_by_the_ten_thousand_stay_in_bounded_room() -> None:
    """Metrics stand at their epochs; one that came later lacks before; nothing else grows."""
    known = Board()
    for epoch in range(1, 30_001):
        metrics = {"loss": 1 / epoch, "val_loss": float(epoch)}
        if epoch > 20_000:
            metrics["accuracy"] = 0.5
        known.take(Progress(10 * epoch, epoch, 300_000, np.full(10, 1 / epoch), 1.0))
        known.take(EpochDone(epoch, 10 * epoch, metrics))
        known.take(Tapped(10 * epoch, (tap(f"value:a{epoch % 3}"),)))
    curves = known.curves
    every = [curves.losses, curves.epoch_steps, *curves.metrics.values()]
    every += [series for norms in known.norms.values() for series in (norms.steps, norms.values)]
    assert max(map(len, every)) <= 64
    assert {len(series) for series in curves.metrics.values()} == {len(curves.epoch_steps)}
    assert curves.epoch_steps.taken == 30_000
    held = curves.metrics["val_loss"].values
    np.testing.assert_allclose(10 * held, curves.epoch_steps.values)
    accuracy = curves.metrics["accuracy"].values
    assert np.isnan(accuracy[curves.epoch_steps.values < 190_000]).all()
    assert (accuracy[curves.epoch_steps.values > 210_000] == 0.5).all()
    assert len(known.taps) == len(known.norms) == 3
    assert known.metrics == {"loss": 1 / 30_000, "val_loss": 30_000.0, "accuracy": 0.5}


def test_norms_of_thousands_of_tensors_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a short run and of a long one."""
    monkeypatch.undo()
    known, taps = Board(), tuple(tap(f"gradient:{k}") for k in range(500))

    def room() -> int:
        series = (s for norms in known.norms.values() for s in (norms.steps, norms.values))
        return sum(one._room.nbytes for one in series)

    for step in range(20):
        known.take(Tapped(step, taps))
    assert room() < 1_000_000
    for step in range(20, 5_000):
        known.take(Tapped(step, taps))
    assert room() < 500 * 40_000


def tap(name: str) -> Tap:
    return Tap(name, (3,), 1.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0)


def test_a_loss_that_is_not_finite_stays_so() -> None:
    curves = Curves(first=100)
    values = np.zeros(640)
    values[320] = np.inf
    curves.losses.extend(values)
    assert curves.losses.stride == 16
    (where, _), *_ = bad_steps(curves)
    assert where == 101 + 320


def test_norms_keep_steps_and_values_together() -> None:
    norms = Norms()
    for step in range(0, 1000, 10):
        norms.add(step, step / 2)
    assert len(norms.steps) < 16
    np.testing.assert_array_equal(norms.steps.values / 2, norms.values.values)
    assert norms.steps.values[-1] == 990


def test_a_pyramid_of_strides_lies_at_the_last_step_of_each() -> None:
    pyramid = Pyramid(101, stride=4)
    pyramid.extend(np.arange(25.0))
    x, _ = pyramid.drawn(0, 1000, 400)
    assert (x[0], x[-1], len(x)) == (104, 200, 25)
    assert np.isnan(pyramid.at(103))
    assert [pyramid.at(x) for x in (104, 107.5, 108)] == [0, 0, 1]
    x, _ = pyramid.drawn(120, 140, 400)
    assert x[0] <= 120
    assert x[-1] >= 140
    few, _ = pyramid.drawn(0, 1000, 12)
    assert len(few) <= 12
    assert few.min() >= 101
    assert few.max() <= 200


def test_lines_follow_when_the_stride_doubles() -> None:
    curves = Curves(first=10)
    lines = RunLines(curves, 0.5)
    for start in range(0, 600, 50):
        curves.losses.extend(np.arange(start, start + 50.0))
        lines.follow()
        assert len(lines.raw) == len(lines.smooth) == len(curves.losses)
        assert lines.raw.stride == curves.losses.stride
    assert lines.length == 610
    assert lines.smoothing == 0.5
    x, y = lines.raw.drawn(0, 1000, 400)
    np.testing.assert_allclose(y, x - 11 - (curves.losses.stride - 1) / 2)
