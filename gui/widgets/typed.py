"""What is being typed when something else begins: it counts as if the keyboard had gone there."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget


def take_typed() -> None:
    """Have the field with the keyboard take over what was typed into it, if anything was.

    Keys and many buttons leave the keyboard where it is: without this, saving, running or going to
    another document would do so without the number that is seen in the field.
    """
    field = QApplication.focusWidget()
    if field is None or not _is_typed_in(field):
        return
    field.clearFocus()
    if shiboken6.isValid(field) and field.isVisible() and QApplication.focusWidget() is None:
        field.setFocus(Qt.FocusReason.OtherFocusReason)


def _is_typed_in(field: QWidget) -> bool:
    if isinstance(field, QLineEdit):
        return field.isModified() and not field.isReadOnly()
    if isinstance(field, QPlainTextEdit):
        return field.document().isModified() and not field.isReadOnly()
    return False
