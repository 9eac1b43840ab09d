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
from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY, Bad, Op
from graph.program import ShapeError
from graph.training import Training
from tests.export.running import differences, reference, run_alone
from tests.nodes.harness import build, check_gradient, load_source

GUIDE = Path(__file__).resolve().parents[2] / "docs/add-a-node.md"


@pytest.fixture(scope="module")
def mish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Op]]:
    """The class of the guide, registered by nothing but importing it."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)
    assert "Mish" not in REGISTRY
    load_source(block, tmp_path_factory.mktemp("guide"), "mish_of_the_guide")
    yield REGISTRY["Mish"]
    del REGISTRY["Mish"]


def drawing() -> Graph:
    """A small classifier with the new node in the middle."""
    drawn = Graph()
    for id, op in {
        "data": REGISTRY["ToyData"](samples_count=120),
        "first": REGISTRY["Dense"](units=4),
        "mish": REGISTRY["Mish"](),
        "second": REGISTRY["Dense"](units=2),
        "loss": REGISTRY["CrossEntropy"](),
        "adam": REGISTRY["Adam"](),
    }.items():
        drawn.set_node(Node(id, op))
    for wire in (
        Wire("data", "features", "first", "x"),
        Wire("first", "y", "mish", "x"),
        Wire("mish", "y", "second", "x"),
        Wire("second", "y", "loss", "prediction"),
        Wire("data", "target", "loss", "target"),
        Wire("loss", "loss", "adam", "loss"),
    ):
        drawn.add_wire(wire)
    drawn.training = Training(epochs=10, batch_size=16, precision="float64")
    return drawn


def test_it_is_in_the_palette(mish: type[Op]) -> None:
    """With its tip and ports, and the search finds it."""
    (found,) = [entry for entry in catalog() if matches(entry, "mish")]
    assert found["tip"] == mish.tip()
    assert [port["name"] for port in found["inputs"]] == ["x"]


def test_its_samples_pass(mish: type[Op]) -> None:
    """Shapes, refusal and gradient, as for every node type."""
    for sample in mish.samples:
        if isinstance(sample, Bad):
            with pytest.raises(ShapeError, match=sample.says):
                build(mish, sample)
        else:
            case = build(mish, sample)
            assert case.outputs["y"].shape == case.wires["x.0"].shape
            check_gradient(case)


def test_it_agrees_with_pytorch(mish: type[Op], tmp_path: Path) -> None:
    """Values and gradients beside its `torch` template."""
    from tests.nodes.peer import check_agreement, double_precision  # skips without PyTorch

    with double_precision():
        for sample in mish.samples:
            if not isinstance(sample, Bad):
                check_agreement(build(mish, sample), tmp_path)


def test_it_survives_a_file(mish: type[Op]) -> None:
    """A graph that has it is saved and opened."""
    text = dumps(drawing())
    again = loads(text)
    assert isinstance(again.node("mish").op, mish)
    assert dumps(again) == text


@pytest.mark.parametrize("target", get_args(Target))
def test_it_is_exported(mish: type[Op], target: Target, tmp_path: Path) -> None:
    """The generated file runs alone and gives the engine's outputs and losses."""
    if target == "pytorch":
        pytest.importorskip("torch")
    case = reference("mish", drawing())
    found = run_alone([case], target, tmp_path)["mish"]
    outputs, losses = differences(case, found)
    assert outputs <= 1e-10
    assert losses <= 1e-9
