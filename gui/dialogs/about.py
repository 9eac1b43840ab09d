"""What Netloom is, its version and its licences."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QWidget

from gui.dialogs.dialog import Choice, Dialog
from gui.look import Look
from gui.widgets.basics import label

TEXT = (
    "Draw a neural network, and it is the program. Its own engine trains it; what you export "
    "gives the same numbers."
)


class About(Dialog):
    """Everything to say in a report of a fault."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(look, parent, "About Netloom", TEXT)
        lines = (
            f"Netloom {own_version()}  ·  Apache-2.0",
            f"Python {platform.python_version()}  ·  Qt {qVersion()}",
            "Inter and JetBrains Mono  ·  SIL Open Font License 1.1",
        )
        self.body.addSpacing(8)
        for line in lines:
            self.body.addWidget(label(line, "mono secondary"))
        self.offer([Choice("Close", safe=True)])


def own_version() -> str:
    """The version that is installed; "from source" when none is."""
    from importlib.metadata import PackageNotFoundError, version  # takes as long as a frame

    try:
        return version("netloom")
    except PackageNotFoundError:
        return "from source"
