"""Chunks of a group: how threads claim them, count them done and wait for them.

One 64-bit word a group holds the epoch (steps that threads have done together, from 1), the chunks
claimed and the chunks done; only a group that is done is moved to the next epoch.
"""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import atomic_add, atomic_get, atomic_swap, device, pause
from compute.cpu.tape import MAX_CHUNKS
from compute.cpu.waiting import SPINS, stand_by

CLAIMED, EPOCH = 20, 40  # bit positions in a counter word; chunks done are the low bits
END_BITS = 10  # of the chunks claimed from each end, in groups of at most MAX_END chunks
MAX_END = (1 << END_BITS) - 1
CLAIMED_BACK = CLAIMED + END_BITS
LAST_EPOCH = (1 << (63 - EPOCH)) - 1
EAGER = 20  # turns of a waiting loop without a pause: most waits are over by then


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
def claim_next(counter: int, chunks: int, tid: int) -> int:
    """Counts a chunk of this thread as done and claims its next one, or -1.

    Both at once: what threads count in goes from one's cache to the other's each time.
    """
    both_ends = chunks <= MAX_END
    back = both_ends and tid & 1 == 1
    one = 1 << CLAIMED_BACK if back else 1 << CLAIMED
    while True:
        word = atomic_get(counter)
        front, behind = (word >> CLAIMED) & MAX_CHUNKS, 0
        if both_ends:
            front, behind = front & MAX_END, front >> END_BITS
        if front + behind >= chunks:
            atomic_add(counter, 1)
            return -1
        if atomic_swap(counter, word, word + one + 1):
            return chunks - 1 - behind if back else front


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
            if turns > EAGER:
                pause()
        else:
            turns = 0
            looks += 1
            stand_by(looks, tid, sync)
