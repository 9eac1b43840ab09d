"""The NumPy dialect: each row as one expression.

The table's own NumPy texts are used where they read well; here stand those that depend on shapes,
on defaults worth leaving out, or on whether a number is known to the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

from graph.export import expression as ex
from graph.export import numpy_cells, numpy_recurrent
from graph.export.expression import Expression
from graph.export.names import Code, literal
from graph.export.symbolic import ExportError
from graph.export.writer import Use, number_text, shape_text
from graph.primitives.table import PRIMITIVES
from graph.program import Row

CAST = "x.astype(DTYPE)"
# composite rows with a function of their own in the generated file
COMPOSITES = frozenset(
    {
        "softmax",
        "softmax_grad",
        "log_softmax",
        "softmax_cross_entropy",
        "softmax_cross_entropy_grad",
        "batch_norm",
        "batch_norm_grad",
        "attention",
        "attention_grad",
        "norm",
        "renorm",
        "update",
        *numpy_recurrent.EXPRESSIONS,
        *numpy_cells.EXPRESSIONS,
    }
)

# host scalars stay Python floats: a NumPy double would turn float32 arrays into float64
SCALARS = {
    "sqrt": "math.sqrt({0})",
    "rsqrt": "1 / math.sqrt({0})",
    "exp": "math.exp({0})",
    "expm1": "math.expm1({0})",
    "log": "math.log({0})",
    "log1p": "math.log1p({0})",
    "tanh": "math.tanh({0})",
    "erf": "math.erf({0})",
    "sin": "math.sin({0})",
    "cos": "math.cos({0})",
    "floor": "math.floor({0})",
    "abs": "abs({0})",
    "sign": "({0} > 0) - ({0} < 0)",
    "relu": "max({0}, 0.0)",
    "relu_grad": "{1} if {0} > 0 else 0.0",
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "where": "{1} if {0} else {2}",
    "sigmoid": "1 / (1 + math.exp(-{0}))",
    "softplus": "math.log1p(math.exp(-abs({0}))) + max({0}, 0.0)",
    "log_sigmoid": "min({0}, 0.0) - math.log1p(math.exp(-abs({0})))",
}


def keep(row: Row) -> bool:
    """Whether the file has a function for this composite row."""
    # a gradient of a recurrent layer's gradient has further operands, which no function takes
    return row.op in COMPOSITES and not dict(row.attrs).get("also")


def express(use: Use) -> Expression:
    """The row as a NumPy expression."""
    special = _SPECIAL.get(use.row.op)
    if special is not None:
        return special(use)
    if use.result.dtype == "scalar" and use.row.op in SCALARS:
        return ex.fill(SCALARS[use.row.op], use.operands, {})
    return ex.fill(PRIMITIVES[use.row.op].numpy, use.operands, dict(use.row.attrs))


def _template(text: str) -> Callable[[Use], Expression]:
    return lambda use: ex.fill(text, use.operands, dict(use.row.attrs))


def _const(use: Use) -> Expression:
    value = use.attr("value")
    if isinstance(value, Code):
        return ex.parse(value)
    return ex.parse(number_text(cast("float", value)))


def _to_real(use: Use) -> Expression:
    if use.types[0].dtype == "scalar":
        return use.operands[0]
    return ex.fill(CAST.replace("x", "{0}", 1), use.operands, {})


def _matmul(use: Use) -> Expression:
    text = ["{0}", "{1}"]
    for place, name in enumerate(("transpose_a", "transpose_b")):
        if use.attr(name):
            text[place] += ".T" if len(use.types[place].shape) == 2 else ".swapaxes(-1, -2)"
    return ex.fill(" @ ".join(text), use.operands, {})


def axis_text(use: Use) -> str:
    """`axis=1`, `axis=(0, 2)`; empty for all axes."""
    axes = cast("tuple[int, ...]", use.attr("axes"))
    if len(axes) == len(use.types[0].shape):
        return ""
    return f"axis={axes[0] if len(axes) == 1 else axes}"


def _reduction(use: Use) -> Expression:
    op, parts = use.row.op, [axis_text(use)]
    if dict(use.row.attrs).get("keep"):
        parts.append("keepdims=True")
    if op == "sum" and use.masks[0]:
        parts.append("dtype=DTYPE")
    return ex.fill(f"{{0}}.{op}({', '.join(p for p in parts if p)})", use.operands, {})


def _argmax(use: Use) -> Expression:
    return ex.fill("{0}.argmax(axis={axes[0]})", use.operands, dict(use.row.attrs))


def _reshape(use: Use) -> Expression:
    shape = shape_text(use.shape)
    items = ", ".join(map(literal, shape))
    if not use.types[0].shape:  # one number may be a Python float
        return ex.fill(f"np.full(({items}), {{0}}, DTYPE)", use.operands, {})
    if len(shape) == 1:
        return ex.fill("{0}.reshape({shape})", use.operands, {"shape": shape[0]})
    return ex.fill(f"{{0}}.reshape({items})", use.operands, {})


def _broadcast(use: Use) -> Expression:
    if use.types[0].dtype == "scalar":
        template = "np.full({shape}, {0}, DTYPE)"
    else:
        template = "np.broadcast_to({0}, {shape})"
    return ex.fill(template, use.operands, {"shape": use.shape})


def _permute(use: Use) -> Expression:
    order = cast("tuple[int, ...]", use.attr("order"))
    if order == (1, 0):
        return ex.fill("{0}.T", use.operands, {})
    return ex.fill(f"{{0}}.transpose({', '.join(map(str, order))})", use.operands, {})


def slice_text(use: Use) -> str:
    """The index that cuts the row's piece: `[:, 2:5]`."""
    axis, start, stop = (cast("int", use.attr(k)) for k in ("axis", "start", "stop"))
    full = use.types[0].shape[axis]
    piece = f"{start or ''}:{stop if stop != full else ''}"
    return f"[{', '.join([':'] * axis + [piece])}]"


