"""Sizes of nodes and places of ports and wires, as LOOK.md gives them."""

import numpy as np
import pytest

from gui import fonts
from gui.canvas.geometry import (
    FOOTER,
    HEADER,
    ROW,
    Point,
    Rect,
    node_box,
    port_y,
    wrapped,
)
from gui.canvas.view_model import Mosaic, NodeView, PortView, mosaic
from gui.canvas.wires import path_bounds, path_points, tag_rect, wire_path

ONE = (PortView("x", "image"),)


def node(title: str = "Conv2d", **given: object) -> NodeView:
    """A node with one port on each side."""
    return NodeView("n", title, **{"inputs": ONE, "outputs": ONE, **given})  # type: ignore[arg-type]


def test_full_node_stacks_header_settings_footer() -> None:
    view = node(summary="3×3 · 32 · same", badge="32×14×14", note="9,248", ring=True)
    box = node_box(view, fonts.measure)
    assert box.width == 152
    assert box.height == HEADER + ROW + FOOTER == 73
    assert box.settings is not None
    assert box.settings.y == 28
    assert box.footer is not None
    assert box.footer.bottom == 73


def test_preview_lies_between_settings_and_footer() -> None:
    tiles = Mosaic(np.zeros((32, 7, 7), np.uint8), 8)
    box = node_box(node(summary="s", badge="b", ring=True, preview=tiles), fonts.measure)
    assert box.preview == Rect(9, 50, 134, 66)
    assert box.footer is not None
    assert box.footer.y == box.preview.bottom


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (40, 2), (2, 40)])
def test_preview_height_keeps_its_limits(count: int, columns: int) -> None:
    tiles = Mosaic(np.zeros((count, 4, 4), np.uint8), columns)
    box = node_box(node(preview=tiles), fonts.measure)
    assert box.preview is not None
    assert 34 <= box.preview.height <= 96


def test_collapsed_node_is_its_header_with_the_same_ports() -> None:
    full = node_box(node(summary="p 0.5"), fonts.measure)
    small = node_box(node("ReLU", collapsed=True), fonts.measure)
    assert small.height == 28
    assert 80 <= small.width <= 128
    assert small.inputs == full.inputs
    assert small.outputs[0].y == full.outputs[0].y == 14


def test_ports_hang_14_then_every_24() -> None:
    many = tuple(PortView(str(i)) for i in range(4))
    box = node_box(node(inputs=many, summary="s", badge="b"), fonts.measure)
    assert [p.y for p in box.inputs] == [14, 38, 62, 86] == [port_y(i) for i in range(4)]
    assert box.footer is not None
    assert box.footer.y > 86


@pytest.mark.parametrize("title", ["Add", "MaxPool2d", "Cross-entropy", "Stop gradient"])
def test_width_is_on_the_grid_and_holds_the_name(title: str) -> None:
    for collapsed in (True, False):
        box = node_box(node(title, collapsed=collapsed), fonts.measure)
        assert box.width % 4 == 0
        assert box.name_width == fonts.measure(title, "node name")


def test_long_names_end_at_the_widest_node() -> None:
    box = node_box(node("A name that nobody would give to a node"), fonts.measure)
    assert box.width == 200
    assert box.name_width < 200 - 31


def test_level_wires_are_straight() -> None:
    assert wire_path(Point(0, 14), Point(40, 14)) == [("M", 0, 14), ("L", 40, 14)]


@pytest.mark.parametrize(("across", "reach"), [(20, 24), (100, 50), (600, 120)])
def test_tangents_are_half_the_way_within_limits(across: float, reach: float) -> None:
    path = wire_path(Point(0, 0), Point(across, 80))
    assert path[1] == ("C", reach, 0, across - reach, 80, across, 80)


def test_a_wire_back_runs_60_above_the_lower_thread() -> None:
    path = wire_path(Point(1000, 14), Point(0, 314))
    assert ("L", 24.0, 254.0) in path
    assert path_bounds(path).x > -30
    assert path_bounds(path).right < 1030


@pytest.mark.parametrize("lane", [None, -40.0, 120.0])
def test_wires_leave_and_arrive_level(lane: float | None) -> None:
    for target in (Point(300, 90), Point(-200, 90), Point(10, 14)):
        points = list(path_points(wire_path(Point(0, 14), target, lane), 64))
        assert points[0] == Point(0, 14)
        assert (points[-1].x, points[-1].y) == pytest.approx((target.x, target.y))
        assert points[1].x > 0
        assert abs(points[1].y - 14) < 1
        assert points[-2].x < target.x
        assert abs(points[-2].y - target.y) < 1


def test_portal_tags_stand_beside_their_ports() -> None:
    assert tag_rect(Point(100, 38), leaves=True) == Rect(114, 31, 16, 14)
    assert tag_rect(Point(100, 38), leaves=False) == Rect(70, 31, 16, 14)


def test_text_wraps_at_spaces() -> None:
    lines = wrapped(
        "one two three\n\nfour", fonts.measure("one two", "body") + 1, fonts.measure, "body"
    )
    assert lines == ["one two", "three", "", "four"]


def test_mosaic_scales_values_to_bytes() -> None:
    made = mosaic(np.array([[[0.0, 0.5], [1.0, 2.0]], [[np.nan, -1.0], [0.25, 1.0]]]), 2, 1)
    assert made.tiles.tolist() == [[[0, 128], [255, 255]], [[0, 0], [64, 255]]]
    with pytest.raises(ValueError, match="expected"):
        mosaic(np.zeros((3, 3)))
