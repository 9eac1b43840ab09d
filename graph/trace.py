"""Walking a graph: every node's `build` runs once on symbolic operands.

Lowering, shape display and checks are this one walk. A node that refuses its operands is recorded
as a refusal and its outputs stay unknown; nodes behind it are skipped, the rest goes on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import networkx as nx

from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.op import Context, Mode, Op, Param, Port, Result, SettingError, State
from graph.primitives import permute
from graph.primitives.scan import Inside
from graph.primitives.table import text
from graph.program import Program, Row, Shape, ShapeError, TensorType
from graph.scan_rows import scanned
from graph.subgraph import Defined, Scan, Subgraph, port_nodes
from graph.tensor import Builder, Tensor

Operand = Tensor | list[Tensor] | None


@dataclass(frozen=True)
class Refusal:
    """A node that could not be built: where, at which input port, why, and what would mend it."""

    path: str
    port: str
    message: str
    remedy: str = ""
    adapter: str = ""


@dataclass
class Trace:
    """What the walk found, by NodePath (`block/2/conv`) and port."""

    builder: Builder
    mode: Mode
    batch: int
    phase: str = ""
    values: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    # ParamKey -> the tensor of the parameter; keys of frozen nodes are in `frozen`
    param_tensors: dict[str, Tensor] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    # (state key, new value, the node's first output) in topological order
    updates: list[tuple[str, Tensor, Tensor]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    owner_of: dict[str, list[str]] = field(default_factory=dict)  # NodePath -> its ParamKeys
    # the ParamKey that a tied weight would have -> that of the weight used in its place
    ties: dict[str, str] = field(default_factory=dict)
    # NodePath of a scan -> one step of its cell, whose values belong to another program
    cells: dict[str, Trace] = field(default_factory=dict)
    # of a cell: what one of its values is at all steps, in the program that scans it
    series: Callable[[Tensor], Tensor] | None = None
    # of a cell: the row that scans it
    scan: Row | None = None

    def knows(self, path: str, port: str) -> bool:
        """Whether there is a value at a port, one of a sample inside a scanned cell."""
        if (path, port) in self.values:
            return len(self.values[path, port].shape) > 0 or self.series is None
        cell = self._cell(path)
        return cell is not None and cell.knows(path, port)

    def value(self, path: str, port: str) -> Tensor:
        """The value at a port that it knows; inside a scanned cell that of all steps, N×T×…."""
        if (path, port) in self.values:
            return self.values[path, port]
        cell = self._cell(path)
        assert cell is not None
        assert cell.series is not None
        return cell.series(cell.value(path, port))

    def slope(self, path: str, port: str) -> tuple[Row, Inside] | None:
        """Of a value inside a cell that this program scans: the row of the scan, and where the
        value is inside that. None for any other, also where nothing that comes out depends on it.
        """
        cell = self._cell(path)
        if cell is None or cell.scan is None or not cell.knows(path, port):
            return None
        value, inside = cell.values.get((path, port)), Inside()
        if value is None and (deeper := cell.slope(path, port)):
            inside = (deeper[0].outputs[0], *deeper[1])
        elif value is not None and value.dtype == "real":
            inside = (value.id,)
        body: Program = cell.scan.attr("body")
        made = body.define().keys() | {given.value for given in body.inputs}
        return (cell.scan, inside) if not made.isdisjoint(inside[:1]) else None

    def fork(self) -> Trace:
        """The same with a builder of its own, for one program's rows; not for a trace of cells,
        whose rows go where they were traced.
        """
        return self.on(self.builder.copy())

    def on(self, builder: Builder) -> Trace:
        """The same on a builder that has the same values."""
        assert not self.cells

        return replace(
            self,
            builder=builder,
            values={place: Tensor(builder, tensor.id) for place, tensor in self.values.items()},
            param_tensors={key: Tensor(builder, one.id) for key, one in self.param_tensors.items()},
            updates=[(k, Tensor(builder, a.id), Tensor(builder, b.id)) for k, a, b in self.updates],
        )

    def _cell(self, path: str) -> Trace | None:
        """The cell that a node is in, where that runs."""
        inside = (one for place, one in self.cells.items() if path.startswith(f"{place}/"))
        return next((one for one in inside if one.series is not None), None)


def trace(graph: Graph, mode: Mode, batch: int, phase: str = "") -> Trace:
    """Build every node of `graph` for batches of `batch` samples."""
    found = Trace(Builder(), mode, batch, phase)
    _walk(found, graph, "", "", {})
    return found


def _walk(
    found: Trace, graph: Graph, prefix: str, keys: str, given: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Walk one drawing; `given` feeds its Input nodes. Returns what reaches its Output nodes."""
    results: dict[str, Tensor] = {}
    for node in _owners_first(graph):
        path = prefix + node.id
        found.nodes[path] = node
        role = node.op.role
        if role in ("optimizer", "schedule"):
            continue
        operands = operands_of(found, graph, node, prefix)
        if operands is None:
            continue
        if isinstance(node.op, DataSource):
            feed(found, path, node.op)
        elif role == "input" and node.id in given:
            found.values[path, graph.ports_out(node.id)[0].name] = given[node.id]
        elif isinstance(node.op, Scan):
            _scan(found, graph, node, path, keys + node.id, operands)
        elif isinstance(node.op, Subgraph):
            _instance(found, graph, node, path, keys + node.id, operands)
        else:
            build(found, graph, node, path, keys + node.id, operands)
        if role == "output" and operands and isinstance(operands[0], Tensor):
            results[node.id] = operands[0]
    return results


