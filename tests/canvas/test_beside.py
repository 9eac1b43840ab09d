"""What tells of a port stands where it covers least."""

import pytest

from gui.canvas.beside import ASIDE, BELOW, MARGIN, beside, overlap
from gui.canvas.geometry import Point, Rect

WINDOW = (900.0, 700.0)
SIZE = (300.0, 160.0)
NODE = Rect(400.0, 260.0, 120.0, 90.0)
PORT = Point(400.0, 274.0)


def placed(*dear: Rect, others: tuple[Rect, ...] = ()) -> Rect:
    at = beside(SIZE, PORT, NODE, WINDOW, [NODE, *dear], others)
    return Rect(at.x, at.y, *SIZE)


def test_below_the_port_when_that_is_free() -> None:
    found = placed()
    assert found.y == PORT.y + BELOW
    assert found.x < PORT.x < found.right


@pytest.mark.parametrize(
    "taken",
    [
        Rect(0.0, 360.0, 900.0, 340.0),  # all below
        Rect(0.0, 0.0, 900.0, 250.0),  # all above
        Rect(530.0, 0.0, 370.0, 700.0),  # all at the right
        Rect(0.0, 0.0, 390.0, 700.0),  # all at the left
    ],
)
def test_over_neither_of_the_nodes_where_another_side_has_room(taken: Rect) -> None:
    found = placed(taken)
    assert overlap(found, taken) == overlap(found, NODE) == 0.0
    assert found.x >= MARGIN
    assert found.y >= MARGIN
    assert found.right <= WINDOW[0] - MARGIN
    assert found.bottom <= WINDOW[1] - MARGIN


def test_free_ground_comes_before_what_else_is_there() -> None:
    found = placed(others=(Rect(100.0, 370.0, 700.0, 330.0),))
    assert found.bottom == NODE.y - ASIDE


def test_what_is_about_the_wire_is_dearer_than_all_else() -> None:
    low = Rect(0.0, 360.0, 900.0, 340.0)
    rest = (Rect(0.0, 0.0, 900.0, 255.0), Rect(0.0, 255.0, 900.0, 105.0))
    assert overlap(placed(low, others=rest), low) == 0.0


def test_without_room_it_covers_the_least() -> None:
    at = beside((880.0, 400.0), PORT, NODE, (900.0, 500.0), [NODE], [])
    assert MARGIN <= at.y <= 500.0 - MARGIN - 400.0
