"""How the window looks now: the theme, its icons, and a signal when either changes."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

import resources
from gui.theme import Theme, theme

Choice = Literal["dark", "light", "system"]
RATIOS = (1.0, 2.0)
FAINT = 0.4  # opacity of the icon of something that cannot be done now


class Look(QObject):
    """The chosen theme; whoever paints reads `theme` and listens to `changed`."""

    changed = Signal()

    def __init__(self, choice: Choice = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        self.theme: Theme = theme(self._mood())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    @property
    def choice(self) -> Choice:
        """What the user asked for."""
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Follow another choice from now on."""
        self._choice = choice
        self._take(theme(self._mood()))

    def icon(self, name: str, colour: str = "") -> QIcon:
        """A shipped icon, 16 × 16, in `colour` ("": secondary text), sharp at 1× and 2×."""
        return _icon(name, colour or self.theme.text2)

    def _mood(self) -> str:
        if self._choice != "system":
            return self._choice
        scheme = QGuiApplication.styleHints().colorScheme()
        return "light" if scheme == Qt.ColorScheme.Light else "dark"

    def _system_changed(self) -> None:
        if self._choice == "system":
            self._take(theme(self._mood()))

    def _take(self, found: Theme) -> None:
        if found is not self.theme:
            self.theme = found
            self.changed.emit()


@lru_cache(maxsize=512)
def _icon(name: str, colour: str) -> QIcon:
    icon = QIcon()
    for ratio in RATIOS:
        icon.addPixmap(icon_pixmap(name, colour, 16, ratio))
        icon.addPixmap(icon_pixmap(name, colour, 16, ratio, FAINT), QIcon.Mode.Disabled)
    return icon


def icon_pixmap(name: str, colour: str, size: int, ratio: float, opacity: float = 1.0) -> QPixmap:
    """An icon drawn at `size` px and a pixel ratio."""
    text = resources.icon(name).replace("currentColor", colour)
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
