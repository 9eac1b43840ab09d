"""Larger pieces of vector code: one elementwise operation over a block, a block transpose, random
numbers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from compute import philox
from compute.cpu import vecmath
from compute.cpu.kernels.opcodes import OPCODES, Opcode
from compute.cpu.tiles import counted, load, store
from compute.cpu.vector import I32, I64, Emitter, Vec

UNROLL = 4


def emit_operation(e: Emitter, code: Any, target: Any, *rest: Any) -> None:
    """target[i] = operation `code` of a[i], b[i], c[i], d[i] over `count` whole vectors.

    `rest` is a, b, c, d, each an address and a byte step from vector to vector (0 repeats one),
    then count, then the address and number of the streams that slow operations fetch.
    """
    *sources, count, streams, stream_count = rest
    done = e.b.function.append_basic_block("done")
    switch = e.b.switch(code, done)
    for opcode in OPCODES.values():
        block = e.b.function.append_basic_block("operation")
        switch.add_case(ir.Constant(I64, opcode.code), block)
        e.b.position_at_end(block)
        fetch = (streams, stream_count) if opcode.slow else None
        _cases(e, opcode, target, sources, count, fetch)
        e.b.branch(done)
    e.b.position_at_end(done)


def _fetch(e: Emitter, streams: Any, stream_count: Any, offset: Any) -> None:
    """Asks for the cache lines `offset` bytes into each stream."""
    byte = ir.IntType(8).as_pointer()
    function = e.declare("llvm.prefetch.p0", ir.VoidType(), [byte, I32, I32, I32])
    read, into_l1, data = (ir.Constant(I32, value) for value in (0, 3, 1))
    with counted(e.b, stream_count) as stream:
        at = e.b.add(streams, e.b.mul(stream, ir.Constant(I64, 8)))
        start = e.b.load(e.b.inttoptr(at, I64.as_pointer()), typ=I64)
        line = e.b.inttoptr(e.b.add(start, offset), byte)
        e.b.call(function, [line, read, into_l1, data])


Fetch = tuple[Any, Any] | None


def _cases(
    e: Emitter, opcode: Opcode, target: Any, sources: list[Any], count: Any, fetch: Fetch
) -> None:
    """The operation's loop, and a second one for when its usual scalars are scalars."""
    if not opcode.scalars:
        _loop(e, opcode, target, sources, {}, count, fetch)
        return
    zero = ir.Constant(I64, 0)
    steps = [sources[2 * i + 1] for i in opcode.scalars]
    all_steps = steps[0]
    for step in steps[1:]:
        all_steps = e.b.or_(all_steps, step)
    with e.b.if_else(e.b.icmp_signed("==", all_steps, zero)) as (scalar, general):
        with scalar:
            held = {i: Vec(e, load(e, sources[2 * i])) for i in opcode.scalars}
            _loop(e, opcode, target, sources, held, count, fetch)
        with general:
            _loop(e, opcode, target, sources, {}, count, fetch)


def _loop(
    e: Emitter, opcode: Opcode, target: Any, sources: list[Any], held: dict[int, Vec], count: Any,
    fetch: Fetch,
) -> None:  # fmt: skip
    """The operation over `count` vectors, several a turn so that the loop itself costs little.

    `held` are sources already in registers.
    """

    def one(index: Any) -> None:
        values = []
        for source in range(opcode.arity):
            address, step = sources[2 * source : 2 * source + 2]
            at = e.b.add(address, e.b.mul(index, step))
            values.append(held[source] if source in held else Vec(e, load(e, at)))
        result = opcode.emit(e, vecmath, *values)
        offset = e.b.mul(index, ir.Constant(I64, e.item * e.lanes))
        store(e, e.b.add(target, offset), result.v)
        if fetch:
            _fetch(e, *fetch, offset)

    unroll = 1 if opcode.slow else UNROLL
    turns = e.b.sdiv(count, ir.Constant(I64, unroll))
    with counted(e.b, turns) as turn:
        start = e.b.mul(turn, ir.Constant(I64, unroll))
        for i in range(unroll):
            one(e.b.add(start, ir.Constant(I64, i)))
    if unroll > 1:
        start = e.b.mul(turns, ir.Constant(I64, unroll))
        with counted(e.b, e.b.sub(count, start)) as index:
            one(e.b.add(start, index))


