"""Matrix products: which operand order the storage wants, and how the product is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from compute.cpu.kernels.panels import PACK_ROWS
from compute.cpu.planner.emitter import Emitter, PlanError
from compute.cpu.planner.fuse import Op, plain
from compute.cpu.planner.reduce import emit_reduce
from compute.cpu.planner.row_product import emit_row_product, suits
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import (
    Axis,
    Dim,
    View,
    aligned,
    extent_of,
    join,
    known,
    packed,
    packed_like,
    refine,
)
from graph.program import Row

ROWS = (32, 128)  # least and most rows of a chunk
LEAST_ROWS = 8  # of a chunk when there are few for each thread: a tile
COLUMNS = (32, 128)  # the same when columns are cut
LONE_COLUMNS = (128, 1024)  # for a product of one row, which only streams through B
LONE_WEIGHTS = 1 << 17  # bytes of B from which such a product is cut
CHUNKS = 8  # wanted of a product of one row
# What a piece takes, in rows, or in vectors of columns: beside its extent, for each column group,
# and for what may be left over when a thread ends before the others.
ROWS_BEGIN, FEW_ROWS, GROUP_BEGIN, COLUMNS_BEGIN, LEFT_OVER = 4, 1.1, 0.35, 0.6, 0.1
BIG_WEIGHTS = 1 << 18  # bytes of B above which every thread should read only its columns
TURNED_ROWS = 64  # of A, from which on B may be turned around as it is packed
SMALL_WORK = 1 << 17  # multiply-adds below which a product is one chunk


def emit_matmul(em: Emitter, op: Op) -> None:
    """C = A·B, or Cᵀ = Bᵀ·Aᵀ where the result is wanted (or can only be had) that way."""
    row = op.row
    value = op.writes[-1]
    if len(em.shape(row.outputs[0])) > 2:
        _emit_stack(em, row)
        return
    a, b = _operands(em, row)
    goal = em.fixed_place(value)
    if goal is not None and not op.roles.keys() - {"bias_gradient"} and _turned(goal):
        place = _emit_plain(em, b.permute((1, 0)), a.permute((1, 0)), goal.permute((1, 0)), op)
        em.put(value, place.permute((1, 0)))
        return
    if "bias_gradient" in op.roles:  # the sum of the columns of A, which only B's come with
        emit_reduce(em, plain(op.rows[1]))
        op = plain(row)
    em.put(value, _emit_plain(em, a, b, goal, op))


def _turned(goal: View) -> bool:
    """Whether the columns of a matrix are contiguous and its rows are not."""
    rows, columns = join_axis(goal.axes[0]), join_axis(goal.axes[1])
    if not rows or not columns:
        return False
    return columns[-1][1] != goal.item and rows[-1][1] == goal.item


def _operands(em: Emitter, row: Row) -> tuple[View, View]:
    """A and B as seen by the product; an undecided weight is stored the way it wants to be read."""
    first, second = row.inputs
    turn_a, turn_b = bool(row.attr("transpose_a")), bool(row.attr("transpose_b"))
    a = em.view(first)
    a = a.permute((1, 0)) if turn_a else a
    key = em.undecided_param(second)
    if key is not None:
        em.storage.decide(key, _weight_axes(em, a, second, turn_b))
    b = em.view(second)
    return a, b.permute((1, 0)) if turn_b else b


def _weight_axes(em: Emitter, a: View, weight: int, turn: bool) -> tuple[Axis, ...]:
    """Rows of B contiguous; its inner axis in the memory order of A's."""
    shape = em.shape(weight)
    columns = shape[0] if turn else shape[1]
    pair = (packed_axis(a.axes[1], columns * em.item), ((columns, em.item),))
    return (pair[1], pair[0]) if turn else pair


