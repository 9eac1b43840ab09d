"""Every node that PyTorch has a function or module for, on PyTorch's own samples of it.

OpInfo's `reference_inputs` are taken, which begin with its `sample_inputs`, and the inputs of
ModuleInfo, in evaluation as well where that differs: float64 (class indices int64), on the CPU, in
one layout. A sample with the node, settings and numbers of an earlier one of its function does not
count again.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest import TestCase

import numpy as np
import pytest

from tests.nodes.opinfo import REASONS, TOLERANCE, Call, Tally, tally
from tests.nodes.opinfo_losses import LOSSES, MODULES
from tests.nodes.peer import double_precision, one_thread, torch

SEED = 7
AT_LEAST = 2000
NODE_TYPES = 75
# PyTorch's gradients have numbers of single precision in them: a sixth, 1 / alpha
INEXACT = {"nn.functional.hardsigmoid": 1e-7, "nn.functional.celu": 1e-7}
# all samples of these want parts that are not equal, or factors that are not whole
NONE_FIT = frozenset(
    {"split", "tensor_split", "nn.functional.interpolate", "nn.functional.upsample_nearest"}
)
NAMES = [*LOSSES, *(f"nn.{name}" for name in MODULES)]


@cache
def databases() -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """PyTorch's functions and modules by name; a function may be listed in several variants."""
    if find_spec("expecttest") is None:  # PyTorch's tests compare texts with it; samples do not
        stand_in = ModuleType("expecttest")
        vars(stand_in).update(TestCase=TestCase, ACCEPT=False)
        sys.modules["expecttest"] = stand_in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
        from torch.testing._internal.common_modules import module_db
    functions: dict[str, list[Any]] = {}
    for op in op_db:
        functions.setdefault(op.name, []).append(op)
    return functions, {info.name.removeprefix("nn."): info for info in module_db}


def function_calls(name: str) -> Iterator[Call]:
    """The samples of a function."""
    for op in databases()[0][name]:
        dtype = torch.float64 if torch.float64 in op.dtypes else torch.int64
        for sample in op.reference_inputs("cpu", dtype, requires_grad=False):
            named = {key: value for key, value in sample.kwargs.items() if key != "inplace"}
            given = (sample.input, *sample.args)
            yield Call(
                _text(given, named),
                partial(op.op, *given, **named),
                partial(LOSSES[name], *given, **named),
            )


def module_calls(name: str) -> Iterator[Call]:
    """The samples of a module, in evaluation as well where that is another computation."""
    info = databases()[1][name]
    for training in (True, False) if info.train_and_eval_differ else (True,):
        make = partial(info.module_inputs_func, info, device="cpu", dtype=torch.float64)
        for sample in make(requires_grad=False, training=training):
            made, given = sample.constructor_input, sample.forward_input
            made.kwargs.pop("inplace", None)
            module = info.module_cls(*made.args, **made.kwargs).train(training)
            operands = (*given.args, *given.kwargs.values())
            yield Call(
                _text(made.args, made.kwargs) + _text(operands, {}),
                partial(module, *operands),
                partial(MODULES[name], module, *operands),
            )


def _text(given: Sequence[Any], named: dict[str, Any]) -> str:
    parts = [_short(value) for value in given]
    return f"({', '.join([*parts, *(f'{key}={_short(v)}' for key, v in named.items())])})"


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_short, value))}]"
    return repr(value)


@cache
def result(name: str) -> Tally:
    """What came of the samples of one function or module (`nn.` and a capital letter)."""
    torch.manual_seed(SEED)
    module = name.removeprefix("nn.")
    calls: Callable[[str], Iterator[Call]] = module_calls if module in MODULES else function_calls
    with warnings.catch_warnings(), np.errstate(all="ignore"), double_precision(), one_thread():
        warnings.simplefilter("ignore")  # samples are made to be odd
        found = calls(module if module in MODULES else name)
        return tally(found, INEXACT.get(name, TOLERANCE))


@pytest.mark.parametrize("name", NAMES)
def test_samples_of_pytorch_agree(name: str) -> None:
    """Values, running values and gradients of every sample to 1e-10; the rest has a reason."""
    found = result(name)
    assert not found.wrong, "\n".join([f"{len(found.wrong)} of {found.ran}", *found.wrong[:10]])
    assert (found.ran > 0) != (name in NONE_FIT)
    assert found.skipped.keys() <= REASONS


def summary() -> str:
    """How many samples ran, by node, and how many did not, by reason."""
    ran: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for name in NAMES:
        ran, skipped = ran + result(name).nodes, skipped + result(name).skipped
    lines = [f"{sum(ran.values())} ran on {len(ran)} node types"]
    lines += [f"  {count:5} {node}" for node, count in ran.most_common()]
    lines += [f"{sum(skipped.values())} did not"]
    return "\n".join([*lines, *(f"  {count:5} {why}" for why, count in skipped.most_common())])


def test_enough_samples_run() -> None:
    """As many as promised, on nearly every node type that PyTorch has a function for."""
    ran: Counter[str] = sum((result(name).nodes for name in NAMES), Counter())
    assert ran.total() >= AT_LEAST, summary()
    assert len(ran) >= NODE_TYPES, summary()
