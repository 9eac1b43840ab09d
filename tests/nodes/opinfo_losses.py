"""How the samples of PyTorch's losses, and of its modules, are nodes: see opinfo.py.

`LOSSES` maps functions, as OpInfo names them, to translators; `MODULES` maps modules, as ModuleInfo
names them, to translators of the module and what it is called with.
"""

from __future__ import annotations

from typing import Any

from tests.nodes.opinfo import NO_SHARE, REDUCTION, SETTING, Given, Trial, ids, need, real
from tests.nodes.opinfo_functions import Translator
from tests.nodes.opinfo_layers import LAYERS, batch_norm, instance_norm
from tests.nodes.peer import torch


def regression(node: str, **names: str) -> Translator:
    """The mean over all elements; `names` are settings by PyTorch's names."""

    def translate(x: Any, target: Any, reduction: str = "mean", **given: Any) -> Trial:
        need(reduction == "mean", REDUCTION)
        need(given.keys() <= names.keys(), SETTING)
        settings = {names[key]: value for key, value in given.items()}
        return Trial(node, [real(x), real(target)], settings)

    return translate


def binary(node: str) -> Translator:
    """Losses of yes and no."""

    def translate(
        x: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
    ) -> Trial:
        need(reduction == "mean", REDUCTION)
        need(weight is None and pos_weight is None, SETTING)
        return Trial(node, [real(x), real(target)])

    return translate


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Trial:
    """From classes or probabilities, with the weights of classes as a setting."""
    need(reduction == "mean", REDUCTION)
    soft = target.dtype == torch.float64
    settings: dict[str, Any] = {"smoothing": label_smoothing}
    settings["targets"] = "probabilities" if soft else "classes"
    if weight is not None:
        settings["class_weights"] = tuple(weight.tolist())
    if ignore_index >= 0 and not soft:
        settings["ignore"] = ignore_index
    return Trial("CrossEntropy", _classes(x, target, soft), settings)


def _classes(x: Any, target: Any, soft: bool = False) -> list[Given]:
    """Scores and targets as a batch; one of one sample where the sample has no batch axis."""
    alone = x.ndim == 1
    shapes = [(1, *t.shape) if alone else tuple(t.shape) for t in (x, target)]
    return [real(x, shapes[0]), (real if soft else ids)(target, shapes[1])]


