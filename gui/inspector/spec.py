"""Settings as the inspector edits them: text from a value, a value from text, one step up or down.

No Qt. A `Spec` is read off a node type; the training section has specs of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from graph.formula import FormulaError, number
from graph.op import Op, Setting, SettingError, annotation, settings_of
from graph.setting_kinds import alternatives

Editor = Literal["toggle", "choice", "numbers", "path", "names", "text", "fixed"]

MIXED = "–"  # what a field shows where the chosen nodes differ
TIMES = re.compile(r"[×,]|(?<![A-Za-z])[xX](?![A-Za-z])")
_WHOLE = re.compile(r"[+-]?\d{1,19}")
_WINDOWS = frozenset({"kernel", "window"})  # one number stands for two equal sides
_EMPTY = re.compile(r"(?:free|empty): ([^;]+)")
_NUMBERS = frozenset({"int", "float"})


@dataclass(frozen=True)
class Spec:
    """One setting: its rule, its kind as declared, and its default."""

    name: str
    rule: Setting
    kind: str
    default: Any

    @property
    def label(self) -> str:
        """What people call it: "Learning rate"."""
        text = self.rule.called(self.name)
        return text[:1].upper() + text[1:]

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The kinds it may be of: `int`, `tuple[int, int]`, `None` …"""
        return tuple(part.strip() for part in alternatives(self.kind))

    @cached_property
    def numeric(self) -> bool:
        """Whether its value can be a number or several."""
        return any(p in _NUMBERS or p.startswith(("tuple[int", "tuple[float")) for p in self.parts)

    @cached_property
    def editor(self) -> Editor:
        """The kind of field that edits it."""
        if self.parts == ("bool",):
            return "toggle"
        if self.numeric:
            return "numbers"
        if self.rule.choices:
            return "choice"
        if self.parts in (("tuple[str, ...]",), ("tuple[tuple[str, str], ...]",)):
            return "names"
        if "str" not in self.parts:
            return "fixed"
        return "path" if self.name == "path" else "text"

    @cached_property
    def hint(self) -> str:
        """What an empty field stands for, where the help says so: "the kernel"."""
        found = _EMPTY.search(self.rule.help)
        return found.group(1).strip() if found else ""

    @cached_property
    def limits(self) -> str:
        """The bounds in words: "1 to 1,024", "above 0", "" without any."""
        rule = self.rule
        if rule.min is not None and rule.max is not None:
            return f"{brief(rule.min)} to {brief(rule.max)}"
        words = (
            ("at least", rule.min),
            ("above", rule.above),
            ("at most", rule.max),
            ("below", rule.below),
        )
        return ", ".join(f"{word} {brief(bound)}" for word, bound in words if bound is not None)


_LAST = {"toggle": 1, "fixed": 2}
_SPECS: dict[type[Op], tuple[Spec, ...]] = {}


def specs_of(op: type[Op]) -> tuple[Spec, ...]:
    """The settings of a node type in the panel's order: switches late, what is only shown last."""
    if op not in _SPECS:
        node = op()
        found = [
            Spec(name, rule, annotation(op, name), getattr(node, name))
            for name, rule in settings_of(op).items()
            if rule.shown
        ]
        _SPECS[op] = tuple(sorted(found, key=lambda spec: _LAST.get(spec.editor, 0)))
    return _SPECS[op]


