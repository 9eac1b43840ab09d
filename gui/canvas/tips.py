"""What a wire or a port carries, told beside the pointer after a short rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QTimer
from PySide6.QtWidgets import QToolTip

from graph.edit import op_name
from gui.canvas.geometry import Point
from gui.canvas.hits import PortHit
from gui.canvas.refusal import shape_words

if TYPE_CHECKING:
    from gui.canvas.view import Canvas

REST = 300  # ms
# (node, output port) -> lines about what was last seen there: mean, std, min, max, NaN count.
Statistics = Callable[[str, str], Iterable[str]]


class Tips:
    """Tells of one thing at a time; `statistics` is asked when somebody gives it."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self.statistics: Statistics | None = None
        self._over: PortHit | int | None = None
        self._at = Point(0.0, 0.0)
        self._timer = QTimer(canvas, singleShot=True, interval=REST)
        self._timer.timeout.connect(self._show)

    def over(self, thing: PortHit | int | None, at: Point) -> None:
        """The pointer is over a port, a wire (its row) or neither."""
        self._at = at
        if thing == self._over:
            return
        if self._over is not None:
            QToolTip.hideText()
        self._over = thing
        if thing is None:
            self._timer.stop()
        else:
            self._timer.start()

    @property
    def is_shown(self) -> bool:
        """Whether something is told now."""
        return self._over is not None and not self._timer.isActive() and QToolTip.isVisible()

    def tell_again(self) -> None:
        """What is told may be another now."""
        self._show()

    def words(self, thing: PortHit | int) -> str:
        """What is told of a port or wire."""
        document = self._canvas.document
        drawing = document.drawing
        if isinstance(thing, int):
            wire = document.wires[thing]
            first = f"{drawing.node(wire.source).label} → {drawing.node(wire.target).label}"
            return "\n".join([first, *self._carried(wire.source, wire.output)])
        node = drawing.node(thing.node)
        if thing.is_output:
            port = drawing.ports_out(node.id)[thing.index]
            return "\n".join([f"{node.label}.{port.name}", *self._carried(node.id, port.name)])
        port = drawing.ports_in(node.id)[thing.index]
        wires = drawing.wires_in(node.id, port.name)
        lines = [f"{node.label}.{port.name}"]
        if not wires:
            wanted = "takes any kind" if port.kind == "any" else f"takes {_a(port.kind)}"
            free = "may stay free" if port.optional else "not wired yet"
            return "\n".join([*lines, f"{op_name(node.op)} {wanted} here; {free}"])
        for wire in wires:
            lines += self._carried(wire.source, wire.output)
        return "\n".join(lines)

    def _carried(self, node: str, port: str) -> list[str]:
        document = self._canvas.document
        prefix = document.prefix
        kind = document.shapes.types.get((prefix + node, port))
        lines = [shape_words(kind) if kind is not None else "shape not known yet"]
        if self.statistics is not None:
            lines += self.statistics(prefix + node, port)
        return lines

    def _show(self) -> None:
        canvas, thing = self._canvas, self._over
        if thing is None or (isinstance(thing, int) and thing >= len(canvas.document.wires)):
            return
        at = canvas.mapToGlobal(QPoint(round(self._at.x), round(self._at.y)))
        QToolTip.showText(at, self.words(thing), canvas, QRect())


def _a(kind: str) -> str:
    """A kind of data with its article."""
    known = {"labels": "class labels", "parameters": "parameters"}
    return known.get(kind, f"an {kind}" if kind[0] in "aeiou" else f"a {kind}")
