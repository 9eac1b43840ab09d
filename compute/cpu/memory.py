"""Memory of a plan: page-aligned segments, checked against what is free first."""

from __future__ import annotations

import ctypes
import mmap
import os

import numpy as np

from compute.backend import Array

PAGE = mmap.PAGESIZE
MIB = 1 << 20
HUGE_PAGE = 2 << 20  # of x86 and most Arm systems; elsewhere only an alignment


class Segment:
    """Zeroed memory that starts on a page; every page is touched once, here.

    Private, and aligned for huge pages when it is large: passes over megabytes of weights and
    moments otherwise miss the translation buffer on every few lines.
    """

    def __init__(self, size: int) -> None:
        self.size = max(PAGE, in_pages(size))
        align = HUGE_PAGE if self.size >= HUGE_PAGE else PAGE
        self._map = mmap.mmap(-1, self.size + align, **_private())
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        whole = np.frombuffer(self._map, np.uint8)
        start = -int(whole.ctypes.data) % align
        self.bytes: Array = whole[start : start + self.size]
        self.bytes[::PAGE] = 0
        self.address = int(self.bytes.ctypes.data)

    def clear(self, offset: int, size: int) -> None:
        """Zeros from a byte on."""
        ctypes.memset(self.address + offset, 0, size)


def in_pages(size: int) -> int:
    """`size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def _private() -> dict[str, int]:
    """Python maps anonymous memory as shared by default, which gets no huge pages."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}
    return {}


def check_room(wanted: int, limit: int | None, what: str) -> None:
    """Raises MemoryError when `wanted` more bytes exceed the limit or what the machine has free."""
    room = available() if limit is None else limit
    if wanted > room:
        source = "free" if limit is None else "allowed"
        raise MemoryError(
            f"{what} needs {_text(wanted)}, {_text(room)} are {source}; make the batch smaller"
        )


class BudgetError(ValueError):
    """A training that cannot do with the memory it was given, whatever it computes anew.

    `smallest` are the bytes that will do.
    """

    def __init__(self, smallest: int, budget: int, what: str) -> None:
        self.smallest = smallest
        # rounded up and down, so that what is said to be enough is
        least, most = (-(-smallest * 100 // MIB)) / 100, budget * 100 // MIB / 100
        super().__init__(
            f"training settings, memory budget: found {least:.2f} MiB as the least that {what} can"
            f" do with, expected at most {most:.2f} MiB; raise the budget to that, set it to 0 for"
            " no limit, or make the batch smaller"
        )


def available() -> int:
    """Bytes the machine can give without swapping, as far as it says."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _text(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
