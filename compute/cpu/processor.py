"""Words of the vocabulary that speak to the processor and the system: pauses, clocks, places.

On Linux a thread may ask how much time another has had, and move it; elsewhere those words do
nothing, and threads have no numbers.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

from llvmlite import ir

from compute.cpu.vector import I32, I64, Emitter

CPU_WORDS = 16  # of a set of processors
X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
LINUX = sys.platform == "linux" and (X86 or ARM)
THREAD_NUMBER = 186 if X86 else 178  # the system call; older C libraries have no function for it
FLUSH = 0x8040  # of the control word: subnormal results become 0, subnormal operands count as 0
# Elsewhere the cycle counter may not be read by programs; the steady one may.
COUNTER = "llvm.readcyclecounter" if X86 else "llvm.readsteadycounter"


def pause(e: Emitter) -> None:
    """Tells the CPU that this is a spinning loop."""
    if X86:
        e.b.call(e.declare("llvm.x86.sse2.pause", ir.VoidType(), []), [])


def nap(e: Emitter, microseconds: Any) -> None:
    """Sleeps."""
    e.b.call(e.declare("usleep", I32, [I32]), [e.b.trunc(microseconds, I32)])


def _block(e: Emitter, size: int) -> Any:
    """`size` int64 of the stack, zero."""
    kind = ir.ArrayType(I64, size)
    with e.b.goto_entry_block():
        block = e.b.alloca(kind)
    e.b.store(ir.Constant(kind, None), block)
    return block


def _bytes(e: Emitter, block: Any) -> Any:
    return e.b.bitcast(block, ir.IntType(8).as_pointer())


def thread_number(e: Emitter) -> Any:
    """The system's number of this thread; 0 where there is none."""
    if not LINUX:
        return ir.Constant(I64, 0)
    return e.b.call(e.declare("syscall", I64, [I64]), [ir.Constant(I64, THREAD_NUMBER)])


def processor_time(e: Emitter, thread: Any) -> Any:
    """Nanoseconds a thread has had on processors."""
    if not LINUX:
        return ir.Constant(I64, 0)
    # The clock of a thread is named by its number: see clock_getcpuclockid in the kernel's sources.
    clock = e.b.or_(
        e.b.shl(e.b.not_(e.b.trunc(thread, I32)), ir.Constant(I32, 3)), ir.Constant(I32, 6)
    )
    time = _block(e, 2)
    read = e.declare("clock_gettime", I32, [I32, ir.IntType(8).as_pointer()])
    e.b.call(read, [clock, _bytes(e, time)])
    seconds, rest = (
        e.b.load(e.b.gep(time, [ir.Constant(I32, 0), ir.Constant(I32, k)])) for k in (0, 1)
    )
    return e.b.add(e.b.mul(seconds, ir.Constant(I64, 10**9)), rest)


def trade_places(e: Emitter, thread: Any) -> None:
    """Moves a waiting thread here and this one elsewhere; both may then go where it might."""
    if not LINUX:
        return
    zero, size = ir.Constant(I64, 0), ir.Constant(I64, 8 * CPU_WORDS)
    kind = [I32, I64, ir.IntType(8).as_pointer()]
    read, write = (e.declare(f"sched_{way}affinity", I32, kind) for way in ("get", "set"))
    allowed, here, elsewhere = (_block(e, CPU_WORDS) for _ in range(3))
    other, self = e.b.trunc(thread, I32), ir.Constant(I32, 0)
    cpu = e.b.zext(e.b.call(e.declare("sched_getcpu", I32, []), []), I64)
    word = e.b.and_(e.b.lshr(cpu, ir.Constant(I64, 6)), ir.Constant(I64, CPU_WORDS - 1))
    bit = e.b.shl(ir.Constant(I64, 1), e.b.and_(cpu, ir.Constant(I64, 63)))
    known = e.b.call(read, [self, size, _bytes(e, allowed)])
    with e.b.if_then(e.b.icmp_signed(">=", known, ir.Constant(I32, 0))):
        e.b.store(bit, e.b.gep(here, [zero, word]))
        e.b.store(e.b.load(allowed), elsewhere)
        place = e.b.gep(elsewhere, [zero, word])
        e.b.store(e.b.and_(e.b.load(place), e.b.not_(bit)), place)
        for who, where in ((other, here), (other, allowed), (self, elsewhere), (self, allowed)):
            e.b.call(write, [who, size, _bytes(e, where)])


def flush_subnormals(e: Emitter) -> Any:
    """Takes subnormal numbers as 0 from now on; the control word of before."""
    if not X86:
        return ir.Constant(I64, 0)
    slot = e.b.alloca(I32)
    _control(e, "st", slot)
    before = e.b.load(slot)
    e.b.store(e.b.or_(before, ir.Constant(I32, FLUSH)), slot)
    _control(e, "ld", slot)
    return e.b.zext(before, I64)


def restore_control(e: Emitter, word: Any) -> None:
    """Sets the control word."""
    if X86:
        slot = e.b.alloca(I32)
        e.b.store(e.b.trunc(word, I32), slot)
        _control(e, "ld", slot)


def _control(e: Emitter, way: str, slot: Any) -> None:
    """Stores ("st") or loads ("ld") the control word of SSE and AVX."""
    kind = ir.IntType(8).as_pointer()
    e.b.call(
        e.declare(f"llvm.x86.sse.{way}mxcsr", ir.VoidType(), [kind]), [e.b.bitcast(slot, kind)]
    )
