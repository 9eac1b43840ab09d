"""The camera stays on its ladder and on whole device pixels."""

import numpy as np
import pytest

from gui.canvas.camera import FIT_HIGHEST, FIT_MARGIN, HIGHEST, LOWEST, READABLE, Camera
from gui.canvas.fitting import NARROW_MARGIN, fitted
from gui.canvas.geometry import Point, Rect
from gui.canvas.index import BoxIndex

CAMERA = Camera(x=10.0, y=20.0, rung=0, width=800, height=600, ratio=2.0)


@pytest.mark.parametrize("rungs", [-9, -4, 1, 4, 13])
def test_zoom_keeps_what_is_under_the_pointer(rungs: int) -> None:
    before = CAMERA.canvas(200, 150)
    zoomed = CAMERA.zoomed(rungs, 200, 150)
    at = zoomed.window(before)
    assert (at.x, at.y) == pytest.approx((200, 150), abs=0.5)


def test_zoom_there_and_back_is_the_same_zoom() -> None:
    there = CAMERA.zoomed(4, 10, 10).zoomed(4, 300, 20)
    assert there.zoomed(-8, 5, 5).scale == CAMERA.scale


@pytest.mark.parametrize("rung", [-37, -16, 0, 5])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_corner_is_on_a_whole_device_pixel(rung: int, ratio: float) -> None:
    camera = Camera(rung=rung, ratio=ratio).panned(13.3, -7.7)
    exact = camera.x * camera.scale, camera.y * camera.scale
    assert exact == pytest.approx(camera.origin, abs=1e-6)


def test_zoom_ends() -> None:
    assert CAMERA.zoomed(999, 0, 0).rung == HIGHEST
    assert CAMERA.zoomed(-999, 0, 0).rung == LOWEST


@pytest.mark.parametrize("rect", [Rect(0, 0, 50, 20), Rect(-900, 40, 4000, 90), Rect(0, 0, 1, 1e5)])
def test_fit_shows_all(rect: Rect) -> None:
    camera = CAMERA.fitted(rect)
    area = camera.area
    assert camera.rung <= FIT_HIGHEST
    if camera.rung > LOWEST:
        assert area.x <= rect.x
        assert area.y <= rect.y
        assert area.right >= rect.right
        assert area.bottom >= rect.bottom
    middle = camera.window(Point(rect.x + rect.width / 2, rect.middle))
    assert (middle.x, middle.y) == pytest.approx((400, 300), abs=1.0)


@pytest.mark.parametrize(
    ("width", "margin"),
    [(1150, FIT_MARGIN), (1280, NARROW_MARGIN), (1700, FIT_MARGIN)],
    ids=["room enough", "readable by a narrower margin", "not readable so either"],
)
def test_fit_narrows_its_margin_where_only_so_nodes_can_be_read(width: int, margin: float) -> None:
    all_of_it = Rect(0, 0, width, 50)
    found = fitted(CAMERA, all_of_it, BoxIndex(np.zeros((4, 0))), ())
    assert found == CAMERA.fitted(all_of_it, margin=margin)
    assert (found.zoom >= READABLE) == (width < 1700)
