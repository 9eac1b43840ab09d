"""Matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.panels import (
    DEPTH,
    PACK_ROWS,
    PANEL,
    pack,
    pack_turned,
    run_tile,
    set_loop,
    set_rows,
    width_of,
)
from compute.cpu.kernels.tiling import (
    A_ROWS,
    A_STEP,
    BIAS,
    C_ROWS,
    C_STEP,
    EPILOGUE,
    INIT,
    INNER,
    JOB_BYTES,
    MASK_ROWS,
    MASK_STEP,
    MIDDLE,
    OUTER,
    PACKED,
    PRE,
    PRE_ROWS,
    PRE_STEP,
    B,
)
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    TILE_ROWS,
    VECTOR,
    WIDE,
    Stack,
    device,
    first,
    load,
    load_masked,
    packing_tile,
    row_tile,
    set_word,
    splat,
    store,
    store_masked,
    tile_column,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

JOB = Stack(JOB_BYTES)
NEAR = 1 << 14  # bytes of A that stay in L1 however they lie
TURNED_ROWS = 128  # of A, packed together when its columns are contiguous: they stay in L2
TURNED = Stack((TURNED_ROWS * 8 + 64) * DEPTH)

WORDS = """
a a_row a_col  b b_row b_col  c c_row  m n k
init bias epilogue mask mask_row pre pre_row sums
split size  batch a_batch b_batch c_batch
"""


def _extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("a", w.a, (w.batch, w.a_batch), (w.m, w.a_row), (w.k, w.a_col), item=item)
    yield block("b", w.b, (w.batch, w.b_batch), (w.k, w.b_row), (w.n, w.b_col), item=item)
    yield block("c", w.c, (w.batch, w.c_batch), (w.m, w.c_row), n, item=item, write=True)
    if w.init == 2:
        yield block("bias", w.bias, n, item=item)
    if w.epilogue == 2:
        yield block("mask", w.mask, (w.m, w.mask_row), n, item=item)
    yield block("pre", w.pre, (w.m, w.pre_row), n, item=item, write=True)
    yield block("sums", w.sums, n, item=item, write=True)


def _chunks(w: Any) -> int:
    return pieces(w.batch if w.batch > 1 else w.n if w.split else w.m, w.size)


@device
def run_column(job: int, tiles: int, vectors: int, columns: int, lanes: int) -> None:
    """Full tiles one below the other, as a function of its own: its code exists once."""
    tile_column(job, tiles, vectors, columns, lanes)


@device
def run_packing(job: int, vectors: int, columns: int, lanes: int) -> None:
    """A packing tile, as a function of its own: its code exists once."""
    packing_tile(job, TILE_ROWS, vectors, columns, lanes)


@device
def set_tile_rows(
    job: int, a: int, a_row: int, c: int, c_row: int, mask: int, mask_row: int,
    pre: int, pre_row: int, begin: int, rows: int,
) -> None:  # fmt: skip
    """The row tables of a tile that starts at row `begin`."""
    set_rows(job, A_ROWS, a + begin * a_row, a_row, rows)
    set_rows(job, C_ROWS, c + begin * c_row, c_row, rows)
    if mask != 0:
        set_rows(job, MASK_ROWS, mask + begin * mask_row, mask_row, rows)
    if pre != 0:
        set_rows(job, PRE_ROWS, pre + begin * pre_row, pre_row, rows)


@device
def run_group(
    job: int, a: int, a_row: int, c: int, c_row: int, mask: int, mask_row: int, pre: int,
    pre_row: int, done: int, m: int, width: int, columns: int, lanes: int,
) -> None:  # fmt: skip
    """The rows of a column group from `done` on: full tiles in one go, then the rest."""
    whole = (m - done) // TILE_ROWS
    if whole > 0:
        set_tile_rows(job, a, a_row, c, c_row, mask, mask_row, pre, pre_row, done, TILE_ROWS)
        run_column(job, whole, width, columns, lanes)
        done += whole * TILE_ROWS
    if done < m:
        set_tile_rows(job, a, a_row, c, c_row, mask, mask_row, pre, pre_row, done, m - done)
        run_tile(job, m - done, width, columns, lanes)


@device
def pack_rows(a: int, column: int, rows: int, count: int, target: int, to_column: int) -> None:
    """Copies `count` columns of A, each contiguous, to places `to_column` bytes apart."""
    last = first(rows - (rows - 1) // LANES * LANES)
    edge = (rows - 1) // LANES * VECTOR
    for _ in range(count):
        for x in range(0, edge, VECTOR):
            store(target + x, load(a + x))
        store_masked(target + edge, load_masked(a + edge, last), last)
        a, target = a + column, target + to_column


@device
def sum_panel(panel: int, count: int, vectors: int, lanes: int, sums: int, before: int) -> None:
    """Column sums of a packed panel, added to what `sums` holds unless nothing came before."""
    for v in range(vectors):
        some = first(lanes if v == vectors - 1 else LANES)
        total = load_masked(sums + v * VECTOR, some) if before > 0 else splat(0.0)
        part, other = splat(0.0), splat(0.0)
        at = panel + v * VECTOR
        for _ in range(count // 2):
            part = part + load(at)
            other = other + load(at + vectors * VECTOR)
            at += 2 * vectors * VECTOR
        if count % 2 != 0:
            part = part + load(at)
        store_masked(sums + v * VECTOR, total + (part + other), some)


@device
def bring_panel(
    job: int, a: int, a_row: int, column: int, b: int, b_row: int, b_col: int, c: int, c_row: int,
    mask: int, mask_row: int, pre: int, pre_row: int, m: int, run: int, width: int, columns: int,
    lanes: int, panel: int, sums: int,
) -> int:  # fmt: skip
    """Sets where tiles find B: packed where many rows or its columns' sums want it, else as it
    lies. Rows that are done already, as the first tile packs what it reads.
    """
    if b_col == ITEM and (m >= PACK_ROWS or (lanes == LANES and sums == 0)):
        set_loop(job, INNER, run, column, b_row)
        set_word(job + B * 8, b)
        if m < PACK_ROWS:
            return 0
        set_word(job + PACKED * 8, panel)
        set_tile_rows(job, a, a_row, c, c_row, mask, mask_row, pre, pre_row, 0, TILE_ROWS)
        run_packing(job, width, columns, lanes)
    elif b_col != ITEM:
        pack_turned(b + columns // ITEM * b_col, b_row, b_col, run, width, lanes, panel)
    else:
        pack(b + columns, b_row, run, width, lanes, panel)
    set_loop(job, INNER, run, column, width * VECTOR)
    set_word(job + B * 8, panel - columns)
    return TILE_ROWS if b_col == ITEM and m >= PACK_ROWS else 0


@device
def set_steps(job: int, a_row: int, c_row: int, mask_row: int, pre_row: int) -> None:
    """How far apart full tiles lie that follow one below the other."""
    set_word(job + A_STEP * 8, TILE_ROWS * a_row)
    set_word(job + C_STEP * 8, TILE_ROWS * c_row)
    set_word(job + MASK_STEP * 8, TILE_ROWS * mask_row)
    set_word(job + PRE_STEP * 8, TILE_ROWS * pre_row)


@device
def product(
    a: int, a_row: int, a_col: int, b: int, b_row: int, b_col: int, c: int, c_row: int,
    m: int, n: int, k: int,
    init: int, bias: int, epilogue: int, mask: int, mask_row: int, pre: int, pre_row: int,
    sums: int,
) -> None:  # fmt: skip
    """One matrix product. A whose columns are contiguous and lie far apart is packed."""
    far = a_row == ITEM and m > 1 and min(k, DEPTH) * a_col > NEAR
    turned = TURNED() if far else 0
    rows = TURNED_ROWS if far else m
    for done in range(0, m, rows):
        run_rows(
            a + done * a_row, a_row, a_col, b, b_row, b_col, c + done * c_row, c_row,
            min(rows, m - done), n, k, init, bias, epilogue, mask + done * mask_row, mask_row,
            pre + done * pre_row if pre != 0 else 0, pre_row, sums if done == 0 else 0, turned,
        )  # fmt: skip


@device
def run_rows(
    a: int, a_row: int, a_col: int, b: int, b_row: int, b_col: int, c: int, c_row: int,
    m: int, n: int, k: int,
    init: int, bias: int, epilogue: int, mask: int, mask_row: int, pre: int, pre_row: int,
    sums: int, turned: int,
) -> None:  # fmt: skip
    """k in runs of DEPTH, for each all column groups, for each all rows. `turned` is where A's
    columns are packed, or 0.
    """
    job, panel = JOB(), PANEL()
    set_word(job + BIAS * 8, bias)
    set_loop(job, OUTER, 1, 0, 0)
    set_loop(job, MIDDLE, 1, 0, 0)
    set_steps(job, a_row, c_row, mask_row, pre_row)
    if epilogue != 2:
        mask = 0
    vectors = (n + LANES - 1) // LANES
    parts = max(1, (k + DEPTH - 1) // DEPTH)
    depth = max(1, (k + parts - 1) // parts)  # of equal runs: a short last one costs most
    for start in range(0, max(k, 1), depth):
        run = min(depth, k - start)
        last = start + run >= k
        set_word(job + INIT * 8, init if start == 0 else 1)
        set_word(job + EPILOGUE * 8, epilogue if last else 0)
        set_word(job + PRE * 8, pre if last else 0)
        at_a, at_b = a + start * a_col, b + start * b_row
        column = a_col
        if turned != 0:
            column = ((m * ITEM + 63) // 64 | 1) * 64  # an odd number of lines meets every set
            pack_rows(at_a, a_col, m, run, turned, column)
            at_a = turned
        j = 0
        while j < vectors:
            width = width_of(vectors - j)
            columns, lanes = j * VECTOR, LANES
            if j + width == vectors:
                lanes = n - (vectors - 1) * LANES
            if m == 1 and sums == 0 and b_col == ITEM and (j + WIDE) * LANES <= n:
                set_loop(job, INNER, run, column, b_row)
                set_word(job + B * 8, at_b)
                set_tile_rows(job, at_a, a_row, c, c_row, mask, mask_row, pre, pre_row, 0, 1)
                row_tile(job, 1, WIDE, columns, LANES)
                j += WIDE
                continue
            top = bring_panel(
                job, at_a, a_row, column, at_b, b_row, b_col, c, c_row, mask, mask_row,
                pre, pre_row, m, run, width, columns, lanes, panel, sums,
            )  # fmt: skip
            if sums != 0:
                sum_panel(panel, run, width, lanes, sums + columns, start)
            run_group(
                job, at_a, a_row, c, c_row, mask, mask_row, pre, pre_row, top, m, width, columns,
                lanes,
            )  # fmt: skip
            j += width


@kernel(WORDS, extents=_extents, chunks=_chunks)
def gemm(row: int, chunk: int, tid: int, step: int) -> None:
    """C[m,n] = epilogue(init + A[m,k] B[k,n]); each element is the sum of fma chains over DEPTH of
    k, in order.

    a, a_row, a_col   A with any strides (A transposed: swap them)
    b, b_row, b_col   B with any strides; unless its rows are contiguous, packing turns it around,
                      fast when its columns are
    c, c_row          C, rows contiguous; must not overlap A or B
    m, n, k           sizes; k = 0 leaves the initial value
    init              0 zero, 1 the present C, 2 the row `bias` (n reals)
    bias              address, read when init is 2
    epilogue          0 none, 1 relu, 2 the value where mask > 0, else 0
    mask, mask_row    C-shaped, rows contiguous, read when epilogue is 2; may be C's own memory only
                      if equal to C
    pre, pre_row      where the value before the epilogue is stored as well, or 0
    sums              where the column sums of B (n reals) go, or 0; a batch has none
    split, size       chunks of `size` rows (split 0) or of `size` columns (split 1; a multiple of
                      16 is best)
    batch             number of independent products; above 1 a chunk is `size` products, split is
                      ignored
    a_batch …         byte strides between products; bias, mask and pre are then shared, so mask and
                      pre must be unused (epilogue 0 or 1, pre 0)
    """
    (
        a, a_row, a_col, b, b_row, b_col, c, c_row, m, n, k,
        init, bias, epilogue, mask, mask_row, pre, pre_row, sums,
        split, size, batch, a_batch, b_batch, c_batch,
    ) = unpack(row)  # fmt: skip
    if batch > 1:
        for i in range(chunk * size, min(batch, (chunk + 1) * size)):
            product(
                a + i * a_batch, a_row, a_col, b + i * b_batch, b_row, b_col,
                c + i * c_batch, c_row, m, n, k, init, bias, epilogue, mask, mask_row, pre, pre_row,
                0,
            )  # fmt: skip
        return
    start = chunk * size
    if split == 0:
        a, c, m = a + start * a_row, c + start * c_row, min(size, m - start)
        mask, pre = mask + start * mask_row, (pre + start * pre_row if pre != 0 else 0)
        sums = sums if start == 0 else 0
    else:
        offset = start * ITEM
        b, c, n = b + start * b_col, c + offset, min(size, n - start)
        bias, mask, pre = bias + offset, mask + offset, (pre + offset if pre != 0 else 0)
        sums = sums + offset if sums != 0 else 0
    product(
        a, a_row, a_col, b, b_row, b_col, c, c_row, m, n, k,
        init, bias, epilogue, mask, mask_row, pre, pre_row, sums,
    )  # fmt: skip
