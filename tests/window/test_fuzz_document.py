"""A thousand random edits; `tests/window/fuzz_document.py` does many more."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.window.fuzz_document import Fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_edits_leave_what_a_fresh_load_gives(
    tmp_path: Path, qtbot: QtBot, seed: int
) -> None:
    fuzz = Fuzz(tmp_path, seed)
    fuzz.run(1050)
    fuzz.close()
    done = fuzz.done
    assert done["edits"] >= 1050
    assert min(done[act] for act in ("undo", "redo", "paste", "enter", "save", "replay")) > 2
    assert done["open"] == 1
    assert done["dots"] > 10  # selected
