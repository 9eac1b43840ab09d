"""The palette's own action and its key."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.app import App
from gui.palette.palette import CommandPalette


def add_actions(app: App, palette: CommandPalette, window: QWidget) -> None:
    """Add "Command palette…" (Ctrl+K)."""
    app.actions.add(
        "view.palette",
        "Command palette…",
        lambda: palette.open_over(window),
        menu="View",
        keys=("Ctrl+K",),
        icon="search",
        words="search everything",
    )
