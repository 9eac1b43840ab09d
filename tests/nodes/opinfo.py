"""PyTorch's own sample inputs (OpInfo, ModuleInfo) on Netloom's nodes: values and gradients.

A translator in opinfo_functions.py or opinfo_layers.py takes what PyTorch gives its function and
says which node with which settings computes the same, on the same numbers. Numbers may be grouped
otherwise, never moved: a sample without batch axis becomes a batch of one, N×C×T an image N×C×1×T.
What no node can do is skipped for one of `REASONS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compute.backend import Array
from graph.op import REGISTRY, Mode, Sample, SettingError
from graph.program import ShapeError, TensorType
from tests.nodes.harness import Case, Values, build
from tests.nodes.peer import torch

TOLERANCE = 1e-10
DTYPE = "whole numbers, truth values or complex numbers where the node takes real ones"
EMPTY = "no elements"
REDUCTION = "a reduction other than the mean over the batch"
SETTING = "an argument that the node has no setting for"
RANGE = "a setting outside the node's range"
SHAPE = "shapes that the node refuses"
IGNORED = "a class below 0 among the targets"
CUT_OFF = "softplus cut off where Netloom's is exact"
POLE = "0 to a power below 0, where Netloom has no slope along the exponent"
NAN = "the sign of NaN, which Netloom leaves NaN"
NO_SHARE = "a target below 0 as a probability"
LARGE = "over twenty thousand numbers, where a few say the same"
FAILS = "PyTorch's own function or gradient fails"
AGAIN = "the numbers and settings of an earlier sample"
REASONS = frozenset(
    (DTYPE, EMPTY, REDUCTION, SETTING, RANGE, SHAPE, IGNORED, CUT_OFF, AGAIN, POLE, NAN, NO_SHARE)
) | {LARGE, FAILS}
MOST = 20_000  # numbers of an operand


class Skip(Exception):  # noqa: N818  no error: the sample asks for what no node offers
    """A sample that no node can compute; the argument is one of `REASONS`."""


def need(possible: bool, reason: str) -> None:
    """Skip the sample unless it is possible."""
    if not possible:
        raise Skip(reason)


@dataclass(frozen=True)
class Given:
    """A tensor of the sample, and the shape the node takes its numbers in.

    `added`: no tensor of the sample, but weights that change nothing, which the node cannot do
    without.
    """

    tensor: Any
    shape: tuple[int, ...]
    added: bool = False

    @property
    def array(self) -> Array:
        """The numbers as the node takes them."""
        kept = np.array(self.tensor.detach().numpy())
        whole = self.tensor.dtype == torch.int64
        return kept.reshape(self.shape).astype(np.int64 if whole else np.float64)

    @property
    def type(self) -> TensorType:
        """Shape and kind as the node takes them."""
        return TensorType(self.shape, "int" if self.tensor.dtype == torch.int64 else "real")


@dataclass(frozen=True)
class Trial:
    """A sample as a node: `operands` in port order, several at a `many` port, weights by name."""

    node: str
    operands: Sequence[Given | Sequence[Given]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Given] = field(default_factory=dict)
    states: Mapping[str, Given] = field(default_factory=dict)
    mode: Mode = "evaluate"

    def key(self) -> tuple[Any, ...]:
        """Equal for trials that compute the same on the same numbers."""
        parts = [*_flat(self.operands), *self.weights.values(), *self.states.values()]
        numbers = tuple((g.shape, g.array.tobytes()) for g in parts)
        return (self.node, self.mode, tuple(sorted(self.settings.items())), numbers)

    def case(self) -> tuple[Case, dict[str, Given]]:
        """The node on the sample's numbers, and what its gradients by name belong to."""
        ports = REGISTRY[self.node](**self.settings).ports_in()
        wired = {
            port.name: list(given) if isinstance(given, Sequence) else [given]
            for port, given in zip(ports, self.operands, strict=True)
        }
        types: dict[str, Any] = {n: [g.type for g in given] for n, given in wired.items()}
        case = build(REGISTRY[self.node], Sample(types, self.settings), self.mode)
        named = {f"{n}.{k}": g for n, given in wired.items() for k, g in enumerate(given)}
        named |= self.weights
        kept = {**named, **self.states}
        for name, shape in case.trace.params.items():
            if name.rpartition("/")[2] not in kept:
                raise AssertionError(f"{self.node} was given no {name}")
            assert kept[name.rpartition("/")[2]].shape == shape.shape, name
        case.values |= {name: given.array for name, given in kept.items()}
        return case, named


def _flat(operands: Sequence[Given | Sequence[Given]]) -> Iterator[Given]:
    for given in operands:
        yield from given if isinstance(given, Sequence) else [given]


def real(tensor: Any, shape: Sequence[int] | None = None) -> Given:
    """A tensor of real numbers as an operand; with no axis it becomes a batch of one number."""
    need(isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64, DTYPE)
    return _given(tensor, shape)


def ids(tensor: Any, shape: Sequence[int] | None = None) -> Given:
    """A tensor of class indices as an operand."""
    need(tensor.dtype == torch.int64, DTYPE)
    need(tensor.numel() == 0 or int(tensor.min()) >= 0, IGNORED)
    return _given(tensor, shape)


