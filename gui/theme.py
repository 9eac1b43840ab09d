"""The look's values (`resources/themes/tokens.json`) as a Theme: plain strings and numbers, no Qt.

Painters take a Theme and never write a colour of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import resources

Mood = Literal["dark", "light"]

# What graph calls a port kind, and the token that colours it.
_PORT_TOKENS = {
    "image": "image",
    "vector": "vector",
    "sequence": "sequence",
    "labels": "index",
    "loss": "scalar",
    "parameters": "param",
    "transition": "transition",
    "any": "any",
}
# Share of the family colour over the node in a header (LOOK.md, Node).
_HEADER_TINT: Mapping[str, float] = {"dark": 0.13, "light": 0.11}


@dataclass(frozen=True)
class Theme:
    """Colours as "#RRGGBB". `family` and `port` are by family name and by port kind."""

    name: Mood
    window: str
    canvas: str
    grid: str
    panel: str
    raised: str
    node: str
    field: str
    border: str
    hair: str
    hover: str
    text: str
    text2: str
    text3: str
    on_accent: str
    accent: str
    success: str
    warn: str
    error: str
    selected_row: str
    wire: str
    family: Mapping[str, str]
    port: Mapping[str, str]
    runs: Sequence[str]
    phases: Sequence[str]
    ramps: Mapping[str, Sequence[str]]
    gradient_range: tuple[float, float]

    def of_family(self, family: str) -> str:
        """Colour of a node family; an unknown one has the colour of custom nodes."""
        return self.family.get(family, self.family["custom"])

    def header(self, family: str) -> str:
        """Fill of a node's header: a tint of its family over the node."""
        return mix(self.node, self.of_family(family), _HEADER_TINT[self.name])

    def shade(self) -> str:
        """The flat edge of depth under a node, 2 px lower than the node."""
        return mix(self.canvas, "#000000", 0.45 if self.name == "dark" else 0.14)

    def ramp(self, name: str, share: float) -> str:
        """Colour at `share` (0 to 1, clamped) of a map: gradient, activation or signed."""
        stops = self.ramps[name]
        place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
        low = min(int(place), len(stops) - 2)
        return mix(stops[low], stops[low + 1], place - low)


@cache
def tokens() -> Mapping[str, Any]:
    """The parsed tokens file."""
    parsed: Mapping[str, Any] = json.loads(resources.tokens())
    return parsed


@cache
def theme(name: str) -> Theme:
    """The theme "dark" or "light"; ValueError for any other name."""
    if name not in ("dark", "light"):
        raise ValueError(f"theme: found {name!r}, expected dark or light")
    mood: Mood = "dark" if name == "dark" else "light"
    given = tokens()["themes"][mood]
    surface, text, state = given["surface"], given["text"], given["state"]
    low, high = tokens()["size"]["gradientRange"]
    return Theme(
        name=mood,
        **surface,
        text=text["primary"],
        text2=text["secondary"],
        text3=text["tertiary"],
        on_accent=text["onAccent"],
        accent=state["accent"],
        success=state["success"],
        warn=state["warn"],
        error=state["error"],
        selected_row=state["selectionFill"],
        wire=state["wire"],
        family=given["family"],
        port={kind: given["port"][token] for kind, token in _PORT_TOKENS.items()},
        runs=tuple(given["runs"]),
        phases=tuple(given["phase"]),
        ramps=given["ramps"],
        gradient_range=(low, high),
    )


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of "#RRGGBB", 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@lru_cache(maxsize=4096)
def mix(under: str, over: str, share: float) -> str:
    """The colour seen when `over` covers `under` with opacity `share`."""
    pairs = zip(channels(under), channels(over), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = (c / 255 for c in channels(colour))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
