"""The tape interpreter: native code that every thread of a run executes, calling kernels by address.

Threads claim the chunks of a group by an atomic counter. Two counters a group, used by turns from step to
step, let thread 0 clear the one of the next step while the present one is in use.
"""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import (
    atomic_add,
    atomic_get,
    atomic_set,
    call,
    cycles,
    device,
    get_word,
    give_way,
    is_finite_real,
    pause,
    set_word,
)
from compute.cpu.tape import (
    BREAK_ADDRESS,
    CALLS,
    CYCLES,
    EVERY_PERIOD,
    EVERY_PHASE,
    EVERY_SKIP,
    FUNCTION,
    GROUP_CHUNKS,
    GROUP_COUNTER,
    GROUP_SIZE,
    ROW_BYTES,
    SYNC_BAD_STEP,
    SYNC_BARRIER,
    SYNC_PROFILE,
    SYNC_STEPS_DONE,
    SYNC_STOP,
    SYNC_STOP_AFTER,
    WORD,
)

INTERPRETER = "interpreter"
SPINS = 2000  # turns of a waiting loop before it starts to give way

KERNEL, GROUP, BARRIER, BREAK, EVERY = range(5)


@device
def meet(sync: int, threads: int) -> None:
    """Returns once all threads have called it."""
    if threads == 1:
        return
    ticket = atomic_add(sync + SYNC_BARRIER * WORD, 1) + 1
    target = (ticket + threads - 1) // threads * threads
    turns = 0
    while atomic_get(sync + SYNC_BARRIER * WORD) < target:
        turns += 1
        if turns < SPINS:
            pause()
        else:
            give_way()


@device
def run_kernel(row: int, chunk: int, tid: int, step: int, profile: int) -> None:
    """Calls the kernel of a row, counting its cycles when profiling."""
    if profile == 0:
        call(get_word(row + FUNCTION * WORD), row, chunk, tid, step)
        return
    start = cycles()
    call(get_word(row + FUNCTION * WORD), row, chunk, tid, step)
    set_word(row + CYCLES * WORD, get_word(row + CYCLES * WORD) + cycles() - start)
    set_word(row + CALLS * WORD, get_word(row + CALLS * WORD) + 1)


@device
def run_chunk(row: int, kernels: int, chunk: int, tid: int, step: int, profile: int) -> None:
    """Runs every kernel of the group at `row` on one chunk."""
    for i in range(kernels):
        run_kernel(row + (i + 1) * ROW_BYTES, chunk, tid, step, profile)


@device
def clear_next(row: int, step: int) -> None:
    """Zeroes the counter that the group at `row` will use in the next step."""
    set_word(get_word(row + GROUP_COUNTER * WORD) + ((step + 1) & 1) * WORD, 0)


@device
def skip(row: int, rows: int, tid: int, step: int) -> None:
    """Leaves out the `rows` rows after `row`, doing only what they owe to the next step."""
    if tid == 0:
        for i in range(1, rows + 1):
            if get_word(row + i * ROW_BYTES) == GROUP:
                clear_next(row + i * ROW_BYTES, step)


@device
def run_group(row: int, tid: int, threads: int, step: int, profile: int) -> None:
    """Claims chunks until none is left."""
    kernels = get_word(row + GROUP_SIZE * WORD)
    chunks = get_word(row + GROUP_CHUNKS * WORD)
    if threads == 1:
        for chunk in range(chunks):
            run_chunk(row, kernels, chunk, tid, step, profile)
        return
    mine = get_word(row + GROUP_COUNTER * WORD) + (step & 1) * WORD
    if tid == 0:
        clear_next(row, step)
    chunk = atomic_add(mine, 1)
    while chunk < chunks:
        run_chunk(row, kernels, chunk, tid, step, profile)
        chunk = atomic_add(mine, 1)


@device
def run_step(tape: int, rows: int, step: int, tid: int, threads: int, sync: int) -> int:
    """One walk over the tape; 1 when a BREAK row found a value that is not finite."""
    profile = get_word(sync + SYNC_PROFILE * WORD)
    index = 0
    while index < rows:
        row = tape + index * ROW_BYTES
        control = get_word(row)
        index += 1
        if control == GROUP:
            run_group(row, tid, threads, step, profile)
            index += get_word(row + GROUP_SIZE * WORD)
        elif control == BARRIER:
            meet(sync, threads)
        elif control == KERNEL:
            if tid == 0:
                run_kernel(row, 0, tid, step, profile)
        elif control == BREAK:
            if is_finite_real(get_word(row + BREAK_ADDRESS * WORD)) == 0:
                return 1
        elif control == EVERY:
            turn = step + get_word(row + EVERY_PHASE * WORD)
            if turn % get_word(row + EVERY_PERIOD * WORD) != 0:
                skip(row, get_word(row + EVERY_SKIP * WORD), tid, step)
                index += get_word(row + EVERY_SKIP * WORD)
    return 0


@device
def clear_counters(tape: int, rows: int) -> None:
    """Zeroes both counters of every group."""
    for index in range(rows):
        row = tape + index * ROW_BYTES
        if get_word(row) == GROUP:
            counters = get_word(row + GROUP_COUNTER * WORD)
            set_word(counters, 0)
            set_word(counters + WORD, 0)


def interpret(
    tape: int, rows: int, first: int, steps: int, tid: int, threads: int, sync: int
) -> None:
    """Runs `steps` steps from step number `first` as thread `tid` of `threads`."""
    if threads > 1:
        if tid == 0:
            clear_counters(tape, rows)
        meet(sync, threads)
    for step in range(first, first + steps):
        if run_step(tape, rows, step, tid, threads, sync) != 0:
            if tid == 0:
                set_word(sync + SYNC_BAD_STEP * WORD, step)
            return
        # Thread 0 decides before the barrier. Should it be a step ahead when another thread looks, the
        # decision it may then have made names a later step, so all still leave after the same one.
        if tid == 0 and atomic_get(sync + SYNC_STOP * WORD) != 0:
            if atomic_get(sync + SYNC_STOP_AFTER * WORD) > step:
                atomic_set(sync + SYNC_STOP_AFTER * WORD, step)
        meet(sync, threads)
        if tid == 0:
            atomic_set(sync + SYNC_STEPS_DONE * WORD, step - first + 1)
        if atomic_get(sync + SYNC_STOP_AFTER * WORD) <= step:
            return
