"""A screen of its own for the real program: Xvfb, xdotool as the hands, pixels as the eyes.

Nothing of the program is asked: where things are is known from the layout of the window, from
where they were dropped, and from the colours that are seen there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageGrab

ROOT = Path(__file__).resolve().parents[2]
SIZE = 1600, 1000
TOOLS = ("Xvfb", "xdotool")
POLL = 0.02  # seconds between two looks
PATIENCE = 20.0  # seconds
CALM = 0.25  # seconds without a change after which a picture is at rest
PACE = 0.012  # seconds between two movements of a drag, as a hand has them
Pixels = NDArray[np.uint8]
T = TypeVar("T")


class Box(NamedTuple):
    """A rectangle on the screen, px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """x behind the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """y below the lower edge."""
        return self.y + self.height

    @property
    def centre(self) -> tuple[int, int]:
        """The point in the middle."""
        return self.x + self.width // 2, self.y + self.height // 2


def missing() -> str:
    """The tools that are not there, or ""."""
    return ", ".join(name for name in TOOLS if shutil.which(name) is None)


def until(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """What `look` finds, as soon as it finds something; fails with `what` was awaited."""
    end = time.monotonic() + patience
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, f"waited {patience:.0f} s in vain for {what}"
        time.sleep(POLL)


class Screen:
    """An X server without a window manager; `close` ends it."""

    def __init__(self, folder: Path) -> None:
        """`folder` takes the server's log and the last picture."""
        self.folder = folder
        reading, writing = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        command = ["Xvfb", "-displayfd", f"{writing}", "-screen", "0", size, "-nolisten", "tcp"]
        command += ["-noreset"]  # it outlives its clients
        with (folder / "xvfb.log").open("wb") as log:
            self._server = subprocess.Popen(command, pass_fds=[writing], stderr=log, stdout=log)
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()  # empty when the server ended
        assert number, (folder / "xvfb.log").read_text()
        self.display = f":{number}"

    def close(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait(10)

    def do(self, *words: object) -> str:
        """Run xdotool; returns what it prints."""
        command = ["xdotool", *(str(word) for word in words)]
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout

    # Hands

    def click(self, place: tuple[int, int], times: int = 1) -> None:
        """Click at a point."""
        self.do("mousemove", *place, "click", "--repeat", times, "--delay", 60, 1)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Press at one point, move as a hand does, let go at another."""
        words: list[object] = ["mousemove", *start, "sleep", PACE, "mousedown", 1]
        for step in range(1, steps + 1):
            x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))
            words += ["sleep", PACE, "mousemove", x, y]
        self.do(*words, "sleep", PACE, "mouseup", 1)

    def keys(self, *names: str) -> None:
        """Press keys or chords one after another, such as "Tab" or "ctrl+s"."""
        self.do("key", "--delay", 12, *names)

    def write(self, text: str) -> None:
        """Type a text."""
        self.do("type", "--delay", 12, text)

    # Windows

    def windows(self) -> dict[str, str]:
        """Titles of the windows that are seen, with their ids."""
        ids = self.do("search", "--onlyvisible", "--name", ".").split()
        return {self.do("getwindowname", id).strip(): id for id in ids}

    def window(self, title: str, patience: float = PATIENCE) -> str:
        """Wait for a window and give it the keyboard, as a window manager would; its id."""

        def look() -> str | None:
            return next((id for name, id in self.windows().items() if title in name), None)

        id = until(look, f"a window “{title}”", patience)
        self.do("windowfocus", "--sync", id)
        return id

    def gone(self, title: str) -> None:
        """Wait until no window has this title."""
        until(lambda: not any(title in name for name in self.windows()), f"the end of “{title}”")

    # Eyes

    def picture(self) -> Pixels:
        """What is seen: rows, columns, red green blue."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def keep_picture(self, name: str) -> Path:
        """Write what is seen to a file, for whoever reads of a failure."""
        path = self.folder / f"{name}.png"
        Image.fromarray(self.picture()).save(path)
        return path

    def bars(self, colour: str, area: Box, least: int) -> list[Box]:
        """Solid rectangles of a colour ("#RRGGBB") in an area, at least so wide: of the topmost
        row that has any, from left to right.
        """
        found, made = self._is(colour, area), []
        for y, row in enumerate(found):
            ends = np.flatnonzero(np.diff(np.r_[0, row.astype(np.int8), 0]))
            for start, end in zip(ends[::2], ends[1::2], strict=True):
                if end - start >= least:
                    column = found[y:, start + (end - start) // 2]
                    height = len(column) if column.all() else int(np.argmin(column))
                    made.append(Box(area.x + int(start), area.y + y, int(end - start), height))
            if made:
                break
        return made

    def sees(self, colour: str, area: Box, least: int) -> Box:
        """Wait for such a rectangle; the leftmost one."""
        found = until(lambda: self.bars(colour, area, least), f"{colour} in {area}")
        return found[0]

    def still(self, area: Box) -> None:
        """Wait until an area looks the same for a moment."""
        since, seen = time.monotonic(), self._part(area)

        def look() -> bool:
            nonlocal since, seen
            now = self._part(area)
            if not np.array_equal(now, seen):
                since, seen = time.monotonic(), now
            return time.monotonic() - since > CALM

        until(look, f"{area} to come to rest")

    def _part(self, area: Box) -> Pixels:
        return self.picture()[area.y : area.bottom, area.x : area.right]

    def _is(self, colour: str, area: Box) -> NDArray[np.bool_]:
        wanted = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)
        return np.asarray((self._part(area) == wanted).all(axis=2))


class Program:
    """Netloom in a process of its own on a screen, its user's folders under `home`."""

    def __init__(self, screen: Screen, home: Path, arguments: Sequence[str] = ()) -> None:
        self.screen, self.home = screen, home
        self.errors = home / "stderr.txt"
        with self.errors.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gui", *arguments],
                cwd=home,
                env=environment(screen.display, home),
                stderr=log,
            )

    def leave(self) -> None:
        """Quit by key; the process must end well and have complained of nothing."""
        self.screen.keys("ctrl+q")
        assert self.process.wait(PATIENCE) == 0
        assert self.errors.read_text() == ""

    def kill(self) -> None:
        """End it at once, as a crash or a power cut does."""
        self.process.kill()
        self.process.wait(PATIENCE)


def environment(display: str, home: Path) -> Mapping[str, str]:
    """What a process needs to be on a screen, with an empty home; compiled kernels stay."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        **kept,
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_CACHE_HOME": cache,
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_STATE_HOME": str(home / "state"),
    }
