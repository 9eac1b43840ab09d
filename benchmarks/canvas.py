"""The canvas's gates, measured: `python benchmarks/canvas.py [--runs 5] [--nodes 1000 10000]`.

A frame is one synchronous repaint of the whole window after a pan or a zoom, links drawn; what is
not cached counts. Ten pans follow two notches of the wheel, out and back in, and so on. Between two
frames waiting events are handled, no more. Every node has a name of its own, so no two share a
picture. Prints the 95th percentile of each run in wall-clock and in CPU time; "ok (CPU)" is a line
whose wall-clock time missed its gate while its CPU time kept it: others used the machine, or not.
The exit code is 1 when a line is over in both.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import graph.ops  # noqa: F401
from graph.files import load, save
from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY
from gui import fonts
from gui.canvas.view import Canvas
from gui.document import Document
from gui.theme import theme

SIZES = ((1920, 1080), (3840, 2160))
EVENTS = 200
GATES = {1000: 16.0, 10000: 33.0}
ACROSS, DOWN = 192.0, 160.0  # px between nodes, about what the automatic layout leaves
BLOCK = ("Conv2d", "BatchNorm", "ReLU", "Add")


def large_graph(count: int) -> Graph:
    """`count` nodes in a square, two wires for each: to its neighbour, and over 2 to 12 nodes, one
    in ten over up to 200.
    """
    made, chance, columns = Graph(), random.Random(3), round((count * DOWN / ACROSS * 1.6) ** 0.5)
    made.set_node(Node("digits", REGISTRY["Digits"]()))
    for index in range(1, count):
        kind = BLOCK[index % 4]
        op = REGISTRY[kind](filters=1) if kind == "Conv2d" else REGISTRY[kind]()
        row, column = divmod(index, columns)
        id = f"n{index}"
        made.set_node(Node(id, op, f"{kind} {index}", x=ACROSS * column, y=DOWN * row))
        made.add_wire(_wire(made, index - 1, index))
    free = 2 * count - (count - 1)
    while free > 0:
        target = 4 * chance.randrange(1, count // 4) + 3
        far = 200 if chance.random() < 0.1 else 12
        source = target - chance.randrange(2, far)
        wire = _wire(made, source, target, order=free) if source > 0 and target < count else None
        if wire is not None:
            made.add_wire(wire)
            free -= 1
    return made


def _wire(made: Graph, source: int, target: int, order: int = 0) -> Wire:
    """A wire between first ports by number; those of a node that adds take any number."""
    start = f"n{source}" if source else "digits"
    output = made.ports_out(start)[0].name
    return Wire(start, output, f"n{target}", made.ports_in(f"n{target}")[0].name, order)


def opened(file: Path, size: tuple[int, int]) -> tuple[Canvas, float, float]:
    """A canvas that shows a file; ms until its first frame, and until every picture is sharp."""
    start = time.perf_counter()
    canvas = Canvas(Document(load(file), fonts.measure), theme("dark"))
    canvas.resize(*size)
    canvas.show()
    canvas.repaint()
    first = time.perf_counter()
    settle(canvas)
    return canvas, 1e3 * (first - start), 1e3 * (time.perf_counter() - start)


def settle(canvas: Canvas) -> None:
    """Let idle time make all that is missing."""
    QTest.qWait(80)
    while canvas.sharpening:
        QApplication.processEvents()


def frame_times(
    canvas: Canvas, act: Callable[[int], None], events: int
) -> list[tuple[float, float]]:
    """Wall-clock and CPU ms of one repaint after each act."""
    found = []
    for number in range(events):
        QApplication.processEvents()
        wall, cpu = time.perf_counter(), time.thread_time()
        act(number)
        canvas.repaint()
        found.append((1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - cpu)))
    return found


def panning_and_zooming(canvas: Canvas) -> list[tuple[float, float]]:
    """Ten pans, then two notches in, ten pans, two notches out, and so on."""
    middle = QPointF(canvas.width() / 3, canvas.height() / 2)

    def act(number: int) -> None:
        turn, place = divmod(number, 12)
        if place >= 10:
            canvas.zoom_by(4 if turn % 2 else -4, middle)
        else:
            across = (37, -23)[(number // 40) % 2]
            canvas.look_from(canvas.camera.panned(across, 19 if turn % 2 else -17))

    return frame_times(canvas, act, EVENTS)


@contextmanager
def picked_up(canvas: Canvas, count: int = 50) -> Iterator[Callable[[int], None]]:
    """The `count` nodes nearest to the middle of the window, in the hand: yields what moves them.

    All by mouse events; at the end they are put back.
    """
    scene, camera, zoom = canvas.scene, canvas.camera, canvas.camera.zoom
    area = camera.area
    middle = area.x + area.width / 2, area.y + area.height / 2
    near = np.argsort(np.hypot(*(scene.places - middle).T))[:count].tolist()
    canvas.document.select(scene.ids[index] for index in near)
    settle(canvas)
    rect = scene.rect(near[0])
    start = QPoint(round((rect.x + 20 - camera.x) * zoom), round((rect.y + 8 - camera.y) * zoom))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)

    def move(number: int) -> None:
        move_held(canvas, start + QPoint(9 * (number % 40) + 9, 5 * (number % 30) + 9))

    yield move
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start)


def move_held(canvas: Canvas, at: QPoint) -> None:
    """Move the pointer with its left button down; QTest moves it without."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place, kind = QPointF(at), QMouseEvent.Type.MouseMove
    event = QMouseEvent(kind, place, canvas.mapToGlobal(place), Qt.MouseButton.NoButton, left, none)
    QApplication.sendEvent(canvas, event)


