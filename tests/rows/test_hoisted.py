"""Rows of a scanned cell done for all steps at once: the same numbers, and as few rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graph.primitives as rows
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.hoist import hoisted
from graph.lower import Model
from graph.program import TensorType
from graph.simplify import expand_composites, simplify
from graph.tensor import Builder, Tensor
from tests.export.drawn_cells import CELLS
from tests.support.row_cells import IDS, SAMPLES, Cell, Parts, agree, compare, numbers_for

F = 4  # numbers of a step


def of_step(make: Callable[..., Tensor], *shared: tuple[int, ...], step: tuple[int, ...] = (F,)):
    """A cell without a state that makes something of two inputs of the step and what is shared."""

    def cell(states: Parts, steps: Parts, given: Parts, ids: Parts) -> tuple[Parts, Parts]:
        return [], [make(*steps, *given)]

    return Cell(cell, (), (step, step), shared)


def of_ids(make: Callable[..., Tensor], *shared: tuple[int, ...]):
    """The same of two integers a step."""

    def cell(states: Parts, steps: Parts, given: Parts, ids: Parts) -> tuple[Parts, Parts]:
        return [], [make(*ids, *steps, *given)]

    return Cell(cell, (), ((F,),), shared, ((2,),))


IMAGE = (2, 4, 4)
SLIDE = ((1, 1), (1, 1, 1, 1), (1, 1))


# rows at all steps that are as many as at one
CASES = {
    "dense": of_step(lambda x, z, w: rows.matmul(x, w, transpose_b=True) * z, (F, F)),
    "dense turned": of_step(lambda x, z, w: rows.matmul(x, w) - z, (F, F)),
    "behind": of_step(lambda x, z, w: rows.permute(rows.matmul(w, x, False, True), (1, 0)), (2, F)),
    "weight of both": of_step(
        lambda x, z, w: rows.matmul(x, w) + rows.matmul(z, w, transpose_b=True), (F, F)
    ),
    "cut weight": of_step(lambda x, z, w: rows.matmul(x, rows.slice_axis(w, 0, 1, 5)), (6, 2)),
    "scaled weight": of_step(lambda x, z, w, g: rows.matmul(x, w * g), (F, 2), (F, 1)),
    "bias": of_step(lambda x, z, b: rows.tanh(x + b) * z, (F,)),
    "bias of one row": of_step(lambda x, z, b: x + b * z, (1, F)),
    "context": of_step(lambda x, z, c: x * c + z, (SAMPLES, F)),
    "one number": of_step(lambda x, z, s: x * s + 2.0, ()),
    "products of samples": of_step(
        lambda x, z: rows.matmul(x, z, transpose_a=True) + rows.matmul(z, x, transpose_a=True)
    ),
    "where": of_step(lambda x, z: rows.where(rows.greater(x, z), x * z, 0.0)),
    "fewer axes": of_step(lambda x, z: x * rows.reduce_max(z) + rows.reduce_sum(z, 0)),
    "softmax": of_step(lambda x, z: rows.softmax(x) * rows.log_softmax(z)),
    "gelu": of_step(lambda x, z: rows.gelu(x) + rows.gelu(z, approximate=True)),
    "normal": of_step(lambda x, z: rows.layer_norm(x, 1, 1e-5) * z),
    "over samples": of_step(lambda x, z: x - rows.reduce_mean(z, 0, keep=True)),
    "moved": of_step(
        lambda x, z: rows.pad(
            rows.permute(rows.reshape(x, (SAMPLES, 2, 2)), (0, 2, 1)), (0, 1, 0), (1, 0, 0)
        )
    ),
    "joined": of_step(
        lambda x, z, c: rows.concat([rows.slice_axis(x, 1, 1, 3), z, c], 1), (SAMPLES, 2)
    ),
    "picked": of_ids(lambda i, x: rows.take(rows.reshape(x, (SAMPLES, F, 1)), i, batch=1)),
    "convolution": of_step(
        lambda x, z, w: rows.conv2d(x, w, *SLIDE) + rows.max_pool2d(z, (3, 3), *SLIDE[:2]),
        (2, 2, 3, 3),
        step=IMAGE,
    ),
    "depthwise": of_step(
        lambda x, z, w: rows.depthwise2d(x, w, *SLIDE) * rows.avg_pool2d(z, (3, 3), *SLIDE[:2]),
        (2, 1, 3, 3),
        step=IMAGE,
    ),
    "attention": of_step(
        lambda x, z, c: rows.matmul(c, rows.reshape(x * z, (SAMPLES, F, 1))), (SAMPLES, 5, F)
    ),
    "embedding": of_ids(lambda i, x, table: rows.take(table, i), (IDS, 2)),
    "one hot": of_ids(lambda i, x, w: rows.matmul(rows.one_hot(i, IDS), w), (SAMPLES, IDS, 2)),
}


def size(cell: Cell, steps: int) -> int:
    """How many rows a scan of so many steps and its gradients are."""
    return len(expand_composites(hoisted(cell.program(steps))).rows)


@pytest.mark.parametrize("name", CASES)
def test_what_hangs_on_the_step_alone_is_done_once(name: str) -> None:
    """With its gradients, also those to weights."""
    compare(CASES[name])
    assert size(CASES[name], 3) == size(CASES[name], 7)


def elman(states: Parts, steps: Parts, given: Parts, ids: Parts) -> tuple[Parts, Parts]:
    """A state of two products, and an output of two more that no state hangs on."""
    (h,), (x,), (w_x, w_h, w_y) = states, steps, given
    h = rows.tanh(rows.matmul(x, w_x) + rows.matmul(h, w_h))
    return [h], [rows.matmul(rows.tanh(rows.matmul(h, w_y)), w_y), h]


@pytest.mark.parametrize("reverse", [False, True])
def test_only_the_state_walks(reverse: bool) -> None:
    """One product a step in each direction: all others are of all steps."""
    cell = Cell(elman, ((3,),), ((F,),), ((F, 3), (3, 3), (3, 3)), reverse=reverse)
    compare(cell)
    for steps in (2, 6):
        program = expand_composites(hoisted(cell.program(steps)))
        products = [row for row in program.rows if row.op == "matmul"]
        # before and behind the walk: 1 and 2; backward, 2 more each and one for each weight's use
        assert len(products) == 2 * steps + 3 + 3 + 4


PAIRS = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "choose": lambda a, b: rows.where(rows.greater(a, b), a, b * 0.5),
    "swap": lambda a, b: rows.concat([rows.slice_axis(b, 1, 2, F), rows.slice_axis(a, 1, 0, 2)], 1),
    "attend": lambda a, b: rows.matmul(rows.matmul(a, b, transpose_b=True), b) * 0.1,
    "centre": lambda a, b: a - rows.reduce_mean(b, 0, keep=True),
    "scale": lambda a, b: a * rows.reduce_sum(rows.tanh(b), 1, keep=True),
    "softmax": lambda a, b: rows.softmax(a) - rows.sigmoid(b),
    "normal": lambda a, b: rows.layer_norm(a, 1, 0.1) + rows.tanh(b),
}
WEIGHTS = {
    "dense": lambda a, w, b: rows.matmul(a, w, transpose_b=True) + b,
    "turned": lambda a, w, b: rows.matmul(a, w) * b,
    "affine": lambda a, w, b: rows.layer_norm(a, 1, 0.1, rows.reduce_sum(w, 0), b),
    "squared": lambda a, w, b: rows.matmul(rows.tanh(a), rows.matmul(w, w) * 0.3) - b,
}
CHOICE = st.tuples(st.sampled_from([*PAIRS, *WEIGHTS]), st.integers(0, 99), st.integers(0, 99))


def random_cell(
    count: int, choices: list[tuple[str, int, int]], ends: list[int], reverse: bool
) -> Cell:
    """A cell of such rows with `count` states, whose results are those that `ends` choose."""

    def make(states: Parts, steps: Parts, given: Parts, ids: Parts) -> tuple[Parts, Parts]:
        context, table, *weights = given
        pool = [*states, *steps, context, rows.take(table, ids[0])]
        for name, left, right in choices:
            a, b = pool[left % len(pool)], pool[right % len(pool)]
            if name in PAIRS:
                pool.append(PAIRS[name](a, b))
            else:
                pool.append(WEIGHTS[name](a, *weights[:2] if right % 2 else weights[2:]))
        chosen = [pool[-1 - end % len(pool)] for end in ends]
        return [rows.tanh(x) for x in chosen[:count]], chosen[count:]

    weights = ((F, F), (F,), (F, F), (F,))
    shared = ((SAMPLES, F), (IDS, F), *weights)
    return Cell(make, ((F,),) * count, ((F,), (F,)), shared, ((),), reverse)


def test_a_state_of_integers_has_no_gradient() -> None:
    """The one beside it has, as has what the integers pick at each step."""
    shapes = {"h": (SAMPLES, F), "x": (SAMPLES, 4, F), "table": (F, F)}
    cell = Builder()
    ids = cell.input("batch", "carry:ids", TensorType((SAMPLES,), "int"))
    h, x = (cell.input("batch", key, TensorType((SAMPLES, F))) for key in ("carry:h", "step:x"))
    table = cell.input("batch", "context:table", TensorType((F, F)))
    h = rows.tanh(h + x + rows.take(table, ids))
    body = cell.finish("cell", {"ids": rows.argmax(h), "h": h, "y": h})
    whole = Builder()
    first = whole.input("batch", "ids", TensorType((SAMPLES,), "int"))
    operands = [whole.input("batch", key, TensorType(shape)) for key, shape in shapes.items()]
    _, last, y = rows.scan(body, [first, operands[0]], operands[1:])
    loss = rows.reduce_sum(last * 0.3) + rows.reduce_sum(y * y)
    parts = gradients(loss, operands)
    outputs = {"loss": loss} | dict(zip(shapes, parts, strict=True))
    program = simplify(whole.finish("scanned", outputs))
    known = numbers_for(program)
    known["batch", "ids"] = np.array([1, 0, 3])
    agree(program, known)
    done = expand_composites(hoisted(program))
    values = evaluate(done, known)
    for key, shape in shapes.items():
        way = np.random.default_rng(2).normal(size=shape)
        ends = [known | {("batch", key): known["batch", key] + s * way} for s in (1e-5, -1e-5)]
        above, below = (evaluate(done, end)[done.output("loss")] for end in ends)
        slope = (values[done.output(key)] * way).sum()
        assert float(above - below) / 2e-5 == pytest.approx(float(slope), rel=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_drawn_cells(name: str) -> None:
    """Scans in scans, several states, noise, lengths: a step of training, each value of it."""
    program = Model(CELLS[name]).program("train/0", SAMPLES)
    agree(program, numbers_for(program, 1))


@settings(max_examples=80)
@given(
    st.integers(0, 2),
    st.lists(CHOICE, min_size=1, max_size=9),
    st.lists(st.integers(0, 12), min_size=4, max_size=4),
    st.booleans(),
    st.integers(0, 3),
)
def test_random_cells(
    count: int, choices: list[tuple[str, int, int]], ends: list[int], reverse: bool, seed: int
) -> None:
    """Whatever hangs on what, numbers and gradients are those of the scan."""
    compare(random_cell(count, choices, ends, reverse), seed)
