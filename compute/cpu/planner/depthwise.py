"""Depthwise convolution steps over channels-last images."""

from __future__ import annotations

from math import prod

from compute.cpu.planner.emitter import Emitter, image_words, whole_buffer
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.layout import conv_border, gradient_border
from compute.cpu.planner.spatial import (
    conv_window,
    image_target,
    images_per_chunk,
    put_weight_gradient,
    weights,
)
from compute.cpu.planner.steps import Word, address
from compute.cpu.planner.views import aligned
from graph.program import Row, Shape


def _sizes(row: Row, out: Shape) -> dict[str, Word]:
    """Geometry, and the counts of images, channels, rows and columns made by the forward pass."""
    return conv_window(row) | {"n": out[0], "c": out[1], "oh": out[2], "ow": out[3]}


def _flops(row: Row, out: Shape, weight: Shape) -> int:
    return 2 * prod(out) * prod(weight[2:])


def emit_depthwise(em: Emitter, op: Op) -> None:
    row = op.row
    shape, out = em.shape(row.inputs[0]), em.shape(row.outputs[0])
    x = em.image(em.view(row.inputs[0]), conv_border(row, shape, out[2:]))
    w = weights(em, row.inputs[1])
    y = image_target(em, row.outputs[0])
    words = image_words("x", x) | image_words("y", y) | _sizes(row, out) | {"w": address(w)}
    flops = _flops(row, out, em.shape(row.inputs[1]))
    images = images_per_chunk(out[0])
    em.add("depthwise2d", words, [whole_buffer(x)], [y], out[0], 1, images, [w], flops)
    em.put(row.outputs[0], y)


def emit_depthwise_dx(em: Emitter, op: Op) -> None:
    row = op.row
    out, image = em.shape(row.inputs[0]), em.shape(row.outputs[0])
    dy = em.image(em.view(row.inputs[0]), gradient_border(row, out))
    w = weights(em, row.inputs[1])
    dx = image_target(em, row.outputs[0])
    words = image_words("dy", dy) | image_words("dx", dx) | _sizes(row, out)
    words |= {"w": address(w), "height": image[2], "width": image[3]}
    flops = _flops(row, out, em.shape(row.inputs[1]))
    images = images_per_chunk(out[0])
    em.add("depthwise2d_dx", words, [whole_buffer(dy)], [dx], out[0], 1, images, [w], flops)
    em.put(row.outputs[0], dx)


def emit_depthwise_dw(em: Emitter, op: Op) -> None:
    """Partial weight gradients of each chunk of images, and their sum in order."""
    row = op.row
    shape, out = em.shape(row.inputs[0]), em.shape(row.inputs[1])
    value = row.outputs[0]
    x = em.image(em.view(row.inputs[0]), conv_border(row, shape, out[2:]))
    dy = em.image(em.view(row.inputs[1]))
    images = images_per_chunk(out[0])
    parts = -(-out[0] // images)
    step = aligned(prod(em.shape(value)) * em.item)
    partial = em.new((parts, step // em.item))
    words = image_words("x", x) | image_words("dy", dy) | _sizes(row, out)
    words |= {"partial": address(partial), "partial_chunk": step}
    flops = _flops(row, out, em.shape(value))
    reads = [whole_buffer(x), dy]
    em.add("depthwise2d_dw", words, reads, [partial], out[0], 1, images, (), flops)
    put_weight_gradient(em, value, partial, parts, step)
