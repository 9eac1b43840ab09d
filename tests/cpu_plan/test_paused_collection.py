"""The search for cycles is paused while planning, and goes on as it was."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.collection import paused_collection
from compute.cpu.plan import CpuPlan
from graph.lower import Model


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Collection runs before each test and goes on after it."""
    before = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if before else gc.disable)()


def test_it_ends_with_the_outermost_and_with_an_error() -> None:
    seen = []

    def fail() -> None:
        with paused_collection():
            with paused_collection():
                seen.append(gc.isenabled())
            seen.append(gc.isenabled())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen == [False, False]
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with paused_collection():
        pass
    assert not gc.isenabled()


def test_the_last_of_several_threads_resumes_it() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with paused_collection():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with paused_collection():
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_what_was_made_meanwhile_is_old_and_cycles_in_it_are_found() -> None:
    class Node:
        """Holds itself."""

        def __init__(self) -> None:
            self.own = self

    with paused_collection():
        made = [Node() for _ in range(5000)]
        lost = weakref.ref(Node())
    old = {id(each) for each in gc.get_objects(generation=2)}
    assert all(id(each) in old for each in made)
    assert lost() is not None
    gc.collect()
    assert lost() is None


def test_a_plan_holds_itself_by_no_cycle() -> None:
    """Else its memory would wait for a full collection."""
    plan = CpuPlan(Model(WORKLOADS["W2"].graph()), PlanOptions(threads=1), lambda *_: None)
    plan.prepare("train/0", 16)
    lost = weakref.ref(plan), weakref.ref(plan.engine), weakref.ref(plan.planned("train/0", 16))
    gc.collect()
    with paused_collection():
        del plan
        assert [each() for each in lost] == [None, None, None]
