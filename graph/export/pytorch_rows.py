"""The PyTorch dialect: each row as one expression, for node types that bring no PyTorch text."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import Code, literal
from graph.export.numpy_rows import SCALARS, product, slice_text
from graph.export.symbolic import ExportError
from graph.export.writer import Use, number_text, shape_text
from graph.program import Row

COMPOSITES = frozenset({"softmax", "log_softmax", "softmax_cross_entropy", "norm"})

# rows that are one call or operator, whatever their operands
PLAIN = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "pow": "{0} ** {1}",
    "square": "{0} ** 2",
    "twice": "2 * {0}",
    "same": "{0}",
    "exp": "torch.exp({0})",
    "expm1": "torch.expm1({0})",
    "log": "torch.log({0})",
    "log1p": "torch.log1p({0})",
    "sqrt": "torch.sqrt({0})",
    "rsqrt": "torch.rsqrt({0})",
    "reciprocal": "1 / {0}",
    "tanh": "torch.tanh({0})",
    "sigmoid": "torch.sigmoid({0})",
    "softplus": "F.softplus({0}, threshold=40)",  # its default of 20 loses ten digits
    "log_sigmoid": "F.logsigmoid({0})",
    "erf": "torch.erf({0})",
    "abs": "torch.abs({0})",
    "sign": "torch.sign({0})",
    "floor": "torch.floor({0})",
    "sin": "torch.sin({0})",
    "cos": "torch.cos({0})",
    "relu": "F.relu({0})",
    "relu_grad": "torch.where({0} > 0, {1}, 0.0)",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "less": "{0} < {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "norm": "{0}.norm()",
    "stop_gradient": "{0}.detach()",
    "to_int": "{0}.long()",
    "argmax": "{0}.argmax(dim={axes[0]})",
    "concat": "torch.cat({all}, dim={axis})",
    "softmax": "F.softmax({0}, dim=-1)",
    "log_softmax": "F.log_softmax({0}, dim=-1)",
    "softmax_cross_entropy": 'F.cross_entropy({0}, {1}, reduction="none")',
}


def keep(row: Row) -> bool:
    """Whether PyTorch has a function for this composite row."""
    return row.op in COMPOSITES


def dialect(real: str) -> Callable[[Use], Expression]:
    """How rows are written; `real` is the method that makes numbers of the model's precision."""

    def express(use: Use) -> Expression:
        special = _SPECIAL.get(use.row.op)
        if special is not None:
            return special(use)
        if use.result.dtype == "scalar" and use.row.op in SCALARS:
            return ex.fill(SCALARS[use.row.op], use.operands, {})
        if use.row.op == "arange":
            return ex.fill(f"torch.arange({{count}}).{real}()", [], dict(use.row.attrs))
        if use.row.op in ("to_real", "one_hot"):
            call = "F.one_hot({0}, {classes})" if use.row.op == "one_hot" else "{0}"
            plain = use.types[0].dtype == "scalar"
            text = call if plain else f"{call}.{real}()"
            return ex.fill(text, use.operands, dict(use.row.attrs))
        if use.row.op not in PLAIN:
            raise ExportError(
                f"{use.row.path}: found row {use.row.op}, which has no PyTorch text; "
                "give its node type `torch` or `torch_call`"
            )
        return ex.fill(PLAIN[use.row.op], use.operands, dict(use.row.attrs))

    return express


def _const(use: Use) -> Expression:
    value = use.attr("value")
    text = value if isinstance(value, Code) else number_text(cast("float", value))
    return ex.parse(text)


def _matmul(use: Use) -> Expression:
    text = ["{0}", "{1}"]
    for place, name in enumerate(("transpose_a", "transpose_b")):
        if use.attr(name):
            text[place] += ".T" if len(use.types[place].shape) == 2 else ".mT"
    return ex.fill(" @ ".join(text), use.operands, {})


def _reduction(use: Use) -> Expression:
    axes = cast("tuple[int, ...]", use.attr("axes"))
    method = {"max": "amax"}.get(use.row.op, use.row.op)
    keep_axes = dict(use.row.attrs).get("keep")
    parts = [f"dim={axes[0] if len(axes) == 1 else axes}"]
    if len(axes) == len(use.types[0].shape) and not keep_axes:
        parts = []
    if keep_axes:
        parts.append("keepdim=True")
    return ex.fill(f"{{0}}.{method}({', '.join(parts)})", use.operands, {})


