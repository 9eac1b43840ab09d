"""The last recorded run of graph files: for the start screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from compute.runs import RunError, Workspace, find_workspace

EPOCHS = 256  # of a longer run so many at equal distances


@dataclass(frozen=True)
class LastRun:
    """A run's metrics at its end, and its loss after each epoch (held out where it was taken)."""

    name: str
    metrics: tuple[tuple[str, float], ...]
    losses: tuple[float, ...]


def last_runs(files: Iterable[Path], chosen: Path | None = None) -> dict[Path, LastRun]:
    """The newest run of each file that has one, as its folder's workspace has it on record."""
    found: dict[Path, LastRun] = {}
    for file in files:
        folder = find_workspace(chosen, file.parent)
        if not (folder / "runs.sqlite").exists():
            continue
        try:
            workspace = Workspace(folder)
            run = next(
                record
                for record in workspace.records()
                if Path(record.folder) == file.parent and workspace.is_named(record.id, file.stem)
            )
            epochs = workspace.metrics(run.id, most=EPOCHS)
        except (RunError, StopIteration):
            continue
        key = "val_loss" if any("val_loss" in one for one in epochs.values()) else "loss"
        losses = tuple(epochs[epoch][key] for epoch in sorted(epochs) if key in epochs[epoch])
        found[file] = LastRun(run.id, tuple(run.metrics.items()), losses)
    return found
