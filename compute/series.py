"""Numbers that grow while a run goes on, in room that does not."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Series:
    """Numbers that grow: one array with room to spare, so reading costs nothing."""

    def __init__(self) -> None:
        self._room: Floats = np.empty(64)
        self._count = 0

    def extend(self, values: object) -> None:
        """Add numbers at the end."""
        new = np.asarray(values, np.float64).reshape(-1)
        need = self._count + len(new)
        self._make_room(need)
        self._room[self._count : need] = new
        self._count = need

    def add(self, value: float) -> None:
        """Add one number: `extend` without its price, felt at hundreds of them a second."""
        self._make_room(self._count + 1)
        self._room[self._count] = value
        self._count += 1

    def _make_room(self, need: int) -> None:
        if need > len(self._room):
            room = np.empty(max(need, 2 * len(self._room)))
            room[: self._count] = self._room[: self._count]
            self._room = room

    @property
    def values(self) -> Floats:
        """A view of all numbers so far."""
        return self._room[: self._count]

    def thin(self) -> None:
        """Keep every second number, the last among them."""
        self._replace(self.values[1 - self._count % 2 :: 2].copy())

    def _replace(self, values: Floats) -> None:
        self._room[: len(values)] = values
        self._count = len(values)

    def __len__(self) -> int:
        return self._count


class Means(Series):
    """Any count of numbers in bounded room: of each `stride` of them the mean.

    `stride` doubles whenever there are `most` means, an even number; `taken` counts what came.
    How the numbers are dealt out to `extend` changes nothing.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.stride, self.taken = most, 1, 0
        self._rest: Floats = np.empty(0)  # of a stride that is not full yet

    def extend(self, values: object) -> None:
        new = np.asarray(values, np.float64).reshape(-1)
        self.taken += len(new)
        if self.stride == 1 and self._count + len(new) < self.most:  # felt at hundreds a second
            super().extend(new)
            return
        new = np.concatenate([self._rest, new])
        while True:
            part = new[: (self.most - len(self)) * self.stride]
            whole = len(part) // self.stride * self.stride
            super().extend(_means(part[:whole], self.stride))
            new = new[whole:]
            if len(self) < self.most:
                break
            self._replace(_means(self.values, 2))
            self.stride *= 2
        self._rest = new.copy()

    def add(self, value: float) -> None:
        if self.stride == 1 and self._count + 1 < self.most:
            super().add(value)
            self.taken += 1
        elif len(self._rest) + 1 < self.stride:
            self._rest = np.append(self._rest, value)
            self.taken += 1
        else:
            self.extend([value])

    def copy(self, most: int) -> Means:
        """The same numbers with other room; `most` is at least the present one's."""
        other = Means(most)
        other.stride, other.taken, other._rest = self.stride, self.taken, self._rest.copy()
        Series.extend(other, self.values)
        return other

    def state(self) -> tuple[str, Floats]:
        """Text and numbers that `restore` makes the same of, bit for bit."""
        numbers = {"most": self.most, "stride": self.stride, "taken": self.taken}
        return json.dumps(numbers), np.concatenate([self.values, self._rest])

    @classmethod
    def restore(cls, text: str, values: Floats) -> Means:
        """The inverse of `state`; raises ValueError or KeyError for what does not fit."""
        numbers = json.loads(text)
        made = cls(int(numbers["most"]))
        made.stride, made.taken = int(numbers["stride"]), int(numbers["taken"])
        kept = made.taken // made.stride
        if kept >= made.most or len(values) != kept + made.taken % made.stride:
            raise ValueError(f"found {len(values)} numbers of {made.taken} in {made.stride}s")
        Series.extend(made, values[:kept])
        made._rest = values[kept:].copy()
        return made


def _means(values: Floats, size: int) -> Floats:
    with np.errstate(invalid="ignore"):
        means: Floats = values.reshape(-1, size).mean(axis=1)
    return means
