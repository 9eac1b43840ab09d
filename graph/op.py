"""The base of every node type: one frozen dataclass says what a node is, everything else derives.

A node type declares its settings as fields, its ports and category as class variables, its weights
in `params`, its running values in `state` and its meaning in `build`. Palette, inspector, files,
exporters, checks and tests read these; nothing about a node type is written a second time.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, dataclass_transform

from graph.primitives import equal, floor, maximum, random_uniform
from graph.program import Shape, TensorType
from graph.setting_kinds import is_kind
from graph.tensor import Builder, Tensor

Mode = Literal["train", "evaluate"]
PortKind = Literal[
    "image", "vector", "sequence", "labels", "loss", "parameters", "transition", "any"
]
Role = Literal["layer", "data", "input", "output", "loss", "metric", "optimizer", "schedule"]


@dataclass(frozen=True)
class Port:
    """A named place for a wire. `many`: takes several wires; `optional`: may stay free.

    `sized`: of what is wired to it only the shape is read.
    """

    name: str
    kind: PortKind = "any"
    many: bool = False
    optional: bool = False
    sized: bool = False


@dataclass(frozen=True)
class Setting:
    """What the inspector, the validator and the docs know of a field of a node type.

    `min`/`max` bound numbers (each element of a tuple); `above`/`below` exclude the bound itself;
    `choices` bound texts (`"same"` of an `int | str` setting); `live` settings may change while
    training runs; `unit` is shown behind the number.
    """

    help: str
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    unit: str = ""
    advanced: bool = False
    shown: bool = True  # False: never a field by itself
    # named by people with the word their field uses; the field name stays the file's key
    label: str = ""

    def called(self, name: str) -> str:
        """What people call the field of this name: "learning rate"."""
        return self.label or name.replace("_", " ")


def setting(default: Any, help: str, **rules: Any) -> Any:
    """A dataclass field that is a setting of the node; `rules` are `Setting`'s."""
    return field(default=default, metadata={"setting": Setting(help, **rules)})


@dataclass(frozen=True)
class Param:
    """A trained array: canonical (PyTorch's) shape and how it starts; a number fills it.

    `fan_in`/`fan_out` of the initialisers come from the shape: axis 0 is out, axis 1 in, the rest
    the window; give `fan` = (in, out) where that is not so (a bias, for one). `init` is one of
    graph.ops.dense.INITIALISERS; row `blank` of axis 0 starts at 0 whatever the others do. After an
    update no slice along axis `makes`, that of what is made, is longer than `max_norm`.
    """

    shape: Shape
    init: str | float = "he_uniform"
    fan: tuple[int, int] | None = None
    blank: int | None = None
    max_norm: float | None = None
    makes: int = 0


@dataclass(frozen=True)
class State:
    """A running value that training updates and evaluation reads (batch-norm means)."""

    shape: Shape
    init: Literal["zeros", "ones"] = "zeros"


@dataclass(frozen=True)
class Result:
    """What `build` returns when it also updates running values."""

    outputs: tuple[Tensor, ...]
    updates: Mapping[str, Tensor]


@dataclass(frozen=True)
class Context:
    """What `build` may ask about the program being made, beside its operands."""

    builder: Builder
    mode: Mode
    path: str
    phase: str = ""
    batch: int = 0
    every: int = 1  # steps of training in one update of the optimizer that counts them

    @property
    def training(self) -> bool:
        """Whether this is the training program (dropout drops, batch norm uses the batch)."""
        return self.mode == "train"

    def live(self, name: str) -> Tensor:
        """The live setting `name` of this node as a host scalar."""
        return self.builder.input("live", f"{self.path}/{name}", TensorType((), "scalar"))

    @property
    def step(self) -> Tensor:
        """Number of the training step (of the update, in an optimizer), from 1, a host scalar."""
        step = self.builder.input("iteration", "step", TensorType((), "scalar"))
        return step if self.every == 1 else floor((step - 1.0) / float(self.every)) + 1.0

    @property
    def epoch(self) -> Tensor:
        """Number of finished epochs, from 0, as a host scalar."""
        return self.builder.input("iteration", "epoch", TensorType((), "scalar"))

    @property
    def steps(self) -> Tensor:
        """Number of steps (of updates, in an optimizer) of the whole run, as a host scalar."""
        steps = self.builder.input("iteration", "steps", TensorType((), "scalar"))
        return steps if self.every == 1 else maximum(floor(steps / float(self.every)), 1.0)

    @property
    def due(self) -> Tensor:
        """1 in the last of the `every` steps of an update, else 0, as a host scalar."""
        step = self.builder.input("iteration", "step", TensorType((), "scalar"))
        return equal(step, self.step * float(self.every))

    def uniform(self, shape: Shape, name: str = "noise") -> Tensor:
        """Fresh random numbers in [0, 1), their stream keyed by this node and phase."""
        stream = "/".join(part for part in (self.phase, self.path, name) if part)
        return random_uniform(self.builder, stream, shape)


