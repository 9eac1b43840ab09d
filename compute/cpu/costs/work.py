"""How much of what each step does: counts that, times a machine's rates, are its seconds.

A count is named by what it counts; see `products`, `layers` and `passes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compute.cpu.costs.layers import LAYERS
from compute.cpu.costs.passes import PASSES
from compute.cpu.costs.products import AS, PRODUCTS
from compute.cpu.costs.shape import Shape
from compute.cpu.kernels import SPECS
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.planner.steps import Address, Step

OTHER = "other"  # rates of kernels that have none of their own
WAIT = "wait"  # the count of which is seconds: those that a step's bytes take
BESIDE = "wait beside slow operations"  # which fetch while they compute
DOWN = "wait for columns"  # fetched line by line from rows that lie apart
WAITS = frozenset({WAIT, BESIDE, DOWN})
COUNTS = {**PRODUCTS, **LAYERS, **PASSES}


@dataclass(frozen=True)
class Work:
    """The counts of a step in one training step; `kind` says whose rates they are multiplied by.

    `wait` names the rate by which the seconds for its bytes are multiplied. `plain` are the counts
    for the rates of other kernels, where a machine was not measured with this one.
    """

    kind: str
    chunks: int
    counts: Mapping[str, float]
    wait: str = WAIT
    plain: Mapping[str, float] = field(default_factory=dict)


def work(step: Step, size: int, shape: Shape) -> Work:
    """The work of `step`, cut into chunks of `size` samples (0 for a step that cuts itself)."""
    spec = SPECS[step.kernel]
    words: dict[str, Any] = dict.fromkeys(spec.words, 0)
    words |= {n: 1 if isinstance(w, Address) else w for n, w in step.words.items()}
    if "size" in words:
        words["size"] = max(1, size * step.unit if step.samples else step.prefer)
    packed = spec.pack(**words)
    chunks = max(1, spec.chunks(packed))
    vectors = step.bytes() / (shape.item * shape.lanes)
    plain = {"vectors": vectors, "flops": float(step.flops), "chunks": float(chunks)}
    counts = COUNTS[step.kernel](step, spec.unpack(packed), chunks, shape)
    own = {"chunks": float(chunks), **counts}
    return Work(AS.get(step.kernel, step.kernel), chunks, own, _wait(step, counts), plain)


def _wait(step: Step, counts: Mapping[str, float]) -> str:
    if counts.get("column"):
        return DOWN
    return BESIDE if any(OPCODES[made.op].slow for made in step.program) else WAIT
