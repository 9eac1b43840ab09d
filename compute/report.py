"""The report of a run: graph, curves, code and numbers in a folder, tied together by a page."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import resources
from compute.checkpoint import write_durably
from compute.curves import curves

Draw = Callable[[Path, str], object]
"""Draws the graph to a file in the theme `dark` or `light`."""


@dataclass(frozen=True)
class Facts:
    """What a report tells of a run: its name, its numbers, its files of code.

    `losses` are of every step, or means of some, `per_epoch` of them; `history` the metrics by
    epoch (from 1), `about` further lines (name, value), `commands` (what, command) to go on with.
    """

    title: str
    run: str
    metrics: Mapping[str, float]
    losses: Sequence[float]
    per_epoch: float
    history: Mapping[int, Mapping[str, float]]
    about: Mapping[str, str] = field(default_factory=dict)
    code: Sequence[Path] = ()
    commands: Sequence[tuple[str, str]] = ()


def write_report(folder: Path, facts: Facts, draw: Draw) -> list[Path]:
    """Write pictures, numbers and the page into `folder`; returns what was written, page first."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [folder / f"graph-{theme}.png" for theme in ("dark", "light")]
    for file, theme in zip(pictures, ("dark", "light"), strict=True):
        draw(file, theme)
    drawn = curves(facts.losses, facts.per_epoch, facts.history)
    texts = {
        "index.html": page(facts, drawn),
        "curves.svg": drawn,
        "metrics.json": json.dumps(numbers(facts), indent=2, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        write_durably(folder / name, text.encode())
    return [*(folder / name for name in texts), *pictures, *facts.code]


def numbers(facts: Facts) -> dict[str, Any]:
    """The run's numbers as JSON values."""
    history = [{"epoch": epoch} | _plain(found) for epoch, found in facts.history.items()]
    return {"run": facts.run, "metrics": _plain(facts.metrics), "history": history}


def _plain(found: Mapping[str, float]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def page(facts: Facts, drawn: str) -> str:
    """One HTML page in both themes, no scripts, nothing from the network."""
    cards = "".join(_card(name, value) for name, value in facts.metrics.items())
    about = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.about.items()
    )
    code = "".join(_code(file) for file in facts.code if file.suffix == ".py")
    commands = "".join(
        f"<dt>{escape(what)}</dt><dd><code>{escape(command)}</code></dd>"
        for what, command in facts.commands
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{escape(facts.title)} – Netloom</title>
<style>{_style()}</style>
<main>
<h1>{escape(facts.title)}</h1>
<p class="cards">{cards}</p>
<h2>Graph</h2>
<p class="wide"><picture>
<source srcset="graph-dark.png" media="(prefers-color-scheme: dark)">
<img src="graph-light.png" alt="The network as a graph of nodes and wires">
</picture></p>
<h2>Training</h2>
<p class="wide">
{drawn}</p>
<dl>{about}</dl>
<h2>Code</h2>
{code}
<h2>Go on</h2>
<dl>{commands}</dl>
</main>
</html>
"""


def _card(name: str, value: float) -> str:
    text = f"{100 * value:.2f} %" if "accuracy" in name else f"{value:.4g}"
    label = name.replace("_", " ").replace("val ", "validation ")
    return f"<span class=card><b>{text}</b> {escape(label)}</span>"


def _code(file: Path) -> str:
    text = escape(file.read_text("utf-8"))
    link = f'<a href="{escape(file.name)}">{escape(file.name)}</a>'
    return f"<details open><summary>{link}</summary><pre>{text}</pre></details>"


def _style() -> str:
    themes: Mapping[str, Any] = json.loads(resources.tokens())["themes"]
    light, dark = (_variables(themes[name]) for name in ("light", "dark"))
    return f""":root{{{light}}}
@media(prefers-color-scheme:dark){{:root{{{dark}}}}}
body{{margin:0;background:var(--canvas);color:var(--text);font:15px/1.5 Inter,system-ui,sans-serif}}
main{{max-width:1120px;margin:0 auto;padding:32px 24px}}
h1{{font-size:26px}} h2{{font-size:18px;margin-top:40px}}
a{{color:var(--accent)}}
.cards{{display:flex;flex-wrap:wrap;gap:12px}}
.card,pre,picture img,svg{{background:var(--panel);border:1px solid var(--border)}}
.card,pre,picture img,svg{{border-radius:7px}}
.card{{padding:10px 16px;color:var(--soft)}}
.card b{{display:block;color:var(--text);font:500 22px/1.3 "JetBrains Mono",monospace}}
.wide{{overflow-x:auto}} img,svg{{max-width:100%;height:auto}}
pre{{padding:16px;overflow:auto;max-height:520px;font:13px/1.5 "JetBrains Mono",monospace}}
code{{font:13px "JetBrains Mono",monospace}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px}} dt{{color:var(--soft)}}
dd{{margin:0;overflow-wrap:anywhere}}"""


def _variables(theme: Mapping[str, Any]) -> str:
    surface, text = theme["surface"], theme["text"]
    return (
        f"--canvas:{surface['canvas']};--panel:{surface['panel']};--border:{surface['border']};"
        f"--text:{text['primary']};--soft:{text['secondary']};--accent:{theme['state']['accent']}"
    )
