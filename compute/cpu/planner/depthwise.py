"""Depthwise convolution steps over channels-last images."""

from __future__ import annotations

from math import prod
from typing import cast

from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.images import image_words, whole_buffer
from compute.cpu.planner.layout import conv_border, gradient_border
from compute.cpu.planner.spatial import (
    conv_window,
    image_target,
    images_per_chunk,
    mask_words,
    weight_gradient,
    weights,
)
from compute.cpu.planner.steps import NULL, Word, address
from graph.program import Row, Shape


def _sizes(row: Row, out: Shape) -> dict[str, Word]:
    """Geometry, and the counts of images, channels, rows and columns made by the forward pass."""
    return conv_window(row) | {"n": out[0], "c": out[1], "oh": out[2], "ow": out[3]}


def _flops(row: Row, out: Shape) -> int:
    return 2 * prod(out) * prod(cast("tuple[int, int]", row.attr("kernel")))


def emit_depthwise(em: Emitter, op: Op) -> None:
    """depthwise2d with bias and relu in its epilogue."""
    row, value = op.row, op.writes[0]
    shape, out = em.shape(row.inputs[0]), em.shape(row.outputs[0])
    x = em.image(em.view(row.inputs[0]), conv_border(row, shape, out[2:]))
    w, y, whole = weights(em, row.inputs[1]), image_target(em, value), []
    words = image_words("x", x) | image_words("y", y) | _sizes(row, out)
    words |= {"w": address(w), "bias": NULL, "relu": int("relu" in op.roles)}
    if "bias" in op.roles:
        bias = em.view(op.roles["bias"]).reshape((out[1],))
        assert bias is not None
        whole.append(em.dense(bias))
        words["bias"] = address(whole[0])
    images, flops = images_per_chunk(out[0]), _flops(row, out)
    em.add("depthwise2d", words, [whole_buffer(x)], [y], out[0], 1, images, [w, *whole], flops)
    em.put(value, y)


def emit_depthwise_dx(em: Emitter, op: Op) -> None:
    """depthwise2d_dx with the mask of the relu in front."""
    row, value = op.row, op.writes[0]
    out, image = em.shape(row.inputs[0]), em.shape(value)
    dy = em.image(em.view(row.inputs[0]), gradient_border(row, out))
    w, dx = weights(em, row.inputs[1]), image_target(em, value)
    words = image_words("dy", dy) | image_words("dx", dx) | _sizes(row, out)
    words |= {"w": address(w), "height": image[2], "width": image[3]}
    reads = [whole_buffer(dy), *mask_words(em, op, words)]
    images, flops = images_per_chunk(out[0]), _flops(row, out)
    em.add("depthwise2d_dx", words, reads, [dx], out[0], 1, images, [w], flops)
    em.put(value, dx)


def emit_depthwise_dw(em: Emitter, op: Op) -> None:
    weight_gradient(em, op, {"c": em.shape(op.row.inputs[0])[1]})
