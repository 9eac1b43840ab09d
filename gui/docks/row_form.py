"""A row of a table to fill in by hand: a field for each column the net reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QWidget

from graph.schema import Column
from gui import fonts
from gui.widgets.basics import label, plain
from gui.widgets.menus import round_menu_of

FIELD = 96  # px


class RowForm(QWidget):
    """Numbers as fields, categories as choices; `changed` after each change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._columns: tuple[Column, ...] = ()
        self._fields: list[QLineEdit | QComboBox] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(12, 8, 12, 8)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)

    def put(self, columns: Sequence[Column]) -> None:
        """Show fields for these columns."""
        if tuple(columns) == self._columns:
            return
        for widget in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            self._grid.removeWidget(widget)
            widget.deleteLater()
        self._columns, self._fields = tuple(columns), []
        for place, column in enumerate(columns):
            field = self._number() if column.kind == "number" else self._choice(column)
            field.setFixedWidth(FIELD)
            field.setAccessibleName(column.name)
            name = label(plain(column.name), "secondary")
            name.setBuddy(field)
            self._grid.addWidget(name, place, 0)
            self._grid.addWidget(field, place, 1)
            self._fields.append(field)
        self._grid.setColumnStretch(2, 1)

    def fill(self, features: NDArray[np.float64]) -> None:
        """Show the values of one feature vector, as `row` gives it."""
        place = 0
        for column, field in zip(self._columns, self._fields, strict=True):
            own = features[place : place + column.width]
            field.blockSignals(True)  # one change, told at the end
            if isinstance(field, QComboBox):
                field.setCurrentIndex(int(own.argmax()))
            else:
                field.setText(f"{float(own[0]):.6g}")
            field.blockSignals(False)
            place += column.width
        self.changed.emit()

    @property
    def row(self) -> NDArray[np.float64]:
        """The feature vector: numbers in their own units, a 0 or 1 for each category."""
        parts: list[NDArray[np.float64]] = []
        for column, field in zip(self._columns, self._fields, strict=True):
            if isinstance(field, QComboBox):
                parts.append(np.eye(column.width)[field.currentIndex()])
            else:
                parts.append(np.array([_value(field.text())]))
        return np.concatenate(parts) if parts else np.zeros(0)

    def _number(self) -> QLineEdit:
        field = QLineEdit("0")
        round_menu_of(field)
        field.setFont(fonts.font("caption mono"))
        rule = QDoubleValidator(field)
        rule.setLocale(QLocale.c())
        field.setValidator(rule)
        field.textEdited.connect(lambda _: self.changed.emit())
        return field

    def _choice(self, column: Column) -> QComboBox:
        field = QComboBox()
        field.addItems(column.categories)
        field.currentIndexChanged.connect(self.changed)
        return field


def _value(text: str) -> float:
    """A number as far as it is typed; 0 for what is none yet."""
    try:
        return float(text)
    except ValueError:
        return 0.0
