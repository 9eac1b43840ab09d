"""The reference back end's arithmetic: slow, obvious NumPy, the definition of every row.

Every fast path is compared with it. It expands all composites, so it knows basic rows only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compute import philox
from graph.program import Program, Row

Array = np.ndarray[Any, np.dtype[Any]]
Function = Callable[..., Any]


def _sigmoid(x: Array) -> Array:
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
    )


_erf = np.vectorize(math.erf, otypes=[np.float64])

LARGEST_ID = 2.0**62  # what is beyond, or no number, becomes −1

ELEMENTWISE: dict[str, Function] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0),
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0),
    "erf": _erf,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "sin": np.sin,
    "cos": np.cos,
    "relu": lambda x: np.maximum(x, 0),
    "relu_grad": lambda x, g: np.where(x > 0, g, 0),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "where": lambda c, a, b: np.where(c != 0, a, b),
    "stop_gradient": lambda x: x,
    "to_real": lambda x: x,
}


def _matmul(a: Array, b: Array, transpose_a: bool, transpose_b: bool) -> Array:
    left = np.swapaxes(a, -1, -2) if transpose_a else a
    right = np.swapaxes(b, -1, -2) if transpose_b else b
    return left @ right


def _slice(x: Array, axis: int, start: int, stop: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _windows(x: Array, geometry: Mapping[str, Any], fill: float) -> tuple[Array, Array]:
    """The padded image and its windows N×C×Ho×Wo×kh×kw, a view into it."""
    top, bottom, left, right = geometry["padding"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    (kh, kw), (sh, sw) = geometry["kernel"], geometry["stride"]
    dh, dw = geometry.get("dilation", (1, 1))
    height = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    width = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    n, c, y, x_ = padded.strides
    view = np.lib.stride_tricks.as_strided(
        padded,
        (*padded.shape[:2], height, width, kh, kw),
        (n, c, y * sh, x_ * sw, y * dh, x_ * dw),
    )
    return padded, view


def _conv2d(x: Array, w: Array, **geometry: Any) -> Array:
    return np.asarray(np.einsum("ncyxhw,fchw->nfyx", _windows(x, geometry, 0)[1], w, optimize=True))


def _unpad(padded: Array, size: tuple[int, int], padding: tuple[int, int, int, int]) -> Array:
    top, _, left, _ = padding
    return padded[:, :, top : top + size[0], left : left + size[1]]


def _spread(products: Array, size: tuple[int, int], geometry: Mapping[str, Any]) -> Array:
    """Images N×C×size from what each tap of each window N×C×Ho×Wo×kh×kw adds to them."""
    image = np.zeros((*products.shape[:2], *size), products.dtype)
    padded, view = _windows(image, geometry, 0)
    # windows overlap, so they are added one tap at a time
    for ky in range(products.shape[4]):
        for kx in range(products.shape[5]):
            view[..., ky, kx] += products[..., ky, kx]
    return _unpad(padded, size, geometry["padding"])


def _conv2d_dx(g: Array, w: Array, size: tuple[int, int], **geometry: Any) -> Array:
    products = np.einsum("nfyx,fchw->ncyxhw", g, w, optimize=True)
    return _spread(products, size, geometry)


def _conv2d_dw(x: Array, g: Array, **geometry: Any) -> Array:
    return np.asarray(np.einsum("ncyxhw,nfyx->fchw", _windows(x, geometry, 0)[1], g, optimize=True))


def _depthwise2d(x: Array, w: Array, **geometry: Any) -> Array:
    view = _windows(x, geometry, 0)[1]
    return np.asarray(np.einsum("ncyxhw,chw->ncyx", view, w[:, 0], optimize=True))


def _depthwise2d_dx(g: Array, w: Array, size: tuple[int, int], **geometry: Any) -> Array:
    products = np.einsum("ncyx,chw->ncyxhw", g, w[:, 0], optimize=True)
    return _spread(products, size, geometry)


def _depthwise2d_dw(x: Array, g: Array, **geometry: Any) -> Array:
    view = _windows(x, geometry, 0)[1]
    return np.asarray(np.einsum("ncyxhw,ncyx->chw", view, g, optimize=True))[:, None]


def _flat_windows(x: Array, geometry: Mapping[str, Any], fill: float) -> Array:
    view = _windows(x, geometry, fill)[1]
    return view.reshape(*view.shape[:4], -1)


def _max_pool2d(x: Array, **geometry: Any) -> Array:
    return np.asarray(_flat_windows(x, geometry, -np.inf).max(-1))


def _first_maximum(x: Array, geometry: Mapping[str, Any]) -> Array:
    return np.asarray(_flat_windows(x, geometry, -np.inf).argmax(-1)[..., None])


def _max_pool2d_take(x: Array, y: Array, h: Array, **geometry: Any) -> Array:
    chosen = _first_maximum(x, geometry)
    return np.take_along_axis(_flat_windows(h, geometry, 0), chosen, -1)[..., 0]


def _max_pool2d_scatter(x: Array, y: Array, g: Array, **geometry: Any) -> Array:
    chosen = _first_maximum(x, geometry)[..., 0]
    padded, view = _windows(np.zeros_like(x), geometry, 0)
    kw = geometry["kernel"][1]
    for tap in range(geometry["kernel"][0] * kw):
        view[..., tap // kw, tap % kw] += np.where(chosen == tap, g, 0)
    return _unpad(padded, (x.shape[2], x.shape[3]), geometry["padding"])


def _avg_pool2d(x: Array, **geometry: Any) -> Array:
    return np.asarray(_flat_windows(x, geometry, 0).mean(-1))


def _avg_pool2d_dx(g: Array, size: tuple[int, int], **geometry: Any) -> Array:
    padded, view = _windows(np.zeros((*g.shape[:2], *size), g.dtype), geometry, 0)
    kh, kw = geometry["kernel"]
    for ky in range(kh):
        for kx in range(kw):
            view[..., ky, kx] += g / (kh * kw)
    return _unpad(padded, size, geometry["padding"])


def _to_int(x: Array) -> Array:
    known = np.abs(x) < LARGEST_ID
    return np.where(known, x, -1).astype(np.int64)


def _one_hot(ids: Array, classes: int) -> Array:
    hit = ids[..., None] == np.arange(classes)
    return np.where(_known(ids, classes)[..., None], hit, np.nan)


def _known(ids: Array, count: int) -> Array:
    return np.asarray((ids >= 0) & (ids < count))


def _take(table: Array, index: Array, batch: int) -> Array:
    count, width = table.shape[batch], table.shape[batch + 1 :]
    tables = table.reshape(-1, count, *width)
    ids = index.reshape(len(tables), -1)
    found = tables[np.arange(len(tables))[:, None], np.clip(ids, 0, count - 1)]
    found[~_known(ids, count)] = np.nan
    return np.asarray(found.reshape(*index.shape, *width))


def _take_grad(g: Array, index: Array, count: int, batch: int) -> Array:
    width, head = g.shape[index.ndim :], index.shape[:batch]
    tables = np.zeros((math.prod(head), count, *width), g.dtype)
    ids = index.reshape(len(tables), -1)
    known = _known(ids, count)
    places = np.arange(len(tables))[:, None] + np.zeros_like(ids)
    np.add.at(tables, (places[known], ids[known]), g.reshape(*ids.shape, *width)[known])
    return tables.reshape(*head, count, *width)


BASIC: dict[str, Function] = {
    "matmul": _matmul,
    "sum": lambda x, axes: x.sum(axis=axes),
    "max": lambda x, axes: x.max(axis=axes),
    "argmax": lambda x, axes: x.argmax(axis=axes[0]),
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, order: x.transpose(order),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "slice": _slice,
    "pad": lambda x, before, after: np.pad(x, tuple(zip(before, after, strict=True))),
    "concat": lambda *parts, axis: np.concatenate(parts, axis),
    "to_int": _to_int,
    "arange": lambda count: np.arange(count),
    "one_hot": _one_hot,
    "take": _take,
    "take_grad": _take_grad,
    "conv2d": _conv2d,
    "conv2d_dx": _conv2d_dx,
    "conv2d_dw": _conv2d_dw,
    "depthwise2d": _depthwise2d,
    "depthwise2d_dx": _depthwise2d_dx,
    "depthwise2d_dw": _depthwise2d_dw,
    "max_pool2d": _max_pool2d,
    "max_pool2d_take": _max_pool2d_take,
    "max_pool2d_scatter": _max_pool2d_scatter,
    "avg_pool2d": _avg_pool2d,
    "avg_pool2d_dx": _avg_pool2d_dx,
}


def evaluate(
    program: Program,
    inputs: Mapping[tuple[str, str], Array | float],
    dtype: type[np.floating[Any]] = np.float64,
    seed: int = 0,
) -> dict[int, Array]:
    """Every value of `program` by number, for inputs keyed by (kind, key).

    Composites must have been expanded (`expand_composites`). Real values are computed in `dtype`,
    host scalars in float64. Random rows use the step given as `iteration step` (0 without).
    """
    step = int(np.asarray(inputs.get(("iteration", "step"), 0)).ravel()[0])
    values: dict[int, Array] = {}
    for given in program.inputs:
        values[given.value] = _typed(inputs[given.kind, given.key], program, given.value, dtype)
    for row in program.rows:
        made = _row(row, [values[v] for v in row.inputs], dtype, seed, step)
        values[row.outputs[0]] = _typed(made, program, row.outputs[0], dtype)
    return values


def _typed(value: Array | float, program: Program, number: int, dtype: Any) -> Array:
    kinds = {"real": dtype, "int": np.int64, "scalar": np.float64}
    return np.asarray(value, kinds[program.types[number].dtype])


def _row(row: Row, operands: list[Array], dtype: Any, seed: int, step: int) -> Array | float:
    attrs: dict[str, Any] = dict(row.attrs)
    if row.op == "const":
        return float(attrs["value"])
    if row.op == "random_uniform":
        count = math.prod(attrs["shape"])
        return philox.uniform(seed, attrs["stream"], step, count).reshape(attrs["shape"])
    with np.errstate(all="ignore"):
        if row.op in ELEMENTWISE:
            return np.asarray(ELEMENTWISE[row.op](*operands))
        return np.asarray(BASIC[row.op](*operands, **attrs))
