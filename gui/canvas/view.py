"""The canvas: one widget that paints from arrays and hands the pointer to one interaction.

Why no QGraphicsView: measured at 3840 × 2160 with 10,000 nodes that only blit a pixmap (CPU time a
frame, zoom 0.5 / 0.2), QGraphicsScene took 20 / 38 ms with its tree and 19 / 35 ms without, a loop
in one paintEvent 12 / 15 ms, before any wire. Items cost calls from C++ into Python that one layer
saves, and what a scene gives in return (index, hit tests, selection, moving) is wanted here in
forms of our own. A zoom shows stretched pictures and direct wires first; idle time sharpens them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.camera import NOTCH, STEPS, Camera
from gui.canvas.drawing import colour, detail, pen
from gui.canvas.frame import Frame
from gui.canvas.geometry import Point, Rect
from gui.canvas.ground import paint_frames, paint_ground, paint_notes
from gui.canvas.interact.idle import Idle
from gui.canvas.interact.state import Button, Cursor, Interaction, Pointer
from gui.canvas.link_layer import LinkLayer
from gui.canvas.minimap import Minimap
from gui.canvas.node_layer import NodeLayer
from gui.canvas.scene import CanvasScene, Touched
from gui.document import Document, DocumentChange
from gui.theme import Theme

MAKE_IN_FRAME = 0.003  # s from a frame's start in which it still makes missing pictures
MAKE_IN_IDLE = 0.008
REST = 60  # ms after a zoom before idle time is used
MINIMAP_MARGIN = 12
_BUTTONS: dict[Qt.MouseButton, Button] = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.MiddleButton: "middle",
    Qt.MouseButton.RightButton: "right",
}
_CURSORS: dict[Cursor, Qt.CursorShape] = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "open hand": Qt.CursorShape.OpenHandCursor,
    "closed hand": Qt.CursorShape.ClosedHandCursor,
}


class Canvas(QWidget):
    """Shows one document."""

    camera_changed = Signal()

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.theme = document, theme
        self.scene = CanvasScene(fonts.measure)
        self.camera = Camera()
        self.marquee: Rect | None = None
        self.nodes, self.links = NodeLayer(self.scene), LinkLayer(self.scene)
        self.state: Interaction = Idle(self)
        self._space, self._wheel, self._zooming, self._coarse = False, 0.0, False, False
        self._fit_first = True
        self._refine = QTimer(self, singleShot=True)
        self._refine.timeout.connect(self._sharpen)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Canvas")
        self.minimap = Minimap(self)
        self.scene.put(document.view)
        self.scene.subscribe(self._touched)
        self._unsubscribe: Callable[[], None] = document.subscribe(self._document_changed)
        gc.collect()
        gc.freeze()  # else a full collection walks the whole graph within a frame: 30 ms

    def sizeHint(self) -> QSize:
        return QSize(1108, 640)

    def close_document(self) -> None:
        """Stop listening to the document."""
        self._unsubscribe()
        self._refine.stop()
        gc.unfreeze()

    def set_theme(self, theme: Theme) -> None:
        """Paint in other colours."""
        self.theme = theme
        self.nodes.pictures.clear()
        self.links.tiles.clear()
        self.minimap.refresh()
        self.update()

    # What the document and the scene tell

    def _document_changed(self, change: DocumentChange) -> None:
        if change.view:
            self.state.cancel()
            self.scene.put(self.document.view)
        elif change.moved:
            self.scene.put_places(self.document.view, change.moved)
        if change.view or change.selection:
            chosen, scene = self.document.selection, self.scene
            self.scene.set_states(
                (node.id, replace(node.state, selected=node.id in chosen))
                for node in scene.views
                if node.state.selected != (node.id in chosen)
            )
            picked = self.document.selected_wires
            rows = (r for r, wire in enumerate(self.document.wires) if picked and wire in picked)
            scene.mark_wires(scene.hovered_wire, rows)

    def _touched(self, touched: Touched) -> None:
        self.minimap.refresh()
        self.update()

    # The camera

    def look_from(self, camera: Camera) -> None:
        """Show another part of the canvas."""
        if camera != self.camera:
            self._zooming = self._zooming or camera.rung != self.camera.rung
            self.camera = camera
            self.minimap.update()
            self.camera_changed.emit()
            self.update()

    def fit(self) -> None:
        """Show everything."""
        bounds = self.scene.bounds()
        if bounds is not None:
            self.look_from(self.camera.fitted(bounds))

    def fit_selection(self) -> None:
        """Show the selected nodes, or everything when there are none."""
        which = self.scene.indices(self.document.selection).tolist()
        if not which:
            self.fit()
            return
        around = self.scene.rect(which[0])
        for index in which[1:]:
            around = around.united(self.scene.rect(index))
        self.look_from(self.camera.fitted(around))

    def zoom_by(self, rungs: int, at: QPointF | None = None) -> None:
        """Zoom by steps of the ladder at a point of the window, its middle when None."""
        x, y = (at.x(), at.y()) if at is not None else (self.width() / 2, self.height() / 2)
        self.look_from(self.camera.zoomed(rungs, x, y))

    # What an interaction asks for

    def redraw(self) -> None:
        """Paint again soon."""
        self.update()

    def enter(self, state: Interaction) -> None:
        """Make another interaction the active one."""
        self.state = state

    def leave(self) -> None:
        """Back to idle."""
        self.state = Idle(self)
        self.show_cursor("open hand" if self._space else "arrow")

    def show_cursor(self, cursor: Cursor) -> None:
        """Show another cursor."""
        self.setCursor(_CURSORS[cursor])

    # Painting

    def frame(self, seconds: float, camera: Camera | None = None) -> Frame:
        """A frame that makes what the caches miss in its first so many seconds."""
        camera = camera or self.camera
        size = round(camera.width * camera.ratio), round(camera.height * camera.ratio)
        return Frame(
            camera=camera,
            theme=self.theme,
            level=detail(camera.zoom),
            scale=camera.scale,
            origin=camera.origin,
            size=size,
            area=camera.area,
            deadline=time.perf_counter() + seconds,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        frame = self.frame(0.0 if self._zooming else MAKE_IN_FRAME)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = frame.camera.ratio
        painter.scale(1.0 / ratio, 1.0 / ratio)
        paint_ground(painter, frame)
        paint_frames(painter, frame, self.scene)
        links = self.links.paint(painter, frame)
        nodes = self.nodes.paint(painter, frame)
        paint_notes(painter, frame, self.scene)
        painter.scale(ratio, ratio)
        self._paint_marquee(painter)
        painter.end()
        self._coarse = not (links and nodes)
        if self._coarse or self._zooming:
            self._refine.start(REST if self._zooming else 0)
        self._zooming = False

    def _paint_marquee(self, painter: QPainter) -> None:
        if self.marquee is None:
            return
        corner = self.camera.window(Point(self.marquee.x, self.marquee.y))
        zoom = self.camera.zoom
        rect = QRectF(corner.x, corner.y, self.marquee.width * zoom, self.marquee.height * zoom)
        inside: QColor = colour(self.theme.accent, 0.10)
        painter.fillRect(rect, inside)
        painter.setPen(pen(self.theme.accent, 1.0))
        painter.drawRect(rect)

    @property
    def sharpening(self) -> bool:
        """Whether idle time is still wanted."""
        return self._refine.isActive()

    def _sharpen(self) -> None:
        """Make what the last frame missed, a slice at a time."""
        frame = self.frame(0.0)
        until = time.perf_counter() + MAKE_IN_IDLE
        done = self.nodes.refine(frame, until) and self.links.refine(frame, until)
        if self._coarse:
            self.update()
        if not done or not self._next_zooms(until):
            self._refine.start(0)

    def _next_zooms(self, until: float) -> bool:
        """Make nodes for the zooms that the next notches of the wheel lead to."""
        middle = self.width() / 2, self.height() / 2
        pictures = self.nodes.pictures
        return all(
            2 * pictures.bytes > pictures.limit  # never at the cost of what is seen
            or self.nodes.refine(self.frame(0.0, self.camera.zoomed(rungs, *middle)), until)
            for rungs in (-NOTCH, NOTCH, -2 * NOTCH)
        )

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.camera = self.camera.resized(self.width(), self.height(), self.devicePixelRatioF())
        if self._fit_first:
            self._fit_first = False
            self.fit()
        self.minimap.move(MINIMAP_MARGIN, self.height() - self.minimap.height() - MINIMAP_MARGIN)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            ratio = self.devicePixelRatioF()
            self.camera = self.camera.resized(self.width(), self.height(), ratio)
            self.update()
        pinch = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == pinch:
            self._zoom_smoothly(event.value() * STEPS, event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, turn = event.pixelDelta(), event.angleDelta()
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not pixels.isNull() and not control:  # a touchpad's two fingers
            self.look_from(self.camera.panned(pixels.x(), pixels.y()))
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
        self.state.move(self._pointer(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.state.release(self._pointer(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.show_cursor("open hand")
        elif event.key() == Qt.Key.Key_Escape:
            self.state.cancel()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            if isinstance(self.state, Idle):
                self.show_cursor("arrow")
        else:
            super().keyReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if isinstance(self.state, Idle):
            away = Point(float("inf"), float("inf"))
            self.state.move(Pointer(away, away))

    def _pointer(self, event: QMouseEvent) -> Pointer:
        at, held = event.position(), event.modifiers()
        return Pointer(
            window=Point(at.x(), at.y()),
            canvas=self.camera.canvas(at.x(), at.y()),
            button=_BUTTONS.get(event.button(), ""),
            shift=bool(held & Qt.KeyboardModifier.ShiftModifier),
            control=bool(held & Qt.KeyboardModifier.ControlModifier),
            space=self._space,
        )
