"""What matrix product and convolutions share: column groups, packed panels of B, the job block's
rows.
"""

from __future__ import annotations

from compute.cpu.kernels.tiling import MAX_ROWS
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    TILE_VECTORS,
    VECTOR,
    Stack,
    device,
    first,
    get_real,
    load,
    load_masked,
    set_real,
    set_word,
    store,
    tile,
    transpose_block,
)

DEPTH = 192  # longest run of k over which a panel of B is packed
PANEL = Stack(DEPTH * 3 * 64)
PACK_ROWS = 64  # rows of A that make packing B worth its copy


@device
def set_loop(job: int, level: int, count: int, a_step: int, b_step: int) -> None:
    """Sets one of the three loops over k: its count and the byte steps of A and B."""
    set_word(job + level * 8, count)
    set_word(job + level * 8 + 8, a_step)
    set_word(job + level * 8 + 16, b_step)


@device
def set_rows(job: int, table: int, start: int, stride: int, rows: int) -> None:
    """Fills a row table of the job with `rows` addresses; the last is repeated to the end."""
    for i in range(MAX_ROWS):
        set_word(job + (table + i) * 8, start + min(i, rows - 1) * stride)


@device
def width_of(vectors: int) -> int:
    """Vectors of the next column group when `vectors` are left: full ones, and no lone last one."""
    if vectors <= TILE_VECTORS:
        return vectors
    if TILE_VECTORS == 3 and vectors == 4:
        return 2
    return TILE_VECTORS


@device
def pack(source: int, row: int, count: int, vectors: int, lanes: int, target: int) -> None:
    """Copies `count` rows of `vectors` vectors to a dense panel; lanes past the end become 0."""
    last = first(lanes)
    for i in range(count):
        at = source + i * row
        for v in range(vectors - 1):
            store(target + v * VECTOR, load(at + v * VECTOR))
        edge = (vectors - 1) * VECTOR
        store(target + edge, load_masked(at + edge, last))
        target += vectors * VECTOR


@device
def pack_turned(
    source: int, row: int, column: int, count: int, vectors: int, lanes: int, target: int
) -> None:
    """As `pack`, from a B with any strides; contiguous columns go in blocks through registers."""
    width, stride = (vectors - 1) * LANES + lanes, vectors * VECTOR
    for i in range(0, count, LANES):
        for j in range(0, vectors * LANES, LANES):
            at, to = source + i * row + j * column, target + i * stride + j * ITEM
            if row == ITEM and i + LANES <= count and j + LANES <= width:
                transpose_block(at, column, to, stride)
                continue
            for y in range(min(LANES, count - i)):
                for x in range(LANES):
                    value = get_real(at + y * row + x * column) if j + x < width else 0.0
                    set_real(to + y * stride + x * ITEM, value)


@device
def run_tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """The tile micro-kernel as a function of its own, so that its code exists once a kernel."""
    tile(job, rows, vectors, columns, lanes)
