"""docs/nodes-checked.md: every node type is on it, with all its samples, and nothing failed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graph.op import REGISTRY, Bad
from tests.nodes.harness import samples

PAGE = Path(__file__).parents[2] / "docs" / "nodes-checked.md"
REFRESH = "a node type or its samples have changed: python tools/check_nodes.py"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[int, list[str]]]:
    """The number of samples of each node type, and what its checks gave."""
    found = ROW.findall(PAGE.read_text("utf-8"))
    return {name: (int(count), cells.split(" | ")) for name, count, cells in found}


def test_every_node_type_is_checked_with_all_its_samples() -> None:
    """The page was written after the last node type, or sample, came or went."""
    present = {
        name: sum(not isinstance(sample, Bad) for sample in op.samples)
        for name, op in REGISTRY.items()
    }
    assert {name: count for name, (count, _) in rows().items()} == present, REFRESH


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_nothing_failed(name: str) -> None:
    """A tick and a miss, or nothing to check; what computes was compared and exported."""
    _, cells = rows()[name]
    assert len(cells) == 6
    assert all(re.fullmatch(r"–|✓ (0|\d+e[-+]\d+)", cell) for cell in cells), REFRESH
    gradient, kernels, planned, peer, *files = cells
    assert (gradient == "–") == (kernels == "–") == (planned == "–")
    role = REGISTRY[name].role
    sampled = {op.__name__ for op, _ in samples().values()}
    if role in ("layer", "loss", "metric") and name in sampled:
        assert "–" not in (peer, *files)
    if role in ("optimizer", "schedule") and name != "PlateauSchedule":  # see test_plateau
        assert peer != "–"