def brief(value: float) -> str:
    """A bound or a count: 65,536 or 0.5 or 1e-8."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return plain(value)


def plain(value: float) -> str:
    """A number such that reading it gives the same number, with few letters: 0.001, 6e-4."""
    if isinstance(value, int):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{Decimal(repr(value)).normalize():e}".replace("e+", "e")
    return repr(value).removesuffix(".0")


def shown(spec: Spec, value: Any) -> str:
    """A value as its field shows it, without the unit: "3 × 3", "1e-8", "age, city"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        paired = spec.name in _WINDOWS and "tuple[int, int]" in spec.parts
        return f"{value} × {value}" if paired else plain(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return ", ".join(": ".join(pair) for pair in value)
        if value and isinstance(value[0], str):
            return ", ".join(value)
        return " × ".join(plain(part) for part in value)
    return str(value)


def words(spec: Spec, value: Any) -> str:
    """A value in a sentence: "64", "3 × 3 px", "nothing"."""
    text = shown(spec, value)
    unit = f" {spec.rule.unit}" if spec.rule.unit and text else ""
    return text + unit or spec.hint or "nothing"


def tip(spec: Spec) -> str:
    """What a setting does, its bounds and its default."""
    parts = [f"{spec.rule.help}."]
    if spec.limits:
        unit = f" {spec.rule.unit}" if spec.rule.unit else ""
        parts.append(f"{spec.limits[:1].upper()}{spec.limits[1:]}{unit}.")
    if spec.editor != "fixed":
        parts.append(f"Default: {words(spec, spec.default)}.")
    return " ".join(parts)


def message(error: SettingError, name: str = "") -> str:
    """What is wrong, as one sentence; it names the setting when it is not the one at hand."""
    start = f"{error.name}: found" if name and error.name != name else "Found"
    return f"{start} {error.found}, expected {error.expected}"


def read(spec: Spec, text: str) -> Any:
    """The value that `text` stands for; raises SettingError. The node type checks the bounds."""
    text = text.strip()
    if spec.editor == "names":
        return _names(spec, text)
    if not spec.numeric:
        return text
    if not text:
        return _nothing(spec)
    known = {choice.casefold(): choice for choice in spec.rule.choices}
    if text.casefold() in known:
        return known[text.casefold()]
    unit = spec.rule.unit
    if unit and text.casefold().endswith(unit.casefold()):
        text = text[: -len(unit)].rstrip()
    return _numbers(spec, text)


def _names(spec: Spec, text: str) -> tuple[Any, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if spec.parts == ("tuple[str, ...]",):
        return words
    pairs = [tuple(part.strip() for part in word.rpartition(":")[::2]) for word in words]
    for word, (name, kind) in zip(words, pairs, strict=True):
        if not (name and kind):
            raise SettingError(spec.name, repr(word), "a name, a colon and a type")
    return tuple(pairs)


def _nothing(spec: Spec) -> Any:
    if "None" in spec.parts:
        return None
    if any(part.endswith(", ...]") for part in spec.parts):
        return ()
    expected = spec.limits or "a number"
    raise SettingError(spec.name, "nothing", expected)


def _numbers(spec: Spec, text: str) -> Any:
    tuples = [part for part in spec.parts if part.startswith("tuple[")]
    texts = [part.strip() for part in TIMES.split(text)] if tuples else [text]
    values = tuple(_number(spec, part) for part in texts)
    if len(set(values)) == 1 and _NUMBERS & set(spec.parts):
        return values[0]
    if not tuples:
        return values[0]
    inner = tuples[0][6:-1]
    if inner.endswith("..."):
        return values
    wanted = inner.count(",") + 1
    if len(values) == 1:
        return values * wanted
    if len(values) != wanted:
        raise SettingError(spec.name, f"{len(values)} numbers", f"1 or {wanted}")
    return values


def _number(spec: Spec, text: str) -> int | float:
    whole = not any("float" in part for part in spec.parts)
    if whole and _WHOLE.fullmatch(text):
        return int(text)
    if not text:
        raise SettingError(spec.name, "nothing", "a number")
    try:
        value = number(text)
    except FormulaError as error:
        words = f"{error.found} at character {error.position}"
        choices = ", ".join(spec.rule.choices)
        expected = f"a number, or {choices}" if choices else error.expected
        raise SettingError(spec.name, words, expected) from None
    if not whole:
        return value
    if not value.is_integer():
        raise SettingError(spec.name, plain(value), "a whole number")
    return int(value)
