"""Fills the PyTorch templates of node types: settings, operands and weights become source text.

One implementation for the exporter and for the tests that run the templates beside PyTorch. The
convention is written down at the class variables of `graph.op.Op`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.kinds import Follower, Optimizer, Schedule
from graph.op import Op
from graph.program import Shape, TensorType


@dataclass(frozen=True)
class Operand:
    """A value in generated code: its expression, which a template writes as `{x}`, and its type.

    The expression must be a name, a call or in brackets: templates add attributes to it.
    """

    text: str
    type: TensorType

    @property
    def shape(self) -> Shape:
        """Extents, batch included; templates write `{x.shape[1]}`."""
        return self.type.shape

    def __format__(self, spec: str) -> str:
        return self.text


@dataclass(frozen=True)
class _Literal:
    """A setting or a property of a node; written with `repr`, so no text can become code."""

    value: object

    def __format__(self, spec: str) -> str:
        return repr(self.value)


# What is wired to each input port, in port order; a free optional port has none.
Operands = Mapping[str, Sequence[Operand]]


class _Names(dict[str, object]):
    """What a template may name; unknown names are looked up on the node itself."""

    def __init__(self, op: Op, given: Mapping[str, object]) -> None:
        super().__init__(given)
        self._op = op

    def __missing__(self, name: str) -> object:
        if name.startswith("_") or not hasattr(self._op, name):
            raise ValueError(f"template of {type(self._op).__name__}: nothing named {name!r}")
        return _Literal(getattr(self._op, name))


def module_text(op: Op, operands: Operands) -> str:
    """The expression that makes the node's module; empty when the node is only a function."""
    template = op.module_template(*_types(operands))
    return template.format_map(_Names(op, _by_port(op, operands)))


def call_text(
    op: Op, operands: Operands, module: str = "", weights: Mapping[str, str] | None = None
) -> str:
    """The expression of the node's output.

    `module` is the text of its module (`self.conv1`) when it has one; `weights` maps the names of
    its params and states to text when it has none.
    """
    flat = [operand for wired in operands.values() for operand in wired]
    given: dict[str, object] = {
        **(weights or {}),
        **_by_port(op, operands),
        "module": module,
        "all": ", ".join(operand.text for operand in flat),
    }
    return op.call_template(*_types(operands)).format_map(_Names(op, given))


def optimizer_text(op: Optimizer, params: str) -> str:
    """The expression that makes the optimizer of the parameters `params`."""
    return op.torch.format_map(_Names(op, {"params": params}))


def schedule_text(op: Schedule, optimizer: str, steps: str, learning_rate: float) -> str:
    """The expression that makes the schedule of `optimizer`; `steps` are those of the whole run."""
    given = {"optimizer": optimizer, "steps": steps, "learning_rate": _Literal(learning_rate)}
    return op.torch.format_map(_Names(op, given))


def follow_text(op: Follower, seen: str, score: str) -> str:
    """The expression of a schedule's state after an epoch, in NumPy."""
    return op.numpy_follow.format_map(_Names(op, {"seen": seen, "score": score}))


def _types(operands: Operands) -> list[TensorType]:
    return [operand.type for wired in operands.values() for operand in wired]


def _by_port(op: Op, operands: Operands) -> dict[str, object]:
    """Operands by port; those of a `many` port by port and number, from 0."""
    named: dict[str, object] = {}
    for port in op.ports_in():
        wired = operands.get(port.name, ())
        if port.many:
            named.update((f"{port.name}{k}", operand) for k, operand in enumerate(wired))
        elif wired:
            named[port.name] = wired[0]
    return named
