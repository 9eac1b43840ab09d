"""Every command of the README's tour works, in the order in which it stands there."""

import re
import shlex
from pathlib import Path

import numpy as np
import PIL.Image
from command import ROOT, netloom

TOUR = re.compile(r"^\./run (.+?)(?: {2,}#.*)?$", re.MULTILINE)


def tour() -> list[list[str]]:
    """The words of each command in the section "In the terminal"."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.split("## In the terminal")[1].split("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in TOUR.findall(block)]


def test_the_tour_can_be_followed(tmp_path: Path) -> None:
    """Exit code 0 each time, and the files they speak of are there at the end."""
    digit = np.zeros((8, 8), np.uint8)
    digit[1:7, 3:5] = 255
    PIL.Image.fromarray(digit).save(tmp_path / "digit.png")
    (tmp_path / ".netloom").mkdir()
    commands = tour()
    assert len(commands) > 8
    for words in commands:
        netloom(*words, cwd=tmp_path).ok()
    files = {file.name for file in tmp_path.iterdir()}
    assert {"net.png", "net.py", "net.safetensors", "digit.csv"} <= files
    assert (tmp_path / "digit.csv").read_text().splitlines()[1].startswith("1,")
