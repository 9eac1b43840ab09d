"""The kinds that settings declare, as text, and whether a value is of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_KINDS: dict[str, Callable[[Any], bool]] = {
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "bool": lambda v: isinstance(v, bool),
    "str": lambda v: isinstance(v, str),
    "None": lambda v: v is None,
}


def is_kind(value: Any, kind: str) -> bool:
    """Whether a value is of one of the kinds that a setting declares."""
    return any(_is_one(value, part.strip()) for part in alternatives(kind))


def alternatives(kind: str, mark: str = "|") -> list[str]:
    """The kinds of a setting: `a | tuple[b | c, ...]` split at the bars outside brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(kind):
        depth += (letter == "[") - (letter == "]")
        if letter == mark and depth == 0:
            parts.append(kind[start:place])
            start = place + 1
    return [*parts, kind[start:]]


def _is_one(value: Any, kind: str) -> bool:
    if kind.startswith("tuple["):
        inner = kind[6:-1]
        if not isinstance(value, tuple):
            return False
        if inner.endswith(", ..."):
            return all(is_kind(v, inner[:-5]) for v in value)
        kinds = [part.strip() for part in alternatives(inner, ",")]
        return len(kinds) == len(value) and all(map(is_kind, value, kinds))
    test = _KINDS.get(kind)
    return test(value) if test else type(value).__name__ == kind