def _owners_first(graph: Graph) -> list[Node]:
    """Nodes in an order that wires point along, and as far as they let it, ties too."""
    ties = [(node.op.tied_to(), node.id) for node in graph if node.op.tied_to() in graph]
    if ties:
        net = nx.DiGraph(graph.net)
        net.add_edges_from(ties)
        if nx.is_directed_acyclic_graph(net):
            return [graph.node(id) for id in nx.lexicographical_topological_sort(net)]
    return graph.ordered()


def feed(found: Trace, path: str, source: DataSource) -> None:
    """The batches of a data source at its ports, or its refusal."""
    try:
        types = source.sample_types()
    except ShapeError as error:
        text = f"found {error.found}, expected {error.expected}"
        found.refusals.append(Refusal(path, "", text, error.remedy, error.adapter))
        return
    for port, kind in types.items():
        full = TensorType((found.batch, *kind.shape), kind.dtype)
        found.values[path, port] = found.builder.input("batch", f"{path}.{port}", full)


def operands_of(found: Trace, graph: Graph, node: Node, prefix: str) -> list[Operand] | None:
    """The node's operands in port order; None when one is missing or unknown."""
    result: list[Operand] = []
    for port in graph.ports_in(node.id):
        wires = graph.wires_in(node.id, port.name)
        tensors = [found.values.get((prefix + w.source, w.output)) for w in wires]
        if any(t is None for t in tensors) or (not wires and not port.optional):
            return None
        known = [t for t in tensors if t is not None]
        if port.many:
            result.append(known)
        else:
            result.append(known[0] if known else None)
    return result


def _instance(
    found: Trace, graph: Graph, node: Node, path: str, keys: str, operands: list[Operand]
) -> None:
    op = node.op
    assert isinstance(op, Subgraph)
    definition = _drawn(found, graph, path, node, operands)
    if definition is None:
        return
    names = port_nodes(definition, "input")
    given = {n: t for n, t in zip(names, operands, strict=True) if isinstance(t, Tensor)}
    outputs: dict[str, Tensor] = {}
    for own, shared in op.walks():
        outputs = _walk(found, definition, f"{path}{own}/", f"{keys}{shared}/", given)
        back = [outputs[n] for n in port_nodes(definition, "output")[:1] if n in outputs]
        given = {**given, **dict(zip(names[:1], back, strict=False))}
    for name, tensor in outputs.items():
        found.values[path, name] = tensor


def _drawn(
    found: Trace, graph: Graph, path: str, node: Node, operands: list[Operand]
) -> Graph | None:
    """The drawing that an instance stands for; None when there is none, or it refuses a value."""
    assert isinstance(node.op, Defined)
    try:
        return graph.inside(node.op) if node.op.definition in graph.definitions else None
    except SettingError as error:
        _refuse(found, graph, path, node, operands, error)
        return None