def _given(tensor: Any, shape: Sequence[int] | None) -> Given:
    need(tensor.numel() > 0, EMPTY)
    need(tensor.numel() <= MOST, LARGE)
    return Given(tensor, tuple(tensor.shape if shape is None else shape) or (1,))


@dataclass
class Tally:
    """What came of the samples of one function."""

    nodes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def ran(self) -> int:
        """Samples that ran."""
        return self.nodes.total()


@dataclass(frozen=True)
class Call:
    """One sample: what PyTorch calls, and the translator's view of it."""

    text: str
    theirs: Callable[[], Any]
    translate: Callable[[], Trial]


def tally(calls: Iterator[Call], tolerance: float = TOLERANCE) -> Tally:
    """Run every sample on PyTorch and on its node."""
    found, seen = Tally(), set()
    for number, call in enumerate(calls):
        try:
            trial = call.translate()
            key = trial.key()
            need(key not in seen, AGAIN)
            seen.add(key)
            problem = Comparison(call, trial, tolerance).problem()
        except Skip as skip:
            found.skipped[str(skip)] += 1
        except SettingError:
            found.skipped[RANGE] += 1
        except ShapeError:
            found.skipped[SHAPE] += 1
        else:
            found.nodes[trial.node] += 1
            if problem:
                where = f"sample {number} {call.text} as {trial.node} {dict(trial.settings)}"
                found.wrong.append(f"{where}: {problem}")
    return found


class Comparison:
    """A node and PyTorch on one sample."""

    def __init__(self, call: Call, trial: Trial, tolerance: float) -> None:
        self.trial, self.tolerance = trial, tolerance
        self.case, self.named = trial.case()
        self.case.objective()  # chooses the cotangents
        for given in self.named.values():
            if given.tensor.dtype == torch.float64:
                given.tensor.requires_grad_().grad = None
        try:
            made = call.theirs()
            self.theirs = list(made) if isinstance(made, (tuple, list)) else [made]
            self._backward()
        except RuntimeError:
            raise Skip(FAILS) from None

    def _backward(self) -> None:
        """PyTorch's gradients of Σ cotangent · output."""
        for port, value in zip(self.case.outputs, self.theirs, strict=True):
            if value.requires_grad:
                weights = torch.tensor(self.case.values[f"cotangent.{port}"])
                (value * weights.reshape(value.shape)).sum().backward(retain_graph=True)

    def problem(self) -> str:
        """The first of what differs; empty when they agree."""
        ours = self.case.forward()
        pairs = [
            (port, ours[port], value)
            for port, value in zip(self.case.outputs, self.theirs, strict=True)
        ]
        for name, given in self.trial.states.items():
            pairs.append((name, ours.get(name, self.case.values[name]), given.tensor))
        for name, found, expected in pairs:
            if problem := self.apart(found, expected.detach().numpy()):
                return f"{name} {problem}"
        return self.slopes()

    def slopes(self) -> str:
        """The first gradient that differs.

        At NaN there is no slope, and PyTorch has NaN where it takes logarithms that it does not
        use: there is nothing to compare then.
        """
        reals = [g for g in self.named.values() if g.tensor.dtype == torch.float64]
        if not any(value.requires_grad for value in self.theirs):
            return ""
        if any(bool(given.tensor.isnan().any()) for given in reals):
            return ""
        tensors = {id(given.tensor): (given.tensor, given.added) for given in reals}
        for key, (name, found) in _summed(self.case.gradients(), self.named).items():
            tensor, added = tensors[key]
            if added:
                continue
            expected = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            known = expected.detach().numpy().copy()
            known[np.isnan(known)] = found[np.isnan(known)]
            if problem := self.apart(found, known):
                return f"gradient of {name} {problem}"
        return ""

    def apart(self, ours: Array, expected: Array) -> str:
        """The largest difference of arrays that may have extents of 1 more or less."""
        found = np.asarray(ours)
        if found.size != expected.size:
            return f"has shape {found.shape}, PyTorch's {expected.shape}"
        found, expected = found.reshape(expected.shape), expected.astype(np.float64)
        if np.allclose(found, expected, self.tolerance, self.tolerance, equal_nan=True):
            return ""
        found, expected = np.atleast_1d(found), np.atleast_1d(expected)
        gap = np.abs(found - expected)
        gap[np.isnan(gap) & (np.isnan(found) != np.isnan(expected))] = np.inf
        worst = np.unravel_index(np.nanargmax(gap), gap.shape)
        return f"is {found[worst]:.17g}, PyTorch's {expected[worst]:.17g} at {worst}"


def _summed(gradients: Values, named: Mapping[str, Given]) -> dict[int, tuple[str, Array]]:
    """Gradients by tensor: one wired to several ports gets their sum."""
    found: dict[int, tuple[str, Array]] = {}
    for name, gradient in gradients.items():
        tensor = named[name].tensor
        before = found.get(id(tensor), (name, 0.0))[1]
        found[id(tensor)] = (name, before + gradient.reshape(tuple(tensor.shape)))
    return found
