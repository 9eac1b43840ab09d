"""Qt's own file dialog in the look, for where the system has none of its own."""

from __future__ import annotations

from PySide6.QtCore import QFileInfo
from PySide6.QtGui import QAbstractFileIconProvider, QIcon
from PySide6.QtWidgets import QFileDialog, QHeaderView, QToolButton, QTreeView, QWidget

from gui.look import Look

_BUTTONS = {
    "backButton": "chevron_left",
    "forwardButton": "chevron_right",
    "toParentButton": "chevron_up",
    "newFolderButton": "plus",
    "listModeButton": "table",
    "detailModeButton": "more",
}
SIZE = 760, 480
COLUMNS, TYPE = 4, 2


class FileDialog(QFileDialog):
    """Wears our icons; where the system shows its own dialog none of them is seen."""

    def __init__(self, look: Look, parent: QWidget, title: str, folder: str, names: str) -> None:
        super().__init__(parent, title, folder, names)
        self._icons = _Icons(look)
        self.setIconProvider(self._icons)
        self.resize(*SIZE)
        self.setSizeGripEnabled(False)
        for table in self.findChildren(QTreeView):
            self._widen(table)
        for button in self.findChildren(QToolButton):
            if name := _BUTTONS.get(button.objectName()):
                button.setIcon(look.icon(name))

    def _widen(self, table: QTreeView) -> None:
        """Names have most of the room, sizes and dates what they need; types are in the names."""
        header = table.header()
        if header.count() == COLUMNS:
            table.setColumnHidden(TYPE, True)
            header.setStretchLastSection(False)
            for column in range(COLUMNS):
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)


class _Icons(QAbstractFileIconProvider):
    """A folder, or a sheet."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._folder, self._file = look.icon("folder"), look.icon("file")

    def icon(self, what: QAbstractFileIconProvider.IconType | QFileInfo, /) -> QIcon:
        if isinstance(what, QFileInfo):
            return self._folder if what.isDir() else self._file
        plain = what == QAbstractFileIconProvider.IconType.File
        return self._file if plain else self._folder
