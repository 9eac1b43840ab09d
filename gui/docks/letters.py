"""Sequences of symbols as people write them: the letters of a text, or digits. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from graph.graph import Graph
from graph.kinds import DataSource

SIGNS = {"line feed": "¶", "space": "·", "unknown": "×"}  # none of them is a letter of a text
Symbols = NDArray[np.int64]


def letters(names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes, those of the letters of a text as one sign each."""
    if not SIGNS.keys() <= set(names):
        return tuple(names)
    return tuple(SIGNS.get(name, name) for name in names)


def alphabet(graph: Graph | None, key: str) -> tuple[str, ...]:
    """The letters of a data node's output `node.port`; none where its samples are no symbols."""
    id, _, port = key.rpartition(".")
    if graph is None or id not in graph:
        return ()
    op = graph.node(id).op
    kind = op.sample_types().get(port) if isinstance(op, DataSource) else None
    if kind is None or kind.dtype != "int" or len(kind.shape) != 1:
        return ()
    return letters(op.class_names()) if isinstance(op, DataSource) else ()


def written(symbols: Iterable[float], signs: Sequence[str]) -> str:
    """Symbols as text: letters side by side, with a space between longer names."""
    found = [signs[k] if 0 <= k < len(signs) else str(k) for k in map(int, symbols)]
    return between(signs).join(found)


def between(signs: Sequence[str]) -> str:
    """What stands between two symbols of a text."""
    return "" if all(len(sign) == 1 for sign in signs) else " "


def read(text: str, signs: Sequence[str]) -> Symbols:
    """Text as symbols, the inverse of `written`. Of the letters of a text what is none of them is
    unknown; of other symbols it is left out.
    """
    places = {sign: k for k, sign in enumerate(signs)}
    if SIGNS["unknown"] in places:
        kept = {"\n": SIGNS["line feed"], " ": SIGNS["space"]}
        unknown = places[SIGNS["unknown"]]
        return np.array([places.get(kept.get(c, c), unknown) for c in text], np.int64)
    parts = text.split() if between(signs) else list(text)
    return np.array([places[part] for part in parts if part in places], np.int64)


def typed(symbols: Iterable[int], signs: Sequence[str]) -> str:
    """Symbols as a person would type them: with real spaces and line feeds."""
    text = written(symbols, signs)
    if SIGNS["unknown"] not in signs:
        return text
    return text.replace(SIGNS["line feed"], "\n").replace(SIGNS["space"], " ")
