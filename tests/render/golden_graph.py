"""The small drawing of the golden pictures.

`PYTHONPATH=. python tests/render/golden_graph.py` paints them again after a wanted change.
"""

from pathlib import Path

from graph.graph import Graph
from gui.render import render
from tests.support.small_graphs import draw, op

FOLDER = Path(__file__).parent / "golden"


def small() -> Graph:
    """Four nodes of four families, with a label."""
    nodes = {
        "digits": op("Digits"),
        "flat": op("Flatten"),
        "dense": op("Dense", units=10),
        "loss": op("CrossEntropy"),
    }
    wires = "digits.image>flat.x flat.y>dense.x dense.y>loss.prediction digits.label>loss.target"
    return draw(nodes, wires)


if __name__ == "__main__":
    for mood in ("dark", "light"):
        render(small(), FOLDER / f"small-{mood}.png", theme_name=mood)
