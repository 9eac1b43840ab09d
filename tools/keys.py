"""Write the table of keys in docs/guide/keys.md from the actions of the window:
`python tools/keys.py`. A test holds the page to it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import Qt  # noqa: E402
from PySide6.QtGui import QKeySequence  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from gui import fonts  # noqa: E402
from gui.actions import Entry  # noqa: E402
from gui.look import Look  # noqa: E402
from gui.preferences import Preferences  # noqa: E402
from gui.window import MainWindow  # noqa: E402

PAGE = ROOT / "docs" / "guide" / "keys.md"
BEGIN, END = "<!-- keys: written by tools/keys.py -->", "<!-- end of keys -->"
CANVAS = " (canvas)"


def table(window: MainWindow) -> str:
    """Every action with its keys, by menu; actions of no menu come last."""
    entries = list(window.app.actions)
    menus = list(dict.fromkeys(entry.menu for entry in entries if entry.menu))
    parts = []
    for menu in [*menus, ""]:
        rows = [_row(entry) for entry in entries if entry.menu == menu]
        if rows:
            head = f"### {menu or 'Without a menu'}\n\n| action | keys |\n|---|---|\n"
            parts.append(head + "\n".join(rows))
    return "\n\n".join(parts)


def _row(entry: Entry) -> str:
    native = QKeySequence.SequenceFormat.PortableText
    keys = [f"`{key.toString(native)}`" for key in entry.action.shortcuts()]
    canvas = entry.action.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut
    place = CANVAS if keys and canvas else ""
    return f"| {entry.title.rstrip('…')} | {', '.join(keys)}{place} |"


def written(page: str, window: MainWindow) -> str:
    """The page with the table of this window."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(window)}\n\n{END}{after}"


def main() -> None:
    """Write the page."""
    application = QApplication([])
    fonts.load()
    window = MainWindow(Look("dark"), Preferences())
    PAGE.write_text(written(PAGE.read_text("utf-8"), window), "utf-8")
    window.close()
    application.quit()


if __name__ == "__main__":
    main()
