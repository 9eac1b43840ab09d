"""Steps at the ends of a program: batches gathered, random numbers drawn, results recorded."""

from __future__ import annotations

from math import prod
from typing import cast

from compute import philox
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.steps import NULL, Address, Step, Word, address
from compute.cpu.planner.tables import Tables
from compute.cpu.planner.views import View
from graph.program import Input, Shape


def emit_gather(em: Emitter, given: Input, tables: Tables) -> Step:
    """Copy the samples of a step into place; the data set's address is set before each run."""
    em.path, value = given.key, given.value
    shape, item = em.shape(value), em.item_of(value)
    goal = em.target(value)
    image = len(shape) == 4 and em.image_like(goal) and item == em.item
    count, c, height, width = shape if image else (shape[0], prod(shape[1:]), 1, 1)
    place = goal if image else goal.reshape((count, c))
    assert place is not None
    strides = [place.stride(axis) or 0 for axis in range(4)] if image else [c * item, 0, 0, 0]
    words: dict[str, Word] = {
        **{"data": NULL, "data_sample": prod(shape[1:]) * item, "samples": 0},
        **{"index": Address(tables.index, 0), "steps": tables.steps},
        **{"out": address(place), "out_img": strides[0] or c * height * width * item},
        **{"out_row": strides[2], "out_pix": strides[3], "batch": count, "c": c},
        **{"height": height, "width": width, "kind": int(item != em.item or em.is_int(value))},
    }
    step = em.add("gather_batch", words, [], [place], count, flops=0)
    em.put(value, goal)
    return step


def emit_random(em: Emitter, op: Op, seed: int, tables: Tables) -> None:
    """Uniform numbers keyed by seed, stream, step and canonical element index."""
    row = op.row
    shape = cast("Shape", row.attr("shape"))
    goal = em.target(row.outputs[0])
    image = len(shape) == 4 and em.image_like(goal)
    if not image and not _dense(goal):
        goal = em.new(shape)
    flat = goal if image else _flat(goal)
    n, c, height, width = flat.shape
    strides = [flat.stride(axis) or 0 for axis in range(4)]
    stream = philox.stream_key(cast("str", row.attr("stream")))
    words: dict[str, Word] = {
        **{"out": address(flat), "out_img": strides[0], "out_row": strides[2]},
        **{"out_pix": strides[3], "n": n, "c": c, "height": height, "width": width},
        **{"seed": seed, "stream": stream, "base": Address(tables.base, 0)},
        **{"kind": 0, "probability": NULL},
    }
    em.add("random_uniform", words, [], [flat], n if n > 1 else 0, prefer=int(n == 1))
    em.put(row.outputs[0], goal)


def _dense(view: View) -> bool:
    flat = view.reshape((view.size,))
    return flat is not None and flat.stride(0) in (view.item, 0)


def _flat(view: View) -> View:
    """A dense array as samples of one pixel."""
    count = view.shape[0] if view.axes else 1
    flat = view.reshape((count, view.size // count, 1, 1))
    assert flat is not None
    return flat


def emit_record(em: Emitter, value: int, column: int, tables: Tables) -> None:
    """Keep a scalar output of every step in the ring of the call."""
    words: dict[str, Word] = {"x": address(em.view(value)), "steps": tables.steps}
    words |= {"out": Address(tables.ring, 8 * column), "out_step": 8 * tables.ring_width}
    em.add("record", words, [em.view(value)], [])
