"""What the library, the search and the palette remember between sessions. No Qt."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

MOST_RECENT = 24


class Memory:
    """Favourite node types, closed categories, and what was used last, newest first.

    A file that cannot be read or written costs the memory, never the work.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` of None remembers nothing beyond this object."""
        self._path = path
        found = _read(path) if path is not None else {}
        self.favourites: tuple[str, ...] = _names(found, "favourites", ("Conv2d", "Dense", "Adam"))
        self.closed: frozenset[str] = frozenset(_names(found, "closed", ()))
        self.nodes: tuple[str, ...] = _names(found, "nodes", ())
        self.commands: tuple[str, ...] = _names(found, "commands", ())

    def star(self, name: str, starred: bool) -> None:
        """Make a node type a favourite, the last of them, or no longer one."""
        others = tuple(one for one in self.favourites if one != name)
        self.favourites = (*others, name) if starred else others
        self._write()

    def close(self, category: str, closed: bool) -> None:
        """Close or open a category of the library."""
        self.closed = self.closed | {category} if closed else self.closed - {category}
        self._write()

    def used_node(self, name: str) -> None:
        """A node of this type was added."""
        self.nodes = _fronted(name, self.nodes)
        self._write()

    def used_command(self, id: str) -> None:
        """A command of the palette was run."""
        self.commands = _fronted(id, self.commands)
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        record = {
            "favourites": self.favourites,
            "closed": sorted(self.closed),
            "nodes": self.nodes,
            "commands": self.commands,
        }
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".part")
            draft.write_text(json.dumps(record, indent=1), "utf-8")
            os.replace(draft, self._path)


@cache
def memory() -> Memory:
    """The memory of this user's sessions, read once."""
    return Memory(Path(platformdirs.user_data_dir("netloom", appauthor=False)) / "library.json")


def _fronted(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return (name, *(one for one in names if one != name))[:MOST_RECENT]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(found: dict[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    given = found.get(key)
    if not isinstance(given, list):
        return default
    return tuple(dict.fromkeys(name for name in given if isinstance(name, str)))
