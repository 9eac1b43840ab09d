"""From a graph to programs: one for each training phase, one to evaluate, one to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import networkx as nx

from graph.autodiff import gradients
from graph.graph import Graph, Node
from graph.kinds import AVERAGE, DataSource, Follower, Optimizer
from graph.op import Mode, Param, State
from graph.primitives.scan import slope_inside
from graph.program import Program, Shape, Update
from graph.reach import differentiable, ends, slopes
from graph.rebuild import renumbered
from graph.retrace import gone_on, traced
from graph.simplify import simplify
from graph.stepping import batch_size, optimizer_of, optimizer_updates, slot_key
from graph.tensor import Builder, Tensor
from graph.trace import Refusal, Trace


class LowerError(ValueError):
    """The graph cannot run; carries the refusals that say why."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        first = refusals[0]
        where = f"{first.path}.{first.port}" if first.port else first.path
        text = f"{where}: {first.message}" if where else first.message
        super().__init__(f"{text}; {first.remedy}" if first.remedy else text)


@dataclass(frozen=True)
class Phase:
    """Optimizers with the same losses and rhythm: one forward, one backward.

    `owned` maps each optimizer's path to the ParamKeys it trains; `losses` are wires' sources
    (path, port).
    """

    name: str
    losses: tuple[tuple[str, str], ...]
    owned: tuple[tuple[str, tuple[str, ...]], ...]
    order: int = 0
    every: int = 1
    fresh_batch: bool = False


