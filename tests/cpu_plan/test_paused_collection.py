"""The search for cycles is paused while planning, and goes on as it was."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from compute.collection import paused_collection


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
