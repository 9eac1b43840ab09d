"""Every setting of every node type: bounds hold, and what is allowed survives a file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.catalog import plain
from graph.files import dumps, loads
from graph.graph import Graph, Node
from graph.op import REGISTRY, Op, Setting, SettingError, annotation, settings_of
from graph.schema import Column, Schema
from graph.subgraph import Defined, Scan, Subgraph
from tests.nodes.harness import samples

SETTINGS = {
    f"{op.__name__}.{name}": (op, name, rule)
    for op in REGISTRY.values()
    for name, rule in settings_of(op).items()
    if rule.shown  # the others hold values of settings inside, with the bounds of those
}


def kinds(op: type[Op], name: str) -> set[str]:
    """The words of a setting's annotation: {int, tuple} for `int | tuple[int, int]`."""
    return set(re.findall(r"\w+", annotation(op, name)))


NUMERIC = {k: v for k, v in SETTINGS.items() if kinds(*v[:2]) & {"int", "float"}}
CHOSEN = {k: v for k, v in SETTINGS.items() if v[2].choices}


def outside(op: type[Op], name: str, rule: Setting) -> list[Any]:
    """Numbers just beyond each bound of a setting."""
    whole = "float" not in kinds(op, name)
    small = 1 if whole else 1e-9
    found: list[Any] = [] if whole else [math.nan, math.inf, -math.inf]
    for bound, step in ((rule.min, -small), (rule.max, small), (rule.above, 0), (rule.below, 0)):
        if bound is not None:
            beyond = bound + (step * max(1.0, abs(bound)) if not whole else step)
            found.append(int(beyond) if whole else float(beyond))
    return found


def as_given(op: type[Op], name: str, number: Any) -> Any:
    """A number as the setting takes it: alone, or in a tuple where only tuples are taken."""
    return (number,) if annotation(op, name).startswith("tuple") else number


@pytest.mark.parametrize("name", NUMERIC)
def test_numeric_setting_is_bounded(name: str) -> None:
    """Every number has a least and a greatest value: no file can ask for 10⁹ units."""
    _, _, rule = NUMERIC[name]
    assert rule.min is not None or rule.above is not None
    assert rule.max is not None or rule.below is not None


@pytest.mark.parametrize("name", NUMERIC)
def test_number_out_of_range_is_refused(name: str) -> None:
    """The refusal names the setting, what was found and the bound."""
    op, setting_name, rule = NUMERIC[name]
    for number in outside(op, setting_name, rule):
        with pytest.raises(SettingError) as caught:
            op(**{setting_name: as_given(op, setting_name, number)})
        assert caught.value.name == setting_name
        assert str(caught.value).startswith(f"{setting_name}: found ")


@given(number=st.floats() | st.integers(), data=st.data())
def test_any_number_is_taken_or_refused_by_name(number: Any, data: st.DataObject) -> None:
    """No number makes anything but a node within its bounds or a SettingError."""
    op, name, rule = NUMERIC[data.draw(st.sampled_from(sorted(NUMERIC)))]
    given_value = as_given(op, name, number)
    with contextlib.suppress(SettingError):
        node = op(**{name: given_value})
        assert getattr(node, name) == given_value
        assert rule.min is None or number >= rule.min
        assert rule.max is None or number <= rule.max


@pytest.mark.parametrize("name", CHOSEN)
def test_unknown_choice_is_refused(name: str) -> None:
    """The refusal lists what may be chosen."""
    op, setting_name, rule = CHOSEN[name]
    with pytest.raises(SettingError) as caught:
        op(**{setting_name: "nonsense"})
    assert all(choice in str(caught.value) for choice in rule.choices)
    for choice in rule.choices:
        op(**{setting_name: choice})


@pytest.mark.parametrize("name", SETTINGS)
def test_value_of_another_kind_is_refused(name: str) -> None:
    """Neither an object nor, where no text is taken, a text gets in."""
    op, setting_name, _ = SETTINGS[name]
    wrong: list[Any] = [object(), b"", ["list"], {"key": 1}]
    if "str" not in kinds(op, setting_name):
        wrong.append("text")
    if "bool" not in kinds(op, setting_name):
        wrong.append(True)
    if "None" not in kinds(op, setting_name):
        wrong.append(None)
    for value in wrong:
        with pytest.raises(SettingError) as caught:
            op(**{setting_name: value})
        assert caught.value.name == setting_name


def nodes() -> dict[str, Op]:
    """One node of each type with its default settings, and one for each good sample."""
    made = {name: op() for name, op in REGISTRY.items() if not issubclass(op, Defined)}
    made["Subgraph"] = Subgraph(definition="block")
    made["Scan"] = Scan("block", "last", reverse=True, carry=(("h", "y"),), context=("c",))
    made |= {case: op(**sample.settings) for case, (op, sample) in samples().items()}
    columns = (Column("age"), Column("sex", "category", ("f", "m")), Column("id", "skipped"))
    made["Table filled"] = REGISTRY["Table"](
        path="a.csv", skip=("id",), types=(("age", "number"),), schema=Schema(columns, 9, "sex")
    )
    return made


@pytest.mark.parametrize("case", nodes())
def test_settings_survive_a_file(case: str) -> None:
    """Written to a graph file and read back, a node is equal to itself, and hashes alike."""
    node = nodes()[case]
    drawn = Graph()
    drawn.set_node(Node("node", node))
    if isinstance(node, Defined):
        drawn.definitions[node.definition] = Graph(definitions=drawn.definitions)
    read = loads(dumps(drawn)).node("node").op
    assert read == node
    assert hash(read) == hash(node)
    assert plain(node) == json.loads(json.dumps(dataclasses.asdict(node)))


@pytest.mark.parametrize(
    ("name", "settings", "wrong"),
    [
        ("Conv2d", {"stride": 2}, "padding"),
        ("Conv2d", {"padding": "mirror"}, "padding"),
        ("MaxPool2d", {"padding": 2}, "padding"),
        ("SGD", {"nesterov": True}, "nesterov"),
        ("Reshape", {"shape": (-1, -1)}, "shape"),
        ("Formula", {"formula": "x +"}, "formula"),
        ("Table", {"delimiter": ",,"}, "delimiter"),
        ("Table", {"types": (("age", "text"),)}, "types"),
        ("Table", {"target": "y", "skip": ("y",)}, "skip"),
    ],
)
def test_settings_that_clash_are_refused(name: str, settings: Any, wrong: str) -> None:
    """Settings that do not go together name the one to change."""
    with pytest.raises(SettingError) as caught:
        REGISTRY[name](**settings)
    assert caught.value.name == wrong