@dataclass
class Model:
    """A graph ready to be lowered: its phases, parameters, states and optimizer slots.

    Raises LowerError when a node cannot be built or, asked for a program, when nothing is wired
    to what the program needs.
    """

    graph: Graph
    _programs: dict[tuple[str, int], Program] = field(default_factory=dict)
    _reached: dict[str, frozenset[str]] = field(default_factory=dict)
    called: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    """What runs call scalar outputs, by those there are; see graph.scores."""

    @cached_property
    def _trace(self) -> Trace:
        return _built(self.graph, "train", max(2, min(batch_size(self.graph) or 64, 64)))

    @property
    def params(self) -> Mapping[str, Param]:
        """Trained arrays by ParamKey."""
        return self._trace.params

    @property
    def states(self) -> Mapping[str, State]:
        """Running values by ParamKey."""
        return self._trace.states

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Nodes by NodePath, repeated bodies once for each repetition."""
        return self._trace.nodes

    @property
    def owners(self) -> Mapping[str, Sequence[str]]:
        """ParamKeys by NodePath; instances that share weights have the same."""
        return self._trace.owner_of

    @cached_property
    def data_nodes(self) -> dict[str, DataSource]:
        """Data sources by path."""
        return {p: n.op for p, n in self.nodes.items() if isinstance(n.op, DataSource)}

    @cached_property
    def followers(self) -> dict[str, Follower]:
        """Schedules that follow a score, by path."""
        return {p: n.op for p, n in self.nodes.items() if isinstance(n.op, Follower)}

    @cached_property
    def live(self) -> dict[str, float]:
        """Live settings by `path/name`, with the values the graph gives them."""
        return {
            f"{path}/{name}": value
            for path, node in self.nodes.items()
            for name, value in node.op.live_settings().items()
        }

    @cached_property
    def slots(self) -> dict[str, Shape]:
        """Shapes of the optimizers' running arrays by key; all start at zero."""
        return {
            slot_key(path, slot, key): self.params[key].shape
            for phase in self.phases
            for path, keys in phase.owned
            for slot in optimizer_of(self.graph, path).kept_names()
            for key in keys
        }

    @cached_property
    def averages(self) -> dict[str, str]:
        """Key of the running mean that evaluation reads instead, by ParamKey."""
        return {
            key: slot_key(path, AVERAGE, key)
            for phase in self.phases
            for path, keys in phase.owned
            if optimizer_of(self.graph, path).ema_decay
            for key in keys
        }

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """Training phases in the order they run."""
        groups: dict[tuple[object, ...], list[str]] = {}
        for node in self.graph:
            if isinstance(node.op, Optimizer):
                key = (
                    _losses(self.graph, node.id),
                    node.op.order,
                    node.op.every,
                    node.op.fresh_batch,
                )
                groups.setdefault(key, []).append(node.id)
        ordered = sorted(groups.items(), key=lambda item: (item[0][1], sorted(item[1])))
        return tuple(self._phase(index, sorted(ids)) for index, (_, ids) in enumerate(ordered))

    def _phase(self, index: int, ids: list[str]) -> Phase:
        first = optimizer_of(self.graph, ids[0])
        losses = _losses(self.graph, ids[0])
        if not losses:
            refusal = Refusal(ids[0], "loss", "no loss is wired to it", "wire a loss to `loss`")
            raise LowerError([refusal])
        reached = differentiable(self._trace, losses)[0]
        owned = tuple((id, self._owned(id, reached)) for id in ids)
        return Phase(f"train/{index}", losses, owned, first.order, first.every, first.fresh_batch)

    def _owned(self, id: str, reached: set[str]) -> tuple[str, ...]:
        """ParamKeys an optimizer trains, in the order of the graph."""
        chosen = optimizer_of(self.graph, id).trains
        members = {m for c in chosen for m in _members(self.graph, c)}
        found = self._trace
        keys: dict[str, None] = {}
        for path, own in found.owner_of.items():
            if not chosen or path.split("/")[0] in members:
                keys.update(dict.fromkeys(own))
        return tuple(k for k in keys if k in reached and k not in found.frozen)

    def can_watch(self, name: str) -> bool:
        """Whether there is a value of this name: `value:path.port` or a gradient, or a ParamKey.

        Inside a scanned cell, and a cell within that, values and gradients are those of all steps.
        """
        kind, _, target = name.partition(":")
        path, _, port = target.rpartition(".")
        found = self._trace
        known = target in found.param_tensors or (path, port) in found.values
        known = known or (kind == "value" and found.knows(path, port))
        known = known or (kind == "gradient" and found.slope(path, port) is not None)
        return kind in ("value", "gradient") and known

    def at_steps(self, path: str) -> bool:
        """Whether a node stands in a cell that runs at every step of a sequence."""
        return any(path.startswith(f"{place}/") for place in self._trace.cells)

    def reached(self, phase: Phase) -> frozenset[str]:
        """What a gradient of the phase's losses reaches: ParamKeys, and values as `path.port`."""
        if phase.name not in self._reached:
            keys, values = differentiable(self._trace, phase.losses)
            self._reached[phase.name] = frozenset(keys | {f"{p}.{port}" for p, port in values})
        return self._reached[phase.name]

    def program(self, entry: str, batch: int, watch: frozenset[str] = frozenset()) -> Program:
        """The program of an entry point: a phase's name, `evaluate` or `predict`.

        `watch` names values to keep as outputs: `value:path.port`, `gradient:path.port` (train
        only), `gradient:ParamKey`. Watching changes no other value.
        """
        if watch:  # there is no end of watch sets; back ends keep what they use
            return self._lower(entry, batch, watch)
        key = (entry, batch)
        if key not in self._programs:
            self._programs[key] = self._lower(entry, batch, watch)
        return self._programs[key]

    def _lower(self, entry: str, batch: int, watch: frozenset[str]) -> Program:
        phase = next((p for p in self.phases if p.name == entry), None)
        mode: Mode = "train" if phase else "evaluate"
        found = self._traced(mode, batch, entry if len(self.phases) > 1 and phase else "")
        if phase:
            make = partial(_training_program, self.graph, phase=phase, watch=watch)
            program = make(_own(found)) if watch else gone_on(found, phase, make)
        elif entry == "evaluate":
            program = self._averaged(_evaluation_program(self.graph, _own(found), watch))
        elif entry == "predict":
            program = self._averaged(_prediction_program(self.graph, _own(found), watch))
        else:
            raise ValueError(f"found entry {entry!r}, expected a phase, evaluate or predict")
        return _prune_inputs(simplify(replace(program, name=entry, batch=batch)))

    def _traced(self, mode: Mode, batch: int, phase: str) -> Trace:
        """The trace that a program goes on from."""
        known = self._trace
        if (known.mode, known.batch, known.phase) != (mode, batch, phase) or known.cells:
            known = _built(self.graph, mode, batch, phase)
        return known

    def _averaged(self, program: Program) -> Program:
        """Reading the running mean of a parameter that has one."""
        inputs = tuple(
            given._replace(kind="slot", key=self.averages[given.key])
            if given.kind == "param" and given.key in self.averages
            else given
            for given in program.inputs
        )
        return replace(program, inputs=inputs)


def _own(found: Trace) -> Trace:
    """A trace to add a program's rows to."""
    return found if found.cells else found.fork()


def _losses(graph: Graph, id: str) -> tuple[tuple[str, str], ...]:
    return tuple((w.source, w.output) for w in graph.wires_in(id, "loss"))


def _members(graph: Graph, chosen: str) -> tuple[str, ...]:
    frame = graph.frames.get(chosen)
    return frame.nodes if frame else (chosen,)


def _built(graph: Graph, mode: Mode, batch: int, phase: str = "") -> Trace:
    """The trace of a graph that can be built; LowerError for any other."""
    try:
        found = traced(graph, mode, batch, phase)
    except nx.NetworkXUnfeasible:
        text = "found wires that lead in a circle, expected every wire to point forward"
        raise LowerError([Refusal("", "", text, "remove one of them")]) from None
    if found.refusals:
        raise LowerError(found.refusals)
    return found


def _total_loss(found: Trace, phase: Phase) -> Tensor:
    total: Tensor | None = None
    for path, port in phase.losses:
        value = found.values.get((path, port))
        if value is None:
            text = "found an input with nothing wired, expected a value at each"
            raise LowerError([Refusal(path, "", text, "wire its inputs, and those before it")])
        if value.shape != ():
            refusal = Refusal(
                path, port, f"found a loss of shape {value.shape}, expected one number"
            )
            raise LowerError([refusal])
        total = value if total is None else total + value
    assert total is not None
    return total


