"""Values as text and back, and steps; no window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.op import REGISTRY, SettingError
from gui.inspector.spec import Spec, message, plain, read, shown, specs_of
from gui.inspector.stepping import stepped


def spec(type_name: str, name: str) -> Spec:
    """A setting of a node type."""
    return next(s for s in specs_of(REGISTRY[type_name]) if s.name == name)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_it_was(value: float) -> None:
    """Every float, to the last bit."""
    assert read(spec("Adam", "learning_rate"), plain(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (6e-4, "6e-4"), (1e-8, "1e-8"), (1.0, "1"), (0.0, "0"), (2e7, "2e7")],
)
def test_numbers_have_few_letters(value: float, text: str) -> None:
    """As people write them."""
    assert plain(value) == text


@pytest.mark.parametrize(("type_name"), sorted(set(REGISTRY)))
def test_defaults_read_back(type_name: str) -> None:
    """What a field shows for the default stands for the default."""
    for one in specs_of(REGISTRY[type_name]):
        if one.editor in ("numbers", "text", "names", "path"):
            assert read(one, shown(one, one.default)) == one.default


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (("Conv2d", "filters"), "2*64", 128),
        (("Conv2d", "filters"), "max(3, 4)", 4),
        (("ToyData", "seed"), str(2**63 - 1), 2**63 - 1),
        (("Adam", "learning_rate"), "1e-3/2", 5e-4),
        (("Conv2d", "padding"), "valid", "valid"),
        (("Conv2d", "padding"), "1x2", (1, 2)),
        (("MaxPool2d", "stride"), "", None),
        (("Input", "shape"), "1, 28, 28", (1, 28, 28)),
        (("Input", "shape"), "7", (7,)),
        (("Input", "shape"), "", ()),
        (("Adam", "trains"), "conv1, dense1,", ("conv1", "dense1")),
        (
            ("Table", "types"),
            "age: number, a:b: category",
            (("age", "number"), ("a:b", "category")),
        ),
    ],
)
def test_text_stands_for_a_value(setting: tuple[str, str], text: str, value: object) -> None:
    """Expressions, sides, words, lists."""
    assert read(spec(*setting), text) == value


@pytest.mark.parametrize(
    ("setting", "text", "says"),
    [
        (("Conv2d", "kernel"), "1×2×3", "Found 3 numbers, expected 1 or 2"),
        (("Conv2d", "padding"), "sane", "Found 'sane' at character 1, expected a number, or same"),
        (("Adam", "learning_rate"), "__import__", "Found '_' at character 1"),
        (("Adam", "learning_rate"), "9**9**9", "at character"),
        (("Table", "types"), "age", "Found 'age', expected a name, a colon and a type"),
    ],
)
def test_text_that_stands_for_nothing(setting: tuple[str, str], text: str, says: str) -> None:
    """Found and expected."""
    one = spec(*setting)
    with pytest.raises(SettingError) as caught:
        read(one, text)
    assert says in message(caught.value, one.name)


@pytest.mark.parametrize(
    ("setting", "value", "count", "then"),
    [
        (("Conv2d", "filters"), 1, -5, 1),
        (("Conv2d", "filters"), 65_530, 10, 65_536),
        (("Conv2d", "kernel"), (3, 5), 2, (5, 7)),
        (("MaxPool2d", "stride"), None, 1, 1),
        (("Conv2d", "padding"), "same", 3, "same"),
        (("Dropout", "p"), 0.5, 1, 0.51),
        (("Adam", "beta2"), 0.999, 1, 0.9991),
        (("Adam", "learning_rate"), 0.001, 1, 0.0011),
        (("Adam", "learning_rate"), 0.00099, 1, 0.001),
        (("Adam", "learning_rate"), 0.001, -1, 0.00099),
        (("Adam", "weight_decay"), 0.0, 1, 1e-4),
        (("Adam", "weight_decay"), 0.0, -1, 0.0),
    ],
)
def test_a_step(setting: tuple[str, str], value: object, count: int, then: object) -> None:
    """By one, or by a tenth of the leading digit, within the bounds."""
    assert stepped(spec(*setting), value, count) == then


@given(st.floats(1e-9, 1.0), st.integers(-300, 300))
def test_steps_stay_within_the_bounds(value: float, count: int) -> None:
    """Any start and number of steps gives a value that the node type takes."""
    value = min(value, 0.999)
    type(REGISTRY["Dropout"]())(p=stepped(spec("Dropout", "p"), value, count))
