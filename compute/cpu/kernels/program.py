"""Running an elementwise program over blocks: register table, staging of rows, partial vectors."""

from __future__ import annotations

from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Stack,
    as_float,
    device,
    first,
    get_double,
    get_real,
    get_word,
    load,
    load_masked,
    run_operation,
    set_word,
    splat,
    store,
    store_masked,
)

OPERAND_WORDS = 6  # address, mode, flags, stride0, stride1, 0
INSTRUCTION_WORDS = 6  # opcode, destination, a, b, c, d
MAX_OPERANDS = 24
MAX_REGISTERS = 48
READ, WRITE = 1, 2  # flags
DENSE, ROW, PERIODIC, SCALAR, STEPPED, IMMEDIATE = range(6)  # modes

BLOCK_BYTES = 4096  # of one register: long enough to hide dispatch, short enough for L1
SLOT = BLOCK_BYTES + 64  # whole vectors may run past the end of a block
SPACE = Stack(MAX_REGISTERS * SLOT)
EDGE = Stack(MAX_OPERANDS * 64)
TABLE = Stack(MAX_REGISTERS * 6 * 8)

# Fields of the register table, by register: its scratch block; where the present block starts;
# where the instructions find it; the step from vector to vector (0 repeats one); whether the block
# is the operand's own memory. STREAM lists, in no register's name, where next blocks lie.
SCRATCH, START, POINTER, STEP, DIRECT, STREAM = (field * MAX_REGISTERS * 8 for field in range(6))
OPERAND_BYTES, INSTRUCTION_BYTES = OPERAND_WORDS * 8, INSTRUCTION_WORDS * 8


@device
def run_program(table: int, program: int, count: int, vectors: int, streams: int) -> None:
    """Runs all instructions, each over `vectors` vectors, fetching `streams` blocks meanwhile."""
    for i in range(count):
        at = program + i * INSTRUCTION_BYTES
        target = get_word(table + POINTER + get_word(at + 8) * 8)
        a, b = table + get_word(at + 16) * 8, table + get_word(at + 24) * 8
        c, d = table + get_word(at + 32) * 8, table + get_word(at + 40) * 8
        run_operation(
            get_word(at), target, get_word(a + POINTER), get_word(a + STEP), get_word(b + POINTER),
            get_word(b + STEP), get_word(c + POINTER), get_word(c + STEP), get_word(d + POINTER),
            get_word(d + STEP), vectors, table + STREAM, streams,
        )  # fmt: skip


@device
def run_block(
    table: int, edge: int, operands: int, operand_count: int, program: int, count: int,
    elements: int,
) -> None:  # fmt: skip
    """Runs the program over the block of `elements` that the START fields name.

    The last, partial vector goes through `edge`: instructions only ever see whole vectors.
    """
    vectors, streams = elements // LANES, 0
    for i in range(operand_count):
        start = get_word(table + START + i * 8)
        set_word(table + POINTER + i * 8, start)
        # what is only written either lies where an operand is read from, or waits for nobody
        read = get_word(operands + i * OPERAND_BYTES + 16) & READ
        if get_word(table + DIRECT + i * 8) != 0 and read != 0:
            set_word(table + STREAM + streams * 8, start + vectors * VECTOR)
            streams += 1
    if vectors > 0:
        run_program(table, program, count, vectors, streams)
    if elements == vectors * LANES:
        return
    mask = first(elements - vectors * LANES)
    for i in range(operand_count):
        if get_word(table + STEP + i * 8) != 0:
            at = get_word(table + START + i * 8) + vectors * VECTOR
            if get_word(table + DIRECT + i * 8) != 0:
                store(edge + i * VECTOR, load_masked(at, mask))
                at = edge + i * VECTOR
            set_word(table + POINTER + i * 8, at)
    run_program(table, program, count, 1, 0)
    for i in range(operand_count):
        written = get_word(operands + i * OPERAND_BYTES + 16) & WRITE
        if get_word(table + DIRECT + i * 8) != 0 and written != 0:
            target = get_word(table + START + i * 8) + vectors * VECTOR
            store_masked(target, load(edge + i * VECTOR), mask)


@device
def copy_reals(source: int, target: int, count: int) -> None:
    """Copies `count` reals."""
    whole = count // LANES
    for i in range(whole):
        store(target + i * VECTOR, load(source + i * VECTOR))
    if whole * LANES != count:
        mask = first(count - whole * LANES)
        store_masked(target + whole * VECTOR, load_masked(source + whole * VECTOR, mask), mask)


@device
def repeat(source: int, target: int, offset: int, period: int, count: int) -> None:
    """target[j] = source[(offset + j) mod period] for j < count."""
    done = 0
    while done < count:
        phase = (offset + done) % period
        run = min(period - phase, count - done)
        copy_reals(source + phase * ITEM, target + done * ITEM, run)
        done += run


