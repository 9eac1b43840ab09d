"""After an edit a program keeps the rows of the nodes that it does not concern."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from compute.bench.nets import chain
from graph.again import Again, Coming, Otherwise, Readers, places
from graph.graph import Graph
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from graph.ops.optimizer import Adam
from graph.primitives import relu
from graph.program import TensorType
from graph.tensor import Builder, Tensor

LAYERS = 20


def net() -> Graph:
    """Dense layers with activations."""
    layers: list[Op] = [op for _ in range(LAYERS) for op in (Dense(units=8), ReLU())]
    return chain((16,), [*layers, Dense(units=10)], Adam())


def test_rows_of_other_layers_are_the_very_same() -> None:
    """A layer in the middle gets another size: its rows and its neighbours' are new."""
    graph = net()
    before = Model(graph).program("train/0", 4)
    node = next(node for node in graph if node.id == "20")
    graph.set_node(replace(node, op=replace(node.op, units=9)))
    after = Model(graph).program("train/0", 4)
    assert len(after.rows) == len(before.rows)
    assert all(old is new for old, new in zip(before.rows, after.rows, strict=True))
    differ = [v for v, (a, b) in enumerate(zip(before.types, after.types, strict=True)) if a != b]
    assert 0 < len(differ) < len(after.types) / 5
    assert str(after) == str(Model(net_with(9)).program("train/0", 4))


def net_with(units: int) -> Graph:
    """The same with another size from the start."""
    graph = net()
    node = next(node for node in graph if node.id == "20")
    graph.set_node(replace(node, op=replace(node.op, units=units)))
    return graph


def built() -> tuple[Builder, Tensor]:
    """A builder with one row, made by a visit."""
    builder = Builder()
    x = builder.input("batch", "x", TensorType((2, 3)))
    builder.once([x.id], lambda: relu(x).id)
    return builder, x


def again(builder: Builder) -> Again:
    """Going along its rows from behind the input."""
    found = Again(builder, places(builder.rows))
    found.stand(0, 1, 0)
    return found


def test_a_visit_of_untouched_values_does_not_run() -> None:
    """Its result is that of before; where a shape is another it runs, and rows get new types."""
    builder, x = built()
    assert again(builder).once([x.id], lambda: pytest.fail("it ran")) == 1
    found = again(builder)
    found.touch([TensorType((2, 4))])
    assert found.once([x.id], lambda: relu(Tensor(found, x.id)).id) == 1
    assert found.types[1].shape == (2, 4)
    assert builder.types[1].shape == (2, 3)


def test_a_visit_that_makes_other_rows_is_refused() -> None:
    """Another operation, and fewer rows than before."""
    builder, x = built()
    for makes in (lambda tensor: (-tensor).id, lambda tensor: tensor.id):
        found = again(builder)
        found.touch([TensorType((2, 4))])
        with pytest.raises(Otherwise):
            found.once([x.id], partial(makes, Tensor(found, x.id)))


def test_a_visit_done_anew_names_the_values_that_are_others() -> None:
    """Of shapes that stay the same there are none."""
    builder, x = built()
    found = again(builder)
    assert found.visit((0, 1, 0), lambda: relu(Tensor(found, x.id)).id) == []
    found = again(builder)
    found.touch([TensorType((2, 4))])
    assert found.visit((0, 1, 0), lambda: relu(Tensor(found, x.id)).id) == [1]


def test_work_comes_once_each_in_rising_order_also_what_is_added_meanwhile() -> None:
    """Visit k reads values k and k + 1, as in a row of layers."""
    readers = Readers((k, k + 1) for k in range(6))
    coming, seen = Coming(readers.of([4])), []
    for number in coming:
        seen.append(number)
        if number == 3:
            coming.add(readers.of([5, 2, 9]))
    assert seen == [3, 4, 5]


def test_what_a_gradient_reaches_is_noted_for_the_next_edit_alone() -> None:
    """A builder that goes along another's rows knows its notes, a copy does not."""
    builder, _ = built()
    builder.note("reached", {1})
    assert builder.noted("reached") is None
    assert builder.copy().noted("reached") is None
    assert again(builder).noted("reached") == {1}
