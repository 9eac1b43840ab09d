"""The forward pass of one drawing as statements that follow its wires.

A value that only one light node reads is written inside that node's call; a chain runs through the
name `x`; a value that several nodes read has the name of its node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import Namespace, free_names
from graph.export.pytorch_custom import Customs
from graph.export.pytorch_nodes import layer
from graph.export.pytorch_scan import Loop
from graph.export.symbolic import ExportError
from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.op import Port
from graph.program import TensorType
from graph.scanned import roles_of
from graph.subgraph import Defined, Scan, Subgraph
from graph.trace import Trace

Value = tuple[str, str]  # node id, output port
LONGEST_INLINE = 60
DEEPEST = 3  # calls inside each other
CHAIN = "x"
UNREAD = ex.name("_")  # an operand of which only the shape counts


@dataclass
class Scene:
    """One drawing as one instance of it: its nodes' paths start with `prefix`."""

    graph: Graph
    prefix: str
    trace: Trace
    customs: Customs

    def type(self, value: Value) -> TensorType:
        """Type of a value of this drawing."""
        return self.trace.values[self.prefix + value[0], value[1]].type

    def wired(self, node: Node) -> dict[str, list[Value]]:
        """The values at each input port of a node."""
        return {
            port.name: [(w.source, w.output) for w in self.graph.wires_in(node.id, port.name)]
            for port in self.graph.ports_in(node.id)
        }

    def read(self, node: Node) -> dict[str, list[Value]]:
        """Those whose numbers it reads, not only their shape."""
        sized = {port.name for port in self.graph.ports_in(node.id) if port.sized}
        return {port: values for port, values in self.wired(node).items() if port not in sized}

    def types(self, node: Node) -> dict[str, list[TensorType]]:
        """The types at each input port of a node."""
        return {port: [self.type(v) for v in values] for port, values in self.wired(node).items()}

    def needed(self, targets: Sequence[Value]) -> list[Node]:
        """Nodes that the targets are computed from, in order."""
        wanted = {id for id, _ in targets}
        found = []
        for node in reversed(self.graph.ordered()):
            if node.id in wanted:
                found.append(node)
                wanted.update(id for values in self.read(node).values() for id, _ in values)
        return found[::-1]

    def is_heavy(self, node: Node) -> bool:
        """Whether a node begins a line of its own: it has a weight matrix, or is a drawing."""
        if isinstance(node.op, Defined):
            return True
        keys = self.trace.owner_of.get(self.prefix + node.id, ())
        return any(len(self.trace.params[key].shape) > 1 for key in keys)


