"""Rows of the library, the search and the palette: one list model, one painter.

A list is a QListView, so that a screen reader follows it; nothing of it is a widget of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui import fonts
from gui.look import Look, icon_pixmap
from gui.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Kind = Literal["head", "label", "item", "message"]
ICON = 15
LINE = 32  # height of the two lines below a text
QUIET = 11  # px of what stands beside and below a text
MESSAGE = 72
ROOT = QModelIndex()


@dataclass(frozen=True)
class Row:
    """One row. `head` is a category that opens and closes, `label` a title that does nothing.

    `family` colours the icon; `detail` stands behind the text, `shape` at the right in mono, `keys`
    at the right in a frame; `line` below the text; `places` are letters to light.
    """

    id: str
    text: str
    kind: Kind = "item"
    icon: str = ""
    family: str = ""
    detail: str = ""
    shape: str = ""
    keys: str = ""
    line: str = ""
    places: tuple[int, ...] = ()
    enabled: bool = True
    open: bool = True
    tip: str = ""
    spoken: str = ""
    payload: Any = None


@dataclass(frozen=True)
class Measures:
    """Sizes of a list, px."""

    item: int = 26
    head: int = 28
    head_x: int = 28
    icon_x: int = 17
    text_x: int = 39
    right: int = 11


class Rows(QAbstractListModel):
    """The rows that a list shows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def place_of(self, id: str) -> int:
        """The first row of an id; -1 when there is none."""
        return next((place for place, row in enumerate(self.rows) if row.id == id), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip or None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken or row.text
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.rows[index.row()]
        if row.kind in ("label", "message") or not row.enabled:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class RowPainter(QStyledItemDelegate):
    """Paints rows by LOOK.md. The current row has the selection's colour while the list has focus,
    always when `strong`: in a list that a field is in charge of.
    """

    def __init__(self, look: Look, measures: Measures, strong: bool = False) -> None:
        super().__init__()
        self._look, self._measures, self._strong = look, measures, strong

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(64, self.height(index.model().rows[index.row()]))  # type: ignore[attr-defined]

    def height(self, row: Row) -> int:
        """How high a row is, px."""
        tall = {"head": self._measures.head, "label": self._measures.head, "message": MESSAGE}
        return tall.get(row.kind, self._measures.item) + (LINE if row.line else 0)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: Row = index.model().rows[index.row()]  # type: ignore[attr-defined]
        rect, theme = QRectF(option.rect), self._look.theme
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(state & QStyle.StateFlag.State_Selected) and row.kind in ("item", "head")
        focused = self._strong or bool(state & QStyle.StateFlag.State_HasFocus)
        over = bool(state & QStyle.StateFlag.State_MouseOver) and row.kind == "item"
        if chosen or (over and row.enabled):
            fill = theme.selected_row if chosen and focused else theme.hover
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(fill))
            radius = 4.0 if self._strong else 0.0
            painter.drawRoundedRect(rect, radius, radius)
        if row.kind == "item":
            self._item(painter, rect, row, theme)
        elif row.kind == "message":
            self._message(painter, rect, row, theme)
        else:
            self._head(painter, rect, row, theme)
        painter.restore()

    def _head(self, painter: QPainter, rect: QRectF, row: Row, theme: Theme) -> None:
        at = self._measures
        if row.kind == "head":
            name = "chevron_down" if row.open else "chevron_right"
            _icon(painter, name, theme.text3, rect.x() + 10, rect.center().y() - 6, 12)
        painter.setFont(fonts.font("section"))
        painter.setPen(QColor(theme.text3))
        x = at.head_x if row.kind == "head" else at.icon_x
        inner = rect.adjusted(x, 0, -at.right, 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, row.text)
        painter.setFont(fonts.sized("caption", QUIET)[0])
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(inner, right, row.shape)

    def _message(self, painter: QPainter, rect: QRectF, row: Row, theme: Theme) -> None:
        painter.setFont(fonts.sized("caption", QUIET)[0])
        painter.setPen(QColor(theme.text2))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(rect.adjusted(16, 0, -16, 0), flags, row.text)

    def _item(self, painter: QPainter, rect: QRectF, row: Row, theme: Theme) -> None:
        at, upper = self._measures, QRectF(rect)
        if row.line:
            upper.setHeight(rect.height() - LINE)
        if not row.enabled:
            painter.setOpacity(0.45)
        if row.icon:
            shade = theme.of_family(row.family) if row.family else theme.text2
            middle = upper.center().y() + (2 if row.line else 0)
            _icon(painter, row.icon, shade, rect.x() + at.icon_x - 1, middle - ICON / 2, ICON)
        right = rect.right() - at.right
        if row.keys:
            right = _keys(painter, row.keys, right, upper, theme) - 8
        elif row.shape:
            right = _shape(painter, row.shape, right, upper, theme) - 8
        x = rect.x() + at.text_x
        if row.line:
            upper.adjust(0, 4, 0, 0)
        x = _text(painter, row, QRectF(x, upper.y(), right - x, upper.height()), theme)
        font, measure = fonts.sized("caption", QUIET)
        painter.setFont(font)
        painter.setPen(QColor(theme.text3))
        if row.detail and right - x > 24:
            room = QRectF(x + 8, upper.y(), right - x - 8, upper.height())
            shown = measure.elidedText(row.detail, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
        if row.line:
            below = QRectF(rect.x() + at.text_x, upper.bottom() - 3, 0, LINE)
            below.setRight(rect.right() - at.right)
            painter.setPen(QColor(theme.text2))
            painter.drawText(below, Qt.TextFlag.TextWordWrap, row.line)


def _text(painter: QPainter, row: Row, room: QRectF, theme: Theme) -> float:
    """Draw the text, its lit letters in the accent colour; returns where it ends."""
    font, measure = fonts.font("body"), fonts.metrics("body")
    painter.setFont(font)
    shown = measure.elidedText(row.text, Qt.TextElideMode.ElideRight, room.width())
    painter.setPen(QColor(theme.text))
    if not row.places or shown != row.text:
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
        return room.x() + measure.horizontalAdvance(shown)
    base = _baseline(room, measure)
    lit, x = set(row.places), room.x()
    start = 0
    while start < len(shown):
        end = start
        while end < len(shown) and (end in lit) == (start in lit):
            end += 1
        painter.setPen(QColor(theme.accent if start in lit else theme.text))
        at = QPointF(room.x() + measure.horizontalAdvance(shown[:start]), base)
        painter.drawText(at, shown[start:end])
        start = end
    return x + measure.horizontalAdvance(shown)


def _baseline(room: QRectF, measure: QFontMetricsF) -> float:
    return room.y() + (room.height() - measure.height()) / 2 + measure.ascent()


def _shape(painter: QPainter, text: str, right: float, rect: QRectF, theme: Theme) -> float:
    painter.setFont(fonts.font("caption mono"))
    painter.setPen(QColor(theme.text3))
    width = fonts.measure(text, "caption mono")
    room = QRectF(right - width, rect.y(), width + 1, rect.height())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
    return right - width


def _keys(painter: QPainter, text: str, right: float, rect: QRectF, theme: Theme) -> float:
    """A key in a small frame; returns its left edge."""
    return key_chip(painter, text, right, rect.center().y(), theme)


def key_chip(painter: QPainter, text: str, right: float, middle: float, theme: Theme) -> float:
    """Draw a key in a small frame that ends at `right`; returns its left edge."""
    width = max(fonts.measure(text, "caption mono") + 10, 16.0)
    frame = QRectF(right - width + 0.5, round(middle - 8) + 0.5, width - 1, 15)
    painter.setPen(QPen(QColor(theme.border), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(frame, 4, 4)
    painter.setFont(fonts.font("caption mono"))
    painter.setPen(QColor(theme.text2))
    painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, text)
    return right - width


def _icon(painter: QPainter, name: str, colour: str, x: float, y: float, size: int) -> None:
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(
        QRectF(round(x), round(y), size, size).topLeft(), pixmap(name, colour, size, ratio)
    )


@lru_cache(maxsize=1024)
def pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    """An icon as painted in rows."""
    return icon_pixmap(name, colour, size, ratio)
