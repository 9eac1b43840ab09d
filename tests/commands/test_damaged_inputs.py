"""Damaged graphs and data: one line that says what was found, exit code 1 or 2, nothing lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from command import DEVICE, Done, command, environment, netloom

from compute.runs import Workspace

EXAMPLES = Path(__file__).resolve().parents[2] / "resources" / "examples"
MEMORY = 700 * 2**20  # bytes that a refused input may cost at most

Graph = dict[str, Any]


def example(name: str) -> Graph:
    """An example as JSON."""
    return json.loads((EXAMPLES / f"{name}.loom").read_text("utf-8"))


def changed(name: str, change: Callable[[Graph], object]) -> bytes:
    """An example after a change, as file bytes."""
    graph = example(name)
    change(graph)
    return json.dumps(graph).encode()


def unwired(graph: Graph, target: str) -> None:
    """Without the wires that end at a port, `node.port`."""
    graph["wires"] = [wire for wire in graph["wires"] if not wire.endswith(f"-> {target}")]


def table(folder: Path, content: bytes, **settings: object) -> Path:
    """A graph that learns from a CSV file beside it, not looked at yet."""
    (folder / "data.csv").write_bytes(content)
    graph = example("table-regression")
    given = graph["nodes"]["patients"]["settings"]
    given |= {"path": "data.csv", "target": "y", "types": []} | settings
    del given["schema"]
    file = folder / "net.loom"
    file.write_text(json.dumps(graph), "utf-8")
    return file


# Starts a command and notes its peak memory. A small process between, because the peak of a new
# process begins at that of the one that starts it, and a test run is large.
RELAY = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss * 1024))
process.returncode = os.waitstatus_to_exitcode(status)
sys.exit(process.returncode)
"""


def measured(commands: Sequence[tuple[object, ...]], folder: Path) -> Iterator[tuple[Done, int]]:
    """How commands ended that run side by side, and their peak memory in bytes."""
    started = []
    for number, words in enumerate(commands):
        out, err, peak = (folder / f"{name}{number}.txt" for name in ("out", "err", "peak"))
        relayed = [sys.executable, "-c", RELAY, str(peak), *command(*words)]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(relayed, env=environment(), stdout=stdout, stderr=stderr)
        started.append((process, out, err, peak))
    for process, out, err, peak in started:
        code = process.wait()
        yield Done(code, out.read_text(), err.read_text()), int(peak.read_text())


def refused(file: Path, says: str, folder: Path) -> None:
    """`check` and `train` name the fault in one line; file and workspace stay as they were."""
    before = file.read_bytes()
    place = folder / "workspace"
    words = [("check", file), ("train", file, "--workspace", place, *DEVICE)]
    checked, trained = measured(words, folder)
    for done, memory in (checked, trained):
        told = done.err or done.out
        assert done.code in (1, 2), told
        assert says in told
        assert "Traceback" not in told
        assert len(done.err.splitlines()) <= 1
        assert memory < MEMORY
    assert trained[0].code == 2
    assert file.read_bytes() == before
    assert Workspace(place).records() == []


ROWS = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (k, k % 7, 3 * k) for k in range(40))


@pytest.mark.parametrize(
    ("content", "settings", "says"),
    [
        (ROWS + b"1,2\n", {}, "line 42: found 2 values, expected 3"),
        (ROWS + b'1,"2,3\n', {}, "quote"),
        (b"a,b,y\n" + b"1,nan,2\n" * 30, {}, "column 'b': found no value at all"),
        (ROWS.replace(b"5,5,15", b"5,5,"), {}, "column 'y': found no value"),
        (ROWS.replace(b"5,5,15", b"5,oh,15"), {}, "line 7, column 'b': found 'oh'"),
        (ROWS.replace(b"5,5,15", b"5,1e999,15"), {}, "finite"),
        (b"a,b,y\n" + b"1,2,yes\n" * 30, {}, "only the class 'yes'"),
        (ROWS, {"target": "z"}, "no column 'z', expected one of a, b, y"),
        (b"a,a,y\n1,2,3\n", {}, "two columns named 'a'"),
        (b"a,b,y\n", {}, "no rows"),
        (b"", {}, "an empty file"),
        (b"a,b,y\n1,2,\xff\n", {"encoding": "utf-8"}, "not utf-8"),
        (b"\0" * 1000, {}, "zero bytes"),
        (ROWS, {"path": "other.csv"}, "no file 'other.csv'"),
        (ROWS, {"path": "../data.csv"}, "expected a file in the graph's folder"),
        (ROWS, {"path": "https://example.org/data.csv"}, "download it first"),
        (ROWS, {"delimiter": "::"}, "one character"),
    ],
)
def test_damaged_tables(
    content: bytes, settings: dict[str, object], says: str, tmp_path: Path
) -> None:
    """The line and the column are named."""
    refused(table(tmp_path, content, **settings), says, tmp_path)


