"""A plan as numbers: what two plans must agree in to be the same."""

from __future__ import annotations

from compute.cpu import tape
from compute.cpu.engine import Engine
from compute.cpu.entry import Bound
from compute.cpu.kernels import SPECS
from compute.cpu.memory import in_pages
from compute.cpu.planner.bind import bind

BASE = {"persistent": 1 << 44, "transient": 1 << 45, "table": 1 << 46}
NUMBER = {name: number for number, name in enumerate(SPECS)}


def plan_words(engine: Engine, bound: Bound) -> tuple[str, bytes, bytes]:
    """Regions, groups and steps as text; the tape and its side words, as if bound at `BASE`."""
    planned, offset = bound.planned, 0
    for buffer in engine.storage.buffers():
        buffer.offset, offset = offset, offset + in_pages(buffer.size)
    offset = 0
    for buffer in planned.tables.buffers():
        buffer.offset, offset = offset, offset + buffer.size
    made = bind(planned, BASE, engine.variant.item, NUMBER.__getitem__)
    words, start = made.words.copy(), made.side.ctypes.data
    inside = (words >= start) & (words < start + made.side.nbytes)
    inside[:, tape.CONTROL] = False
    words[inside] -= start  # the side words lie elsewhere each time
    return str(planned), words.tobytes(), made.side.tobytes()
