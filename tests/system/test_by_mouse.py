"""The real program with a mouse: digits-mlp dragged from the library, wired, trained and saved."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gui.canvas.geometry import port_y
from tests.support.drawn_by_hand import COMPILED, ENOUGH, example, finished, save_as, structure
from tests.support.screen import Box, Screen, until
from tests.support.window_layout import BAR, CANVAS, INSPECTOR, LIBRARY, LOOK
from tests.system.conftest import Start


@dataclass(frozen=True)
class Node:
    """A node by its family and the place where it was dropped."""

    screen: Screen
    family: str
    place: tuple[int, int]

    def header(self) -> Box:
        """Its header, found by the strip along its upper edge: a node grows with its wires."""
        near = Box(self.place[0] - 40, max(self.place[1] - 40, CANVAS.y), 240, 60)
        strip = self.screen.sees(LOOK.of_family(self.family), near, 60)
        below = Box(strip.x - 2, strip.y + 24, 220, 1)  # where neither text nor badge lies
        filled = self.screen.sees(LOOK.header(self.family), below, 60)
        return Box(filled.x, strip.y, filled.width, 28)

    def input(self, index: int = 0) -> tuple[int, int]:
        """Where an input port is seen."""
        header = self.header()
        return header.x, header.y + round(port_y(index))

    def output(self, index: int = 0) -> tuple[int, int]:
        """Where an output port is seen."""
        header = self.header()
        return header.right, header.y + round(port_y(index))


def drag_in(screen: Screen, name: str, family: str, place: tuple[int, int]) -> Node:
    """Filter the library and drag its first node to a place of the canvas."""
    field = Box(LIBRARY.x, LIBRARY.y + 36, LIBRARY.width, 40)
    screen.click(screen.sees(LOOK.field, field, 100).centre, times=3)
    screen.write(name)
    screen.still(LIBRARY)
    screen.drag(screen.sees(LOOK.hover, LIBRARY, 120).centre, place)
    node = Node(screen, family, place)
    node.header()
    return node


def wire(start: tuple[Node, int], end: tuple[Node, int]) -> None:
    """Drag from an output to an input."""
    (source, output), (target, input) = start, end
    source.screen.drag(source.output(output), target.input(input))


def set_first(screen: Screen, value: str) -> None:
    """Click into the first field of the inspector and type."""
    screen.still(INSPECTOR)
    screen.click(screen.sees(LOOK.field, INSPECTOR, 90).centre, times=3)
    screen.write(value)
    screen.keys("Return")


@pytest.mark.display
def test_builds_trains_and_saves_by_mouse(screen: Screen, start: Start) -> None:
    """Drags from the library and from port to port draw it; the Run button trains it."""
    program = start()
    screen.click(screen.sees(LOOK.accent, Box(1200, 40, 400, 120), 60).centre)  # Empty canvas
    screen.window("Untitled")
    set_first(screen, "20")  # epochs

    digits = drag_in(screen, "digits", "data", (250, 120))
    flatten = drag_in(screen, "flatten", "shape", (450, 120))
    hidden = drag_in(screen, "dense", "dense", (650, 120))
    set_first(screen, "128")
    relu = drag_in(screen, "relu", "activation", (850, 120))
    scores = drag_in(screen, "dense", "dense", (1050, 120))
    set_first(screen, "10")
    loss = drag_in(screen, "cross", "loss", (850, 320))
    adam = drag_in(screen, "adam", "optimizer", (1100, 320))
    set_first(screen, "0.002")
    accuracy = drag_in(screen, "accuracy", "metric", (850, 480))

    wire((digits, 0), (flatten, 0))
    wire((flatten, 0), (hidden, 0))
    wire((hidden, 0), (relu, 0))
    wire((relu, 0), (scores, 0))
    wire((scores, 0), (loss, 0))
    wire((digits, 1), (loss, 1))
    wire((loss, 0), (adam, 0))
    wire((scores, 0), (accuracy, 0))
    wire((digits, 1), (accuracy, 1))

    screen.click(screen.sees(LOOK.accent, BAR, 60).centre)  # Run
    run = until(lambda: finished(program.home / "data"), "a finished run", COMPILED)
    assert run.metrics["val_accuracy"] > ENOUGH

    saved = save_as(screen, program.home / "mouse.loom")
    assert structure(saved) == structure(example())
    program.leave()
