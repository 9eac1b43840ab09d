"""The preferences: every choice takes effect at once."""

from __future__ import annotations

import os

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from gui.dialogs.dialog import Choice, Dialog
from gui.look import Look
from gui.preferences import Preferences
from gui.widgets.basics import label
from gui.widgets.menus import round_menu_of

THEMES = {"dark": "Dark", "light": "Light", "system": "As the system"}
WHEELS = {"zoom": "Zooms", "pan": "Scrolls; with Ctrl it zooms"}


class PreferencesDialog(Dialog):
    """One line for each preference."""

    def __init__(self, look: Look, preferences: Preferences, parent: QWidget) -> None:
        super().__init__(look, parent, "Preferences")
        self._preferences = preferences
        values = preferences.values
        self.theme = _combo("Theme", THEMES, values.theme)
        self.theme.activated.connect(self._take)
        self.wheel = _combo("Mouse wheel", WHEELS, values.wheel)
        self.wheel.activated.connect(self._take)
        self.motion = QCheckBox("Move nothing that need not move")
        self.motion.setChecked(values.reduced_motion)
        self.motion.toggled.connect(self._take)
        self.threads = QSpinBox()
        self.threads.setAccessibleName("Threads")
        self.threads.setRange(0, 1024)
        self.threads.setSpecialValueText(f"All ({os.cpu_count() or 1})")
        self.threads.setValue(values.threads)
        self.threads.lineEdit().setTextMargins(5, 0, 0, 0)
        round_menu_of(self.threads.lineEdit(), self.threads)
        self.threads.valueChanged.connect(self._take)
        self.workspace = QLineEdit(values.workspace)
        self.workspace.setAccessibleName("Workspace")
        self.workspace.setTextMargins(-2, 0, 0, 0)  # in line with the fields above
        round_menu_of(self.workspace)
        self.workspace.setPlaceholderText("Nearest .netloom, else your data folder")
        self.workspace.editingFinished.connect(self._take)
        form = QFormLayout()
        form.setContentsMargins(0, 12, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        rows = (self.theme, self.wheel, self.motion, self.threads, self.workspace)
        names = ("Theme", "Mouse wheel", "Reduced motion", "Threads", "Workspace")
        for name, widget in zip(names, rows, strict=True):
            form.addRow(label(name, "secondary"), widget)
        self.body.addLayout(form)
        note = label("Threads and workspace count from the next run on.", "small")
        line = QHBoxLayout()
        line.addWidget(note)
        self.body.addLayout(line)
        self.offer([Choice("Close", safe=True)])

    def _take(self) -> None:
        self._preferences.set(
            theme=self.theme.currentData(),
            wheel=self.wheel.currentData(),
            reduced_motion=self.motion.isChecked(),
            threads=self.threads.value(),
            workspace=self.workspace.text().strip(),
        )


def _combo(name: str, choices: dict[str, str], chosen: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    for value, text in choices.items():
        made.addItem(text, value)
    made.setCurrentIndex(list(choices).index(chosen))
    return made