@device
def spread(source: int, target: int, count: int) -> None:
    """Writes the real at `source` `count` times, and on to the end of the last vector."""
    value = splat(get_real(source))
    for i in range((count + LANES - 1) // LANES):
        store(target + i * VECTOR, value)


@device
def prepare(
    table: int, space: int, operands: int, operand_count: int, registers: int, step: int
) -> None:
    """Gives every register its scratch block; broadcasts scalars."""
    for i in range(registers):
        scratch = space + i * SLOT
        set_word(table + SCRATCH + i * 8, scratch)
        set_word(table + START + i * 8, scratch)
        set_word(table + POINTER + i * 8, scratch)
        set_word(table + STEP + i * 8, VECTOR)
        set_word(table + DIRECT + i * 8, 0)
        if i < operand_count:
            operand = operands + i * OPERAND_BYTES
            address, mode = get_word(operand), get_word(operand + 8)
            if mode >= SCALAR:
                value = 0.0
                if mode == SCALAR:
                    value = get_real(address)
                elif mode == STEPPED:
                    value = get_double(address + step * get_word(operand + 24))
                else:
                    value = as_float(address)
                store(scratch, splat(value))
                set_word(table + STEP + i * 8, 0)


@device
def row_address(operand: int, i0: int, i1: int) -> int:
    """Address of an operand's row."""
    return get_word(operand) + i0 * get_word(operand + 24) + i1 * get_word(operand + 32)


@device
def block_length(period: int) -> int:
    """Elements of a block of a long row: whole periods, and whole vectors if it can be."""
    block = BLOCK_BYTES // ITEM
    if period <= 0 or period > block:
        return block
    whole = period
    while whole % LANES != 0 and whole + period <= block:
        whole += period
    if whole % LANES != 0:
        whole = period
    return block // whole * whole


@device
def stage_long(
    table: int, operands: int, operand_count: int, period: int, i0: int, i1: int, start: int,
    length: int,
) -> None:  # fmt: skip
    """What a long row needs before its first block: its scalar, its period written out."""
    for i in range(operand_count):
        operand = operands + i * OPERAND_BYTES
        mode = get_word(operand + 8)
        scratch = get_word(table + SCRATCH + i * 8)
        if mode == ROW:
            store(scratch, splat(get_real(row_address(operand, i0, i1))))
            set_word(table + STEP + i * 8, 0)
        elif mode == PERIODIC and period * ITEM <= BLOCK_BYTES:
            repeat(row_address(operand, i0, i1), scratch, start, period, length)
        elif mode <= PERIODIC:
            set_word(table + DIRECT + i * 8, 1)


@device
def run_long(
    table: int, edge: int, operands: int, operand_count: int, program: int, count: int,
    period: int, i0: int, i1: int, start: int, stop: int,
) -> None:  # fmt: skip
    """One row of many elements, block by block."""
    block = min(block_length(period), stop - start)
    stage_long(table, operands, operand_count, period, i0, i1, start, block)
    done = start
    while done < stop:
        length = min(block, stop - done)
        if period * ITEM > BLOCK_BYTES:
            length = min(length, period - done % period)
        for i in range(operand_count):
            if get_word(table + DIRECT + i * 8) != 0:
                operand = operands + i * OPERAND_BYTES
                at = done % period if get_word(operand + 8) == PERIODIC else done
                set_word(table + START + i * 8, row_address(operand, i0, i1) + at * ITEM)
        run_block(table, edge, operands, operand_count, program, count, length)
        done += length


@device
def stage_short(
    table: int, operands: int, operand_count: int, period: int,
    i0: int, i1: int, rows: int, start: int, length: int, repeated: int,
) -> None:  # fmt: skip
    """Brings `rows` short rows together as one block; rows that lie together already are used in
    place.

    `repeated` says that the block before had at least as many rows, so what does not change from
    row to row is in place.
    """
    for i in range(operand_count):
        operand = operands + i * OPERAND_BYTES
        mode, flags = get_word(operand + 8), get_word(operand + 16)
        stride = get_word(operand + 32)
        at = row_address(operand, i0, i1)
        scratch = get_word(table + SCRATCH + i * 8)
        if mode == DENSE and stride == length * ITEM:
            set_word(table + DIRECT + i * 8, 1)
            set_word(table + START + i * 8, at + start * ITEM)
        elif mode <= PERIODIC and (stride != 0 or repeated == 0):
            for r in range(rows):
                target = scratch + r * length * ITEM
                if mode == ROW:
                    spread(at + r * stride, target, length)
                elif mode == PERIODIC:
                    repeat(at + r * stride, target, start, period, length)
                elif flags & READ:
                    copy_reals(at + r * stride + start * ITEM, target, length)


@device
def unstage_short(
    table: int, operands: int, operand_count: int, i0: int, i1: int, rows: int, start: int,
    length: int,
) -> None:  # fmt: skip
    """Sends written blocks that are not in place back to their rows."""
    for i in range(operand_count):
        operand = operands + i * OPERAND_BYTES
        if get_word(operand + 16) & WRITE and get_word(table + DIRECT + i * 8) == 0:
            scratch = get_word(table + SCRATCH + i * 8)
            at, stride = row_address(operand, i0, i1) + start * ITEM, get_word(operand + 32)
            for r in range(rows):
                copy_reals(scratch + r * length * ITEM, at + r * stride, length)


@device
def run_short(
    table: int, edge: int, operands: int, operand_count: int, program: int, count: int,
    period: int, i0: int, first_row: int, last_row: int, start: int, length: int,
) -> None:  # fmt: skip
    """Rows first_row … last_row-1 of few elements each, as many to a block as it holds."""
    rows = max(1, BLOCK_BYTES // ITEM // length)
    for i1 in range(first_row, last_row, rows):
        here = min(rows, last_row - i1)
        repeated = 1 if i1 > first_row else 0
        stage_short(table, operands, operand_count, period, i0, i1, here, start, length, repeated)
        run_block(table, edge, operands, operand_count, program, count, here * length)
        unstage_short(table, operands, operand_count, i0, i1, here, start, length)
