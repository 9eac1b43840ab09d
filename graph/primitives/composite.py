"""Composite rows: what they mean is `expand`; a fused kernel for them is a back end's choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graph.primitives.elementwise import exp, log, rsqrt, stop_gradient
from graph.primitives.reduction import reduce_max, reduce_mean, reduce_sum
from graph.primitives.shape import one_hot, reshape
from graph.primitives.table import (
    Gradients,
    Primitive,
    Tensors,
    Types,
    broadcast_shapes,
    register,
    text,
)
from graph.program import Attrs, Program, ShapeError, TensorType
from graph.tensor import Tensor


def _same(types: Types, attrs: Attrs) -> Types:
    return (TensorType(types[0].shape, "real"),)


# ---- softmax over the last axis


def softmax(x: Tensor) -> Tensor:
    """exp(x) / Σ exp(x) over the last axis, shifted by the maximum so that nothing overflows."""
    return x.builder.emit("softmax", (x,))[0]


def log_softmax(x: Tensor) -> Tensor:
    """log softmax over the last axis, by log-sum-exp."""
    return x.builder.emit("log_softmax", (x,))[0]


def _shifted(x: Tensor) -> Tensor:
    return x - stop_gradient(reduce_max(x, -1, keep=True))


def _softmax_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    e = exp(_shifted(inputs[0]))
    return [e / reduce_sum(e, -1, keep=True)]


def _log_softmax_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    shifted = _shifted(inputs[0])
    return [shifted - log(reduce_sum(exp(shifted), -1, keep=True))]


def _softmax_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    y, g = outputs[0], gradients[0]
    return [y.builder.emit("softmax_grad", (y, g))[0]]


def _softmax_grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    y, g = inputs
    return [y * (g - reduce_sum(y * g, -1, keep=True))]


def _log_softmax_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    y, g = outputs[0], gradients[0]
    return [g - exp(y) * reduce_sum(g, -1, keep=True)]


register(
    Primitive("softmax", "composite", _same, _softmax_vjp, _softmax_expand, numpy="softmax({0})")
)
register(Primitive("softmax_grad", "composite", _same, None, _softmax_grad_expand))
register(
    Primitive(
        "log_softmax",
        "composite",
        _same,
        _log_softmax_vjp,
        _log_softmax_expand,
        numpy="log_softmax({0})",
    )
)


# ---- cross-entropy from logits


def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """−log softmax(logits)[label] for each sample; logits N×K, labels N, result N."""
    return logits.builder.emit("softmax_cross_entropy", (logits, labels))[0]


def _cross_entropy_type(types: Types, attrs: Attrs) -> Types:
    logits, labels = types
    if labels.dtype != "int" or labels.shape != logits.shape[:-1]:
        raise ShapeError(
            f"targets {labels}",
            f"one integer class for each of {text(logits.shape[:-1])} predictions",
            "wire a labels port to `target`",
            operand=1,
        )
    return (TensorType(labels.shape, "real"),)


def _cross_entropy_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    logits, labels = inputs
    picked = log_softmax(logits) * one_hot(labels, logits.shape[-1])
    return [-reduce_sum(picked, -1)]


def _cross_entropy_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    logits, labels = inputs
    emit = logits.builder.emit
    return [emit("softmax_cross_entropy_grad", (logits, labels, gradients[0]))[0], None]


def _cross_entropy_grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    logits, labels, g = inputs
    difference = softmax(logits) - one_hot(labels, logits.shape[-1])
    return [difference * reshape(g, (*g.shape, 1))]


register(
    Primitive(
        "softmax_cross_entropy",
        "composite",
        _cross_entropy_type,
        _cross_entropy_vjp,
        _cross_entropy_expand,
        constant=frozenset({1}),
    )
)
register(
    Primitive("softmax_cross_entropy_grad", "composite", _same, None, _cross_entropy_grad_expand)
)


# ---- batch normalisation with the statistics of the batch (Ioffe & Szegedy 2015)


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> tuple[Tensor, ...]:
    """Normalise over every axis but 1; returns (y, batch mean, biased batch variance)."""
    return x.builder.emit("batch_norm", (x, gamma, beta), epsilon=epsilon)


def channel_shape(x: Tensor) -> tuple[int, ...]:
    """The shape that broadcasts one number a channel over `x`."""
    return (1, x.shape[1], *(1,) * (x.rank - 2))


def _channel_axes(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.rank))


def _batch_norm_type(types: Types, attrs: Attrs) -> Types:
    channels = TensorType((types[0].shape[1],), "real")
    return (TensorType(types[0].shape, "real"), channels, channels)


def _batch_norm_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    x, gamma, beta = inputs
    shape, axes = channel_shape(x), _channel_axes(x)
    mean = reduce_mean(x, axes)
    centred = x - reshape(mean, shape)
    variance = reduce_mean(centred * centred, axes)
    scale = reshape(gamma * rsqrt(variance + cast("float", attrs["epsilon"])), shape)
    return [centred * scale + reshape(beta, shape), mean, variance]


def _batch_norm_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    x, gamma, _ = inputs
    _, mean, variance = outputs
    emit = x.builder.emit
    return list(
        emit("batch_norm_grad", (x, gamma, mean, variance, *gradients), epsilon=attrs["epsilon"])
    )


def _batch_norm_grad_type(types: Types, attrs: Attrs) -> Types:
    return (types[0], types[1], types[1])


def _batch_norm_grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    """Gradients to x, gamma, beta from those to y, mean and variance."""
    x, gamma, mean, variance, g, g_mean, g_variance = inputs
    shape, axes = channel_shape(x), _channel_axes(x)
    count = x.type.size // x.shape[1]
    inverse = rsqrt(variance + cast("float", attrs["epsilon"]))
    centred = x - reshape(mean, shape)
    normal = centred * reshape(inverse, shape)
    d_beta = reduce_sum(g, axes)
    d_gamma = reduce_sum(g * normal, axes)
    inner = g - reshape(d_beta * (1.0 / count), shape)
    inner = inner - normal * reshape(d_gamma * (1.0 / count), shape)
    dx = inner * reshape(gamma * inverse, shape)
    # the batch statistics are outputs too (running means); their gradients are mostly zero
    dx = dx + reshape(g_mean * (1.0 / count), shape)
    dx = dx + centred * reshape(g_variance * (2.0 / count), shape)
    return [dx, d_gamma, d_beta]


register(
    Primitive("batch_norm", "composite", _batch_norm_type, _batch_norm_vjp, _batch_norm_expand)
)
register(
    Primitive("batch_norm_grad", "composite", _batch_norm_grad_type, None, _batch_norm_grad_expand)
)


# ---- one optimizer's update of all its parameters


def update(
    rule: Program, params: Sequence[Tensor], grads: Sequence[Tensor], slots: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Apply the `rule` to every parameter.

    `rule` maps (p, g, slots …, host scalars …) to (new p, new slots …); its first inputs are named
    `p`, `g` and the slots', the rest are live settings and the iteration, which the row reads by
    their own inputs. `slots` holds slot 0 of every parameter, then slot 1, …. The result is the new
    parameters, then the new slots in the same order. An elementwise rule a back end may do in one
    pass over flat storage; one with a `norm` is done for each parameter.
    """
    builder = params[0].builder
    scalars = [
        builder.input(i.kind, i.key, rule.types[i.value]) for i in rule.inputs if i.kind != "batch"
    ]
    return builder.emit("update", (*params, *grads, *slots, *scalars), rule=rule, count=len(params))


