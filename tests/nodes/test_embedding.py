"""What the samples of embeddings and positions cannot show."""

from __future__ import annotations

import numpy as np

from graph.op import labels, sample
from graph.ops.embedding import Embedding, Gather
from graph.ops.position import RotaryPosition
from graph.simplify import simplify
from tests.nodes.harness import build


def test_an_id_outside_gives_nan_and_no_gradient() -> None:
    """The others are as they were: nothing beside the table is read or written."""
    given = sample(x=labels(4), settings={"vocabulary": 3, "features": 2})
    case = build(Embedding, given)
    case.values["x.0"] = np.array([2, -1, 3, 0])
    y = case.forward()["y"]
    assert np.isnan(y[[1, 2]]).all()
    assert (y[[0, 3]] == case.values["weight"][[2, 0]]).all()
    gradient = case.gradients()["weight"]
    assert (gradient[[2, 0]] == case.values["cotangent.y"][[0, 3]]).all()
    assert not gradient[1].any()


def test_padding_costs_nothing_where_no_gradient_is_wanted() -> None:
    """Once the gradient is made, both branches are the same and the choice goes."""
    settings = {"vocabulary": 3, "features": 2, "padding_idx": 0}
    case = build(Embedding, sample(x=labels(4), settings=settings))
    program = simplify(case.trace.builder.finish("predict", case.outputs))
    assert [row.op for row in program.rows] == ["take"]


def test_gather_never_reaches_into_the_next_sample() -> None:
    """An id one past the end of a sample would be the first place of the one behind."""
    case = build(Gather, sample(x=(2, 3, 2), index=labels(2)))
    case.values["index.0"] = np.array([3, 2])
    y = case.forward()["y"]
    assert np.isnan(y[0]).all()
    assert (y[1] == case.values["x.0"][1, 2]).all()


def test_rotated_products_depend_on_the_distance_alone() -> None:
    """Su et al. 2021, eq. 11: equal vectors at steps m and n have a product by n − m."""
    case = build(RotaryPosition, sample(x=(1, 6, 4)))
    case.values["x.0"][...] = case.values["x.0"][:, :1]
    turned = case.forward()["y"][0]
    products = turned @ turned.T
    for distance in range(6):
        along = np.diagonal(products, distance)
        np.testing.assert_allclose(along, along[0], 1e-12)
    assert abs(products[0, 1] - products[0, 3]) > 1e-3