def _training_program(graph: Graph, found: Trace, phase: Phase, watch: frozenset[str]) -> Program:
    builder, loss = found.builder, _total_loss(found, phase)
    keys = [key for _, own in phase.owned for key in own]
    inside = slopes(found, watch)
    watched = {name: _watched(found, name) for name in sorted(watch - inside.keys())}
    wanted = [found.param_tensors[k] for k in keys]
    extra = [t for name, t in watched.items() if name.startswith("gradient:")]
    extra += [t for row, _ in inside.values() for t in ends(builder, row)]
    ancestors = _ancestors(builder, loss) if found.updates else set()
    parts = gradients(loss, wanted + extra)
    gradient_of = {t.id: g for t, g in zip(wanted + extra, parts, strict=True)}
    outputs = {"loss": loss}
    if len(phase.losses) > 1:  # each beside their sum, under the names of an evaluation
        outputs |= {f"loss/{path}": found.values[path, port] for path, port in phase.losses}
    for name, tensor in watched.items():
        outputs[name] = gradient_of[tensor.id] if name.startswith("gradient:") else tensor
    for name, (row, place) in inside.items():
        given = [gradient_of[t.id] for t in ends(builder, row)]
        outputs[name] = slope_inside(row, given, place)
    updates = [
        Update("state", key, value.id)
        for key, value, output in found.updates
        if output.id in ancestors
    ]
    for path, own in phase.owned:
        if own:
            updates += optimizer_updates(graph, found, path, own, gradient_of)
    return builder.finish(phase.name, outputs, updates)


def _ancestors(builder: Builder, value: Tensor) -> set[int]:
    needed = {value.id}
    for row in reversed(builder.rows):
        if not needed.isdisjoint(row.outputs):
            needed.update(row.inputs)
            needed.update(row.outputs)
    return needed


def _watched(found: Trace, name: str) -> Tensor:
    """The tensor a watch names: `kind:path.port` or `kind:ParamKey`."""
    target = name.split(":", 1)[1]
    if target in found.param_tensors:
        return found.param_tensors[target]
    path, _, port = target.rpartition(".")
    if not found.knows(path, port):
        raise LowerError([Refusal(path, port, f"nothing named {target!r} to watch")])
    return found.value(path, port)


def _watch_outputs(found: Trace, watch: frozenset[str]) -> dict[str, Tensor]:
    return {n: _watched(found, n) for n in sorted(watch) if n.startswith("value:")}


def _evaluation_program(graph: Graph, found: Trace, watch: frozenset[str]) -> Program:
    """Losses and metrics of one batch: `loss`, `metric/<path>`, and the model's outputs."""
    outputs: dict[str, Tensor] = {}
    total: Tensor | None = None
    for path, node in found.nodes.items():
        for port in graph.ports_out(path) if path in graph else ():
            value = found.values.get((path, port.name))
            if value is None:
                continue
            if node.op.role == "loss" and _trained(graph, path):
                total = value if total is None else total + value
                outputs[f"loss/{path}"] = value
            elif node.op.role == "metric":
                outputs[f"metric/{path}"] = value
    if total is not None:
        outputs["loss"] = total
    outputs |= {f"outputs/{n}": t for n, t in _model_outputs(graph, found).items()}
    return found.builder.finish("evaluate", outputs | _watch_outputs(found, watch))


def _trained(graph: Graph, path: str) -> bool:
    """Whether the loss counts: it is wired to an optimizer, or there is no optimizer at all."""
    ends = [graph.node(w.target).op.role for w in graph.wires_out(path)]
    return "optimizer" in ends or not any(n.op.role == "optimizer" for n in graph)


def _prediction_program(graph: Graph, found: Trace, watch: frozenset[str]) -> Program:
    outputs = {f"outputs/{n}": t for n, t in _model_outputs(graph, found).items()}
    if not outputs:
        refusal = Refusal("", "", "the model has no output", "add a loss or an Output node")
        raise LowerError([refusal])
    return found.builder.finish("predict", outputs | _watch_outputs(found, watch))


def _model_outputs(graph: Graph, found: Trace) -> dict[str, Tensor]:
    """Explicit Output nodes, else what is wired to the losses' first ports."""
    explicit, implied = {}, {}
    for node in graph.ordered():
        for wire in graph.wires_in(node.id):
            value = found.values.get((wire.source, wire.output))
            if value is None:
                continue
            if node.op.role == "output":
                explicit[node.id] = value
            elif node.op.role == "loss" and wire.input == node.op.ports_in()[0].name:
                implied[node.id] = value
    if explicit:
        return explicit
    return {"prediction": next(iter(implied.values()))} if len(implied) == 1 else implied


def _prune_inputs(program: Program) -> Program:
    """Without the inputs that nothing reads."""
    used = program.live_out().union(*(row.inputs for row in program.rows))
    kept = [given for given in program.inputs if given.value in used]
    return (
        renumbered(program, kept, program.rows)[0] if len(kept) < len(program.inputs) else program
    )
