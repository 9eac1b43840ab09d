"""`netloom report`: the folder that `./run` leaves where there is no display."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command import DEVICE, netloom

from compute.curves import DOTS, curves, scale, steps, thinned


class Links(HTMLParser):
    """Collects what a page refers to, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links |= {v for n, v in attrs if v and n in ("src", "srcset", "href")}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of table-regression."""
    place = tmp_path_factory.mktemp("report")
    words = ("report", "table-regression", "-o", place / "out", "--workspace", place / "runs")
    done = netloom(*words, *DEVICE).ok()
    assert done.out.splitlines()[-1] == f"report: {place / 'out' / 'index.html'}"
    return place / "out"


def test_the_page_ties_everything_together(folder: Path) -> None:
    """All it links to is there; nothing comes from the network; the numbers are the run's."""
    page = Links()
    page.feed((folder / "index.html").read_text("utf-8"))
    assert {"graph-dark.png", "graph-light.png", "table_regression_numpy.py"} <= page.links
    assert all((folder / link).is_file() for link in page.links)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))["metrics"]
    assert f"{metrics['val_mae']:.4g}" in " ".join(page.words)


def test_the_folder_holds_pictures_code_and_numbers(folder: Path) -> None:
    """Everything for a second look: curves, both targets with weights, the graph itself."""
    for theme in ("dark", "light"):
        assert (folder / f"graph-{theme}.png").read_bytes().startswith(b"\x89PNG")
    ElementTree.parse(folder / "curves.svg")
    for target in ("numpy", "pytorch"):
        file = folder / f"table_regression_{target}.py"
        compile(file.read_text("utf-8"), file.name, "exec")
        assert file.with_suffix(".safetensors").is_file()
    history = json.loads((folder / "metrics.json").read_text("utf-8"))["history"]
    assert [one["epoch"] for one in history] == list(range(1, 41))
    netloom("check", folder / "table-regression.loom")


def test_curves_leave_out_what_is_not_finite() -> None:
    """A run that diverged is drawn as far as it goes; one without numbers is an empty picture."""
    drawn = curves([1.0, float("nan"), 0.0, 0.5], 2, {1: {"loss": float("inf"), "val_loss": 2.0}})
    assert "nan" not in drawn
    assert "inf" not in drawn
    ElementTree.fromstring(drawn)
    ElementTree.fromstring(curves([], 1, {}))


def test_thinning_keeps_the_extremes() -> None:
    """A long series keeps its least and greatest value and its order."""
    points = [(float(k), float((k * 7919) % 1000)) for k in range(10_000)]
    kept = thinned(points)
    assert len(kept) <= 2 * DOTS
    assert kept == sorted(kept)
    values = [y for _, y in points]
    assert {min(values), max(values)} <= {y for _, y in kept}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 15.0, [0, 5, 10, 15]),
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.94, 0.99, [0.94, 0.95, 0.96, 0.97, 0.98, 0.99]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    """Steps of 1, 2 or 5 × 10ⁿ."""
    assert steps(low, high, 5) == pytest.approx(expected)


def test_a_flat_curve_has_an_axis() -> None:
    """Equal values do not divide by zero."""
    for log in (False, True):
        low, high, ticks = scale([0.5, 0.5], log)
        assert low < high
        assert ticks


def test_an_example_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before the folder is made."""
    done = netloom("report", "nothing", "-o", tmp_path / "out")
    assert done.code == 2
    assert re.search("digits-cnn", done.err)
    assert not (tmp_path / "out").exists()
