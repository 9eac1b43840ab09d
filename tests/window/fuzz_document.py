"""Edits a document at random for long, with a canvas on it, and compares it with a fresh load.

    python -m tests.window.fuzz_document --edits 50000 --seed 0

Pushes of every kind, undo, redo, jumps in the history, selecting, entering and leaving drawings,
copy and paste, saving and opening again, replay of the journal. Every so often the document must
equal one that is loaded from its own file, and the journal's replay must equal both. Prints what
was done and the growth of memory; ends with 1 when anything differs or Qt warns.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from graph.clipboard import copied, paste
from graph.define import Undefine
from graph.drawing import same
from graph.edit import Edit
from graph.edits import Remove
from graph.files import dumps, loads
from graph.journal import replay
from graph.rules import EditError, uses
from graph.validator import FileError
from gui import fonts
from gui.canvas.dots import spots
from gui.canvas.view import Canvas
from gui.canvas.view_model import WireView
from gui.desk import Desk
from gui.document import Document, Dot
from gui.theme import theme
from tests.support.random_edits import random_edit

COMPARED, REPLAYED, REOPENED = 50, 250, 1000  # edits between two of them
LARGEST, WRITTEN_OUT = 120, 2000  # nodes, also with definitions written out; then it is emptied


class Fuzz:
    """A desk with one document and its canvas in `folder`, edited at random."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = Random(seed)
        self.done: Counter[str] = Counter()
        self.memory: list[tuple[int, int]] = []  # (edits, bytes) right after each opening
        self._file = folder / "fuzz.loom"
        self._clipboard = ""
        self.desk = Desk(None, folder / "journals")
        self._show(self.desk.new())
        acts: tuple[tuple[int, Callable[[], object]], ...] = (
            (60, self.push),
            (12, self.undo),
            (6, self.redo),
            (1, self.jump),
            (6, self.select),
            (5, self.enter),
            (3, self.copy),
            (4, self.paste),
            (1, self.save),
        )
        self._acts = [act for weight, act in acts for _ in range(weight)]

    def run(self, edits: int) -> None:
        """Change the document so many times, comparing on the way."""
        while self.done["edits"] < edits:
            self.rng.choice(self._acts)()
            drawn = sum(len(index.drawing) for index in self.document.checked.indexes.values())
            if drawn > LARGEST or self.document.checked.expanded > WRITTEN_OUT:
                self.clear()
        self.compare()
        self.replay()

    def clear(self) -> None:
        """Remove all nodes, then the definitions, those inside others last."""
        self.change("clear", self._push(Remove(tuple(self.document.graph.net))))
        while known := self.document.graph.definitions:  # of another document after a reopening
            used = set[str]().union(*map(uses, known.values()))
            self.change("clear", self._push(Undefine(min(known.keys() - used))))

    def change(self, name: str, act: Callable[[], object]) -> None:
        """Do what changes the graph, as far as the rules and the history let it."""
        try:
            if act() is False:
                return
        except EditError:
            self.done["refused"] += 1
            return
        self.done["edits"] += 1
        self.done[name] += 1
        count = self.done["edits"]
        if not count % COMPARED:
            self.compare()
        if not count % REPLAYED:
            self.replay()
        if not count % REOPENED:
            self.reopen()

    def _push(self, edit: Edit, key: str = "") -> Callable[[], None]:
        return partial(self.document.push, edit, key)

    # What is done

    def push(self) -> None:
        edit = random_edit(self.rng, self.document.graph)
        key = self.rng.choice(["", "", "drag"])
        self.change("push", self._push(edit, key))

    def undo(self) -> None:
        self.change("undo", self.document.undo)

    def redo(self) -> None:
        self.change("redo", self.document.redo)

    def jump(self) -> None:
        history = self.document.history
        position = max(0, history.position + self.rng.randint(-20, 20))
        self.change("jump", lambda: history.go_to(position))

    def select(self) -> None:
        drawing = self.document.drawing
        ids = [id for id in drawing.net if self.rng.random() < 0.2]
        wires = [wire for wire in self.document.wires if self.rng.random() < 0.1]
        dots = [Dot(wire, n) for wire, at in drawing.dots.items() for n in range(len(at))]
        chosen = [dot for dot in dots if self.rng.random() < 0.3]
        self.document.select(ids, wires, chosen)
        self.done["dots"] += len(chosen)
        self.done["select"] += 1

    def enter(self) -> None:
        if self.rng.random() < 0.5:
            self.document.leave()
        else:
            self.document.enter(self.rng.choice(["", *self.document.graph.definitions]))
        self.done["enter"] += 1

    def copy(self) -> None:
        document = self.document
        if document.selection:
            self._clipboard = copied(document.graph, document.selection, document.into)
            self.done["copy"] += 1

    def paste(self) -> None:
        document = self.document
        if self._clipboard:
            try:
                edit = paste(document.graph, self._clipboard, document.into, keep_wires=True)
            except EditError:  # what was copied stood in a definition that would contain itself
                self.done["refused"] += 1
                return
            self.change("paste", self._push(edit))

    def save(self) -> None:
        self.desk.save(self.document, self._file)
        assert self.document.history.clean
        self.done["save"] += 1

    def reopen(self) -> None:
        """Save, close, and open again: the history begins anew."""
        self.save()
        text = dumps(self.document.graph)
        self._close()
        self._show(self.desk.open(self._file))
        assert dumps(self.document.graph) == text, "the file opened again is another graph"
        self.done["open"] += 1
        gc.collect()
        self.memory.append((self.done["edits"], resident()))

    # What must agree

    def compare(self) -> None:
        """The document against one that is opened now from its own text."""
        document, text = self.document, dumps(self.document.graph)
        fresh = Document(loads(text), fonts.measure)
        assert same(document.graph, fresh.graph), "the file holds another graph"
        fresh.enter(document.into)
        ours, theirs = document.view, fresh.view
        placed = {node.id: (node.x, node.y) for node in ours.nodes}  # those unplaced are laid out
        found = tuple(replace(n, x=placed[n.id][0], y=placed[n.id][1]) for n in theirs.nodes)
        assert ours.nodes == found, "the view shows other nodes"
        assert _unrouted(ours.wires) == _unrouted(theirs.wires), "the view shows other wires"
        assert [str(p) for p in document.problems] == [str(p) for p in fresh.problems]
        assert document.shapes.types == fresh.shapes.types
        assert document.selection <= document.view.by_id.keys()
        scene = self.canvas.scene
        assert {view.id for view in scene.views if view.state.selected} == document.selection
        rows = {row: tuple(map(tuple, at.tolist())) for row, at in scene.led.of.items()}
        assert {document.wires[row]: at for row, at in rows.items()} == document.drawing.dots
        assert scene.selected_dots == set(spots(document, document.selected_dots))
        self.done["compare"] += 1

    def replay(self) -> None:
        """The journal gives the same graph and steps."""
        assert self.desk._journals is not None
        journal = self.desk._journals._journals[self.document]
        found = replay(journal.path)
        assert not found.lost, found.lost
        assert same(found.history.graph, self.document.graph), "the journal holds another graph"
        self.done["replay"] += 1
        self.canvas.repaint()

    def _show(self, document: Document) -> None:
        self.document = document
        self.canvas = Canvas(document, theme("dark"))
        self.canvas.resize(640, 480)
        self.canvas.show()

    def _close(self) -> None:
        self.canvas.close_document()
        self.canvas.close()
        self.canvas.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # no event loop here
        QCoreApplication.processEvents()
        self.desk.close(self.document)

    def close(self) -> None:
        """Leave nothing behind."""
        self._close()
        self.desk.finish()

    def growth(self) -> float:
        """Bytes that memory grows by for each edit, by least squares over the second half."""
        points = self.memory[len(self.memory) // 2 :]
        if len(points) < 2:
            return 0.0
        mean_x, mean_y = (sum(p[k] for p in points) / len(points) for k in (0, 1))
        above = sum((x - mean_x) * (y - mean_y) for x, y in points)
        return above / sum((x - mean_x) ** 2 for x, _ in points)


def _unrouted(wires: tuple[WireView, ...]) -> list[WireView]:
    return [replace(wire, lane=None, portal="") for wire in wires]


def resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not say."""
    try:
        fields = Path("/proc/self/statm").read_text("ascii").split()
    except OSError:
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edits", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    warnings: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        warnings.append(f"{kind.name}: {text}")

    qInstallMessageHandler(hear)
    application = QApplication(["fuzz"])
    fonts.load()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fuzz = Fuzz(Path(folder), given.seed)
        try:
            fuzz.run(given.edits)
        except (AssertionError, FileError, RuntimeError, KeyError) as error:
            print(f"after {fuzz.done['edits']:,} edits of seed {given.seed}: {error!r}")
            raise
        finally:
            print(
                f"seed {given.seed}:", ", ".join(f"{n:,} {name}" for name, n in fuzz.done.items())
            )
        fuzz.close()
    application.processEvents()
    if fuzz.memory:
        first, last = fuzz.memory[0], fuzz.memory[-1]
        print(f"memory: {first[1] / 2**20:.1f} MB after {first[0]:,} edits, ", end="")
        print(f"{last[1] / 2**20:.1f} MB after {last[0]:,}, {fuzz.growth():+.1f} bytes an edit")
    print(
        f"{len(warnings)} Qt warnings, {time.perf_counter() - began:.0f} s", *warnings[:5], sep="\n"
    )
    return 1 if warnings else 0


if __name__ == "__main__":
    sys.exit(main())
