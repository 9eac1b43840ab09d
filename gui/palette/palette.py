"""The command palette: everything the window can do, found by a few letters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from gui.app import App
from gui.palette.commands import Command, Places, commands
from gui.palette.finder import Finder
from gui.palette.fuzzy import rank
from gui.palette.memory import Memory, memory
from gui.palette.rows import Measures, Row

RECENT = 6
MOST = 200  # rows of a search
GOES_TO = 60  # nodes of the graph listed while nothing is typed
TOP = 48  # px below the window's top
_SIZES = Measures(item=32, head=26, icon_x=10, text_x=36, right=10)


class CommandPalette(Finder):
    """Opens in the middle of a window, below its top."""

    def __init__(self, app: App, remembered: Memory | None = None) -> None:
        super().__init__(app, "Search nodes and commands", 560, _SIZES, shown=12)
        self._memory = remembered or memory()
        self.places = Places()
        self._commands: list[Command] = []

    def open_over(self, window: QWidget) -> None:
        """Open over a window."""
        self._commands = commands(self.app, self.places)
        self.show_in(window, QPoint((window.width() - self.width()) // 2, TOP))

    def rows(self, query: str) -> Sequence[Row]:
        if query.strip():
            hits = rank(query, self._commands, lambda command: command.fields)
            recent = {id: at for at, id in enumerate(self._memory.commands)}
            hits.sort(
                key=lambda hit: (
                    not hit[0].enabled,
                    -round(hit[1].score),
                    recent.get(hit[0].id, len(recent)),
                )
            )
            rows = [_row(command, found.places) for command, found in hits[:MOST]]
            text = f"Nothing is called “{query.strip()}”. Esc closes."
            return rows or [Row("nothing", text, "message")]
        return self._unfiltered()

    def _unfiltered(self) -> Sequence[Row]:
        """What was used last, then everything under its heading."""
        known = {command.id: command for command in self._commands}
        recents = [known[id] for id in self._memory.commands if id in known][:RECENT]
        groups: dict[str, list[Command]] = {"Recent": recents} if recents else {}
        for command in self._commands:
            if command not in recents:
                groups.setdefault(command.group, []).append(command)
        rows: list[Row] = []
        for group, members in groups.items():
            rows.append(Row(f"# {group}", group, "label"))
            rows += map(_row, members[:GOES_TO] if group == "In this graph" else members)
        return rows

    def take(self, row: Row, modifiers: Qt.KeyboardModifier) -> None:
        """Do it, with the keyboard back where it was."""
        self.hide()
        self._memory.used_command(row.id)
        row.payload.run()


def _row(command: Command, places: tuple[int, ...] = ()) -> Row:
    return Row(
        command.id,
        command.title,
        icon=command.icon,
        family=command.family,
        detail=command.detail,
        keys=command.keys,
        places=places,
        enabled=command.enabled,
        spoken=", ".join(part for part in (command.title, command.detail, command.keys) if part),
        payload=command,
    )
