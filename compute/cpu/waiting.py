"""What a thread does while it waits for another: it looks whether the other has a processor.

Each thread that walks a tape notes its number in the sync block, so that others can tell a long
chunk from one whose thread was put aside.
"""

from __future__ import annotations

from compute.cpu.kernels.system import nap, processor_time, trade_places
from compute.cpu.kernels.vocabulary import atomic_get, atomic_set, device, get_word, pause
from compute.cpu.tape import MAX_WATCHED, SYNC_NUMBERS, SYNC_THREADS, WORD

SPINS = 6000  # turns of a waiting loop between two looks at the others: some 60 µs
GLANCE = 100  # turns in which a thread that has a processor is seen to use it
PATIENCE = 8  # looks before a waiting thread sleeps
NAP = 30  # µs; as systems sleep, some 100


@device
def put_aside(tid: int, sync: int) -> int:
    """The system's number of a thread that walks the tape and has no processor, or 0."""
    for other in range(min(get_word(sync + SYNC_THREADS * WORD), MAX_WATCHED)):
        number = atomic_get(sync + (SYNC_NUMBERS + other) * WORD)
        if other != tid and number > 0:
            before = processor_time(number)
            for _ in range(GLANCE):
                pause()
            if processor_time(number) == before:
                return number
    return 0


@device
def note_walker(tid: int, number: int, sync: int) -> int:
    """Notes that a thread walks the tape, by the system's number, or with 0 that it does not; what
    stood there.
    """
    if tid >= MAX_WATCHED:
        return 0
    place = sync + (SYNC_NUMBERS + tid) * WORD
    before = get_word(place)
    atomic_set(place, number)
    return before


@device
def stand_by(looks: int, tid: int, sync: int) -> None:
    """Gives its processor to a thread that was put aside, and sleeps when a wait is long.

    The system lets a thread wait behind another program, a window that paints, say, for as long as
    that takes, and wakes sleepers where they stood: all would wait for the one. So it goes on
    here, alone, and the one that has nothing to do waits in its place.
    """
    number = put_aside(tid, sync)
    if number > 0 or looks > PATIENCE:
        mine = note_walker(tid, 0, sync)
        if number > 0:
            trade_places(number)
        if looks > PATIENCE:
            nap(NAP)
        note_walker(tid, mine, sync)
