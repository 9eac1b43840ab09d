"""The states of the canvas that have pictures to be compared with.

`python -m tests.window.canvas_states` paints them again after a wanted change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph.graph import Node
from graph.ops.conv import Conv2d
from graph.ops.dense import Dense
from gui import fonts
from gui.canvas.paint_canvas import Scene, scene, scene_bounds
from gui.canvas.view import Canvas
from gui.canvas.view_model import (
    CanvasView,
    WireState,
    WireView,
)
from gui.document import Document
from gui.render import image
from gui.theme import Mood, theme
from tests.support.node_states import NODE, PREVIEWS
from tests.support.node_states import STATES as STATES_OF_NODES
from tests.support.small_graphs import draw, op

FOLDER = Path(__file__).parent / "pictures"
MOODS: tuple[Mood, ...] = ("dark", "light")
SIZE = 760, 520
LEFT = Qt.MouseButton.LeftButton

_WIRES = {
    "plain": WireState(),
    "hovered": WireState(hovered=True),
    "selected": WireState(selected=True),
    "muted": WireState(muted=True),
    "invalid": WireState(invalid=True),
    "proposed": WireState(proposed=True),
}


def _painted(view: CanvasView, mood: Mood) -> QImage:
    drawing: Scene = scene(view)
    bounds = scene_bounds(drawing)
    assert bounds is not None
    return image(drawing, bounds.grown(20.0), theme(mood))


def nodes(mood: Mood) -> QImage:
    """A node in every state, and every kind of preview."""
    drawn = [replace(NODE, id=name, state=state) for name, state in STATES_OF_NODES.items()]
    drawn += [replace(NODE, id=name, preview=shown) for name, shown in PREVIEWS.items()]
    drawn.append(replace(NODE, id="small", collapsed=True))
    views = [
        replace(view, title=view.id.title(), x=210.0 * (n % 4), y=190.0 * (n // 4))
        for n, view in enumerate(drawn)
    ]
    return _painted(CanvasView(tuple(views)), mood)


def wires(mood: Mood) -> QImage:
    """A wire in every state."""
    views, lines = [], []
    for n, (name, state) in enumerate(_WIRES.items()):
        source = replace(NODE, id=f"{name} from", title=name.title(), collapsed=True, y=70.0 * n)
        target = replace(source, id=f"{name} to", x=300.0, y=70.0 * n + 24.0)
        views += [source, target]
        lines.append(WireView(source.id, 0, target.id, 0, "image", state=state))
    return _painted(CanvasView(tuple(views), tuple(lines)), mood)


def _canvas(mood: Mood) -> Canvas:
    """Digits and two nodes that nothing is wired to, in a window."""
    document = Document(draw({"digits": op("Digits")}, ""), fonts.measure)
    for node in (
        Node("dense", Dense(units=10), x=280.0, y=40.0),
        Node("conv", Conv2d(), x=500.0, y=120.0),
    ):
        document.graph.set_node(node)
    canvas = Canvas(Document(document.graph, fonts.measure), theme(mood))
    canvas.resize(*SIZE)
    canvas.show()
    canvas.look_from(canvas.camera.moved_to(-60.0, -40.0))
    return canvas


def _grabbed(canvas: Canvas) -> QImage:
    for _ in range(200):
        QApplication.processEvents()
        if not canvas.sharpening:
            break
    found = canvas.grab().toImage()
    canvas.close_document()
    canvas.close()
    canvas.deleteLater()
    return found


def _pull(canvas: Canvas, target: str) -> QPoint:
    """Draw a wire from the images to a node, by real events; where the pointer is then."""
    ends = canvas.scene.port_point("digits", 0, True), canvas.scene.port_point(target, 0, False)
    start, end = (QPoint(round(p.x), round(p.y)) for p in map(canvas.camera.window, ends))
    QTest.mousePress(canvas, LEFT, pos=start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(canvas, start + (end - start) * step / 4)
    return end


def linking(mood: Mood) -> QImage:
    """A wire in the hand: ports that fit light up."""
    canvas = _canvas(mood)
    _pull(canvas, "conv")
    return _grabbed(canvas)


def refusal(mood: Mood) -> QImage:
    """A wire that does not fit, with what makes it fit."""
    canvas = _canvas(mood)
    QTest.mouseRelease(canvas, LEFT, pos=_pull(canvas, "dense"))
    return _grabbed(canvas)


STATES: tuple[Callable[[Mood], QImage], ...] = (nodes, wires, linking, refusal)


def path(name: str, mood: Mood) -> Path:
    """Where a picture is kept."""
    return FOLDER / f"{name}-{mood}.png"


def renew() -> None:
    """Paint all pictures again."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    fonts.load()
    FOLDER.mkdir(exist_ok=True)
    for state in STATES:
        for mood in MOODS:
            state(mood).save(str(path(state.__name__, mood)))
            print(path(state.__name__, mood))
    application.quit()


if __name__ == "__main__":
    renew()
