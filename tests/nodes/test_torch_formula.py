"""Random formulas give the same numbers and gradients as the PyTorch text made of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.formula import MAX_LENGTH
from graph.op import REGISTRY, sample
from tests.nodes.harness import build
from tests.nodes.peer import check_agreement, double_precision

SMOOTH = ("tanh", "sin", "cos", "sigmoid", "softplus", "log_sigmoid", "erf", "abs", "relu", "sign")
INFIX = ("+", "-", "*", "<", "<=", ">", ">=", "==", "!=")
leaves = st.sampled_from(["x", "y", "0.5", "2", "-3", "pi"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One operation around smaller formulas; nothing that overflows or is undefined."""
    bracketed = st.builds("({})".format, inner)
    return (
        st.builds("{}({})".format, st.sampled_from(SMOOTH), inner)
        | st.builds("{} {} {}".format, bracketed, st.sampled_from(INFIX), bracketed)
        | st.builds("{} + {} * {}".format, bracketed, bracketed, bracketed)
        | st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner)
        | st.builds("where({}, {}, {})".format, inner, inner, inner)
        | st.builds("-{} ** {}".format, bracketed, st.sampled_from(["2", "3"]))
        | st.builds("{} / (1.5 + sin({}))".format, bracketed, inner)
    )


formulas = st.recursive(leaves, _grown, max_leaves=8).filter(
    lambda text: "x" in text.replace("max", "") and len(text) <= MAX_LENGTH
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generated modules lie."""
    return tmp_path_factory.mktemp("formulas")


@pytest.fixture(autouse=True, scope="module")
def float64() -> Iterator[None]:
    """PyTorch computes in float64 as the reference does."""
    with double_precision():
        yield


@settings(max_examples=150)
@given(formula=formulas)
def test_formula_agrees_with_its_pytorch_text(folder: Path, formula: str) -> None:
    """Values and gradients to 1e-10, whatever is inside what."""
    node = REGISTRY["Formula"](formula=formula)
    shapes = {port.name: (2, 3) for port in node.ports_in()}
    case = build(REGISTRY["Formula"], sample(settings={"formula": formula}, **shapes))
    check_agreement(case, folder, 1e-10)
