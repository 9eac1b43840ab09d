"""What a plan will take: seconds of each of its steps, of all on several threads, and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from compute.cpu.costs.crossing import crossing
from compute.cpu.costs.fit import seconds
from compute.cpu.costs.rates import Calibration, Reach, Teamwork, seconds_a_byte
from compute.cpu.costs.shape import Shape
from compute.cpu.costs.traffic import Traffic, traffic
from compute.cpu.costs.work import OTHER, WAIT, Work, work
from compute.cpu.planner.program import Planned
from compute.cpu.planner.schedule import Group
from compute.cpu.planner.steps import Step
from compute.cpu.variants import Variant

FIRST_BYTES = 1024  # that a pass over far memory could have read before its first bytes come
UNEVEN = 0.25  # of a chunk by which the last thread ends later: chunks are not quite alike


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


def parts(planned: Planned, variant: Variant) -> list[Part]:
    """The steps of a plan in the order of the tape."""
    shape = Shape.of(variant)
    touched = traffic(planned.regions, _gathered(planned, variant.item), planned.where)
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


def bytes_seconds(part: Part, reach: Reach) -> float:
    """Seconds in which a thread gets at all that a step touches, from memory."""
    spent = 0.0
    for touched in part.traffic:
        each = seconds_a_byte(reach, touched.distance)
        spent += (touched.bytes + FIRST_BYTES) * each
    return spent


def row_seconds(part: Part, calibration: Calibration, reach: Reach) -> float:
    """Seconds of a step when one thread of a team does all of it, claims and what crosses aside.

    `reach` is that of a thread of the team.
    """
    found, rates = part.work, calibration.kernels.get(part.work.kind)
    if rates is None:
        found, rates = replace(found, counts=found.plain, wait=WAIT), calibration.kernels[OTHER]
    alone = calibration.team(1).reach
    own = bytes_seconds(part, alone)
    return seconds(found, own, own if reach is alone else bytes_seconds(part, reach), rates)


def forecast(
    planned: Planned, calibration: Calibration, threads: int, variant: Variant
) -> Forecast:
    """The forecast of one entry point; `threads` as it will run."""
    return foretold(planned, parts(planned, variant), calibration, threads)


def foretold(
    planned: Planned, found: Sequence[Part], calibration: Calibration, threads: int
) -> Forecast:
    """The forecast of an entry point whose parts are known."""
    alone = calibration.team(1).reach
    rows = tuple(row_seconds(part, calibration, alone) for part in found)
    if threads == 1:
        return Forecast(calibration.step + sum(rows), rows)
    team = calibration.team(threads)
    shared = {part.step: row_seconds(part, calibration, team.reach) for part in found}
    regions = shares(planned, shared, {part.step: part.work.chunks for part in found}, threads)
    return Forecast(calibration.step + together(regions, team, threads), rows)


@dataclass(frozen=True)
class Piece:
    """A group as threads share it: chunks, seconds of all on one thread, bytes that cross, and
    those of a chunk that cross when another thread runs it.
    """

    chunks: int
    seconds: float
    crossing: float
    chunk: float


Pieces = Sequence[Sequence[Piece]]  # the groups of each region


def shares(
    planned: Planned, spent: Mapping[Step, float], chunks: Mapping[Step, int], threads: int
) -> Pieces:
    """What threads share of a plan whose steps take `spent` seconds on one of them."""
    crossed = crossing(planned.regions, chunks, threads, planned.where)
    return [
        [
            Piece(
                max(chunks[step] for step in group.steps),
                sum(spent[step] for step in group.steps),
                sum(crossed[step].bytes for step in group.steps),
                sum(crossed[step].chunk for step in group.steps),
            )
            for group in region.groups
        ]
        for region in planned.regions
    ]


def together(regions: Pieces, team: Teamwork, threads: int) -> float:
    """Seconds until all threads are through all regions."""
    return sum(_region(pieces, team, threads) + team.barrier for pieces in regions)


def _region(pieces: Sequence[Piece], team: Teamwork, threads: int) -> float:
    """Until the last thread is done: whoever is free takes the next chunk.

    Chunks that take less than it takes to claim one from another thread are all run by the first
    one that comes.
    """
    free = [0.0] * threads
    for piece in pieces:
        whole = team.slower * piece.seconds + team.cross * piece.crossing
        alone = sorted(free)
        alone[0] += whole + team.claim
        if piece.chunks == 1:
            free = alone
            continue
        each = (whole + team.cross * team.moved * piece.chunk) / piece.chunks + team.claim
        free = min(alone, _dealt(free, piece.chunks, each), key=max)
    return max(free)


def _dealt(free: Sequence[float], chunks: int, each: float) -> list[float]:
    """When each thread is done that takes chunks as it becomes free."""
    threads, found = len(free), sorted(free)
    many = chunks - 8 * threads
    if many > 0:  # all threads end nearly together
        level = (sum(found) + many * each) / threads
        found, chunks = [max(level, at) for at in found], 8 * threads
    for _ in range(chunks):
        found[0] += each
        found.sort()
    return [at + UNEVEN * each for at in found]
