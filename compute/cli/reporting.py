"""`netloom report`, the main job without a display: trains a graph and writes a page about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

from compute.backend import BackendName
from compute.cli.exporting import TARGETS
from compute.cli.opening import Opened, open_graph, sound
from compute.cli.show import view
from compute.cli.text import duration, plural, write
from compute.cli.training import Outcome, conclude, follow
from compute.control import Control
from compute.exporting import write_export
from compute.prepare import TrainOptions
from compute.report import Facts, write_report
from compute.results import Trained, open_run
from compute.runs import Workspace, find_workspace
from compute.session import train_graph, versions

SCALE = 2.0  # pictures for screens of high density


Draw = Callable[[Opened, Path, str, float], None]
"""Draws a graph to a file, in a theme and a scale; handed in, as `compute` knows no window."""


def report(
    name: str,
    folder: Path,
    seed: int | None,
    threads: int | None,
    device: BackendName,
    workspace: Path | None,
    draw: Draw,
    *,
    allow_outside: bool,
) -> int:
    """Train, then write pictures, code, numbers and a page into `folder`; returns the exit code."""
    opened = sound(open_graph(name, allow_outside))
    place = find_workspace(workspace)
    options = TrainOptions(
        device,
        threads,
        seed=seed,
        workspace=place,
        folder=opened.file.resolve().parent,
        name=opened.name,
        allowed=opened.data(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    control = Control()
    with view(False) as shown:
        shown.title = opened.name
        events = train_graph(opened.graph, options, control, shown.preparing)
        outcome = follow(events, control, shown)
    conclude(outcome)
    if outcome.code or outcome.finished is None:
        return outcome.code
    trained = open_run(outcome.finished.run, options)
    facts = _facts(outcome, trained, options, _code(opened, trained, folder), opened.name)
    page, *_ = write_report(folder, facts, lambda file, theme: draw(opened, file, theme, SCALE))
    write(f"report: {page}")
    return 0


def _code(opened: Opened, trained: Trained, folder: Path) -> list[Path]:
    """The graph's file, and its code for every target, weights beside it."""
    graph_file = folder / f"{opened.name}.loom"
    graph_file.write_text(opened.text, "utf-8")
    stem = opened.name.replace("-", "_")
    files = [graph_file]
    for target in TARGETS:
        output = folder / f"{stem}_{target}.py"
        files += write_export(opened.graph, opened.folder, opened.name, target, output, trained)
    return files


def _facts(
    outcome: Outcome, trained: Trained, options: TrainOptions, code: list[Path], title: str
) -> Facts:
    assert outcome.finished is not None
    assert outcome.started is not None
    assert options.workspace is not None
    done, began = outcome.finished, outcome.started
    losses = trained.saved.losses
    assert losses is not None  # of a run that was made just now
    history = Workspace(options.workspace).metrics(done.run)
    about = {
        "Run": done.run,
        "Trained": f"{plural(began.epochs, 'epoch')}, {plural(done.step, 'step')} "
        f"in {duration(outcome.seconds)} on the {options.device} engine",
        "Parameters": f"{began.parameters:,}",
        "Training samples": f"{began.samples:,}",
        "Machine": f"{platform.machine()}, {plural(os.cpu_count() or 1, 'core')}",
        "Versions": ", ".join(f"{name} {text}" for name, text in versions().items()),
    }
    commands = [
        ("Metrics again", f"./run eval {done.run}"),
        ("Every epoch", f"./run runs show {done.run}"),
        ("More epochs", f"./run train --resume {done.run} --epochs {2 * began.epochs}"),
        ("All examples", "./run examples"),
    ]
    return Facts(
        title,
        done.run,
        done.metrics,
        losses.values.tolist(),
        began.steps_per_epoch / losses.stride,
        history,
        about,
        code,
        commands,
    )
