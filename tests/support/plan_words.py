"""A plan as numbers: what two plans must agree in to be the same."""

from __future__ import annotations

import sys

from compute.cpu import tape
from compute.cpu.engine import Engine
from compute.cpu.entry import Bound
from compute.cpu.kernels import SPECS
from compute.cpu.memory import in_pages
from compute.cpu.planner.program import Planned
from compute.cpu.planner.rebind import bind
from compute.cpu.planner.views import Buffer

BASE = {"persistent": 1 << 44, "transient": 1 << 45, "table": 1 << 46}
NUMBER = {name: number for number, name in enumerate(SPECS)}


def starts_of(engine: Engine, planned: Planned) -> dict[Buffer, int]:
    """Where the buffers of a plan lie when its segments are at `BASE`."""
    found, offset = dict[Buffer, int](), BASE["persistent"]
    for buffer in engine.storage.buffers():
        found[buffer], offset = offset, offset + in_pages(buffer.size)
    found |= {own: found[flat] + start for own, (flat, start) in planned.within.items()}
    offset = BASE["table"]
    for buffer in planned.tables.buffers():
        found[buffer], offset = offset, offset + buffer.size
    return found | {b: BASE["transient"] + offset for b, offset in planned.offsets.items()}


def plan_words(engine: Engine, bound: Bound) -> tuple[str, bytes, bytes]:
    """Regions, groups and steps as text; the tape and its side words, as if bound at `BASE`."""
    planned = bound.planned
    made = bind(planned, starts_of(engine, planned), engine.variant.item, NUMBER.__getitem__)
    words, start = made.words.copy(), made.side.ctypes.data
    inside = (words >= start) & (words < start + made.side.nbytes)
    inside[:, tape.CONTROL] = False
    words[inside] -= start  # the side words lie elsewhere each time
    return str(planned), words.tobytes(), made.side.tobytes()


def forget() -> int:
    """Empty every cache of lowering and planning; returns how many held something."""
    found = {
        id(kept): kept
        for name, module in sys.modules.items()
        if name.startswith(("graph.", "compute.cpu.planner.", "compute.initial"))
        for kept in vars(module).values()
        if hasattr(kept, "cache_clear") and not isinstance(kept, type)
    }
    full = sum(int(kept.cache_info().currsize > 0) for kept in found.values())
    for kept in found.values():
        kept.cache_clear()
    return full
