"""Convolution and pooling steps over channels-last images."""

from __future__ import annotations

from math import prod
from typing import cast

from compute.cpu.planner import winograd
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.images import image_words, whole_buffer
from compute.cpu.planner.layout import conv_border, gradient_border
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import Axis, View, aligned
from graph.program import Row, Shape

PARTS = 16  # at most so many chunks of images, each with its own partial weight gradient


def images_per_chunk(count: int) -> int:
    """Images in a chunk: fixed by the batch alone, as partial sums depend on it."""
    return max(1, -(-count // PARTS))


def weight_axes(shape: Shape, item: int) -> tuple[Axis, ...]:
    """Axes of weights F×C×kh×kw stored as [kh,kw,C,F]."""
    filters, channels, height, width = shape
    tap = filters * channels * item
    return (
        ((filters, item),),
        ((channels, filters * item),),
        ((height, width * tap),),
        ((width, tap),),
    )


def weights(em: Emitter, value: int) -> View:
    """The weights of a convolution where they lie, or a copy, as [kh,kw,C,F]."""
    key = em.undecided_param(value)
    axes = weight_axes(em.shape(value), em.item)
    if key is not None:
        em.storage.decide(key, axes)
    return em.arranged(em.view(value), axes)


def _window(row: Row) -> dict[str, Word]:
    attrs = dict(row.attrs)
    kernel, stride, pad = (
        cast("tuple[int, ...]", attrs[k]) for k in ("kernel", "stride", "padding")
    )
    words: dict[str, Word] = {"kh": kernel[0], "kw": kernel[1], "sh": stride[0], "sw": stride[1]}
    return words | {"ph": pad[0], "pw": pad[2]}


def conv_window(row: Row) -> dict[str, Word]:
    """Kernel, stride, padding above and left, and dilation of a row as words."""
    dilation = cast("tuple[int, int]", row.attr("dilation"))
    return _window(row) | {"dh": dilation[0], "dw": dilation[1]}


def mask_words(em: Emitter, op: Op, words: dict[str, Word], name: str = "mask") -> list[View]:
    """Words of the mask operand; the mask itself, if there is one."""
    if "mask" not in op.roles:
        words |= {name: NULL, f"{name}_img": 0, f"{name}_row": 0, f"{name}_pix": 0}
        return []
    mask = em.image(em.view(op.roles["mask"]))
    words |= image_words(name, mask)
    return [mask]


def image_target(em: Emitter, value: int) -> View:
    """A place for an image result: the fixed one when an image kernel can write it."""
    view = em.target(value)
    if em.image_like(view):
        return view
    return em.new_image(em.shape(value))


def emit_conv(em: Emitter, op: Op) -> None:
    """conv2d with bias, relu or mask in its epilogue."""
    row = op.row
    shape, out = em.shape(row.inputs[0]), em.shape(row.outputs[0])
    x = em.image(em.view(row.inputs[0]), conv_border(row, shape, out[2:]))
    w = weights(em, row.inputs[1])
    value = op.writes[-1]
    y = image_target(em, value)
    words = image_words("x", x) | image_words("y", y) | conv_window(row)
    words |= {"n": out[0], "oh": out[2], "ow": out[3], "ci": shape[1], "co": out[1]}
    words |= {"w": address(w), "init": 0, "bias": NULL, "epilogue": 0, "pre": NULL}
    reads, whole, writes = [whole_buffer(x)], [w], [y]
    masks = mask_words(em, op, words)
    reads += masks
    if "bias" in op.roles:
        bias = em.view(op.roles["bias"]).reshape((out[1],))
        assert bias is not None
        bias = em.dense(bias)
        words |= {"init": 2, "bias": address(bias)}
        whole.append(bias)
    words["epilogue"] = 1 if "relu" in op.roles else 2 if masks else 0
    if "pre" in op.roles:
        writes.append(em.twin(y))
        words["pre"] = address(writes[1])
    flops = 2 * prod(out) * shape[1] * prod(em.shape(row.inputs[1])[2:])
    images = images_per_chunk(out[0])
    if winograd.pays(em, row, images, out[2:], shape[1], out[1]):
        winograd.add_conv(em, words, reads, writes, images, whole, flops)
    else:
        em.add("conv2d", words, reads, writes, out[0], 1, images, whole, flops)
    em.put(value, y)
    if "pre" in op.roles:  # only now: a value with a place elsewhere is copied there
        em.put(op.roles["pre"], writes[1])


def emit_conv_dx(em: Emitter, op: Op) -> None:
    """conv2d_dx with the mask of the relu in front; the weights flipped beforehand."""
    row = op.row
    out, weight = em.shape(row.inputs[0]), em.shape(row.inputs[1])
    value = op.writes[-1]
    image = em.shape(value)
    dy = em.image(em.view(row.inputs[0]), gradient_border(row, out))
    flipped = _flipped(em, row.inputs[1])
    dx = image_target(em, value)
    words: dict[str, Word] = {"n": out[0], "init": 0}
    masks = mask_words(em, op, words)
    words["epilogue"] = 2 if masks else 0
    flops = 2 * prod(out) * image[1] * prod(weight[2:])
    reads, images = [whole_buffer(dy), *masks], images_per_chunk(out[0])
    if winograd.pays(em, row, images, image[2:], out[1], image[1]):
        words |= winograd.turned_words(dy, dx, conv_window(row))
        winograd.add_conv(em, words, reads, [dx], images, [flipped], flops)
    else:
        words |= image_words("dy", dy) | image_words("dx", dx) | conv_window(row)
        words |= {"height": image[2], "width": image[3], "oh": out[2], "ow": out[3]}
        words |= {"ci": image[1], "co": out[1], "w": address(flipped)}
        em.add("conv2d_dx", words, reads, [dx], out[0], 1, images, [flipped], flops)
    em.put(value, dx)


def _flipped(em: Emitter, weight: int) -> View:
    if weight not in em.flipped:
        filters, channels, height, width = em.shape(weight)
        w = weights(em, weight)
        place = em.new((height, width, filters, channels))
        words: dict[str, Word] = {"w": address(w), "flipped": address(place)}
        words |= {"kh": height, "kw": width, "ci": channels, "co": filters}
        em.add("flip_weights", words, [], [place], prefer=max(1, height), whole=[w])
        em.flipped[weight] = place
    return em.flipped[weight]


def emit_conv_dw(em: Emitter, op: Op) -> None:
    ci, co = (em.shape(value)[1] for value in op.row.inputs)
    weight_gradient(em, op, {"ci": ci, "co": co})


def weight_gradient(em: Emitter, op: Op, channels: dict[str, Word]) -> None:
    """Partial weight (and bias) gradients of each chunk of images, and their sum in order."""
    row = op.row
    shape, out = em.shape(row.inputs[0]), em.shape(row.inputs[1])
    value = row.outputs[0]
    x = em.image(em.view(row.inputs[0]), conv_border(row, shape, out[2:]))
    dy = em.image(em.view(row.inputs[1]))
    images = images_per_chunk(out[0])
    parts = -(-out[0] // images)
    count, item = prod(em.shape(value)), em.item
    bias = op.roles.get("bias_gradient")
    step = aligned(count * item) + (aligned(out[1] * item) if bias is not None else 0)
    partial = em.new((parts, step // item))
    after = View(partial.buffer, aligned(count * item), partial.axes, item)
    words = image_words("x", x) | image_words("dy", dy) | conv_window(row) | channels
    words |= {"partial": address(partial), "partial_chunk": step}
    words |= {"db": NULL if bias is None else address(after), "db_chunk": step}
    words |= {"n": out[0], "oh": out[2], "ow": out[3]}
    flops = 2 * prod(out) * prod(em.shape(value)[1:])
    reads = [whole_buffer(x), dy]
    if winograd.pays(em, row, images, out[2:], shape[1], out[1]):
        winograd.add_gradient(em, words, reads, partial, images, flops)
    else:
        em.add(row.op, words, reads, [partial], out[0], 1, images, (), flops)
    axes = weight_axes(em.shape(value), item)
    goal = em.fixed_place(value)
    if goal is None or tuple(goal.axes) != axes:
        goal = em.new(em.shape(value), item, axes)
    sum_parts(em, partial, parts, step, goal)
    em.put(value, goal)
    if bias is not None:
        place = em.target(bias)
        if place.stride(0) != item:
            place = em.new((out[1],))
        sum_parts(em, after, parts, step, place)
        em.put(bias, place)


def sum_parts(
    em: Emitter, partial: View, parts: int, step: int, goal: View, scale: float = 1.0
) -> None:
    """goal = scale · Σ of `parts` dense arrays `step` bytes apart, in order."""
    count = goal.size
    read = View(partial.buffer, partial.offset, (((parts, step),), ((count, em.item),)), em.item)
    words: dict[str, Word] = {"partial": address(partial), "partial_chunk": step, "parts": parts}
    words |= {"out": address(goal), "count": count, "scale": scale, "init": 0}
    em.add("sum_chunks", words, [], [goal], prefer=2048, whole=[read], flops=parts * count)


# ---- pooling


def _pool_sizes(row: Row, image: Shape, out: Shape) -> dict[str, Word]:
    words = _window(row)
    words |= {"n": image[0], "height": image[2], "width": image[3]}
    return words | {"oh": out[2], "ow": out[3], "c": image[1]}


def _pool(em: Emitter, op: Op, operands: dict[str, int], made: str, extra: dict[str, Word]) -> None:
    """A pooling step: operand words by name, `made` the written one."""
    row = op.row
    value = op.writes[-1]
    big = em.shape(row.inputs[0]) if row.op != "avg_pool2d_dx" else em.shape(value)
    small = em.shape(row.inputs[0] if row.op == "avg_pool2d_dx" else _small(row))
    views = {name: em.image(em.view(v)) for name, v in operands.items()}
    goal = image_target(em, value)
    words = _pool_sizes(row, big, small) | image_words(made, goal) | extra
    for name, view in views.items():
        words |= image_words(name, view)
    kernel = {"max_pool2d_scatter": "max_pool2d_dx"}.get(row.op, row.op)
    flops = prod(small) * prod(cast("tuple[int, int]", row.attr("kernel")))
    em.add(
        kernel, words, list(views.values()), [goal], big[0], 1, images_per_chunk(big[0]),
        flops=flops,
    )  # fmt: skip
    em.put(value, goal)


def _small(row: Row) -> int:
    """The operand or result of the output's size."""
    return row.inputs[1] if row.op.startswith("max_pool2d_") else row.outputs[0]


def emit_max_pool(em: Emitter, op: Op) -> None:
    _pool(em, op, {"x": op.row.inputs[0]}, "y", {})


def emit_avg_pool(em: Emitter, op: Op) -> None:
    _pool(em, op, {"x": op.row.inputs[0]}, "y", {})


def emit_scatter(em: Emitter, op: Op) -> None:
    x, _, g = op.row.inputs
    relu = int("mask" in op.roles)
    _pool(em, op, {"x": x, "dy": g}, "dx", {"relu": relu, "init": 0})


def emit_take(em: Emitter, op: Op) -> None:
    x, _, h = op.row.inputs
    _pool(em, op, {"x": x, "h": h}, "y", {})


def emit_avg_dx(em: Emitter, op: Op) -> None:
    _pool(em, op, {"dy": op.row.inputs[0]}, "dx", {"init": 0})
