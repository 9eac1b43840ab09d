"""`.loom` files: what is saved loads as the same; what is damaged is refused in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from damaged_files import mutants, try_one
from drawn import defined, digits_mlp, drawn
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_graph
from random_graphs import training_graphs

from graph import files
from graph.drawing import same
from graph.files import dumps, load, loads, save
from graph.graph import Frame, Graph, Node, Note
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from graph.ops.structure import Input, Output
from graph.ops.table import Table
from graph.placeholder import Placeholder
from graph.schema import Column, Schema
from graph.subgraph import Subgraph
from graph.validator import FileError

ROOT = Path(__file__).resolve().parents[2]


@hypothesis_settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(0, 80))
def test_any_graph_survives_the_file(seed: int, edits: int) -> None:
    """Load gives the same graph, and saving that gives the same bytes."""
    graph = random_graph(Random(seed), edits)
    text = dumps(graph)
    assert same(loads(text), graph)
    assert dumps(loads(text)) == text


@hypothesis_settings(max_examples=50)
@given(training_graphs())
def test_training_graphs_survive_the_file(graph: Graph) -> None:
    """The graphs that other tests train, likewise."""
    assert same(loads(dumps(graph)), graph)


def test_the_text_of_a_file() -> None:
    """Sorted keys, one setting a line, wires by name: this is what a diff shows."""
    graph = drawn({"in": Input((3,)), "a": Dense(units=4)}, "in.y -> a.x")
    graph.set_node(Node("a", Dense(units=4), "Größe", 10.0, -2.5, frozen=True))
    graph.frames["f"] = Frame("f", "Kopf", ("a",))
    graph.notes["n"] = Note("n", "one\ntwo")
    lines = dumps(graph).splitlines(keepends=True)
    assert lines[-1] == "}\n"
    assert '  "netloom": 1,\n' in lines
    text = "".join(lines)
    assert '"name": "Größe"' in text
    node = text[text.index('    "a": {') : text.index('    "in"')]
    assert node == (
        '    "a": {\n'
        '      "at": [10.0, -2.5],\n'
        '      "frozen": true,\n'
        '      "name": "Größe",\n'
        '      "settings": {\n'
        '        "bias": true,\n'
        '        "factor": 1.0,\n'
        '        "init": "he_uniform",\n'
        '        "init_value": 0.1,\n'
        '        "max_norm": null,\n'
        '        "tie": "",\n'
        '        "transposed": false,\n'
        '        "units": 4\n'
        "      },\n"
        '      "type": "Dense"\n'
        "    },\n"
    )
    assert '  "wires": [\n    "in.y -> a.x"\n  ]\n' in text


def test_settings_at_their_default_are_written() -> None:
    """So that another default in a later version does not change what the file means."""
    settings = json.loads(dumps(drawn({"a": Dense()})))["nodes"]["a"]["settings"]
    start = {"factor": 1.0, "init": "he_uniform", "init_value": 0.1, "max_norm": None}
    assert settings == {"units": 64, "bias": True, **start, "tie": "", "transposed": False}


def test_a_schema_is_kept() -> None:
    """Nested values of a data node come back as they were."""
    columns = (Column("age"), Column("town", "category", ("Oslo", "Łódź")))
    table = Table(path="a.csv", types=(("age", "number"),), schema=Schema(columns, 99, "town"))
    graph = drawn({"table": table})
    assert loads(dumps(graph)).node("table").op == table


def test_opening_reads_nothing_that_is_named(tmp_path: Path) -> None:
    """A pipe nobody writes to would block whoever opens it."""
    os.mkfifo(tmp_path / "trap")
    save(drawn({"table": Table(path=str(tmp_path / "trap"))}), tmp_path / "a.loom")
    assert load(tmp_path / "a.loom").node("table").op.path == str(tmp_path / "trap")


def test_unknown_types_keep_settings_and_wires() -> None:
    """A node of a package that is not here is saved as it came."""
    record = json.loads(dumps(drawn({"a": ReLU(), "b": ReLU()}, "a.y -> b.x")))
    record["nodes"]["warp"] = {
        "type": "Warp",
        "settings": {"deep": [{"x": None}], "rate": 2},
        "at": [1.0, 2.0],
    }
    record["wires"] += ["b.y -> warp.first", "warp.out -> a.x"]
    record["wires"].sort(key=lambda wire: wire.split(" -> ")[1])
    graph = loads(json.dumps(record))
    assert isinstance(graph.node("warp").op, Placeholder)
    assert json.loads(dumps(graph)) == record
    graph.drop_wire(graph.wires_in("warp")[0])
    again = loads(dumps(graph))
    assert [port.name for port in again.ports_in("warp")] == ["first"]


def damaged(**changes: Any) -> str:
    """The file of a classifier with some of its top values replaced."""
    return json.dumps({**json.loads(dumps(digits_mlp())), **changes})


def in_nodes(id: str, **changes: Any) -> str:
    """The file of a classifier with changes in one node."""
    record = json.loads(dumps(digits_mlp()))
    record["nodes"].setdefault(id, {}).update(changes)
    return json.dumps(record)


def cyclic() -> str:
    """A file whose definitions contain each other."""
    root = defined(Graph(), "a", {"x": ReLU()})
    defined(root, "b", {"x": Subgraph("a")})
    record = json.loads(dumps(root))
    old, new = json.dumps(record), '"settings": {"definition": "b"}, "type": "Subgraph"'
    return old.replace('"settings": {}, "type": "ReLU"', new)


CLASSIFIER = dumps(digits_mlp())
DAMAGE = [
    (CLASSIFIER[:300], "line 17, column", "expected JSON"),
    ("", "found its end", "expected JSON"),
    ("[]", "found a list of 0", "choose a .loom file"),
    ('{"nodes": {}}', "no 'netloom' version", "choose a .loom file"),
    (damaged(netloom=7), "made by a newer Netloom (version 7)", "at most 1: update Netloom"),
    (damaged(netloom="1"), "netloom: found '1'", "at most 1"),
    (damaged(netloom=True), "netloom: found true", "at most 1"),
    (CLASSIFIER.replace('"nodes"', '"nodes": {}, "nodes"'), "the key 'nodes' twice", "once"),
    (CLASSIFIER.replace("[200.0", "[NaN", 1), "nodes.flat.at[0]: found nan", "a finite number"),
    (CLASSIFIER.replace("[200.0", "[1e999", 1), "nodes.flat.at[0]: found inf", "a finite number"),
    (CLASSIFIER.replace("32", "9" * 5000, 1), "a huge number", "below 2⁶³"),
    (
        CLASSIFIER.replace("32", "1" + "0" * 25, 1),
        "dense1.settings.units: found a huge number",
        "2⁶³",
    ),
    ('{"a":' * 100_000, "nested deeper", "at most 40 levels"),
    ("[" * 100_000 + "]" * 100_000, "nested deeper", "at most 40 levels"),
    (damaged(extra=1), "the unknown key 'extra'", "one of: definitions, dots, exposed"),
    (damaged(nodes=[]), "nodes: found a list of 0", "an object"),
    (damaged(wires={}), "wires: found an object", "a list of wires"),
    (damaged(wires=["a - b"]), "wires[0]: found 'a - b'", "a wire such as"),
    (damaged(wires=["gone.y -> flat.x"]), "a wire at the node 'gone'", "remove the wire"),
    (damaged(wires=["flat.z -> dense1.x"]), "a wire at the output 'z' of flat", "expected y"),
    (damaged(wires=["flat.y -> dense1.q"]), "a wire at the input 'q' of dense1", "expected x"),
    (
        damaged(wires=["flat.y -> dense1.x", "relu1.y -> dense1.x"]),
        "a second wire at dense1.x",
        "one wire",
    ),
    (
        in_nodes("dense1", settings={"units": 10**9}),
        "dense1.settings.units: found 1e+09",
        "at most",
    ),
    (in_nodes("dense1", settings={"units": 2.5}), "units: found 2.5", "a whole number"),
    (in_nodes("dense1", settings={"units": "4"}), "units: found '4'", "a whole number"),
    (in_nodes("dense1", settings={"unit": 4}), "the unknown key 'unit'", "of: bias, factor, "),
    (in_nodes("dense1", settings={"bias": 1}), "bias: found 1", "true or false"),
    (in_nodes("dense1", settings={"init": "x"}), "init: found 'x'", "one of he_uniform"),
    (in_nodes("dense1", at=[1]), "nodes.dense1.at: found a list of 1", "a list of 2"),
    (in_nodes("dense1", at=[1e300, 0]), "nodes.dense1: found 1e+300", "onto the canvas"),
    (in_nodes("dense1", name="a\nb"), "nodes.dense1: found the name 'a\\nb'", "one line"),
    (in_nodes("dense1", name="\ud800"), "nodes.dense1.name: found half a character", "text"),
    (in_nodes("dense1", name="x" * 300), "a text of 300 characters", "at most 200"),
    (in_nodes("a/b", type="ReLU"), "found the id 'a/b'", "letters, digits"),
    (in_nodes("x", type="Subgraph", settings={"definition": "no"}), "'no'", "define it first"),
    (in_nodes("x", settings={}), "nodes.x: found no 'type'", "add it"),
    (cyclic(), "definitions in a cycle", "none inside itself"),
    (damaged(training={"epochs": 0}), "training.epochs: found 0", "at least 1"),
    (damaged(training={"split": {"test": 2}}), "training.split.test: found 2", "less than 1"),
    (damaged(frames={"f": {"title": "t"}}), "frames.f: found no 'at'", "add it"),
    (damaged(notes={"flat": {"text": "", "at": [0, 0], "width": 1}}), "the id 'flat'", "one"),
]


@pytest.mark.parametrize(("text", "found", "expected"), DAMAGE, ids=range(len(DAMAGE)))
def test_damage_is_refused_in_one_line(text: str, found: str, expected: str) -> None:
    """Place, found, expected, remedy."""
    with pytest.raises(FileError) as caught:
        loads(text)
    message = str(caught.value)
    assert found in message
    assert expected in message
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    assert ": " in message.split("expected ", 1)[1], "no remedy"


def test_500_damaged_files() -> None:
    """No crash, no traceback; what still loads is whole. More: tests/model/fuzz_files.py."""
    found = mutants(1)
    loaded = sum(try_one(next(found)) for _ in range(500))
    assert 0 < loaded < 400


def full_disk(handle: int) -> None:
    """Stands for `fsync` on a disk without space."""
    raise OSError(28, "No space")


def test_saving_replaces_the_file_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure in between leaves the old file and nothing else; permissions and links stay."""
    path, link = tmp_path / "a.loom", tmp_path / "link.loom"
    save(digits_mlp(), path)
    path.chmod(0o640)
    link.symlink_to(path)
    old, number = path.read_bytes(), path.stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(
            files.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space"))
        )
        with pytest.raises(FileError, match=r"a\.loom: found no space, expected a place"):
            save(Graph(), path)
    assert path.read_bytes() == old
    assert sorted(os.listdir(tmp_path)) == ["a.loom", "link.loom"]
    save(Graph(), link)
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["a.loom", "link.loom"]
    assert same(load(path), Graph())
    assert path.stat().st_ino != number, "written in place"
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    """Folders, pipes, missing files, other encodings, files that are too large."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes("{'é'}".encode("latin-1"))
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(200 * 2**20)
    for name, words in [
        ("none", "none: found no such file"),
        (".", "found is a directory"),
        ("pipe", "pipe: found no ordinary file"),
        ("latin", "latin: byte 2: found no UTF-8"),
        ("huge", "huge: found 209,715,200 bytes, expected at most"),
    ]:
        with pytest.raises(FileError, match=words):
            load(tmp_path / name)


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    """Some editors put one in front."""
    (tmp_path / "a.loom").write_text(CLASSIFIER, encoding="utf-8-sig")
    assert same(load(tmp_path / "a.loom"), digits_mlp())


HUNGRY = """
import resource, sys
from graph.files import loads
from graph.validator import FileError
import graph.records
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
text = sys.argv[1] * int(sys.argv[2])
try:
    loads(text)
