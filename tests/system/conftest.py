"""A screen and the real program on it; where the tools for that are missing, these tests skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.screen import Program, Screen, missing

Start = Callable[..., Program]


@pytest.fixture
def screen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """An empty screen; after a failure its last picture lies beside the test's files."""
    if lacking := missing():
        pytest.skip(f"no display: {lacking} missing (apt-get install xvfb xdotool)")
    made = Screen(tmp_path)
    failures = request.session.testsfailed
    yield made
    if request.session.testsfailed > failures:
        print(f"last seen: {made.keep_picture('last')}")
    made.close()


@pytest.fixture
def start(screen: Screen, tmp_path: Path) -> Iterator[Start]:
    """Starts the program; what still runs at the end is ended."""
    home = tmp_path / "home"
    home.mkdir()
    started: list[Program] = []

    def run(*arguments: str) -> Program:
        started.append(Program(screen, home, arguments))
        screen.window("Netloom")
        return started[-1]

    yield run
    for program in started:
        if program.process.poll() is None:
            program.kill()
