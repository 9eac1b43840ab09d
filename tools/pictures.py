"""Make the pictures of docs/images from shipped examples and the bench's large graphs:
`python tools/pictures.py`.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import resources  # noqa: E402
from benchmarks.canvas import large_graph, settle  # noqa: E402
from graph.files import load  # noqa: E402
from gui import fonts  # noqa: E402
from gui.canvas.view import Canvas  # noqa: E402
from gui.document import Document  # noqa: E402
from gui.render import application, render  # noqa: E402
from gui.theme import theme  # noqa: E402

SCALE = 2.0


def main() -> None:
    """Render every example, dark and light."""
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name in resources.examples():
        for mood in ("dark", "light"):
            file = folder / f"render-{name}-{mood}.png"
            width, height = render(
                load(resources.example_path(name)), file, theme_name=mood, scale=SCALE
            )
            print(f"{file.relative_to(ROOT)}  {width} × {height}")
    canvases(folder)


def canvases(folder: Path) -> None:
    """The canvas with 1,000 and 10,000 nodes: whole, and at the zooms that the gates name."""
    application()
    for count in (1000, 10_000):
        canvas = Canvas(Document(large_graph(count), fonts.measure), theme("dark"))
        canvas.resize(1920, 1080)
        canvas.show()
        for name, rung in (("fit", None), ("half", -16), ("full", 0)):
            canvas.fit()
            if rung is not None:
                canvas.zoom_by(rung - canvas.camera.rung)
            settle(canvas)
            file = folder / f"canvas-{count}-{name}.png"
            canvas.grab().save(str(file))
            print(f"{file.relative_to(ROOT)}  {canvas.width()} × {canvas.height()}")
        canvas.close_document()
        canvas.close()


if __name__ == "__main__":
    main()