def _emit_plain(em: Emitter, a: View, b: View, goal: View | None, op: Op) -> View:
    """The step C = A·B for matrices; returns where C is."""
    a = a if len(join_axis(a.axes[0])) <= 1 else em.dense(a)
    a, b, inner, b_strides = _matched(em, a, b)
    m, n = a.shape[0], b.shape[1]
    c, c_row = _result(em, goal, a.axes[0], b.axes[1])
    if suits(op, m, inner[0], b_strides[1], em.item):
        given = _bias(em, op, n, c) if "bias" in op.roles else None
        emit_row_product(em, op, a, b, c, given, (*inner, b_strides[0]))
        return c
    strides = (_stride(a.axes[0]), inner[1], *b_strides, c_row)
    plain, samples, prefer = _cut(m, n, inner[0], strides, em.item, em.storage.threads)
    words: dict[str, Word] = {**plain, "a": address(a), "b": address(b), "c": address(c)}
    reads, whole, writes = [a], [b], [c]
    if "bias" in op.roles:
        flat = _bias(em, op, n, c)
        words["init"], words["bias"] = 2, address(flat)
        whole.append(flat)
    if "relu" in op.roles:
        words["epilogue"] = 1
    if "mask" in op.roles:
        mask, mask_row = _shaped_like(em, em.view(op.roles["mask"]), c)
        words |= {"epilogue": 2, "mask": address(mask), "mask_row": mask_row}
        reads.append(mask)
    if "pre" in op.roles:
        pre = em.new((m, n), em.item, packed_like(c.axes, em.item))
        words |= {"pre": address(pre), "pre_row": n * em.item}
        writes.append(pre)
    bias = op.roles.get("bias_gradient")
    if bias is not None:
        sums = em.target(bias)
        sums = sums if sums.axes == packed(sums.shape, em.item) else em.new(sums.shape)
        words["sums"] = address(sums)
        writes.append(View(sums.buffer, sums.offset, ((), *sums.axes), em.item))  # not cut by rows
    step = em.add("gemm", words, reads, writes, samples, 1, prefer, whole, 2 * m * n * inner[0])
    step.share = aligned(-(-samples // em.storage.threads), LEAST_ROWS)
    if bias is not None:
        em.put(bias, sums)
    if "pre" in op.roles:  # only now: a value with a place elsewhere is copied there
        em.put(op.roles["pre"], writes[1])
    return c


@known
def _cut(
    m: int, n: int, k: int, strides: tuple[int, int, int, int, int], item: int, threads: int
) -> tuple[Mapping[str, Word], int, int]:
    """The words of a product without operands, its samples and the size of a chunk.

    It is cut by rows of the batch, or by columns when B is big: see DESIGN's memory traffic.
    """
    a_row, a_col, b_row, b_col, c_row = strides
    words: dict[str, Word] = {
        **{"a": NULL, "a_row": a_row, "a_col": a_col, "b": NULL, "b_row": b_row, "b_col": b_col},
        **{"c": NULL, "c_row": c_row, "m": m, "n": n, "k": k},
        **{"init": 0, "bias": NULL, "epilogue": 0, "mask": NULL, "mask_row": 0},
        **{"pre": NULL, "pre_row": 0, "sums": NULL},
        **{"batch": 1, "a_batch": 0, "b_batch": 0, "c_batch": 0, "split": 0},
    }
    turned = a_row == item and a_col != item
    if _by_columns(m, n, k, item, turned and m >= TURNED_ROWS):
        columns = _columns(n, threads) if m > 1 else _lone_columns(n)
        return {**words, "split": 1}, 0, columns
    return words, m, _rows(m, threads) if m * n * k > SMALL_WORK else m


def _by_columns(m: int, n: int, k: int, item: int, packed_rows: bool) -> bool:
    """Whether chunks are columns, so that every thread reads only its part of B.

    Not where the rows of A are packed: each chunk of columns would pack all of them.
    """
    if m == 1:
        return n > LONE_COLUMNS[0] and k * n * item > LONE_WEIGHTS
    if m * n * k <= SMALL_WORK or n < 2 * COLUMNS[0]:
        return False
    return k * n * item > BIG_WEIGHTS and not packed_rows


def _lone_columns(extent: int) -> int:
    """Columns of a chunk of a product of one row."""
    least, most = LONE_COLUMNS
    return min(max(aligned(-(-extent // CHUNKS), 16), least), most)


@known
def _rows(extent: int, threads: int) -> int:
    """Rows of a chunk: many are worth packing B for, and all threads should end together."""

    def cost(rows: int) -> float:
        return rows * (FEW_ROWS if rows < PACK_ROWS else 1) + ROWS_BEGIN

    sizes = range(ROWS[0], ROWS[1] + 1, 8)
    return min(sizes, key=lambda size: _last(extent, size, threads, cost) + LEFT_OVER * size)


@known
def _columns(extent: int, threads: int) -> int:
    """Columns of a chunk; groups of three vectors are the fastest."""

    def cost(columns: int) -> float:
        vectors = -(-columns // 16)
        return vectors + GROUP_BEGIN * -(-vectors // 3) + COLUMNS_BEGIN

    def whole(size: int) -> float:
        return _last(extent, size, threads, cost) + LEFT_OVER * size / 16

    return min(range(COLUMNS[0], COLUMNS[1] + 1, 16), key=whole)


def _last(extent: int, size: int, threads: int, cost: Callable[[int], float]) -> float:
    """When the last of the threads has done its chunks, which they take one by one, the rest of
    the extent first.
    """
    whole, rest = divmod(extent, size)
    ends = [0.0] * threads
    ends[-1] = cost(rest) if rest else 0.0
    for _ in range(whole):
        ends.sort()
        ends[0] += cost(size)
    return max(ends)


Strides = tuple[int, int]


def _matched(em: Emitter, a: View, b: View) -> tuple[View, View, tuple[int, int], Strides]:
    """A and B with one common inner dimension and B's rows contiguous; copies where needed.

    Where each chunk packs its own columns of B once for many rows, B may be transposed: turning it
    around then costs less than a copy. Returns them, (inner extent, A's inner stride) and B's row
    and column stride.
    """
    m, n, k = a.shape[0], b.shape[1], a.shape[1]
    turned = m >= TURNED_ROWS and _by_columns(m, n, k, em.item, False)
    for attempt in range(3):
        found = _inner(a.axes[1], b.axes, em.item, turned and attempt == 0)
        if found is not None:
            return a, b, *found
        if attempt == 0:
            b = em.arranged(b, _rows_like(a, b, em.item))
        else:
            a, b = em.dense(a), em.dense(b)
    raise PlanError("a dense product must have one inner dimension")


@known
def _inner(
    a: Axis, b: tuple[Axis, ...], item: int, turned: bool
) -> tuple[tuple[int, int], Strides] | None:
    """For A's columns and B: (inner extent, A's inner stride) and B's row and column stride."""
    columns = join_axis(b[1])
    if len(columns) > 1:
        return None
    b_col = columns[0][1] if columns else item
    dims = refine((b[0], a))
    if dims is None:
        return None
    joined = join(sorted(dims, key=lambda dim: -dim[1][0]))
    if len(joined) > 1:
        return None
    if not joined:
        dense = (extent_of(b[1]) * item, item)
        return ((extent_of(a), item), dense) if b_col == item else None
    extent, (b_row, a_col) = joined[0]
    if b_col != item and not (turned and b_row == item):
        return None
    return (extent, a_col), (b_row, b_col)


def _rows_like(a: View, b: View, item: int) -> tuple[Axis, ...]:
    """Axes for a copy of B: contiguous rows, its inner axis in the memory order of A's."""
    return (packed_axis(a.axes[1], b.shape[1] * item), packed_axis(b.axes[1], item))


@known
def packed_axis(axis: Axis, item: int) -> Axis:
    """One axis dense in its own memory order, innermost stride `item`."""
    order = sorted(range(len(axis)), key=lambda d: axis[d][1])
    result = list(axis)
    stride = item
    for d in order:
        result[d] = (axis[d][0], stride)
        stride *= axis[d][0]
    return tuple(result)


@known
def join_axis(axis: Axis) -> tuple[Dim, ...]:
    """An axis in memory order (largest stride first), dimensions joined where possible."""
    ordered = sorted(((e, (s,)) for e, s in axis if e > 1), key=lambda dim: -abs(dim[1][0]))
    return tuple((extent, strides[0]) for extent, strides in join(ordered))


def _stride(rows: Axis) -> int:
    joined = join_axis(rows)
    return joined[0][1] if joined else 0


def _bias(em: Emitter, op: Op, length: int, c: View) -> View:
    """The bias of a product, in the order of the columns of C."""
    flat = em.view(op.roles["bias"]).reshape((length,))
    assert flat is not None
    return em.arranged(flat, (packed_axis(c.axes[1], em.item),))


def _result(em: Emitter, goal: View | None, rows: Axis, columns: Axis) -> tuple[View, int]:
    """Where C goes, and its row stride: the goal when its strides fit, else a fresh dense place.

    Its axes split as A's rows and B's columns do, in the same memory order.
    """
    m, n = extent_of(rows), extent_of(columns)
    if goal is not None:
        row = _same_rows(goal.axes[0], rows)
        if row is not None and _same_columns(goal.axes[1], columns, em.item):
            return goal, row or n * em.item
    axes = (packed_axis(rows, n * em.item), packed_axis(columns, em.item))
    return em.new((m, n), em.item, axes), n * em.item


@known
def _same_rows(axis: Axis, rows: Axis) -> int | None:
    """The stride of `axis` when it is one, in the memory order of `rows`; 0 for a single row."""
    dims = refine((axis, rows))
    if dims is None:
        return None
    joined = join(sorted(dims, key=lambda dim: -dim[1][0]))
    if len(joined) > 1:
        return None
    return joined[0][1][0] if joined else 0


@known
def _same_columns(axis: Axis, columns: Axis, item: int) -> bool:
    """Whether `axis` is dense, in the memory order of B's columns."""
    dims = refine((axis, packed_axis(columns, item)))
    return dims is not None and all(mine == theirs for _, (mine, theirs) in dims)


def _shaped_like(em: Emitter, view: View, c: View) -> tuple[View, int]:
    """`view` with contiguous rows in the order of C's, and its row stride; a copy if need be."""
    row = _same_rows(view.axes[0], c.axes[0])
    if row is None or not _same_columns(view.axes[1], c.axes[1], em.item):
        view = em.arranged(view, packed_like(c.axes, em.item))
        row = c.shape[1] * em.item
    return view, row


# ---- stacks of matrices


def _emit_stack(em: Emitter, row: Row) -> None:
    """One product for each index of the leading axes."""
    a, b = (em.view(v) for v in row.inputs)
    rank = len(a.axes)
    swap = (*range(rank - 2), rank - 1, rank - 2)
    a = a.permute(swap) if row.attr("transpose_a") else a
    b = b.permute(swap) if row.attr("transpose_b") else b
    *lead, m, n = em.shape(row.outputs[0])
    count, k = prod(lead), a.shape[-1]
    a, a_dims = _stacked(em, a, count, contiguous=False)
    b, b_dims = _stacked(em, b, count, contiguous=True)
    goal = em.target(row.outputs[0])
    c = goal.reshape((count, m, n))
    if c is None or c.stride(2) != em.item or None in (c.stride(0), c.stride(1)):
        c = em.new((count, m, n))
    words: dict[str, Word] = {
        **{"a": address(a), "a_row": a_dims[1], "a_col": a_dims[2], "a_batch": a_dims[0]},
        **{"b": address(b), "b_row": b_dims[1], "b_col": em.item, "b_batch": b_dims[0]},
        **{"c": address(c), "c_row": c.stride(1) or n * em.item, "c_batch": c.stride(0) or 0},
        **{"m": m, "n": n, "k": k, "batch": count, "init": 0, "bias": NULL, "epilogue": 0},
        **{"mask": NULL, "mask_row": 0, "pre": NULL, "pre_row": 0, "sums": NULL},
        "split": 0,
    }
    flops = 2 * count * m * n * k
    if count > 1:
        em.add("gemm", words, [a, b], [c], count, 1, 0, (), flops)
    else:
        rows = _rows(m, em.storage.threads)
        em.add("gemm", words, [a, b], [c], 0, 1, rows, (), flops)
    whole = c.reshape(em.shape(row.outputs[0]))
    assert whole is not None
    em.put(row.outputs[0], whole)


def _stacked(
    em: Emitter, view: View, count: int, contiguous: bool
) -> tuple[View, tuple[int, int, int]]:
    """`view` as count×rows×columns with one stride for each, copied when it has none."""
    rows, columns = view.shape[-2:]
    flat = view.reshape((count, rows, columns))
    if flat is not None:
        strides = (flat.stride(0), flat.stride(1), flat.stride(2))
        regular = None not in strides
        if regular and (not contiguous or strides[2] == em.item or columns == 1):
            return flat, (strides[0] or 0, strides[1] or columns * em.item, strides[2] or em.item)
    flat = em.arranged(view, packed(view.shape, em.item)).reshape((count, rows, columns))
    assert flat is not None
    return flat, (rows * columns * em.item, columns * em.item, em.item)