def _reshape(use: Use) -> Expression:
    if use.types[0].dtype == "scalar":
        return _broadcast(use)
    items = ", ".join(map(literal, shape_text(use.shape)))
    return ex.fill(f"{{0}}.reshape({items})", use.operands, {})


def _broadcast(use: Use) -> Expression:
    shape = literal(tuple(use.shape))
    if use.types[0].dtype == "scalar":
        return ex.fill(f"torch.full({shape}, float({{0}}))", use.operands, {})
    return ex.fill(f"{{0}}.expand{shape}", use.operands, {})


def _permute(use: Use) -> Expression:
    order = cast("tuple[int, ...]", use.attr("order"))
    text = ".T" if order == (1, 0) else f".permute({', '.join(map(str, order))})"
    return ex.fill("{0}" + text, use.operands, {})


def _spread(use: Use) -> Expression:
    return ex.fill("{0}[:" + ", None" * cast("int", use.attr("axes")) + "]", use.operands, {})


def _pad(use: Use) -> Expression:
    before, after = (cast("tuple[int, ...]", use.attr(k)) for k in ("before", "after"))
    sides = tuple(n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair)
    return ex.fill("F.pad({0}, {sides})", use.operands, {"sides": sides})


def _bound(method: str, other: str) -> Callable[[Use], Expression]:
    def write(use: Use) -> Expression:
        if use.result.dtype == "scalar":
            return ex.fill(SCALARS[use.row.op], use.operands, {})
        scalars = [k for k, kind in enumerate(use.types) if kind.dtype == "scalar"]
        if scalars:
            x, bound = use.operands[1 - scalars[0]], use.operands[scalars[0]]
            return ex.fill(f"{{0}}.clamp({other}={{1}})", [x, bound], {})
        return ex.fill(f"torch.{method}({{0}}, {{1}})", use.operands, {})

    return write


def _where(use: Use) -> Expression:
    if use.result.dtype == "scalar":
        return ex.fill(SCALARS["where"], use.operands, {})
    condition = "{0}" if use.masks[0] else "{0} != 0"
    return ex.fill(f"torch.where({condition}, {{1}}, {{2}})", use.operands, {})


def _random(use: Use) -> Expression:
    return ex.parse(f"torch.rand({literal(tuple(use.shape))})")


def _windowed(function: str, fill: str, apart: bool = False) -> Callable[[Use], Expression]:
    """A function that slides windows; with `apart` each channel is a group of its own."""

    def write(use: Use) -> Expression:
        attrs = dict(use.row.attrs)
        top, bottom, left, right = cast("tuple[int, ...]", attrs["padding"])
        # a function of PyTorch pads both sides alike; uneven sides are padded before it
        even = (top, left) == (bottom, right)
        x = "{0}" if even else f"F.pad({{0}}, {(left, right, top, bottom)}{fill})"
        operands = ", ".join([x, *(f"{{{k}}}" for k in range(1, len(use.operands)))])
        parts = [literal(attrs["kernel"])] if function != "conv2d" else []
        parts.append(f"stride={literal(attrs['stride'])}")
        if even and (top or left):
            parts.append(f"padding={(top, left)}")
        if attrs.get("dilation", (1, 1)) != (1, 1):
            parts.append(f"dilation={literal(attrs['dilation'])}")
        if apart:
            parts.append(f"groups={use.types[0].shape[1]}")
        return ex.fill(f"F.{function}({operands}, {', '.join(parts)})", use.operands, {})

    return write


_SPECIAL: dict[str, Callable[[Use], Expression]] = {
    "const": _const,
    "mul": lambda use: product(*use.operands),
    "matmul": _matmul,
    "sum": _reduction,
    "max": _reduction,
    "mean": _reduction,
    "reshape": _reshape,
    "broadcast_to": _broadcast,
    "permute": _permute,
    "spread": _spread,
    "slice": lambda use: ex.fill("{0}" + slice_text(use), use.operands, {}),
    "pad": _pad,
    "maximum": _bound("maximum", "min"),
    "minimum": _bound("minimum", "max"),
    "where": _where,
    "random_uniform": _random,
    "conv2d": _windowed("conv2d", ""),
    "depthwise2d": _windowed("conv2d", "", apart=True),
    "max_pool2d": _windowed("max_pool2d", ', value=-float("inf")'),
    "avg_pool2d": _windowed("avg_pool2d", ""),
}
