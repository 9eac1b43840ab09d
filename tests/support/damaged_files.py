"""`.loom` files damaged at random, and what loading one must come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

from drawn import digits_mlp
from random_edits import random_graph

from graph.drawing import same
from graph.files import dumps, loads
from graph.validator import FileError

WORDS = (
    *("", "x", "Dense", "Conv2d", "Subgraph", "Formula", "__class__", "../../etc", "a.y -> b.x"),
    *("NaN", "\ud800", "é" * 300, "{units}", "1e999", "nodes", "conv1.y -> conv1.x", "\x00"),
)
NUMBERS = (0, -1, 1, 2, 10**9, 10**18, 2**63, 10**400, -0.5, 1e-320, 1e308, 3.5)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"a": 1}, [1, 2, 3], {"type": "Dense"})


def any_value(rng: Random) -> Any:
    """A JSON value of any kind, a new one: one that is put into itself has no end."""
    return deepcopy(rng.choice(rng.choice((WORDS, NUMBERS, OTHERS))))


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value inside `value`."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        one = pending.pop()
        keys = one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            pending.append(one[key])
    return found


def damage_value(rng: Random, record: Any) -> None:
    """Replace, remove, rename, add or swap one value."""
    found = places(record)
    if not found:
        return
    container, key = rng.choice(found)
    kind = rng.randrange(6)
    if kind == 0:
        container[key] = any_value(rng)
    elif kind == 1:
        del container[key]
    elif kind == 2 and isinstance(container, dict):
        container[rng.choice(WORDS)] = container.pop(key)
    elif kind == 3 and isinstance(container, dict):
        container[rng.choice(WORDS)] = any_value(rng)
    elif kind == 4:
        other, place = rng.choice(found)
        container[key], other[place] = other[place], json.loads(json.dumps(container[key]))
    elif isinstance(container, list):
        container.append(json.loads(json.dumps(container[key])))


def damage_text(rng: Random, text: str) -> str:
    """Cut, drop, repeat or overwrite letters; nest; repeat a key; put in what JSON has not."""
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + int(rng.expovariate(0.05)))
    tricks: tuple[Callable[[], str], ...] = (
        lambda: text[:start],
        lambda: text[:start] + text[end:],
        lambda: text[:end] + text[start:],
        lambda: text[:start] + rng.choice('{}[]",:0-+e\\\n\x00\ufeff') + text[end:],
        lambda: text[:start] + rng.choice(["NaN", "-Infinity", "1e999", "9" * 5000]) + text[end:],
        lambda: text.replace("{", '{"nodes": {},', 1),
        lambda: text.replace(":", ":" + "[" * 100_000, 1),
        lambda: text.replace('"units": ', '"units": 1', 2),
        lambda: text.replace('"netloom": 1', f'"netloom": {any_value(rng)!r}'),
    )
    return rng.choice(tricks)()


def mutants(seed: int) -> Iterator[str]:
    """Damaged files without end, from graphs of all sizes."""
    rng = Random(seed)
    while True:
        edits = rng.choice([0, 3, 15, 60])
        text = dumps(random_graph(rng, edits) if edits else digits_mlp())
        for _ in range(10):
            record = json.loads(text)
            for _ in range(rng.choice([0, 1, 1, 2, 5])):
                damage_value(rng, record)
            mutant = json.dumps(record)
            yield damage_text(rng, mutant) if rng.random() < 0.4 else mutant


def try_one(text: str) -> bool:
    """Load a mutant; True when it loads. Then it must also save and load again as the same."""
    try:
        made = loads(text)
    except FileError as error:
        message = str(error)
        assert message.isprintable() or "\n" not in message, message
        assert len(message.splitlines()) == 1, message
        assert len(message) < 500, message
        return False
    assert same(loads(dumps(made)), made)
    return True
