"""Making room for a node: what stands to the right on the same thread moves on. No Qt."""

from __future__ import annotations

from gui.canvas.geometry import Rect
from gui.canvas.scene import CanvasScene

LEAST = 28.0  # px between two nodes of a thread


def make_room(scene: CanvasScene, id: str, need: float) -> tuple[tuple[str, float], ...]:
    """(node, how far it moves to the right) so that `id` stands `need` further right.

    A gap in the row takes up what it can, so nodes far behind stay. Nodes hanging below a moved
    one by a wire of their own thread stay too: only its row moves.
    """
    first = scene.rect(scene.index_of[id])
    row = [
        (scene.rect(index), scene.ids[index])
        for index in range(len(scene.ids))
        if scene.places[index, 0] >= first.x
    ]
    row = [(r, i) for r, i in row if r.y < first.bottom and first.y < r.bottom]
    row.sort(key=lambda one: one[0].x)
    moved: list[tuple[str, float]] = []
    reach = first.x + need  # left edge from which the next node must start
    for rect, node in row:
        by = reach - rect.x
        if by <= 0:
            break
        moved.append((node, by))
        reach = max(reach, rect.right + by + min(LEAST, _gap(rect.right, row)))
    return tuple(moved)


def _gap(right: float, row: list[tuple[Rect, str]]) -> float:
    """What lies between a node and the next of its row as they stand."""
    behind = [rect.x - right for rect, _ in row if rect.x >= right]
    return min(behind, default=LEAST)
