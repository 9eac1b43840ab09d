"""Menus with round corners."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QPlainTextEdit, QWidget


def rounded(menu: QMenu) -> QMenu:
    """Give a menu that was not shown yet the round corners of the look."""
    flags = Qt.WindowType.FramelessWindowHint | Qt.WindowType.NoDropShadowWindowHint
    menu.setWindowFlags(menu.windowFlags() | flags)
    menu.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
    menu.setProperty("rounded", True)
    return menu


def text_menu(field: QLineEdit | QPlainTextEdit) -> QMenu:
    """Undo, cut, copy and paste of a field, in the look; without the system's icons."""
    menu = rounded(field.createStandardContextMenu())
    for action in menu.actions():
        action.setIconVisibleInMenu(False)
    return menu


def round_menu_of(field: QLineEdit | QPlainTextEdit, around: QWidget | None = None) -> None:
    """Have a field show its menu in the look; `around` is the widget that it is a part of."""
    shown = around or field

    def show(at: QPoint) -> None:
        menu = text_menu(field)
        menu.exec(shown.mapToGlobal(at))
        menu.deleteLater()

    shown.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    shown.customContextMenuRequested.connect(show)
