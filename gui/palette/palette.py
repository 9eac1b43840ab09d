"""The command palette: everything the window can do, found by a few letters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from gui.app import App
from gui.palette.commands import Command, Nodes, Places, commands
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
        self._nodes = Nodes(app, None)

    def open_over(self, window: QWidget) -> None:
        """Open over a window."""
        self._commands = commands(self.app, self.places)
        self._nodes = Nodes(self.app, self.app.desk.current)
        self.show_in(window, QPoint((window.width() - self.width()) // 2, TOP))

    def rows(self, query: str) -> Sequence[Row]:
        if not query.strip():
            return self._unfiltered()
        recent = {id: at for at, id in enumerate(self._memory.commands)}
        some = [*self._commands, *self._nodes.known(recent)]
        hits = rank(query, some, lambda command: command.fields)
        there = {command.id for command, _ in hits}
        hits += [hit for hit in self._nodes.rank(query, MOST) if hit[0].id not in there]
        hits.sort(
            key=lambda hit: (
                not hit[0].enabled,
                -round(hit[1].score),
                recent.get(hit[0].id, len(recent)),
                -hit[1].score,
            )
        )
        rows = [_row(command, found.places) for command, found in hits[:MOST]]
        text = f"Nothing is called “{query.strip()}”. Esc closes."
        return rows or [Row("nothing", text, "message")]

    def _unfiltered(self) -> Sequence[Row]:
        """What was used last, then everything under its heading, of the nodes the first."""
        nodes = [self._nodes[place] for place in range(min(len(self._nodes), GOES_TO))]
        remembered = self._memory.commands
        known = {c.id: c for c in (*self._commands, *self._nodes.known(remembered))}
        recents = [known[id] for id in remembered if id in known][:RECENT]
        gone = {command.id for command in recents}
        groups: dict[str, list[Command]] = {"Recent": recents} if recents else {}
        for command in (*self._commands, *nodes):
            if command.id not in gone:
                groups.setdefault(command.group, []).append(command)
        rows: list[Row] = []
        for group, members in groups.items():
            rows.append(Row(f"# {group}", group, "label"))
            rows += map(_row, members)
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
