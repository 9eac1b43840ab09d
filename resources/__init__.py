"""Data that ships with Netloom: examples, blocks, concept cards, icons, fonts, themes.

Imports nothing of ours, so every part may read it; works from a folder and from a zip.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

# Inter 3.19 with its outlines as TrueType: Qt thickens the stems of CFF, a weight too heavy
FONTS = (
    "Inter-Regular.ttf",
    "Inter-Medium.ttf",
    "Inter-SemiBold.ttf",
    "JetBrainsMono-Regular.ttf",
    "JetBrainsMono-Medium.ttf",
)


def locate(*parts: str) -> Traversable:
    """The resource below this package: `locate("examples", "digits-cnn.loom")`."""
    return files(__name__).joinpath(*parts)


def tokens() -> str:
    """The look's values as JSON: colours, ramps, sizes, type, motion."""
    return locate("themes", "tokens.json").read_text("utf-8")


def font(file: str) -> bytes:
    """One font file of FONTS."""
    return locate("fonts", file).read_bytes()


def icons() -> tuple[str, ...]:
    """Names of the icons, sorted."""
    found = (entry.name for entry in locate("icons").iterdir())
    return tuple(sorted(name.removesuffix(".svg") for name in found if name.endswith(".svg")))


def icon(name: str) -> str:
    """An icon as SVG text, 16 × 16, in `currentColor`; FileNotFoundError when there is none."""
    return locate("icons", f"{name}.svg").read_text("utf-8")


def examples() -> tuple[str, ...]:
    """Names of the shipped examples, sorted."""
    found = (entry.name for entry in locate("examples").iterdir())
    return tuple(sorted(name.removesuffix(".loom") for name in found if name.endswith(".loom")))


def example_path(name: str) -> Path:
    """The file of an example; its data files lie beside it."""
    return Path(str(locate("examples", f"{name}.loom")))


def blocks() -> tuple[str, ...]:
    """Names of the shipped blocks' files, sorted."""
    found = (entry.name for entry in locate("blocks").iterdir())
    return tuple(sorted(name.removesuffix(".loom") for name in found if name.endswith(".loom")))


def block(name: str) -> str:
    """The text of a block's file."""
    return locate("blocks", f"{name}.loom").read_text("utf-8")


def results() -> str:
    """What each example must reach, as JSON; `netloom examples --verify` measures it."""
    return locate("examples", "results.json").read_text("utf-8")
