"""What several threads make of a plan: claims, barriers, bytes that cross, from given rates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compute.backend import Array, PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.cpu.costs import teams
from compute.cpu.costs.crossing import Crossing, crossing
from compute.cpu.costs.fit import settled
from compute.cpu.costs.forecast import Part, Piece, Pieces, shares, together
from compute.cpu.costs.rates import Teamwork
from compute.cpu.costs.work import Work
from compute.cpu.plan import Sketch
from compute.cpu.planner.schedule import Group, Region
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer
from compute.forecast import Data, costs
from graph.files import load
from graph.lower import Model
from graph.stepping import batch_size
from resources import example_path
from tests.cpu_plan.test_forecast import REACH, machine

SIZE = 1 << 16


def buffer() -> Buffer:
    """A place of its own."""
    return Buffer(SIZE, "persistent")


def step(kernel: str, *touches: Touch) -> Step:
    """A step that touches these places."""
    return Step(kernel, "", {}, list(touches))


def whole(place: Buffer, write: bool = False, low: int = 0, high: int = SIZE) -> Touch:
    """All of a buffer, or a part."""
    return Touch(place, low, high, write)


def crossed(*steps: tuple[Step, int], threads: int = 2) -> list[Crossing]:
    """What crosses for steps that run one after the other in so many chunks."""
    regions = [Region([Group([step], 0, 0)]) for step, _ in steps]
    found = crossing(regions, dict(steps), threads)
    return [found[step] for step, _ in steps]


def test_what_is_cut_in_the_same_place_stays_where_it_is() -> None:
    """But for a chunk that another thread runs this time."""
    place = buffer()
    write, read = step("fill", whole(place, True)), step("elementwise", whole(place))
    assert crossed((write, 8), (read, 8)) == [Crossing(0.0, SIZE / 8)] * 2


def test_what_is_cut_elsewhere_crosses() -> None:
    """The upper half is written by both in halves: its first half comes from the other's cache,
    and goes back.
    """
    place = buffer()
    write = step("fill", whole(place, True))
    upper = step("fill", whole(place, True, SIZE // 2))
    assert [each.bytes for each in crossed((write, 4), (upper, 4))] == [SIZE / 4, SIZE / 4]


@pytest.mark.parametrize("threads", [2, 4])
def test_what_all_chunks_read_comes_to_every_thread_once(threads: int) -> None:
    """Weights: written part by part, read by all; then their copies end where they are written."""
    place = buffer()
    update, product = step("elementwise", whole(place, True)), step("gemm", whole(place))
    again = step("gemm", whole(place))
    found = crossed((update, 8), (product, 8), (again, 8), threads=threads)
    others = 1 - 1 / threads
    assert [each.bytes for each in found] == [others * SIZE, (threads - 1) * SIZE, 0.0]


def test_a_single_chunk_is_anywhere() -> None:
    """Half of what it reads is with the other thread; of what its own group wrote, nothing."""
    place, other = buffer(), buffer()
    one, two = step("fill", whole(place, True)), step("elementwise", whole(place))
    assert [each.bytes for each in crossed((one, 1), (two, 1))] == [SIZE / 2] * 2
    first, then = step("fill", whole(other, True)), step("elementwise", whole(other))
    region = Region([Group([first, then], 0, 0)])
    assert crossing([region], {first: 1, then: 1}, 2)[then].bytes == 0.0


def team(**numbers: float) -> Teamwork:
    """Threads that wait for nobody, but for what is given."""
    given: dict[str, Any] = {"slower": 1.0, "barrier": 0.0, "claim": 0.0} | numbers
    return Teamwork(reach=REACH, **given)


def test_chunks_are_shared_out_as_threads_become_free() -> None:
    """Times in whole seconds: nine of one second on two threads, after one of three that the first
    thread has; the last ends a quarter of a chunk later than alike chunks would.
    """
    single, many = Piece(1, 3.0, 0.0, 0.0), Piece(9, 9.0, 0.0, 0.0)
    assert together([[single]], team(), 2) == 3.0
    assert together([[many]], team(), 2) == 5.25
    assert together([[single, many]], team(), 2) == 6.25
    assert together([[single], [many]], team(barrier=0.5), 2) == 3.0 + 5.25 + 1.0
    assert together([[single, single]], team(), 2) == 3.0
    assert together([[many]], team(slower=2.0), 2) == 10.5


def test_many_chunks_end_nearly_together() -> None:
    """Half the time on two threads, whatever was there before."""
    thousand = Piece(1000, 1000.0, 0.0, 0.0)
    assert together([[thousand]], team(), 2) == pytest.approx(500.25)
    assert together([[Piece(1, 100.0, 0.0, 0.0), thousand]], team(), 2) == pytest.approx(550.25)


def test_claims_and_bytes_that_cross_take_time() -> None:
    """Each chunk its claim; bytes of all; those of two chunks that another thread runs."""
    piece = Piece(4, 8.0, 12.0, 3.0)
    assert together([[piece]], team(cross=1.0), 2) == 2 * 5.0 + 1.25
    assert together([[piece]], team(cross=1.0, moved=2.0), 2) == 2 * 6.5 + 6.5 / 4
    assert together([[piece]], team(claim=1.0), 2) == 2 * 3.0 + 0.75


def test_chunks_of_next_to_nothing_are_run_by_the_first_thread() -> None:
    """Sharing them out would take longer than all of them."""
    assert together([[Piece(16, 1.0, 0.0, 0.0)]], team(claim=1.0), 2) == 2.0


def test_numbers_are_found_from_what_they_make() -> None:
    """Unless nothing depends on one: then it stays where it was."""
    true = np.array([2.0, 5e-7, 3.0])

    def told(numbers: Array) -> Array:
        return np.array([numbers[0] * k + 1e6 * numbers[1] / k for k in range(1, 6)])

    start, trust = np.array([1.0, 1e-7, 4.0]), np.full(3, 1e-3)
    found = settled(lambda numbers: np.log(told(numbers) / told(true)), start, trust)
    assert found[:2] == pytest.approx(true[:2], rel=0.01)
    assert found[2] == pytest.approx(4.0)


def test_a_team_is_found_again_from_the_nets_it_runs() -> None:
    """Plans of many kinds, each in the time that a made-up team would take."""
    true = team(slower=1.1, barrier=2e-6, claim=3e-7, cross=1.5e-10, moved=2.0)
    pieces: list[Pieces] = []
    for name in ("W1", "W3", "W5", "W6", "digits-mlp", "residual-deep", "char-lstm"):
        planned = Sketch(Model(WORKLOADS[name].graph()), PlanOptions(threads=2))
        plan = planned.planned("train/0", WORKLOADS[name].batch).planned
        spent = {each: 1e-9 * each.bytes() / 16 + 1e-11 * each.flops for each in plan.steps()}
        chunks = {each: 8 if each.samples else 1 for each in plan.steps()}
        pieces.append(shares(plan, spent, chunks, 2))
    wanted = [1e-6 + together(each, true, 2) for each in pieces]
    found = teams.team(pieces, wanted, 2, 1e-6, REACH)
    told = [1e-6 + together(each, found, 2) for each in pieces]
    assert told == pytest.approx(wanted, rel=0.03)
    assert found.cross == pytest.approx(true.cross, rel=0.4)


def test_rows_are_corrected_by_the_whole() -> None:
    """The look at the clock goes, what is left is as much as the step took; no row is left with
    nothing.
    """

    def net(rows: list[float], chunks: list[int], seconds: float) -> teams.Whole:
        probe: Any = None
        place = step("fill")
        parts = [Part(place, Work("fill", count, {}), ()) for count in chunks]
        return teams.Whole(probe, parts, np.array(rows), seconds)

    three = [4.0, 10.0, 1.0], [1, 4, 2]
    plain = net(*three, 0.0).corrected(step=1.0, look=1.0)
    assert plain == pytest.approx([3.0, 6.0, 0.2])
    assert net(*three, 10.2).corrected(step=1.0, look=1.0) == pytest.approx(plain)
    assert net(*three, 19.4).corrected(step=1.0, look=1.0).sum() == pytest.approx(18.4)
    nets = [
        net([r], [c], 1e-7 + r - 2e-8 * c)
        for r, c in ((2e-6, 12), (2e-5, 92), (3e-5, 500), (8e-5, 66))
    ]
    whole_step, look = teams.besides(nets)
    assert whole_step == pytest.approx(1e-7, rel=0.2)
    assert look == pytest.approx(2e-8, rel=0.05)


def test_a_call_that_is_not_worth_waking_others_is_foretold_for_one_thread() -> None:
    """As it will run: small plans, calls of few steps, phases that take turns."""

    def threads(name: str, batches: int) -> int:
        model = Model(load(example_path(name)))
        batch = batch_size(model.graph)
        data = Data(batches * batch, 0, 0, 0, False)
        return costs(model, data, Sketch(model, PlanOptions(threads=2)), machine()).threads

    assert threads("digits-mlp", 10_000) == 1
    assert threads("vanishing", 1) == 1
    assert threads("vanishing", 50) == 2
    assert threads("exploding", 50) == 1
    assert threads("digits-cnn", 1) == 2


def test_phases_that_take_turns_are_called_for_each_step() -> None:
    """Two of them: 2 · 10 calls an epoch."""
    model = Model(load(example_path("exploding")))
    plan, data = (
        Sketch(model, PlanOptions(threads=2)),
        Data(10 * batch_size(model.graph), 0, 0, 0, False),
    )
    told = [costs(model, data, plan, replace(machine(), turn=turn)).epoch for turn in (0.0, 1.0)]
    assert None not in told
    assert float(told[1] or 0.0) - float(told[0] or 0.0) == pytest.approx(20.0)
