"""How the samples of PyTorch's layers and losses are nodes: see opinfo.py.

`LAYERS` adds to `FUNCTIONS` what maps layers, as OpInfo names them, to translators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.nodes.opinfo import SETTING, SHAPE, Given, Trial, need, real
from tests.nodes.opinfo_axes import FUNCTIONS
from tests.nodes.opinfo_functions import Translator
from tests.nodes.peer import torch

Pair = tuple[int, int]


def pair(value: Any, axes: int = 2) -> Pair:
    """Rows and columns of a setting; along time there is one row."""
    value = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    return value if len(value) == 2 else (value[0], value[0])


def one(value: Any) -> int:
    """A setting along time."""
    return int(value[0] if isinstance(value, (tuple, list)) else value)


def batched(x: Any, rank: int) -> tuple[int, ...]:
    """The shape with its batch axis, which samples may lack."""
    need(x.ndim in (rank - 1, rank), SHAPE)
    return tuple(x.shape) if x.ndim == rank else (1, *x.shape)


def as_image(x: Any) -> tuple[int, ...]:
    """N×C×T as images of one row."""
    batch, channels, steps = batched(x, 3)
    return (batch, channels, 1, steps)


# Poolings


def pool1d(node: str) -> Translator:
    """A pooling over time; positions are not given by any node."""

    def translate(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *given: Any, **more: Any
    ) -> Trial:
        _usual_pool(given, more)
        settings = {"kernel": one(kernel_size), "padding": one(padding)}
        settings |= {"stride": one(stride)} if stride else {}
        return Trial(node, [real(x, batched(x, 3))], settings)

    return translate


def pool2d(node: str) -> Translator:
    """A pooling over images."""

    def translate(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *given: Any, **more: Any
    ) -> Trial:
        _usual_pool(given, more)
        settings = {"kernel": pair(kernel_size), "padding": pair(padding)}
        settings |= {"stride": pair(stride)} if stride else {}
        return Trial(node, [real(x, batched(x, 4))], settings)

    return translate


def _usual_pool(given: tuple[Any, ...], more: dict[str, Any]) -> None:
    """Skip what our poolings do not do; only avg_pool2d gets such arguments without a name."""
    usual = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None}
    more |= dict(zip(usual, given, strict=False))
    usual |= {"return_indices": False}
    dilation = more.pop("dilation", 1)
    need(dilation in (1, (1,), (1, 1), [1], [1, 1]), SETTING)
    need(all(usual[key] == value for key, value in more.items()), SETTING)


def adaptive1d(x: Any, output_size: Any) -> Trial:
    """Means over equal tiles of a signal."""
    steps = one(output_size)
    return Trial("AdaptiveAvgPool2d", [real(x, as_image(x))], {"size": (1, steps)})


def adaptive2d(x: Any, output_size: Any) -> Trial:
    """Means over equal tiles; a side that is not named stays."""
    shape = batched(x, 4)
    sides = pair(output_size)
    size = tuple(own if side is None else side for side, own in zip(sides, shape[2:], strict=True))
    return Trial("AdaptiveAvgPool2d", [real(x, shape)], {"size": size})


def adaptive_max(node: str, rank: int) -> Translator:
    """The maximum over all; other sizes no node has."""

    def translate(x: Any, output_size: Any, return_indices: bool = False) -> Trial:
        sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        need(set(sizes) == {1} and not return_indices, SETTING)
        return Trial(node, [real(x, batched(x, rank))])

    return translate


# Convolutions


def conv1d(x: Any, weight: Any, bias: Any = None, **given: Any) -> Trial:
    """A convolution over time; in groups as one over images of one row."""
    settings, groups = _sliding(given, one)
    taps = weight.shape[2]
    if groups == 1:
        own = {"filters": weight.shape[0], "kernel": taps, "bias": bias is not None}
        return Trial("Conv1d", [real(x, batched(x, 3))], own | settings, _weights(weight, bias))
    wide = {
        key: v if isinstance(v, str) else (int(key != "padding"), v) for key, v in settings.items()
    }
    window = (*weight.shape[:2], 1, taps)
    return _grouped(real(x, as_image(x)), real(weight, window), bias, groups, wide)


def conv2d(x: Any, weight: Any, bias: Any = None, **given: Any) -> Trial:
    """A convolution, in groups or for each channel."""
    settings, groups = _sliding(given, pair)
    image = real(x, batched(x, 4))
    if groups > 1:
        return _grouped(image, real(weight), bias, groups, settings)
    own = {"filters": weight.shape[0], "kernel": tuple(weight.shape[2:]), "bias": bias is not None}
    return Trial("Conv2d", [image], own | settings, _weights(weight, bias))


def _sliding(given: dict[str, Any], form: Callable[[Any], Any]) -> tuple[dict[str, Any], int]:
    padding = given.get("padding", 0)
    settings = {key: form(given.get(key, 1)) for key in ("stride", "dilation")}
    settings["padding"] = padding if isinstance(padding, str) else form(padding)
    return settings, given.get("groups", 1)


def _weights(weight: Any, bias: Any) -> dict[str, Given]:
    found = {"weight": real(weight)}
    return found if bias is None else found | {"bias": real(bias)}


def _grouped(x: Given, weight: Given, bias: Any, groups: int, given: dict[str, Any]) -> Trial:
    made = weight.shape[0]
    settings = given | {"kernel": weight.shape[2:], "bias": bias is not None}
    if groups == x.shape[1]:
        node, own = "DepthwiseConv2d", {"multiplier": made // groups}
    else:
        node, own = "GroupedConv2d", {"filters": made, "groups": groups}
    weights = {"weight": weight} | ({} if bias is None else {"bias": real(bias)})
    return Trial(node, [x], settings | own, weights)


def transposed(axes: int) -> Translator:
    """A transposed convolution, over time as one over images of one row."""

    def translate(x: Any, weight: Any, bias: Any = None, **given: Any) -> Trial:
        need(given.get("groups", 1) == 1, SETTING)
        standard = {"stride": 1, "dilation": 1, "padding": 0, "output_padding": 0}
        settings: dict[str, Any] = {}
        for key, usual in standard.items():
            value = given.get(key, usual)
            settings[key] = pair(value) if axes == 2 else (usual, one(value))
        window = weight.shape[2:] if axes == 2 else (1, weight.shape[2])
        settings |= {"kernel": tuple(window), "filters": weight.shape[1], "bias": bias is not None}
        shape = batched(x, 4) if axes == 2 else as_image(x)
        weights = {"weight": real(weight, (*weight.shape[:2], *window))}
        weights |= {} if bias is None else {"bias": real(bias)}
        return Trial("ConvTranspose2d", [real(x, shape)], settings, weights)

    return translate


def linear(x: Any, weight: Any, bias: Any = None) -> Trial:
    """A dense layer; all axes but the last count samples."""
    need(weight.ndim == 2, SHAPE)
    shape = (math.prod(x.shape[:-1]), x.shape[-1])
    settings = {"units": weight.shape[0], "bias": bias is not None}
    return Trial("Dense", [real(x, shape)], settings, _weights(weight, bias))


# Normalisation


def plain(start: float, shape: tuple[int, ...]) -> Given:
    """Weights that change nothing, where the sample has none."""
    return Given(torch.full(shape, start, dtype=torch.float64), shape, added=True)


def _scale(weight: Any, bias: Any, shape: tuple[int, ...]) -> dict[str, Given]:
    return {
        "weight": plain(1.0, shape) if weight is None else real(weight, shape),
        "bias": plain(0.0, shape) if bias is None else real(bias, shape),
    }


def _over_batch(x: Any) -> tuple[int, ...]:
    """N×F and N×C×H×W as they are, further axes laid in one."""
    if x.ndim in (2, 4):
        return tuple(x.shape)
    need(x.ndim > 2, SHAPE)
    return (*x.shape[:2], math.prod(x.shape[2:]), 1)


def batch_norm(
    x: Any,
    mean: Any,
    variance: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Trial:
    """Normalisation over the batch, with its running values."""
    shape = _over_batch(x)
    need(training or mean is not None, SETTING)
    channels = (shape[1],)
    given = {"running_mean": plain(0.0, channels), "running_var": plain(1.0, channels)}
    if mean is None:
        momentum = 0.0
    else:
        given = {"running_mean": real(mean), "running_var": real(variance)}
    settings = {"momentum": momentum, "epsilon": eps}
    mode = "train" if training else "evaluate"
    return Trial(
        "BatchNorm", [real(x, shape)], settings, _scale(weight, bias, (shape[1],)), given, mode
    )


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    alone: bool = False,
) -> Trial:
    """Normalisation of each channel, of one sample `alone` where it has no batch axis.

    Running values do not change what comes out.
    """
    need(use_input_stats, SETTING)
    shape = tuple(_over_batch(x.unsqueeze(0) if alone else x))
    return Trial(
        "InstanceNorm", [real(x, shape)], {"epsilon": eps}, _scale(weight, bias, (shape[1],))
    )


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Trial:
    """Normalisation of groups of channels."""
    shape = _over_batch(x)
    settings = {"groups": num_groups, "epsilon": eps}
    return Trial("GroupNorm", [real(x, shape)], settings, _scale(weight, bias, (shape[1],)))


def layer_norm(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Trial:
    """Normalisation of the last axes; as vectors where a node would take others together."""
    shape, own = _last_axes(x, tuple(normalized_shape))
    return Trial("LayerNorm", [real(x, shape)], {"epsilon": eps}, _scale(weight, bias, own))


def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Trial:
    """Division by the root mean square of the last axes."""
    shape, own = _last_axes(x, tuple(normalized_shape))
    weights = {"weight": _scale(weight, None, own)["weight"]}
    epsilon = torch.finfo(x.dtype).eps if eps is None else eps
    return Trial("RMSNorm", [real(x, shape)], {"epsilon": epsilon}, weights)


def _last_axes(x: Any, last: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if (x.ndim, len(last)) in ((2, 1), (3, 1), (4, 3)):
        return tuple(x.shape), last
    samples = math.prod(x.shape[: x.ndim - len(last)])
    return (samples, math.prod(last)), (math.prod(last),)


# Borders and sizes of images


def pad(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Trial:
    """Zeros along an axis, borders of images."""
    need(not value, SETTING)
    pad = tuple(pad)
    if mode == "constant":
        return _zeros(x, pad)
    need(x.ndim <= 4 and len(pad) <= 4, SHAPE)
    if len(pad) == 2:
        shape = as_image(x)
        sides = (0, 0, *pad)
    else:
        shape, sides = batched(x, 4), (*pad[2:], *pad[:2])
    return Trial(
        "Pad2d", [real(x, shape)], {"mode": mode.replace("constant", "zeros"), "padding": sides}
    )


def _zeros(x: Any, pad: tuple[int, ...]) -> Trial:
    if len(pad) == 4 and x.ndim in (3, 4):
        sides = (*pad[2:], *pad[:2])
        return Trial("Pad2d", [real(x, batched(x, 4))], {"mode": "zeros", "padding": sides})
    changed = [k for k in range(len(pad) // 2) if pad[2 * k] or pad[2 * k + 1]]
    need(len(changed) < 2, SHAPE)
    k = changed[0] if changed else 0
    settings = {"axis": x.ndim - k, "before": pad[2 * k], "after": pad[2 * k + 1]}
    return Trial("Pad", [real(x, (1, *x.shape))], settings)


def interpolate(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    **more: Any,
) -> Trial:
    """Enlarging by whole factors."""
    need(mode in ("nearest", "bilinear") and not align_corners, SETTING)
    need(x.ndim in (3, 4) and x.numel() > 0, SHAPE)
    shape = tuple(x.shape) if x.ndim == 4 else as_image(x)
    made = torch.nn.functional.interpolate(x, size, scale_factor, mode, align_corners, **more).shape
    made = made if x.ndim == 4 else (*made[:2], 1, made[2])
    whole = all(new % old == 0 and new >= old for new, old in zip(made, shape, strict=True))
    need(whole, SETTING)
    factor = made[2] // shape[2], made[3] // shape[3]
    return Trial("Upsample", [real(x, shape)], {"factor": factor, "mode": mode})


def shuffled(node: str) -> Translator:
    """Channels as pixels, or the other way; all axes but the last three count images."""

    def translate(x: Any, upscale_factor: int = 1, downscale_factor: int = 1) -> Trial:
        factor = upscale_factor * downscale_factor
        shape = (math.prod(x.shape[:-3]), *x.shape[-3:])
        return Trial(node, [real(x, shape)], {"factor": factor})

    return translate


LAYERS: dict[str, Translator] = FUNCTIONS | {
    "nn.functional.linear": linear,
    "nn.functional.conv1d": conv1d,
    "nn.functional.conv2d": conv2d,
    "nn.functional.conv_transpose1d": transposed(1),
    "nn.functional.conv_transpose2d": transposed(2),
    "nn.functional.max_pool1d": pool1d("MaxPool1d"),
    "nn.functional.max_pool2d": pool2d("MaxPool2d"),
    "nn.functional.avg_pool1d": pool1d("AvgPool1d"),
    "nn.functional.avg_pool2d": pool2d("AvgPool2d"),
    "nn.functional.adaptive_avg_pool1d": adaptive1d,
    "nn.functional.adaptive_avg_pool2d": adaptive2d,
    "nn.functional.adaptive_max_pool1d": adaptive_max("GlobalMaxPool1d", 3),
    "nn.functional.adaptive_max_pool2d": adaptive_max("GlobalMaxPool2d", 4),
    "nn.functional.batch_norm": batch_norm,
    "nn.functional.instance_norm": instance_norm,
    "nn.functional.group_norm": group_norm,
    "nn.functional.layer_norm": layer_norm,
    "nn.functional.rms_norm": rms_norm,
    "nn.functional.pad": pad,
    "nn.functional.interpolate": interpolate,
    "nn.functional.upsample_nearest": interpolate,
    "nn.functional.pixel_shuffle": shuffled("PixelShuffle"),
    "nn.functional.pixel_unshuffle": shuffled("PixelUnshuffle"),
}
