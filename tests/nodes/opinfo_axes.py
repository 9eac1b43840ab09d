"""How the samples of PyTorch's functions on axes are nodes: see opinfo.py.

`FUNCTIONS` adds them to `NUMBERS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.nodes.opinfo import EMPTY, SETTING, SHAPE, Given, Trial, ids, need, real
from tests.nodes.opinfo_functions import NUMBERS, Translator
from tests.nodes.peer import torch

# Axes: PyTorch's axis k is ours, or k + 1 where the sample becomes a batch of one.


def axes_of(x: Any, dim: Any) -> tuple[int, ...]:
    """The axes named, from 0; all of them when none is."""
    rank = max(x.ndim, 1)
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(rank))
    return tuple(d % rank for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def lifted(x: Any) -> Given:
    """A sample as a batch of one."""
    return real(x, (1, *(x.shape or (1,))))


def along(x: Any, axis: int) -> tuple[Given, int]:
    """An operand and the number of an axis in it, which is not its batch axis."""
    return (real(x), axis) if axis else (lifted(x), 1)


def reduced(how: str) -> Translator:
    """A reduction over some axes."""

    def translate(
        x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **more: Any
    ) -> Trial:
        need(dtype in (None, torch.float64) and not more, SETTING)
        axes = axes_of(x, dim)
        given = real(x)
        if 0 in axes:
            given, axes = lifted(x), tuple(axis + 1 for axis in axes)
        return Trial("Reduce", [given], {"how": how, "axes": axes, "keep": keepdim})

    return translate


def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, **more: Any) -> Trial:
    """Lengths; norms of another order are none."""
    need(ord == 2, SETTING)
    return reduced("norm")(x, dim, keepdim, **more)


def matmul(a: Any, b: Any) -> Trial:
    """Products of matrices and vectors."""
    left = (1, *a.shape) if a.ndim == 1 else tuple(a.shape)
    right = (*b.shape, 1) if b.ndim == 1 else tuple(b.shape)
    if min(len(left), len(right)) == 2:
        left, right = (shape if len(shape) > 2 else (1, *shape) for shape in (left, right))
    return Trial("MatMul", [real(a, left), real(b, right)])


def over_classes(node: str) -> Translator:
    """What lets the numbers along one axis compete: as channels of an image before×n×after×1."""

    def translate(x: Any, dim: int = -1, dtype: Any = None, **more: Any) -> Trial:
        need(dtype in (None, torch.float64), SETTING)
        need(x.ndim > 0, SHAPE)
        axis = dim % x.ndim
        shape = tuple(x.shape)
        if (x.ndim, axis) in ((2, 1), (3, 2), (4, 1)):
            return Trial(node, [real(x)])
        sides = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        return Trial(node, [real(x, (sides[0], shape[axis], sides[1], 1))])

    return translate


def permute(x: Any, *dims: Any) -> Trial:
    """The axes in another order."""
    order = axes_of(x, dims[0] if isinstance(dims[0], (tuple, list)) else dims)
    return _permuted(x, order)


def _permuted(x: Any, order: Sequence[int]) -> Trial:
    if order and order[0] == 0 and len(order) > 1:
        return Trial("Permute", [real(x)], {"order": tuple(order[1:])})
    return Trial("Permute", [lifted(x)], {"order": tuple(axis + 1 for axis in order)})


def transpose(x: Any, first: int = 0, second: int = 1) -> Trial:
    """Two axes swapped."""
    order = list(range(x.ndim))
    need(x.ndim > 1, SHAPE)
    order[first], order[second] = order[second], order[first]
    return _permuted(x, order)


def movedim(x: Any, source: Any, destination: Any) -> Trial:
    """Axes moved to other places."""
    numbered = torch.empty([k + 1 for k in range(x.ndim)]).movedim(source, destination)
    return _permuted(x, [extent - 1 for extent in numbered.shape])


def squeeze(x: Any, dim: Any = None) -> Trial:
    """Axes of extent 1 taken away."""
    if dim is None:
        return Trial("Squeeze", [lifted(x)])
    axes = axes_of(x, dim)
    need(len(axes) == 1 and x.ndim > 0, SETTING)
    given, axis = along(x, axes[0])
    return Trial("Squeeze", [given], {"axis": axis})


def unsqueeze(x: Any, dim: int) -> Trial:
    """An axis of extent 1."""
    given, axis = along(x, dim % (x.ndim + 1))
    return Trial("Unsqueeze", [given], {"axis": axis})


def narrow(x: Any, dim: int, start: Any, length: int) -> Trial:
    """A part of one axis."""
    given, axis = along(x, dim % x.ndim)
    first = int(start) % max(x.shape[dim], 1)
    return Trial("Slice", [given], {"axis": axis, "start": first, "stop": first + length})


def chunk(x: Any, chunks: int, dim: int = 0) -> Trial:
    """Equal parts of one axis."""
    given, axis = along(x, dim % x.ndim)
    return Trial("Split", [given], {"axis": axis, "parts": chunks})


def split(x: Any, size: Any, dim: int = 0) -> Trial:
    """Parts of one size."""
    need(isinstance(size, int) and x.shape[dim] % size == 0, SHAPE)
    return chunk(x, x.shape[dim] // size, dim)


def tensor_split(x: Any, sections: Any, dim: int = 0) -> Trial:
    """Parts as equal as possible."""
    need(isinstance(sections, int), SETTING)
    return chunk(x, sections, dim)


def stack(tensors: Sequence[Any], dim: int = 0) -> Trial:
    """A new axis."""
    axis = dim % (tensors[0].ndim + 1)
    if axis:
        return Trial("Stack", [[real(x) for x in tensors]], {"axis": axis})
    need(all(x.ndim for x in tensors), SHAPE)
    return Trial("Stack", [[lifted(x) for x in tensors]], {"axis": 1})


def cat(tensors: Sequence[Any], dim: int = 0) -> Trial:
    """One behind the other."""
    given, axis = [real(x) for x in tensors], dim % tensors[0].ndim
    if not axis:
        given, axis = [lifted(x) for x in tensors], 1
    return Trial("Concat", [given], {"axis": axis})


def reshape(x: Any, *shape: Any) -> Trial:
    """Another shape of all numbers."""
    need(x.numel() > 0, EMPTY)
    wanted = shape[0] if isinstance(shape[0], (tuple, list, torch.Size)) else shape
    need(len(wanted) > 0, SETTING)
    return Trial("Reshape", [lifted(x)], {"shape": tuple(wanted)})


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Trial:
    """Axes laid in one row; all but the first by Flatten."""
    if start_dim == 1 and end_dim in (-1, x.ndim - 1):
        return Trial("Flatten", [real(x)])
    return reshape(x, tuple(x.flatten(start_dim, end_dim).shape))


def unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Trial:
    """One axis made several."""
    return reshape(x, tuple(x.unflatten(dim, sizes).shape))


def one_hot(x: Any, num_classes: int = -1) -> Trial:
    """Class indices N or N×T; more axes are laid in one."""
    need(x.numel() > 0, EMPTY)
    classes = int(x.max()) + 1 if num_classes < 0 else num_classes
    shape = tuple(x.shape) if 0 < x.ndim < 3 else (1, x.numel())
    return Trial("OneHot", [ids(x, shape)], {"classes": classes})


FUNCTIONS: dict[str, Translator] = NUMBERS | {
    "nn.functional.glu": over_classes("GLU"),
    "softmax": over_classes("Softmax"),
    "log_softmax": over_classes("LogSoftmax"),
    "sum": reduced("sum"),
    "mean": reduced("mean"),
    "amax": reduced("max"),
    "amin": reduced("min"),
    "logsumexp": reduced("logsumexp"),
    "linalg.vector_norm": vector_norm,
    "matmul": matmul,
    "bmm": matmul,
    "mm": matmul,
    "permute": permute,
    "transpose": transpose,
    "t": transpose,
    "movedim": movedim,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "narrow": narrow,
    "chunk": chunk,
    "split": split,
    "tensor_split": tensor_split,
    "stack": stack,
    "cat": cat,
    "reshape": reshape,
    "flatten": flatten,
    "unflatten": unflatten,
    "nn.functional.one_hot": one_hot,
}
