"""Data outside the folder of a graph is read only when the command says so."""

from pathlib import Path

import pytest
from command import DEVICE, netloom

from tests.support.outside import houses, prices


@pytest.fixture(params=["looked at", "not looked at"])
def graph(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A graph that names a table of another folder, with its columns known or not."""
    return prices(tmp_path, houses(tmp_path), request.param == "looked at")


def test_every_command_tells_of_the_flag_and_heeds_it(graph: Path, tmp_path: Path) -> None:
    place = ("--workspace", tmp_path / "runs")
    words = {
        "train": (*place, *DEVICE, "--epochs", 2),
        "export": ("--to", "numpy", "-o", tmp_path / "prices.py"),
        "report": (*place, *DEVICE, "-o", tmp_path / "report"),
        "check": (),
    }
    for command, rest in words.items():
        refused = netloom(command, graph, *rest)
        assert refused.code == (1 if command == "check" else 2), command
        text = refused.out if command == "check" else refused.err
        assert "expected a file in the graph's folder; allow it with --allow-outside" in text
        assert "or copy the file beside the graph" in text
        netloom(command, graph, *rest, "--allow-outside").ok()
    assert (tmp_path / "prices.py").is_file()
    assert (tmp_path / "report" / "index.html").is_file()
    netloom("train", "--resume", "last", "--epochs", 150, *place, *DEVICE).ok()
