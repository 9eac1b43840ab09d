"""Kernels are compiled before anybody asks, and no process outlives the window."""

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.run.warmer import Warmer


def test_it_compiles_what_is_missing_and_ends_with_its_compilers(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    warmer = Warmer()
    warmer.start()
    assert warmer._process is not None
    group = warmer._process.pid
    kernels = lambda: [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: E731
    qtbot.waitUntil(lambda: len(kernels()) > 0, timeout=120_000)
    warmer.stop()
    assert not warmer.busy

    def gone() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    qtbot.waitUntil(gone)


def test_with_a_complete_library_it_ends_by_itself(qtbot: QtBot) -> None:
    warmer = Warmer()
    warmer.stop()  # nothing to stop
    warmer.start()
    qtbot.waitUntil(lambda: not warmer.busy, timeout=240_000)
    warmer.stop()
