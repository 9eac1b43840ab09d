"""Which node made the loss NaN or infinite: the step is run again and traced back to its cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from compute.backend import Array
from compute.reference import evaluate
from graph.program import Program, Row
from graph.simplify import expand_composites

if TYPE_CHECKING:
    from graph.lower import Model

OTHER_IDS = "mend the data, or set the number of tokens or classes higher"
REMEDY = "lower the learning rate, or look at the data for extreme values"


def first_bad(
    model: Model,
    entry: str,
    batch: Mapping[str, Array],
    persistent: Mapping[str, Array],
    scalars: Mapping[str, float],
    dtype: type[np.floating[Any]],
    seed: int,
) -> tuple[str, str]:
    """(node path, one line that says what happened) for the step with these inputs.

    Walks back from the loss through values that are not finite to the first row whose operands all
    are: that row's node is the cause.
    """
    size = len(next(iter(batch.values())))
    program = expand_composites(model.program(entry, size))
    inputs: dict[tuple[str, str], Array | float] = {
        ("iteration", "step"): scalars.get("iteration:step", 0.0)
    }
    for given in program.inputs:
        name = f"{given.kind}:{given.key}"
        known: Mapping[str, Any] = batch if given.kind == "batch" else persistent
        if given.kind in ("live", "iteration"):
            known = scalars
        inputs[given.kind, given.key] = known[given.key if given.kind == "batch" else name]
    return _trace_back(program, evaluate(program, inputs, dtype, seed))


def _trace_back(program: Program, values: Mapping[int, Array]) -> tuple[str, str]:
    rows = program.define()
    value = program.output("loss")
    if np.isfinite(values[value]).all():
        return "", f"the loss was not finite; {REMEDY}"
    while value in rows:
        bad = [v for v in rows[value].inputs if not np.isfinite(values[v]).all()]
        if not bad:
            row = rows[value]
            if row.op in ("take", "one_hot"):
                return row.path, _outside(program, row, values)
            return row.path, f"{row.op} gave {_what(values[value])}; {REMEDY}"
        value = bad[0]
    given = next(i for i in program.inputs if i.value == value)
    if given.kind == "batch":
        node = given.key.rpartition(".")[0]
        return node, f"{given.key} holds {_what(values[value])}; mend the data"
    node, _, name = given.key.rpartition("/")
    return node, f"its {name} became {_what(values[value])}; {REMEDY}"


def places(program: Program, row: Row) -> int:
    """How many places a row has that picks by id, `take` or `one_hot`."""
    if row.op == "one_hot":
        return cast("int", row.attr("classes"))
    return program.types[row.inputs[0]].shape[cast("int", row.attr("batch"))]


def wrong_id(ids: Array, last: int) -> str:
    """The first id that is none of 0 to `last` − 1, in words; "" where all are."""
    wrong = ids[(ids < 0) | (ids >= last)]
    return f"found the id {wrong.flat[0]}, expected 0 to {last - 1}" if wrong.size else ""


def _outside(program: Program, row: Row, values: Mapping[int, Array]) -> str:
    """Which id of a row that picks by id names nothing."""
    return f"{wrong_id(values[row.inputs[-1]], places(program, row))}; {OTHER_IDS}"


def _what(value: Array) -> str:
    return "NaN" if np.isnan(value).any() else "an infinite number"
