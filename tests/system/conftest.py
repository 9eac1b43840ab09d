"""A screen and the real program on it; where the tools for that are missing, these tests skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.screen import Program, Screen, missing


class Start(Protocol):
    """Starts the program and waits for its window."""

    def __call__(self, *arguments: str) -> Program: ...


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """An empty screen."""
    if lacking := missing():
        pytest.skip(f"no display: {lacking} missing (apt-get install xvfb xdotool)")
    made = Screen(tmp_path)
    yield made
    made.close()


@pytest.fixture
def start(screen: Screen, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """The program; what still runs at the end is ended. Of a failure its last picture is kept."""
    home = tmp_path / "home"
    home.mkdir()
    started: list[Program] = []

    def run(*arguments: str) -> Program:
        started.append(Program(screen, home, arguments))
        screen.window("Netloom")
        return started[-1]

    failures = request.session.testsfailed
    yield run
    if request.session.testsfailed > failures:
        print(f"last seen: {screen.keep_picture('last')}")
        print(*(program.errors.read_text() for program in started[-1:]))
    for program in started:
        if program.process.poll() is None:
            program.kill()
