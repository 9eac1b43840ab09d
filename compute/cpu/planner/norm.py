"""Batch normalisation steps; a matrix is a batch of images of one pixel."""

from __future__ import annotations

from typing import cast

from compute.cpu.planner.elementwise import run_rows
from compute.cpu.planner.emitter import Emitter, image_words
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.spatial import images_per_chunk, sum_parts
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import View, packed
from graph.program import Row


def _image(em: Emitter, value: int) -> View:
    """An operand N×C×H×W or N×C as a channels-last image."""
    return em.image(_four(em.view(value)))


def _four(view: View) -> View:
    if len(view.axes) == 4:
        return view
    four = view.reshape((*view.shape, 1, 1))
    assert four is not None
    return four


def _target(em: Emitter, value: int) -> tuple[View, View]:
    """Where a normalised value goes, and the same place as an image."""
    view = em.target(value)
    if not em.image_like(_four(view)):
        view = em.new(em.shape(value))
        if len(view.axes) == 4:
            view = em.new_image(em.shape(value))
    return view, _four(view)


def _sizes(x: View) -> dict[str, Word]:
    n, c, height, width = x.shape
    return {"n": n, "height": height, "width": width, "c": c}


def _vectors(em: Emitter, **values: View) -> dict[str, Word]:
    return {name: address(view) for name, view in values.items()}


def emit_batch_norm(em: Emitter, op: Op) -> None:
    """Moments of each chunk, their combination in order, then the affine map."""
    row = op.row
    x = _image(em, row.inputs[0])
    gamma, beta = (em.dense(em.view(v)) for v in row.inputs[1:])
    n, c, height, width = x.shape
    images = images_per_chunk(n)
    parts, pair = -(-n // images), 2 * c * em.item
    partial = em.new((parts, 2 * c))
    words = image_words("x", x) | _sizes(x)
    words |= {"partial": address(partial), "partial_chunk": pair}
    em.add("bn_moments", words, [x], [partial], n, 1, images, flops=3 * x.size)
    mean, variance = _channel(em, row.outputs[1]), _channel(em, row.outputs[2])
    inverse = em.new((c,))
    words = {"partial": address(partial), "partial_chunk": pair, "images": images, "n": n}
    words |= {"pixels": height * width, "c": c, "epsilon": cast("float", row.attr("epsilon"))}
    words |= _vectors(em, mean=mean, variance=variance, inverse=inverse)
    em.add("bn_combine", words, [], [mean, variance, inverse], prefer=c, whole=[partial])
    view, y = _target(em, op.writes[0])
    words = image_words("x", x) | image_words("y", y) | _sizes(x)
    words |= _vectors(em, mean=mean, inverse=inverse, gamma=gamma, beta=beta)
    words["epilogue"] = int("relu" in op.roles)
    whole = [mean, inverse, gamma, beta]
    em.add("bn_apply", words, [x], [y], n, 1, images, whole, flops=4 * x.size)
    em.put(op.writes[0], view)
    em.put(row.outputs[1], mean)
    em.put(row.outputs[2], variance)
    em.inverse[row.outputs[2], cast("float", row.attr("epsilon"))] = inverse


def _channel(em: Emitter, value: int) -> View:
    view = em.target(value)
    return view if view.axes == packed(view.shape, em.item) else em.new(view.shape)


def _inverse(em: Emitter, variance: int, epsilon: float) -> View:
    """1/√(variance + epsilon): what the forward pass left, or computed here."""
    key = (variance, epsilon)
    if key not in em.inverse:
        place = em.new(em.shape(variance))
        rows = [Row("add", (0, 1), (2,)), Row("rsqrt", (2,), (3,))]
        run_rows(em, rows, {0: em.view(variance), 1: epsilon}, {3: place}, place.shape)
        em.inverse[key] = place
    return em.inverse[key]


def emit_batch_norm_grad(em: Emitter, op: Op) -> None:
    """Sums over the batch of each chunk, their sum in order, then the gradient to x."""
    row = op.row
    source = op.roles.get("gradient", row.inputs[4])
    x, dy = _image(em, row.inputs[0]), _image(em, source)
    gamma = em.dense(em.view(row.inputs[1]))
    mean = em.dense(em.view(row.inputs[2]))
    inverse = _inverse(em, row.inputs[3], cast("float", row.attr("epsilon")))
    n, c = x.shape[:2]
    images = images_per_chunk(n)
    parts, pair = -(-n // images), 2 * c * em.item
    base = image_words("x", x) | image_words("dy", dy) | _sizes(x)
    masks = [_image(em, op.roles["mask"])] if "mask" in op.roles else []
    if masks:
        base |= image_words("mask", masks[0])
    else:
        base |= {"mask": NULL, "mask_img": 0, "mask_row": 0, "mask_pix": 0}
    base |= _vectors(em, mean=mean, inverse=inverse)
    partial = em.new((parts, 2 * c))
    sums = em.new((2, c))
    words = base | {"partial": address(partial), "partial_chunk": pair}
    reads = [x, dy, *masks]
    em.add("bn_dx_sums", words, reads, [partial], n, 1, images, [mean, inverse], flops=4 * x.size)
    sum_parts(em, partial, parts, pair, sums)
    _hand_out(em, row, sums)
    view, dx = _target(em, row.outputs[0])
    whole = [mean, inverse, gamma, sums]
    words = base | image_words("dx", dx) | _vectors(em, gamma=gamma, sums=sums)
    for name, value in zip(("d_mean", "d_variance"), row.inputs[5:], strict=True):
        words[name] = NULL
        if em.numbers.get(value) != 0.0:
            given = em.dense(em.view(value))
            words[name] = address(given)
            whole.append(given)
    em.add("bn_dx", words, reads, [dx], n, 1, images, whole, flops=6 * x.size)
    em.put(row.outputs[0], view)


def _hand_out(em: Emitter, row: Row, sums: View) -> None:
    """The sums are the gradients to beta (first) and gamma (second)."""
    c = sums.shape[1]
    for value, index in ((row.outputs[1], 1), (row.outputs[2], 0)):
        part = View(sums.buffer, index * c * em.item, packed((c,), em.item), em.item)
        em.put(value, part)
