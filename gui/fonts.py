"""The bundled fonts as QFonts: every text style of LOOK.md by its name.

Needs a QGuiApplication. Widths are of unhinted text: a picture at 2× breaks lines like one at 1×.
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF

import resources
from gui.theme import tokens

# style -> (token of tokens.json's size.type, family token); "mono" styles hold figures and shapes.
STYLES = {
    "caption": ("caption", "ui"),
    "caption mono": ("caption", "mono"),
    "small": ("small", "ui"),
    "small mono": ("small", "mono"),
    "body": ("body", "ui"),
    "node name": ("nodeName", "ui"),
    "section": ("section", "ui"),
    "panel title": ("panelTitle", "ui"),
    "doctor title": ("doctorTitle", "ui"),
    "display": ("display", "ui"),
    "number": ("number", "mono"),
}

LARGE, TIGHT = 20, 98.0  # px from which letters stand closer, and per cent of their widths


@cache
def load() -> None:
    """Register the bundled files with Qt; raises RuntimeError when Qt cannot read one."""
    for file in resources.FONTS:
        if QFontDatabase.addApplicationFontFromData(resources.font(file)) < 0:
            raise RuntimeError(f"font {file}: Qt cannot read it, reinstall Netloom")


@cache
def font(style: str) -> QFont:
    """The font of a style, sized in px at 100 %; do not change it."""
    load()
    name, family = STYLES[style]
    size, _, weight = tokens()["size"]["type"][name]
    return _font(tokens()["size"]["type"][family], size, weight)


@lru_cache(maxsize=256)
def sized(style: str, size: int) -> tuple[QFont, QFontMetricsF]:
    """A style's font at another size in px, for text that keeps its size on screen."""
    made = QFont(font(style))
    made.setPixelSize(max(1, size))
    return made, QFontMetricsF(made)


def _font(family: str, size: int, weight: int) -> QFont:
    made = QFont(family)
    made.setPixelSize(size)
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    if size >= LARGE:
        made.setLetterSpacing(QFont.SpacingType.PercentageSpacing, TIGHT)
    if family == tokens()["size"]["type"]["ui"]:
        made.setFeature(QFont.Tag("tnum"), 1)
        made.setFeature(QFont.Tag("cv11"), 1)  # the single-storey a of the look's pictures
    return made


@cache
def metrics(style: str) -> QFontMetricsF:
    """Metrics of a style's font."""
    return QFontMetricsF(font(style))


@lru_cache(maxsize=16384)
def measure(text: str, style: str) -> float:
    """Width of one line of text, px at 100 %."""
    return metrics(style).horizontalAdvance(text)


def line_height(style: str) -> float:
    """Distance of two lines of a style, px at 100 %."""
    return float(tokens()["size"]["type"][STYLES[style][0]][1])
