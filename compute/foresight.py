"""`python -m compute.foresight`: a process that foretells what trainings cost.

It reads requests from stdin and writes answers to stdout, a line of JSON each, until stdin ends. It
gives way to all else, and what it plans keeps no other thread of a window waiting.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from compute.backend import PlanOptions, PlanStep
from compute.cpu.costs import store
from compute.cpu.costs.rates import Calibration
from compute.cpu.plan import Sketch
from compute.cpu.variants import native
from compute.data.source import DataError, Folder
from compute.forecast import Data, Entry, costs
from compute.foreseen import Foreseen, Measuring, Request, answer_line
from compute.prepare import load_graph, silent
from compute.questions import PlanLines
from graph.kinds import DataSource
from graph.lower import LowerError, Model

NICENESS = 10
MOST_LINES = 4000  # of the plans of all entries; a window would wait for more to arrive


def foresee(request: Request, known: Calibration) -> Foreseen:
    """The costs of a graph; why there are none for one that cannot run as it is."""
    try:
        model, data = _model(request)
        training = request.graph.training
        fast, precision, seed = training.fast_convolution, training.precision, training.seed
        plan = Sketch(model, PlanOptions(precision, None, seed, fast_convolution=fast))
        found = costs(model, data, plan, known)
        tables = tuple(_tables(model, plan, found.batch, known))
    except (LowerError, DataError, ValueError, MemoryError) as error:
        return Foreseen(why=str(error))
    lines = sum(len(table.lines) for table in tables)
    return Foreseen(found, tables if lines <= MOST_LINES else ())


def _model(request: Request) -> tuple[Model, Data | None]:
    graph = request.graph
    named = any(isinstance(node.op, DataSource) and hasattr(node.op, "path") for node in graph)
    if request.reads or not named:
        loaded = load_graph(graph, Folder(request.folder, allowed=request.allowed))
        return loaded.model, Data.of(loaded)
    model = Model(graph)
    if not model.phases:
        raise ValueError("found no optimizer, expected one; add one and wire a loss to it")
    return model, None


def _tables(model: Model, plan: Sketch, batch: int, known: Calibration) -> Iterator[PlanLines]:
    """The plan of each entry with its predicted times, as a run answers it."""
    entries = (*(phase.name for phase in model.phases), "evaluate")
    for name in entries:
        entry = Entry(plan, name, batch, known)
        rows = zip(entry.planned.steps(), entry.forecast.rows, strict=True)
        lines = tuple(
            PlanStep(k, s.path, s.kernel, s.shapes, s.bytes(), s.flops, None, seconds)
            for k, (s, seconds) in enumerate(rows)
        )
        yield PlanLines(0, name, batch, entries, lines)


def answer(request: Request, out: TextIO) -> None:
    """Write the answer to a request, before it that the machine is measured when it is."""
    known = store.known(native())
    if request.measures and (known is None or store.disturbed(known)):
        _tell(Measuring(), out)
        with contextlib.suppress(store.CalibrationError):
            known = store.measure(silent, known)
    _tell(Foreseen(unmeasured=True) if known is None else foresee(request, known), out)


def _tell(what: Foreseen | Measuring, out: TextIO) -> None:
    out.write(answer_line(what) + "\n")
    out.flush()


def main() -> int:
    """Answer until stdin ends."""
    os.nice(NICENESS)
    out, sys.stdout = sys.stdout, sys.stderr  # nothing else may stand between the answers
    for line in sys.stdin:
        answer(Request.from_line(line), out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
