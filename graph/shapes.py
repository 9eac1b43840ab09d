"""Shapes, weights and cost of every node, without a program.

Checks and the canvas ask on every edit, so they cannot build a whole program each time. The same
`build` that the program uses runs here once for each (op, operand types); after that it is a
look-up. Repetitions are walked until their shapes no longer change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.op import Op, Param, Port, SettingError
from graph.program import Row, ShapeError, TensorType
from graph.subgraph import Subgraph
from graph.tensor import Builder
from graph.trace import Operand, Refusal, Trace, build_node

# What arrives at one port: nothing, one value, or those of a `many` port.
Given = TensorType | tuple[TensorType, ...] | None

BATCH = 2  # samples a batch has while shapes are worked out


@dataclass(frozen=True)
class Inferred:
    """What a node gives: output types (batch included), weights, and FLOPs for one sample.

    `refusal` says why it cannot be built; then `outputs` is empty.
    """

    outputs: tuple[TensorType, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)
    flops: int = 0
    refusal: ShapeError | SettingError | None = None

    @property
    def parameters(self) -> int:
        """How many numbers its weights hold."""
        return sum(TensorType(param.shape).size for param in self.params.values())


@dataclass
class Shapes:
    """What the walk found, by NodePath (`block/2/conv`).

    `nodes` says which node of which drawing a path is. A path may stand for several repetitions:
    `copies` is their number, `weights` how many sets of its weights there are.
    """

    types: dict[tuple[str, str], TensorType] = field(default_factory=dict)
    found: dict[str, Inferred] = field(default_factory=dict)
    nodes: dict[str, tuple[str, Node]] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def text(self, path: str, port: str) -> str:
        """The shape of one sample as the canvas shows it: `32×14×14`; empty when not known.

        One number a sample is `1`, a loss or metric (one number a batch) likewise.
        """
        kind = self.types.get((path, port))
        return "" if kind is None else "×".join(map(str, kind.shape[1:])) or "1"

    def parameters(self, path: str = "") -> int:
        """Trained numbers of a node, of all nodes inside an instance, or of everything."""
        return sum(
            one.parameters * self.weights[key]
            for key, one in self.found.items()
            if not path or key == path or key.startswith(f"{path}/")
        )

    def flops(self, path: str = "") -> int:
        """Multiplications and additions of one forward pass for one sample, likewise."""
        return sum(
            one.flops * self.copies[key]
            for key, one in self.found.items()
            if not path or key == path or key.startswith(f"{path}/")
        )


def shapes(graph: Graph) -> Shapes:
    """The shapes of all nodes; nodes on a cycle or behind something unknown have none.

    Each definition that nothing uses is walked on its own, under the path `name:`.
    """
    found = Shapes()
    _walk(found, graph, _Place("", ""), {})
    for name in sorted(set(graph.definitions) - {name for name, _ in found.nodes.values()}):
        _walk(found, graph, _Place(name, f"{name}:"), {})
    return found


@dataclass(frozen=True)
class _Place:
    """Where the walk is: the drawing, the path so far, how often it runs, its sets of weights."""

    drawing: str
    prefix: str
    copies: int = 1
    weights: int = 1


def _walk(
    found: Shapes, root: Graph, place: _Place, given: Mapping[str, TensorType]
) -> dict[str, TensorType]:
    """Walk one drawing; `given` feeds its Input nodes. Returns what reaches its Output nodes."""
    drawing, results = root.drawing(place.drawing), dict[str, TensorType]()
    into = incoming(drawing)
    for node in forward(drawing):
        path, op = place.prefix + node.id, node.op
        found.nodes[path] = place.drawing, node
        if op.role in ("optimizer", "schedule"):
            continue
        operands = _operands(found, drawing, into, node, place.prefix)
        if operands is None:
            continue
        if isinstance(op, DataSource):
            _feed(found, path, op)
        elif op.role == "input" and node.id in given:
            found.types[path, op.ports_out()[0].name] = given[node.id]
        elif isinstance(op, Subgraph):
            _instance(found, root, place, path, op, operands)
        else:
            _infer(found, drawing, place, path, node, operands)
        if op.role == "output" and isinstance(operands[0], TensorType):
            results[node.id] = operands[0]
    return results


def incoming(drawing: Graph) -> dict[tuple[str, str], list[Wire]]:
    """The wires of every input port, in the order the port reads them."""
    found: dict[tuple[str, str], list[Wire]] = {}
    for _, _, wire in drawing.net.edges(keys=True):
        found.setdefault((wire.target, wire.input), []).append(wire)
    for wires in found.values():
        if len(wires) > 1:
            wires.sort(key=lambda wire: (wire.order, wire))
    return found


def forward(drawing: Graph) -> list[Node]:
    """Nodes such that every wire points forward; those on or behind a cycle are left out."""
    waiting = dict(drawing.net.in_degree())
    ready = [id for id, count in waiting.items() if not count]
    for id in ready:  # grows as it goes
        for target, edges in drawing.net.adj[id].items():
            waiting[target] -= len(edges)
            if not waiting[target]:
                ready.append(target)
    return [drawing.node(id) for id in ready]


def _operands(
    found: Shapes,
    drawing: Graph,
    into: Mapping[tuple[str, str], list[Wire]],
    node: Node,
    prefix: str,
) -> tuple[Given, ...] | None:
    """The types at the node's ports; None when one is missing or unknown."""
    result: list[Given] = []
    for port in drawing.ports_in(node.id):
        wires = into.get((node.id, port.name), ())
        known = [found.types.get((prefix + wire.source, wire.output)) for wire in wires]
        types = tuple(kind for kind in known if kind is not None)
        if len(types) < len(known) or (not wires and not port.optional):
            return None
        result.append(types if port.many else types[0] if types else None)
    return tuple(result)


