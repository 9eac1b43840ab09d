"""The kernels' vocabulary for one vector variant, as Numba intrinsics. Imports Numba: compiler
process only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types as numba_types
from numba.extending import intrinsic, models, overload, register_model

from compute.cpu import processor, tiles, vecmath
from compute.cpu.blocks import emit_operation, emit_philox, emit_transpose
from compute.cpu.tape import ARGUMENTS, WORD
from compute.cpu.variants import Variant
from compute.cpu.vector import F32, F64, I32, I64, Emitter, Mask, Vec

types: Any = numba_types
LONG, DOUBLE, VOID = types.int64, types.float64, types.void
WIDE = 8  # vectors of the one-row tile


class VectorType(numba_types.Type):
    """Numba's type of a vector of reals."""

    def __init__(self, variant: Variant) -> None:
        super().__init__(name=f"Vector[{variant.name}]")
        self.variant = variant


class MaskType(numba_types.Type):
    """Numba's type of one truth value a lane."""

    def __init__(self, variant: Variant) -> None:
        super().__init__(name=f"Mask[{variant.name}]")
        self.variant = variant


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        scalar = F32 if kind.variant.real == "f32" else F64
        vector = ir.VectorType(scalar, kind.variant.lanes)
        super().__init__(manager, kind, vector)  # type: ignore[no-untyped-call]


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: MaskType) -> None:
        bits = ir.VectorType(ir.IntType(1), kind.variant.lanes)
        super().__init__(manager, kind, bits)  # type: ignore[no-untyped-call]


# Numba counts an intrinsic's parameters, so there is one shape for each number of them.
_SHAPES: tuple[Callable[[Any], Callable[..., Any]], ...] = (
    lambda pair: lambda context: pair,
    lambda pair: lambda context, a: pair,
    lambda pair: lambda context, a, b: pair,
    lambda pair: lambda context, a, b, c: pair,
    lambda pair: lambda context, a, b, c, d: pair,
    lambda pair: lambda context, a, b, c, d, e: pair,
    lambda pair: lambda context, a, b, c, d, e, f: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h, i: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h, i, j: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h, i, j, k: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h, i, j, k, n: pair,
    lambda pair: lambda context, a, b, c, d, e, f, g, h, i, j, k, n, m: pair,
)

Emit = Callable[..., Any]


def _pointer(e: Emitter, address: Any, kind: Any) -> Any:
    return e.b.inttoptr(address, kind.as_pointer())


def _read(kind: Any, align: int) -> Emit:
    def emit(e: Emitter, address: Any) -> Any:
        return e.b.load(_pointer(e, address, kind), align=align, typ=kind)

    return emit


def _get_real(e: Emitter, address: Any) -> Any:
    value = e.b.load(_pointer(e, address, e.scalar), align=e.item, typ=e.scalar)
    return e.b.fpext(value, F64) if e.single else value


def _is_finite_real(e: Emitter, address: Any) -> Any:
    value = _get_real(e, address)
    difference = e.b.fsub(value, value)  # NaN for NaN and for infinities
    return e.b.zext(e.b.fcmp_ordered("==", difference, ir.Constant(F64, 0.0)), I64)


def _set_real(e: Emitter, address: Any, value: Any) -> None:
    value = e.b.fptrunc(value, F32) if e.single else value
    e.b.store(value, _pointer(e, address, e.scalar), align=e.item)


def _set_word(e: Emitter, address: Any, value: Any) -> None:
    e.b.store(value, _pointer(e, address, I64), align=8)


def _set_double(e: Emitter, address: Any, value: Any) -> None:
    e.b.store(value, _pointer(e, address, F64), align=8)


def _get_int32(e: Emitter, address: Any) -> Any:
    return e.b.zext(e.b.load(_pointer(e, address, I32), align=4, typ=I32), I64)


def _set_int32(e: Emitter, address: Any, value: Any) -> None:
    e.b.store(e.b.trunc(value, I32), _pointer(e, address, I32), align=4)


def _splat(e: Emitter, value: Any) -> Any:
    return e.splat(e.b.fptrunc(value, F32) if e.single else value)


def _same(e: Emitter, a: Any, b: Any) -> Any:
    equal = e.b.fcmp_ordered("==", a, b)
    return e.b.or_(equal, e.b.and_(e.b.fcmp_unordered("!=", a, a), e.b.fcmp_unordered("!=", b, b)))


