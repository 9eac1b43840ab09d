"""Make the pictures of docs/images: `python tools/pictures.py [--into FOLDER] [NAME…]`.

The real window, drawn offscreen at 1600 × 1000, does what a person would: it opens, wires, trains
and asks. Every run has a fixed seed; states are waited for. Only timings differ between two makes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QPoint, Qt  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QLineEdit  # noqa: E402

import resources  # noqa: E402
from benchmarks.canvas import large_graph, settle  # noqa: E402
from graph.edits import Disconnect, Remove, SetOp  # noqa: E402
from graph.files import load  # noqa: E402
from graph.op import REGISTRY  # noqa: E402
from gui import fonts  # noqa: E402
from gui.canvas.view import Canvas  # noqa: E402
from gui.document import Document  # noqa: E402
from gui.look import Choice  # noqa: E402
from gui.render import application, render  # noqa: E402
from gui.theme import theme  # noqa: E402
from tools.studio import FOLDER, SEED, SIZE, Studio, draw, keep, named  # noqa: E402

TALL = 1640  # px of a window that shows all examples
RATE = 6e-4
GRABBED = 31  # epoch in which a running training is drawn
MAPS = "32×8×8"  # what the feature maps of conv2 are


# What is seen


def start(studio: Studio) -> None:
    """The first thing anybody sees."""
    studio.grab(named("start", studio))


def empty(studio: Studio) -> None:
    """A new document."""
    studio.window.files.new()
    studio.until(lambda: studio.canvas.isVisible(), "the canvas")
    studio.grab("empty-canvas")


def refusal(studio: Studio) -> None:
    """A convolution wired into a dense layer, by mouse."""
    studio.open("digits-cnn")
    document, canvas = studio.document, studio.canvas
    ids = {type(node.op).__name__: node.id for node in document.graph}
    flat = ids["Flatten"]
    document.push(Remove((flat,)))
    studio.dock("problems")
    scene = canvas.scene

    def at(id: str, is_output: bool) -> QPoint:
        point = canvas.camera.window(scene.port_point(id, 0, is_output))
        return QPoint(round(point.x), round(point.y))

    first = next(node.id for node in document.graph if type(node.op).__name__ == "Dense")
    begin, end = at(ids["Dropout"], True), at(first, False)
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=begin)
    for step in range(1, 9):
        QTest.mouseMove(canvas, begin + (end - begin) * step / 8)
    QTest.mouseRelease(canvas, left, pos=end)
    studio.until(lambda: canvas.bubble.isVisible(), "the refusal")
    studio.grab(named("refused-wire", studio))


def training(studio: Studio) -> None:
    """Every dock at work in a real run, another run before it as a ghost."""
    studio.open("digits-cnn")
    document = studio.document
    adam = next(node for node in document.graph if node.op.role == "optimizer")
    document.push(SetOp(adam.id, replace(adam.op, learning_rate=RATE)))
    studio.dock("curves", "gradients", "features", "predictions")
    studio.trained(seed=SEED + 1)
    document.select(["conv2"])
    studio.train()
    board = studio.window.app.trainer.board
    studio.until(lambda: board.started and board.epoch >= GRABBED, "a run that is under way")
    features = studio.page("features")
    studio.until(lambda: features.shape.text() == MAPS, "maps of what is selected")
    studio.grab(named("training", studio), settled=False)
    studio.window.app.trainer.stop()
    studio.until(lambda: not board.active, "the end of the run")


def gallery(studio: Studio) -> None:
    """All examples at once."""
    start = studio.window.start
    studio.window.resize(SIZE.width(), TALL)
    studio.until(lambda: all(card.drawn for card in start.cards), "all cards")
    studio.grab("gallery")


def text(studio: Studio) -> None:
    """A transformer learns rhymes: what its heads look at, its letters place by place."""
    studio.open("char-transformer", data=False)
    studio.dock("curves", "gradients", "features", "predictions")
    studio.train(studio.document.graph.training.epochs)
    board = studio.window.app.trainer.board
    features, predictions = studio.page("features"), studio.page("predictions")
    studio.until(lambda: board.started and board.epoch >= 12, "a run that is under way")
    studio.until(lambda: len(features.shape.text().split("×")) == 3, "weights of attention")
    studio.until(lambda: predictions.answer is not None, "predictions")
    studio.grab("text-dark", settled=False)
    studio.window.app.trainer.stop()
    studio.until(lambda: not board.active, "the end of the run")


def write(studio: Studio) -> None:
    """What an LSTM writes behind a text that was typed."""
    studio.open("char-lstm", data=False)
    studio.trained(epochs=studio.document.graph.training.epochs)
    studio.document.select(["lstm"])
    studio.dock("try")
    tried = studio.page("try")
    tried.text.field.setPlainText("This is the house that ")
    studio.until(lambda: tried.bars.rows and tried.bars.rows[0][0] == "J", "an answer")
    tried.text.more.click()
    studio.until(lambda: not tried.text.more.isChecked(), "what the net writes")
    studio.grab("write")


def deep(studio: Studio) -> None:
    """Two nets side by side, each with its own loss: sixty layers, with ways around and without."""
    studio.open("residual-deep")
    studio.dock("curves", "gradients", "features", "predictions")
    studio.train(studio.document.graph.training.epochs)
    curves, board = studio.page("curves"), studio.window.app.trainer.board
    studio.until(lambda: board.started and board.epoch >= 13, "a run that is under way")
    groups = [curves.groups.tabData(place) for place in range(curves.groups.count())]
    curves.groups.setCurrentIndex(groups.index("losses"))
    studio.grab("deep-light", settled=False)
    studio.window.app.trainer.stop()
    studio.until(lambda: not board.active, "the end of the run")


def docks(studio: Studio) -> None:
    """Problems, code, a digit drawn by hand: what else stands in the docks."""
    studio.open("digits-cnn")
    studio.trained()
    studio.dock("code")
    studio.until(lambda: getattr(studio.page("code"), "lines", ()), "the code")
    studio.document.select(["conv2"])
    studio.grab("code")
    studio.dock("try")
    pad, bars = studio.page("try").pad, studio.page("try").bars
    draw(pad, ((0.22, 0.18), (0.72, 0.18), (0.42, 0.85)))
    studio.until(lambda: bars.rows, "an answer")
    studio.grab("draw-a-digit")
    graph = studio.document.graph
    studio.document.push(Disconnect(graph.wires_in("hidden")[0]))
    studio.dock("problems")
    studio.grab("problems")


def finding(studio: Studio) -> None:
    """What is found by typing: commands, and nodes that fit behind the one selected."""
    studio.open("digits-cnn")
    for action, typed, name in (("view.palette", "export", "palette"), ("graph.add", "", "search")):
        studio.document.select(["conv2"])
        studio.canvas.setFocus()
        studio.window.app.actions[action].trigger()
        field = QApplication.focusWidget()
        assert isinstance(field, QLineEdit)
        QTest.keyClicks(field, typed)
        studio.grab(name, settled=False)
        QTest.keyClick(field, Qt.Key.Key_Escape)


def failed(studio: Studio) -> None:
    """A run whose numbers grow beyond all bounds."""
    studio.open("table-regression", data=False)
    document = studio.document
    adam = next(node for node in document.graph if node.op.role == "optimizer")
    document.push(SetOp(adam.id, REGISTRY["SGD"](learning_rate=1e5)))
    studio.dock("curves", "gradients", "features", "problems")
    studio.train()
    board = studio.window.app.trainer.board
    studio.until(lambda: board.state == "failed", "a run that fails")
    studio.grab("failed-run")


def predictions(studio: Studio) -> None:
    """The decision boundary of a net that parts points of the plane."""
    studio.open("moons-mlp")
    studio.dock("predictions", "plan")
    studio.trained(epochs=studio.document.graph.training.epochs)
    page = studio.page("predictions")
    studio.until(lambda: getattr(page, "answer", None) is not None, "predictions")
    studio.grab("predictions")


def large(studio: Studio) -> None:
    """A thousand nodes in the window."""
    document = Document(large_graph(1000), fonts.measure)
    document.name = "large"
    studio.window.app.desk.add(document)
    studio.until(lambda: studio.canvas.isVisible(), "the canvas")
    studio.canvas.fit()
    settle(studio.canvas)
    studio.grab("graph-1000")


# What is made, by name: the look, the scale, and what is done

Shot = tuple[Choice, int, Callable[[Studio], None]]
SHOTS: dict[str, Shot] = {
    "start": ("dark", 1, start),
    "start-light": ("light", 1, start),
    "empty": ("dark", 1, empty),
    "refusal": ("dark", 1, refusal),
    "gallery": ("dark", 1, gallery),
    "text": ("dark", 1, text),
    "write": ("dark", 1, write),
    "deep": ("light", 1, deep),
    "training": ("dark", 1, training),
    "training-light": ("light", 1, training),
    "training@2x": ("dark", 2, training),
    "docks": ("dark", 1, docks),
    "finding": ("dark", 1, finding),
    "failed": ("light", 1, failed),
    "predictions": ("dark", 1, predictions),
    "large": ("dark", 1, large),
}


def canvases(folder: Path) -> None:
    """The bare canvas with 1,000 and 10,000 nodes: whole, and at the zooms that the gates name."""
    for count in (1000, 10_000):
        canvas = Canvas(Document(large_graph(count), fonts.measure), theme("dark"))
        canvas.resize(1920, 1080)
        canvas.show()
        for name, rung in (("fit", None), ("half", -16), ("full", 0)):
            canvas.fit()
            if rung is not None:
                canvas.zoom_by(rung - canvas.camera.rung)
            settle(canvas)
            keep(canvas, f"canvas-{count}-{name}")
        canvas.close_document()
        canvas.close()


def drawings() -> None:
    """What `netloom render` and the bare canvas make."""
    for mood in ("dark", "light"):
        file = FOLDER / f"render-digits-cnn-{mood}.png"
        render(load(resources.example_path("digits-cnn")), file, theme_name=mood, scale=2.0)
    canvases(FOLDER)


def make(name: str) -> None:
    """One picture, in this process: the scale of a window is that of its process."""
    application()
    if name == "drawings":
        drawings()
        return
    mood, _, shot = SHOTS[name]
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(mood, Path(folder))
        shot(studio)
        studio.end()


def main() -> None:
    """Make these pictures, all when none is named, each in a process of its own."""
    known = [*SHOTS, "drawings"]
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.names) - set(known):
        parser.error(f"found {', '.join(sorted(unknown))}, expected {', '.join(known)}")
    if given.here:
        make(given.names[0])
        return
    given.into.mkdir(parents=True, exist_ok=True)
    for name in given.names or known:
        scale = SHOTS[name][1] if name in SHOTS else 1
        environment = {
            **os.environ,
            "QT_SCALE_FACTOR": str(scale),
            "NETLOOM_PICTURES": str(given.into.absolute()),
        }
        subprocess.run([sys.executable, __file__, "--here", name], env=environment, check=True)


if __name__ == "__main__":
    main()
