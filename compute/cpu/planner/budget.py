"""What to compute again so that a plan needs no more memory than it may.

Values are given up in the order of bytes saved for the work of making them again, cheapest first,
on a model of which buffer is in use when. What a choice really needs is then planned and looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from compute.cpu.planner.fuse import ELEMENTWISE
from compute.cpu.planner.fused import fuse
from compute.cpu.planner.prepare import optimise, split_host
from compute.cpu.planner.program import Planned, Planner
from compute.cpu.planner.recompute import Item, Recipe
from compute.cpu.planner.schedule import Pace
from compute.cpu.planner.storage import Storage
from compute.cpu.planner.views import Buffer, aligned
from graph.program import Program

BYTE = 8  # operations that take as long as moving a byte
DEPTH = 4  # ops in a row that are given up at once where one alone saves nothing
PLANS = 8  # choices that are planned while looking for one that fits
LOOKS = 5  # and when none does, for the smallest
SPARED = 8  # ops that are tried to be kept after all


def plan_within(
    program: Program, storage: Storage, seed: int, room: int, winograd: int = 0
) -> Planned:
    """The plan of a program with at most `room` bytes of work space, else the smallest found.

    It is the ordinary plan where that fits. Results have the same bits whatever is chosen.
    """
    prepared = split_host(optimise(program))
    planner = Planner(prepared, fuse(prepared), storage, seed, winograd=winograd)
    planned = planner.plan()
    loss = dict(planner.program.outputs).get("loss")
    made = any(loss in op.writes for op in planner.ops)
    if planned.transient <= room or not made:
        return planned
    return _Search(planner, planned, room).run()


class _Search:
    """Ops of the forward pass `chosen` to be done again, until the plan fits."""

    def __init__(self, planner: Planner, planned: Planned, room: int) -> None:
        self.planner, self.room = planner, room
        self.usage = Usage(planner, planned)
        self.chosen: set[int] = set()
        bordered = any(buffer.border for buffer in planned.buffers)
        clears = (False, True) if bordered else (False,)
        self.ways = [(clear, pace) for clear in clears for pace in Pace]  # the last is most frugal

    def run(self) -> Planned:
        """The first plan that fits, with nothing done again in vain; else the smallest."""
        made = self._plan(self.chosen)
        if made.transient <= self.room:
            return made
        goal = peak = self.usage.of(self.chosen).peak
        for _ in range(PLANS):
            goal = max(0, min(goal, peak) - max(made.transient - self.room, goal // 64))
            for usage in self._grow(goal):
                peak = usage.peak
            made = self._plan(self.chosen)
            if made.transient <= self.room:
                return self._spare(made)
            if peak > goal:
                break
        return self._least()

    def _plan(self, chosen: Collection[int]) -> Planned:
        """The plan of a choice; it clears borders and runs less at once where need be."""
        own = self.planner
        made = self.usage.recipe.build(chosen, own.prepared)

        def way(clears: bool, pace: Pace) -> Planned:
            given = made.prepared, made.ops, own.em.storage, own.seed, made.twins, clears
            planner = Planner(*given, own.em.winograd)
            return planner.plan(pace)

        *easy, frugal = self.ways
        least = way(*frugal)
        for one in easy:
            planned = way(*one)
            if planned.transient <= self.room:
                return planned
            least = min(least, planned, key=lambda one: one.transient)
        return least

    def _spare(self, made: Planned) -> Planned:
        """The plan without the dearest ops that need not be done again."""
        dear = sorted(self.chosen, key=lambda k: -self.usage.work[k])
        for k in dear[:SPARED]:
            found = self._plan(self.chosen - {k})
            if found.transient <= self.room:
                self.chosen.remove(k)
                made = found
        return made

    def _least(self) -> Planned:
        """The smallest of plans that are looked at whatever the room, so that asking for what it
        takes succeeds.
        """
        self.chosen = set()
        choices = [set(self.chosen), *(set(self.chosen) for _ in self._grow(0))]
        some = [*choices[:: -(-len(choices) // LOOKS)], choices[-1]]
        return min(map(self._plan, some), key=lambda planned: planned.transient)

    def _grow(self, goal: int) -> Iterator[Use]:
        """Choose more, one after the other, until the model's peak is down to `goal`, or nothing
        helps.
        """
        usage = self.usage.of(self.chosen)
        failed: set[int] = set()
        while usage.peak > goal:
            for k in self._candidates(usage, failed):
                better = self._with(k, usage, goal)
                if better is not None:
                    usage = better
                    break
                failed.add(k)
            else:
                return
            yield usage

    def _with(self, k: int, before: Use, goal: int) -> Use | None:
        """Choose op `k`, with what it is made from if need be; None when that saves nothing."""
        more = {k}
        for _ in range(DEPTH):
            usage = self.usage.of(self.chosen | more)
            if usage.peak <= before.peak and usage.above(goal) < before.above(goal):
                self.chosen |= more
                return usage
            sources = {s for one in more for s in self.usage.recipe.sources[one]}
            wider = more | {s for s in sources if s in self.usage.free} - self.chosen
            if wider == more:
                return None
            more = wider
        return None

    def _candidates(self, usage: Use, failed: Collection[int]) -> Iterator[int]:
        """Ops whose results are held at the peak, those that save most for their work first."""
        held: dict[int, int] = {}
        for buffer in usage.at_peak():
            k = self.usage.maker.get(buffer, -1)
            if k in self.usage.free and k not in self.chosen and k not in failed:
                held[k] = held.get(k, 0) + buffer.size
        yield from sorted(held, key=lambda k: (-held[k] / max(1, self.usage.work[k]), k))


@dataclass(frozen=True)
class Use:
    """Bytes in use at each op, and from which op to which each buffer is; again: a second time."""

    spans: dict[tuple[Buffer, bool], tuple[int, int]]
    bytes: list[int]
    peak: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "peak", max(self.bytes))

    def above(self, goal: int) -> int:
        """Bytes above the goal, summed over the ops."""
        return sum(size - goal for size in self.bytes if size > goal)

    def at_peak(self) -> list[Buffer]:
        """What is kept for later where most is in use."""
        k = self.bytes.index(self.peak)
        return [
            b for (b, again), (low, high) in self.spans.items() if low <= k <= high and not again
        ]


class Usage:
    """Which buffers each op of the ordinary plan makes and reads, and what it costs.

    `free` are the ops that may be done again: of the forward pass, with results of their own.
    """

    def __init__(self, planner: Planner, planned: Planned) -> None:
        ops, steps = planner.ops, planner.em.steps
        self.maker: dict[Buffer, int] = {}
        self.makes: list[list[Buffer]] = [[] for _ in ops]
        self.reads: list[list[Buffer]] = [[] for _ in ops]
        self.work: list[int] = []
        for k, op in enumerate(ops):
            own = [steps[n] for n in planner.made[op]]
            self.work.append(sum(step.flops + BYTE * step.bytes() for step in own))
            for buffer in {t.buffer: None for step in own for t in step.touches}:
                if buffer.segment == "transient":
                    made = self.maker.setdefault(buffer, k) == k
                    (self.makes if made else self.reads)[k].append(buffer)
        loss = planner.program.output("loss")
        split = next(k for k, op in enumerate(ops) if loss in op.writes)
        silent = [k for k, op in enumerate(ops) if not planner.made[op]]
        self.recipe = Recipe(ops, planner.program, split, silent)
        self.kept = [view.buffer for view in planned.arrays.values()]
        self.free = {
            k
            for k, op in enumerate(ops[:split])
            if self.makes[k]
            and not op.watched
            and not any(value in planner.decided for value in op.writes)
            and not any(steps[n].commits for n in planner.made[op])
        }

    def of(self, chosen: Collection[int]) -> Use:
        """What is in use when the chosen ops are done again."""
        items = self.recipe.items(chosen)
        again = {item.op for item in items if item.again}
        place = {(item.op, item.again): at for at, item in enumerate(items)}
        spans: dict[tuple[Buffer, bool], tuple[int, int]] = {}
        for at, item in enumerate(items):
            for buffer, anew in self._touched(item, again, chosen):
                first = place.get((self.maker[buffer], anew), at)
                spans[buffer, anew] = (spans.get((buffer, anew), (first,))[0], at)
        for buffer in self.kept:
            if (buffer, False) in spans:
                spans[buffer, False] = (spans[buffer, False][0], len(items) - 1)
        change = [0] * (len(items) + 1)
        for (buffer, _), (low, high) in spans.items():
            size = aligned(buffer.size)
            change[low] += size
            change[high + 1] -= size
        return Use(spans, list(accumulate(change))[:-1])

    def _touched(
        self, item: Item, again: Collection[int], chosen: Collection[int]
    ) -> Iterator[tuple[Buffer, bool]]:
        """Buffers an op touches; of a chosen chain only those it reads: it stores what is read."""
        if item.op not in chosen or self.recipe.ops[item.op].kind != ELEMENTWISE:
            for buffer in self.makes[item.op]:
                yield buffer, item.again
        late = item.again or item.op > self.recipe.split
        for op in (item.op, *item.within):
            for buffer in self.reads[op]:
                if self.maker[buffer] not in item.within:
                    yield buffer, late and self.maker[buffer] in again
