"""`netloom check`, `nodes` and `info`: what can be said without training."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from compute.cli.text import facts, plural, table, write, write_json

if TYPE_CHECKING:
    from compute.cli.opening import Opened
    from compute.data import DataError
    from graph.checks import Problem

REALS: tuple[Literal["f32", "f64"], ...] = ("f32", "f64")
FIELDS = ("path", "port", "message", "remedy")
PACKAGES = ("netloom", "numpy", "numba", "llvmlite", "networkx", "PySide6-Essentials", "torch")


def check(name: str, *, json: bool, allow_outside: bool) -> int:
    """Print the problems of a graph and of the data it names; 1 when one is an error."""
    from compute.cli.opening import open_graph

    opened = open_graph(name, allow_outside)
    found = _problems(opened)
    errors = sum(problem["severity"] == "error" for problem in found)
    if json:
        write_json(found)
        return 1 if errors else 0
    for problem in found:
        where = ".".join(part for part in (problem["path"], problem["port"]) if part)
        text = "; ".join(part for part in (problem["message"], problem["remedy"]) if part)
        write(f"{problem['severity']}: {where + ': ' if where else ''}{text}")
    if not found:
        size = f"{plural(len(opened.graph), 'node')}, {plural(len(opened.graph.wires()), 'wire')}"
        write(f"{opened.name}: no problems ({size})")
    return 1 if errors else 0


def _problems(opened: Opened) -> list[dict[str, str]]:
    """What is wrong with the graph; when nothing stops it, what is wrong with its data."""
    from compute.cli.opening import looked_at
    from compute.data import DataError
    from compute.prepare import load_graph
    from graph.checks import check as check_graph
    from graph.lower import LowerError

    try:
        looked_at(opened)
    except DataError as error:
        return [_data_problem(error)]
    found = [_problem(problem) for problem in check_graph(opened.graph)]
    if any(problem["severity"] == "error" for problem in found):
        return found
    try:
        load_graph(opened.graph, opened.folder)
    except DataError as error:
        found.append(_data_problem(error))
    except LowerError as error:
        found += [
            {"severity": "error"} | {n: getattr(refusal, n) for n in FIELDS}
            for refusal in error.refusals
        ]
    return found


def _problem(problem: Problem) -> dict[str, str]:
    return {name: str(getattr(problem, name)) for name in ("severity", *FIELDS)}


def _data_problem(error: DataError) -> dict[str, str]:
    message = f"found {error.found}, expected {error.expected}"
    values = ("error", error.where, "", message, error.remedy)
    return dict(zip(("severity", *FIELDS), values, strict=True))


def nodes(*, json: bool, markdown: bool) -> None:
    """Every node type; as a list of objects, as a page of tables, or as a table by category."""
    from compute.cli.errors import UsageError
    from graph.catalog import catalog
    from graph.nodes_page import nodes_page

    if json and markdown:
        raise UsageError("--json with --markdown", "one of them", "leave one out")
    if markdown:
        write(nodes_page().rstrip("\n"))
        return
    entries = catalog()
    if json:
        write_json(entries)
        return
    groups = defaultdict(list)
    for entry in entries:
        groups[entry["category"]].append(entry)
    rows: list[tuple[str, str, str, str]] = []
    for category, members in groups.items():
        rows += [
            (
                category if entry is members[0] else "",
                entry["name"],
                ", ".join(f"{s['name']}={_short(s['default'])}" for s in _shown(entry)),
                entry["tip"],
            )
            for entry in members
        ]
    table(("category", "node", "settings", "what it does"), rows)


def _shown(entry: Any) -> list[Any]:
    return [s for s in entry["settings"] if not s["advanced"]]


def _short(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    text = repr(value) if value in ("", []) else str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"


def info(folder: Path | None, *, json: bool) -> None:
    """Versions, processor, vector variants, kernel library, folders."""
    from compute.cpu.cache import cache_root
    from compute.cpu.loader import all_names, missing
    from compute.cpu.variants import available, host
    from compute.runs import find_workspace

    names = all_names()
    library = {
        v.name: len(names) - len(missing(v, names)) for real in REALS for v in available(real)
    }
    found: dict[str, Any] = {
        "versions": {package: _version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": host().cpu,
        "cores": os.cpu_count(),
        "vector_bits": 8 * host().width,
        "kernels": len(names),
        "compiled": library,
        "cache": str(cache_root()),
        "workspace": str(find_workspace(folder)),
    }
    if json:
        write_json(found)
        return
    done = (f"{name} {_share(count, len(names))}" for name, count in library.items())
    versions = (f"{name} {version or '–'}" for name, version in found["versions"].items())
    facts(
        {
            "versions": ", ".join(versions),
            "python": f"{found['python']}, {found['system']}",
            "processor": f"{found['processor']}, {plural(found['cores'], 'core')}, "
            f"vectors of {found['vector_bits']} bits",
            "kernels": ", ".join(done),
            "cache": found["cache"],
            "workspace": found["workspace"],
        }
    )


def _share(done: int, count: int) -> str:
    return "complete" if done == count else f"{done} of {count}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "source" if package == "netloom" else None
