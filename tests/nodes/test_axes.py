"""Nodes that move, cut and bring down axes: values beside NumPy's, edges, outputs by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from compute.backend import Array
from graph.graph import Graph, Node, Wire
from graph.infer import infer
from graph.lower import Model
from graph.op import REGISTRY, labels, sample
from graph.program import TensorType
from tests.nodes.harness import Case, build


def case(name: str, x: Array, **settings: Any) -> Case:
    """The node on given numbers."""
    built = build(REGISTRY[name], sample(x=x.shape, settings=settings))
    built.values["x.0"] = x
    return built


def only(name: str, x: Array, **settings: Any) -> Array:
    """The value at the node's one output."""
    return case(name, x, **settings).forward()["y"]


IMAGE = np.arange(2.0 * 3 * 4).reshape(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"axis": 3, "start": 1, "stop": 3}, np.s_[..., 1:3]),
        ({"axis": 2, "start": -2}, np.s_[:, :, -2:]),
        ({"axis": 1, "stop": -1}, np.s_[:, :-1]),
        ({"axis": 3, "start": -3, "stop": -1}, np.s_[..., -3:-1]),
    ],
)
def test_slice_counts_as_python_does(settings: Mapping[str, Any], kept: Any) -> None:
    """From 0, without the stop, below 0 from the end."""
    assert (only("Slice", IMAGE, **settings) == IMAGE[kept]).all()


def test_split_gives_the_parts_in_order() -> None:
    """As many outputs as parts; a stack of them has the parts side by side."""
    parts = case("Split", IMAGE, axis=3, parts=4).forward()
    assert list(parts) == ["y1", "y2", "y3", "y4"]
    assert (np.concatenate(list(parts.values()), 3) == IMAGE).all()


def test_split_feeds_several_nodes() -> None:
    """Each output can be wired on its own: a gate multiplies one half with the other."""
    drawn = Graph()
    drawn.set_node(Node("in", REGISTRY["Input"](shape=(6,))))
    drawn.set_node(Node("split", REGISTRY["Split"](parts=3)))
    drawn.set_node(Node("gate", REGISTRY["Multiply"]()))
    drawn.set_node(Node("out", REGISTRY["Output"]()))
    for wire in (
        Wire("in", "y", "split", "x"),
        Wire("split", "y1", "gate", "a"),
        Wire("split", "y3", "gate", "b"),
        Wire("gate", "y", "out", "x"),
    ):
        drawn.add_wire(wire)
    program = Model(drawn).program("predict", 5)
    assert program.types[program.output("outputs/out")] == TensorType((5, 2))


def test_permute_moves_the_numbers() -> None:
    """Channels last, and back."""
    last = only("Permute", IMAGE, order=(2, 3, 1))
    assert (last == IMAGE.transpose(0, 2, 3, 1)).all()
    assert (only("Permute", last, order=(3, 1, 2)) == IMAGE).all()


def test_squeeze_keeps_a_batch_of_one() -> None:
    """The batch is no axis of a sample, whatever its extent."""
    assert infer(REGISTRY["Squeeze"](), (TensorType((1, 3, 1)),)).outputs == (TensorType((1, 3)),)


@pytest.mark.parametrize(
    ("mode", "numpy_mode"),
    [
        ("zeros", "constant"),
        ("reflect", "reflect"),
        ("replicate", "edge"),
        ("circular", "wrap"),
    ],
)
def test_borders_are_numpys(mode: str, numpy_mode: Any) -> None:
    """Each side by its own width."""
    expected = np.pad(IMAGE, ((0, 0), (0, 0), (1, 2), (3, 0)), numpy_mode)
    assert (only("Pad2d", IMAGE, mode=mode, padding=(1, 2, 3, 0)) == expected).all()


def test_crop_undoes_a_border() -> None:
    """With the same four numbers."""
    border = (1, 2, 0, 3)
    padded = only("Pad2d", IMAGE, mode="replicate", padding=border)
    assert (only("Crop2d", padded, border=border) == IMAGE).all()


def test_pixel_unshuffle_undoes_a_shuffle() -> None:
    """No number is lost, and channel 1 is the pixel right of channel 0."""
    image = np.arange(16.0).reshape(1, 4, 2, 2)
    shuffled = only("PixelShuffle", image)
    assert shuffled[0, 0, 0, :2].tolist() == [0.0, 4.0]
    assert (only("PixelUnshuffle", shuffled) == image).all()


def test_norm_of_zeros_has_no_slope() -> None:
    """Its gradient there is 0, not NaN."""
    built = case("Reduce", np.zeros((2, 3)), how="norm")
    assert (built.forward()["y"] == 0).all()
    assert (built.gradients()["x.0"] == 0).all()


def test_what_is_not_a_number_stays_so() -> None:
    """No way of reducing hides it."""
    x = np.array([[1.0, np.nan, 2.0]])
    for how in ("mean", "sum", "max", "min", "norm", "logsumexp"):
        assert np.isnan(only("Reduce", x, how=how)).all(), how


def test_logsumexp_of_huge_scores() -> None:
    """Shifted by the maximum, nothing overflows."""
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])
    expected = np.array([1000.0, -1000.0]) + np.log(2)
    np.testing.assert_allclose(only("Reduce", x, how="logsumexp"), expected, rtol=1e-15)


def test_one_hot_is_one_at_the_label() -> None:
    """A row for each label, also of a sequence."""
    built = build(REGISTRY["OneHot"], sample(x=labels(2, 2), settings={"classes": 4}))
    built.values["x.0"] = np.array([[0, 3], [1, 1]])
    assert (built.forward()["y"] == np.eye(4)[[[0, 3], [1, 1]]]).all()


def test_bilinear_goes_on_straight_lines() -> None:
    """Between two pixels, and level beyond the edges."""
    x = np.array([[[[0.0, 4.0]]]])
    made = only("Upsample", x, mode="bilinear", factor=(1, 2))
    assert made.ravel().tolist() == [0.0, 1.0, 3.0, 4.0]


@pytest.mark.parametrize("extreme", [np.inf, -np.inf])
def test_log_sum_exp_of_an_infinite_number(extreme: float) -> None:
    """It is infinite, and no less a number than its neighbours make of it."""
    x = np.array([[extreme, extreme], [extreme, 1.0]])
    expected = [extreme, max(extreme, 1.0)]
    assert only("Reduce", x, how="logsumexp").tolist() == expected