def _tree(combine: Callable[[Vec, Vec], Vec]) -> Emit:
    """Combines all lanes, upper half with lower half, until one is left."""

    def emit(e: Emitter, value: Any) -> Any:
        width = e.lanes
        while width > 1:
            width //= 2
            order = [width + i if i < width else i for i in range(e.lanes)]
            mask = ir.Constant(ir.VectorType(I32, e.lanes), order)
            undef = ir.Constant(e.type, ir.Undefined)
            upper = e.b.shuffle_vector(value, undef, mask)
            value = combine(Vec(e, value), Vec(e, upper)).v
        scalar = e.b.extract_element(value, ir.Constant(I32, 0))
        return e.b.fpext(scalar, F64) if e.single else scalar

    return emit


def _stack(size: int) -> Emit:
    def emit(e: Emitter) -> Any:
        with e.b.goto_entry_block():
            block = e.b.alloca(ir.ArrayType(ir.IntType(8), size))
            block.align = 64
        return e.b.ptrtoint(block, I64)

    return emit


def _atomic_swap(e: Emitter, address: Any, expected: Any, value: Any) -> Any:
    pair = e.b.cmpxchg(_pointer(e, address, I64), expected, value, "seq_cst")
    return e.b.extract_value(pair, 1)


def _call(e: Emitter, function: Any, *arguments: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [I64] * len(arguments))
    e.b.call(e.b.inttoptr(function, kind.as_pointer()), arguments)


def _vec(operation: Callable[..., Vec | Mask]) -> Emit:
    """An operation of vecmath or Emitter on raw values."""

    def emit(e: Emitter, *values: Any) -> Any:
        return operation(e, *(Vec(e, v) for v in values)).v

    return emit


