"""Lines of exported files know the nodes they come from."""

from dataclasses import replace
from typing import cast

import pytest

import resources
from graph.edits import SetOp
from graph.export.export import Target, export, export_lines
from graph.files import load
from graph.graph import Graph
from graph.ops.dense import Dense

TARGETS: tuple[Target, ...] = ("pytorch", "numpy")


def drawn(name: str) -> Graph:
    return load(resources.example_path(name))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["digits-cnn", "digits-mlp", "moons-mlp"])
def test_every_node_has_lines_and_no_line_has_strangers(name: str, target: Target) -> None:
    graph = drawn(name)
    lines = export_lines(graph, target)
    assert {path for line in lines for path in line.paths} == {node.id for node in graph}
    assert "\n".join(lines) + "\n" == export(graph, target)


def test_a_line_names_all_nodes_written_into_it() -> None:
    lines = export_lines(drawn("digits-cnn"), "pytorch")
    [line] = [line for line in lines if "F.max_pool2d" in line]
    assert line.paths == {"conv2", "relu2", "pool"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_changed_setting_changes_only_lines_of_its_node(target: Target) -> None:
    graph = drawn("digits-mlp")
    before = export_lines(graph, target)
    hidden = cast("Dense", graph.node("hidden").op)
    SetOp("hidden", replace(hidden, units=33)).apply(graph)
    changed = [line for line in export_lines(graph, target) if line not in before]
    assert changed
    assert all(line.paths for line in changed)
    assert {"hidden", "scores"} >= {path for line in changed for path in line.paths}
