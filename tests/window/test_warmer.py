"""Kernels are compiled while nothing is trained, and no process outlives the window."""

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.app import App
from gui.run.warmer import Warmer


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path))
    return tmp_path


def kernels(cache: Path) -> int:
    return sum(path.suffix == ".o" for path in cache.rglob("*"))


def gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_compiles_what_is_missing_and_ends_with_its_compilers(
    qtbot: QtBot, app: App, empty_cache: Path
) -> None:
    warmer = Warmer(app.trainer)
    warmer.start()
    qtbot.waitUntil(lambda: warmer.busy, timeout=20_000)
    assert warmer._process is not None
    group = warmer._process.pid
    qtbot.waitUntil(lambda: kernels(empty_cache) > 0, timeout=120_000)
    with qtbot.waitSignal(warmer.changed):
        warmer.stop()
    assert not warmer.busy
    qtbot.waitUntil(lambda: gone(group), timeout=20_000)


def test_with_a_complete_library_it_ends_and_does_not_come_back(qtbot: QtBot, app: App) -> None:
    warmer = Warmer(app.trainer)
    warmer.stop()  # nothing to stop
    warmer.start()
    qtbot.waitUntil(lambda: warmer.busy, timeout=20_000)
    qtbot.waitUntil(lambda: not warmer.busy and not warmer._looks.isActive(), timeout=240_000)
    app.trainer.changed.emit()
    assert not warmer._rest.isActive()


def test_it_gives_way_to_a_run_and_goes_on_after_it(
    qtbot: QtBot, app: App, empty_cache: Path
) -> None:
    warmer = Warmer(app.trainer)
    warmer.start()
    qtbot.waitUntil(lambda: warmer.busy, timeout=20_000)
    document = app.desk.open_example("moons-mlp")
    app.trainer.device = "reference"  # which compiles nothing
    app.trainer.run(document)
    assert not warmer.busy
    assert not warmer._rest.isActive()
    app.trainer.stop()
    qtbot.waitUntil(lambda: not app.trainer.board.active, timeout=60_000)
    qtbot.waitUntil(lambda: warmer.busy, timeout=20_000)
    warmer.stop()
