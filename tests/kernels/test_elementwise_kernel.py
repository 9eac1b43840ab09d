"""Elementwise programs: every opcode against NumPy, every way of addressing, in place, tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from guarded import padded, run, untouched_gaps

from compute.cpu.kernels.elementwise import INSTRUCTION_WORDS, OPERAND_WORDS, READ, WRITE, Mode
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.loader import Library
from compute.cpu.templates import float_bits
from compute.reference import ELEMENTWISE

LENGTHS = [1, 15, 16, 17, 31, 33, 97, 509, 512, 1031]


def operand(
    array: Any = None, mode: Mode = Mode.DENSE, flags: int = READ, strides: Any = (0, 0),
    address: int | None = None,
) -> list[int]:  # fmt: skip
    at = address if address is not None else array.ctypes.data
    return [at, int(mode), flags, *strides, 0]


def immediate(value: float) -> list[int]:
    return operand(mode=Mode.IMMEDIATE, address=float_bits(value))


def compute(
    library: Library, operands: Sequence[list[int]], program: Sequence[tuple[Any, ...]],
    shape: tuple[int, int, int], temporaries: int = 0, period: int = 0, steps: int = 1,
    split: int = 2, size: int | None = None, step: int = 0,
) -> None:  # fmt: skip
    """Runs a program of (name, destination, sources …) over d0×d1×d2."""
    table = np.array([o + [0] * (OPERAND_WORDS - len(o)) for o in operands], np.int64)
    codes = [[OPCODES[name].code, *rest] for name, *rest in program]
    code = np.array([c + [0] * (INSTRUCTION_WORDS - len(c)) for c in codes], np.int64)
    run(
        library, "elementwise", step=step, d0=shape[0], d1=shape[1], d2=shape[2], period=period,
        operands=table.ctypes.data, operand_count=len(table), program=code.ctypes.data,
        registers=len(table) + temporaries, program_count=len(code), steps=steps, split=split,
        size=size or max(1, shape[split]),
    )  # fmt: skip


def apply(library: Library, name: str, *sources: Any) -> Any:
    """One operation on flat arrays."""
    out = np.full_like(sources[0], 7)
    dense = [operand(s) for s in sources] + [operand(out, flags=WRITE)]
    numbers = range(len(sources))
    compute(library, dense, [(name, len(sources), *numbers)], (1, 1, len(out)))
    return out


COMBINED = {
    "copy": lambda a: a,
    "fma": lambda a, b, c: a * b + c,
    "fnma": lambda a, b, c: c - a * b,
    "axpby": lambda a, b, c, d: a * b + c * d,
    "square_axpby": lambda a, b, c, d: a * b + c * c * d,
    "root_ratio": lambda a, b, c, d: a / (np.sqrt(b) * c + d),
    "gauss": lambda a: np.exp(-a * a / 2),
    "normal_cdf": np.vectorize(lambda a, b: math.erfc(-a * math.sqrt(0.5)) / 2),
}
# Allowed error in units in the last place of the result (plus one of 1e-30 for results near 0).
ULPS = {"log1p": 4, "tanh": 5, "softplus": 4, "log_sigmoid": 4, "sigmoid": 4, "expm1": 4,
        "gauss": 20, "normal_cdf": 20}  # fmt: skip


def arguments(name: str, rng: np.random.Generator, real: Any) -> list[Any]:
    """Random and delicate arguments of an operation, broadcast to flat arrays of one length."""
    tiny = float(np.finfo(real).tiny)
    special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, tiny, -tiny, 1e-8, -1e-8, 20.0, -20.0]
    special += [80.0, -80.0, math.inf, -math.inf, math.nan, 1e30, -1e30]
    spread = rng.standard_normal(300) * 10.0 ** rng.uniform(-6, 1.9, 300)
    first = np.concatenate([special, spread, rng.uniform(-3, 3, 311)]).astype(real)
    others = [rng.permutation(first) for _ in range(OPCODES[name].arity - 1)]
    if name == "root_ratio":  # its denominator is meant to be a sum of positive numbers
        others[1:] = [np.abs(o) for o in others[1:]]
    if name == "square_axpby":  # c·c is rounded to the real type, so it must fit
        size = np.abs(others[1])
        others[1][(size < 1e-12) | ((size > 1e12) & np.isfinite(size))] = 1.5
    if name in ("gauss", "normal_cdf"):  # units grow with the square, to 0 by way of subnormals
        first = np.where((np.abs(first) > 5) & (np.abs(first) < 50), first / 20, first).astype(real)
        others = [np.exp(-first * first.astype(np.longdouble) / 2).astype(real) for _ in others]
    return [first, *others]


@pytest.mark.parametrize("name", sorted(OPCODES))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_operation(library: Library, real: Any, rng: np.random.Generator, name: str) -> None:
    sources = arguments(name, rng, real)
    if name == "pow":
        sources[1][::2] = np.round(np.clip(sources[1][::2], -20, 20))
    if name in ("sin", "cos"):
        sources[0] = np.where(np.abs(sources[0]) < 1e6, sources[0], 3.0).astype(real)
    got = apply(library, name, *sources)
    define = COMBINED.get(name) or ELEMENTWISE[name]
    wide = [s.astype(np.longdouble if real is np.float64 and name != "erf" else np.float64)
            for s in sources]  # fmt: skip
    expected = np.asarray(define(*wide)).astype(real)
    assert_close(name, got, expected, sources, library)


def assert_close(name: str, got: Any, expected: Any, sources: list[Any], library: Library) -> None:
    kinds = np.isnan(expected), np.isposinf(expected), np.isneginf(expected)
    found = np.isnan(got), np.isposinf(got), np.isneginf(got)
    for mine, theirs in zip(found, kinds, strict=True):
        wrong = np.flatnonzero(mine != theirs)
        assert not len(wrong), f"{name} of {[s[wrong[:5]] for s in sources]}: {got[wrong[:5]]}"
    finite = np.isfinite(expected)
    unit = np.spacing(np.abs(expected[finite])).astype(np.float64)
    if name in ("fma", "fnma", "axpby", "square_axpby"):  # the error is relative to the terms
        terms = np.abs(sources[0].astype(np.float64) * sources[1])
        factor = sources[2] if name == "square_axpby" else 1.0
        second = sources[2].astype(np.float64) * factor
        terms += np.abs(second * (sources[3] if name.endswith("axpby") else 1.0))
        unit = np.maximum(unit, np.spacing(terms[finite].astype(got.dtype)).astype(np.float64))
    error = np.abs(got[finite].astype(np.float64) - expected[finite].astype(np.float64)) / unit
    allowed = ULPS.get(name, 3)
    worst = np.argsort(error)[-3:]
    assert (error <= allowed).all(), (
        f"{name}: {error[worst]} ulp at {[s[finite][worst] for s in sources]}: "
        f"{got[finite][worst]}, not {expected[finite][worst]}"
    )


def test_the_root_is_rounded_as_the_cpu_does(
    library: Library, real: Any, rng: np.random.Generator
) -> None:
    b = (2.0 ** rng.uniform(-100, 120, 20_000)).astype(real)
    b[:3] = 0.0, math.inf, 4.0
    one, zero = np.ones_like(b), np.zeros_like(b)
    with np.errstate(divide="ignore"):
        expected = one / np.sqrt(b)
    assert (apply(library, "root_ratio", one, b, one, zero) == expected).all()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("size", [16, 640, None])
def test_lengths_and_chunks(
    library: Library, real: Any, rng: np.random.Generator, length: int, size: int | None
) -> None:
    a, b = rng.standard_normal((2, length)).astype(real)
    out, start = np.zeros(length, real), a.copy()
    table = [operand(a, flags=READ | WRITE), operand(b), operand(out, flags=WRITE)]
    program = [("mul", 3, 0, 1), ("add", 0, 0, 3), ("sub", 2, 0, 1)]
    compute(library, table, program, (1, 1, length), temporaries=1, size=size)
    np.testing.assert_allclose(a, start + start * b, rtol=4 * np.finfo(real).eps, atol=1e-6)
    assert (out == a - b).all()


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 40, 10), (2, 3, 300), (4, 1, 33), (1, 90, 1)])
@pytest.mark.parametrize("split", [0, 1, 2])
def test_strides_rows_and_periods(
    library: Library, real: Any, rng: np.random.Generator, shape: Any, split: int
) -> None:
    """Padded rows in and out, one number a row, one vector for all rows, a scalar, an immediate."""
    x, y = padded(shape, real), padded(shape, real)
    x[...] = rng.standard_normal(shape)
    each_row = rng.standard_normal(shape[:2]).astype(real)
    each_column = rng.standard_normal(shape[2]).astype(real)
    scalar = np.array([0.75], real)
    table = [
        operand(x, strides=x.strides[:2]),
        operand(each_row, Mode.ROW, strides=each_row.strides),
        operand(each_column),
        operand(scalar, Mode.SCALAR),
        immediate(-1.5),
        operand(y, flags=WRITE, strides=y.strides[:2]),
    ]
    program = [
        ("mul", 6, 0, 3), ("add", 6, 6, 1), ("add", 7, 6, 2), ("mul", 7, 7, 4), ("copy", 5, 7),
    ]  # fmt: skip
    size = max(1, shape[split] // 3)
    size = -(-size // 16) * 16 if split == 2 else size
    compute(library, table, program, shape, temporaries=2, split=split, size=size)
    expected = (x.astype(np.float64) * 0.75 + each_row[..., None] + each_column) * -1.5
    np.testing.assert_allclose(y, expected, rtol=0, atol=40 * np.finfo(real).eps)
    assert untouched_gaps(y)


@pytest.mark.parametrize(("rows", "period"), [(7, 1), (50, 10), (9, 33), (6, 784), (11, 64)])
def test_period_repeats_along_the_inner_dimension(
    library: Library, real: Any, rng: np.random.Generator, rows: int, period: int
) -> None:
    x, bias = rng.standard_normal((3, rows, period)).astype(real), None
    bias = rng.standard_normal(period).astype(real)
    y = np.zeros_like(x)
    outer = (rows * period * x.itemsize, 0)
    table = [
        operand(x, strides=outer), operand(bias, Mode.PERIODIC),
        operand(y, flags=WRITE, strides=outer),
    ]  # fmt: skip
    for split, size in [(0, 1), (2, period * 4)]:
        y[...] = 0
        compute(
            library, table, [("add", 2, 0, 1)], (3, 1, rows * period), period=period,
            split=split, size=size,
        )  # fmt: skip
        assert (y == x + bias).all()


def test_table_gives_each_step_its_value(library: Library, real: Any) -> None:
    rates = np.array([0.1, 0.2, 0.3, 0.4])
    x, y = np.ones(20, real), np.zeros(20, real)
    table = [
        operand(x), operand(rates, Mode.TABLE, strides=(8, 0)), operand(y, flags=WRITE),
    ]  # fmt: skip
    compute(library, table, [("mul", 2, 0, 1)], (1, 1, 20), steps=4, step=2)
    assert (y == real(0.3)).all()


def test_adam_step(library: Library, real: Any, rng: np.random.Generator) -> None:
    p, g, m = rng.standard_normal((3, 1009)).astype(real)
    v = rng.random(1009).astype(real)
    start = [a.astype(np.float64) for a in (p, m, v)]
    both = READ | WRITE
    table = [operand(p, flags=both), operand(g), operand(m, flags=both), operand(v, flags=both)]
    table += [immediate(x) for x in (0.9, 0.1, 0.999, 0.001, 1.5, 1e-8, 1e-3)]
    program = [
        ("axpby", 2, 2, 4, 1, 5), ("mul", 11, 1, 1), ("axpby", 3, 3, 6, 11, 7),
        ("root_ratio", 11, 2, 3, 8, 9), ("fnma", 0, 11, 10, 0),
    ]  # fmt: skip
    compute(library, table, program, (1, 1, 1009), temporaries=1, size=256)
    p0, m0, v0 = start
    m1, v1 = 0.9 * m0 + 0.1 * g, 0.999 * v0 + 0.001 * g.astype(np.float64) ** 2
    close = {"rtol": 40 * np.finfo(real).eps, "atol": 4 * np.finfo(real).eps}
    np.testing.assert_allclose(m, m1, **close)
    np.testing.assert_allclose(v, v1, **close)
    np.testing.assert_allclose(p, p0 - 1e-3 * m1 / (np.sqrt(v1) * 1.5 + 1e-8), **close)
