"""What the canvas shows: one widget that paints a scene from arrays, seen through a camera.

Why no QGraphicsView: measured at 3840 × 2160 with 10,000 nodes that only blit a pixmap (CPU time a
frame, zoom 0.5 / 0.2), QGraphicsScene took 20 / 38 ms with its tree and 19 / 35 ms without, a loop
in one paintEvent 12 / 15 ms, before any wire. Items cost calls from C++ into Python that one layer
saves, and what a scene gives in return (index, hit tests, selection, moving) is wanted here in
forms of our own. A zoom shows stretched pictures and direct wires first; idle time sharpens them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    QVariantAnimation,
    Signal,
)
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.backdrop import Backdrop, seen_part
from gui.canvas.camera import NAMED, NOTCH, Camera
from gui.canvas.draft import NO_DRAFT, Draft
from gui.canvas.drawing import Detail, colour, detail, pen, qrect, rounded, stroke
from gui.canvas.fitting import fitted
from gui.canvas.frame import Frame
from gui.canvas.geometry import Point, Rect
from gui.canvas.glide import Glide
from gui.canvas.ground import paint_notes
from gui.canvas.link_layer import LinkLayer
from gui.canvas.minimap import Minimap
from gui.canvas.node_layer import REACH, NodeLayer
from gui.canvas.paint_draft import paint_draft
from gui.canvas.scene import CanvasScene, Touched
from gui.canvas.sight import in_sight, revealed, with_added
from gui.canvas.zoom_bar import ZoomBar
from gui.theme import Theme

MAKE_IN_FRAME = 0.003  # s from a frame's start in which it still makes missing pictures
MAKE_IN_IDLE = 0.012
REST = 60  # ms after a zoom before idle time is used
QUIET = 1000  # ms without another look of a node before pictures for other zooms are made
MARGIN = 12  # px from the edge to what lies over the canvas, and between that
CARD = QSize(224, 58)  # beside the zoom, for what somebody tells there
FLASH = 900  # ms
OVERLOOKED = 2  # nodes from which an overview tells something


class Surface(QWidget):
    """Paints a scene, and what the active interaction drafts over it."""

    camera_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.scene = CanvasScene(fonts.measure)
        self.camera = Camera()
        self.marquee: Rect | None = None
        self.draft: Draft = NO_DRAFT
        self.nodes, self.links = NodeLayer(self.scene), LinkLayer(self.scene)
        self.backdrop = Backdrop(self.links)
        self._zooming, self._coarse, self._fit_first = False, False, True
        self._fitted: Camera | None = None
        self._flashed = ""
        self.still = False  # nothing moves that need not move
        self._flash = QVariantAnimation(self, startValue=1.0, endValue=0.0, duration=FLASH)
        self._flash.valueChanged.connect(self.update)
        self._glide = Glide(self)
        self._refine = QTimer(self, singleShot=True)
        self._refine.timeout.connect(self._sharpen)
        self._renewed = QRegion()  # where nodes look different, shown when their pictures are made
        self._living = QTimer(self, singleShot=True, interval=QUIET)
        self._living.timeout.connect(self._refine.start)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._lonely = False  # then there is nothing to overlook
        self.minimap, self.zoom_bar = Minimap(self), ZoomBar(self)
        self.card_room = QRect()
        self.scene.subscribe(self._touched)

    def sizeHint(self) -> QSize:
        return QSize(1108, 640)

    def set_theme(self, theme: Theme) -> None:
        """Paint in other colours."""
        self.theme = theme
        self.nodes.pictures.clear()
        self.links.tiles.clear()
        self.minimap.refresh()
        self.zoom_bar.update()
        self.update()

    def _touched(self, touched: Touched) -> None:
        if touched.looks and not touched.everything:
            self._looks_renewed(touched.looks)
            return
        if self._lonely != (len(self.scene.ids) < OVERLOOKED):
            self._lonely = not self._lonely
            self.minimap.setVisible(not self._lonely)
        self.minimap.refresh()
        if touched.hand is None:
            self.backdrop.forget()
            self.update()
        else:
            self.update(seen_part(self.camera, touched.hand))

    def _looks_renewed(self, looks: tuple[int, ...]) -> None:
        """Nodes are about to look different where they stand, maybe ten times a second."""
        self._living.start()
        for index in np.flatnonzero(np.isin(self.scene.look, looks)).tolist():
            rect, zoom = self.scene.rect(index), self.camera.zoom
            corner = self.camera.window(Point(rect.x, rect.y))
            seen = Rect(corner.x, corner.y, rect.width * zoom, rect.height * zoom).grown(REACH)
            self._renewed += qrect(seen).toAlignedRect()
        if self._renewed.intersects(self.rect()) and not self._refine.isActive():
            self._refine.start(0)

    # The camera

    def look_from(self, camera: Camera) -> None:
        """Show another part of the canvas."""
        self._glide.stop()
        self.see(camera)

    def glide_to(self, camera: Camera) -> None:
        """Go where somebody is led; at once where nothing moves that need not move."""
        if self.still or not self.isVisible():
            self.look_from(camera)
        elif camera != self.heading:
            self._glide.begin(camera)

    @property
    def heading(self) -> Camera:
        """Where the camera will be when it stands."""
        return self._glide.goal or self.camera

    def arrive(self) -> None:
        """Be where the camera is gliding to."""
        self.look_from(self.heading)

    def halt(self) -> None:
        """Stay where the camera is on its way: what is seen there is being pressed."""
        self._glide.stop()

    def see(self, camera: Camera) -> None:
        """One view, also on the way to another."""
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
            self.look_from(self.fitted(bounds))
            self._fitted = self.camera

    def fit_again(self) -> None:
        """Nodes have grown: show all, unless somebody has moved the view since all was shown."""
        if self.camera == self._fitted:
            self.fit()

    def fitted(self, rect: Rect) -> Camera:
        """All of a part of the canvas, clear of what lies over it."""
        return fitted(self.camera, rect, self.scene.boxes, self.card_rects())

    def card_rects(self) -> list[Rect]:
        """What lies over the foot of the canvas, px of the window."""
        cards = self.minimap.geometry(), self.zoom_bar.geometry(), self.card_room
        return [Rect(c.x(), c.y(), c.width(), c.height()) for c in cards]

    def zoom_by(self, rungs: int, at: QPointF | None = None) -> None:
        """Zoom by steps of the ladder at a point of the window, its middle when None."""
        x, y = (at.x(), at.y()) if at is not None else (self.width() / 2, self.height() / 2)
        self.look_from(self.camera.zoomed(rungs, x, y))

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
        ratio = frame.camera.ratio
        if ratio != int(ratio):  # edges lie within pixels, which all else paints in part
            painter.fillRect(self.rect().adjusted(-1, -1, 1, 1), colour(self.theme.canvas))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(1.0 / ratio, 1.0 / ratio)
        part = self._part(frame, event.rect())
        links = self.backdrop.paint(painter, part)
        self.links.paint_held(painter, part)
        nodes = self.nodes.paint(painter, part)
        paint_notes(painter, part, self.scene)
        if self.draft is not NO_DRAFT:
            paint_draft(painter, frame, self.scene, self.draft)
        painter.scale(ratio, ratio)
        self._paint_marquee(painter)
        self._paint_flash(painter)
        painter.end()
        # what was painted coarsely beside this part is so still
        beside = not QRegion(self.rect()).subtracted(event.region()).isEmpty()
        self._coarse = not (links and nodes) or (self._coarse and beside)
        if self._coarse or self._zooming:
            self._refine.start(REST if self._zooming else 0)
        self._zooming = False

    def _part(self, frame: Frame, rect: QRect) -> Frame:
        """The frame of a part of the window, where a part can be painted alone."""
        if rect == self.rect() or not self.backdrop.stands(frame) or frame.level < Detail.PLAIN:
            return frame
        corner = self.camera.canvas(rect.x(), rect.y())
        zoom = self.camera.zoom
        area = Rect(corner.x, corner.y, rect.width() / zoom, rect.height() / zoom)
        return replace(frame, area=area)

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

    def redraw(self) -> None:
        """Paint again soon."""
        self.update()

    def show_draft(self, draft: Draft) -> None:
        """Show what an interaction is about to do."""
        if draft is not self.draft:
            self.draft = draft
            self.update()

    def _paint_flash(self, painter: QPainter) -> None:
        """A ring around a node that somebody was led to, fading."""
        share = self._flash.currentValue() if self._flashed in self.scene.index_of else None
        if share is None or self._flash.state() != QVariantAnimation.State.Running:
            return
        rect, zoom = self.scene.rect(self.scene.index_of[self._flashed]), self.camera.zoom
        corner = self.camera.window(Point(rect.x, rect.y))
        around = Rect(corner.x, corner.y, rect.width * zoom, rect.height * zoom).grown(6.0)
        line = QPen(colour(self.theme.accent, round(float(share), 2)), 3.0)
        stroke(painter, rounded(around, 10.0), line)

    def flash(self, id: str) -> None:
        """Draw the eye to a node."""
        self._flashed = id
        self._flash.stop()
        if not self.still:
            self._flash.start()

    def show_node(self, id: str) -> None:
        """Bring a node into sight and draw the eye to it: to the middle, unless it is in sight."""
        if id not in self.scene.index_of:
            return
        rect, goal = self.scene.rect(self.scene.index_of[id]), self.heading
        if goal.zoom < NAMED:
            goal = goal.zoomed(-goal.rung, 0, 0)
        if not in_sight(goal, rect, self.card_rects()):
            goal = goal.centred(rect.x + rect.width / 2, rect.middle)
        self.glide_to(goal)
        self.flash(id)

    def show_added(self, rect: Rect, around: Sequence[Rect]) -> None:
        """Bring a new node into sight with what is around it, where nodes stay readable so."""
        camera, cards = self.heading, self.card_rects()
        if not in_sight(camera, rect, cards):
            self.glide_to(with_added(camera, rect, around, self.scene.boxes, cards))

    def reveal(self, id: str) -> None:
        """Bring a node into sight, as little as may be."""
        self.glide_to(revealed(self.heading, self.scene.rect(self.scene.index_of[id])))

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
            if done:
                self.backdrop.forget()
            self.update()
        elif done:
            self.update(self._renewed)
        if done:
            self._renewed = QRegion()
        if not done or not (self._living.isActive() or self._next_zooms(until)):
            self._refine.start(0)

    def _next_zooms(self, until: float) -> bool:
        """Make nodes and wires for the zooms that the next notches of the wheel lead to."""
        if len(self.scene.lifted):  # what is in the hand changes with every move
            return True
        middle, now = (self.width() / 2, self.height() / 2), self.frame(0.0)
        nodes, links = self.nodes.has_room(now), self.links.has_room(now)  # beside what is seen
        for rungs in (-NOTCH, NOTCH, -2 * NOTCH):
            frame = self.frame(0.0, self.camera.zoomed(rungs, *middle))
            if nodes and not self.nodes.refine(frame, until):
                return False
            if links and not self.links.refine(frame, until, ahead=0):
                return False
        return True

    def look_first(self) -> None:
        """Show what is seen when the canvas gets its size."""
        self.fit()

    def hideEvent(self, event: QHideEvent) -> None:
        self.arrive()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.arrive()
        unmoved = self.camera == self._fitted
        self.camera = self.camera.resized(self.width(), self.height(), self.devicePixelRatioF())
        self._place_cards()
        if self._fit_first:
            self._fit_first = False
            self.look_first()
        elif unmoved:
            self.fit()
        self.camera_changed.emit()

    def _place_cards(self) -> None:
        """The overview, the zoom, and room for one card more: at the foot, side by side."""
        low = self.height() - MARGIN
        self.minimap.move(MARGIN, low - self.minimap.height())
        beside = self.minimap.geometry().right() + 1 + MARGIN
        self.zoom_bar.adjustSize()
        self.zoom_bar.move(beside, low - self.zoom_bar.height())
        room = QRect(self.zoom_bar.geometry().right() + 1 + MARGIN, low - CARD.height(), 0, 0)
        if room.x() + CARD.width() + MARGIN > self.width():
            room.moveTo(beside, self.zoom_bar.y() - MARGIN - CARD.height())
        self.card_room = QRect(room.topLeft(), CARD)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.arrive()
            ratio = self.devicePixelRatioF()
            self.camera = self.camera.resized(self.width(), self.height(), ratio)
            self.update()
        return super().event(event)
