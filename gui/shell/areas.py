"""From area to area by one key: library, canvas, inspector, training bar, docks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from gui.window import MainWindow


def add_actions(window: MainWindow) -> None:
    """Add the keys that go round the areas of a window."""
    add = window.app.actions.add
    for id, title, key, by in (
        ("view.next_area", "Go to the next area", "F6", 1),
        ("view.previous_area", "Go to the area before", "Shift+F6", -1),
    ):
        add(
            id,
            title,
            partial(go_round, window, by),
            menu="View",
            keys=(key,),
            words="focus keyboard library canvas inspector docks pane",
            enabled=lambda: window.canvas is not None,
        )


def areas(window: MainWindow) -> list[QWidget]:
    """What there is to go to, clockwise from the library; closed docks are left out."""
    canvas = window.canvas
    if canvas is None:
        return []
    parts, docks = window.parts, window.workbench.docks
    open_docks = [dock for dock in docks if dock.on_top and dock.page is not None]
    open_docks.sort(key=lambda dock: (dock.isFloating(), dock.y(), dock.x()))
    pages = [dock.page for dock in open_docks if dock.page is not None]
    found = [parts.library, canvas, parts.inspector, parts.training, *pages]
    return [area for area in found if area.isVisible() and area.width() > 1]


def go_round(window: MainWindow, by: int) -> None:
    """Give the keyboard to the next area, from the canvas when it is nowhere."""
    found = areas(window)
    if not found:
        return
    now = QApplication.focusWidget()
    place = next(
        (k for k, area in enumerate(found) if now is area or (now and area.isAncestorOf(now))),
        found.index(window.canvas) - by if window.canvas in found else 0,
    )
    for step in range(1, len(found) + 1):
        target = first_in(found[(place + by * step) % len(found)])
        if target is not None:
            window.ring.expect_keys()
            target.setFocus(Qt.FocusReason.TabFocusReason)
            return


def first_in(area: QWidget) -> QWidget | None:
    """What takes the keyboard first inside an area; None when nothing does."""
    return next(filter(_takes_keys, (area, *_chain(area))), None)


def _takes_keys(widget: QWidget) -> bool:
    by_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(by_tab) and widget.isVisible() and widget.isEnabled()


def _chain(area: QWidget) -> Iterator[QWidget]:
    """The widgets inside an area, in the order of Tab."""
    one = area.nextInFocusChain()
    while one is not None and one is not area:
        if area.isAncestorOf(one):
            yield one
        one = one.nextInFocusChain()
