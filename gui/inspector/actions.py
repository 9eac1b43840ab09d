"""What can be done in the inspector by menu, key and palette."""

from __future__ import annotations

from gui.app import App
from gui.inspector.panel import InspectorPanel


def add_actions(app: App, panel: InspectorPanel) -> None:
    """Add the actions that are about the panel."""
    app.actions.add(
        "help.card",
        "Card of the chosen node type",
        panel.show_card,
        menu="Help",
        keys=("F1",),
        icon="book",
        words="concept explain formula documentation",
        enabled=lambda: len(panel.subject.types) == 1,
    )
    app.actions.add(
        "edit.settings",
        "Edit the settings of the chosen node",
        panel.edit_settings,
        menu="Edit",
        keys=("Alt+Return",),
        words="inspector fields",
        enabled=lambda: panel.isVisible(),
    )
