"""What the user chose for good: theme, wheel, motion, threads, workspace; and the window's places.

One JSON file in the user's data folder. A file that cannot be read or written costs the choices,
never the work; one that is damaged is kept aside.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
from PySide6.QtCore import QObject, Signal

from gui.look import Choice

Wheel = Literal["zoom", "pan"]


@dataclass(frozen=True)
class Values:
    """`threads` of 0: as many as the machine has; `workspace` of "": the usual place.

    `geometry` and `docks` are Qt's own bytes as base64, `columns` the widths of library, canvas
    and inspector.
    """

    theme: Choice = "system"
    wheel: Wheel = "zoom"
    reduced_motion: bool = False
    threads: int = 0
    workspace: str = ""
    geometry: str = ""
    docks: str = ""
    columns: tuple[int, ...] = ()


_CHOICES: dict[str, tuple[str, ...]] = {"theme": get_args(Choice), "wheel": get_args(Wheel)}


class Preferences(QObject):
    """Read `values`; `set` changes and writes them."""

    changed = Signal()

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        """`path` of None remembers nothing beyond this object.

        `damaged` is where a file lies now that could not be understood.
        """
        super().__init__(parent)
        self._path = path
        self.values, self.damaged = Values(), None if path is None else _aside(path)
        if path is not None:
            self.values = read(path)

    def set(self, **changes: Any) -> None:
        """Change some values."""
        values = replace(self.values, **changes)
        if values != self.values:
            self.values = values
            self._write()
            self.changed.emit()

    def _write(self) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".part")
            draft.write_text(json.dumps(asdict(self.values), indent=1), "utf-8")
            os.replace(draft, self._path)


def user_path() -> Path:
    """Where this user's preferences lie."""
    return Path(platformdirs.user_data_dir("netloom", appauthor=False)) / "preferences.json"


def read(path: Path) -> Values:
    """The values of a file; what is missing or makes no sense is as it is at first."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return Values()
    return Values(**dict(_sound(found)))


def _aside(path: Path) -> Path | None:
    """Keep a file that is no JSON object under another name: the next change writes `path` anew."""
    bad = path.with_name(f"{path.name}.bad")
    try:
        if isinstance(json.loads(path.read_text("utf-8")), dict):
            return None
    except OSError:
        return None
    except ValueError:
        pass
    with contextlib.suppress(OSError):
        os.replace(path, bad)
        return bad
    return None


def _sound(found: object) -> list[tuple[str, Any]]:
    first = Values()
    sound: list[tuple[str, Any]] = []
    for field in fields(Values) if isinstance(found, dict) else ():
        assert isinstance(found, dict)
        value, usual = found.get(field.name), getattr(first, field.name)
        if field.name == "columns" and isinstance(value, list):
            sound.append((field.name, tuple(width for width in value if type(width) is int)))
        elif type(value) is not type(usual):
            continue
        elif field.name not in _CHOICES or value in _CHOICES[field.name]:
            sound.append((field.name, value))
    return sound
