"""Commands that only look: check, nodes, examples, info, render; help and wrong calls."""

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command import DEVICE, command, environment, netloom

import resources
from graph.catalog import REGISTRY

NODES = Path(__file__).parents[2] / "docs" / "nodes.md"
REFRESH = "a node type has changed: netloom nodes --markdown > docs/nodes.md"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "found no display"),
        (("net.loom",), "found no display"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("train",), "see `netloom examples`"),
        (("train", "nothing-like-it"), "expected a .loom file or one of activations-race"),
        (("train", "moons-mlp", "--epochs", "0"), "--epochs"),
        (("train", "moons-mlp", "--device", "abacus"), "abacus"),
        (("train", "moons-mlp", "--seed", "1", "--resume", "x"), "a run keeps the seed"),
        (("train", "--fast-convolution", "--resume", "x"), "a run keeps the kind of convolution"),
        (("runs", "show", "nobody"), "no run 'nobody'"),
        (("runs", "compare", "one"), "expected two or more"),
        (("examples", "--path", "digits"), "one of activations-race, adding-problem"),
        (("render", "moons-mlp", "-o", "net.jpg"), "'net.jpg', expected a name that ends in .png"),
        (("render", "moons-mlp", "-o", "no/such/net.png"), "no/such"),
        (("predict", "x", "in.csv", "-o", "out.docx"), "ends in .csv, .json, .npz"),
        (("bench", "W9"), "one of W1"),
        (("nodes", "--json", "--markdown"), "expected one of them"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    words: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    """Nothing on stdout, one line on stderr."""
    done = netloom(*words, cwd=tmp_path)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("netloom: ")
    assert says in done.err


@pytest.mark.parametrize("words", [(), ("moons.loom",)])
def test_without_a_command_the_window_opens(words: tuple[str, ...], tmp_path: Path) -> None:
    """It says when it was painted, in seconds since the process began."""
    shutil.copy(resources.example_path("moons-mlp"), tmp_path / "moons.loom")
    done = netloom("--quit-after-paint", *words, cwd=tmp_path, QT_QPA_PLATFORM="offscreen").ok()
    assert 0.0 < float(done.out) < 60.0


@pytest.mark.parametrize("words", [(), ("train",), ("runs",), ("runs", "list"), ("export",)])
def test_help_says_what_a_command_does(words: tuple[str, ...]) -> None:
    """Exit code 0; a line for each option or command."""
    done = netloom(*words, "--help").ok()
    assert "Usage: netloom" in done.out
    assert done.err == ""


@pytest.mark.parametrize("name", resources.examples())
def test_check_finds_nothing_in_the_examples(name: str) -> None:
    """Exit code 0, one line."""
    done = netloom("check", name).ok()
    assert re.fullmatch(rf"{name}: no problems \(\d+ nodes, \d+ wires\)\n", done.out)
    assert netloom("check", name, "--json").ok().json == []


def test_nodes_lists_every_node_type() -> None:
    """As text and as JSON."""
    entries = netloom("nodes", "--json").ok().json
    assert {entry["name"] for entry in entries} >= {"Dense", "Conv2d", "Digits", "Adam"}
    assert {entry["name"] for entry in entries} <= set(REGISTRY)
    text = netloom("nodes").ok().out
    assert all(re.search(rf"\b{entry['name']}\b", text) for entry in entries)


def test_the_page_of_node_types_is_current() -> None:
    """docs/nodes.md is what the command writes; every node type is on it, in a row of its own."""
    page = netloom("nodes", "--markdown").ok().out
    assert page.splitlines() == NODES.read_text("utf-8").splitlines(), REFRESH
    named = re.findall(r"^\| [^|]*`(\w+)` \|", page, re.MULTILINE)
    assert named == [entry["name"] for entry in netloom("nodes", "--json").ok().json]


def test_examples_are_listed_and_found() -> None:
    """Every shipped example with what it reaches; its file."""
    text = netloom("examples").ok().out
    assert all(name in text for name in resources.examples())
    file = Path(netloom("examples", "--path", "digits-cnn").ok().out.strip())
    assert json.loads(file.read_text("utf-8"))["training"]["split"]["validation"] == 0.2


def test_info_names_versions_and_folders(tmp_path: Path) -> None:
    """As JSON, and as text with the same facts."""
    facts = netloom("info", "--json", "--workspace", tmp_path).ok().json
    assert facts["workspace"] == str(tmp_path)
    assert facts["versions"]["numpy"]
    assert all(0 <= done <= facts["kernels"] for done in facts["compiled"].values())
    text = netloom("info", "--workspace", tmp_path, NETLOOM_CACHE=str(tmp_path)).ok().out
    assert str(tmp_path) in text
    assert f"numpy {facts['versions']['numpy']}" in text


def test_render_writes_pictures_that_hold_the_graph(tmp_path: Path) -> None:
    """A PNG whose size follows the scale, an SVG that is XML; without a display."""
    small, large, vector = (tmp_path / name for name in ("a.png", "b.png", "c.svg"))
    netloom("render", "digits-cnn", "-o", small).ok()
    netloom("render", "digits-cnn", "-o", large, "--scale", 2, "--theme", "light").ok()
    netloom("render", "digits-cnn", "-o", vector).ok()
    sizes = [struct.unpack(">II", file.read_bytes()[16:24]) for file in (small, large)]
    assert sizes[1] == tuple(2 * length for length in sizes[0])
    assert "conv1" in "".join(ElementTree.parse(vector).getroot().itertext())


def imported(*words: object) -> set[str]:
    """Names of all modules that a command loads."""
    python, *rest = command(*words)
    done = subprocess.run(
        [python, "-X", "importtime", *rest],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split("|")[-1].strip() for line in done.stderr.splitlines()}


def test_what_only_looks_starts_lean() -> None:
    """Listing node types loads no kernels, windows, arrays or peers."""
    heavy = {"numba", "llvmlite", "PySide6", "pyarrow", "sklearn", "torch", "rich", "numpy"}
    assert heavy & imported("nodes", "--json") == set()


def test_training_starts_lean(tmp_path: Path) -> None:
    """Training digits as JSON loads no compiler, window, tables or rich text."""
    words = ("train", "digits-mlp", "--epochs", 1, "--json", "--workspace", tmp_path, *DEVICE)
    heavy = {"numba", "PySide6", "pyarrow", "sklearn", "torch", "rich", "PIL", "scipy"}
    assert heavy & imported(*words) == set()


def test_a_forecast_is_told_before_anything_runs(tmp_path: Path) -> None:
    """Each node, the run and its memory; the machine is measured when nobody has yet."""
    told = json.loads(netloom("forecast", "moons-mlp", "--json", cwd=tmp_path).ok().out)
    assert {node["path"] for node in told["nodes"]} >= {"hidden1", "adam"}
    assert 0 < told["step"] < told["epoch"] < told["run"]
    assert told["measured_step"] is None
    assert sum(told["memory"].values()) > 10_000_000
    assert not (tmp_path / ".netloom").exists()