def emit_transpose(e: Emitter, source: Any, source_row: Any, target: Any, target_row: Any) -> None:
    """Transposes a block of lanes × lanes by log2(lanes) rounds of interleaving rows i and i +
    lanes/2.
    """
    n, half = e.lanes, e.lanes // 2
    kind = ir.VectorType(I32, n)
    order = [x for i in range(n) for x in (i, n + i)]
    low, high = (ir.Constant(kind, part) for part in (order[:n], order[n:]))

    def at(base: Any, stride: Any, i: int) -> Any:
        return e.b.add(base, e.b.mul(stride, ir.Constant(I64, i)))

    rows = [load(e, at(source, source_row, i)) for i in range(n)]
    for _ in range(n.bit_length() - 1):
        pairs = [(rows[i], rows[i + half]) for i in range(half)]
        rows = [e.b.shuffle_vector(a, b, mask) for a, b in pairs for mask in (low, high)]
    for i, row in enumerate(rows):
        store(e, at(target, target_row, i), row)


def emit_philox(e: Emitter, target: Any, block: Any, step: Any, stream: Any, seed: Any) -> None:
    """Stores the 4·lanes uniform numbers of blocks block … block+lanes-1 at `target`
    (compute.philox).
    """
    b = e.b
    kind = ir.VectorType(I32, e.lanes)
    wide = ir.VectorType(I64, e.lanes)
    thirty_two = ir.Constant(I64, 32)

    def spread(value: Any) -> Any:
        return e.splat(b.trunc(value, I32), kind)

    def every(value: int) -> Any:
        return ir.Constant(kind, [value] * e.lanes)

    def multiply(x: Any, factor: int) -> tuple[Any, Any]:
        product = b.mul(b.zext(x, wide), ir.Constant(wide, [factor] * e.lanes))
        high = b.lshr(product, ir.Constant(wide, [32] * e.lanes))
        return b.trunc(high, kind), b.trunc(product, kind)

    iota = ir.Constant(kind, list(range(e.lanes)))
    c = [b.add(spread(block), iota), spread(step), spread(stream)]
    c.append(spread(b.lshr(stream, thirty_two)))
    k0, k1 = spread(seed), spread(b.lshr(seed, thirty_two))
    for _ in range(philox.ROUNDS):
        high0, low0 = multiply(c[0], philox.MULTIPLIERS[0])
        high1, low1 = multiply(c[2], philox.MULTIPLIERS[1])
        c = [b.xor(b.xor(high1, c[1]), k0), low1, b.xor(b.xor(high0, c[3]), k1), low0]
        k0, k1 = b.add(k0, every(philox.WEYL[0])), b.add(k1, every(philox.WEYL[1]))
    for i, part in enumerate(_interleave(e, [_unit(e, word, every(8)) for word in c])):
        store(e, b.add(target, ir.Constant(I64, i * e.lanes * e.item)), part)


def _unit(e: Emitter, word: Any, shift: Any) -> Any:
    """32 random bits as a multiple of 2**-24 in [0, 1)."""
    real = e.b.uitofp(e.b.lshr(word, shift), e.type)
    return e.b.fmul(real, ir.Constant(e.type, [2.0**-24] * e.lanes))


def _interleave(e: Emitter, parts: list[Any]) -> list[Any]:
    """Vectors w0 … w3 as one sequence w0[0] w1[0] w2[0] w3[0] w0[1] …, cut into four vectors."""
    n = e.lanes
    order = [x for i in range(n) for x in (i, n + i)]
    kind = ir.VectorType(I32, n)
    masks = [ir.Constant(kind, part) for part in (order[:n], order[n:])]

    def zip_(a: Any, b: Any) -> list[Any]:
        return [e.b.shuffle_vector(a, b, mask) for mask in masks]

    even, odd = zip_(parts[0], parts[2]), zip_(parts[1], parts[3])
    return [piece for a, b in zip(even, odd, strict=True) for piece in zip_(a, b)]
