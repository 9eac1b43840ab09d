"""Training curves as an SVG that needs no library and follows the viewer's light or dark theme."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import resources

WIDTH, HEIGHT = 520.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 40.0, 34.0
DOTS = 300  # a longer series is drawn as the least and greatest value of each stretch

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """A line: its name, its style class and its points (epoch, value)."""

    name: str
    style: str
    points: Points


@dataclass(frozen=True)
class Panel:
    """A plot with a title; `log` has a logarithmic vertical axis."""

    title: str
    series: tuple[Series, ...]
    log: bool = False


def curves(
    losses: Sequence[float], per_epoch: float, history: Mapping[int, Mapping[str, float]]
) -> str:
    """An SVG with the losses of steps and epochs, and the other metrics beside it.

    `losses` are of consecutive steps, or means of some, `per_epoch` of them; `history` has
    Keras's names by epoch (from 1).
    """
    found = panels(losses, per_epoch, history)
    width = WIDTH * len(found)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {HEIGHT:g}" '
        f'width="{width:g}" height="{HEIGHT:g}" role="img">',
        f"<title>Training curves</title><style>{style()}</style>",
        f'<rect class="ground" width="{width:g}" height="{HEIGHT:g}"/>',
    ]
    for index, panel in enumerate(found):
        parts.append(f'<g transform="translate({WIDTH * index:g},0)">{draw(panel)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def panels(
    losses: Sequence[float], per_epoch: float, history: Mapping[int, Mapping[str, float]]
) -> list[Panel]:
    """The loss, then one panel for each other metric of the last epoch."""
    steps = [((k + 1) / per_epoch, loss) for k, loss in enumerate(losses)]

    def line(name: str, label: str, look: str) -> Series:
        points = [(float(e), found[name]) for e, found in history.items() if name in found]
        return Series(label, look, points)

    own = [
        Series("step", "step", thinned(steps)),
        line("loss", "training", "first"),
        line("val_loss", "validation", "second"),
    ]
    made = [Panel("Loss", tuple(own), log=True)]
    names = list(history[max(history)]) if history else []
    for name in names:
        if not name.endswith("loss"):
            title = name.removeprefix("val_").replace("_", " ").capitalize()
            made.append(Panel(f"{title}, validation", (line(name, "validation", "second"),)))
    return made


def thinned(points: Points) -> Points:
    """At most 2·DOTS points: of each stretch the least and the greatest value."""
    if len(points) <= 2 * DOTS:
        return points
    size = math.ceil(len(points) / DOTS)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return kept


def draw(panel: Panel) -> str:
    """Axes, ticks, lines and names of a panel."""
    drawn = [series for series in panel.series if _shown(series, panel.log)]
    title = f'<text class="title" x="{LEFT:g}" y="24">{escape(panel.title)}</text>'
    if not drawn:
        return title
    points = [p for series in drawn for p in _shown(series, panel.log)]
    last = max(x for x, _ in points)
    low, high, ticks = scale([y for _, y in points], panel.log)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (_level(y, panel.log) - low) / (high - low)
        across = LEFT + x / last * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [title, *_axes(ticks, last, place), *_legend(drawn)]
    for series in drawn:
        path = " ".join("{:.1f},{:.1f}".format(*place(*p)) for p in _shown(series, panel.log))
        parts.append(f'<polyline class="{series.style}" points="{path}"/>')
        x, y = place(*_shown(series, panel.log)[-1])
        if series.style != "step":
            parts.append(f'<circle class="{series.style} end" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return "\n".join(parts)


def _shown(series: Series, log: bool) -> Points:
    return [p for p in series.points if math.isfinite(p[1]) and (p[1] > 0 or not log)]


def _axes(
    ticks: Sequence[float], last: float, place: Callable[[float, float], tuple[float, float]]
) -> Iterator[str]:
    for tick in ticks:
        _, y = place(0.0, tick)
        yield f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        at = f'x="{LEFT - 8:g}" y="{y + 4:.1f}"'
        yield f'<text class="tick" text-anchor="end" {at}>{tick:g}</text>'
    for epoch in steps(0.0, last, 6):
        if epoch == int(epoch):
            x, _ = place(epoch, ticks[0])
            yield (
                f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{HEIGHT - 14:g}">'
                f"{epoch:g}</text>"
            )
    yield f'<text class="tick" text-anchor="end" x="{WIDTH - RIGHT:g}" y="24">epochs →</text>'


def _legend(drawn: Sequence[Series]) -> Iterator[str]:
    x = LEFT + 150.0
    for series in drawn:
        yield f'<line class="{series.style}" x1="{x:g}" x2="{x + 16:g}" y1="20" y2="20"/>'
        yield f'<text class="tick" x="{x + 21:g}" y="24">{escape(series.name)}</text>'
        x += 33 + 6.2 * len(series.name)


def scale(values: Sequence[float], log: bool) -> tuple[float, float, list[float]]:
    """(lowest level, highest level, ticks) of a vertical axis; levels are log₁₀ where `log`."""
    if not log:
        low, high = min(values), max(values)
        room = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
        low, high = low - room, high + room
        return low, high, steps(low, high, 5)
    low, high = math.log10(min(values)), math.log10(max(values))
    room = 0.05 * (high - low) or 0.5
    low, high = low - room, high + room
    whole = range(math.floor(low), math.ceil(high) + 1)
    found = [
        m * 10.0**e for e in whole for m in (1, 2, 5) if low <= math.log10(m * 10.0**e) <= high
    ]
    if len(found) > 7:
        found = [tick for tick in found if f"{tick:e}".startswith("1")]
    return low, high, found or [10 ** ((low + high) / 2)]


def steps(low: float, high: float, count: int) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them (steps of 1, 2 or 5 × 10ⁿ)."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _level(value: float, log: bool) -> float:
    return math.log10(value) if log else value


def style() -> str:
    """The look's colours for both themes."""
    themes: Mapping[str, Any] = json.loads(resources.tokens())["themes"]
    fonts = "Inter,system-ui,sans-serif"
    common = (
        f"text{{font:400 12px {fonts}}} .title{{font:600 14px {fonts}}} "
        "polyline,line{fill:none;stroke-width:2;stroke-linejoin:round} "
        ".step{stroke-width:1;opacity:.45} .grid{stroke-width:1} .end{stroke:none}"
    )
    dark = _colours(themes["dark"])
    return f"{_colours(themes['light'])} {common} @media(prefers-color-scheme:dark){{{dark}}}"


def _colours(theme: Mapping[str, Any]) -> str:
    lines = {"step": theme["state"]["wire"], "first": theme["runs"][0], "second": theme["runs"][1]}
    return (
        f".ground{{fill:{theme['surface']['panel']}}} .title{{fill:{theme['text']['primary']}}} "
        f".tick{{fill:{theme['text']['secondary']}}} .grid{{stroke:{theme['surface']['hair']}}} "
        + " ".join(f".{n}{{stroke:{c}}} .{n}.end{{fill:{c}}}" for n, c in lines.items())
    )
