"""`netloom forecast`: what a training will take, and what it does take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from compute.cli.text import console, duration, facts, table, write, write_json

if TYPE_CHECKING:
    from compute.cpu.costs.rates import Calibration
    from compute.foreseen import Costs

COLUMNS = ("node", "FLOPs", "bytes", "forward", "backward", "update", "step", "measured", "ratio")


def forecast(
    name: str,
    threads: int | None,
    *,
    measure: bool,
    calibrate: bool,
    json: bool,
    allow_outside: bool,
) -> None:
    """Print the forecast of a graph; with `measure` beside what some steps take."""
    from compute.cli.opening import open_graph, sound
    from compute.cpu.plan import CpuPlan
    from compute.forecast import Data, costs, measured
    from compute.prepare import TrainOptions, load_graph, silent

    opened = sound(open_graph(name, allow_outside))
    known = calibration(again=calibrate)
    loaded = load_graph(opened.graph, opened.folder)
    training = opened.graph.training
    options = TrainOptions(threads=threads).plan_options(training)
    plan = CpuPlan(loaded.model, options, silent)
    try:
        found = costs(loaded.model, Data.of(loaded), plan, known)
        if measure:
            found = measured(found, loaded, plan, known)
    finally:
        plan.close()
    if json:
        write_json(asdict(found))
        return
    _write(found)


def calibration(again: bool = False) -> Calibration:
    """What this machine was measured to do; measured now when nothing is known, or `again`."""
    from compute.cpu.costs import store
    from compute.cpu.variants import native

    known = None if again else store.known(native())
    if known is not None:
        return known
    with console(error=True).status("measuring this machine") as status:
        return store.measure(lambda done, total, what: status.update(f"measuring {what}"))


def _write(found: Costs) -> None:
    rows = [_line(*one) for one in _lines(found)]
    columns = COLUMNS if any(node.measured is not None for node in found.nodes) else COLUMNS[:-2]
    table(columns, [row[: len(columns)] for row in rows], right=" ".join(COLUMNS[1:]))
    write()
    threads = f"{found.threads} thread{'' if found.threads == 1 else 's'}"
    memory = ", ".join(f"{what} {size_text(size)}" for what, size in found.memory.items() if size)
    lines = {"step": f"{short(found.step)} on {threads}, batch {found.batch}"}
    if found.off is not None:
        lines["step"] += f" (nets it was measured with: {100 * found.off:.0f} % off)"
    else:
        lines["step"] += f" (a guess: {threads} were not measured)"
    if found.epoch is not None and found.run is not None:
        lines |= {"epoch": duration(found.epoch), "run": f"about {duration(found.run)}"}
    lines["memory"] = f"{size_text(found.bytes)}: {memory}"
    if found.measured_step is not None:
        ratio = found.step / found.measured_step
        lines["step"] += f"; measured {short(found.measured_step)}, ratio {ratio:.2f}"
    facts(lines)


def _lines(found: Costs) -> list[tuple[str, int, int, Sequence[float], float | None]]:
    """Nodes and their sum: name, FLOPs, bytes, seconds by pass, measured."""
    lines: list[tuple[str, int, int, Sequence[float], float | None]] = [
        (n.path or "–", n.flops, n.bytes, list(n.seconds.values()), n.measured) for n in found.nodes
    ]
    passes = [sum(times) for times in zip(*(line[3] for line in lines), strict=True)]
    known = [line[4] for line in lines if line[4] is not None]
    flops, moved = sum(line[1] for line in lines), sum(line[2] for line in lines)
    return [*lines, ("all, one thread", flops, moved, passes, sum(known) if known else None)]


def _line(
    name: str, flops: int, moved: int, passes: Sequence[float], taken: float | None
) -> tuple[str, ...]:
    times = [short(seconds) if seconds else "–" for seconds in passes]
    cells = (name, _count(flops), size_text(moved), *times, short(sum(passes)))
    if taken is None:
        return (*cells, "–", "–")
    return (*cells, short(taken), f"{sum(passes) / taken:.2f}" if taken else "–")


def _count(number: int) -> str:
    for size, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {prefix}"
    return str(number)


def size_text(size: float) -> str:
    """Bytes as people read them: 12.3 MB."""
    for unit, prefix in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {prefix}"
    return f"{size:.0f} B"


def short(seconds: float) -> str:
    """A time of a step: 3.4 ms, 12 µs."""
    if seconds >= 1:
        return duration(seconds)
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
