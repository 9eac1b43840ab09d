"""Products of one row, as answering one sample makes them: cut so that threads share B evenly."""

from __future__ import annotations

from compute.cpu.kernels.row_product import runs_of
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.steps import NULL, Word, address, touch
from compute.cpu.planner.views import Buffer, View, packed
from compute.cpu.tape import CACHE_LINE, WORD

COLUMNS = 128  # of a chunk, or a multiple
WEIGHTS = 1 << 17  # bytes of B from which a product is cut
CHUNKS = 8  # wanted


def suits(op: Op, m: int, k: int, b_col: int, item: int) -> bool:
    """Whether a product of an m×k matrix is one of a row that nothing but a bias and relu meets."""
    return m == 1 and k > 1 and b_col == item and not op.roles.keys() - {"bias", "relu"}


def emit_row_product(
    em: Emitter, op: Op, a: View, b: View, c: View, bias: View | None, inner: tuple[int, int, int]
) -> None:
    """The step c = A·B for one row; `inner` is its length, A's stride and that of B's rows."""
    k, a_col, b_row = inner
    n, runs = b.shape[1], runs_of(k)
    together, columns = _cut(n, k, runs, em.item)
    sums = em.new((runs, n))
    lines = (-(-n // columns), CACHE_LINE // WORD)
    kept = em.own(Buffer(lines[0] * CACHE_LINE, "transient", kept=True))
    counts = View(kept, 0, packed(lines, WORD), WORD)
    words: dict[str, Word] = {
        **{"a": address(a), "a_col": a_col, "b": address(b), "b_row": b_row, "c": address(c)},
        **{"n": n, "k": k, "bias": NULL if bias is None else address(bias)},
        **{"epilogue": int("relu" in op.roles), "sums": address(sums), "runs": together},
        "counts": address(counts),
    }
    whole = [b] if bias is None else [b, bias]
    step = em.add("row_product", words, [a], [c], 0, 1, columns, whole, 2 * n * k)
    step.touches.append(touch(sums, write=True))
    step.touches.append(touch(counts, write=True))


def _cut(n: int, k: int, runs: int, item: int) -> tuple[int, int]:
    """Runs and columns of a chunk."""
    if n * k * item <= WEIGHTS:
        return runs, n
    parts = -(-CHUNKS // runs)
    return 1, min(n, max(COLUMNS, -(-n // parts // COLUMNS) * COLUMNS))
