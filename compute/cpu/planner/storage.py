"""The persistent segment: parameters, their gradients, optimizer slots and running values.

All parameters lie in one flat buffer, gradients and slots in others at equal offsets, each array
padded to a cache line, so that an optimizer is one pass. Every array is also a buffer of its own
within the flat one. Steps name that, so they stay as they are when an array before it grows. How a
parameter's axes are stored (weights of a convolution as [kh,kw,ci,co]) is decided by its first use
in a program; read and write convert from and to the canonical order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat
from math import prod
from typing import NamedTuple

from compute.cpu.planner.views import Axis, Buffer, View, aligned, packed
from graph.program import PersistentKind, Shape

GRADIENTS = "gradients"
Within = tuple[Buffer, int]  # a flat buffer, and the byte of it where another buffer begins


@lru_cache(maxsize=1 << 14)
def _own(kind: str, key: str, size: int) -> Buffer:
    """The buffer of one array: the same for all nets that have it."""
    return Buffer(size, "persistent", kind)


class Slot(NamedTuple):
    """An optimizer's running array: which family (`adam/m`) and whose parameter."""

    family: str
    param: str


class Storage:
    """Places and axes of every persistent array. `params` are placed in the order given."""

    def __init__(
        self,
        params: Mapping[str, Shape],
        states: Mapping[str, Shape],
        slots: Mapping[str, Slot],
        item: int,
    ) -> None:
        self.item, self.slots = item, dict(slots)
        self.threads = 1  # that will run the plans: how large pieces are that they share
        self.shapes: dict[tuple[PersistentKind, str], Shape] = {
            ("param", key): shape for key, shape in params.items()
        }
        self.shapes |= {("state", key): shape for key, shape in states.items()}
        self.shapes |= {("slot", key): params[slot.param] for key, slot in slots.items()}
        self._bytes = {key: prod(shape) * item for key, shape in params.items()}
        self.offsets, total = _offsets(self._bytes)
        self._ends = dict(zip(self.offsets, [*self.offsets.values(), total][1:], strict=True))
        self.params = Buffer(total, "persistent", "parameters")
        self.gradients = Buffer(total, "persistent", GRADIENTS)
        of_states = {key: prod(shape) * item for key, shape in states.items()}
        starts, size = _offsets(of_states)
        self.states = Buffer(size, "persistent", "states")
        self.families: dict[str, tuple[Buffer, int]] = {}  # the parameter offset where each starts
        self._own: dict[tuple[str, str], Buffer] = {}
        self.within: dict[Buffer, Within] = {}  # where arrays lie
        places = self.offsets.values()
        self._lay("param", self.params, params, params, self._bytes.values(), places)
        self._lay(GRADIENTS, self.gradients, params, params, self._bytes.values(), places)
        self._lay("state", self.states, states, states, of_states.values(), starts.values())
        self._place_slots()
        self._axes: dict[str, tuple[Axis, ...]] = {}
        self._views: dict[tuple[str, str], View] = {}

    def _place_slots(self) -> None:
        """A buffer for each family."""
        members: dict[str, tuple[list[str], list[str]]] = {}
        for key, (family, param) in self.slots.items():
            keys, params = members.setdefault(family, ([], []))
            keys.append(key)
            params.append(param)
        for family, (keys, params) in members.items():
            places = [self.offsets[key] for key in params]
            low, high = min(places), max([self._ends[key] for key in params])
            flat = Buffer(high - low, "persistent", family)
            self.families[family] = flat, low
            sizes = [self._bytes[key] for key in params]
            self._lay("slot", flat, keys, params, sizes, [place - low for place in places])

    def _lay(
        self,
        kind: str,
        flat: Buffer,
        keys: Iterable[str],
        whose: Iterable[str],
        sizes: Iterable[int],
        places: Iterable[int],
    ) -> None:
        """Arrays of one kind lie there in a flat buffer."""
        own = [*map(_own, repeat(flat.name), whose, sizes)]
        self._own.update(zip(zip(repeat(kind), keys, strict=False), own, strict=False))
        self.within.update(zip(own, zip(repeat(flat), places, strict=False), strict=False))

    def end(self, key: str) -> int:
        """Where the next parameter may start."""
        return self._ends[key]

    def buffers(self) -> list[Buffer]:
        """Every buffer of the segment."""
        return [
            self.params,
            self.gradients,
            self.states,
            *(buffer for buffer, _ in self.families.values()),
        ]

    def decisions(self) -> dict[str, tuple[Axis, ...]]:
        """The axes that are fixed, in the order in which they were."""
        return self._axes

    def restore(self, axes: Mapping[str, tuple[Axis, ...]]) -> None:
        """Only these are fixed."""
        self._axes = dict(axes)
        self._views.clear()

    def decided(self, key: str) -> bool:
        """Whether the axes of a parameter are fixed."""
        return key in self._axes

    def decide(self, key: str, axes: tuple[Axis, ...]) -> None:
        """Fix how a parameter is stored: dense, any order of its dimensions."""
        self._axes.setdefault(key, axes)

    def axes(self, key: str) -> tuple[Axis, ...]:
        """How a parameter is stored; canonical when nothing has decided before."""
        if key not in self._axes:
            self._axes[key] = packed(self.shapes["param", key], self.item)
        return self._axes[key]

    def view(self, kind: PersistentKind, key: str) -> View:
        """Where a persistent array lies."""
        view = self._views.get((kind, key))
        if view is None:
            view = self._views[kind, key] = self._view(kind, key)
        return view

    def _view(self, kind: PersistentKind, key: str) -> View:
        if kind == "state":
            axes = packed(self.shapes["state", key], self.item)
        else:
            axes = self.axes(key if kind == "param" else self.slots[key].param)
        return View(self.buffer(kind, key), 0, axes, self.item)

    def buffer(self, kind: str, key: str) -> Buffer:
        """The buffer of a persistent array, or with `GRADIENTS` that of a gradient; it is the same
        in all nets that have such an array.
        """
        return self._own[kind, key]

    def gradient(self, key: str) -> View:
        """Where the gradient of a parameter lies."""
        view = self._views.get(("gradient", key))
        if view is None:
            view = View(self.buffer(GRADIENTS, key), 0, self.axes(key), self.item)
            self._views["gradient", key] = view
        return view


def _offsets(sizes: Mapping[str, int]) -> tuple[dict[str, int], int]:
    offsets, total = {}, 0
    for key, size in sizes.items():
        offsets[key] = total
        total += aligned(size)
    return offsets, total
