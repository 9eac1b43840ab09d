"""Matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces

WORDS = """
a a_row a_col  b b_row  c c_row  m n k
init bias epilogue mask mask_row pre pre_row
split size  batch a_batch b_batch c_batch
"""


def _extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("a", w.a, (w.batch, w.a_batch), (w.m, w.a_row), (w.k, w.a_col), item=item)
    yield block("b", w.b, (w.batch, w.b_batch), (w.k, w.b_row), n, item=item)
    yield block("c", w.c, (w.batch, w.c_batch), (w.m, w.c_row), n, item=item, write=True)
    if w.init == 2:
        yield block("bias", w.bias, n, item=item)
    if w.epilogue == 2:
        yield block("mask", w.mask, (w.m, w.mask_row), n, item=item)
    yield block("pre", w.pre, (w.m, w.pre_row), n, item=item, write=True)


def _chunks(w: Any) -> int:
    return pieces(w.batch if w.batch > 1 else w.n if w.split else w.m, w.size)


@kernel(WORDS, extents=_extents, chunks=_chunks)
def gemm(row: int, chunk: int, tid: int, step: int) -> None:
    """C[m,n] = epilogue(init + A[m,k] B[k,n]); each element is one fma chain over k in order.

    a, a_row, a_col   A with any strides (A transposed: swap them)
    b, b_row          B, rows contiguous
    c, c_row          C, rows contiguous; must not overlap A or B
    m, n, k           sizes; k = 0 leaves the initial value
    init              0 zero, 1 the present C, 2 the row `bias` (n reals)
    bias              address, read when init is 2
    epilogue          0 none, 1 relu, 2 the value where mask > 0, else 0
    mask, mask_row    C-shaped, rows contiguous, read when epilogue is 2; may be C's own memory only if equal to C
    pre, pre_row      where the value before the epilogue is stored as well, or 0
    split, size       chunks of `size` rows (split 0) or of `size` columns (split 1; a multiple of 16 is best)
    batch             number of independent products; above 1 a chunk is `size` products, split is ignored
    a_batch …         byte strides between products; bias, mask and pre are then shared, so mask and pre
                      must be unused (epilogue 0 or 1, pre 0)
    """
    (
        a, a_row, a_col, b, b_row, c, c_row, m, n, k,
        init, bias, epilogue, mask, mask_row, pre, pre_row,
        split, size, batch, a_batch, b_batch, c_batch,
    ) = unpack(row)  # fmt: skip
