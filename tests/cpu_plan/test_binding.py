"""What binding checks of every row, and what it works out once for rows that are alike."""

from __future__ import annotations

import pytest
from plan_words import NUMBER, starts_of

from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.cpu import tape
from compute.cpu.entry import Bound
from compute.cpu.kernels import SPECS
from compute.cpu.plan import Sketch
from compute.cpu.planner.bind import Binder, Tape, _packed
from compute.cpu.planner.emitter import PlanError
from compute.cpu.planner.steps import Step
from graph.lower import Model


def drawn(name: str) -> tuple[Sketch, Bound]:
    """The training step of a net of the bench."""
    sketch = Sketch(Model(WORKLOADS[name].graph()), PlanOptions(threads=1))
    return sketch, sketch.planned("train/0", 8)


def bound_at(sketch: Sketch, bound: Bound) -> Tape:
    """Its tape."""
    given = starts_of(sketch.engine, bound.planned)
    return Binder(bound.planned, given, sketch.engine.variant.item, NUMBER.__getitem__).run()


@pytest.mark.parametrize("name", ["W1", "W3", "W4", "W5", "W6"])
def test_accesses_are_those_of_the_row_itself(name: str) -> None:
    """Of each row the bytes that its kernel names, asked with its own addresses."""
    sketch, bound = drawn(name)
    item = sketch.engine.variant.item
    given = starts_of(sketch.engine, bound.planned)
    binder = Binder(bound.planned, given, item, NUMBER.__getitem__)
    made, seen = binder.run(), 0
    for region in bound.planned.regions:
        for group in region.groups:
            for step in group.steps:
                if step.operands:  # the table of operands is read for each
                    continue
                row = made.words[made.rows[step]].tolist()
                words = row[tape.ARGUMENTS : tape.ARGUMENTS + len(SPECS[step.kernel].words)]
                size = max(1, group.size * step.unit if step.samples else step.prefer)
                packed, places = _packed(step, size)
                call = binder.calls[step.kernel, packed]
                assert call.chunks == SPECS[step.kernel].chunks(words)
                starts = [binder.address(place.buffer, place.offset) for place in places]
                found = [
                    (name, starts[k] + low, starts[k] + high, write)
                    for name, k, low, high, write in call.accesses
                ]
                assert found == [
                    (a.name, a.address + a.low, a.address + a.high, a.write)
                    for a in SPECS[step.kernel].extents(words, item)
                ]
                seen += 1
    assert seen > 0


@pytest.mark.parametrize(("kernel", "net"), [("gemm", "W1"), ("elementwise", "W6")])
def test_a_row_that_reaches_further_than_declared_is_refused(kernel: str, net: str) -> None:
    """A result one byte longer than its step says."""
    sketch, bound = drawn(net)
    step = next(one for one in bound.planned.steps() if one.kernel == kernel and _alone(one))
    place = next(k for k, touch in enumerate(step.touches) if touch.write)
    touch = step.touches[place]
    step.touches[place] = touch._replace(high=touch.high - 1)
    with pytest.raises(PlanError, match="outside what the step declares"):
        bound_at(sketch, bound)


def test_a_touch_beyond_its_buffer_is_refused() -> None:
    """Even where the kernel stays inside."""
    sketch, bound = drawn("W1")
    step = next(one for one in bound.planned.steps() if one.kernel == "gemm")
    step.touches[0] = step.touches[0]._replace(low=-1)
    with pytest.raises(PlanError, match="outside its slot"):
        bound_at(sketch, bound)


@pytest.mark.parametrize(
    ("change", "says"), [({"k": None}, "missing words"), ({"x": 1}, "unknown")]
)
def test_words_that_a_kernel_does_not_have_are_named(
    change: dict[str, int | None], says: str
) -> None:
    """One too few, or one too many."""
    sketch, bound = drawn("W1")
    step = next(one for one in bound.planned.steps() if one.kernel == "gemm")
    words = {**step.words, **change}
    step.words = {name: word for name, word in words.items() if word is not None}
    with pytest.raises(ValueError, match=says):
        bound_at(sketch, bound)


def _alone(step: Step) -> bool:
    """Whether it reads nothing of the buffer that it writes."""
    written = [touch.buffer for touch in step.touches if touch.write]
    return all(touch.write or touch.buffer not in written for touch in step.touches)