def deep(levels: int) -> bytes:
    """A graph file with lists nested in a setting."""
    return b'{"netloom": 1, "nodes": ' + b"[" * levels + b"]" * levels + b"}"


GRAPHS: dict[str, tuple[bytes, str]] = {
    "truncated": ((EXAMPLES / "digits-mlp.loom").read_bytes()[:700], "expected JSON"),
    "empty": (b"", "expected JSON"),
    "future": (changed("digits-mlp", lambda g: g.update(netloom=99)), "newer Netloom"),
    "no graph": (b'{"name": "web app"}', "expected a Netloom graph"),
    "key twice": (b'{"netloom": 1, "netloom": 1, "nodes": {}}', "'netloom' twice"),
    "deep": (deep(100), "nested deeper"),
    "very deep": (deep(200_000), "nested deeper"),
    "not UTF-8": (b'{"netloom": "\xff"}', "UTF-8"),
    "NaN": (b'{"netloom": NaN, "nodes": {}}', "a finite number"),
    "huge number": (b'{"netloom": 1' + b"0" * 5000 + b"}", "huge number"),
    "unknown setting": (
        changed("digits-mlp", lambda g: g["nodes"]["hidden"]["settings"].update(unit=3)),
        "unit",
    ),
    "wrong kind": (
        changed("digits-mlp", lambda g: g["nodes"]["hidden"]["settings"].update(units="many")),
        "units",
    ),
    "out of range": (
        changed("digits-mlp", lambda g: g["nodes"]["hidden"]["settings"].update(units=10**9)),
        "at most 1",
    ),
    "wire from nowhere": (
        changed("digits-mlp", lambda g: g["nodes"].pop("relu")),
        "relu",
    ),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_damaged_graph_files(case: str, tmp_path: Path) -> None:
    """Refused before anything is built from them."""
    content, says = GRAPHS[case]
    file = tmp_path / "net.loom"
    file.write_bytes(content)
    refused(file, says, tmp_path)


def cycle(graph: Graph) -> None:
    """Wire the ReLU to the layer before it, in place of the data."""
    graph["wires"] = [wire.replace("flatten.y", "relu.y") for wire in graph["wires"]]


WRONG: dict[str, tuple[bytes, str]] = {
    "cycle": (changed("digits-mlp", cycle), "cycle"),
    "missing wire": (changed("digits-mlp", lambda g: unwired(g, "hidden.x")), "hidden"),
    "no target": (changed("digits-mlp", lambda g: unwired(g, "loss.target")), "loss"),
    "wrong shape": (
        changed("digits-mlp", lambda g: g["nodes"].update(flatten={"type": "ReLU", "at": [0, 0]})),
        "put a Flatten before it",
    ),
    "too large": (
        changed(
            "digits-cnn",
            lambda g: (
                g["nodes"]["hidden"]["settings"].update(units=1_000_000),
                g["nodes"]["conv2"]["settings"].update(filters=65_536),
            ),
        ),
        "make the layer smaller",
    ),
    "no optimizer": (
        changed("digits-mlp", lambda g: (g["nodes"].pop("adam"), unwired(g, "adam.loss"))),
        "optimizer",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_graphs_that_cannot_run(case: str, tmp_path: Path) -> None:
    """They load, and the node that is to blame is named."""
    content, says = WRONG[case]
    file = tmp_path / "net.loom"
    file.write_bytes(content)
    refused(file, says, tmp_path)


def test_a_folder_and_a_pipe_are_no_graphs(tmp_path: Path) -> None:
    """Neither is read, nor waited for."""
    folder, pipe = tmp_path / "a.loom", tmp_path / "b.loom"
    folder.mkdir()
    os.mkfifo(pipe)
    for file in (folder, pipe, tmp_path / "none.loom"):
        done = netloom("check", file)
        assert (done.code, len(done.err.splitlines())) == (2, 1)
        assert file.name in done.err


def test_a_damaged_workspace_is_named(tmp_path: Path) -> None:
    """Not a database: one line, and the file is left alone."""
    (tmp_path / "runs.sqlite").write_bytes(b"no database" * 100)
    done = netloom("runs", "list", "--workspace", tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert (tmp_path / "runs.sqlite").read_bytes() == b"no database" * 100
