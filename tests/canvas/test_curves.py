"""Lines of many wires at once are those of `gui.canvas.wires`."""

import numpy as np
import pytest

from gui.canvas.curves import Curves, curves, distances, flattened
from gui.canvas.geometry import Point, Rect
from gui.canvas.index import BoxIndex
from gui.canvas.wires import Path, led_path, path_points, wire_path

STEPS = 12


def cases() -> list[tuple[Point, Point, float | None]]:
    """Wires to the right and left, level and not, near and far, with lanes and without."""
    chance = np.random.default_rng(5)
    found: list[tuple[Point, Point, float | None]] = [
        (Point(0, 0), Point(100, 0), None),
        (Point(0, 0), Point(10, 60), None),
        (Point(0, 0), Point(-200, 300), None),
        (Point(0, 0), Point(-200, 20), None),
        (Point(0, 0), Point(-20, 20), None),
        (Point(0, 0), Point(30, 20), 90.0),
        (Point(0, 0), Point(57, 20), -30.0),
    ]
    for _ in range(200):
        x, y, u, v = chance.uniform(-400, 400, 4)
        lane = float(chance.uniform(-400, 400)) if chance.random() < 0.4 else None
        found.append((Point(x, y), Point(u, v), lane))
    return found


def both(case: tuple[Point, Point, float | None]) -> tuple[Path, np.ndarray]:
    """The line of a wire by either way: a path, and segments."""
    source, target, lane = case
    ends = np.array([[source.x, source.y, target.x, target.y]], np.float64)
    made = curves(ends, np.array([np.nan if lane is None else lane]))
    return wire_path(source, target, lane), flattened(made, np.array([0]), STEPS)[0]


@pytest.mark.parametrize("case", cases())
def test_lines_are_the_same(case: tuple[Point, Point, float | None]) -> None:
    path, segments = both(case)
    ends = np.concatenate([segments[:, :2], segments[:, 2:]])
    for point in path_points(path, STEPS):
        gaps = distances(segments, point.x, point.y)
        assert gaps.min() < 1e-6
    box = np.array([[p.x, p.y] for p in path_points(path, 60)])
    assert ends.min(axis=0) == pytest.approx(box.min(axis=0), abs=3.0)
    assert ends.max(axis=0) == pytest.approx(box.max(axis=0), abs=3.0)


def led(source: Point, dots: np.ndarray, target: Point) -> Curves:
    """Two wires, the second through dots."""
    ends = np.array([[source.x, source.y, target.x, target.y]] * 2, np.float64)
    made = curves(ends, np.full(2, np.nan))
    made.lead(1, source, dots, target)
    return made


@pytest.mark.parametrize("seed", range(30))
def test_a_line_runs_through_its_dots_in_order(seed: int) -> None:
    chance = np.random.default_rng(seed)
    dots = chance.integers(-3, 4, (int(chance.integers(1, 6)), 2)) * 60.0  # level, upright, equal
    source, target = Point(*chance.uniform(-300, 300, 2)), Point(*chance.uniform(-300, 300, 2))
    made = led(source, dots, target)
    legs = made.legs(1)
    stops = np.array([(source.x, source.y), *dots, (target.x, target.y)])
    assert (legs[:, 0] == stops[:-1]).all()
    assert (legs[:, 3] == stops[1:]).all()
    assert np.isfinite(legs).all()
    assert legs[0, 1, 1] == source.y
    assert legs[0, 1, 0] >= source.x  # out of the port to the right
    assert legs[-1, 2, 1] == target.y
    assert legs[-1, 2, 0] <= target.x
    left, top, right, bottom = made.edges()[:, 1]
    for point in path_points(led_path(source, dots.tolist(), target), STEPS):
        assert left - 1e-6 <= point.x <= right + 1e-6
        assert top - 1e-6 <= point.y <= bottom + 1e-6
    segments, owner = flattened(made, np.array([0, 1]), STEPS)
    assert set(owner.tolist()) == {0, 1}
    alone, _ = flattened(made, np.array([1]), STEPS)
    assert (segments[owner == 1] == alone).all()
    for x, y in stops.tolist():
        assert distances(alone, x, y).min() < 1e-6


def test_level_and_upright_parts_between_dots_are_straight() -> None:
    dots = np.array([[100.0, 0.0], [100.0, 80.0], [20.0, 80.0]])
    legs = led(Point(0.0, 0.0), dots, Point(200.0, 200.0)).legs(1)
    assert (legs[0, :, 1] == 0.0).all()
    assert (legs[1, :, 0] == 100.0).all()
    assert (legs[2, :, 1] == 80.0).all()
    assert (np.diff(legs[2, :, 0]) < 0.0).all()


def test_segments_know_their_wires() -> None:
    found = cases()
    ends = np.array([[s.x, s.y, t.x, t.y] for s, t, _ in found])
    lanes = np.array([np.nan if lane is None else lane for *_, lane in found])
    made = curves(ends, lanes)
    which = np.array([3, 0, 40])
    segments, owner = flattened(made, which, 8)
    for place, wire in enumerate(which.tolist()):
        alone, _ = flattened(made, np.array([wire]), 8)
        mine = segments[owner == place]
        assert sorted(map(tuple, mine.tolist())) == sorted(map(tuple, alone.tolist()))
    assert len(flattened(made, which, 1)[0]) == int(made.parts[which].sum())


def test_index_finds_what_a_loop_finds() -> None:
    chance = np.random.default_rng(6)
    corners = chance.uniform(0, 1000, (2, 300))
    edges = np.concatenate([corners, corners + chance.uniform(1, 80, (2, 300))])
    index, area = BoxIndex(edges), Rect(300, 200, 150, 90)
    rects = [Rect(x, y, u - x, v - y) for x, y, u, v in edges.T.tolist()]
    assert index.meeting(area).tolist() == [i for i, r in enumerate(rects) if r.meets(area)]
    assert index.inside(Rect(0, 0, 500, 500)).tolist() == [
        i for i, r in enumerate(rects) if r.right <= 500 and r.bottom <= 500
    ]
    assert BoxIndex(np.zeros((4, 0))).bounds() is None