def nll_loss(
    x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Trial:
    """From log-probabilities; every class counts alike."""
    need(reduction == "mean", REDUCTION)
    need(weight is None and not bool((target == ignore_index).any()), SETTING)
    return Trial("NegativeLogLikelihood", _classes(x, target))


def kl_div(
    x: Any, target: Any, reduction: str = "mean", log_target: bool = False, **more: Any
) -> Trial:
    """Added up in each sample, mean over the batch."""
    need(reduction == "batchmean", REDUCTION)
    need(not log_target and not more, SETTING)
    need(bool((target >= 0).all()), NO_SHARE)
    return Trial("KLDivergence", [real(x), real(target)])


def multi_margin(
    x: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Trial:
    """The hinge of several classes."""
    need(reduction == "mean", REDUCTION)
    need(weight is None, SETTING)
    return Trial("MultiClassMargin", _classes(x, target), {"margin": margin, "squared": p == 2})


def soft_margin(x: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Trial:
    """Yes or no for each label."""
    need(reduction == "mean", REDUCTION)
    need(weight is None or weight.ndim == 1, SETTING)
    settings = {} if weight is None else {"label_weights": tuple(weight.tolist())}
    truth = ids(target) if target.dtype == torch.int64 else real(target)
    return Trial("MultiLabelSoftMargin", [real(x), truth], settings)


def triplet(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Trial:
    """Distances are Euclid's."""
    need(reduction == "mean", REDUCTION)
    need(p == 2 and eps == 1e-6, SETTING)
    operands = [real(x) for x in (anchor, positive, negative)]
    return Trial("TripletMargin", operands, {"margin": margin, "swap": swap})


LOSSES: dict[str, Translator] = LAYERS | {
    "nn.functional.mse_loss": regression("MeanSquaredError"),
    "nn.functional.l1_loss": regression("MeanAbsoluteError"),
    "nn.functional.huber_loss": regression("Huber", delta="delta"),
    "nn.functional.smooth_l1_loss": regression("SmoothL1", beta="beta"),
    "nn.functional.poisson_nll_loss": regression(
        "PoissonLoss", log_input="log_rate", full="full", eps="epsilon"
    ),
    "nn.functional.binary_cross_entropy_with_logits": binary("BinaryCrossEntropy"),
    "nn.functional.binary_cross_entropy": binary("BinaryCrossEntropyOfProbabilities"),
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.nll_loss": nll_loss,
    "nn.functional.kl_div": kl_div,
    "nn.functional.multi_margin_loss": multi_margin,
    "nn.functional.multilabel_soft_margin_loss": soft_margin,
    "nn.functional.triplet_margin_loss": triplet,
}


def as_function(function: str, *attributes: str, **renamed: str) -> Translator:
    """A module as the function it calls; its attributes are arguments, `renamed` ones by name."""
    names = dict(zip(attributes, attributes, strict=True)) | renamed

    def translate(module: Any, *operands: Any) -> Trial:
        given = {name: getattr(module, own) for name, own in names.items()}
        return LOSSES[function](*operands, **given)

    return translate


def _conv(function: str) -> Translator:
    names = ("weight", "bias", "stride", "padding", "dilation", "groups")
    more = ("output_padding",) if "transpose" in function else ()
    usual = as_function(f"nn.functional.{function}", *names, *more)

    def translate(module: Any, *operands: Any) -> Trial:
        need(module.padding_mode == "zeros" and len(operands) == 1, SETTING)
        return usual(module, *operands)

    return translate


def _batch_norm(module: Any, x: Any) -> Trial:
    need(module.momentum is not None, SETTING)
    training = module.training or module.running_mean is None
    return batch_norm(
        x,
        module.running_mean,
        module.running_var,
        module.weight,
        module.bias,
        training,
        module.momentum,
        module.eps,
    )


def _instance_norm(module: Any, x: Any) -> Trial:
    stats = module.training or not module.track_running_stats
    weights = {"weight": module.weight, "bias": module.bias}
    alone = x.ndim == 2 + (x.ndim == 3 and "2d" in type(module).__name__)
    return instance_norm(x, use_input_stats=stats, eps=module.eps, alone=alone, **weights)


def _border(mode: str) -> Translator:
    def translate(module: Any, x: Any) -> Trial:
        return LOSSES["nn.functional.pad"](x, module.padding, mode, getattr(module, "value", 0))

    return translate


_POOL = ("kernel_size", "stride", "padding", "ceil_mode")
_MAX = (*_POOL, "dilation", "return_indices")
MODULES: dict[str, Translator] = {
    "Linear": as_function("nn.functional.linear", "weight", "bias"),
    "Conv1d": _conv("conv1d"),
    "Conv2d": _conv("conv2d"),
    "ConvTranspose1d": _conv("conv_transpose1d"),
    "ConvTranspose2d": _conv("conv_transpose2d"),
    "MaxPool1d": as_function("nn.functional.max_pool1d", *_MAX),
    "MaxPool2d": as_function("nn.functional.max_pool2d", *_MAX),
    "AvgPool1d": as_function("nn.functional.avg_pool1d", *_POOL, "count_include_pad"),
    "AvgPool2d": as_function(
        "nn.functional.avg_pool2d", *_POOL, "count_include_pad", "divisor_override"
    ),
    "AdaptiveAvgPool1d": as_function("nn.functional.adaptive_avg_pool1d", "output_size"),
    "AdaptiveAvgPool2d": as_function("nn.functional.adaptive_avg_pool2d", "output_size"),
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "InstanceNorm1d": _instance_norm,
    "InstanceNorm2d": _instance_norm,
    "GroupNorm": as_function("nn.functional.group_norm", "num_groups", "weight", "bias", "eps"),
    "LayerNorm": as_function(
        "nn.functional.layer_norm", "normalized_shape", "weight", "bias", "eps"
    ),
    "RMSNorm": as_function("nn.functional.rms_norm", "normalized_shape", "weight", "eps"),
    "ReLU": as_function("nn.functional.relu"),
    "ReLU6": as_function("nn.functional.relu6"),
    "LeakyReLU": as_function("nn.functional.leaky_relu", "negative_slope"),
    "PReLU": as_function("nn.functional.prelu", "weight"),
    "ELU": as_function("nn.functional.elu", "alpha"),
    "CELU": as_function("nn.functional.celu", "alpha"),
    "SELU": as_function("nn.functional.selu"),
    "GELU": as_function("nn.functional.gelu", "approximate"),
    "GLU": as_function("nn.functional.glu", "dim"),
    "SiLU": as_function("nn.functional.silu"),
    "Mish": as_function("nn.functional.mish"),
    "Hardswish": as_function("nn.functional.hardswish"),
    "Hardtanh": as_function("nn.functional.hardtanh", "min_val", "max_val"),
    "Sigmoid": as_function("sigmoid"),
    "LogSigmoid": as_function("nn.functional.logsigmoid"),
    "Softplus": as_function("nn.functional.softplus", "beta", "threshold"),
    "Softsign": as_function("nn.functional.softsign"),
    "Tanh": as_function("tanh"),
    "Softmax": as_function("softmax", "dim"),
    "LogSoftmax": as_function("log_softmax", "dim"),
    "ReflectionPad1d": _border("reflect"),
    "ReflectionPad2d": _border("reflect"),
    "ReplicationPad1d": _border("replicate"),
    "ReplicationPad2d": _border("replicate"),
    "CircularPad1d": _border("circular"),
    "CircularPad2d": _border("circular"),
    "ZeroPad1d": _border("constant"),
    "ZeroPad2d": _border("constant"),
    "MSELoss": as_function("nn.functional.mse_loss", "reduction"),
    "L1Loss": as_function("nn.functional.l1_loss", "reduction"),
    "SmoothL1Loss": as_function("nn.functional.smooth_l1_loss", "reduction", "beta"),
    "HuberLoss": as_function("nn.functional.huber_loss", "reduction", "delta"),
    "PoissonNLLLoss": as_function(
        "nn.functional.poisson_nll_loss", "log_input", "full", "eps", "reduction"
    ),
    "BCELoss": as_function("nn.functional.binary_cross_entropy", "weight", "reduction"),
    "BCEWithLogitsLoss": as_function(
        "nn.functional.binary_cross_entropy_with_logits", "weight", "reduction", "pos_weight"
    ),
    "CrossEntropyLoss": as_function(
        "nn.functional.cross_entropy", "weight", "ignore_index", "reduction", "label_smoothing"
    ),
    "NLLLoss": as_function("nn.functional.nll_loss", "weight", "ignore_index", "reduction"),
    "KLDivLoss": as_function("nn.functional.kl_div", "reduction", "log_target"),
    "MultiMarginLoss": as_function(
        "nn.functional.multi_margin_loss", "p", "margin", "weight", "reduction"
    ),
    "MultiLabelSoftMarginLoss": as_function(
        "nn.functional.multilabel_soft_margin_loss", "weight", "reduction"
    ),
}
