"""Initial weights: keyed by ParamKey, so adding a node changes no other's.

He et al. 2015 ("Delving deep into rectifiers"), Glorot & Bengio 2010, LeCun et al. 1998
("Efficient backprop"), Saxe et al. 2014 (orthogonal); `torch_linear` is what PyTorch's Linear and
Conv layers do: Kaiming uniform with a = √5, which is U(±1/√fan_in). `truncated_normal` is that of
Devlin et al. 2019, `standard_normal` that of PyTorch's Embedding; `he_truncated` and its kin have
the deviation of `he_normal` but nothing beyond two deviations of what was drawn, as Keras's
`he_normal`; `identity` is PyTorch's `eye_` and
`dirac_`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from compute import philox
from compute.backend import Array
from graph.again import Kept
from graph.op import Param
from graph.program import Shape

if TYPE_CHECKING:
    from graph.lower import Model

TRUNCATED_DEVIATION = 0.02
SMALL = 1 << 14  # numbers of a parameter up to which drawing it costs more in calls than in numbers
MOST = 1 << 22  # numbers of small parameters that are kept
_UNIFORM = ("he_uniform", "glorot_uniform", "lecun_uniform", "torch_linear")
CUT_DEVIATION = 0.87962566103423978  # of standard normal numbers none of which is beyond 2


def initial_values(
    model: Model, seed: int, dtype: type[np.floating[Any]] = np.float32
) -> dict[str, Array]:
    """All persistent arrays of a fresh run by `kind:KEY`: parameters, states, slots.

    Slots start at zero, but the running mean of a parameter with the parameter.
    """
    zeros = {f"slot:{key}": np.zeros(shape, dtype) for key, shape in model.slots.items()}
    started = started_values(model, seed, dtype)
    return zeros | {name: value.copy() for name, value in started.items()}


def started_values(
    model: Model, seed: int, dtype: type[np.floating[Any]] = np.float32
) -> dict[str, Array]:
    """The same without the slots that start at zero; the arrays are not for changing."""
    params = model.params
    started = _started(params, seed, dtype)
    values = {f"param:{key}": started[key].value for key in params}
    for key, state in model.states.items():
        fill = 1.0 if state.init == "ones" else 0.0
        values[f"state:{key}"] = np.full(state.shape, fill, dtype)
    for key, slot in model.averages.items():
        values[f"slot:{slot}"] = values[f"param:{key}"].copy()
    return values


class _Started(NamedTuple):
    """The first value of a parameter."""

    param: Param
    value: Array


_kept: Kept[dict[str, _Started]] = Kept(2)  # the small parameters of the nets before, by key


def _started(
    params: Mapping[str, Param], seed: int, dtype: type[np.floating[Any]]
) -> dict[str, _Started]:
    """The first values of parameters; the small ones are had at hand for the net after the next
    edit, where they are not too many.
    """
    before = _kept.get((seed, dtype)) or {}
    found = {key: before[key] for key in params if key in before}
    # of a net that was edited nearly all are the very same
    others = {
        key: param
        for key, param in params.items()
        if key not in found or (found[key].param is not param and found[key].param != param)
    }
    drawn = _drawn_together(others, seed)
    for key, param in others.items():
        value = initial(param, key, seed, drawn.get(key)).astype(dtype)
        found[key] = _Started(param, value)
    small = {key: one for key, one in found.items() if one.value.size <= SMALL}
    if sum([one.value.size for one in small.values()]) <= MOST:
        _kept.put((seed, dtype), small)
    return found


def _drawn_together(params: Mapping[str, Param], seed: int) -> dict[str, Array]:
    """Uniform numbers of the small parameters that start with such, by key: `philox.uniform`'s of
    their streams at step 0, all in one pass.
    """
    sizes = {key: math.prod(p.shape) for key, p in params.items() if p.init in _UNIFORM}
    small = [key for key, size in sizes.items() if size <= SMALL]
    if not small:
        return {}
    counts = [-(-sizes[key] // 4) for key in small]  # a block has four numbers
    starts = np.cumsum([0, *counts[:-1]])
    blocks = (np.arange(sum(counts)) - np.repeat(starts, counts)).astype(np.uint64)
    streams = [philox.stream_key(f"initial/{key}") for key in small]
    keys = np.repeat(np.array(streams, np.int64).view(np.uint64), counts)
    low, high = keys & np.uint64(0xFFFFFFFF), keys >> np.uint64(32)
    counter = (blocks, np.zeros_like(blocks), low, high)
    words = philox.block(counter, (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF))
    numbers = (np.stack(words, axis=1).reshape(-1) >> np.uint64(8)).astype(np.float64) * 2.0**-24
    places = zip(small, starts.tolist(), strict=True)
    return {key: numbers[4 * start : 4 * start + sizes[key]] for key, start in places}


def initial(param: Param, key: str, seed: int, drawn: Array | None = None) -> Array:
    """The first value of one parameter, float64; ValueError for an unknown initialiser.

    `drawn`: the uniform numbers of its stream, where they are known.
    """
    values = _initial(param, key, seed, drawn)
    if param.blank is not None:
        values[param.blank] = 0.0
    return values


def _initial(param: Param, key: str, seed: int, drawn: Array | None) -> Array:
    if isinstance(param.init, int | float):
        return np.full(param.shape, float(param.init))
    if param.init in ("zeros", "ones"):
        return np.full(param.shape, float(param.init == "ones"))
    if param.init in _WHOLE:
        return _WHOLE[param.init](key, seed, param.shape)
    fan_in, fan_out = param.fan or fans(param.shape)
    bounds = {
        "he_uniform": math.sqrt(6 / fan_in),
        "glorot_uniform": math.sqrt(6 / (fan_in + fan_out)),
        "lecun_uniform": math.sqrt(3 / fan_in),
        "torch_linear": 1 / math.sqrt(fan_in),
    }
    deviations = {
        "he_normal": math.sqrt(2 / fan_in),
        "glorot_normal": math.sqrt(2 / (fan_in + fan_out)),
        "lecun_normal": math.sqrt(1 / fan_in),
    }
    if param.init in bounds:
        uniform = _uniform(key, seed, param.shape) if drawn is None else drawn.reshape(param.shape)
        return (2 * uniform - 1) * bounds[param.init]
    if param.init in deviations:
        return _normal(key, seed, param.shape) * deviations[param.init]
    cut = {name.replace("normal", "truncated"): size for name, size in deviations.items()}
    if param.init in cut:
        return _cut(key, seed, param.shape) * (cut[param.init] / CUT_DEVIATION)
    known = ", ".join(["zeros", "ones", *_WHOLE, *bounds, *deviations, *cut])
    raise ValueError(f"{key}: found initialiser {param.init!r}, expected one of {known}")


def fans(shape: Shape) -> tuple[int, int]:
    """(fan in, fan out) of a weight: axis 0 is out, axis 1 in, the rest the window."""
    if len(shape) < 2:
        return (max(1, math.prod(shape)),) * 2
    window = math.prod(shape[2:])
    return max(1, shape[1] * window), max(1, shape[0] * window)


def _uniform(key: str, seed: int, shape: Shape) -> Array:
    return philox.uniform(seed, f"initial/{key}", 0, math.prod(shape)).reshape(shape)


def _normal(key: str, seed: int, shape: Shape, turn: int = 0) -> Array:
    """Standard normal numbers from pairs of uniform ones (Box & Muller 1958)."""
    count = math.prod(shape)
    pairs = philox.uniform(seed, f"initial/{key}", turn, 2 * count).reshape(2, count)
    radius = np.sqrt(-2 * np.log(1 - pairs[0]))
    normal: Array = radius * np.cos(2 * np.pi * pairs[1])
    return normal.reshape(shape)


def _truncated(key: str, seed: int, shape: Shape) -> Array:
    return TRUNCATED_DEVIATION * _cut(key, seed, shape)


def _cut(key: str, seed: int, shape: Shape) -> Array:
    """Normal numbers; what is beyond two deviations is drawn anew until none is."""
    values, turn = _normal(key, seed, shape), 0
    while (beyond := np.abs(values) > 2).any():
        turn += 1
        values[beyond] = _normal(key, seed, shape, turn)[beyond]
    return values


def _orthogonal(key: str, seed: int, shape: Shape) -> Array:
    """Rows, or where there are more of them columns, of length 1 at right angles."""
    rows, columns = _matrix(key, "orthogonal", shape)
    flat = _normal(key, seed, (rows, columns))
    q, r = np.linalg.qr(flat if rows >= columns else flat.T)
    # of all decompositions the one with a positive diagonal, so that Q is uniform (Mezzadri 2007)
    q = q * np.sign(np.diag(r))
    found: Array = (q if rows >= columns else q.T).reshape(shape)
    return found


def _identity(key: str, _: int, shape: Shape) -> Array:
    """Each output passes on the input of its number, at the middle of the window."""
    _matrix(key, "identity", shape)
    values = np.zeros(shape)
    passed = np.arange(min(shape[:2]))
    places: tuple[Any, ...] = (passed, passed, *(size // 2 for size in shape[2:]))
    values[places] = 1
    return values


def _matrix(key: str, init: str, shape: Shape) -> tuple[int, int]:
    """Outputs, and inputs times window."""
    if len(shape) < 2:
        text = f"{key}: found {init} for an array of shape {shape}, expected two axes or more"
        raise ValueError(text)
    return shape[0], math.prod(shape[1:])


_WHOLE: dict[str, Callable[[str, int, Shape], Array]] = {
    "orthogonal": _orthogonal,
    "truncated_normal": _truncated,
    "standard_normal": _normal,
    "identity": _identity,
}
