"""The regions of a program after an edit: those of before, where no step meets others otherwise."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import combinations

from compute.cpu.planner.schedule import Group, Region, local, settle
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.storage import GRADIENTS, Storage
from compute.cpu.planner.views import Buffer

_Pair = tuple[Step, Touch, Step, Touch]  # a step before the edit with a touch, and those behind it


class Meetings:
    """Whether steps meet each other as those did in whose place they are.

    `buffers` are those before by those that are in their place now, once `same` was asked.
    """

    def __init__(self, before: Storage, now: Storage) -> None:
        self._before, self._now = _Flat(before), _Flat(now)
        self.buffers: dict[Buffer, Buffer] = {}
        self._taken: dict[Buffer, Buffer] = {}
        self._met: dict[Buffer, list[_Pair]] = {}

    def same(self, steps: Mapping[Step, Step]) -> bool:
        """Of steps that are in the place of others: all else is the same."""
        for old, new in steps.items():
            if not (_cut(old) == _cut(new) and self._follows(steps, old, new)):
                return False
            for mine, theirs in zip(old.touches, new.touches, strict=True):
                if not self._match(old, mine, new, theirs):
                    return False
        return all(
            _meet(a[0], a[1], b[0], b[1]) == _meet(a[2], a[3], b[2], b[3])
            for met in self._met.values()
            for a, b in combinations(met, 2)
        )

    def _follows(self, steps: Mapping[Step, Step], old: Step, new: Step) -> bool:
        if old.follows is None or new.follows is None:
            return old.follows is new.follows
        return steps.get(old.follows, old.follows) is new.follows

    def _match(self, old: Step, mine: Touch, new: Step, theirs: Touch) -> bool:
        """Whether two touches are of the same, as far as it shows without the others."""
        if mine.write != theirs.write:
            return False
        if mine.buffer in self._before.start:
            parts, others = self._before.parts(mine), self._now.parts(theirs)
            if parts != others or (old.samples and len(parts) > 1):
                return False
            if not old.samples:  # meets all of them, and none slice by slice
                return self._stands(mine.buffer, theirs.buffer)
            mine, theirs = self._before.own(mine), self._now.own(theirs)
        if mine.buffer is theirs.buffer:
            return mine == theirs and (old.samples == new.samples or not mine.stride)
        self._met.setdefault(mine.buffer, []).append((old, mine, new, theirs))
        return self._stands(mine.buffer, theirs.buffer)

    def _stands(self, old: Buffer, new: Buffer) -> bool:
        """Whether the one buffer is in the place of the other, and of no other."""
        return self.buffers.setdefault(old, new) is new and self._taken.setdefault(new, old) is old


class _Flat:
    """The flat buffers of a storage, and which arrays lie where in them."""

    def __init__(self, storage: Storage) -> None:
        self.start = {storage.params: 0, storage.gradients: 0}
        self.start.update(storage.families.values())
        self._kinds = {storage.params: "param", storage.gradients: GRADIENTS}
        self._storage, self._keys = storage, list(storage.offsets)
        self._offsets = list(storage.offsets.values())

    def parts(self, touch: Touch) -> Sequence[str]:
        """The parameters whose places a touch covers."""
        start = self.start.get(touch.buffer)
        if start is None:
            return ()
        low, high = (bisect_left(self._offsets, start + at) for at in (touch.low, touch.high))
        return self._keys[low:high]

    def own(self, touch: Touch) -> Touch:
        """The touch as one of the only array that it covers."""
        flat = touch.buffer
        (key,) = self.parts(touch)
        low = self._storage.offsets[key] - self.start[flat]
        kind = self._kinds.get(flat, "slot")
        if kind == "slot":
            slots = self._storage.slots.items()
            key = next(name for name, slot in slots if slot == (flat.name, key))
        own = self._storage.buffer(kind, key)
        return touch._replace(buffer=own, low=touch.low - low, high=touch.high - low)


def _cut(step: Step) -> tuple[object, ...]:
    """What decides beside its touches in which region a step runs."""
    return bool(step.samples), step.commits, step.clears, step.behind, len(step.touches)


def _meet(step: Step, mine: Touch, other: Step, theirs: Touch) -> bool | None:
    """Whether two touches are in each other's way, and if so whether but slice by slice."""
    apart = mine.high <= theirs.low or theirs.high <= mine.low
    if apart or not (mine.write or theirs.write):
        return None
    return local(step, mine, other, theirs)


def swapped(regions: Sequence[Region], steps: Mapping[Step, Step]) -> list[Region] | None:
    """The regions with other steps in the place of some; None where they might join others.

    A step that is cut in other pieces than before stays alone when it was, and when nothing else in
    its region is cut in as many.
    """
    found = []
    for region in regions:
        groups = [
            group if steps.keys().isdisjoint(group.steps) else _group(group, steps)
            for group in region.groups
        ]
        for old, new in zip(region.groups, groups, strict=True):
            if old is new or [*map(_pieces, old.steps)] == [*map(_pieces, new.steps)]:
                continue
            others = {group.samples for group in groups if group is not new}
            if len(new.steps) > 1 or (new.samples and new.samples in others):
                return None
        found.append(Region(groups, region.guard))
    return found


def _pieces(step: Step) -> tuple[int, int]:
    return step.samples, step.prefer


def _group(before: Group, steps: Mapping[Step, Step]) -> Group:
    """The group of other steps, which were put there one after the other."""
    made = Group([steps.get(step, step) for step in before.steps], 0, 0)
    made.samples = made.steps[0].samples
    if made.samples:
        made.size = next((step.prefer for step in made.steps if step.prefer), 0)
        settle(made)
    return made
