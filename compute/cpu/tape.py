"""Layout of a tape: the int64 rows that the interpreter walks, and the sync block its threads
share.

This is the one place that planner, verifier, interpreter and thread team agree on. Everything is
counted in int64 words unless the name says bytes. A tape is one contiguous array of rows of
`ROW_WORDS` words.
"""

from __future__ import annotations

from enum import IntEnum

WORD = 8
ROW_WORDS = 40
ROW_BYTES = ROW_WORDS * WORD
HEADER_WORDS = 6
MAX_ARGUMENTS = ROW_WORDS - HEADER_WORDS
CACHE_LINE = 64


class Control(IntEnum):
    """What a row does (word 0)."""

    KERNEL = 0
    """Inside a group: one of its kernels. Outside: a group of its own with one chunk; one thread
    runs it.
    """
    GROUP = 1
    """The next `GROUP_SIZE` rows are kernels; threads claim chunks and run all of them on each
    chunk.
    """
    BARRIER = 2
    """Nothing after it starts before everything since the last barrier is done. The end of the tape
    is one.
    """
    BREAK_IF_NOT_FINITE = 3
    """Leave the run when the real at address word `BREAK_ADDRESS` is infinite or NaN. The value
    must have been written before the last barrier. Is a barrier itself."""
    EVERY = 4
    """Skip the next `EVERY_SKIP` rows unless `(step + EVERY_PHASE) % EVERY_PERIOD == 0`."""


# Header words of a row.
CONTROL = 0
FUNCTION = 1  # KERNEL: address of the kernel function
GROUP_SIZE = 1  # GROUP: how many kernel rows follow and belong to it
GROUP_CHUNKS = 2  # GROUP: number of chunks, at most MAX_CHUNKS
GROUP_COUNTER = 3  # GROUP: address of a cache line of its own, in which the interpreter counts
OWN_COUNTER = 3  # KERNEL outside a group, BREAK_IF_NOT_FINITE: the interpreter counts here
CYCLES = 4  # profile mode: cycles spent, accumulated
CALLS = 5  # profile mode: kernel calls, accumulated
ARGUMENTS = HEADER_WORDS  # first argument word of a kernel row

MAX_CHUNKS = 2**20 - 1
MAX_STEPS = 2**22  # steps of one call of the interpreter
NEVER = 2**62  # a step that no run reaches

# Arguments of control rows.
BREAK_ADDRESS = ARGUMENTS
EVERY_PERIOD = ARGUMENTS
EVERY_SKIP = ARGUMENTS + 1
EVERY_PHASE = ARGUMENTS + 2

# The sync block: words on cache lines of their own where threads write them.
SYNC_TURN = 0  # the interpreter's counter at the end of a step
SYNC_STOP = 8  # set non-zero by anyone: all threads leave after the same step
SYNC_STOP_AFTER = 16  # the agreed last step; the interpreter's own
SYNC_STEPS_DONE = 24  # steps completed in this run, readable while it runs
SYNC_BAD_STEP = 32  # step at which BREAK_IF_NOT_FINITE left, or -1
SYNC_PROFILE = 40  # non-zero: accumulate CYCLES and CALLS (single thread only)
SYNC_HELPERS = 41  # address of the first helper's place
SYNC_THREADS = 48  # threads of this run
SYNC_NUMBERS = 56  # one word a thread: the system's number of it while it walks the tape, else 0
MAX_WATCHED = 64  # threads that others look after
SYNC_WORDS = SYNC_NUMBERS + MAX_WATCHED

# A job: what the interpreter is called with.
JOB_TAPE = 0
JOB_ROWS = 1
JOB_FIRST = 2  # step number
JOB_STEPS = 3
JOB_TID = 4  # or HELPER: a thread that has no job yet
JOB_THREADS = 5
JOB_SYNC = 6
JOB_NUMBER = 7  # the system's number of the calling thread, when others run beside it
JOB_EPOCH = 8  # the last that the tape's counters have seen; 0: they may hold anything
JOB_WORDS = 9
HELPER = -1
HELPER_PLACE, HELPER_TURNS, HELPER_ENTRY = range(3)  # words of a job whose tid is HELPER

# A helper's place: where the leading thread of a run leaves a job for it.
PLACE_OFFER = 0  # NONE, OFFERED or TAKEN
PLACE_NEXT = 8  # address of the next helper's place
PLACE_INTERPRETER = 9  # address of the one that the job is for
PLACE_JOB = 16
PLACE_WORDS = PLACE_JOB + JOB_WORDS

NONE, OFFERED, TAKEN = range(3)