class Vocabulary:
    """Every word of `compute.cpu.kernels.vocabulary` for one variant, by name."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.vector, self.mask = VectorType(variant), MaskType(variant)
        rows, vectors = tile_shape(variant)
        self.words: dict[str, Any] = {
            "LANES": variant.lanes,
            "ITEM": variant.item,
            "VECTOR": variant.bytes,
            "TILE_ROWS": rows,
            "TILE_VECTORS": vectors,
            "WIDE": WIDE,
            "LEAST": float("-inf"),
        }
        blocks = self._blocks(rows, vectors)
        for group in (self._memory(), self._arithmetic(), self._threads(), blocks):
            for name, (result, arguments, emit) in group.items():
                self.words[name] = self.make(result, arguments, emit)
        for symbol, name in ((operator.add, "add"), (operator.sub, "sub")):
            self._overload(symbol, name)
        for symbol, name in ((operator.mul, "mul"), (operator.truediv, "div")):
            self._overload(symbol, name)

    def make(self, result: Any, arguments: Sequence[Any], emit: Emit) -> Any:
        """An intrinsic whose code `emit(emitter, *values)` builds; a result of None is void."""

        def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
            value = emit(Emitter.of(builder, self.variant), *values)
            return context.get_dummy_value() if value is None else value

        signature = (VOID if result is None else result)(*arguments)
        return intrinsic(_SHAPES[len(arguments)]((signature, generate)))

    def unpack(self, count: int) -> Any:
        """The `unpack` of a kernel of `count` argument words."""

        def emit(e: Emitter, row: Any) -> Any:
            result = ir.Constant(ir.ArrayType(I64, count), ir.Undefined)
            for i in range(count):
                address = e.b.add(row, ir.Constant(I64, (ARGUMENTS + i) * WORD))
                word = e.b.load(_pointer(e, address, I64), align=8, typ=I64)
                result = e.b.insert_value(result, word, i)
            return result

        return self.make(types.UniTuple(LONG, count), [LONG], emit)

    def stack(self, size: int) -> Any:
        """A word that gives the address of `size` bytes on the stack."""
        return self.make(LONG, [], _stack(size))

    def _overload(self, symbol: Any, name: str) -> None:
        kind = self.vector
        method = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}[name]
        word = self.make(kind, [kind, kind], lambda e, a, b: getattr(e.b, method)(a, b))

        def typed(a: Any, b: Any) -> Any:
            return (lambda a, b: word(a, b)) if a == kind and b == kind else None

        typed.__annotations__.clear()  # Numba wants the signature of what `typed` returns
        overload(symbol)(typed)

    def _memory(self) -> dict[str, tuple[Any, list[Any], Emit]]:
        vector, mask = self.vector, self.mask
        return {
            "get_word": (LONG, [LONG], _read(I64, 8)),
            "set_word": (None, [LONG, LONG], _set_word),
            "get_int32": (LONG, [LONG], _get_int32),
            "set_int32": (None, [LONG, LONG], _set_int32),
            "get_double": (DOUBLE, [LONG], _read(F64, 8)),
            "set_double": (None, [LONG, DOUBLE], _set_double),
            "get_real": (DOUBLE, [LONG], _get_real),
            "is_finite_real": (LONG, [LONG], _is_finite_real),
            "set_real": (None, [LONG, DOUBLE], _set_real),
            "as_float": (DOUBLE, [LONG], lambda e, bits: e.b.bitcast(bits, F64)),
            "load": (vector, [LONG], tiles.load),
            "store": (None, [LONG, vector], tiles.store),
            "load_masked": (vector, [LONG, mask], tiles.load),
            "store_masked": (None, [LONG, vector, mask], tiles.store),
            "first": (mask, [LONG], tiles.first_lanes),
        }

    def _arithmetic(self) -> dict[str, tuple[Any, list[Any], Emit]]:
        v, m = self.vector, self.mask
        return {
            "splat": (v, [DOUBLE], _splat),
            "fma": (v, [v, v, v], _vec(Emitter.fma)),
            "maximum": (v, [v, v], _vec(Emitter.maximum)),
            "square_root": (v, [v], _vec(lambda e, a: e.unary("sqrt", a))),
            "exponential": (v, [v], _vec(vecmath.exp)),
            "natural_log": (v, [v], _vec(vecmath.log)),
            "logistic": (v, [v], _vec(vecmath.sigmoid)),
            "hyperbolic_tangent": (v, [v], _vec(vecmath.tanh)),
            "rectify": (v, [v], _vec(vecmath.relu)),
            "greater": (m, [v, v], _vec(lambda e, a, b: a > b)),
            "same": (m, [v, v], _same),
            "both": (m, [m, m], lambda e, a, b: e.b.and_(a, b)),
            "without": (m, [m, m], lambda e, a, b: e.b.and_(a, e.b.not_(b))),
            "select": (v, [m, v, v], lambda e, k, a, b: e.b.select(k, a, b)),
            "lane_sum": (DOUBLE, [v], _tree(lambda a, b: a + b)),
            "lane_top": (DOUBLE, [v], _tree(lambda a, b: a.e.select(a > b, a, b))),
            "lane_max": (DOUBLE, [v], _tree(lambda a, b: a.e.maximum(a, b))),
        }

    def _threads(self) -> dict[str, tuple[Any, list[Any], Emit]]:
        return {
            "atomic_add": (
                LONG,
                [LONG, LONG],
                lambda e, a, x: e.b.atomic_rmw("add", _pointer(e, a, I64), x, "seq_cst"),
            ),
            "atomic_swap": (types.boolean, [LONG] * 3, _atomic_swap),
            "atomic_get": (
                LONG,
                [LONG],
                lambda e, a: e.b.load_atomic(_pointer(e, a, I64), "acquire", 8, typ=I64),
            ),
            "atomic_set": (
                None,
                [LONG, LONG],
                lambda e, a, x: e.b.store_atomic(x, _pointer(e, a, I64), "release", 8) and None,
            ),
            "pause": (None, [], processor.pause),
            "nap": (None, [LONG], processor.nap),
            "thread_number": (LONG, [], processor.thread_number),
            "processor_time": (LONG, [LONG], processor.processor_time),
            "trade_places": (None, [LONG], processor.trade_places),
            "cycles": (LONG, [], lambda e: e.b.call(e.declare(processor.COUNTER, I64, []), [])),
            "flush_subnormals": (LONG, [], processor.flush_subnormals),
            "restore_control": (None, [LONG], processor.restore_control),
            "call": (None, [LONG] * 5, _call),
        }

    def _blocks(self, rows: int, vectors: int) -> dict[str, tuple[Any, list[Any], Emit]]:
        widths = range(1, vectors + 1)
        tile = tiles.emit_tiles((rows // 2, rows), widths)
        return {
            "transpose_block": (None, [LONG] * 4, emit_transpose),
            "run_operation": (None, [LONG] * 13, emit_operation),
            "philox_block": (None, [LONG] * 5, emit_philox),
            "tile": (None, [LONG] * 5, tile),
            "tile_column": (None, [LONG] * 5, tiles.emit_column(rows, widths)),
            "packing_tile": (None, [LONG] * 5, tiles.emit_packing(rows, widths)),
            "tall_tile": (None, [LONG] * 5, tiles.emit_tiles((rows // 2, rows, rows + 1), widths)),
            "row_tile": (None, [LONG] * 5, tiles.emit_tiles((1,), (WIDE,))),
        }


def tile_shape(variant: Variant) -> tuple[int, int]:
    """Rows and vectors of the full micro-kernel tile: accumulators, B and one A fit the register
    file.
    """
    if variant.bytes == 64:
        return 8, 3
    if variant.bytes == 32:
        return 6, 2
    return (4, 2) if variant.cpu == "x86-64-v2" else (8, 3)