def dragging(canvas: Canvas) -> list[tuple[float, float]]:
    """Frames of 50 dragged nodes."""
    with picked_up(canvas) as move:
        return frame_times(canvas, move, 60)


def p95(times: Sequence[tuple[float, float]], which: int) -> float:
    """95th percentile of wall-clock (0) or CPU (1) ms."""
    ranked = sorted(pair[which] for pair in times)
    return ranked[min(round(0.95 * len(ranked)), len(ranked) - 1)]


def report(words: str, runs: Sequence[Sequence[tuple[float, float]]], gate: float) -> bool:
    """One line of the table: the p95 of every run. Whether the gate is kept."""
    wall, cpu = ([p95(run, which) for run in runs] for which in (0, 1))
    verdict = "ok" if max(wall) <= gate else "ok (CPU)" if max(cpu) <= gate else "OVER"
    shown = " ".join(f"{value:5.1f}" for value in wall)
    spent = " ".join(f"{value:5.1f}" for value in cpu)
    print(f"{words:34} wall {shown}   cpu {spent}   gate {gate:g}  {verdict}", flush=True)
    return verdict != "OVER"


def measure(file: Path, count: int, runs: int) -> bool:
    """Every gate of one graph; whether all are kept."""
    gate, kept = GATES.get(count, 33.0), True
    for size in SIZES:
        canvas, first, sharp = opened(file, size)
        name = f"{count:,} {size[0]}×{size[1]}"
        print(f"{name:34} first frame {first:.0f} ms, all sharp {sharp:.0f} ms", flush=True)
        for zoom, rung in (("fit", None), ("0.5", -16), ("1.0", 0)):
            found = []
            for _ in range(runs):
                canvas.fit()
                if rung is not None:
                    canvas.zoom_by(rung - canvas.camera.rung)
                settle(canvas)
                found.append(panning_and_zooming(canvas))
            kept = report(f"{name} {zoom}", found, gate) and kept
            settle(canvas)
            if rung is not None:
                canvas.fit()
                canvas.zoom_by(rung - canvas.camera.rung)
                settle(canvas)
                drags = [dragging(canvas) for _ in range(runs)]
                kept = report(f"{name} {zoom} drag 50", drags, 16.0) and kept
        canvas.close_document()
        canvas.close()
        canvas.deleteLater()
        QApplication.processEvents()
    return kept


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, nargs="+", default=sorted(GATES))
    chosen = parser.parse_args()
    application = QApplication.instance() or QApplication([])
    fonts.load()
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for count in chosen.nodes:
            file = Path(folder) / "large.loom"
            save(large_graph(count), file)
            kept = measure(file, count, chosen.runs) and kept
    del application
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
