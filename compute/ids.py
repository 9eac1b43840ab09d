"""Ids that name nothing, found in the samples before a training begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from compute.backend import Array
from compute.diagnose import OTHER_IDS, places, wrong_id
from compute.reference import evaluate
from graph.lower import Model
from graph.program import Program
from graph.simplify import drop_dead, expand_composites
from graph.trace import Refusal
from graph.training import AT_ONCE


def wrong_ids(
    model: Model, count: int, prepared: Callable[[], Mapping[str, Array]]
) -> list[Refusal]:
    """Nodes that pick by ids of which some of the `count` samples have one that is no place.

    `prepared` gives the samples as the model takes them; it is called when some node picks. Ids
    that weights or chance have a part in are left to the training itself.
    """
    if not any(node.op.picks for node in model.nodes.values()):
        return []
    batch = min(count, AT_ONCE)
    found, data = [], None
    for path, last, ids in _picked(model, model.program("evaluate", batch)):
        data = data if data is not None else prepared()
        for rows in np.array_split(np.arange(count), -(-count // batch)):
            # the last rows of a part that is shorter than the others are looked at twice
            chosen = np.arange(rows[-1] + 1 - batch, rows[-1] + 1)
            given: dict[tuple[str, str], Array | float] = {
                (one.kind, one.key): data[one.key][chosen] for one in ids.inputs
            }
            if text := wrong_id(evaluate(ids, given)[ids.output("ids")], last):
                found.append(Refusal(path, model.nodes[path].op.picks, text, OTHER_IDS))
                break
    return found


def _picked(model: Model, program: Program) -> Iterator[tuple[str, int, Program]]:
    """Path, number of places and the program of the ids of each node that picks by the data."""
    for row in program.rows:
        node = model.nodes.get(row.path)
        if row.op not in ("take", "one_hot") or node is None or not node.op.picks:
            continue
        ids = drop_dead(replace(program, outputs=(("ids", row.inputs[-1]),), updates=(), _hash=0))
        read = {v for each in ids.rows for v in each.inputs} | ids.live_out()
        ids = replace(ids, inputs=tuple(one for one in ids.inputs if one.value in read), _hash=0)
        certain = all(one.kind == "batch" for one in ids.inputs)
        if certain and not any(each.op == "random_uniform" for each in ids.rows):
            yield row.path, places(program, row), expand_composites(ids)
