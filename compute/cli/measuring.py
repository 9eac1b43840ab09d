"""`netloom bench`: the engine beside PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from compute.bench.report import BenchOptions, markdown
from compute.bench.report import bench as measure
from compute.bench.workloads import WORKLOADS
from compute.cli.errors import UsageError
from compute.cli.text import console, write


def bench(
    names: Sequence[str], threads: int, rounds: int, *, compile: bool, controls: bool
) -> None:
    """Measure the nets and print the table as Markdown; what is measured is said on stderr."""
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        expected = f"one of {', '.join(WORKLOADS)}"
        raise UsageError(f"no net {unknown[0]!r}", expected, "check the name")
    if importlib.util.find_spec("torch") is None:
        raise UsageError("no PyTorch", "it beside Netloom to compare with", "pip install torch")
    options = BenchOptions(threads, rounds, compile, controls)
    with console(error=True).status("") as status:
        rows = measure(names or list(WORKLOADS), options, status.update)
    write(markdown(rows, options))
