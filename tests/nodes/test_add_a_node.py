"""Adding a node type is one class in one file: the guide's code block, put through everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from graph.catalog import catalog, matches
from graph.export import Target
from graph.files import dumps, loads
from graph.graph import Graph
from graph.op import REGISTRY, Bad, Op
from graph.program import ShapeError
from graph.training import Training
from tests.export.running import differences, reference, run_alone
from tests.nodes.harness import build, check_gradient, load_source
from tests.support.small_graphs import draw, op

GUIDE = Path(__file__).resolve().parents[2] / "docs/add-a-node.md"


@pytest.fixture(scope="module")
def shrink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Op]]:
    """The class of the guide, registered by nothing but importing it."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)
    assert "Tanhshrink" not in REGISTRY
    load_source(block, tmp_path_factory.mktemp("guide"), "shrink_of_the_guide")
    yield REGISTRY["Tanhshrink"]
    del REGISTRY["Tanhshrink"]


def drawing() -> Graph:
    """A small classifier with the new node in the middle."""
    nodes = {
        "data": op("ToyData", samples_count=120),
        "first": op("Dense", units=4),
        "shrink": op("Tanhshrink"),
        "second": op("Dense", units=2),
        "loss": op("CrossEntropy"),
        "adam": op("Adam"),
    }
    wires = (
        "data.features>first.x first.y>shrink.x shrink.y>second.x second.y>loss.prediction "
        "data.target>loss.target loss.loss>adam.loss"
    )
    return draw(nodes, wires, Training(epochs=10, batch_size=16, precision="float64"))


def test_it_is_in_the_palette(shrink: type[Op]) -> None:
    """With its tip and ports, and the search finds it."""
    (found,) = [entry for entry in catalog() if matches(entry, "tanhshrink")]
    assert found["tip"] == shrink.tip()
    assert [port["name"] for port in found["inputs"]] == ["x"]


def test_its_samples_pass(shrink: type[Op]) -> None:
    """Shapes, refusal and gradient, as for every node type."""
    for sample in shrink.samples:
        if isinstance(sample, Bad):
            with pytest.raises(ShapeError, match=sample.says):
                build(shrink, sample)
        else:
            case = build(shrink, sample)
            assert case.outputs["y"].shape == case.wires["x.0"].shape
            check_gradient(case)


def test_it_agrees_with_pytorch(shrink: type[Op], tmp_path: Path) -> None:
    """Values and gradients beside its `torch` template."""
    from tests.nodes.peer import check_agreement, double_precision  # skips without PyTorch

    with double_precision():
        for sample in shrink.samples:
            if not isinstance(sample, Bad):
                check_agreement(build(shrink, sample), tmp_path)


def test_it_survives_a_file(shrink: type[Op]) -> None:
    """A graph that has it is saved and opened."""
    text = dumps(drawing())
    again = loads(text)
    assert isinstance(again.node("shrink").op, shrink)
    assert dumps(again) == text


@pytest.mark.parametrize("target", get_args(Target))
def test_it_is_exported(shrink: type[Op], target: Target, tmp_path: Path) -> None:
    """The generated file runs alone and gives the engine's outputs and losses."""
    if target == "pytorch":
        pytest.importorskip("torch")
    case = reference("shrink", drawing())
    found = run_alone([case], target, tmp_path)["shrink"]
    outputs, losses = differences(case, found)
    assert outputs <= 1e-10
    assert losses <= 1e-9