def _slice(use: Use) -> Expression:
    return ex.fill("{0}" + slice_text(use), use.operands, {})


def _pad(use: Use) -> Expression:
    before, after = (cast("tuple[int, ...]", use.attr(k)) for k in ("before", "after"))
    sides = tuple(zip(before, after, strict=True))
    return ex.fill("np.pad({0}, {sides})", use.operands, {"sides": sides})


def _take(use: Use) -> Expression:
    text = "take_rows({0}, {1}, {batch})" if use.attr("batch") else "{0}[{1}]"
    return ex.fill(text, use.operands, dict(use.row.attrs))


def _random(use: Use) -> Expression:
    text = "random_uniform(SEED, {stream}, step, {shape})"
    return ex.fill(text, [], {"stream": use.attr("stream"), "shape": use.shape})


def window_text(use: Use, skipped: tuple[str, ...] = ()) -> str:
    """The geometry of a window as keyword arguments, without what is the default."""
    defaults = {"padding": (0, 0, 0, 0), "dilation": (1, 1)}
    if use.row.op.startswith("conv"):
        defaults["stride"] = (1, 1)
    parts = [
        f"{name}={literal(dict(use.row.attrs)[name])}"
        for name in ("kernel", "size", "stride", "padding", "dilation")
        if name in dict(use.row.attrs) and name not in skipped
        if dict(use.row.attrs)[name] != defaults.get(name)
    ]
    return ", ".join(parts)


def _windowed(template: str, *skipped: str) -> Callable[[Use], Expression]:
    def write(use: Use) -> Expression:
        geometry = window_text(use, skipped)
        return ex.fill(template.replace("GEOMETRY", geometry), use.operands, {})

    return write


def _cross_entropy_grad(use: Use) -> Expression:
    scale = use.operands[2]
    if use.types[2].shape:
        scale = ex.fill("{0}[:, None]", [scale], {})
    return product(ex.fill("softmax_cross_entropy_grad({0}, {1})", use.operands[:2], {}), scale)


def _batch_norm_grad(use: Use) -> Expression:
    if len(use.operands) > 5:
        raise ExportError(
            f"{use.row.path}: found a loss that depends on running statistics, expected none; "
            "wire the loss to the layer's output"
        )
    text = "batch_norm_grad({0}, {1}, {2}, {3}, {4}, {epsilon})"
    return ex.fill(text, use.operands, dict(use.row.attrs))


