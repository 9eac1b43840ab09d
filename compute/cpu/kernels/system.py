"""Words of the kernels' vocabulary that speak to the operating system about threads."""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import not_here, word


@word
def nap(microseconds: int) -> None:
    """Sleeps for a moment; the operating system may need it longer."""
    raise not_here()


@word
def thread_number() -> int:
    """The system's number of the calling thread; on Linux only, 0 elsewhere."""
    raise not_here()


@word
def processor_time(thread: int) -> int:
    """Time that a thread, by the system's number, has had on a processor; on Linux only."""
    raise not_here()


@word
def trade_places(thread: int) -> None:
    """Gives this processor to a thread that waits for one, and waits for another; on Linux only."""
    raise not_here()
