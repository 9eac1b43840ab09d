"""Fused elementwise chains: a small vector program run over L1-sized blocks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.kernels.program import (
    BLOCK_BYTES,
    EDGE,
    INSTRUCTION_WORDS,
    MAX_OPERANDS,
    MAX_REGISTERS,
    OPERAND_WORDS,
    READ,
    SPACE,
    TABLE,
    WRITE,
    prepare,
    run_long,
    run_short,
)
from compute.cpu.kernels.vocabulary import ITEM, unpack
from compute.cpu.templates import Access, block, kernel, pieces, read_words

__all__ = [
    "INSTRUCTION_WORDS",
    "MAX_OPERANDS",
    "MAX_REGISTERS",
    "OPCODES",
    "OPERAND_WORDS",
    "READ",
    "WRITE",
    "Mode",
    "elementwise",
]


class Mode(IntEnum):
    """How an operand is addressed at (i0, i1, i2)."""

    DENSE = 0
    """address + i0·stride0 + i1·stride1 + i2·item; inner dimension contiguous"""
    ROW = 1
    """address + i0·stride0 + i1·stride1: one value for a whole inner row (read only)"""
    PERIODIC = 2
    """address + i0·stride0 + i1·stride1 + (i2 mod period)·item (read only)"""
    SCALAR = 3
    """the real at address (read only)"""
    TABLE = 4
    """the float64 at address + step·stride0 (read only)"""
    IMMEDIATE = 5
    """the float64 whose bits stand in the address word (read only)"""


def _extents(w: Any, item: int) -> Iterator[Access]:
    yield Access("operands", w.operands, 0, w.operand_count * OPERAND_WORDS * 8)
    yield Access("program", w.program, 0, w.program_count * INSTRUCTION_WORDS * 8)
    table = read_words(w.operands, w.operand_count * OPERAND_WORDS)
    for i in range(w.operand_count):
        address, mode, flags, s0, s1, _ = table[i * OPERAND_WORDS : (i + 1) * OPERAND_WORDS]
        write = bool(flags & WRITE)
        outer = (w.d0, s0), (w.d1, s1)
        match Mode(mode):
            case Mode.DENSE:
                yield block(f"operand{i}", address, *outer, (w.d2, item), item=item, write=write)
            case Mode.ROW:
                yield block(f"operand{i}", address, *outer, item=item)
            case Mode.PERIODIC:
                yield block(f"operand{i}", address, *outer, (w.period, item), item=item)
            case Mode.SCALAR:
                yield block(f"operand{i}", address, item=item)
            case Mode.TABLE:
                yield block(f"operand{i}", address, (w.steps, s0), item=8)
            case Mode.IMMEDIATE:
                pass


@kernel(
    "d0 d1 d2 period operands operand_count registers program program_count steps split size",
    extents=_extents,
    chunks=lambda w: pieces((w.d0, w.d1, w.d2)[w.split], w.size),
)
def elementwise(row: int, chunk: int, tid: int, step: int) -> None:
    """Runs `program` for every (i0, i1, i2) of d0×d1×d2.

    period           length after which PERIODIC operands repeat along d2 (divides d2), or 0 without
                     any
    operands         address of a table of `operand_count` (≤ 24) rows of OPERAND_WORDS int64:
                     address, mode (Mode), flags (READ 1, WRITE 2, both 3), stride0, stride1, 0
    registers        operands first (register i is operand i), then temporaries: the total number, ≤
                     48
    program          address of `program_count` rows of INSTRUCTION_WORDS int64: opcode
                     (OPCODES[name].code), destination register, source registers a, b, c, d (0
                     where unused). Only temporaries and WRITE operands may be destinations; a
                     destination may also be a source. Temporaries are undefined at first.
    steps            rows of the step tables TABLE operands point to (for the verifier)
    split, size      chunks of `size` along d0 (0), d1 (1) or d2 (2; a multiple of period, 64 is
                     best)
    Two operands may be the same memory (same address, mode and strides) if one is written; then no
    instruction may read the one after the other has been written. Other overlaps with a written
    operand are forbidden. Fastest when the rows of DENSE operands are contiguous (d0 = d1 = 1) or
    when d2 is at least some 128.
    """
    (
        d0, d1, d2, period, operands, operand_count, registers, program, program_count,
        steps, split, size,
    ) = unpack(row)  # fmt: skip
    table, edge = TABLE(), EDGE()
    prepare(table, SPACE(), operands, operand_count, registers, step)
    low, high = chunk * size, (chunk + 1) * size
    first0, last0 = (low, min(d0, high)) if split == 0 else (0, d0)
    first1, last1 = (low, min(d1, high)) if split == 1 else (0, d1)
    first2, last2 = (low, min(d2, high)) if split == 2 else (0, d2)
    length = last2 - first2
    if last1 - first1 == 1 or 2 * length * ITEM >= BLOCK_BYTES:
        for i0 in range(first0, last0):
            for i1 in range(first1, last1):
                run_long(
                    table, edge, operands, operand_count, program, program_count,
                    period, i0, i1, first2, last2,
                )  # fmt: skip
    else:
        for i0 in range(first0, last0):
            run_short(
                table, edge, operands, operand_count, program, program_count,
                period, i0, first1, last1, first2, length,
            )  # fmt: skip
