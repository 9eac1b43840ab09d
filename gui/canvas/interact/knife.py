"""Cutting wires by a drawn line: control and the right button."""

from __future__ import annotations

import numpy as np

from graph import edits
from gui.canvas.curves import flattened
from gui.canvas.draft import NO_DRAFT, Draft
from gui.canvas.geometry import Point, Rect
from gui.canvas.hits import HIT_STEPS
from gui.canvas.index import Floats
from gui.canvas.interact.state import ESCAPE, Host, Interaction, Pointer

STEP = 6.0  # px on screen between two points of the line


class Knife(Interaction):
    """The wires that the line crosses are shown as cut; releasing the button cuts them."""

    keys = ESCAPE

    def __init__(self, host: Host, pointer: Pointer) -> None:
        super().__init__(host)
        self._line = [pointer.canvas]
        self._rows: dict[int, None] = {}
        host.show_cursor("cross")

    def move(self, pointer: Pointer) -> None:
        last, at = self._line[-1], pointer.canvas
        if max(abs(at.x - last.x), abs(at.y - last.y)) * self.host.camera.zoom < STEP:
            return
        self._rows.update(dict.fromkeys(crossed(self.host, last, at)))
        self._line.append(at)
        self.host.show_draft(Draft(knife=tuple(self._line), rows=tuple(self._rows), cut=True))

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "right":
            return
        host, wires = self.host, [self.host.document.wires[row] for row in self._rows]
        self._end()
        if wires:
            count = f"{len(wires)} wire{'s' if len(wires) != 1 else ''}"
            into = host.document.into
            host.push(*(edits.Disconnect(wire, into=into) for wire in wires), name=f"Cut {count}")

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        self._end()

    def _end(self) -> None:
        self.host.show_draft(NO_DRAFT)
        self.host.leave()


def crossed(host: Host, one: Point, other: Point) -> list[int]:
    """Rows of the wires that the line between two points crosses."""
    scene = host.scene
    x, y = min(one.x, other.x), min(one.y, other.y)
    around = Rect(x, y, abs(one.x - other.x), abs(one.y - other.y))
    near = scene.line_boxes.meeting(around, 1.0)
    near = near[~scene.portal[near]]
    if not len(near):
        return []
    segments, owner = flattened(scene.lines, near, HIT_STEPS)
    start, end = np.array([one.x, one.y]), np.array([other.x, other.y])
    sides = _side(segments[:, :2], start, end) * _side(segments[:, 2:], start, end) <= 0
    a, b = segments[:, :2], segments[:, 2:]
    across = _cross(b - a, start - a) * _cross(b - a, end - a) <= 0
    rows: list[int] = np.unique(near[owner[sides & across]]).tolist()
    return rows


def _side(points: Floats, start: Floats, end: Floats) -> Floats:
    return _cross(np.broadcast_to(end - start, points.shape), points - start)


def _cross(one: Floats, other: Floats) -> Floats:
    product: Floats = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return product
