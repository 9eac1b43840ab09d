"""Pictures need a Qt application: one for all tests here, made by pytest-qt."""

import pytest
from pytestqt.qtbot import QtBot


@pytest.fixture(autouse=True)
def application(qtbot: QtBot) -> None:
    """Start Qt before each test; pytest-qt fails a test that makes Qt warn."""
