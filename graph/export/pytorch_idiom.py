"""PyTorch as people write it: no arguments that are defaults, functions where nothing is kept."""

from __future__ import annotations

import ast

from graph.export import expression as ex
from graph.export.expression import Expression

_ADAM = {"betas": "(0.9, 0.999)", "eps": "1e-08", "weight_decay": "0.0"}
_CONV = {
    "stride": "1",
    "padding": "0",
    "dilation": "1",
    "groups": "1",
    "bias": "True",
    "padding_mode": '"zeros"',
}
_RECURRENT = {
    "num_layers": "1",
    "bias": "True",
    "dropout": "0.0",
    "bidirectional": "False",
    "nonlinearity": '"tanh"',
}
# keyword arguments left out when they say what PyTorch does anyway
DEFAULTS: dict[str, dict[str, str]] = {
    "nn.Linear": {"bias": "True"},
    "nn.Conv1d": _CONV,
    "nn.Conv2d": _CONV,
    "nn.MaxPool2d": {"stride": "None", "padding": "0"},
    "nn.AvgPool2d": {"stride": "None", "padding": "0"},
    "nn.BatchNorm1d": {"eps": "1e-05", "momentum": "0.1"},
    "nn.BatchNorm2d": {"eps": "1e-05", "momentum": "0.1"},
    "nn.RNN": _RECURRENT,
    "nn.LSTM": _RECURRENT,
    "nn.GRU": _RECURRENT,
    "torch.optim.SGD": {"momentum": "0.0", "weight_decay": "0.0", "nesterov": "False"},
    "torch.optim.lr_scheduler.CosineAnnealingLR": {"eta_min": "0.0"},
    "torch.optim.Adam": _ADAM,
    "torch.optim.NAdam": {**_ADAM, "momentum_decay": "0.004", "decoupled_weight_decay": "False"},
    "torch.optim.RAdam": {**_ADAM, "decoupled_weight_decay": "False"},
}
# modules without weights or state, and the function each of them calls
FUNCTIONS: dict[str, str] = {
    "nn.ReLU": "F.relu",
    "nn.LeakyReLU": "F.leaky_relu",
    "nn.Sigmoid": "torch.sigmoid",
    "nn.Tanh": "torch.tanh",
    "nn.Softmax": "F.softmax",
    "nn.MaxPool2d": "F.max_pool2d",
    "nn.AvgPool2d": "F.avg_pool2d",
    "nn.CrossEntropyLoss": "F.cross_entropy",
    "nn.BCEWithLogitsLoss": "F.binary_cross_entropy_with_logits",
    "nn.MSELoss": "F.mse_loss",
    "nn.L1Loss": "F.l1_loss",
}


def without_defaults(expression: Expression) -> Expression:
    """A constructor's call less the keywords that are its defaults."""
    if isinstance(expression, ast.Call):
        known = DEFAULTS.get(ex.text(expression.func), {})
        for word in expression.keywords:
            word.value = _worked_out(word.value)
        expression.keywords = [
            word for word in expression.keywords if known.get(word.arg or "") != ex.text(word.value)
        ]
    return expression


def _worked_out(value: Expression) -> Expression:
    """A product of two numbers as one number: 0.1 * 0.003 → 0.0003."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        numbers = [
            part.value
            for part in (value.left, value.right)
            if isinstance(part, ast.Constant) and isinstance(part.value, float)
        ]
        if len(numbers) == 2:
            return ast.Constant(float(f"{numbers[0] * numbers[1]:.15g}"))
    return value


def as_function(module: Expression) -> tuple[str, str] | None:
    """(function, further arguments) of a module that is only a function; None for others.

    Given `nn.MaxPool2d(2)` it is `("F.max_pool2d", ", 2")`.
    """
    if not isinstance(module, ast.Call):
        return None
    name = FUNCTIONS.get(ex.text(module.func))
    if name is None:
        return None
    words = [f"{word.arg}={ex.text(word.value)}" for word in module.keywords]
    return name, "".join(f", {part}" for part in [*map(ex.text, module.args), *words])


def call_function(call: Expression, name: str, arguments: str) -> Expression:
    """`call` with its calls of the stand-in `_module_` replaced by `name(…, arguments)`."""
    more = ex.parse(f"f(0{arguments})")
    assert isinstance(more, ast.Call)
    for node in ast.walk(call):
        if isinstance(node, ast.Call) and ex.text(node.func) == "_module_":
            node.func = ex.parse(name)
            node.args = [*node.args, *more.args[1:]]
            node.keywords = [*node.keywords, *more.keywords]
    return call
