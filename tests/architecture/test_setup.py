"""The locks agree with each other and with the project, and the wheel holds what it should."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
PIN = re.compile(r"^([a-z0-9.-]+)==([^ ;]+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def pins(file: str) -> set[tuple[str, str]]:
    """Name and version of every package that a requirements file pins."""
    return set(PIN.findall((ROOT / file).read_text("utf-8")))


def wanted(requirements: list[str]) -> set[str]:
    """Names in a list of requirements."""
    return {NAME.match(text)[0].lower() for text in requirements}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_requirements_come_from_the_lock(file: str) -> None:
    """`tools/lock.sh` was run after the last change."""
    locked = {(package["name"], package.get("version")) for package in LOCK["package"]}
    assert pins(file) - locked == set()


def test_every_dependency_is_pinned() -> None:
    """What pyproject.toml asks for, the requirements hold."""
    assert wanted(PROJECT["project"]["dependencies"]) <= {n for n, _ in pins("requirements.txt")}
    dev = wanted(PROJECT["dependency-groups"]["dev"])
    assert dev <= {name for name, _ in pins("requirements-test.txt")}


def test_pytorch_is_in_no_lock() -> None:
    """PyTorch is a peer of the tests only."""
    assert "torch" not in {package["name"] for package in LOCK["package"]}


def test_the_wheel_ships_the_program_and_no_tests() -> None:
    """Four flat packages and the command line."""
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["only-include"] == ["netloom.py", "graph", "compute", "gui", "resources"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_qt_keeps_its_references_to_none(qtbot) -> None:
    """PySide6 6.12.0 drops one reference to None a call, and aborts after some thousand."""
    from PySide6.QtWidgets import QWidget

    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(20_000):
        widget.update()
    assert sys.getrefcount(None) > before - 1_000
