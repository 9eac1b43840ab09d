"""The tape interpreter: native code that every thread of a run executes, calling kernels by
address.

Threads claim the chunks of a group and count them done; a barrier waits for chunks, never for
threads. So a thread that the operating system has put aside between two chunks holds nobody up: the
others do its share, and when it comes back it finds its claims taken and catches up. One that was
put aside within a chunk gets the processor of one that waits for it. One 64-bit word a group
holds the epoch (step of this run, from 1), the chunks claimed and the chunks done; only a group
that is done is moved to the next epoch.
"""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import (
    atomic_add,
    atomic_get,
    atomic_set,
    atomic_swap,
    call,
    cycles,
    device,
    flush_subnormals,
    get_word,
    is_finite_real,
    nap,
    pause,
    processor_time,
    restore_control,
    set_word,
    trade_places,
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
    MAX_CHUNKS,
    MAX_WATCHED,
    OWN_COUNTER,
    ROW_BYTES,
    SYNC_BAD_STEP,
    SYNC_NUMBERS,
    SYNC_PROFILE,
    SYNC_STEPS_DONE,
    SYNC_STOP,
    SYNC_STOP_AFTER,
    SYNC_THREADS,
    SYNC_TURN,
    WORD,
)

INTERPRETER = "interpreter"
SPINS = 6000  # turns of a waiting loop between two looks at the others: some 60 µs
GLANCE = 100  # turns in which a thread that has a processor is seen to use it
PATIENCE = 8  # looks before a waiting thread sleeps
NAP = 30  # µs; as systems sleep, some 100

KERNEL, GROUP, BARRIER, BREAK, EVERY = range(5)
CLAIMED, EPOCH = 20, 40  # bit positions in a counter word; chunks done are the low bits
END_BITS = 10  # of the chunks claimed from each end, in groups of at most MAX_END chunks
MAX_END = (1 << END_BITS) - 1
CLAIMED_BACK = CLAIMED + END_BITS


@device
def claim(counter: int, epoch: int, chunks: int, tid: int) -> int:
    """The next chunk of a group for this thread, or -1.

    Even threads claim from the front and odd ones from the back. So a thread gets about the same
    part of the flat parameters, gradients and moments in every group and step, and finds it in its
    own cache; the middle is still shared out as threads become free.
    """
    both_ends = chunks <= MAX_END
    back = both_ends and tid & 1 == 1
    one = 1 << CLAIMED_BACK if back else 1 << CLAIMED
    while True:
        word = atomic_get(counter)
        at = word >> EPOCH
        if at > epoch:
            return -1
        if at < epoch:
            if atomic_swap(counter, word, (epoch << EPOCH) | one):
                return chunks - 1 if back else 0
        else:
            front, behind = (word >> CLAIMED) & MAX_CHUNKS, 0
            if both_ends:
                front, behind = front & MAX_END, front >> END_BITS
            if front + behind >= chunks:
                return -1
            if atomic_swap(counter, word, word + one):
                return chunks - 1 - behind if back else front


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
def turn_sign(tid: int, sync: int) -> None:
    """Notes that this thread begins or ceases to walk the tape."""
    if tid < MAX_WATCHED:
        place = sync + (SYNC_NUMBERS + tid) * WORD
        atomic_set(place, -get_word(place))


@device
def stand_by(looks: int, tid: int, sync: int) -> None:
    """Gives its processor to a thread that was put aside, and sleeps when a wait is long.

    The system lets a thread wait behind another program, a window that paints, say, for as long as
    that takes, and wakes sleepers where they stood: all would wait for the one. So it goes on
    here, alone, and the one that has nothing to do waits in its place.
    """
    number = put_aside(tid, sync)
    if number > 0 or looks > PATIENCE:
        turn_sign(tid, sync)
        if number > 0:
            trade_places(number)
        if looks > PATIENCE:
            nap(NAP)
        turn_sign(tid, sync)


@device
def wait(counter: int, epoch: int, chunks: int, tid: int, sync: int) -> None:
    """Returns once the group's chunks of this epoch are done."""
    turns, looks = 0, 0
    while True:
        word = atomic_get(counter)
        at = word >> EPOCH
        if at > epoch or (at == epoch and (word & MAX_CHUNKS) >= chunks):
            return
        turns += 1
        if turns < SPINS:
            pause()
        else:
            turns = 0
            looks += 1
            stand_by(looks, tid, sync)


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
def run_group(row: int, tid: int, step: int, epoch: int) -> None:
    """Claims and runs chunks until none is left."""
    kernels = get_word(row + GROUP_SIZE * WORD)
    chunks = get_word(row + GROUP_CHUNKS * WORD)
    counter = get_word(row + GROUP_COUNTER * WORD)
    if chunks <= 0:
        return
    chunk = claim(counter, epoch, chunks, tid)
    while chunk >= 0:
        run_chunk(row, kernels, chunk, tid, step, 0)
        atomic_add(counter, 1)
        chunk = claim(counter, epoch, chunks, tid)


@device
def skipped(row: int, step: int) -> int:
    """Rows that an EVERY row leaves out in this step."""
    turn = step + get_word(row + EVERY_PHASE * WORD)
    if turn % get_word(row + EVERY_PERIOD * WORD) == 0:
        return 0
    return get_word(row + EVERY_SKIP * WORD)


