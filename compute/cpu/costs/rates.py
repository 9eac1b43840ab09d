"""What a machine was measured to do: seconds for each count of work, bytes and waiting."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp, inf, log
from pathlib import Path

from compute.checkpoint import write_durably

Reach = Sequence[tuple[float, float]]  # (bytes since the last touch, seconds a byte), ascending


@dataclass(frozen=True)
class Teamwork:
    """What several threads make of the work of one.

    A thread takes `slower` times as long as when it is alone; every region of a step waits
    `barrier` seconds, every chunk that several threads share out takes `claim` more. A byte that
    another thread has takes `cross` seconds more, and where chunks are shared out, `moved` of them
    are run by another thread than the last time. `reach` are bytes when all threads read.
    """

    slower: float
    barrier: float
    claim: float
    reach: Reach
    cross: float = 0.0
    moved: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """A machine's rates. `kernels`: seconds a count, by kernel and by what is counted.

    `teams` by number of threads. `call` is what Python adds to each native call, `epoch` what an
    epoch on record takes besides its steps (a checkpoint, metrics, events), `turn` what Python adds
    to a call where phases take turns, `step` what a step takes besides its rows. `process` are the
    bytes of a process that trains, without plan and data; each step of a plan adds `a_step` to
    them, reading a table from a file `tables`. By number of threads: `share` is the part of the
    time that they had on processors while they were measured, `off` by how much what is foretold of
    the nets that were measured is off, the root of the mean square of logarithms. `tries`: how
    often it was measured.
    """

    kernels: Mapping[str, Mapping[str, float]]
    teams: Mapping[int, Teamwork]
    call: float
    epoch: float
    process: int
    a_step: int = 0
    tables: int = 0
    turn: float = 0.0
    step: float = 0.0
    share: Mapping[int, float] = field(default_factory=dict)
    off: Mapping[int, float] = field(default_factory=dict)
    tries: int = 1
    seconds: float = field(default=0.0, compare=False)  # that measuring took

    def team(self, threads: int) -> Teamwork:
        """The rates of so many threads; of the nearest number that was measured."""
        return self.teams[min(self.teams, key=lambda known: abs(known - threads))]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> Calibration:
        """Raises ValueError, KeyError or TypeError for what `to_json` did not write."""
        raw = json.loads(text)
        teams = {int(count): Teamwork(**team) for count, team in raw.pop("teams").items()}
        share, off = (_by_threads(raw.pop(name)) for name in ("share", "off"))
        return Calibration(teams=teams, share=share, off=off, **raw)


def _by_threads(raw: Mapping[str, float]) -> dict[int, float]:
    return {int(count): float(value) for count, value in raw.items()}


def seconds_a_byte(reach: Reach, distance: float) -> float:
    """Between two measured distances on a straight line of logarithms; beyond them the last."""
    places = [place for place, _ in reach]
    k = bisect_left(places, distance)
    if k == 0 or k == len(reach):
        return reach[max(0, k - 1)][1]
    (low, first), (high, second) = reach[k - 1], reach[k]
    share = (log(distance) - log(low)) / (log(high) - log(low))
    return exp(log(first) + share * (log(second) - log(first)))


def rising(reach: Sequence[tuple[float, float]]) -> Reach:
    """The measured points without what disturbed them: what lies nearer comes no slower."""
    found: list[tuple[float, float]] = []
    least = inf
    for place, cost in reversed(reach):
        least = min(least, cost)
        found.append((place, least))
    return found[::-1]


def read(path: Path) -> Calibration | None:
    """The calibration kept in a file; None when there is none or it is damaged."""
    try:
        return Calibration.from_json(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, calibration: Calibration) -> None:
    """Keep a calibration, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(path, calibration.to_json().encode())
