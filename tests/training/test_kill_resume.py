"""SIGKILL at random moments costs nothing but the time since the last checkpoint."""

import sys
from pathlib import Path

import pytest

from tests.support.small_graphs import DEVICES
from tests.training.kill_resume import trials


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_killed_runs_end_as_if_nobody_had_killed_them(tmp_path: Path, device: str) -> None:
    """Three kills here; `python -m tests.training.kill_resume --kills 20` does the full figure."""
    done = trials(3, device, seed=1, workspace=tmp_path)
    assert [trial.same for trial in done] == [True] * 3
    assert all(one != two for one, two in (trial.threads for trial in done))
