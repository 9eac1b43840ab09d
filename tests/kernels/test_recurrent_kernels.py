"""Walks of recurrent cells and the way back against the reference, with every operand guarded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import padded, run, untouched_gaps

import graph.primitives as rows
from compute.cpu.kernels.recurrent import GRU, LSTM, RELU, TANH, columns_of, gates_of
from compute.cpu.loader import Library
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.program import TensorType
from graph.simplify import expand_composites
from graph.tensor import Builder, Tensor

CASES = [
    (TANH, 1, 1, 1, False, False),
    (TANH, 11, 3, 17, True, True),
    (RELU, 5, 2, 33, False, True),
    (LSTM, 1, 1, 3, False, False),
    (LSTM, 11, 3, 17, True, False),
    (LSTM, 3, 4, 70, False, True),
    (GRU, 2, 1, 1, False, False),
    (GRU, 11, 3, 17, True, True),
    (GRU, 3, 2, 70, False, False),
]
# largest error in units of the last place, for numbers around 1 and some hundred terms
ULPS = 200


def _scan(kind: int, x: Tensor, w: Tensor, bias: Tensor, length: Tensor | None, back: bool) -> Any:
    if kind == LSTM:
        return rows.lstm_scan(x, w, length, back)
    if kind == GRU:
        return rows.gru_scan(x, w, bias, length, back)
    return (rows.rnn_scan(x, w, length, back, "tanh" if kind == TANH else "relu"),)


def _expected(kind: int, arrays: dict[str, Any], ends: bool, back: bool) -> dict[str, Any]:
    """Outputs of the row, and the gradient `d` of Σ g · states to the operand x."""
    builder = Builder()
    given = {k: builder.input("batch", k, TensorType(a.shape)) for k, a in arrays.items()}
    length = given["length"] if ends else None
    made = _scan(kind, given["x"], given["w"], given["bias"], length, back)
    (d,) = gradients(rows.reduce_sum(made[0] * given["g"]), [given["x"]])
    names = ("h", "c", "gates") if kind == LSTM else ("h", "gates")
    outputs = {**dict(zip(names, made, strict=False)), "d": d}
    program = expand_composites(builder.finish("case", outputs))
    inputs = {("batch", i.key): arrays[i.key].astype(np.float64) for i in program.inputs}
    values = evaluate(program, inputs)
    return {name: values[value] for name, value in program.outputs}


def _words(name: str, array: Any) -> dict[str, int]:
    sample, step = array.strides[:2]
    return {name: array.ctypes.data, f"{name}_sample": sample, f"{name}_step": step}


def _filled(rng: Any, shape: tuple[int, ...], real: Any) -> Any:
    array = padded(shape, real)
    array[...] = rng.uniform(-1, 1, shape)
    return array


@pytest.mark.parametrize(("kind", "n", "steps", "units", "ends", "back"), CASES)
def test_walk_and_way_back(
    library: Library, real: Any, rng: Any, kind: int, n: int, steps: int, units: int,
    ends: bool, back: bool,
) -> None:  # fmt: skip
    wide, kept = columns_of(kind) * units, gates_of(kind) * units
    x, g = _filled(rng, (n, steps, wide), real), _filled(rng, (n, steps, units), real)
    w, bias = _filled(rng, (wide, units), real), rng.uniform(-1, 1, units).astype(real)
    length = rng.integers(0, steps + 2, n).astype(real)
    turned = padded((units, wide), real)
    turned[...] = w.T
    arrays = {"x": x, "w": w, "bias": bias, "length": length, "g": g}
    expected = _expected(kind, arrays, ends, back)
    near = ULPS * float(np.finfo(real).eps)

    made = {"h": padded((n, steps, units), real)}
    if kind == LSTM:
        made["c"] = padded((n, steps, units), real)
    made["gates"] = padded((n, steps, kept), real) if kind in (LSTM, GRU) else made["h"]
    words: dict[str, int] = {"c": 0, "c_sample": 0, "c_step": 0, "n": n, "steps": steps}
    for name, array in made.items():
        words |= _words(name, array)
    shared = {"units": units, "kind": kind, "reverse": int(back), "size": 4}
    shared["length"] = length.ctypes.data if ends else 0
    words |= _words("x", x) | shared
    run(
        library, "recurrent", w=turned.ctypes.data, w_row=turned.strides[0],
        bias=bias.ctypes.data if kind == GRU else 0, **words,
    )  # fmt: skip
    for name, array in made.items():
        if name in expected:
            np.testing.assert_allclose(array, expected[name], near, near, err_msg=name)
        assert untouched_gaps(array)

    d, spare = padded((n, steps, kept), real), np.zeros((2, n, units), real)
    y = made["c"] if kind == LSTM else made["h"]
    words = _words("y", y) | _words("gates", made["gates"]) | _words("g", g) | _words("d", d)
    run(
        library, "recurrent_dx", w=w.ctypes.data, w_row=w.strides[0], n=n, steps=steps,
        back=spare[0].ctypes.data, kept=spare[1].ctypes.data if kind == LSTM else 0,
        **words, **shared,
    )  # fmt: skip
    np.testing.assert_allclose(d[..., :wide], expected["d"], near, near)
    assert untouched_gaps(d)