except FileError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("part", ["[", "[],", "{},", '{"a":', "0,", '"', "9"])
def test_hostile_text_costs_bounded_memory(part: str) -> None:
    """30 MB of the worst JSON: refused, in less than 400 MB."""
    count = 30 * 2**20 // len(part)
    script = HUNGRY.replace("text = ", "text = '[' + ")
    done = subprocess.run(
        [sys.executable, "-c", script, part, str(count)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    message, megabytes = done.stdout.splitlines()
    assert "expected" in message
    factor = 1 if sys.platform != "darwin" else 1024  # there it is counted in bytes
    assert int(megabytes) // factor < 400


def test_an_old_version_is_brought_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each migration makes the next version; the file of today is version 1."""
    monkeypatch.setattr(files, "VERSION", 3)
    monkeypatch.setitem(files.MIGRATIONS, 1, lambda old: {**old, "nodes": old["boxes"]})
    monkeypatch.setitem(files.MIGRATIONS, 2, lambda old: {"netloom": 3, "nodes": old["nodes"]})
    boxes = json.loads(CLASSIFIER)["nodes"]
    found = loads(json.dumps({"netloom": 1, "boxes": boxes}))
    assert sorted(found.net) == sorted(digits_mlp().net)


def test_ports_of_a_definition_keep_their_order() -> None:
    """As people count; where they stand on the canvas says nothing."""
    root = defined(Graph(), "pair", {f"in{k}": Input() for k in (10, 9, 1)} | {"y": Output()})
    root.set_node(Node("pair1", Subgraph("pair")))
    again = loads(dumps(root))
    assert [port.name for port in again.ports_in("pair1")] == ["in1", "in9", "in10"]
