"""Wires: colour says the kind of data or what an overlay shows; casings make crossings read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPainterPath, QPen

from graph.op import PortKind
from gui.canvas.drawing import brush, fill, pen, rounded, stroke, text
from gui.canvas.geometry import Point
from gui.canvas.paint_port import CASING, LINE
from gui.canvas.view_model import WireState, WireView
from gui.canvas.wires import Path, tag_rect
from gui.theme import Theme, mix

Overlay = Literal["kind", "gradient", "phase"]

WIDTH, WIDTH_MAX = 1.75, 4.5
SELECTED = 2.5
SIDE = 1.5  # casing on each side
EDGE = 2.0  # px by which a tinted wire's edge is wider than the wire
REROUTE, RING = 8.0, 2.0  # px across a dot, and of its ring
TAG_START = 8.5  # from the port to the lead of its tag, clear of the casing


def qpath(path: Path) -> QPainterPath:
    """The Qt path of a wire's line."""
    made = QPainterPath()
    for name, *values in path:
        if name == "M":
            made.moveTo(*values)
        elif name == "L":
            made.lineTo(*values)
        else:
            made.cubicTo(*values)
    return made


def gradient_share(norm: float, theme: Theme) -> float:
    """Place of a norm on the logarithmic gradient scale: 0 at its low end, 1 at its high end."""
    low, high = (math.log10(end) for end in theme.gradient_range)
    if norm <= 0.0:
        return 0.0
    return min(max((math.log10(norm) - low) / (high - low), 0.0), 1.0)


def wire_pen(wire: WireView, theme: Theme, overlay: Overlay = "kind") -> QPen:
    """The pen of a wire in its state, under the overlay that is shown."""
    state = wire.state
    if state.invalid:
        return pen(theme.error, 1.75, (1.0, 5.0))
    if state.proposed:
        return pen(theme.accent, WIDTH, (5.0, 4.0))
    if state.selected:
        return pen(theme.accent, SELECTED)
    more = 1.0 if state.hovered else 0.0
    if state.muted:
        return pen(mix(theme.canvas, theme.wire, 0.5), WIDTH + more, (6.0, 4.0))
    if overlay == "gradient":
        return _gradient_pen(state, theme, more)
    if overlay == "phase":
        tint = theme.phases[state.phase % len(theme.phases)] if state.phase >= 0 else theme.wire
        return pen(tint, WIDTH + more, (6.0, 4.0) if state.through else ())
    return pen(theme.port[wire.kind], WIDTH + more)


def _gradient_pen(state: WireState, theme: Theme, more: float) -> QPen:
    norm = state.gradient
    if norm is None:
        return pen(theme.wire, WIDTH + more)
    if not math.isfinite(norm):
        return pen(theme.error, WIDTH + more, (6.0, 4.0))
    if norm > theme.gradient_range[1]:
        return pen(theme.error, WIDTH_MAX + more)
    share = gradient_share(norm, theme)
    width = WIDTH + (WIDTH_MAX - WIDTH) * share
    return pen(theme.ramp("gradient", share), width + more)


def has_edges(theme: Theme, overlay: Overlay) -> bool:
    """Whether wires with a gradient have an edge: their quiet tints are faint on a light ground."""
    return overlay == "gradient" and theme.name == "light"


def paint_wires(
    painter: QPainter,
    wires: Sequence[tuple[WireView, QPainterPath]],
    theme: Theme,
    overlay: Overlay = "kind",
) -> None:
    """Wires that leave one port: their casings first, so that none cuts another."""
    lines = [(path, wire_pen(wire, theme, overlay)) for wire, path in wires]
    for path, line in lines:
        stroke(painter, path, pen(theme.canvas, line.widthF() + 2 * SIDE))
    if has_edges(theme, overlay):
        for (wire, path), (_, line) in zip(wires, lines, strict=True):
            if wire.state.gradient is not None:
                stroke(painter, path, pen(theme.text3, line.widthF() + EDGE))
    for path, line in lines:
        stroke(painter, path, line)


def paint_wire_dots(
    painter: QPainter,
    wire: WireView,
    dots: Iterable[tuple[float, float]],
    theme: Theme,
    overlay: Overlay = "kind",
) -> None:
    """The dots a wire is led through: rings of its colour, larger on wide wires."""
    line = wire_pen(wire, theme, overlay)
    radius = (REROUTE + max(line.widthF() - WIDTH, 0.0)) / 2
    for x, y in dots:
        _dot(painter, x, y, radius, QPen(line.brush(), RING), theme.canvas)


def paint_marked_dot(
    painter: QPainter,
    wire: WireView,
    at: tuple[float, float],
    selected: bool,
    theme: Theme,
    overlay: Overlay = "kind",
) -> None:
    """A dot that is selected, or that the pointer is over: larger, and filled when selected."""
    line = wire_pen(wire, theme, overlay)
    radius = (REROUTE + max(line.widthF() - WIDTH, 0.0)) / 2 + 1.0
    ring = pen(theme.accent, RING) if selected else QPen(line.brush(), RING)
    _dot(painter, *at, radius, ring, theme.accent if selected else theme.canvas)


def _dot(painter: QPainter, x: float, y: float, radius: float, ring: QPen, inside: str) -> None:
    painter.setPen(ring)
    painter.setBrush(brush(inside))
    painter.drawEllipse(QPointF(x, y), radius, radius)


def paint_portal(
    painter: QPainter, port: Point, leaves: bool, letter: str, kind: PortKind, theme: Theme
) -> None:
    """One end of a named portal: a tag with a letter on a short lead."""
    tag, tint = tag_rect(port, leaves), theme.port[kind]
    inner = tag.x if leaves else tag.right
    edge = port.x + (TAG_START if leaves else -TAG_START)
    stroke(painter, rounded(tag, 4.0), pen(theme.canvas, LINE + CASING))
    painter.setPen(pen(tint, WIDTH))
    painter.drawLine(QPointF(edge, port.y), QPointF(inner, port.y))
    fill(painter, rounded(tag, 4.0), theme.node)
    stroke(painter, rounded(tag.grown(-0.75), 3.5), pen(tint, 1.5))
    text(painter, tag.x + tag.width / 2, port.y, letter, "caption mono", theme.text, "centre")
