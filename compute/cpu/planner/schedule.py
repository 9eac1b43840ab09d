"""When steps run: groups that go through their chunks depth first, and as few barriers as can be.

Between two barriers lies a region. Inside a region threads run ahead of each other, so two of its
steps may touch the same bytes (one writing) only when they belong to one group and slice c of the
later touches what slice c of the earlier did. Everything else waits for a barrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer

WORK = 1 << 15  # bytes or operations that make a chunk worth claiming
PARTS = 16


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
    """An earlier step that a step must follow; `local`: slice by slice is enough."""

    before: int
    local: bool


def schedule(steps: Sequence[Step], loss: Step | None) -> list[Region]:
    """Regions in order. Steps that commit come after a check of what `loss` wrote."""
    edges = _edges(steps)
    place: dict[int, int] = {}  # step -> region
    group_of: dict[int, Group] = {}
    regions = [Region()]
    pending = list(range(len(steps)))
    loss_index = next((k for k, step in enumerate(steps) if step is loss), -1)
    while pending:
        current = len(regions) - 1
        waiting = []
        for k in pending:
            home = _home(k, steps, edges[k], place, group_of, regions, loss_index)
            if home is None:
                waiting.append(k)
            else:
                place[k] = current
                group_of[k] = home
        if waiting:
            guard = loss_index >= 0 and place.get(loss_index) == current
            regions.append(Region(guard=guard))
        pending = waiting
    for region in regions:
        for group in region.groups:
            _settle(group)
    return regions


def _home(
    k: int,
    steps: Sequence[Step],
    edges: Sequence[_Edge],
    place: dict[int, int],
    group_of: dict[int, Group],
    regions: list[Region],
    loss: int,
) -> Group | None:
    """The group of the present region that step `k` can run in; None when it must wait."""
    current = len(regions) - 1
    step, near = steps[k], []
    if step.commits and loss >= 0 and place.get(loss, current) == current:
        return None
    for edge in edges:
        where = place.get(edge.before)
        if where is None:
            return None
        if where == current:
            near.append(edge)
    if near:
        group = group_of[near[0].before]
        together = all(e.local and group_of[e.before] is group for e in near)
        if not together or not _joins(step, group):
            return None
        _join(step, group)
        return group
    for group in reversed(regions[-1].groups[-1:]):
        if _joins(step, group):
            _join(step, group)
            return group
    group = Group([step], step.samples, step.prefer if step.samples else 0)
    regions[-1].groups.append(group)
    return group


def _joins(step: Step, group: Group) -> bool:
    if not step.samples or step.samples != group.samples:
        return False
    return not (step.prefer and group.size) or step.prefer == group.size


def _join(step: Step, group: Group) -> None:
    group.steps.append(step)
    group.size = group.size or step.prefer


def _settle(group: Group) -> None:
    """A size for groups of steps that would take any."""
    if not group.samples or group.size:
        return
    work = sum(max(step.flops, step.bytes()) for step in group.steps) // group.samples
    group.size = max(1, -(-group.samples // PARTS), WORK // max(1, work))


def _edges(steps: Sequence[Step]) -> list[list[_Edge]]:
    """For each step the earlier ones it conflicts with."""
    seen: dict[Buffer, list[tuple[int, Step, Touch]]] = {}
    result: list[list[_Edge]] = []
    for k, step in enumerate(steps):
        found: dict[int, bool] = {}
        for touch in step.touches:
            for before, other, theirs in seen.get(touch.buffer, ()):
                if not (touch.write or theirs.write):
                    continue
                if touch.low >= theirs.high or theirs.low >= touch.high:
                    continue
                local = _local(step, touch, other, theirs)
                found[before] = found.get(before, True) and local
        for touch in step.touches:
            seen.setdefault(touch.buffer, []).append((k, step, touch))
        result.append([_Edge(before, local) for before, local in found.items()])
    return result


def _local(step: Step, mine: Touch, other: Step, theirs: Touch) -> bool:
    """Whether equal slices of the two touch only each other's bytes."""
    if not step.samples or step.samples != other.samples:
        return False
    if not mine.stride or mine.stride != theirs.stride:
        return False
    base = min(mine.low, theirs.low)
    reach = max(mine.low + mine.span, theirs.low + theirs.span)
    return reach - base <= mine.stride
