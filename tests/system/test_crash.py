"""The real program, killed while somebody edits: the next start brings the work back."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from graph.files import load
from tests.support.drawn_by_hand import add, save_as
from tests.support.screen import Screen, until
from tests.support.window_layout import CANVAS, LOOK, NOTICE
from tests.system.conftest import Start

SEEN = 4  # nodes of the burst on the canvas when the program is killed


def activations(screen: Screen) -> int:
    """How many activations are seen side by side."""
    return len(screen.bars(LOOK.of_family("activation"), CANVAS, 60))


@pytest.mark.display
def test_a_kill_loses_no_edit_that_was_seen(screen: Screen, start: Start) -> None:
    """SIGKILL in a burst of edits; the offer is taken, and undo goes on where it was."""
    program = start()
    screen.keys("ctrl+n")
    screen.window("Untitled")
    add(screen, "digits")
    add(screen, "flatten")
    enough = Event()

    def go_on() -> None:
        while not enough.is_set():
            add(screen, "relu")

    hands = Thread(target=go_on)
    hands.start()
    try:
        seen = until(lambda: activations(screen) >= SEEN and activations(screen), "the burst")
        program.kill()
    finally:
        enough.set()
        hands.join()

    program = start()
    offers = until(lambda: screen.bars(LOOK.raised, NOTICE, 40)[1:], "Discard and Bring it back")
    screen.click(offers[0].centre)
    screen.window("Untitled")
    saved = save_as(screen, program.home / "back.loom")
    types = [type(node.op).__name__ for node in saved]
    assert types.count("ReLU") >= seen
    assert sorted(set(types)) == ["Digits", "Flatten", "ReLU"]
    assert len(saved.wires()) == len(saved) - 1  # each edit came back whole, with its wire

    screen.keys("ctrl+z", "ctrl+z", "ctrl+s")
    path = program.home / "back.loom"
    until(lambda: len(saved) - 2 == len(load(path)), "two edits taken back")
    program.leave()