Given = Shape | TensorType


@dataclass(frozen=True)
class Sample:
    """One way to use a node type in tests.

    `inputs` maps each input port to a shape (batch included) or a TensorType, a `many` port to a
    list of them; `settings` are the node's; integer inputs are ids below `classes`; `positive` asks
    for inputs above 0 (ids from 1 to `classes`), `shares` for inputs between 0 and 1.
    """

    inputs: Mapping[str, Given | list[Given]]
    settings: Mapping[str, Any]
    classes: int = 3
    positive: bool = False
    shares: bool = False

    def types(self) -> dict[str, list[TensorType]]:
        """The inputs as tensor types: one for each wire of each port."""
        return {
            name: [
                wire if isinstance(wire, TensorType) else TensorType(wire)
                for wire in (given if isinstance(given, list) else [given])
            ]
            for name, given in self.inputs.items()
        }


@dataclass(frozen=True)
class Bad(Sample):
    """Inputs or settings that must be refused with a message that contains `says`."""

    says: str = ""


def sample(
    *,
    classes: int = 3,
    positive: bool = False,
    shares: bool = False,
    settings: Mapping[str, Any] | None = None,
    **inputs: Any,
) -> Sample:
    """`Sample` with its ports as keywords: sample(x=(2, 3), settings={"units": 4})."""
    return Sample(inputs, settings or {}, classes, positive, shares)


def bad(says: str, *, settings: Mapping[str, Any] | None = None, **inputs: Any) -> Bad:
    """`Bad` with its ports as keywords."""
    return Bad(inputs, settings or {}, says=says)


def labels(*shape: int) -> TensorType:
    """The type of integer class labels."""
    return TensorType(shape, "int")


REGISTRY: dict[str, type[Op]] = {}


