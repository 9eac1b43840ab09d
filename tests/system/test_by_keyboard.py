"""The real program without a mouse: digits-mlp from an empty canvas, trained and saved."""

from __future__ import annotations

import pytest

from tests.support.drawn_by_hand import COMPILED, ENOUGH, add, example, finished, save_as, structure
from tests.support.screen import Screen, until
from tests.system.conftest import Start


def set_first(screen: Screen, value: str) -> None:
    """Set the first setting of what is selected, and go back to the canvas."""
    screen.keys("alt+Return")
    screen.write(value)
    screen.keys("Return", "Escape")


@pytest.mark.display
def test_builds_trains_and_saves_by_keyboard(screen: Screen, start: Start) -> None:
    """Tab, names and Enter draw it; F5 trains it; Ctrl+S saves it."""
    program = start()
    screen.keys("ctrl+n")
    screen.window("Untitled")
    set_first(screen, "20")  # epochs
    add(screen, "digits")
    add(screen, "flatten")
    add(screen, "dense")
    set_first(screen, "128")
    add(screen, "relu")
    add(screen, "dense")
    set_first(screen, "10")
    add(screen, "cross")
    add(screen, "adam")
    set_first(screen, "0.002")
    screen.keys("Left", "Left")  # past the loss to the scores
    add(screen, "accuracy")

    screen.keys("F5")
    run = until(lambda: finished(program.home / "data"), "a finished run", COMPILED)
    assert run.metrics["val_accuracy"] > ENOUGH

    saved = save_as(screen, program.home / "keyboard.loom")
    assert structure(saved) == structure(example())
    program.leave()