def _feed(found: Shapes, path: str, source: DataSource) -> None:
    try:
        types = source.sample_types()
    except ShapeError as error:
        text = f"found {error.found}, expected {error.expected}"
        found.refusals.append(Refusal(path, "", text, error.remedy, error.adapter))
        return
    for port, kind in types.items():
        found.types[path, port] = TensorType((BATCH, *kind.shape), kind.dtype)


def _infer(
    found: Shapes,
    drawing: Graph,
    place: _Place,
    path: str,
    node: Node,
    operands: tuple[Given, ...],
) -> None:
    ports = drawing.ports_out(node.id)
    if node.bypassed and ports and operands and isinstance(operands[0], TensorType):
        found.types[path, ports[0].name] = operands[0]
        return
    made = infer(node.op, operands)
    found.found[path] = made
    found.copies[path], found.weights[path] = place.copies, place.weights
    if made.refusal is not None:
        found.refusals.append(refused(path, drawing.ports_in(node.id), operands, made.refusal))
    for port, kind in zip(ports, made.outputs, strict=False):
        found.types[path, port.name] = kind


def refused(
    path: str,
    ports: Sequence[Port],
    operands: Sequence[Given],
    error: ShapeError | SettingError,
) -> Refusal:
    """What a node says against its operands, at the port of the one it means."""
    if isinstance(error, SettingError):
        return Refusal(path, "", str(error))
    text, position = f"found {error.found}, expected {error.expected}", 0
    name = ports[0].name if ports else ""
    for port, operand in zip(ports, operands, strict=True):
        position += len(operand) if isinstance(operand, tuple) else 1
        if error.operand < position:
            name = port.name
            break
    return Refusal(path, name, text, error.remedy, error.adapter)


MAX_TURNS = 64  # repetitions whose shapes may differ from those before


def _instance(
    found: Shapes,
    root: Graph,
    place: _Place,
    path: str,
    op: Subgraph,
    operands: tuple[Given, ...],
) -> None:
    definition = root.definitions[op.definition]
    names = definition.port_ids("input")
    given = {n: t for n, t in zip(names, operands, strict=True) if isinstance(t, TensorType)}
    outputs = dict[str, TensorType]()
    for turn in range(op.repeat):
        back = [outputs[id] for id in definition.port_ids("output")[:1] if id in outputs]
        fed = given | dict(zip(names[:1], back, strict=False))
        # Once a turn is fed as the one before it, it stands for all that follow.
        last = fed == given if turn else op.repeat == 1
        if turn == MAX_TURNS:
            text = f"found shapes that still change after {turn} repetitions"
            remedy = "make its output as large as its input"
            found.refusals.append(Refusal(path, "", f"{text}, expected one shape", remedy))
            return
        given = fed
        rest = op.repeat - turn if last else 1
        sets = rest if op.weights == "own" else int(turn == 0)
        inner = f"{path}/{turn}/" if op.repeat > 1 else f"{path}/"
        there = _Place(op.definition, inner, place.copies * rest, place.weights * sets)
        outputs = _walk(found, root, there, given)
        if last:
            break
    for name, kind in outputs.items():
        found.types[path, name] = kind


@lru_cache(maxsize=1 << 16)
def infer(op: Op, operands: tuple[Given, ...]) -> Inferred:
    """What `op` makes of operands of these types, in port order."""
    found = Trace(Builder(), "train", BATCH)
    given = [_operand(found.builder, index, kind) for index, kind in enumerate(operands)]
    try:
        made = build_node(found, Node("node", op), "node", "node", given)
    except (ShapeError, SettingError) as error:
        return Inferred(refusal=error)
    outputs = made if isinstance(made, tuple) else (made,)
    flops = sum(_flops(found.builder, row) for row in found.builder.rows)
    params = {key.rpartition("/")[2]: param for key, param in found.params.items()}
    return Inferred(tuple(t.type for t in outputs), params, flops // BATCH)


def _operand(builder: Builder, index: int, kind: Given) -> Operand:
    if kind is None:
        return None
    if isinstance(kind, TensorType):
        return builder.input("batch", f"x{index}", kind)
    return [builder.input("batch", f"x{index}.{k}", one) for k, one in enumerate(kind)]


def _flops(builder: Builder, row: Row) -> int:
    """Multiplications and additions of one row; an element of any other row counts as one."""
    sizes = [builder.types[value] for value in row.outputs]
    if row.op == "matmul":
        left = builder.types[row.inputs[0]].size
        return 2 * left * sizes[0].shape[-1]
    if row.op == "conv2d":
        window = builder.types[row.inputs[1]]
        return 2 * sizes[0].size * (window.size // window.shape[0])
    return sum(kind.size for kind in sizes)
