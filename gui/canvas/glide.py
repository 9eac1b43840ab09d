"""The camera on its way: it glides to where somebody is led instead of jumping there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QVariantAnimation

from gui.canvas.camera import Camera
from gui.theme import tokens

if TYPE_CHECKING:
    from gui.canvas.surface import Surface


class Glide(QVariantAnimation):
    """A view at every frame from one camera to another, no timer before and after.

    Whatever else moves the camera ends it there.
    """

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface, startValue=0.0, endValue=1.0)
        motion = tokens()["size"]["motion"]
        self.setDuration(motion["camera"])
        x1, y1, x2, y2 = motion["easing"]
        curve = QEasingCurve(QEasingCurve.Type.BezierSpline)
        curve.addCubicBezierSegment(QPointF(x1, y1), QPointF(x2, y2), QPointF(1.0, 1.0))
        self.setEasingCurve(curve)
        self._surface = surface
        self._start = self._goal = surface.camera
        self.valueChanged.connect(self._look)

    @property
    def goal(self) -> Camera | None:
        """Where the camera will be; None when it stands."""
        return self._goal if self.state() == self.State.Running else None

    def begin(self, goal: Camera) -> None:
        """Go there from where the camera is now."""
        self.stop()
        self._start, self._goal = self._surface.camera, goal
        self.start()

    def _look(self, share: float) -> None:
        # setting up and starting tell a value, too
        if self.state() == self.State.Running:
            self._surface.see(self._start.towards(self._goal, share))
