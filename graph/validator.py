"""The one gate for text from outside: files, clipboard, journal, graphs inside pictures.

`parse` bounds what JSON may hold before anything is built from it; `decode` turns a JSON value into
a declared Python type (numbers, texts, choices, tuples, dataclasses) and accepts nothing else.
Every refusal is a FileError: the place, what was found, what was expected, what to do.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Set
from typing import Any, Literal, NoReturn, Union

from graph.op import SettingError
from graph.rules import shown

MAX_BYTES = 32 * 2**20  # of a file
MAX_VALUES = 2_000_000  # numbers, texts, lists and objects in it
MAX_NESTING = 40  # lists and objects inside each other
MAX_LETTERS = 1_000_000  # of one text
MAX_WHOLE = 2**63  # whole numbers stay below

Json = Any  # None, bool, int, float, str, list or dict of these


class FileError(ValueError):
    """Text that is not what Netloom writes: one line with place, found, expected, remedy."""

    def __init__(self, place: str, found: str, expected: str, remedy: str, file: str = "") -> None:
        self.place, self.found, self.expected = place, found, expected
        self.remedy, self.file = remedy, file
        where = "".join(f"{part}: " for part in (file, place) if part)
        # a newer file is named, not "found"
        start = found if found.startswith("made by") else f"found {found}"
        super().__init__(f"{where}{start}, expected {expected}: {remedy}")

    def within(self, place: str = "", file: str = "") -> FileError:
        """The same error, seen from the value that holds this one."""
        joined = self.place
        if place:
            joined = f"{place}.{self.place}" if self.place else place
        return FileError(joined, self.found, self.expected, self.remedy, file or self.file)


class _Twice:
    """Stands for an object that has a key twice, until the walk finds it and knows the place."""

    def __init__(self, key: str) -> None:
        self.key = key


def parse(text: str) -> Json:
    """The JSON value of `text`, within the bounds above. Raises FileError."""
    if len(text) > MAX_BYTES:
        raise FileError("", f"{len(text):,} letters", f"at most {MAX_BYTES:,}", "is it a graph?")
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise FileError("", "too many values", f"at most {MAX_VALUES:,}", "is it a graph?")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        found = shown(text[error.pos : error.pos + 20]) if error.pos < len(text) else "its end"
        expected = f"JSON ({error.msg[:1].lower()}{error.msg[1:]})"
        raise FileError(place, found, expected, "restore an undamaged copy") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # a whole number of thousands of digits
        raise FileError("", "a huge number", "numbers below 2⁶³", "correct it") from None
    _walk(value, "", 0)
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen = set[str]()
    return _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


def _constant(name: str) -> Json:
    return math.nan if name == "NaN" else math.inf


def _too_deep() -> FileError:
    expected = f"at most {MAX_NESTING} levels"
    return FileError("", "lists or objects nested deeper", expected, "restore an undamaged copy")


def _walk(value: Json, place: str, depth: int) -> None:
    """Refuse what JSON allows and no graph holds."""
    if depth > MAX_NESTING:
        raise _too_deep()
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, place)
            _walk(inner, inside(place, key), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(inner, f"{place}[{index}]", depth + 1)
    elif isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise FileError(place, f"{value}", "a finite number", "correct it")
    elif isinstance(value, int):
        if abs(value) >= MAX_WHOLE:
            raise FileError(place, "a huge number", "numbers below 2⁶³", "correct it")
    elif isinstance(value, _Twice):
        found = f"the key {shown(value.key)} twice"
        raise FileError(place, found, "each key once", "remove one of them")


def _check_text(text: str, place: str) -> None:
    if len(text) > MAX_LETTERS:
        found = f"a text of {len(text):,} letters"
        raise FileError(place, found, f"at most {MAX_LETTERS:,}", "shorten it")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        found = "half a character (a lone surrogate)"
        raise FileError(place, found, "text", "correct it")


def inside(place: str, key: str) -> str:
    """The place of a key: `nodes.dense1.settings.units`; odd keys are shortened and escaped."""
    word = key if key.isprintable() and 0 < len(key) <= 40 else shown(key, 40)
    return f"{place}.{word}" if place else word


def fail(place: str, value: Json, expected: str, remedy: str = "correct it") -> NoReturn:
    """Refuse a value."""
    raise FileError(place, describe(value), expected, remedy)


def describe(value: Json) -> str:
    """A JSON value in an error: short, on one line."""
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return shown(value)


def need_object(
    value: Json, place: str, *, keys: Set[str], required: Set[str] = frozenset()
) -> dict[str, Json]:
    """`value` as an object that has no other keys than `keys`, and all of `required`."""
    if not isinstance(value, dict):
        fail(place, value, "an object")
    for key in value:
        if key not in keys:
            known = ", ".join(sorted(keys)) or "none"
            found = f"the unknown key {shown(key)}"
            raise FileError(place, found, f"one of: {known}", "remove it, or update Netloom")
    for key in sorted(required):
        if key not in value:
            raise FileError(place, f"no {key!r}", "one", "add it, or restore an undamaged copy")
    return value


def decode(value: Json, hint: Any, place: str) -> Any:
    """The Python value of the type `hint` that `value` says. Raises FileError."""
    if not _fits(value, hint):
        fail(place, value, _words(hint))
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return decode(value, next(part for part in parts if _fits(value, part)), place)
    if origin is tuple:
        kinds = [parts[0]] * len(value) if parts[-1:] == (...,) else parts
        pairs = enumerate(zip(value, kinds, strict=True))
        return tuple(decode(one, kind, f"{place}[{k}]") for k, (one, kind) in pairs)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode_fields(value, hint, place)
    return float(value) if hint is float else value


def decode_fields(value: Json, cls: type[Any], place: str) -> Any:
    """An object as the dataclass `cls`; fields it lacks get their defaults."""
    hints = hints_of(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.name in hints}
    none = dataclasses.MISSING
    required = {n for n, f in fields.items() if f.default is none and f.default_factory is none}
    given = need_object(value, place, keys=set(fields), required=required)
    made = {key: decode(one, hints[key], inside(place, key)) for key, one in given.items()}
    try:
        return cls(**made)
    except SettingError as error:
        remedy = "correct it"
        raise FileError(inside(place, error.name), error.found, error.expected, remedy) from None


def encode(value: Any, hint: Any = None) -> Json:
    """The JSON value of a value that `decode` can read back as `hint`."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        outer = list(value) if isinstance(value, tuple) else value
        hint = next((part for part in typing.get_args(hint) if _fits(outer, part)), None)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name), h) for name, h in hints_of(type(value)).items()}
    if isinstance(value, tuple):
        parts = typing.get_args(hint) if typing.get_origin(hint) is tuple else ()
        kinds = parts if len(parts) == len(value) and parts[-1:] != (...,) else ()
        kind = parts[0] if parts and not kinds else None
        return [encode(one, kinds[k] if kinds else kind) for k, one in enumerate(value)]
    return float(value) if hint is float and not isinstance(value, bool) else value


_HINTS: dict[type[Any], dict[str, Any]] = {}


def hints_of(cls: type[Any]) -> dict[str, Any]:
    """The types of the fields of a dataclass by name; its class variables are no fields."""
    if cls not in _HINTS:
        hints = typing.get_type_hints(cls)
        _HINTS[cls] = {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}
    return _HINTS[cls]


def _fits(value: Json, hint: Any) -> bool:
    """Whether the outermost kind of `value` is the one that `hint` asks for."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(type(part) is type(value) and part == value for part in parts)
    if origin is tuple:
        return isinstance(value, list) and (parts[-1:] == (...,) or len(parts) == len(value))
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint in (bool, str, int):
        return type(value) is hint
    return dataclasses.is_dataclass(hint) and isinstance(value, dict)


def _words(hint: Any) -> str:
    """A type in an error: `a whole number`, `a list of 2`."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, parts))
    if origin is Literal:
        return "one of: " + ", ".join(map(str, parts))
    if origin is tuple:
        return "a list" if parts[-1:] == (...,) else f"a list of {len(parts)}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    if hint is None or hint is type(None):
        return "null"
    return names.get(hint, "an object")
