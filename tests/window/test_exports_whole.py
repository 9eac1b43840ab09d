"""A failed export loses nothing: what was there is there, whole, and no draft is left."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from compute.exporting import write_code
from compute.prepare import TrainOptions
from compute.results import open_run
from compute.session import train_graph
from graph.files import load, replace_files
from gui.app import App
from gui.docks.curves import CurvesPage
from gui.render import render
from gui.window import MainWindow
from resources import example_path

OLD = b"what was there before"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has no room any more when the bytes are to be put down."""

    def no_room(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("graph.files.os.fsync", no_room)


def unharmed(folder: Path, *names: str) -> bool:
    return sorted(os.listdir(folder)) == sorted(names) and all(
        (folder / name).read_bytes() == OLD for name in names
    )


def there(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(OLD)
    return folder / names[0]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_of_the_canvas(
    window: MainWindow, tmp_path: Path, full: None, suffix: str
) -> None:
    document = window.app.desk.open_example("moons-mlp")
    file = there(tmp_path, f"net{suffix}")
    window.files._draw(document, file)
    assert unharmed(tmp_path, file.name)
    assert "could not be written: No space left" in window.notice.text.text()


def test_a_picture_of_the_command(tmp_path: Path, full: None) -> None:
    file = there(tmp_path, "net.png")
    with pytest.raises(OSError, match="No space left"):
        render(load(example_path("moons-mlp")), file)
    assert unharmed(tmp_path, "net.png")


@pytest.mark.parametrize("kind", ["csv", "png"])
def test_numbers_and_pictures_of_curves(
    qtbot: QtBot, app: App, tmp_path: Path, full: None, kind: str
) -> None:
    app.desk.open_example("moons-mlp")
    page = CurvesPage(app)
    qtbot.addWidget(page)
    page.setGeometry(QRect(0, 0, 404, 262))
    export: Callable[[Path], None] = page.export_csv if kind == "csv" else page.export_picture
    file = there(tmp_path, f"run.{kind}")
    with pytest.raises(OSError, match="No space left"):
        export(file)
    assert unharmed(tmp_path, file.name)


def test_code_and_its_weights_are_both_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = load(example_path("moons-mlp"))
    options = TrainOptions("reference", workspace=tmp_path / "runs", folder=tmp_path, name="moons")
    small = replace(graph.training, epochs=1)
    graph.training = small
    for _ in train_graph(graph, options):
        pass
    trained = open_run("last", options)
    folder = tmp_path / "code"
    folder.mkdir()
    file = there(folder, "net.py", "net.safetensors")
    synced: list[int] = []

    def second_fails(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("graph.files.os.fsync", second_fails)
        with pytest.raises(OSError, match="No space left"):
            write_code("print()\n", file, trained)
    assert unharmed(folder, "net.py", "net.safetensors")  # else new code would read old weights
    assert write_code("print()\n", file, trained) == [file, folder / "net.safetensors"]
    assert file.read_text() == "print()\n"
    assert (folder / "net.safetensors").read_bytes() != OLD


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    real, link = there(tmp_path, "real.py"), tmp_path / "link.py"
    real.chmod(0o640)
    link.symlink_to(real)
    replace_files({link: b"new"})
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
