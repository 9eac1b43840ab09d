"""The house limits hold, and the checks find what they look for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import house

Check = Callable[[], list[str]]

PLANTED: list[tuple[Check, str, str]] = [
    (house.long_files, "graph/long.py", "x = 1\n" * (house.FILE_LINES + 1)),
    (house.long_functions, "gui/f.py", "def f():\n" + "    x = 1\n" * house.FUNCTION_LINES),
    (house.unsafe_code, "compute/a.py", "from pickle import load\n"),
    (house.unsafe_code, "netloom.py", "def f(text):\n    return eval(text)\n"),
    (house.parallel_kernels, "compute/cpu/k.py", "k = njit(parallel=True)(f)\n"),
    (house.parallel_kernels, "compute/cpu/k.py", "for i in numba.prange(3): pass\n"),
    (house.machine_traces, "docs/a.md", "see " + "/".join(["", "home", "ada", "notes"]) + "\n"),
    (house.machine_traces, "uv.lock", 'url = "https://mirror.example/simple"\n'),
    (house.misplaced_packages, "tests/graph/__init__.py", ""),
]


@pytest.mark.parametrize("check", house.CHECKS, ids=lambda c: c.__name__)
def test_house_rule_holds(check: Check) -> None:
    """Nothing in the checkout breaks the rule."""
    assert check() == []


@pytest.mark.parametrize(("check", "path", "text"), PLANTED)
def test_check_finds_a_planted_breach(
    check: Check, path: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file that breaks the rule is one finding, and says which file."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    findings = check()
    assert len(findings) == 1
    assert path in findings[0]


def test_table_files_exist() -> None:
    """The list of exempt tables names no file that is gone."""
    assert [file for file in sorted(house.TABLES) if not (house.ROOT / file).is_file()] == []