def _attention(use: Use) -> Expression:
    """`attention(q, k, v, causal=True)`: what is the default is left out."""
    graded = use.row.op == "attention_grad"
    given = [0, 1, 2, 4] if graded else [0, 1, 2]  # the gradient needs no output in NumPy
    parts = [f"{{{place}}}" for place in given]
    scale, features = cast("float", use.attr("scale")), use.types[0].shape[-1]
    if use.attr("causal"):
        parts.append("causal=True")
    if scale != 1.0 / math.sqrt(features):
        parts.append(f"scale={number_text(scale)}")
    lengths = 5 if graded else 3
    if len(use.operands) > lengths:
        parts.append(f"lengths={{{lengths}}}")
    return ex.fill(f"{use.row.op}({', '.join(parts)})", use.operands, {})


def product(left: Expression, right: Expression) -> Expression:
    """left · right; x · (1 / n) is written x / n."""
    for one, other in ((left, right), (right, left)):
        divisor = ex.inverse(other)
        if divisor is not None:
            return ex.fill("{0} / {1}", [one, divisor], {})
    return ex.fill("{0} * {1}", [left, right], {})


def _times(use: Use) -> Expression:
    return product(*use.operands)


def _spread(use: Use) -> Expression:
    axes = ", None" * cast("int", use.attr("axes"))
    return ex.fill(f"{{0}}[:{axes}]", use.operands, {})


def _where(use: Use) -> Expression:
    if use.result.dtype == "scalar":
        return ex.fill(SCALARS["where"], use.operands, {})
    condition = "{0}" if use.masks[0] else "{0} != 0"
    return ex.fill(f"np.where({condition}, {{1}}, {{2}})", use.operands, {})


_SPECIAL: dict[str, Callable[[Use], Expression]] = {
    "const": _const,
    "to_real": _to_real,
    "mul": _times,
    "same": _template("{0}"),
    "square": _template("{0} ** 2"),
    "twice": _template("2 * {0}"),
    "spread": _spread,
    "where": _where,
    "matmul": _matmul,
    "sum": _reduction,
    "max": _reduction,
    "mean": _reduction,
    "argmax": _argmax,
    "reshape": _reshape,
    "broadcast_to": _broadcast,
    "permute": _permute,
    "slice": _slice,
    "pad": _pad,
    "concat": _template("np.concatenate({all}, axis={axis})"),
    "one_hot": _template("one_hot({0}, {classes})"),
    "take": _take,
    "take_grad": _template("add_rows({0}, {1}, {count}, {batch})"),
    "random_uniform": _random,
    "conv2d": _windowed("conv2d({0}, {1}, GEOMETRY)", "kernel"),
    "conv2d_dx": _windowed("conv2d_dx({0}, {1}, GEOMETRY)", "kernel"),
    "conv2d_dw": _windowed("conv2d_dw({0}, {1}, GEOMETRY)"),
    "depthwise2d": _windowed("depthwise2d({0}, {1}, GEOMETRY)", "kernel"),
    "depthwise2d_dx": _windowed("depthwise2d_dx({0}, {1}, GEOMETRY)", "kernel"),
    "depthwise2d_dw": _windowed("depthwise2d_dw({0}, {1}, GEOMETRY)"),
    "max_pool2d": _windowed("max_pool2d({0}, GEOMETRY)"),
    "max_pool2d_scatter": _windowed("max_pool2d_dx({0}, {2}, GEOMETRY)"),
    "max_pool2d_take": _windowed("max_pool2d_take({0}, {2}, GEOMETRY)"),
    "avg_pool2d": _windowed("avg_pool2d({0}, GEOMETRY)"),
    "avg_pool2d_dx": _windowed("avg_pool2d_dx({0}, GEOMETRY)"),
    "softmax": _template("softmax({0})"),
    "softmax_grad": _template("softmax_grad({0}, {1})"),
    "log_softmax": _template("log_softmax({0})"),
    "softmax_cross_entropy": _template("softmax_cross_entropy({0}, {1})"),
    "softmax_cross_entropy_grad": _cross_entropy_grad,
    "attention": _attention,
    "attention_grad": _attention,
    "batch_norm": _template("batch_norm({0}, {1}, {2}, {epsilon})"),
    "batch_norm_grad": _batch_norm_grad,
    **numpy_recurrent.EXPRESSIONS,
    **numpy_cells.EXPRESSIONS,
}
