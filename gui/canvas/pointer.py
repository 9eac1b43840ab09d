"""From Qt's events to the active interaction: pointer, wheel, touchpad, keys."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import (
    QCursor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui.canvas.camera import NOTCH, STEPS
from gui.canvas.geometry import Point
from gui.canvas.interact.state import Button, Cursor, Interaction, Pointer
from gui.canvas.surface import Surface
from gui.theme import Theme

WORK = 0.003  # s of one slice of an interaction's own work
PAN = 60  # px of a notch of the wheel, where it pans
_HALTS = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.Wheel,
        QEvent.Type.NativeGesture,
    }
)
_BUTTONS: dict[Qt.MouseButton, Button] = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.MiddleButton: "middle",
    Qt.MouseButton.RightButton: "right",
}
_CURSORS: dict[Cursor, Qt.CursorShape] = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "open hand": Qt.CursorShape.OpenHandCursor,
    "closed hand": Qt.CursorShape.ClosedHandCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "forbidden": Qt.CursorShape.ForbiddenCursor,
    "size": Qt.CursorShape.SizeFDiagCursor,
    "width": Qt.CursorShape.SizeHorCursor,
}
_KEYS: dict[int, str] = {
    Qt.Key.Key_Escape: "escape",
    Qt.Key.Key_Return: "enter",
    Qt.Key.Key_Enter: "enter",
    Qt.Key.Key_Tab: "tab",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Menu: "menu",
    **{Qt.Key.Key_0 + digit: str(digit) for digit in range(1, 10)},
}
NEAR_EDGE = 28.0  # px from the window's edge within which a drag moves the view
TICK, FASTEST = 16, 14.0  # ms between two moves, px of one at the edge and beyond
NOWHERE = Point(float("inf"), float("inf"))


class PointedSurface(Surface):
    """Hands everything to `state`, the one interaction that is active."""

    state: Interaction

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._space, self._wheel = False, 0.0
        self.wheel_pans = False  # else it zooms; with Ctrl it always zooms
        self._working = QTimer(self, singleShot=True, interval=0)
        self._working.timeout.connect(self._work)
        self._last = Pointer(NOWHERE, NOWHERE)
        self._reaching = QTimer(self, interval=TICK)
        self._reaching.timeout.connect(self._reach)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Canvas")

    def idle(self) -> Interaction:
        """The state between gestures."""
        raise NotImplementedError

    @property
    def is_idle(self) -> bool:
        """Whether no gesture is under way."""
        return type(self.state) is type(self.idle())

    def enter(self, state: Interaction) -> None:
        """Make another interaction the active one."""
        self.state = state

    def leave(self) -> None:
        """Back to idle."""
        self.state = self.idle()
        self.show_cursor("open hand" if self._space else "arrow")

    def show_cursor(self, cursor: Cursor) -> None:
        """Show another cursor."""
        self.setCursor(_CURSORS[cursor])

    def work_soon(self) -> None:
        """Let the active interaction work in slices while nothing else is to do."""
        if not self._working.isActive():
            self._working.start()

    def _work(self) -> None:
        if self.state.work(time.perf_counter() + WORK):
            self._working.start()

    # Events

    def event(self, event: QEvent) -> bool:
        self._cut_short(event.type())
        pinch = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == pinch:
            self._zoom_smoothly(event.value() * STEPS, event.position())
            return True
        if event.type() == QEvent.Type.ShortcutOverride:
            key = _key(cast(QKeyEvent, event))
            if key in self.state.keys:  # the gesture's keys come before the window's shortcuts
                event.accept()
                return True
        return super().event(event)

    def _cut_short(self, happens: QEvent.Type) -> None:
        """The user goes on while the camera glides: the hand finds what it sees, keys the end."""
        if happens in _HALTS:
            self.halt()
        elif happens == QEvent.Type.ShortcutOverride:  # before every key
            self.arrive()

    def focusNextPrevChild(self, next: bool) -> bool:
        return False  # Tab searches for a node

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, turn = event.pixelDelta(), event.angleDelta()
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not pixels.isNull() and not control:  # a touchpad's two fingers
            self.look_from(self.camera.panned(pixels.x(), pixels.y()))
        elif self.wheel_pans and not control:
            self.look_from(self.camera.panned(turn.x() / 120 * PAN, turn.y() / 120 * PAN))
        else:
            self._zoom_smoothly(turn.y() / 120 * NOTCH, event.position())
        event.accept()

    def _zoom_smoothly(self, rungs: float, at: QPointF) -> None:
        """Small turns add up to whole steps."""
        self._wheel += rungs
        whole = int(self._wheel)
        self._wheel -= whole
        if whole:
            self.zoom_by(whole, at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.state.press(self._pointer(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._last = self._pointer(event)
        self.state.move(self._last)
        if self.state.reaches and self._beyond() != (0.0, 0.0):
            if not self._reaching.isActive():
                self._reaching.start()
        else:
            self._reaching.stop()

    def _reach(self) -> None:
        """Move the view on while a gesture is held at the window's edge."""
        across, down = self._beyond()
        if not self.state.reaches or not (across or down):
            self._reaching.stop()
            return
        self.look_from(self.camera.panned(across, down))
        at = self._last.window
        self._last = replace(self._last, canvas=self.camera.canvas(at.x, at.y))
        self.state.move(self._last)

    def _beyond(self) -> tuple[float, float]:
        """px by which the view moves in one tick: more the nearer the pointer is to an edge."""
        at = self._last.window
        return _push(at.x, float(self.width())), _push(at.y, float(self.height()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.state.release(self._pointer(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self.state.double(self._pointer(event)):
            self.state.press(self._pointer(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = _key(event)
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.show_cursor("open hand")
        elif key in self.state.keys:
            self.state.key(key)
        elif key == "escape":
            self.state.cancel()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            if self.is_idle:
                self.show_cursor("arrow")
        else:
            super().keyReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self.is_idle:
            self.state.move(Pointer(NOWHERE, NOWHERE))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space = False
        super().focusOutEvent(event)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.state.focused()
        self.update()

    def pointed(self) -> Point:
        """Where the pointer is on the canvas; the middle of what is seen when it is elsewhere."""
        at = self.mapFromGlobal(QCursor.pos())
        if not self.rect().contains(at):
            at = self.rect().center()
        return self.camera.canvas(at.x(), at.y())

    def _pointer(self, event: QMouseEvent) -> Pointer:
        at, held = event.position(), event.modifiers()
        return Pointer(
            window=Point(at.x(), at.y()),
            canvas=self.camera.canvas(at.x(), at.y()),
            button=_BUTTONS.get(event.button(), ""),
            shift=bool(held & Qt.KeyboardModifier.ShiftModifier),
            control=bool(held & Qt.KeyboardModifier.ControlModifier),
            alt=bool(held & Qt.KeyboardModifier.AltModifier),
            space=self._space,
        )


def _push(at: float, length: float) -> float:
    """One axis: positive at the near edge, negative at the far one, 0 between."""
    near, far = NEAR_EDGE - at, at - (length - NEAR_EDGE)
    depth = near if near > 0.0 else -max(far, 0.0)
    return FASTEST * max(-1.0, min(depth / NEAR_EDGE, 1.0))


def _key(event: QKeyEvent) -> str:
    """The name of a key, with the one modifier that counts; "" for one no interaction knows."""
    name, held = _KEYS.get(event.key(), ""), event.modifiers()
    held &= ~Qt.KeyboardModifier.KeypadModifier
    if not name or held == Qt.KeyboardModifier.NoModifier:
        return name
    if held == Qt.KeyboardModifier.ShiftModifier:
        return f"shift+{name}"
    return f"ctrl+{name}" if held == Qt.KeyboardModifier.ControlModifier else ""
