"""The menu of the canvas: the same actions as everywhere, by what is selected."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from gui.app import App
from gui.canvas import commands
from gui.canvas.view import Canvas
from gui.widgets.menus import rounded

SEPARATOR = ""

NODE_MENU = (
    "edit.rename",
    "graph.wire",
    "graph.enter",
    SEPARATOR,
    "edit.cut",
    "edit.copy",
    "edit.duplicate",
    SEPARATOR,
    "graph.bypass",
    "graph.freeze",
    "graph.collapse",
    SEPARATOR,
    "graph.connect_in_order",
    "graph.detach",
    "graph.frame",
    "graph.define",
    "graph.dissolve",
    "graph.scan",
    "graph.straighten",
    "graph.arrange",
    SEPARATOR,
    "edit.delete",
    "edit.delete_reconnect",
)
WIRE_MENU = ("graph.probe", "graph.add_dot", SEPARATOR, "edit.delete")
DOT_MENU = ("edit.delete",)
ITEM_MENU = ("edit.rename", "edit.copy", "edit.duplicate", SEPARATOR, "edit.delete")
CANVAS_MENU = (
    "graph.add",
    "graph.note",
    SEPARATOR,
    "edit.paste",
    "edit.select_all",
    SEPARATOR,
    "view.fit",
    "graph.arrange",
    "graph.leave",
)


def attach_menu(app: App, canvas: Canvas) -> None:
    """Give a canvas its menu: by the right button, and by the menu key."""
    canvas.menu_wanted.connect(lambda at: show_menu(app, canvas, at))


def canvas_menu(app: App, canvas: Canvas) -> QMenu:
    """The actions that make sense for what is selected; those that cannot run are left out."""
    app.actions.refresh()
    chosen = commands.chosen(canvas)
    listed: tuple[str, ...] = ITEM_MENU if chosen else CANVAS_MENU
    if canvas.document.selection:
        listed = NODE_MENU
    elif not chosen and canvas.document.selected_wires:
        listed = WIRE_MENU
    elif not chosen and canvas.document.selected_dots:
        listed = DOT_MENU
    menu = rounded(QMenu(canvas))
    known = {entry.id for entry in app.actions}
    for id in listed:
        if id == SEPARATOR:
            if not menu.isEmpty():
                menu.addSeparator()
        elif id in known and app.actions[id].isEnabled():
            menu.addAction(app.actions[id])
    return menu


def show_menu(app: App, canvas: Canvas, at: QPoint) -> None:
    """Show the menu at a point of the canvas widget; it is gone once it was used."""
    menu = canvas_menu(app, canvas)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(canvas.mapToGlobal(at))
