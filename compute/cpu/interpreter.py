"""The tape interpreter: native code that every thread of a run executes, calling kernels by
address.

Threads claim the chunks of a group and count them done; a barrier waits for chunks, never for
threads. So a thread that the operating system has put aside between two chunks holds nobody up: the
others do its share, and when it comes back it finds its claims taken and catches up. One that was
put aside within a chunk gets the processor of one that waits for it.
"""

from __future__ import annotations

from compute.cpu.claims import LAST_EPOCH, claim, claim_next, wait
from compute.cpu.kernels.system import thread_number
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
    pause,
    restore_control,
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
    HELPER_ENTRY,
    HELPER_PLACE,
    HELPER_TURNS,
    JOB_EPOCH,
    JOB_FIRST,
    JOB_NUMBER,
    JOB_ROWS,
    JOB_STEPS,
    JOB_SYNC,
    JOB_TAPE,
    JOB_THREADS,
    JOB_TID,
    JOB_WORDS,
    NEVER,
    NONE,
    OFFERED,
    OWN_COUNTER,
    PLACE_INTERPRETER,
    PLACE_JOB,
    PLACE_NEXT,
    ROW_BYTES,
    SYNC_BAD_STEP,
    SYNC_HELPERS,
    SYNC_PROFILE,
    SYNC_STEPS_DONE,
    SYNC_STOP,
    SYNC_STOP_AFTER,
    SYNC_THREADS,
    SYNC_TURN,
    TAKEN,
    WORD,
)
from compute.cpu.waiting import SPINS, note_walker, stand_by

INTERPRETER = "interpreter"
KERNEL, GROUP, BARRIER, BREAK, EVERY = range(5)


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
        chunk = claim_next(counter, chunks, tid)


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
def clear_counters(tape: int, rows: int) -> None:
    """Zeroes every counter."""
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


@device
def word_of(job: int, index: int) -> int:
    """A word of a job."""
    return get_word(job + index * WORD)


def interpret(job: int) -> None:
    """Runs the job's steps, with its threads - 1 helpers as far as they come; or is such a helper.

    Subnormal numbers are taken as 0: the moments of an optimizer end in them when a net has learned
    all of its data by heart, and a step with them takes more than twice as long.
    """
    before = flush_subnormals()
    if word_of(job, JOB_TID) < 0:
        help_others(
            word_of(job, HELPER_PLACE), word_of(job, HELPER_TURNS), word_of(job, HELPER_ENTRY)
        )
    else:
        sync = word_of(job, JOB_SYNC)
        atomic_set(sync + SYNC_STOP_AFTER * WORD, NEVER)
        atomic_set(sync + SYNC_STEPS_DONE * WORD, 0)
        atomic_set(sync + SYNC_BAD_STEP * WORD, -1)
        if word_of(job, JOB_THREADS) == 1:
            do_job(job)
        else:
            lead(job, sync)
    restore_control(before)


@device
def do_job(job: int) -> None:
    """One thread's part of a job."""
    run_steps(
        word_of(job, JOB_TAPE), word_of(job, JOB_ROWS), word_of(job, JOB_FIRST),
        word_of(job, JOB_STEPS), word_of(job, JOB_TID), word_of(job, JOB_THREADS),
        word_of(job, JOB_SYNC), word_of(job, JOB_EPOCH),
    )  # fmt: skip


@device
def lead(job: int, sync: int) -> None:
    """Offers the run to the helpers and runs it; returns when none of them is at it any more."""
    threads, epoch = word_of(job, JOB_THREADS), word_of(job, JOB_EPOCH)
    if epoch == 0 or epoch + word_of(job, JOB_STEPS) > LAST_EPOCH:
        epoch = 0
        clear_counters(word_of(job, JOB_TAPE), word_of(job, JOB_ROWS))
        set_word(job + JOB_EPOCH * WORD, epoch)
    set_word(sync + SYNC_TURN * WORD, 0)
    set_word(sync + SYNC_THREADS * WORD, threads)
    place = get_word(sync + SYNC_HELPERS * WORD)
    for tid in range(1, threads):
        given = place + PLACE_JOB * WORD
        for index in range(JOB_WORDS):
            set_word(given + index * WORD, word_of(job, index))
        set_word(given + JOB_TID * WORD, tid)
        atomic_set(place, OFFERED)
        place = get_word(place + PLACE_NEXT * WORD)
    note_walker(0, word_of(job, JOB_NUMBER), sync)
    do_job(job)
    note_walker(0, 0, sync)
    set_word(job + JOB_EPOCH * WORD, epoch + word_of(job, JOB_STEPS))
    place = get_word(sync + SYNC_HELPERS * WORD)
    for _ in range(1, threads):
        dismiss(place, sync)
        place = get_word(place + PLACE_NEXT * WORD)


@device
def dismiss(place: int, sync: int) -> None:
    """Takes an offer back, or waits for the helper that has taken it."""
    turns, looks = 0, 0
    while True:
        offer = atomic_get(place)
        if offer == NONE or (offer == OFFERED and atomic_swap(place, OFFERED, NONE)):
            return
        turns += 1
        if turns < SPINS:
            pause()
        else:
            turns = 0
            looks += 1
            stand_by(looks, 0, sync)


@device
def help_others(place: int, patience: int, interpreter: int) -> None:
    """Takes what is offered at the place; returns when nothing was for so many turns, or a job for
    another interpreter.
    """
    turns, number = 0, thread_number()
    while turns < patience:
        if atomic_get(place) == OFFERED and atomic_swap(place, OFFERED, TAKEN):
            if get_word(place + PLACE_INTERPRETER * WORD) != interpreter:
                atomic_set(place, OFFERED)
                return
            job = place + PLACE_JOB * WORD
            tid, sync = word_of(job, JOB_TID), word_of(job, JOB_SYNC)
            note_walker(tid, number, sync)
            do_job(job)
            note_walker(tid, 0, sync)
            atomic_set(place, NONE)
            turns = 0
        pause()
        turns += 1


@device
def run_steps(
    tape: int, rows: int, first: int, steps: int, tid: int, threads: int, sync: int, before: int
) -> None:
    """The part of one thread in a run; `before` is the last epoch before it."""
    step = first
    while step < first + steps and step <= atomic_get(sync + SYNC_STOP_AFTER * WORD):
        if threads == 1:
            if run_step_alone(tape, rows, step, sync) != 0:
                return
            end_step(step, first, sync)
        else:
            epoch = before + step - first + 1
            if run_step(tape, rows, step, epoch, tid, sync) != 0:
                return
            if step == first + steps - 1:  # nobody goes on: the leading thread waits for the others
                if tid == 0:
                    end_step(step, first, sync)
                return
            turn = sync + SYNC_TURN * WORD
            if claim(turn, epoch, 1, tid) == 0:
                end_step(step, first, sync)
                atomic_add(turn, 1)
            wait(turn, epoch, 1, tid, sync)
        # A thread that was put aside finds itself behind here and goes on where the others are.
        step = max(step + 1, first + atomic_get(sync + SYNC_STEPS_DONE * WORD))
