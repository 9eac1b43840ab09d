"""The micro-kernel of matrix product and convolution: a tile of accumulators held in vector
registers.

Every element is one fma chain over k in order, from zero or its bias; what C holds already is added
at its end. So the tile's shape changes no bit, and a long k that is cut into runs becomes a sum of
short chains, which loses fewer digits than one long chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from compute.cpu.kernels import tiling
from compute.cpu.vecmath import relu
from compute.cpu.vector import I32, I64, Emitter, Vec

I8 = ir.IntType(8)
AHEAD = 24  # rows of B that are asked for before they are read


def _word(e: Emitter, job: Any, index: int) -> Any:
    address = e.b.add(job, ir.Constant(I64, 8 * index))
    return e.b.load(e.b.inttoptr(address, I64.as_pointer()), typ=I64)


def first_lanes(e: Emitter, count: Any) -> Any:
    """Mask of the lanes below an int64 count."""
    lanes = ir.Constant(I64, e.lanes)
    small = e.b.trunc(e.b.select(e.b.icmp_signed("<", count, lanes), count, lanes), I32)
    kind = ir.VectorType(I32, e.lanes)
    iota = ir.Constant(kind, list(range(e.lanes)))
    return e.b.icmp_signed("<", iota, e.splat(small, kind))


def load(e: Emitter, address: Any, mask: Any = None) -> Any:
    """The vector at an address; lanes outside the mask are 0 and not read."""
    pointer = e.b.inttoptr(address, e.type.as_pointer())
    if mask is None:
        return e.b.load(pointer, align=e.item, typ=e.type)
    name = f"llvm.masked.load.{e.suffix()}.p0"
    function = e.declare(name, e.type, [e.type.as_pointer(), I32, e.bools, e.type])
    zero = ir.Constant(e.type, [0.0] * e.lanes)
    return e.b.call(function, [pointer, ir.Constant(I32, e.item), mask, zero])


def store(e: Emitter, address: Any, value: Any, mask: Any = None) -> None:
    """Stores a vector, or only the lanes of the mask."""
    pointer = e.b.inttoptr(address, e.type.as_pointer())
    if mask is None:
        e.b.store(value, pointer, align=e.item)
        return
    name = f"llvm.masked.store.{e.suffix()}.p0"
    kinds = [e.type, e.type.as_pointer(), I32, e.bools]
    function = e.declare(name, ir.VoidType(), kinds)
    e.b.call(function, [value, pointer, ir.Constant(I32, e.item), mask])


def fetch(e: Emitter, address: Any, write: bool = False) -> None:
    """Asks for a cache line that is read, or written, soon; any address will do."""
    function = e.declare("llvm.prefetch.p0", ir.VoidType(), [I8.as_pointer(), I32, I32, I32])
    pointer = e.b.inttoptr(address, I8.as_pointer())
    e.b.call(function, [pointer, *(ir.Constant(I32, x) for x in (int(write), 3, 1))])


@contextmanager
def counted(builder: Any, count: Any) -> Iterator[Any]:
    """A loop over 0 … count-1; yields the index."""
    function = builder.function
    head, body, done = (function.append_basic_block(n) for n in ("head", "body", "done"))
    entry = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(ir.Constant(I64, 0), entry)
    builder.cbranch(builder.icmp_signed("<", index, count), body, done)
    builder.position_at_end(body)
    yield index
    index.add_incoming(builder.add(index, ir.Constant(I64, 1)), builder.block)
    builder.branch(head)
    builder.position_at_end(done)


def emit_tiles(heights: Sequence[int], widths: Sequence[int]) -> Callable[..., None]:
    """Code that runs a tile of at most the asked rows: emit(e, job, rows, vectors, columns, lanes).

    `columns` is the byte offset of the tile's columns, `lanes` how many lanes of the last vector
    exist. The smallest height that holds `rows` is taken; the job's row tables must be filled up to
    it, by repeating rows. B is read in whole vectors.
    """

    def emit(e: Emitter, job: Any, rows: Any, vectors: Any, columns: Any, lanes: Any) -> None:
        done = e.b.function.append_basic_block("done")
        for height in sorted(heights):
            fits = ir.Constant(e.bools.element, 1)
            if height != max(heights):
                fits = e.b.icmp_signed("<=", rows, ir.Constant(I64, height))
            with e.b.if_then(fits):
                for width in widths:
                    same = e.b.icmp_signed("==", vectors, ir.Constant(I64, width))
                    with e.b.if_then(same):
                        _Tile(e, height, width, job, columns, lanes).emit()
                e.b.branch(done)
        if not e.b.block.is_terminated:
            e.b.branch(done)
        e.b.position_at_end(done)

    return emit


def emit_column(height: int, widths: Sequence[int]) -> Callable[..., None]:
    """As `emit_tiles`, for a column of tiles of exactly `height` rows; `rows` is their number."""

    def emit(e: Emitter, job: Any, tiles: Any, vectors: Any, columns: Any, lanes: Any) -> None:
        for width in widths:
            with e.b.if_then(e.b.icmp_signed("==", vectors, ir.Constant(I64, width))):
                _Tile(e, height, width, job, columns, lanes).emit_column(tiles)

    return emit


def emit_packing(height: int, widths: Sequence[int]) -> Callable[..., None]:
    """As `emit_tiles`, for one tile of exactly `height` rows that finds B as it lies and leaves it
    dense, at PACKED, for the tiles below. Of the loops over k it runs the inner one only.
    """

    def emit(e: Emitter, job: Any, rows: Any, vectors: Any, columns: Any, lanes: Any) -> None:
        for width in widths:
            with e.b.if_then(e.b.icmp_signed("==", vectors, ir.Constant(I64, width))):
                _PackingTile(e, height, width, job, columns, lanes).emit()

    return emit


_STEPS = {
    tiling.A_ROWS: tiling.A_STEP,
    tiling.C_ROWS: tiling.C_STEP,
    tiling.MASK_ROWS: tiling.MASK_STEP,
    tiling.PRE_ROWS: tiling.PRE_STEP,
}


class _Tile:
    far = False  # whether C may be in no cache of this core, as large products' is

    def __init__(
        self, e: Emitter, rows: int, vectors: int, job: Any, columns: Any, lanes: Any
    ) -> None:
        self.steps: dict[int, Any] = {}  # row table -> byte offset of the present tile
        self.e, self.b, self.job = e, e.b, job
        self.rows, self.vectors, self.columns = rows, vectors, columns
        self.last = first_lanes(e, lanes)
        self.acc = [[self._slot() for _ in range(vectors)] for _ in range(rows)]

    def _slot(self) -> Any:
        with self.b.goto_entry_block():
            return self.b.alloca(self.e.type)

    def _address(self, base: Any, vector: int) -> Any:
        offset = self.b.add(self.columns, ir.Constant(I64, vector * self.e.item * self.e.lanes))
        return self.b.add(base, offset)

    def _mask(self, vector: int) -> Any:
        return self.last if vector == self.vectors - 1 else None

    def _row(self, table: int, row: int) -> Any:
        """Address of a row of A, C, the mask or the value before the epilogue."""
        address = _word(self.e, self.job, table + row)
        return self.b.add(address, self.steps[table]) if table in self.steps else address

    def _each(self, table: int | None, do: Callable[[Any, Any, Any], Any]) -> None:
        """acc = do(acc, address, mask) for every accumulator, with rows' addresses from `table`."""
        for r in range(self.rows):
            base = None if table is None else self._row(table, r)
            for v in range(self.vectors):
                address = None if base is None else self._address(base, v)
                value = do(self.b.load(self.acc[r][v], typ=self.e.type), address, self._mask(v))
                if value is not None:
                    self.b.store(value, self.acc[r][v])

    def _when(self, word: int, value: int) -> Any:
        found = _word(self.e, self.job, word)
        return self.b.if_then(self.b.icmp_signed("==", found, ir.Constant(I64, value)))

    def emit_column(self, count: Any) -> None:
        """`count` tiles one below the other."""
        self.far = True
        steps = {table: _word(self.e, self.job, step) for table, step in _STEPS.items()}
        with counted(self.b, count) as index:
            self.steps = {table: self.b.mul(index, step) for table, step in steps.items()}
            self.emit()

    def emit(self) -> None:
        """One tile."""
        e = self.e
        self._start()
        self._sum()
        with self._when(tiling.INIT, 1):
            self._each(
                tiling.C_ROWS,
                lambda acc, at, mask: (Vec(e, acc) + Vec(e, load(e, at, mask))).v,
            )
        with self.b.if_then(
            self.b.icmp_signed("!=", _word(e, self.job, tiling.PRE), ir.Constant(I64, 0))
        ):
            self._each(tiling.PRE_ROWS, lambda acc, at, mask: store(e, at, acc, mask))
        with self._when(tiling.EPILOGUE, 1):
            self._each(None, lambda acc, at, mask: relu(e, Vec(e, acc)).v)
        with self._when(tiling.EPILOGUE, 2):
            self._each(
                tiling.MASK_ROWS,
                lambda acc, at, mask: e.select(Vec(e, load(e, at, mask)) > 0.0, Vec(e, acc), 0.0).v,
            )
        self._each(tiling.C_ROWS, lambda acc, at, mask: store(e, at, acc, mask))

    def _start(self) -> None:
        e = self.e
        zero = ir.Constant(e.type, [0.0] * e.lanes)
        self._each(None, lambda acc, at, mask: zero)
        if self.far:
            self._each(tiling.C_ROWS, lambda acc, at, mask: fetch(e, at, write=True))
        with self._when(tiling.INIT, 2):
            base = _word(e, self.job, tiling.BIAS)
            bias = [load(e, self._address(base, v), self._mask(v)) for v in range(self.vectors)]
            for row in self.acc:
                for slot, value in zip(row, bias, strict=True):
                    self.b.store(value, slot)

    def _sum(self) -> None:
        b, job = self.b, self.job
        rows = [self._row(tiling.A_ROWS, r) for r in range(self.rows)]
        base = b.add(_word(self.e, job, tiling.B), self.columns)
        levels = []
        for level in (tiling.OUTER, tiling.MIDDLE, tiling.INNER):
            levels.append([_word(self.e, job, level + i) for i in range(3)])
        (n2, a2, b2), (n1, a1, b1), (n0, a0, b0) = levels
        with counted(b, n2) as i2:
            at_a2, at_b2 = b.mul(i2, a2), b.add(base, b.mul(i2, b2))
            with counted(b, n1) as i1:
                at_a1 = b.add(at_a2, b.mul(i1, a1))
                at_b1 = b.add(at_b2, b.mul(i1, b1))
                with counted(b, n0) as i0:
                    at_a0 = b.add(at_a1, b.mul(i0, a0))
                    self._step(rows, at_a0, self._panel(b.add(at_b1, b.mul(i0, b0))))

    def _panel(self, at: Any) -> list[Any]:
        """The vectors of a row of B."""
        width = self.e.item * self.e.lanes
        places = [self.b.add(at, ir.Constant(I64, v * width)) for v in range(self.vectors)]
        return [load(self.e, place) for place in places]

    def _step(self, rows: list[Any], offset: Any, panel: list[Any]) -> None:
        """One k: acc[r][v] += A[r, k] · B[k, v]."""
        e, b = self.e, self.b
        for r, row in enumerate(rows):
            pointer = b.inttoptr(b.add(row, offset), e.scalar.as_pointer())
            scalar = b.load(pointer, align=e.item, typ=e.scalar)
            a = Vec(e, e.splat(scalar))
            for v, slot in enumerate(self.acc[r]):
                total = e.fma(a, Vec(e, panel[v]), Vec(e, b.load(slot, typ=e.type)))
                b.store(total.v, slot)


class _PackingTile(_Tile):
    far = True

    def _sum(self) -> None:
        b, e, job = self.b, self.e, self.job
        rows = [self._row(tiling.A_ROWS, r) for r in range(self.rows)]
        source = b.add(_word(e, job, tiling.B), self.columns)
        target = _word(e, job, tiling.PACKED)
        count, step_a, step_b = (_word(e, job, tiling.INNER + i) for i in range(3))
        width = e.item * e.lanes
        ahead = b.mul(step_b, ir.Constant(I64, AHEAD))
        with counted(b, count) as k:
            at = b.add(source, b.mul(k, step_b))
            to = b.add(target, b.mul(k, ir.Constant(I64, self.vectors * width)))
            panel = []
            for v in range(self.vectors):
                offset = ir.Constant(I64, v * width)
                fetch(e, b.add(b.add(at, ahead), offset))
                panel.append(load(e, b.add(at, offset), self._mask(v)))
                store(e, b.add(to, offset), panel[-1])
            self._step(rows, b.mul(k, step_a), panel)
