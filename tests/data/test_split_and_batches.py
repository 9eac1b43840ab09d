"""Splits are fixed, disjoint and stratified; batches see every sample once an epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.batches import Batches, in_order
from compute.data import DataError
from compute.split import split
from graph.training import Split

LABELS = st.lists(st.integers(0, 4), min_size=4, max_size=200)


@given(LABELS, st.floats(0.1, 0.5), st.floats(0, 0.4), st.booleans(), st.booleans())
def test_parts_are_disjoint_and_complete(labels, validation, test, stratified, shuffled) -> None:
    """Every sample is in one part; each class keeps one for training when stratified."""
    settings = Split(validation, test, stratified, shuffled)
    try:
        parts = split(len(labels), np.array(labels), settings)
    except DataError:
        return
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(len(labels)))
    assert parts.train.size
    if stratified and shuffled:
        assert set(np.array(labels)[parts.train]) == set(labels)


@given(LABELS, st.floats(0.1, 0.5))
def test_classes_are_divided_in_equal_shares(labels, share) -> None:
    """Each class gives its share, rounded up or down, but never its last sample."""
    labels = np.array(labels * 2)
    parts = split(len(labels), labels, Split(share))
    for name, count in zip(*np.unique(labels, return_counts=True), strict=True):
        held = int((labels[parts.validation] == name).sum())
        exact = count * share
        assert held in (int(exact), int(exact) + 1)
        assert held < count or count == 0


def test_split_seed_is_apart_from_everything_else() -> None:
    """The same seed gives the same parts, another seed others."""
    parts = [split(100, None, Split(0.2, seed=seed)).validation.tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
    assert len(parts[0]) == 20


def test_unshuffled_parts_keep_the_order_of_time() -> None:
    """Training first, validation after it, test last."""
    parts = split(10, None, Split(0.2, 0.3, shuffled=False))
    assert parts.train.tolist() == [0, 1, 2, 3, 4]
    assert parts.validation.tolist() == [5, 6]
    assert parts.test.tolist() == [7, 8, 9]


def test_too_few_samples_are_refused() -> None:
    """One sample cannot be divided."""
    with pytest.raises(DataError, match="found 1 samples, expected enough for 20% validation"):
        split(1, None, Split(0.2))


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 3))
def test_an_epoch_sees_every_sample_once(count: int, batch: int, epoch: int) -> None:
    """Also in the last batch, which is smaller; however the batches are fetched."""
    samples = np.arange(count) * 3
    batches = Batches(samples, batch, seed=5)
    alone = [batches.take(epoch, place, 1)[0] for place in range(batches.steps)]
    assert sorted(np.concatenate(alone).tolist()) == samples.tolist()
    assert [len(part) for part in alone] == [batches.size(p) for p in range(batches.steps)]
    together, place = [], 0
    while place < batches.steps:
        length = batches.run_length(place)
        together += list(Batches(samples, batch, seed=5).take(epoch, place, length))
        place += length
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]


def test_orders_depend_on_seed_epoch_and_stream() -> None:
    """Four different orders, each the same when asked again."""
    asked = [(1, 0, ""), (2, 0, ""), (1, 1, ""), (1, 0, "train/1")]

    def order(seed: int, epoch: int, stream: str) -> tuple[int, ...]:
        return tuple(Batches(np.arange(50), 50, seed).take(epoch, 0, 1, stream)[0].tolist())

    found = [order(*one) for one in asked]
    assert len(set(found)) == 4
    assert found == [order(*one) for one in asked]


def test_evaluation_batches_keep_the_order() -> None:
    """All full batches in one array, the rest in another, no sample lost."""
    assert [part.tolist() for part in in_order(np.arange(5), 2)] == [[[0, 1], [2, 3]], [[4]]]
    assert [part.shape for part in in_order(np.arange(4), 2)] == [(2, 2)]
    assert [part.shape for part in in_order(np.arange(1), 2)] == [(1, 1)]
