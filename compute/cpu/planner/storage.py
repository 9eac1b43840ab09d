"""The persistent segment: parameters, their gradients, optimizer slots and running values.

All parameters lie in one flat buffer, gradients and slots in others at equal offsets, each array
padded to a cache line, so that an optimizer is one pass. How a parameter's axes are stored
(weights of a convolution as [kh,kw,ci,co]) is decided by its first use in a program; read and write
convert from and to the canonical order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from compute.cpu.planner.views import Axis, Buffer, View, aligned, packed
from graph.program import PersistentKind, Shape


@dataclass(frozen=True)
class Slot:
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
        self.offsets, total = _offsets(params, item)
        self.params = Buffer(total, "persistent", "parameters")
        self.gradients = Buffer(total, "persistent", "gradients")
        self._state_offsets, size = _offsets(states, item)
        self.states = Buffer(size, "persistent", "states")
        self.families = self._place_slots()
        self._axes: dict[str, tuple[Axis, ...]] = {}
        self._views: dict[tuple[str, str], View] = {}

    def _place_slots(self) -> dict[str, tuple[Buffer, int]]:
        """A buffer for each family, and the parameter offset at which it starts."""
        members: dict[str, list[str]] = {}
        for slot in self.slots.values():
            members.setdefault(slot.family, []).append(slot.param)
        families = {}
        for family, keys in members.items():
            low = min(self.offsets[key] for key in keys)
            high = max(self.end(key) for key in keys)
            families[family] = (Buffer(high - low, "persistent", family), low)
        return families

    def end(self, key: str) -> int:
        """Where the next parameter may start."""
        return self.offsets[key] + aligned(prod(self.shapes["param", key]) * self.item)

    def buffers(self) -> list[Buffer]:
        """Every buffer of the segment."""
        return [
            self.params,
            self.gradients,
            self.states,
            *(buffer for buffer, _ in self.families.values()),
        ]

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
        if kind == "param":
            return View(self.params, self.offsets[key], self.axes(key), self.item)
        if kind == "state":
            axes = packed(self.shapes["state", key], self.item)
            return View(self.states, self._state_offsets[key], axes, self.item)
        slot = self.slots[key]
        buffer, low = self.families[slot.family]
        return View(buffer, self.offsets[slot.param] - low, self.axes(slot.param), self.item)

    def gradient(self, key: str) -> View:
        """Where the gradient of a parameter lies."""
        view = self._views.get(("gradient", key))
        if view is None:
            view = View(self.gradients, self.offsets[key], self.axes(key), self.item)
            self._views["gradient", key] = view
        return view


def _offsets(shapes: Mapping[str, Shape], item: int) -> tuple[dict[str, int], int]:
    offsets, total = {}, 0
    for key, shape in shapes.items():
        offsets[key] = total
        total += aligned(prod(shape) * item)
    return offsets, total