class SettingError(ValueError):
    """A setting is out of its range or of the wrong kind; names the setting."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"{name}: found {found}, expected {expected}")


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True)
class Op:
    """Base of all node types; see the module docstring."""

    category: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    family: ClassVar[str] = "custom"  # colour of the node: a family of resources/themes
    role: ClassVar[Role] = "layer"
    title: ClassVar[str] = ""  # shown in the palette; the class name when empty
    keywords: ClassVar[tuple[str, ...]] = ()  # further words the search finds it by
    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y"),)
    samples: ClassVar[Sequence[Sample]] = ()
    picks: ClassVar[str] = ""  # the input port whose ids must be places of what it picks from
    summary: ClassVar[tuple[str, ...]] = ()  # settings shown on the node, at most three
    caption: ClassVar[str] = ""  # shown on the node instead, where no setting says what it is

    # PyTorch, as templates that graph.template fills (str.format). The exported file has `import
    # torch`, `from torch import nn` and `import torch.nn.functional as F`. A template may name
    #   {units}         a setting or property of the node, written with repr
    #   {x}             the operand at port x: a name, a call or in brackets
    #   {x.shape[1]}    an extent of it, batch axis included
    #   {x0} {x1}       operands at a `many` port x
    #   {all}           every operand in port order, with ", " between them
    #   {module}        the module made by `torch` (in `torch_call`)
    #   {weight}        a param or state, in `torch_call` of a node with weights and no module
    # and call the functions of graph.export.pytorch_sequences.
    # Optimizers: `torch` is the constructor, with {params}. Schedules: likewise with {optimizer},
    # {steps} of the whole run and {learning_rate}; `rhythm` says when its step() is due.
    torch: ClassVar[str] = ""  # expression that makes the nn.Module; "" when there is none
    torch_call: ClassVar[str] = "{module}({all})"  # expression of the output (a tuple if several)
    # our param and state names -> state_dict names, only where they differ
    torch_state: ClassVar[Mapping[str, str]] = {}

    build: ClassVar[Callable[..., Tensor | tuple[Tensor, ...] | Result]]

    def __init_subclass__(cls, register: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True)(cls)
        if register and cls.__doc__ and cls.category:
            if cls.__name__ in REGISTRY:
                raise ValueError(f"node type {cls.__name__!r} is registered twice")
            REGISTRY[cls.__name__] = cls

    def __post_init__(self) -> None:
        for name, rule in settings_of(type(self)).items():
            check_setting(name, getattr(self, name), rule, annotation(type(self), name))
        self.check()

    def check(self) -> None:
        """Refuse settings that do not go together; raises SettingError."""

    def ports_in(self) -> tuple[Port, ...]:
        """Input ports of this node; the class's unless settings decide them."""
        return self.inputs

    def ports_out(self) -> tuple[Port, ...]:
        """Output ports of this node; the class's unless settings decide them."""
        return self.outputs

    # `Any` lets a subclass name its operands: def params(self, x: TensorType)
    def params(self, *operands: Any, **named: Any) -> Mapping[str, Param]:
        """Trained arrays by name, given the operand types in port order."""
        return {}

    def state(self, *operands: Any, **named: Any) -> Mapping[str, State]:
        """Running values by name, given the operand types in port order."""
        return {}

    def tied_to(self) -> str:
        """Id of the node of its drawing whose `weight` it uses instead of one of its own; or ""."""
        return str(getattr(self, "tie", ""))

    def turned(self) -> bool:
        """Whether it uses that weight, a matrix, with its axes swapped."""
        return bool(self.tied_to() and getattr(self, "transposed", False))

    def untied(self, to: str = "") -> Self:
        """The same with a weight of its own, or that of another node."""
        return dataclasses.replace(self, **{"tie": to}) if self.tied_to() else self

    def module_template(self, *operands: TensorType) -> str:
        """`torch`, unless it depends on the settings or the operand types."""
        return self.torch

    def call_template(self, *operands: TensorType) -> str:
        """`torch_call`, unless it depends on the settings or the operand types."""
        return self.torch_call

    def live_settings(self) -> dict[str, float]:
        """Settings that may change while training runs, with their values."""
        return {
            name: float(getattr(self, name))
            for name, rule in settings_of(type(self)).items()
            if rule.live
        }

    @classmethod
    def tip(cls) -> str:
        """First line of the docstring: the palette's text."""
        return inspect.cleandoc(cls.__doc__ or "").splitlines()[0]


_SETTINGS: dict[type[Op], Mapping[str, Setting]] = {}


def settings_of(op: type[Op]) -> Mapping[str, Setting]:
    """The settings of a node type by name, in order of declaration."""
    if op not in _SETTINGS:
        fields = [f for f in dataclasses.fields(op) if "setting" in f.metadata]
        _SETTINGS[op] = {f.name: f.metadata["setting"] for f in fields}
    return _SETTINGS[op]


def annotation(op: type[Op], name: str) -> str:
    """The declared kind of a setting, as written: `int`, `int | tuple[int, int]` …"""
    for cls in op.__mro__:
        if name in cls.__dict__.get("__annotations__", {}):
            return str(cls.__dict__["__annotations__"][name])
    raise KeyError(name)


def check_setting(name: str, value: Any, rule: Setting, kind: str) -> None:
    """Raise SettingError unless `value` is of `kind` and within the bounds of `rule`."""
    if not is_kind(value, kind):
        raise SettingError(name, repr(value), kind.replace("|", "or"))
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        if isinstance(number, float) and not math.isfinite(number):
            raise SettingError(name, f"{number}", "a finite number")
        _check_bounds(name, number, rule)
    if rule.choices and isinstance(value, str) and value not in rule.choices:
        raise SettingError(name, repr(value), "one of " + ", ".join(rule.choices))


def _check_bounds(name: str, number: float, rule: Setting) -> None:
    limits = (
        (rule.min, "at least", operator.ge),
        (rule.max, "at most", operator.le),
        (rule.above, "more than", operator.gt),
        (rule.below, "less than", operator.lt),
    )
    for bound, words, holds in limits:
        if bound is not None and not holds(number, bound):
            raise SettingError(name, f"{number:g}", f"{words} {bound:g}")
