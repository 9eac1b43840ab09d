"""The parts of the training bar: figures under captions, fields that edit, the progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QSizePolicy, QWidget

from gui import fonts
from gui.look import Look
from gui.training.text import shorter
from gui.widgets.menus import round_menu_of, rounded

HEIGHT = 34  # of caption and figure together
CAPTION, FIGURE = 13, 29  # base lines
PAD = 6  # of a field, around its figure


class Figure(QWidget):
    """A number under its caption. It never moves its neighbours: it only grows."""

    def __init__(self, look: Look, caption: str, room: str, parent: QWidget | None = None) -> None:
        """`room` is a text as wide as the widest number expected."""
        super().__init__(parent)
        self.look, self.caption, self.text = look, caption, ""
        self._room = fonts.measure(room, "number")
        self.setFixedHeight(HEIGHT)
        self._fit()
        look.changed.connect(self.update)

    def show_text(self, text: str, caption: str | None = None) -> None:
        """Show another number, under another caption if given."""
        caption = self.caption if caption is None else caption
        if (text, caption) != (self.text, self.caption):
            self.text, self.caption = text, caption
            self.setAccessibleName(f"{caption} {text}")
            self._fit()
            self.update()

    def _fit(self) -> None:
        # not by `measure`, which remembers: a number seldom comes again
        number = fonts.metrics("number").horizontalAdvance(self.text)
        texts = fonts.measure(self.caption, "caption"), number
        width = int(max(*texts, self._room) + 0.99)
        if width > self.minimumWidth():
            self.setFixedWidth(width)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self.look.theme
        painter.setFont(fonts.font("caption"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(0, CAPTION, self.caption)
        painter.setFont(fonts.font("number"))
        painter.setPen(QColor(theme.text))
        painter.drawText(0, FIGURE, self.text)


class _Framed(QWidget):
    """A caption over something that is changed by a click: a frame appears under the pointer."""

    def __init__(self, look: Look, caption: str, tip: str, width: int) -> None:
        super().__init__()
        self.look, self.caption = look, caption
        self.invalid = False
        self.setFixedSize(width + 2 * PAD, HEIGHT)
        self.setToolTip(tip)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        look.changed.connect(self.update)

    def framed(self) -> str:
        """The frame's colour, or "" for none."""
        if self.invalid:
            return self.look.theme.error
        return self.look.theme.border if self.underMouse() and self.isEnabled() else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self.look.theme
        painter.setFont(fonts.font("caption"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(PAD, CAPTION, self.caption)
        if colour := self.framed():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(colour))
            painter.setBrush(QColor(theme.field))
            painter.drawRoundedRect(QRectF(0.5, 15.5, self.width() - 1, 18), 5, 5)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()


class Field(_Framed):
    """A number that is typed over; `commit` takes the text and returns what is wrong with it."""

    def __init__(
        self, look: Look, caption: str, tip: str, width: int, commit: Callable[[str], str]
    ) -> None:
        super().__init__(look, caption, tip, width)
        self._commit, self._text, self._tip = commit, "", tip
        self.edit = QLineEdit(self)
        self.edit.setProperty("kind", "plain")
        round_menu_of(self.edit)
        self.edit.setFont(fonts.font("number"))
        self.edit.setFrame(False)
        self.edit.setGeometry(PAD - 2, 13, width + 4, 20)
        self.edit.setAccessibleName(caption)
        self.edit.setToolTip(tip)
        self.edit.editingFinished.connect(self._finished)
        self.edit.textEdited.connect(lambda: self._mark(""))
        self.edit.installEventFilter(self)
        self.setFocusProxy(self.edit)

    def show_text(self, text: str) -> None:
        """Show another value, unless somebody is typing."""
        if text != self._text:
            self._text = text
            if not (self.edit.hasFocus() and self.edit.isModified()):
                self.edit.setText(text)
                self.edit.setCursorPosition(0)

    def framed(self) -> str:
        if self.edit.hasFocus() and not self.invalid:
            return self.look.theme.accent
        return super().framed()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        if (
            kind == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            self._back()
            return True
        return False

    def _finished(self) -> None:
        if not self.edit.isModified():
            return
        wrong = self._commit(self.edit.text())
        self._mark(wrong)
        if wrong and not self.edit.hasFocus():
            self._back()
        elif not wrong:
            self.edit.setModified(False)
            self.edit.setText(self._text)

    def _back(self) -> None:
        self._mark("")
        self.edit.setText(self._text)
        self.edit.clearFocus()

    def _mark(self, wrong: str) -> None:
        self.invalid = bool(wrong)
        self.edit.setToolTip(wrong or self._tip)
        self.update()


class Choice(_Framed):
    """One of a few words, chosen from a menu."""

    chosen = Signal(str)

    def __init__(self, look: Look, caption: str, tip: str, choices: Sequence[tuple[str, str]]):
        """`choices` are values and the words for them."""
        super().__init__(look, caption, tip, 0)
        self._choices, self._value = dict(choices), choices[0][0]
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_value(self, value: str) -> None:
        """Show another choice."""
        self._value = value
        texts = (
            fonts.measure(self._choices[value], "number"),
            fonts.measure(self.caption, "caption"),
        )
        self.setFixedWidth(int(max(texts) + 1) + 2 * PAD)
        self.setAccessibleName(f"{self.caption} {self._choices[value]}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setFont(fonts.font("number"))
        painter.setPen(QColor(self.look.theme.text))
        painter.drawText(PAD, FIGURE, self._choices[self._value])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.open_menu()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Down):
            self.open_menu()
        else:
            super().keyPressEvent(event)

    def open_menu(self) -> None:
        """Offer the choices above the bar."""
        menu = rounded(QMenu(self))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for value, word in self._choices.items():
            action = menu.addAction(word)
            action.setCheckable(True)
            action.setChecked(value == self._value)
            action.triggered.connect(lambda _=False, v=value: self.chosen.emit(v))
        menu.popup(self.mapToGlobal(QPoint(0, -menu.sizeHint().height())))


class Progress(QWidget):
    """How far the run is: a line of text over a track, 250 wide."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self._left: tuple[str, str] = ("", "")
        self._right, self._share, self._pixels = "", 0.0, -1
        self.setFixedSize(QSize(250, HEIGHT))
        look.changed.connect(self.update)

    def show_words(self, strong: str, weak: str, right: str) -> None:
        """The text: `strong` and `weak` at the left, `right` at the right."""
        if (strong, weak, right) != (*self._left, self._right):
            self._left, self._right = (strong, weak), right
            self.setAccessibleName(f"{strong} {weak}, {right}".strip(" ,"))
            self.update()

    def show_share(self, share: float) -> None:
        """How much is done, 0 to 1."""
        self._share = min(max(share, 0.0), 1.0)
        pixels = round(self._share * self.width() * self.devicePixelRatioF())
        if pixels != self._pixels:
            self._pixels = pixels
            self.update(0, 26, self.width(), 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self.look.theme
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text))
        painter.drawText(0, 17, self._left[0])
        painter.setPen(QColor(theme.text2))
        body = fonts.metrics("body")  # not `measure`, which remembers what seldom comes again
        after = body.horizontalAdvance(self._left[0] + " ")
        painter.drawText(int(after + 0.5) if self._left[0] else 0, 17, self._left[1])
        font, metrics = fonts.sized("caption mono", 11)
        painter.setFont(font)
        painter.setPen(QColor(theme.text3))
        room = self.width() - body.horizontalAdvance(" ".join(self._left)) - 12
        fitting = (w for w in shorter(self._right) if metrics.horizontalAdvance(w) <= room)
        words = next(fitting, "")
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 4, self.width(), 18), right, words)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.raised))
        painter.drawRoundedRect(QRectF(0, 27, self.width(), 4), 2, 2)
        if self._share > 0:
            painter.setBrush(QColor(theme.accent))
            painter.drawRoundedRect(QRectF(0, 27, max(4.0, self._share * self.width()), 4), 2, 2)


class Message(QWidget):
    """One line of text with an icon, cut where it does not fit; its tip has all of it."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look, self.text = look, ""
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(int(fonts.measure(self.text, "body")) + 28, HEIGHT)

    def show_text(self, text: str) -> None:
        """Show another text."""
        if text != self.text:
            self.text = text
            self.updateGeometry()
            self.setToolTip(text)
            self.setAccessibleName(text)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self.look.theme
        self.look.icon("error", theme.error).paint(painter, 0, 9, 16, 16)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.error))
        room = self.width() - 24
        metrics = fonts.metrics("body")
        text = metrics.elidedText(self.text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(24, 21, text)
