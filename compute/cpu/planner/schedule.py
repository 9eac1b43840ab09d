"""When steps run: groups that go through their chunks depth first, and as few barriers as can be.

Between two barriers lies a region. Inside a region threads run ahead of each other, so two of its
steps may touch the same bytes (one writing) only when they belong to one group and slice c of the
later touches what slice c of the earlier did. Everything else waits for a barrier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heapify, heappop, heappush
from itertools import accumulate

from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.storage import Within
from compute.cpu.planner.views import Buffer

WORK = 1 << 15  # bytes or operations that make a chunk worth claiming
PARTS = 16
PARTS_OF_BUFFER = 256
LONG = 1 << 22  # bytes or operations of a group that threads share, however short its steps are


@dataclass(eq=False, slots=True)
class Group:
    """Steps run chunk by chunk; `size` is in samples (0: the single step's own chunks)."""

    steps: list[Step]
    samples: int
    size: int


@dataclass(eq=False, slots=True)
class Region:
    """Groups between two barriers. `guard`: the loss is checked before it starts."""

    groups: list[Group] = field(default_factory=list)
    guard: bool = False


@dataclass(slots=True)
class _Edge:
    """An earlier step that a step must follow; `local`: slice by slice is enough.

    With `order` neither touches what the other does: they may run in one region.
    """

    before: int
    local: bool
    order: bool = False


class Pace(IntEnum):
    """How freely steps run that are behind another: the slower, the less memory is in use at once.

    FREE: from the region of that step on; APART: what is computed again from the next one on;
    SERIAL: each op of the backward pass after the one before it.
    """

    FREE = 0
    APART = 1
    SERIAL = 2


@dataclass(frozen=True, slots=True)
class Waits:
    """What the steps of a program wait for, by number: earlier steps, and whether for the check of
    the `loss`, which that step computes (-1: none). `after`: for each step those that wait for it.
    """

    edges: list[list[_Edge]]
    after: list[list[int]]
    commits: list[bool]
    loss: int


def waits(
    steps: Sequence[Step],
    loss: Step | None,
    within: Mapping[Buffer, Within],
    pace: Pace = Pace.FREE,
) -> Waits:
    """What each step waits for. Steps that commit come after a check of what `loss` wrote.

    `within` are the places of buffers that are parts of others.
    """
    edges = _edges(steps, within)
    _hold_back(steps, edges, pace)
    number = next((k for k, step in enumerate(steps) if step is loss), -1)
    found = Waits(edges, _followers(edges), [step.commits for step in steps], number)
    if any(step.follows for step in steps):
        places = {step: k for k, step in enumerate(steps)}
        for k, step in enumerate(steps):
            if step.follows is not None and places.get(step.follows, k) < k:
                _bind(found, k, places[step.follows])
        found.after[:] = _followers(edges)
    return found


def schedule(steps: Sequence[Step], found: Waits) -> list[Region]:
    """Regions in order."""
    plan = _Schedule(steps, found)
    ready = [k for k, count in enumerate(plan.waiting) if not count]
    while ready:
        heapify(ready)
        late: list[int] = []
        while ready:
            k = heappop(ready)
            home = plan.home(k)
            if home is None:
                late.append(k)
                continue
            for after in plan.put(k, home):
                heappush(ready, after)
        ready = late
        if ready:
            assert plan.regions[-1].groups, "no step can run"
            plan.barrier()
    for region in plan.regions:
        for group in region.groups:
            settle(group)
    return plan.regions


def _hold_back(steps: Sequence[Step], edges: list[list[_Edge]], pace: Pace) -> None:
    """Let steps wait that nothing they read holds back, so that their memory is not in use from
    the start: what is behind another, and what clears borders, for its image's writer.
    """
    if not any(step.clears or step.behind for step in steps):
        return
    number = {step: k for k, step in enumerate(steps)}
    writer: dict[Buffer, int] = {}
    for k in reversed(range(len(steps))):
        step = steps[k]
        if step.behind is not None and not step.clears:
            asked = pace == Pace.SERIAL or (pace == Pace.APART and bool(step.again))
            edges[k].append(_Edge(number[step.behind], False, order=not asked))
        for buffer in {touch.buffer for touch in step.touches if touch.write}:
            if not step.clears:
                writer[buffer] = k
            elif buffer in writer:
                held = edges[writer[buffer]]
                edges[k] += [e for e in held if not steps[e.before].clears]


def _followers(edges: Sequence[Sequence[_Edge]]) -> list[list[int]]:
    """For each step those that wait for it."""
    after: list[list[int]] = [[] for _ in edges]
    for k, own in enumerate(edges):
        for edge in own:
            after[edge.before].append(k)
    return after


def _bind(found: Waits, k: int, leader: int) -> None:
    """Let the step that step `k` follows wait for all that `k` waits for, so that both can run in
    one group.
    """
    others = {edge.before for edge in found.edges[k]} - {leader}
    if others & _behind(found, leader):
        return
    found.commits[leader] = found.commits[leader] or found.commits[k]
    found.edges[leader] = [e for e in found.edges[leader] if e.before not in others]
    found.edges[leader] += [_Edge(before, False) for before in sorted(others)]
    for before in others:
        found.after[before].append(leader)


def _behind(found: Waits, first: int) -> set[int]:
    """The steps that wait for step `first`, at once or through others."""
    reached: set[int] = set()
    pending = [first]
    while pending:
        new = [k for k in found.after[pending.pop()] if k not in reached]
        reached.update(new)
        pending += new
    return reached


class _Schedule:
    """Regions so far, and how many steps each step still waits for."""

    def __init__(self, steps: Sequence[Step], found: Waits) -> None:
        self.steps, self.edges, self.after = steps, found.edges, found.after
        self.commits, self.loss = found.commits, found.loss
        self.waiting = [len(edges) for edges in self.edges]
        self.regions = [Region()]
        self.place: dict[int, int] = {}  # step -> region
        self.group_of: dict[int, Group] = {}

    def barrier(self) -> None:
        """Begin a region; the loss is checked there when the last one computed it."""
        current = len(self.regions) - 1
        guard = self.loss >= 0 and self.place.get(self.loss) == current
        self.regions.append(Region(guard=guard))

    def home(self, k: int) -> Group | None:
        """The group of the present region that step `k` can run in; None when it must wait."""
        current, step = len(self.regions) - 1, self.steps[k]
        checked = self.loss < 0 or self.place.get(self.loss, current) < current
        if self.commits[k] and not checked:
            return None
        near = [e for e in self.edges[k] if not e.order and self.place[e.before] == current]
        if near:
            group = self.group_of[near[0].before]
            together = all(e.local and self.group_of[e.before] is group for e in near)
            return group if together and _joins(step, group) else None
        groups = self.regions[-1].groups
        if groups and _joins(step, groups[-1]):
            return groups[-1]
        return Group([], step.samples, 0)

    def put(self, k: int, group: Group) -> list[int]:
        """Place step `k`; returns the steps that nothing holds back any more."""
        step = self.steps[k]
        if not group.steps:
            self.regions[-1].groups.append(group)
        group.steps.append(step)
        if step.samples:
            group.size = group.size or step.prefer
        self.place[k], self.group_of[k] = len(self.regions) - 1, group
        free = []
        for after in self.after[k]:
            self.waiting[after] -= 1
            if not self.waiting[after]:
                free.append(after)
        return free


def _joins(step: Step, group: Group) -> bool:
    if not step.samples or step.samples != group.samples:
        return False
    return not (step.prefer and group.size) or step.prefer == group.size


def settle(group: Group) -> None:
    """A size for groups of steps that would take any; that of a share for each thread where one
    chunk would be all, as steps are short, but many of them.
    """
    if not group.samples or 0 < group.size < group.samples:
        return
    if not group.size:
        work = sum(map(_work, group.steps)) // group.samples
        group.size = max(1, -(-group.samples // PARTS), WORK // max(1, work))
    elif _long(group.steps):
        shares = [step.share for step in group.steps if step.prefer]
        group.size = min(group.size, max(shares)) if all(shares) else group.size


def _work(step: Step) -> int:
    return max(step.flops, step.bytes())


def _long(steps: Sequence[Step]) -> bool:
    """Whether steps are worth sharing together."""
    return any(work > LONG for work in accumulate(map(_work, steps)))


def _edges(steps: Sequence[Step], within: Mapping[Buffer, Within]) -> list[list[_Edge]]:
    """For each step the earlier ones it conflicts with."""
    seen: dict[_Part, list[_Seen]] = {}
    result: list[list[_Edge]] = []
    for k, step in enumerate(steps):
        found: dict[int, bool] = {}
        new: list[tuple[_Part, _Seen]] = []
        for touch in step.touches:
            place = within.get(touch[0])
            if place is not None:
                touch = _moved(touch, *place)
            _, low, high, write, _, _ = touch
            looked, left = _parts(touch)
            for part in looked:
                for before, start, stop, written, theirs in seen.get(part, ()):
                    if (
                        start < high
                        and low < stop
                        and (write or written)
                        and found.get(before, True)
                    ):
                        found[before] = local(step, touch, steps[before], theirs)
            one = k, low, high, write, touch
            new += [(part, one) for part in left]
        for part, one in new:
            if part in seen:
                seen[part].append(one)
            else:
                seen[part] = [one]
        result.append([_Edge(before, local) for before, local in sorted(found.items())])
    return result


def _moved(touch: Touch, whole: Buffer, start: int) -> Touch:
    """The same as a touch of the buffer that its own is a part of."""
    _, low, high, write, stride, span = touch
    return Touch(whole, start + low, start + high, write, stride, span)


_Part = Buffer | tuple[Buffer, int]
_Seen = tuple[int, int, int, bool, Touch]  # number of the step, low, high, write
_WIDE = -1


def _parts(touch: Touch) -> tuple[Sequence[_Part], Sequence[_Part]]:
    """Where to look for what conflicts with a touch, and where to leave it for others: all that
    lasts is in few buffers, which nearly every step touches somewhere. What spans many of their
    parts is left in one place, where all look.
    """
    buffer = touch.buffer
    if buffer.segment == "transient":
        return (buffer,), (buffer,)
    size = max(1, buffer.size // PARTS_OF_BUFFER)
    first, last = touch.low // size, max(touch.low, touch.high - 1) // size
    wide = (buffer, _WIDE)
    parts = [(buffer, part) for part in range(first, last + 1)]
    return [*parts, wide], [wide] if last - first > PARTS else parts


def local(step: Step, mine: Touch, other: Step, theirs: Touch) -> bool:
    """Whether equal slices of the two touch only each other's bytes."""
    if not step.samples or step.samples != other.samples:
        return False
    if not mine.stride or mine.stride != theirs.stride:
        return False
    base = min(mine.low, theirs.low)
    reach = max(mine.low + mine.span, theirs.low + theirs.span)
    return reach - base <= mine.stride
