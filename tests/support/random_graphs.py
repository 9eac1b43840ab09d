"""Hypothesis strategies: random settings, and random graphs that train.

`training_graphs()` draws small networks on ToyData or Digits with loss, metric and optimizer; every
one of them passes `check` and trains. Graphs of any kind, right or wrong, come from `random_edits`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

import graph.ops  # noqa: F401  (fills the registry)
from graph.graph import Graph, Node, Wire
from graph.infer import BATCH, Given, infer
from graph.op import REGISTRY, Op, Setting, SettingError, annotation, settings_of
from graph.ops.dense import INITIALISERS
from graph.program import TensorType
from graph.training import Split, Training

Draw = Callable[[st.SearchStrategy[Any]], Any]

# equal weights make ties, which rounding decides; large ones grow without bound
_UNUSUAL = ("identity", "zeros", "ones", "constant", "standard_normal")
# Ranges that keep random training tame; all other settings are drawn from their declared range.
TAME: dict[str, st.SearchStrategy[Any]] = {
    "units": st.integers(1, 12),
    "filters": st.integers(1, 5),
    "kernel": st.sampled_from([1, 2, 3, (2, 3)]),
    "stride": st.sampled_from([1, 1, 2, (1, 2)]),
    "padding": st.sampled_from(["same", "same", "valid", 0, 1, (0, 1)]),
    "dilation": st.integers(1, 2),
    "learning_rate": st.sampled_from([0.001, 0.01, 0.03]),
    "weight_decay": st.sampled_from([0.0, 0.001]),
    "momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "beta1": st.sampled_from([0.0, 0.9]),
    "beta2": st.sampled_from([0.9, 0.999]),  # near 0 a step grows without bound
    "alpha": st.sampled_from([0.9, 0.99]),  # likewise
    "rho": st.sampled_from([0.8, 0.9]),
    "epsilon": st.sampled_from([1e-4, 1e-6]),  # less makes steps of rounding errors
    "weight": st.sampled_from([1.0, 0.5]),
    "smoothing": st.sampled_from([0.0, 0.1]),
    "targets": st.just("classes"),
    "class_weights": st.just(()),
    "ignore": st.just(-1),
    "trains": st.just(()),
    "tie": st.just(""),
    "order": st.just(0),
    "every": st.just(1),
    "fresh_batch": st.just(False),
    "clip_norm": st.sampled_from([None, 0.5]),
    "clip_value": st.sampled_from([None, 0.1]),
    "init": st.sampled_from([i for i in INITIALISERS if i not in _UNUSUAL]),
    "accumulate": st.just(1),  # more than an epoch has: PyTorch warns of its schedules
    "max_norm": st.sampled_from([None, 0.5]),
    "samples_count": st.sampled_from([40, 75]),
    "noise": st.sampled_from([0.0, 0.1]),
    "seed": st.integers(0, 9),
}
FORMULAS = ("x * tanh(x)", "0.5 * x + 0.1", "x * sigmoid(x)", "exp(-x * x)", "tanh(x) - 0.25 * x")

ELEMENTWISE = ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Formula", "BatchNorm", "Dropout")
VECTOR = ("Dense", "Dense", "Dense", "Softmax")
IMAGE = ("Conv2d", "Conv2d", "DepthwiseConv2d", "MaxPool2d", "AvgPool2d", "Flatten")
MERGE = ("Add", "Concat")


def _bounded(rule: Setting, whole: bool) -> st.SearchStrategy[Any]:
    low = rule.min if rule.min is not None else rule.above
    high = rule.max if rule.max is not None else rule.below
    low = -2 if low is None else low
    high = min(low + 4, high) if high is not None else low + 4
    if whole:
        return st.integers(
            int(low) + (rule.above is not None), int(high) - (rule.below is not None)
        )
    return st.floats(
        low, high, exclude_min=rule.above is not None, exclude_max=rule.below is not None
    )


def settings(op: type[Op], name: str) -> st.SearchStrategy[Any]:
    """Values of one setting of a node type, tame enough to train with."""
    rule, kind = settings_of(op)[name], annotation(op, name)
    default = next(f.default for f in dataclasses.fields(op) if f.name == name)
    if name in TAME:
        return TAME[name]
    if rule.choices:
        return st.sampled_from(rule.choices)
    if op.__name__ == "Formula":
        return st.sampled_from(FORMULAS)
    if kind == "bool":
        return st.booleans()
    if kind == "int":
        return _bounded(rule, whole=True)
    if kind == "float":
        return _bounded(rule, whole=False)
    return st.just(default)


def ops(name: str, **given: Any) -> st.SearchStrategy[Op]:
    """A node of the type `name` with random settings; `given` ones are kept."""
    op = REGISTRY[name]
    parts = {key: settings(op, key) for key in settings_of(op) if key not in given}
    return st.fixed_dictionaries(parts).map(lambda drawn: _made(op, drawn, given))


def _made(op: type[Op], drawn: dict[str, Any], given: dict[str, Any]) -> Op:
    """The op with the settings drawn, less those that do not go together."""
    while True:
        try:
            return op(**drawn, **given)
        except SettingError as error:
            # its default may be what clashes: then none of those drawn is kept
            kept = {key: value for key, value in drawn.items() if key != error.name}
            drawn = kept if len(kept) < len(drawn) else {}


@dataclass
class _Value:
    """An output that later nodes may read."""

    id: str
    port: str
    type: TensorType


@dataclass
class Sketch:
    """A graph being drawn, with the values that its nodes may read."""

    draw: Draw
    graph: Graph = field(default_factory=Graph)
    values: list[_Value] = field(default_factory=list)

    def place(self, op: Op, reads: Sequence[_Value] = (), **flags: Any) -> list[_Value] | None:
        """Add a node wired to `reads` in port order; None when it refuses them."""
        id = self.graph.fresh_id(type(op).__name__.lower())
        ports = op.ports_in()
        given: list[Given]
        if ports and ports[0].many:
            given = [tuple(v.type for v in reads), *(None for _ in ports[1:])]
            into = [(ports[0].name, order) for order in range(len(reads))]
        else:
            given = [v.type for v in reads] + [None] * (len(ports) - len(reads))
            into = [(port.name, 0) for port in ports]
        if op.role in ("data", "optimizer", "schedule"):
            made: tuple[TensorType, ...] = ()
        else:
            found = infer(op, tuple(given))
            if found.refusal is not None:
                return None
            made = found.outputs
        self.graph.set_node(Node(id, op, x=float(len(self.graph)) * 200, **flags))
        for value, (port, order) in zip(reads, into, strict=False):
            self.graph.add_wire(Wire(value.id, value.port, id, port, order))
        return [_Value(id, p.name, t) for p, t in zip(op.ports_out(), made, strict=False)]

    def source(self, op: Any) -> tuple[_Value, _Value]:
        """Add a data node; returns what the model sees and what it shall say."""
        self.place(op)
        id = next(iter(self.graph)).id
        kinds = op.sample_types()
        features, target = (
            _Value(id, port, TensorType((BATCH, *kind.shape), kind.dtype))
            for port, kind in kinds.items()
        )
        return features, target

    def layer(self, value: _Value, dropout: bool) -> _Value:
        """One more layer on `value`, or `value` itself when the layer drawn does not fit."""
        image = len(value.type.shape) == 4
        names = [*(IMAGE if image else VECTOR), *ELEMENTWISE, *MERGE]
        if not dropout:
            names.remove("Dropout")
        name = self.draw(st.sampled_from(names))
        op = self.draw(ops(name))
        if name in MERGE:
            return self.merge(value, op)
        made = self.place(op, [value])
        return made[0] if made else value

    def merge(self, value: _Value, op: Op) -> _Value:
        """Add or concatenate `value` with an earlier one, perhaps cut off from the gradient."""
        other = self.draw(st.sampled_from(self.values))
        if other.type == value.type and self.draw(st.booleans()):
            stopped = self.place(REGISTRY["StopGradient"](), [other])
            other = stopped[0] if stopped else other
        made = self.place(op, [value, other])
        return made[0] if made else value

    def vector(self, value: _Value) -> _Value:
        """`value` as one vector a sample."""
        if len(value.type.shape) == 2:
            return value
        made = self.place(REGISTRY["Flatten"](), [value])
        assert made
        return made[0]

    def head(self, value: _Value, target: _Value, classes: int) -> list[_Value]:
        """The last Dense and the losses on it; every loss drawn fits the target."""
        pairs = [("MeanSquaredError", 1), ("MeanAbsoluteError", 1)]
        if classes:
            pairs = [("CrossEntropy", classes)]
            if classes == 2:
                pairs.append(("BinaryCrossEntropy", 1))
        name, units = self.draw(st.sampled_from(pairs))
        made = self.place(self.draw(ops("Dense", units=units)), [self.vector(value)])
        assert made
        loss = self.place(self.draw(ops(name)), [made[0], target])
        assert loss, f"{name} refuses {made[0].type} with {target.type}"
        metric = "Accuracy" if classes else "MeanAbsoluteErrorMetric"
        if self.draw(st.booleans()):
            self.place(REGISTRY[metric](), [made[0], target])
        losses = loss
        if not classes and self.draw(st.booleans()):
            losses = losses + (
                self.place(self.draw(ops(name, weight=0.5)), [made[0], target]) or []
            )
        return losses

    def optimizer(self, losses: list[_Value]) -> None:
        """The optimizer of the losses, at times with a schedule."""
        optimizer = self.draw(ops(self.draw(st.sampled_from(["SGD", "Adam"]))))
        self.place(optimizer, losses)
        id = next(node.id for node in self.graph if node.op is optimizer)
        if self.draw(st.booleans()):
            name = self.draw(st.sampled_from(["StepSchedule", "CosineSchedule"]))
            schedule = self.draw(ops(name))
            self.place(schedule)
            last = next(node.id for node in self.graph if node.op is schedule)
            port = schedule.ports_out()[0].name
            self.graph.add_wire(Wire(last, port, id, "schedule"))


@st.composite
def training_graphs(draw: Draw, *, max_layers: int = 8, dropout: bool = True) -> Graph:
    """A network that trains: data, up to `max_layers` layers, loss, metric, optimizer.

    Without `dropout` it draws nothing at random while training. The input values of the digits and
    the toy data are small, so 20 steps stay finite.
    """
    sketch = Sketch(draw)
    name = draw(st.sampled_from(["Digits", "ToyData"]))
    source = draw(ops(name))
    value, target = sketch.source(source)
    classes = len(source.class_names())  # type: ignore[attr-defined]
    sketch.values.append(value)
    for _ in range(draw(st.integers(min(3, max_layers), max_layers))):
        value = sketch.layer(value, dropout)
        if value not in sketch.values:
            sketch.values.append(value)
    sketch.optimizer(sketch.head(value, target, classes))
    result = sketch.graph
    result.training = Training(
        epochs=2,
        batch_size=draw(st.sampled_from([7, 16])),
        split=Split(seed=draw(st.integers(0, 3))),
    )
    _freeze(draw, result)
    return result


def _freeze(draw: Draw, graph: Graph) -> None:
    """Freeze a layer now and then, never the last one."""
    layers = [node for node in graph if type(node.op).__name__ in ("Dense", "Conv2d")]
    if len(layers) > 1 and draw(st.integers(0, 4)) == 0:
        node = draw(st.sampled_from(layers[:-1]))
        graph.set_node(replace(node, frozen=True))
