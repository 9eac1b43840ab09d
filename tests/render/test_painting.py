"""The painters: every state shows, every zoom keeps its detail, ports tell kinds by shape."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from graph.op import PortKind
from gui.canvas.camera import zoom_of
from gui.canvas.drawing import Detail, detail
from gui.canvas.geometry import Point
from gui.canvas.paint_canvas import paint_scene, scene, scene_bounds
from gui.canvas.paint_port import outline, paint_port
from gui.canvas.paint_wire import gradient_share, wire_pen
from gui.canvas.view_model import (
    Bars,
    CanvasView,
    FrameView,
    NodeState,
    NoteView,
    PortView,
    Sparkline,
    WireState,
    WireView,
)
from gui.render import MARGIN
from gui.theme import theme
from tests.support.node_states import NODE, PREVIEWS, STATES

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def painted(view: CanvasView, mood: str = "dark", zoom: float = 1.0, pixels: float = 1.0) -> Pixels:
    """What the painters make of a view: rows × columns × RGB."""
    drawing = scene(view)
    bounds = scene_bounds(drawing)
    assert bounds is not None
    area = bounds.grown(MARGIN)
    scale = zoom * pixels
    width, height = round(area.width * scale), round(area.height * scale)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.scale(scale, scale)
    painter.translate(-area.x, -area.y)
    paint_scene(painter, drawing, area, theme(mood), zoom)
    painter.end()
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(height, width, 4)
    return raw[..., 2::-1].copy()


def inked(pixels: Pixels, name: str) -> int:
    """How many pixels have exactly this colour."""
    wanted = [int(name[at : at + 2], 16) for at in (1, 3, 5)]
    return int((pixels == wanted).all(axis=2).sum())


@pytest.mark.parametrize("mood", ["dark", "light"])
@pytest.mark.parametrize("state", STATES.keys() - {"plain"})
def test_every_state_shows(state: str, mood: str) -> None:
    plain = painted(CanvasView((NODE,)), mood)
    shown = painted(CanvasView((replace(NODE, state=STATES[state]),)), mood)
    assert (plain != shown).any(axis=2).sum() > 20


@pytest.mark.parametrize("mood", ["dark", "light"])
@pytest.mark.parametrize("name", PREVIEWS)
def test_every_preview_paints_inside_its_node(name: str, mood: str) -> None:
    with_preview = CanvasView((replace(NODE, preview=PREVIEWS[name]),))
    drawing = scene(with_preview)
    place = drawing.boxes["conv"].preview
    assert place is not None
    pixels = painted(with_preview, mood)
    x, y = round(MARGIN + 9 + place.x), round(MARGIN + 9 + place.y)
    inside = pixels[y : y + round(place.height), x : x + round(place.width)]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) > 5
    assert inked(pixels[:, : round(MARGIN)], theme(mood).canvas) > 1000


def test_empty_previews_do_no_harm() -> None:
    for preview in (Sparkline([]), Sparkline([float("nan")]), Bars([]), Bars([float("nan")])):
        painted(CanvasView((replace(NODE, preview=preview),)))


@pytest.mark.parametrize(
    ("zoom", "level"),
    [
        (2.0, Detail.FULL),
        (0.6, Detail.FULL),
        (zoom_of(-12), Detail.FULL),
        (zoom_of(-13), Detail.PLAIN),
        (0.25, Detail.PLAIN),
        (0.24, Detail.NAME),
        (0.1, Detail.NAME),
        (0.09, Detail.BOX),
    ],
)
def test_zoom_decides_the_detail(zoom: float, level: Detail) -> None:
    assert detail(zoom) is level


def test_detail_falls_with_the_zoom() -> None:
    colours = theme("dark")
    full, plain, block = (painted(CanvasView((NODE,)), zoom=z, pixels=4 / z) for z in (1, 0.5, 0.2))
    assert inked(full, colours.text2) > 50  # key settings
    assert inked(full, colours.raised) > 500  # shape badge
    assert inked(plain, colours.text2) < 10
    assert inked(plain, colours.raised) < 10
    assert inked(plain, colours.text) > 50  # the name stays
    assert inked(full, colours.port["image"]) > 500
    assert inked(block, colours.port["image"]) == 0


def test_an_error_keeps_its_size_on_screen() -> None:
    view = CanvasView((replace(NODE, state=NodeState(problem="error")),))
    sizes = [inked(painted(view, zoom=zoom), theme("dark").error) for zoom in (1.0, 0.3)]
    assert min(sizes) > 60


@pytest.mark.parametrize("mood", ["dark", "light"])
def test_wired_ports_are_filled_and_free_ones_hollow(mood: str) -> None:
    colours = theme(mood)
    for kind in get_args(PortKind):
        for wired, centre in ((True, colours.port[kind]), (False, colours.canvas)):
            image = QImage(40, 40, QImage.Format.Format_RGB32)
            image.fill(colours.node)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_port(painter, PortView("p", kind, wired), Point(20, 20), colours)
            painter.end()
            assert image.pixelColor(20, 20).name().upper() == centre


def test_kinds_differ_by_shape() -> None:
    shapes = {kind: outline(kind) for kind in get_args(PortKind)}
    same = {
        kind: [k for k, other in shapes.items() if other == path] for kind, path in shapes.items()
    }
    assert {kind: others for kind, others in same.items() if len(others) > 1} == {
        "vector": ["vector", "any"],
        "any": ["vector", "any"],
    }


def test_gradient_overlay_widens_and_flags_what_is_not_finite() -> None:
    colours = theme("dark")

    def wire(**state: float | None) -> Callable[[], float]:
        drawn = WireView("a", 0, "b", 0, "image", state=WireState(**state))  # type: ignore[arg-type]
        return lambda: wire_pen(drawn, colours, "gradient").widthF()

    widths = [wire(gradient=norm)() for norm in (1e-9, 1e-4, 1e-2, 1.0, 10.0, 1e9)]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (1.75, 4.5)
    broken = WireView("a", 0, "b", 0, state=WireState(gradient=float("nan")))
    assert wire_pen(broken, colours, "gradient").color().name().upper() == colours.error
    assert wire_pen(broken, colours, "gradient").dashPattern()
    assert gradient_share(0.0, colours) == 0.0
    assert gradient_share(0.0316227766, colours) == pytest.approx(0.5)


@pytest.mark.parametrize("mood", ["dark", "light"])
@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.2, 0.05])
def test_wires_frames_and_notes_show_at_every_zoom(mood: str, zoom: float) -> None:
    nodes = tuple(
        replace(NODE, id=f"n{i}", collapsed=True, x=200.0 * i, y=40.0 * i) for i in range(4)
    )
    states = (WireState(), WireState(muted=True), WireState(invalid=True))
    wires = tuple(WireView(f"n{i}", 0, f"n{i + 1}", 0, "image", state=states[i]) for i in range(3))
    frame = FrameView("f", "Encoder", -30, -60, 300, 200, family="dense")
    note = NoteView("n", "Watch the first layer: its filters become edges.", 0, 240, 200)
    whole = painted(CanvasView(nodes, wires, (frame,), (note,)), mood, zoom)
    bare = painted(CanvasView(nodes, (), (frame,), (note,)), mood, zoom)
    assert (whole != bare).any()
    if zoom > 0.2:
        untitled = CanvasView(nodes, wires, (replace(frame, title=""),), (note,))
        assert (whole != painted(untitled, mood, zoom)).any()
        unsaid = CanvasView(nodes, wires, (frame,), (replace(note, text=""),))
        assert whole.shape != painted(unsaid, mood, zoom).shape
