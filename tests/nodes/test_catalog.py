"""The catalog: every node type can be shown, searched and explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph.catalog import CATEGORIES, Entry, catalog, matches
from graph.op import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = frozenset(
    json.loads((ROOT / "resources/themes/tokens.json").read_text("utf-8"))["themes"]["dark"][
        "family"
    ]
)
ENTRIES = {entry["name"]: entry for entry in catalog()}
# fmt: off
ASKED_FOR = (
    "Digits", "ToyData", "Table", "Input", "Output", "Dense", "Conv2d", "MaxPool2d",
    "AvgPool2d", "Flatten", "Reshape", "BatchNorm", "Dropout", "Add", "Concat", "ReLU",
    "LeakyReLU", "Sigmoid", "Tanh", "Softmax", "Formula", "StopGradient", "CrossEntropy",
    "BinaryCrossEntropy", "MeanSquaredError", "MeanAbsoluteError", "SGD", "Adam",
    "StepSchedule", "CosineSchedule", "Accuracy", "MeanAbsoluteErrorMetric", "Subgraph",
    "Scan",
)
# fmt: on


def test_every_node_type_is_there() -> None:
    """The node types promised for this version, and all that are registered."""
    names = {entry["name"] for entry in catalog()}
    assert set(ASKED_FOR) <= names
    assert names == set(REGISTRY)


def test_catalog_is_plain_data() -> None:
    """It can be written as JSON and read back unchanged."""
    assert json.loads(json.dumps(catalog(), allow_nan=False)) == catalog()


def test_palette_order() -> None:
    """Categories in palette order, titles by the alphabet within them."""
    places = [(CATEGORIES.index(e["category"]), e["title"]) for e in catalog()]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ENTRIES)
def test_node_type_is_explained(name: str) -> None:
    """A tip of one sentence, a colour, an icon, words to find it by, help for every setting."""
    found = ENTRIES[name]
    assert found["tip"].endswith(".")
    assert 20 <= len(found["tip"]) <= 100
    assert found["doc"].startswith(found["tip"])
    assert found["family"] in FAMILIES
    assert found["icon"]
    assert len(found["keywords"]) >= 2
    assert len(found["summary"]) <= 3
    assert set(found["summary"]) <= {setting["name"] for setting in found["settings"]}
    for setting in found["settings"]:
        assert setting["help"]
        assert setting["help"][0].isupper() or setting["help"].startswith("L2")
        assert not setting["help"].endswith(".")
        assert setting["label"]


@pytest.mark.parametrize("name", ENTRIES)
def test_titles_and_ports_are_unique(name: str) -> None:
    """No two node types of one title, no two ports of one name on a side."""
    found = ENTRIES[name]
    assert [e["title"] for e in ENTRIES.values()].count(found["title"]) == 1
    for side in (found["inputs"], found["outputs"]):
        names = [port["name"] for port in side]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("linear", "Dense"),
        ("fully connected", "Dense"),
        ("cnn", "Conv2d"),
        ("mse", "MeanSquaredError"),
        ("bce", "BinaryCrossEntropy"),
        ("nesterov", "SGD"),
        ("csv", "Table"),
        ("detach", "StopGradient"),
        ("MNIST images", "Digits"),
        ("loss softmax", "CrossEntropy"),
    ],
)
def test_search_finds(query: str, name: str) -> None:
    """Node types are found by the words of other frameworks and cheat sheets."""
    assert name in [entry["name"] for entry in catalog() if matches(entry, query)]


def test_search_asks_for_every_word() -> None:
    """Words that belong to different nodes find none."""
    assert not [e for e in catalog() if matches(e, "csv nesterov")]


def _setting(entry: Entry, name: str) -> dict[str, object]:
    return dict(next(s for s in entry["settings"] if s["name"] == name))


def test_settings_say_what_an_inspector_needs() -> None:
    """Kind, default, bounds, choices, unit and whether it is live."""
    padding = _setting(ENTRIES["Conv2d"], "padding")
    assert padding["kind"] == "int | tuple[int, int] | str"
    assert (padding["default"], padding["choices"]) == ("same", ["same", "valid"])
    p = _setting(ENTRIES["Dropout"], "p")
    assert (p["min"], p["below"], p["live"]) == (0.0, 1.0, True)
    assert _setting(ENTRIES["Conv2d"], "kernel")["unit"] == "px"
    ports = [port["name"] for port in ENTRIES["CrossEntropy"]["inputs"]]
    assert ports == ["prediction", "target"]
