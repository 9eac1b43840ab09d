"""`netloom bench`: the engine beside PyTorch and JAX."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial

from compute.bench.report import BenchOptions, BenchRow, Notice, best, measure
from compute.bench.tables import markdown
from compute.bench.workloads import INFERENCES, WORKLOADS
from compute.cli.errors import UsageError, say
from compute.cli.text import console, write


def bench(names: Sequence[str], options: BenchOptions) -> int:
    """Measure the nets and print the tables as Markdown; what is measured is said on stderr.

    Returns the exit code: 1 when a net could not be measured.
    """
    known = [*WORKLOADS, *INFERENCES]
    unknown = [name for name in names if name not in known]
    if unknown:
        expected = f"one of {', '.join(known)}"
        raise UsageError(f"no net {unknown[0]!r}", expected, "check the name")
    if importlib.util.find_spec("torch") is None:
        raise UsageError("no PyTorch", "it beside Netloom to compare with", "pip install torch")
    rows: list[BenchRow] = []
    chosen, failed = list(names or known), 0
    screen = console(error=True)
    with screen.status("") as status:
        for number, name in enumerate(chosen, 1):
            place = f"{number} of {len(chosen)}, "
            try:
                row = measure(name, options, partial(_tell, status.update, place))
            except RuntimeError as error:
                failed += 1
                say(str(error))
                continue
            rows.append(row)
            screen.print(_short(row))
    write(markdown(rows, options))
    return 1 if failed else 0


def _tell(show: Notice, place: str, text: str) -> None:
    show(place + text)


def _short(row: BenchRow) -> str:
    """What was found of a net, for those who wait for the rest."""
    found = ((side, best(row.main, side)) for side in ("PyTorch", "JAX"))
    texts = [f"{one[1][0]:.2f} × ours {side} ({one[0]})" for side, one in found if one]
    return f"{row.name}: {', '.join(texts)}"
