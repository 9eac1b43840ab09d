"""`netloom runs`: list, show, compare, delete."""

from __future__ import annotations

import dataclasses
import json as json_text
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from compute.cli.errors import UsageError
from compute.cli.text import (
    duration,
    facts,
    figure,
    metrics,
    plural,
    table,
    write,
    write_json,
)
from compute.runs import RunRecord, Workspace, compare, find_workspace


def opened(folder: Path | None) -> Workspace:
    """The workspace asked for, else the nearest."""
    return Workspace(find_workspace(folder))


def list_runs(folder: Path | None, *, json: bool) -> None:
    """Every run, the newest first."""
    records = opened(folder).records()
    if json:
        write_json([plain(record) for record in records])
        return
    if not records:
        write("no runs yet; `netloom train digits-cnn` makes one")
        return
    rows = [
        (
            record.id,
            record.status,
            str(record.epochs),
            metrics({n: v for n, v in record.metrics.items() if n.startswith("val_")}),
            when(record.created),
            str(record.options.get("seed", "")),
        )
        for record in records
    ]
    table(("run", "status", "epochs", "metrics", "started", "seed"), rows, right="epochs seed")


def show_run(run: str, folder: Path | None, *, json: bool) -> None:
    """One run: settings, metrics, checkpoints."""
    workspace = opened(folder)
    record = workspace.get(run)
    history = workspace.metrics(record.id)
    if json:
        epochs = finite([{"epoch": epoch} | found for epoch, found in history.items()])
        write_json(plain(record) | {"history": epochs})
        return
    found = {
        "run": record.id,
        "status": f"{record.status}{': ' + record.message if record.message else ''}",
        "trained": f"{plural(record.epochs, 'epoch')}, {plural(record.step, 'step')}, "
        f"{duration(record.updated - record.created)}",
        "started": when(record.created),
        "metrics": metrics(record.metrics),
        "options": ", ".join(f"{k} {v}" for k, v in record.options.items() if v is not None),
        "versions": ", ".join(f"{k} {v}" for k, v in record.versions.items()),
        "data": f"SHA-256 {record.fingerprint[:16]}…",
        "checkpoints": str(workspace.run_folder(record.id)),
    }
    facts({name: value for name, value in found.items() if value})
    if history:
        write()
        names = list(dict.fromkeys(name for one in history.values() for name in one))
        rows = [
            [str(epoch), *(figure(n, one[n]) if n in one else "" for n in names)]
            for epoch, one in history.items()
        ]
        table(("epoch", *names), rows, right=" ".join(("epoch", *names)))


def compare_runs(names: Sequence[str], folder: Path | None, *, json: bool) -> None:
    """What differs between runs, side by side."""
    if len(names) < 2:
        raise UsageError("one run", "two or more", "name another; see `netloom runs list`")
    found = compare(opened(folder), list(names))
    if json:
        write_json(finite(found))
        return
    runs = [str(run) for run in found.pop("run")]
    rows = [[name, *(_cell(name, value) for value in values)] for name, values in found.items()]
    table(("", *runs), rows, right=" ".join(runs))


def delete_runs(names: Sequence[str], folder: Path | None) -> None:
    """Delete runs; all are looked up before the first is deleted."""
    workspace = opened(folder)
    for run in dict.fromkeys(workspace.get(name).id for name in names):
        workspace.delete(run)
        write(f"deleted {run}")


def plain(record: RunRecord) -> dict[str, Any]:
    """A record as JSON values; the graph as an object."""
    found = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    found["graph"] = json_text.loads(record.graph)
    return dict(finite(found))


def finite(value: Any) -> Any:
    """The value with null for numbers that JSON does not know."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def when(moment: float) -> str:
    """A moment in the user's time zone."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M}"


def _cell(name: str, value: object) -> str:
    if value is None:
        return "–"
    if name == "seconds" and isinstance(value, float):
        return duration(value)
    return figure(name, value) if isinstance(value, float) else str(value)
