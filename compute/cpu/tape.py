"""Layout of a tape: the int64 rows that the interpreter walks, and the sync block its threads share.

This is the one place that planner, verifier, interpreter and thread team agree on. Everything is counted in
int64 words unless the name says bytes. A tape is one contiguous array of rows of `ROW_WORDS` words.
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
    """Outside a group: thread 0 runs the kernel once, with chunk 0. Inside a group: one of its kernels."""
    GROUP = 1
    """The next `GROUP_SIZE` rows are kernels; threads claim chunks and run all of them on each chunk."""
    BARRIER = 2
    """All threads meet. None is needed at the end of the tape: the interpreter always meets there."""
    BREAK_IF_NOT_FINITE = 3
    """Leave the run when the real at address word `BREAK_ADDRESS` is infinite or NaN. The value must have been
    written before the last barrier and must not be written again before the next one."""
    EVERY = 4
    """Skip the next `EVERY_SKIP` rows unless `(step + EVERY_PHASE) % EVERY_PERIOD == 0`."""


# Header words of a row.
CONTROL = 0
FUNCTION = 1  # KERNEL: address of the kernel function
GROUP_SIZE = 1  # GROUP: how many kernel rows follow and belong to it
GROUP_CHUNKS = 2  # GROUP: number of chunks
GROUP_COUNTER = 3  # GROUP: address of its own cache line, which the interpreter clears and counts in
CYCLES = 4  # profile mode: cycles spent, accumulated
CALLS = 5  # profile mode: kernel calls, accumulated
ARGUMENTS = HEADER_WORDS  # first argument word of a kernel row

# Arguments of control rows.
BREAK_ADDRESS = ARGUMENTS
EVERY_PERIOD = ARGUMENTS
EVERY_SKIP = ARGUMENTS + 1
EVERY_PHASE = ARGUMENTS + 2

# The sync block: words on cache lines of their own where threads write them.
SYNC_BARRIER = 0  # barrier tickets; cleared before every run
SYNC_STOP = 8  # set non-zero by anyone: all threads leave after the same step
SYNC_STOP_AFTER = 16  # the agreed last step; the interpreter's own
SYNC_STEPS_DONE = 24  # steps completed in this run, readable while it runs
SYNC_BAD_STEP = 32  # step at which BREAK_IF_NOT_FINITE left, or -1
SYNC_PROFILE = 40  # non-zero: accumulate CYCLES and CALLS (single thread only)
SYNC_WORDS = 48
