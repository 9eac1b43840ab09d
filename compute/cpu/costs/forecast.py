"""What a plan will take: seconds of each of its steps, of all on several threads, and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from compute.cpu.costs.fit import seconds
from compute.cpu.costs.rates import Calibration, Teamwork, seconds_a_byte
from compute.cpu.costs.shape import Shape
from compute.cpu.costs.traffic import Traffic, traffic
from compute.cpu.costs.work import OTHER, WAIT, Work, work
from compute.cpu.planner.program import Planned
from compute.cpu.planner.schedule import Group, Region
from compute.cpu.planner.steps import Step
from compute.cpu.variants import Variant

FIRST_BYTES = 1024  # that a pass over far memory could have read before its first bytes come
LEAST = 0.2  # of what a row's counts take: no chunk is free


@dataclass(frozen=True)
class Part:
    """A step with its work and what it touches."""

    step: Step
    work: Work
    traffic: tuple[Traffic, ...]


@dataclass(frozen=True)
class Forecast:
    """Seconds of a training step on some threads, and of each of its steps on one thread.

    `rows` are in the order of the tape.
    """

    seconds: float
    rows: tuple[float, ...]
    chunks: int


def parts(planned: Planned, variant: Variant) -> list[Part]:
    """The steps of a plan in the order of the tape."""
    shape = Shape.of(variant)
    touched = traffic(planned.regions, _gathered(planned, variant.item))
    return [
        Part(step, work(step, group.size, shape), tuple(touched[step]))
        for group in _groups(planned)
        for step in group.steps
    ]


def _groups(planned: Planned) -> Iterator[Group]:
    for region in planned.regions:
        yield from region.groups


def _gathered(planned: Planned, item: int) -> dict[Step, int]:
    """Bytes of the samples that are fetched."""
    found = {}
    for step in planned.gathers.values():
        sample = step.words["data_sample"]
        assert isinstance(sample, int)
        found[step] = planned.batch * sample
    return found


def bytes_seconds(part: Part, team: Teamwork) -> float:
    """Seconds in which one thread of a team gets at all that a step touches."""
    spent = 0.0
    for touched in part.traffic:
        each = seconds_a_byte(team.reach, touched.distance)
        spent += (touched.bytes + FIRST_BYTES) * each
    return spent


def row_seconds(part: Part, calibration: Calibration, team: Teamwork) -> float:
    """Seconds of a step when one thread of a team does all of it."""
    found, rates = part.work, calibration.kernels.get(part.work.kind)
    if rates is None:
        found, rates = replace(found, counts=found.plain, wait=WAIT), calibration.kernels[OTHER]
    counted = seconds(found, bytes_seconds(part, team), rates)
    taken = team.slower * counted
    return max(LEAST * taken, taken + team.claim * part.work.chunks)


def forecast(
    planned: Planned, calibration: Calibration, threads: int, variant: Variant
) -> Forecast:
    """The forecast of one entry point; `threads` as it will run."""
    found = parts(planned, variant)
    alone, team = calibration.team(1), calibration.team(threads)
    rows = tuple(row_seconds(part, calibration, alone) for part in found)
    shared = {part.step: row_seconds(part, calibration, team) for part in found}
    chunks = {part.step: part.work.chunks for part in found}
    total = sum(_region(region, shared, chunks, threads) for region in planned.regions)
    total += team.barrier * len(planned.regions)
    return Forecast(total, rows, sum(chunks.values()))


def _region(
    region: Region, spent: dict[Step, float], chunks: dict[Step, int], threads: int
) -> float:
    """Until the last thread is done: whoever is free takes the next chunk."""
    free = [0.0] * threads
    for group in region.groups:
        count = max(chunks[step] for step in group.steps)
        each = sum(spent[step] for step in group.steps) / count
        if count > 8 * threads:  # many: all threads end nearly together
            whole = count - 2 * threads
            level = (sum(free) + whole * each) / threads
            free, count = [max(level, at) for at in free], 2 * threads
        for _ in range(count):
            first = min(range(threads), key=free.__getitem__)
            free[first] += each
    return max(free)
