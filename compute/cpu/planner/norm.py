"""Normalisation steps: over a batch, where a matrix is a batch of images of one pixel, and of rows
by themselves.
"""

from __future__ import annotations

from typing import cast

from compute.cpu.kernels.reduce import RUN
from compute.cpu.planner.elementwise import run_rows
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.images import image_words
from compute.cpu.planner.spatial import images_per_chunk, sum_parts
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import View, packed
from graph.program import Row

SAMPLES = 8  # from which on chunks are samples and not rows
LEAST = 8  # rows whose sums a chunk of rows has a place for


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


# ---- rows by themselves


def emit_layer_norm(em: Emitter, op: Op) -> None:
    row = op.row
    samples = em.shape(row.inputs[0])[0]
    x, m, x_row = em.rows(em.view(row.inputs[0]))
    affine = [em.dense(em.view(v)) for v in row.inputs[1:]]
    goal, y, y_row = em.row_target(row.outputs[0])
    words: dict[str, Word] = {"x": address(x), "x_row": x_row, "y": address(y), "y_row": y_row}
    words |= {"weight": NULL, "bias": NULL} | _row_words(row, x)
    words |= {n: address(v) for n, v in zip(("weight", "bias"), affine, strict=False)}
    lead, unit, size = _lead(samples, m)
    reads, writes = [_by_sample(x, lead)], [_by_sample(y, lead)]
    em.add("layer_norm", words, reads, writes, lead, unit, size, affine, flops=8 * x.size)
    em.put(row.outputs[0], goal)


def emit_layer_norm_grad(em: Emitter, op: Op) -> None:
    """The gradient to x, and of each chunk what its rows add to those to weight and bias."""
    row, wanted = op.row, op.writes
    samples = em.shape(row.inputs[0])[0]
    x, m, x_row = em.rows(em.view(row.inputs[0]))
    g, _, g_row = em.rows(em.view(row.inputs[1]))
    weight = [em.dense(em.view(v)) for v in row.inputs[2:]]
    words: dict[str, Word] = {"x": address(x), "x_row": x_row, "g": address(g), "g_row": g_row}
    words |= {"weight": address(weight[0]) if weight else NULL, "dx": NULL, "dx_row": 0}
    words |= {"partial": NULL, "partial_chunk": 0} | _row_words(row, x)
    lead, unit, size = _lead(samples, m)
    reads, writes = [_by_sample(x, lead), _by_sample(g, lead)], list[View]()
    if row.outputs[0] in wanted:
        goal, dx, words["dx_row"] = em.row_target(row.outputs[0])
        words["dx"] = address(dx)
        writes.append(_by_sample(dx, lead))
    sums, n = [v for v in row.outputs[1:] if v in wanted], x.shape[1]
    if sums:
        size = max(-(-LEAST // unit), images_per_chunk(lead or m))
        parts = -(-(lead or m) // size)
        partial = em.new((parts, (4 if size * unit > RUN else 2) * n))
        words |= {"partial": address(partial), "partial_chunk": partial.stride(0) or 0}
        writes.append(partial)
    em.add("layer_norm_grad", words, reads, writes, lead, unit, size, weight, flops=14 * x.size)
    if row.outputs[0] in wanted:
        em.put(row.outputs[0], goal)
    for k, value in enumerate(row.outputs[1:]):
        if value in sums:
            part = View(partial.buffer, k * n * em.item, partial.axes, em.item)
            place = _channel(em, value)
            sum_parts(em, part, parts, partial.stride(0) or 0, place)
            em.put(value, place)


def _row_words(row: Row, x: View) -> dict[str, Word]:
    m, n = x.shape
    centred, epsilon = row.attr("centred"), cast("float", row.attr("epsilon"))
    return {"m": m, "n": n, "epsilon": epsilon, "centred": int(cast("bool", centred))}


def _lead(samples: int, m: int) -> tuple[int, int, int]:
    """How many samples a step on m rows is cut along, the rows of one, and how many a chunk is to
    have; 0, 1 and rows of a chunk where it is cut along rows.
    """
    if samples >= SAMPLES:
        return samples, m // samples, 0
    return 0, 1, max(LEAST, images_per_chunk(m))


def _by_sample(view: View, samples: int) -> View:
    found = view.reshape((samples, view.size // samples)) if samples else None
    return view if found is None else found
