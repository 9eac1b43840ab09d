"""Tables of one call: sample numbers, host numbers and recorded scalars of each step."""

from __future__ import annotations

from dataclasses import dataclass

from compute.cpu.planner.views import Buffer

WORD = 8
MIN_STEPS, MAX_STEPS = 16, 1024
MAX_SAMPLES = 1 << 17


@dataclass
class Tables:
    """Buffers sized for `steps` steps; a longer run is several native calls.

    `index` int64 [steps, batch]; `numbers` float64 [steps, host columns]; `ring` float64
    [steps, ring_width]; `base` one int64: the run's number of the call's first step.
    """

    steps: int
    batch: int
    ring_width: int
    index: Buffer
    ring: Buffer
    base: Buffer
    numbers: Buffer

    @classmethod
    def make(cls, batch: int, ring_width: int) -> Tables:
        """Tables for batches of `batch` samples and `ring_width` scalar outputs."""
        steps = max(MIN_STEPS, min(MAX_STEPS, MAX_SAMPLES // max(1, batch)))
        return cls(
            steps,
            batch,
            ring_width,
            Buffer(steps * batch * WORD, "table", "samples"),
            Buffer(max(1, steps * ring_width) * WORD, "table", "ring"),
            Buffer(WORD, "table", "step number"),
            Buffer(0, "table", "numbers"),
        )

    def buffers(self) -> list[Buffer]:
        """Every buffer of the segment."""
        return [self.index, self.ring, self.base, self.numbers]