def _scan(
    found: Trace, graph: Graph, node: Node, path: str, keys: str, operands: list[Operand]
) -> None:
    """The outputs of a scanned cell, or its refusal."""
    op = node.op
    assert isinstance(op, Scan)
    definition = _drawn(found, graph, path, node, operands)
    if definition is None:
        return
    cell = replace(
        found,
        builder=Builder(),
        values={},
        param_tensors={},
        updates=[],
        cells={},
        series=None,
        scan=None,
    )
    ports = [port.name for port in graph.ports_in(node.id)]
    wired = dict(zip(ports, operands, strict=True))

    def step(given: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        found.cells[path] = cell
        return _walk(cell, definition, f"{path}/", f"{keys}/", given)

    try:
        made = scanned(found, cell, definition, node, path, wired, step)
    except (ShapeError, SettingError) as error:
        _refuse(found, graph, path, node, operands, error)
        return
    found.values.update({(path, name): tensor for name, tensor in made.items()})


def reached(
    definition: Graph, given: Mapping[str, TensorType], mode: Mode, batch: int
) -> tuple[dict[str, TensorType], list[TensorType]]:
    """What reaches the outputs of a definition fed these types, and every type inside it."""
    found = Trace(Builder(), mode, batch)
    fed = {id: found.builder.input("batch", id, kind) for id, kind in given.items()}
    try:
        made = _walk(found, definition, "", "", fed)
    except nx.NetworkXUnfeasible:  # wires in a circle, which checks name
        return {}, []
    inside = [tensor.type for tensor in found.values.values()]
    return {id: tensor.type for id, tensor in made.items()}, inside


@cache
def _wants_context(build: Callable[..., Any]) -> bool:
    return "ctx" in inspect.signature(build).parameters


def _flat_types(operands: Sequence[Operand]) -> list[TensorType]:
    flat: list[TensorType] = []
    for operand in operands:
        parts = operand if isinstance(operand, list) else [operand]
        flat.extend(t.type for t in parts if t is not None)
    return flat


def build(
    found: Trace, graph: Graph, node: Node, path: str, keys: str, operands: list[Operand]
) -> None:
    """Run the node's `build`; record its outputs, or the refusal."""
    ports = graph.ports_out(node.id)
    if node.bypassed and operands and isinstance(operands[0], Tensor) and ports:
        found.values[path, ports[0].name] = operands[0]
        return
    try:
        with found.builder.at(path):
            made = build_node(found, node, path, keys, operands)
    except (ShapeError, SettingError) as error:
        _refuse(found, graph, path, node, operands, error)
        return
    outputs = made if isinstance(made, tuple) else (made,)
    for port, tensor in zip(ports, outputs, strict=True):
        found.values[path, port.name] = tensor


def build_node(
    found: Trace, node: Node, path: str, keys: str, operands: list[Operand]
) -> tuple[Tensor, ...] | Tensor:
    """The node's outputs; its weights, running values and updates are recorded in `found`.

    Raises ShapeError or SettingError when the node refuses its operands.
    """
    op, types = node.op, _flat_types(operands)
    named: dict[str, Any] = {}
    for name, param in op.params(*types).items():
        if name == "weight" and op.tied_to():
            named[name] = _tied(found, node, path, keys, param)
            continue
        named[name] = _param(found, f"{keys}/{name}", param, path, node.frozen)
    for name, state in op.state(*types).items():
        key = f"{keys}/{name}"
        found.states[key] = state
        named[name] = found.builder.input("state", key, TensorType(state.shape))
    if _wants_context(type(op).build):
        named["ctx"] = Context(found.builder, found.mode, path, found.phase, found.batch)
    made = op.build(*operands, **named)
    if not isinstance(made, Result):
        return made
    for name, value in made.updates.items():
        found.updates.append((f"{keys}/{name}", value, made.outputs[0]))
    return made.outputs


def _param(found: Trace, key: str, param: Param, path: str, frozen: bool) -> Tensor:
    found.params[key] = param
    found.owner_of.setdefault(path, []).append(key)
    if frozen:
        found.frozen.add(key)
    tensor = found.builder.input("param", key, TensorType(param.shape))
    found.param_tensors[key] = tensor
    return tensor


def _tied(found: Trace, node: Node, path: str, keys: str, param: Param) -> Tensor:
    """The weight of the node that this one is tied to; SettingError where that has none such."""
    op, other = node.op, node.op.tied_to()
    key = f"{keys.removesuffix(node.id)}{other}/weight"
    key = found.ties.get(key, key)
    if key not in found.params:
        raise SettingError("tie", repr(other), "a node with a weight, and not behind this one")
    theirs, own = found.params[key].shape, param.shape
    if theirs != (own[::-1] if op.turned() else own):
        raise SettingError("tie", f"the weight {text(theirs)} of {other!r}", fitting(op, own))
    found.ties[f"{keys}/weight"] = key
    found.owner_of.setdefault(path, []).append(key)
    if node.frozen:
        found.frozen.add(key)
    tensor = found.param_tensors[key]
    return permute(tensor, (1, 0)) if op.turned() else tensor


def fitting(op: Op, shape: Shape) -> str:
    """What the weight of another node must be for a node that needs one of this shape."""
    return f"{text(shape[::-1])}, transposed {text(shape)}" if op.turned() else text(shape)


def _refuse(
    found: Trace,
    graph: Graph,
    path: str,
    node: Node,
    operands: Sequence[Operand],
    error: ShapeError | SettingError,
) -> None:
    if isinstance(error, SettingError):
        found.refusals.append(Refusal(path, "", str(error)))
        return
    port = _port_of(graph.ports_in(node.id), operands, error.operand)
    text = f"found {error.found}, expected {error.expected}"
    found.refusals.append(Refusal(path, port, text, error.remedy, error.adapter))


def _port_of(ports: Sequence[Port], operands: Sequence[Operand], index: int) -> str:
    """The port that operand number `index` came through; the first when it is a weight."""
    position = 0
    for port, operand in zip(ports, operands, strict=True):
        position += len(operand) if isinstance(operand, list) else 1
        if index < position:
            return port.name
    return ports[0].name if ports else ""
