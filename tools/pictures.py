"""Make the pictures of docs/images from the shipped examples: `python tools/pictures.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import resources  # noqa: E402
from graph.files import load  # noqa: E402
from gui.render import render  # noqa: E402

SCALE = 2.0


def main() -> None:
    """Render every example, dark and light."""
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name in resources.examples():
        for theme in ("dark", "light"):
            file = folder / f"render-{name}-{theme}.png"
            width, height = render(
                load(resources.example_path(name)), file, theme_name=theme, scale=SCALE
            )
            print(f"{file.relative_to(ROOT)}  {width} × {height}")


if __name__ == "__main__":
    main()
