"""`netloom render`: pictures without a display, with the graph inside, the same every time."""

import io
import os
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

import resources
from graph.dots import SetDots
from graph.drawing import same
from graph.files import dumps, load, loads
from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY
from graph.ops.activation import ReLU, Tanh
from gui.render import render, text_in, with_text
from gui.theme import theme
from tests.render.golden_graph import FOLDER, small
from tests.support.drawn import drawn
from tests.support.random_edits import random_graph
from tests.support.small_graphs import op


def pixels(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A picture file as rows × columns × RGB."""
    with PIL.Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), np.float64)


@pytest.mark.parametrize("mood", ["dark", "light"])
@pytest.mark.parametrize("name", resources.examples())
def test_examples_become_pictures(name: str, mood: str, tmp_path: Path) -> None:
    graph = load(resources.example_path(name))
    size = render(graph, tmp_path / "1.png", theme_name=mood)
    twice = render(graph, tmp_path / "2.png", theme_name=mood, scale=2)
    assert twice == (2 * size[0], 2 * size[1])
    one, two = pixels(tmp_path / "1.png"), pixels(tmp_path / "2.png")
    assert one.shape == (size[1], size[0], 3)
    assert len(np.unique(one.reshape(-1, 3), axis=0)) > 100
    corner = [int(theme(mood).canvas[at : at + 2], 16) for at in (1, 3, 5)]
    assert one[5, 5].tolist() == two[10, 10].tolist() == corner
    halved = two.reshape(size[1], 2, size[0], 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - one).mean() < 2.0  # the same picture, only sharper


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_dots_of_wires_are_drawn(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{ending}"
    graph = drawn({"a": ReLU(), "b": Tanh()}, "a.y -> b.x")
    graph.set_node(Node("b", Tanh(), x=400.0))
    seen = []
    for dots in ((), ((250.0, 100.0),)):
        SetDots(Wire("a", "y", "b", "x"), dots).apply(graph)
        render(graph, file, text=dumps(graph))
        seen.append(file.read_bytes())
    assert seen[0] != seen[1]
    if ending == "png":
        assert same(loads(text_in(seen[1])), graph)
        # the lowest thing drawn is the dot: a ring around the ground
        picture, colours = pixels(file), theme("dark")
        ground = [int(colours.canvas[at : at + 2], 16) for at in (1, 3, 5)]
        ring = [int(colours.port["any"][at : at + 2], 16) for at in (1, 3, 5)]
        rows, columns = (np.abs(picture - ring).max(axis=2) < 3).nonzero()
        low = rows.max()
        middle = round(columns[rows == low].mean())
        assert picture[low - 4, middle].tolist() == ground


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    for ending in ("png", "svg"):
        made = []
        for _ in range(2):
            render(small(), tmp_path / f"a.{ending}", text=dumps(small()))
            made.append((tmp_path / f"a.{ending}").read_bytes())
        assert made[0] == made[1]


@pytest.mark.parametrize("mood", ["dark", "light"])
def test_picture_is_like_the_golden_one(mood: str, tmp_path: Path) -> None:
    render(small(), tmp_path / "new.png", theme_name=mood)
    new, old = pixels(tmp_path / "new.png"), pixels(FOLDER / f"small-{mood}.png")
    assert new.shape == old.shape
    apart = np.abs(new - old).max(axis=2)
    assert apart.mean() < 1.0
    assert (apart > 48).mean() < 0.005  # glyph edges may move by a fraction of a pixel


def test_the_graph_travels_inside_the_png(tmp_path: Path) -> None:
    text = dumps(small())
    render(small(), tmp_path / "a.png", text=text)
    data = (tmp_path / "a.png").read_bytes()
    assert dumps(loads(text_in(data))) == text
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert picture.info["netloom"] == text  # any reader of PNG text sees it
    render(small(), tmp_path / "b.png")
    assert text_in((tmp_path / "b.png").read_bytes()) == ""


def test_damaged_png_text_is_refused(tmp_path: Path) -> None:
    render(small(), tmp_path / "a.png", text="größe " * 50)
    data = (tmp_path / "a.png").read_bytes()
    place = data.index(b"netloom\0")
    with pytest.raises(ValueError, match="damaged"):
        text_in(data[: place + 14] + b"\xff\xff\xff" + data[place + 17 :])
    with pytest.raises(ValueError, match="no PNG"):
        text_in(b"GIF89a")
    assert text_in(data[:place]) == ""
    assert len(text_in(with_text(data, "x" * 5000, "other"), "other", limit=100)) == 100


def test_svg_is_one_any_viewer_draws_alike(tmp_path: Path) -> None:
    text = dumps(small()).replace("digits", "a & <b>")
    size = render(small(), tmp_path / "a.svg", text=text)
    render(small(), tmp_path / "a.png")
    root = ET.parse(tmp_path / "a.svg").getroot()
    names = {element.tag.rsplit("}", 1)[1] for element in root.iter()}
    assert "text" not in names  # outlines: no viewer needs the fonts
    assert {"path", "image", "title", "desc"} <= names
    inside = root.find("{http://www.w3.org/2000/svg}metadata")
    assert inside is not None
    assert inside.text == text
    view = QSvgRenderer(QByteArray((tmp_path / "a.svg").read_bytes()))
    assert (view.viewBoxF().width(), view.viewBoxF().height()) == size
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    view.render(painter)
    painter.end()
    image.save(str(tmp_path / "b.png"))
    assert np.abs(pixels(tmp_path / "a.png") - pixels(tmp_path / "b.png")).mean() < 2.0


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_node_type_renders(name: str, tmp_path: Path) -> None:
    graph = Graph()
    graph.set_node(Node("n", op(name)))
    width, height = render(graph, tmp_path / "n.png")
    assert width > 80
    assert height > 60
    assert len(np.unique(pixels(tmp_path / "n.png").reshape(-1, 3), axis=0)) > 30


@pytest.mark.parametrize("seed", range(12))
def test_any_graph_that_edits_can_make_renders(seed: int, tmp_path: Path) -> None:
    graph = random_graph(random.Random(seed))
    for drawing in (graph, *graph.definitions.values()):
        render(drawing, tmp_path / "a.png", previews={})
        render(drawing, tmp_path / "a.svg", previews={})


def test_an_empty_graph_is_an_empty_canvas(tmp_path: Path) -> None:
    assert render(Graph(), tmp_path / "a.png") == (420, 240)


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a name that ends in \.png or \.svg"):
        render(small(), tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="expected dark or light"):
        render(small(), tmp_path / "a.png", theme_name="sepia")
    for scale in (0.0, -1.0, 200.0):
        with pytest.raises(ValueError, match="scale: found"):
            render(small(), tmp_path / "a.png", scale=scale)
    with pytest.raises(FileNotFoundError, match="no"):
        render(small(), tmp_path / "no" / "a.png")
    assert not list(tmp_path.iterdir())


def test_renders_without_a_display_and_leaves_the_environment(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from graph.files import load\n"
        "import graph.ops\n"
        "from gui.render import render\n"
        "render(load(sys.argv[1]), sys.argv[2])\n"
        "assert 'QT_QPA_PLATFORM' not in os.environ\n"
    )
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    environment["DISPLAY"] = ":97"  # nobody answers there
    example, out = resources.example_path("digits-mlp"), tmp_path / "a.png"
    command = [sys.executable, "-W", "error", "-c", code, str(example), str(out)]
    root = Path(resources.__file__).parents[1]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert pixels(out).std() > 5