def _update_parts(attrs: Attrs) -> tuple[Program, int, int]:
    rule, count = cast("Program", attrs["rule"]), cast("int", attrs["count"])
    slots = sum(given.kind == "batch" for given in rule.inputs) - 2
    return rule, count, slots


def _update_type(types: Types, attrs: Attrs) -> Types:
    _, count, slots = _update_parts(attrs)
    params = types[:count]
    grads = types[count : 2 * count]
    for param, grad in zip(params, grads, strict=True):
        if param.shape != grad.shape:
            broadcast_shapes(param.shape, grad.shape)
    return (*params, *types[2 * count : (2 + slots) * count])


def _update_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    rule, count, slots = _update_parts(attrs)
    scalars = list(inputs[(2 + slots) * count :])
    results: list[list[Tensor]] = [[] for _ in range(1 + slots)]
    for index in range(count):
        own = [inputs[index + k * count] for k in range(2 + slots)]
        given = {i.value: t for i, t in zip(rule.inputs, own + scalars, strict=True)}
        values = inputs[0].builder.inline(rule, given)
        for series, (_, value) in zip(results, rule.outputs, strict=True):
            series.append(values[value])
    return [tensor for series in results for tensor in series]


register(Primitive("update", "composite", _update_type, None, _update_expand))
