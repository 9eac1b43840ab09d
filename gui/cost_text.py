"""What a training will cost, in words. No Qt."""

from __future__ import annotations

from compute.foreseen import PROCESS, Costs
from graph.graph import Graph

MOST_NODES = 5  # that a tip names
ABOUT = "≈"


def span(seconds: float) -> str:
    """A time with the two figures that a forecast is good for: 0.94 ms, 27 ms, 3 min, 2.1 h."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= 0.0995 * size and seconds < 99.5:
            return f"{two_figures(seconds / size)} {unit}"
    if seconds < 1.0:
        return f"{two_figures(seconds * 1e6)} µs"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99.5 else f"{two_figures(minutes / 60)} h"


def size(count: float) -> str:
    """Bytes: 6.2 MB."""
    for least, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= 0.995 * least:
            return f"{two_figures(count / least)} {unit}"
    return f"{count:.0f} B"


def two_figures(number: float) -> str:
    """0.94, 2.7, 27, 270."""
    if number >= 99.5:
        return f"{float(f'{number:.2g}'):,.0f}"
    return f"{number:.0f}" if number >= 9.95 else f"{number:.{1 if number >= 0.995 else 2}f}"


def line(costs: Costs) -> str:
    """All in one line: "≈ 0.94 ms / step · 27 ms / epoch · 6.2 MB memory"."""
    parts = [f"{ABOUT} {span(costs.step)} / step"]
    if costs.epoch is not None:
        parts.append(f"{span(costs.epoch)} / epoch")
    return " · ".join((*parts, f"{size(costs.own)} memory"))


def share(costs: Costs, path: str) -> float:
    """Which part of a step a node takes."""
    return costs.seconds_of(path) / costs.alone if costs.alone else 0.0


def of_node(costs: Costs, path: str) -> str:
    """A node's part of a step: "0.12 ms / step, 13 %"; "" for one that takes no time."""
    seconds = costs.seconds_of(path)
    if not seconds:
        return ""
    return f"{ABOUT} {span(seconds)} / step, {percent(share(costs, path))}"


def percent(part: float) -> str:
    """A share: 13 %, < 1 %."""
    return f"{part:.0%}".replace("%", " %") if part >= 0.005 else "< 1 %"


def tip(costs: Costs, graph: Graph, measured: float | None = None) -> str:
    """All that is known, line by line; `measured` are the seconds of a step in the last run."""
    threads = f"{costs.threads} thread{'' if costs.threads == 1 else 's'}"
    lines = [
        "Forecast of the training alone, from what this machine was measured to do",
        f"Step: {span(costs.step)} on {threads}, batch {costs.batch}",
    ]
    if measured is not None:
        lines.append(f"Step in the last run, with all that was shown: {span(measured)}")
    if costs.epoch is not None and costs.run is not None:
        epochs = graph.training.epochs
        lines.append(f"Epoch: {span(costs.epoch)}, with its evaluation")
        lines.append(f"All {epochs:,} epochs: {span(costs.run)}")
    else:
        lines.append("Epoch: known once the data has been read")
    parts = ((what, count) for what, count in costs.memory.items() if count and what != PROCESS)
    largest = sorted(parts, key=lambda part: -part[1])
    lines.append(f"Memory: {size(costs.own)}")
    lines += [f"    {what} {size(count)}" for what, count in largest]
    lines.append("Time of a step:")
    lines += [f"    {name} {percent(part)}" for name, part in largest_nodes(costs, graph)]
    return "\n".join(lines)


def largest_nodes(costs: Costs, graph: Graph) -> list[tuple[str, float]]:
    """The nodes that take most of a step, by name, with their shares."""
    found = sorted(((share(costs, node.id), node.label) for node in graph), reverse=True)
    return [(name, part) for part, name in found[:MOST_NODES] if part]