@dataclass
class Forward:
    """Writes the statements; `attributes` names the module of each node, `given` the arguments."""

    scene: Scene
    attributes: Mapping[str, str]
    given: Mapping[Value, str]
    scope: Namespace
    indent: str = "        "
    lines: list[str] = field(default_factory=list)
    values: dict[Value, Expression] = field(default_factory=dict)
    reads: dict[Value, list[str]] = field(default_factory=dict)
    holder: Value | None = None
    pending: set[Value] = field(default_factory=set)

    def write(self, targets: Sequence[Value]) -> list[str]:
        """All statements, the last one returning the targets."""
        nodes = self.scene.needed(targets)
        if CHAIN not in self.scope:
            self.scope.take(CHAIN)
        for value, name in self.given.items():
            self.values[value] = ex.name(name)
            if name == CHAIN:
                self.holder = value
        for node in nodes:
            for values in self.scene.read(node).values():
                for value in values:
                    self.reads.setdefault(value, []).append(node.id)
        for value in targets:
            self.reads.setdefault(value, []).append("")
        for node in nodes:
            if not any((node.id, port.name) in self.given for port in self._ports(node)):
                self._node(node)
        results = [self.values[value] for value in targets]
        together = ", ".join(map(ex.text, results))
        return [*self.lines, *ex.statement("return ", ex.parse(together), self.indent)]

    def _ports(self, node: Node) -> tuple[Port, ...]:
        return self.scene.graph.ports_out(node.id)

    def _node(self, node: Node) -> None:
        wired = self.scene.wired(node)
        ports = self._ports(node)
        if isinstance(node.op, DataSource):
            return  # columns that nothing reads
        if isinstance(node.op, Scan):
            self._scan(node, node.op, wired)
            return
        if isinstance(node.op, Subgraph):
            self._instance(node, node.op, [v for values in wired.values() for v in values])
            return
        flat = [v for values in wired.values() for v in values]
        passes = node.bypassed or node.op.role == "input"
        if passes and flat:
            self._define(node, (node.id, ports[0].name), self._take(flat[0], node))
            return
        found, read = (
            layer(node.op, self.scene.types(node), self.scene.customs),
            self.scene.read(node),
        )
        operands = {
            port: [
                (self._take(v, node) if port in read else UNREAD, self.scene.type(v))
                for v in values
            ]
            for port, values in wired.items()
        }
        call = found.call(operands, f"self.{self.attributes.get(node.id, '')}")
        ex.mark(call, self.scene.prefix + node.id)
        if len(ports) == 1:
            self._define(node, (node.id, ports[0].name), call)
        elif ports:
            self._assign([(node.id, port.name) for port in ports], call)

    def _take(self, value: Value, reader: Node) -> Expression:
        """The expression of an operand; one read fewer is left."""
        found = self.values.get(value)
        if found is None:
            raise ExportError(f"{self.scene.prefix}{value[0]}: found a value from outside")
        self.reads[value].remove(reader.id)
        self.pending.discard(value)
        return found

    def _define(self, node: Node, value: Value, result: Expression) -> None:
        """Keep a value for its one reader, or assign it."""
        if self._may_inline(value, result):
            self.values[value] = result
            self.pending.add(value)
        else:
            self._assign([value], result)

    def _may_inline(self, value: Value, result: Expression) -> bool:
        readers = self.reads.get(value, [])
        if ex.is_name(result):
            return True
        if len(readers) != 1:
            return not readers
        if readers[0] == "":
            return len(ex.text(result)) < 80
        reader = self.scene.graph.node(readers[0])
        short = len(ex.text(result)) <= LONGEST_INLINE and ex.depth(result) < DEEPEST
        return short and not self.scene.is_heavy(reader)

    def _name(self, value: Value) -> str:
        """`x` for a link of a chain when nobody needs the old x, else the node's name."""
        used = {n for v in self.pending for n in free_names(ex.text(self.values[v]))}
        free = self.holder is None or not self.reads.get(self.holder)
        if len(self.reads.get(value, [])) <= 1 and free and CHAIN not in used:
            self.holder = value
            return CHAIN
        return self.scope.new(self.scene.graph.node(value[0]).label)

    def _assign(self, values: Sequence[Value], result: Expression) -> None:
        names = [self._name(value) if self.reads.get(value) else "_" for value in values]
        for value, name in zip(values, names, strict=True):
            self.values[value] = ex.name(name)
        self.lines += ex.statement(f"{', '.join(names)} = ", result, self.indent)

    def _instance(self, node: Node, op: Subgraph, operands: Sequence[Value]) -> None:
        """A drawing inside this one; repeated, it runs in a loop, first output into first input."""
        made = [(node.id, port.name) for port in self._ports(node)]
        module = f"self.{self.attributes[node.id]}"
        given = [self._take(value, node) for value in operands]
        if op.repeat == 1:
            call = ex.parse(f"{module}({', '.join(map(ex.text, given))})")
            ex.mark(call, self.scene.prefix + node.id)
            if len(made) == 1:
                self._define(node, made[0], call)
            else:
                self._assign(made, call)
            return
        before = len(self.lines)
        self._loop(op, module, made, given)
        self.lines[before:] = ex.lines_of(self.lines[before:], self.scene.prefix + node.id)

    def _loop(
        self, op: Subgraph, module: str, made: Sequence[Value], given: Sequence[Expression]
    ) -> None:
        names = [self._name(value) if k == 0 or self.reads.get(value) else "_"
                 for k, value in enumerate(made)]  # fmt: skip
        first = ex.text(given[0]) if given else ""
        if given and first != names[0]:
            self.lines.append(f"{self.indent}{names[0]} = {first}")
        arguments = ", ".join([*names[:1], *map(ex.text, given[1:])] if given else [])
        if op.weights == "own":
            one = self.scope.take("layer")
            self.lines.append(f"{self.indent}for {one} in {module}:")
        else:
            one = module
            self.lines.append(f"{self.indent}for _ in range({op.repeat}):")
        self.lines.append(f"{self.indent}    {', '.join(names)} = {one}({arguments})")
        for value, name in zip(made, names, strict=True):
            self.values[value] = ex.name(name)

    def _scan(self, node: Node, op: Scan, wired: Mapping[str, Sequence[Value]]) -> None:
        """A cell that is called at every step."""
        path, before = self.scene.prefix + node.id, len(self.lines)
        definition = self.scene.graph.inside(op)
        cell = Scene(definition, f"{path}/", self.scene.trace.cells[path], self.scene.customs)
        loop = Loop(
            op,
            roles_of(op, definition),
            f"self.{self.attributes[node.id]}",
            {port: self._take(values[0], node) for port, values in wired.items() if values},
            _step_kinds(cell),
            [port.name for port in self._ports(node) if self.reads.get((node.id, port.name))],
            self.scope.new,
            self.indent,
            self.lines,
        )
        results = loop.write(definition.port_ids("input"))
        for port, result in results.items():
            self._define(node, (node.id, port), ex.mark(result, path))
        self.lines[before:] = ex.lines_of(self.lines[before:], path)


def _step_kinds(cell: Scene) -> dict[str, TensorType]:
    """What a cell gets at its inputs and gives at its outputs."""
    graph = cell.graph
    found = {id: cell.type((id, graph.ports_out(id)[0].name)) for id in graph.port_ids("input")}
    for id in graph.port_ids("output"):
        wire = graph.wires_in(id)[0]
        found[id] = cell.type((wire.source, wire.output))
    return found
