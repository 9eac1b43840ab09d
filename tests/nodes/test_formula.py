"""Formulas: what they compute, what they refuse and where, and that nothing else can happen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.backend import Array
from graph.formula import MAX_DEPTH, MAX_LENGTH, MAX_NAMES, FormulaError, parse, torch_text
from graph.functions import CONSTANTS, FUNCTIONS
from graph.op import REGISTRY, sample
from tests.nodes.harness import build

X, Y = np.array([[0.3, -0.7, 1.2]]), np.array([[0.9, 0.4, -1.1]])
NUMPY = {
    "softplus": lambda x: np.logaddexp(x, 0),
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "max": np.maximum,
    "min": np.minimum,
    "where": lambda c, a, b: np.where(c, a, b),
    "pow": np.power,
    "abs": np.abs,
}


def value(formula: str) -> Array:
    """What the node gives for x = X and y = Y."""
    names = parse(formula).names
    given_types = dict.fromkeys(names, (1, 3))
    case = build(REGISTRY["Formula"], sample(settings={"formula": formula}, **given_types))
    case.values = {f"{name}.0": {"x": X, "y": Y}[name] for name in names}
    return case.forward()["y"]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x", X),
        ("x + y * 2", X + Y * 2),
        ("x - y - 1", X - Y - 1),
        ("x / y / 2", X / Y / 2),
        ("-x ** 2", -(X**2)),
        ("(-x) ^ 2", X**2),
        ("2 ** -x", 2.0**-X),
        ("2 ** 3 ** 2 * x", 512 * X),
        ("x × y − 1 ÷ 2", X * Y - 0.5),
        ("1.5e1 * x + .5", 15 * X + 0.5),
        ("x > y", X > Y),
        ("(x >= y) + (x ≤ y)", np.ones((1, 3))),
        ("(x == x) * (x != y) * (x < 1) * (y <= 1)", X < 1),
        ("where(x > 0, x, y)", np.where(X > 0, X, Y)),
        ("where(x, 1, 0)", np.ones((1, 3))),
        ("max(x, 0.5) + min(0.5, y)", np.maximum(X, 0.5) + np.minimum(Y, 0.5)),
        ("sin(pi / 2) * x", X),
        ("log(e ** 2) * x", 2 * X),
        ("x * tanh(softplus(x))", X * np.tanh(np.logaddexp(X, 0))),
    ],
)
def test_formula_computes(formula: str, expected: Array) -> None:
    """Precedence, associativity and spelling are those of mathematics."""
    np.testing.assert_allclose(value(formula), expected, rtol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_numpys(name: str) -> None:
    """Every function means what its name says, for arrays and for plain numbers."""
    arity = FUNCTIONS[name].arity
    positive = name in ("log", "sqrt", "pow")
    arguments = ["abs(x)" if positive else "x", "y", "0.25"][:arity]
    function = NUMPY.get(name) or getattr(np, name, None)
    if function is None:  # erf, which NumPy lacks
        assert value("erf(x) + erf(-x) + erf(100)*x") == pytest.approx(X)
        return
    numbers = [np.abs(X) if positive else X, Y, 0.25][:arity]
    np.testing.assert_allclose(value(f"{name}({', '.join(arguments)})"), function(*numbers))
    plain = [0.8, 0.3, 0.25][:arity]
    folded = parse(f"x * {name}({', '.join(map(str, plain))})").steps[1]
    np.testing.assert_allclose(folded.number, function(*plain))


@pytest.mark.parametrize(
    ("formula", "found", "position"),
    [
        ("", "the end", 1),
        ("x +", "the end", 4),
        ("x $ 2", "'$'", 3),
        ("(x", "the end", 3),
        ("x)", "')'", 2),
        ("x y", "'y'", 3),
        ("2x", "'x'", 2),
        ("foo(x)", "'foo'", 1),
        ("1 + sin", "'sin'", 5),
        ("max(x)", "1 argument", 1),
        ("max(x, x, x)", "3 arguments", 1),
        ("sin()", "')'", 5),
        ("x < 1 < 2", "'<'", 7),
        ("x + log(0)", "'log' of 0", 5),
        ("x / (1 - 1) + 1 / 0", "'/' of 1 and 0", 17),
        ("x * 1e400", "'1e400'", 5),
        ("1 + 2", "no input", 1),
        ("all * 2", "'all'", 1),
        ("x.real", "'.'", 2),
        ("x; import os", "';'", 2),
        ("x[0]", "'['", 2),
        ("'x'", '"\'"', 1),
        ("λ * 2", "'λ'", 1),
        ("x" * (MAX_LENGTH + 1), f"{MAX_LENGTH + 1} characters", MAX_LENGTH + 1),
        ("(" * 40 + "x" + ")" * 40, "too deep", MAX_DEPTH + 1),
        ("-" * 40 + "x", "too deep", MAX_DEPTH + 1),
        ("x" + "**x" * 40, "too deep", 3 * MAX_DEPTH + 1),
        ("+".join(f"x{k}" for k in range(MAX_NAMES + 1)), f"{MAX_NAMES + 1} names", 1),
    ],
)
def test_refusal_says_what_and_where(formula: str, found: str, position: int) -> None:
    """Found, expected, and the character, counted from 1."""
    with pytest.raises(FormulaError) as caught:
        parse(formula)
    assert found in caught.value.found
    assert caught.value.position == position
    assert caught.value.expected


def test_longest_sum_is_no_deep_nesting() -> None:
    """Length is bounded by characters, not by the stack."""
    terms = MAX_LENGTH // 2
    np.testing.assert_allclose(value("+".join(["x"] * terms)), terms * X)


@given(st.text(max_size=60) | st.text("xy01.+-*/^<=(), sinmaxwhere", max_size=60))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    """Nothing but a formula or a FormulaError comes of a text, and names are plain words."""
    try:
        names, position = parse(text).names, 1
    except FormulaError as error:
        names, position = (), error.position
    assert all(name.isidentifier() for name in names)
    assert not {*names} & {*CONSTANTS, *FUNCTIONS}
    assert 1 <= position <= len(text) + 1


def test_ports_are_the_names_in_order() -> None:
    """The inputs of the node are the names, once each, as they first appear."""
    ports = REGISTRY["Formula"](formula="b * sin(a) + b * pi").ports_in()
    assert [port.name for port in ports] == ["b", "a"]


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("x * tanh(softplus(x))", "{x} * torch.tanh(F.softplus({x}, threshold=40))"),
        ("(x + 1) * (y - (x - y))", "({x} + 1.0) * ({y} - ({x} - {y}))"),
        ("-x ** 2 + (-x) ** 2", "-{x} ** 2.0 + (-{x}) ** 2.0"),
        ("(x > 0) + (y > 0)", "({x} > 0.0).to({x}.dtype) + ({y} > 0.0).to({x}.dtype)"),
        ("where(x > 0, x, 0)", "torch.where({x} > 0.0, {x}, {x}.new_tensor(0.0))"),
    ],
)
def test_torch_text_reads_well(formula: str, text: str) -> None:
    """Brackets stand only where they are needed."""
    assert torch_text(parse(formula)) == text


def test_number_to_the_power_of_nothing_has_no_slope() -> None:
    """x ** 0 is 1 whatever x is, at 0 as well, although 0 ** -1 is infinite."""
    settings = {"formula": "x ** y"}
    case = build(REGISTRY["Formula"], sample(x=(1, 2), y=(1, 2), settings=settings))
    case.objective()
    case.values |= {"x.0": np.array([[0.0, 3.0]]), "y.0": np.zeros((1, 2))}
    assert case.gradients()["x.0"].tolist() == [[0.0, 0.0]]
