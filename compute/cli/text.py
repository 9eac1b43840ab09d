"""How the command line writes: tables, numbers, times. rich serves only where people read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOSSES = ("loss", "val_loss")  # shown before other metrics
PIPE_WIDTH = 200  # lines for a program or a file are not cut to a screen's width


def console(error: bool = False) -> Console:
    """The terminal; tables and colours are plain text when there is none."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=error, highlight=False, width=width, soft_wrap=False)


def write(line: str = "") -> None:
    """A line on stdout."""
    sys.stdout.write(f"{line}\n")


def write_json(value: object, indent: int | None = 2) -> None:
    """JSON on stdout."""
    write(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> None:
    """A table without lines; `right` names the right-aligned columns, separated by spaces."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        justify = "right" if name in right.split() else "left"
        made.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    console().print(made)


def facts(pairs: Mapping[str, str]) -> None:
    """Names and values below each other, the values aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        write(f"{name:<{width}}  {value}")


def figure(name: str, value: float) -> str:
    """A metric as people read it: 98.9 %, 0.0421."""
    if "accuracy" in name:
        return f"{100 * value:.2f} %"
    return f"{value:.4g}"


def metrics(found: Mapping[str, float], separator: str = "  ") -> str:
    """Metrics in one line: "loss 0.0121  val_loss 0.0402  val_accuracy 98.89 %"."""
    order = sorted(found, key=lambda name: (*LOSSES, name).index(name))
    return separator.join(f"{name} {figure(name, found[name])}" for name in order)


def duration(seconds: float) -> str:
    """A time as people say it: 850 ms, 12.3 s, 4 min 05 s."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `12 epochs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