@device
def wait_for_rows(
    tape: int, start: int, stop: int, step: int, epoch: int, tid: int, sync: int
) -> None:
    """Returns once everything in rows start … stop-1 is done for this step."""
    index = start
    while index < stop:
        row = tape + index * ROW_BYTES
        control = get_word(row)
        index += 1
        if control == GROUP:
            chunks = get_word(row + GROUP_CHUNKS * WORD)
            if chunks > 0:
                wait(get_word(row + GROUP_COUNTER * WORD), epoch, chunks, tid, sync)
            index += get_word(row + GROUP_SIZE * WORD)
        elif control == KERNEL:
            wait(row + OWN_COUNTER * WORD, epoch, 1, tid, sync)
        elif control == EVERY:
            index += skipped(row, step)


@device
def leaves(row: int, step: int, epoch: int, tid: int, sync: int) -> int:
    """Whether a BREAK row ends the run: one thread looks at the value, all act on what it found."""
    counter = row + OWN_COUNTER * WORD
    if claim(counter, epoch, 1, tid) == 0:
        if is_finite_real(get_word(row + BREAK_ADDRESS * WORD)) == 0:
            set_word(sync + SYNC_BAD_STEP * WORD, step)
        atomic_add(counter, 1)
    wait(counter, epoch, 1, tid, sync)
    return atomic_get(sync + SYNC_BAD_STEP * WORD) == step


@device
def run_step(tape: int, rows: int, step: int, epoch: int, tid: int, sync: int) -> int:
    """One walk over the tape beside other threads; 1 when a BREAK row ends the run."""
    index, segment = 0, 0
    while index < rows:
        row = tape + index * ROW_BYTES
        control = get_word(row)
        index += 1
        if control == GROUP:
            run_group(row, tid, step, epoch)
            index += get_word(row + GROUP_SIZE * WORD)
        elif control == KERNEL:
            if claim(row + OWN_COUNTER * WORD, epoch, 1, tid) == 0:
                run_kernel(row, 0, tid, step, 0)
                atomic_add(row + OWN_COUNTER * WORD, 1)
        elif control == EVERY:
            index += skipped(row, step)
        else:
            wait_for_rows(tape, segment, index - 1, step, epoch, tid, sync)
            segment = index
            if control == BREAK and leaves(row, step, epoch, tid, sync) != 0:
                return 1
    wait_for_rows(tape, segment, rows, step, epoch, tid, sync)
    return 0


@device
def run_step_alone(tape: int, rows: int, step: int, sync: int) -> int:
    """One walk over the tape on a single thread; 1 when a BREAK row ends the run."""
    profile = get_word(sync + SYNC_PROFILE * WORD)
    index = 0
    while index < rows:
        row = tape + index * ROW_BYTES
        control = get_word(row)
        index += 1
        if control == GROUP:
            kernels = get_word(row + GROUP_SIZE * WORD)
            for chunk in range(get_word(row + GROUP_CHUNKS * WORD)):
                run_chunk(row, kernels, chunk, 0, step, profile)
            index += kernels
        elif control == KERNEL:
            run_kernel(row, 0, 0, step, profile)
        elif control == EVERY:
            index += skipped(row, step)
        elif control == BREAK and is_finite_real(get_word(row + BREAK_ADDRESS * WORD)) == 0:
            set_word(sync + SYNC_BAD_STEP * WORD, step)
            return 1
    return 0


@device
def end_step(step: int, first: int, sync: int) -> None:
    """Counts the step as done; a wish to stop is granted here, by one thread for all."""
    if atomic_get(sync + SYNC_STOP * WORD) != 0:
        atomic_set(sync + SYNC_STOP_AFTER * WORD, step)
    atomic_set(sync + SYNC_STEPS_DONE * WORD, step - first + 1)


@device
def clear_counters(tape: int, rows: int, sync: int) -> None:
    """Zeroes every counter."""
    set_word(sync + SYNC_TURN * WORD, 0)
    index = 0
    while index < rows:
        row = tape + index * ROW_BYTES
        control = get_word(row)
        index += 1
        if control == GROUP:
            set_word(get_word(row + GROUP_COUNTER * WORD), 0)
            index += get_word(row + GROUP_SIZE * WORD)
        else:
            set_word(row + OWN_COUNTER * WORD, 0)


def interpret(
    tape: int, rows: int, first: int, steps: int, tid: int, threads: int, sync: int
) -> None:
    """Runs `steps` steps from step number `first` as thread `tid` of `threads`.

    Before a run on several threads it must be called once with steps = 0, which readies the
    counters. Subnormal numbers are taken as 0: the moments of an optimizer end in them when a net
    has learned all of its data by heart, and a step with them takes more than twice as long.
    """
    before = flush_subnormals()
    turn_sign(tid, sync)
    run_steps(tape, rows, first, steps, tid, threads, sync)
    turn_sign(tid, sync)
    restore_control(before)


@device
def run_steps(
    tape: int, rows: int, first: int, steps: int, tid: int, threads: int, sync: int
) -> None:
    """See `interpret`."""
    if steps == 0:
        clear_counters(tape, rows, sync)
    step = first
    while step < first + steps and step <= atomic_get(sync + SYNC_STOP_AFTER * WORD):
        if threads == 1:
            if run_step_alone(tape, rows, step, sync) != 0:
                return
            end_step(step, first, sync)
        else:
            epoch = step - first + 1
            if run_step(tape, rows, step, epoch, tid, sync) != 0:
                return
            turn = sync + SYNC_TURN * WORD
            if claim(turn, epoch, 1, tid) == 0:
                end_step(step, first, sync)
                atomic_add(turn, 1)
            wait(turn, epoch, 1, tid, sync)
        # A thread that was put aside finds itself behind here and goes on where the others are.
        step = max(step + 1, first + atomic_get(sync + SYNC_STEPS_DONE * WORD))
