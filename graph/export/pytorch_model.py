"""The classes of a PyTorch file: one for each definition, and the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from graph.export import expression as ex
from graph.export.names import MODULE_ATTRIBUTES, WIDTH, Namespace, docstring
from graph.export.outline import Outline
from graph.export.pytorch_custom import Customs
from graph.export.pytorch_forward import Forward, Scene, Value
from graph.export.pytorch_nodes import layer
from graph.export.symbolic import ExportError
from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.subgraph import Defined, Scan, Subgraph


@dataclass
class Classes:
    """Writes each class once, inner ones first; instances of equal text share a class."""

    outline: Outline
    names: Namespace
    written: list[list[str]] = field(default_factory=list)
    known: dict[tuple[str, ...], str] = field(default_factory=dict)
    by_types: dict[tuple[object, ...], str] = field(default_factory=dict)
    # drawings and nodes that have a module
    made: set[tuple[int, str]] = field(default_factory=set)
    _attributes: dict[int, dict[str, str]] = field(default_factory=dict)

    def attributes(self, graph: Graph) -> dict[str, str]:
        """The attribute that holds each node of a drawing."""
        found = self._attributes.get(id(graph))
        if found is None:
            scope = Namespace(MODULE_ATTRIBUTES | {"values"})
            found = {node.id: scope.new(node.label) for node in graph.ordered()}
            self._attributes[id(graph)] = found
        return found

    def modules(self, scene: Scene, nodes: Sequence[Node]) -> list[str]:
        """Lines of `__init__` that make the modules of these nodes."""
        lines: list[str] = []
        attributes = self.attributes(scene.graph)
        for node in nodes:
            own = f"self.{attributes[node.id]}"
            text = self._module(scene, node)
            if text:
                self.made.add((id(scene.graph), node.id))
                line, path = f"        {own} = {text}", scene.prefix + node.id
                fits = len(line) <= WIDTH
                made = [line] if fits else ex.statement(f"{own} = ", ex.parse(text), "        ")
                frozen = node.frozen and scene.trace.owner_of.get(path)
                if frozen and not node.op.tied_to():
                    made.append(f"        {own}.requires_grad_(False)")
                lines += ex.lines_of(made, path)
        for node in nodes:
            if node.op.tied_to() and not node.bypassed:
                lines += ex.lines_of(self._tie(scene, node), scene.prefix + node.id)
        return lines

    def _tie(self, scene: Scene, node: Node) -> list[str]:
        """Lines that put the weight of another module, made by now, in the place of its own."""
        owner, attributes = scene.graph.node(node.op.tied_to()), self.attributes(scene.graph)
        while owner.op.tied_to():
            owner = scene.graph.node(owner.op.tied_to())
        if (id(scene.graph), owner.id) not in self.made:
            path = scene.prefix + node.id
            found = f"found the weight of {owner.id!r}, which no output needs"
            raise ExportError(f"{path}: {found}, expected one of the model")
        own, theirs = (
            f"self.{attributes[one.id]}.{one.op.torch_state.get('weight', 'weight')}"
            for one in (node, owner)
        )
        lines = [f"        {own} = {theirs}"]
        if node.frozen:
            lines.append(f"        self.{attributes[node.id]}.requires_grad_(False)")
        return lines

    def _module(self, scene: Scene, node: Node) -> str:
        if isinstance(node.op, Scan):
            path = scene.prefix + node.id
            cell = replace(scene, trace=scene.trace.cells[path])
            return f"{self.definition(cell, node.op, f'{path}/')}()"
        if isinstance(node.op, Subgraph):
            return self._instance(scene, node, node.op)
        if isinstance(node.op, DataSource) or node.bypassed or node.op.role in ("input", "output"):
            return ""
        return layer(node.op, scene.types(node), scene.customs).module

    def _instance(self, scene: Scene, node: Node, op: Subgraph) -> str:
        path = scene.prefix + node.id
        if op.repeat == 1:
            return f"{self.definition(scene, op, f'{path}/')}()"
        turns = [self.definition(scene, op, f"{path}/{k}/") for k in range(op.repeat)]
        if op.weights == "shared":
            if len(set(turns)) > 1:
                raise ExportError(f"{path}: found repetitions of different shapes, expected one")
            return f"{turns[0]}()"
        if len(set(turns)) == 1:
            return f"nn.ModuleList({turns[0]}() for _ in range({op.repeat}))"
        return f"nn.ModuleList([{', '.join(f'{turn}()' for turn in turns)}])"

    def definition(self, outer: Scene, op: Defined, prefix: str) -> str:
        """The class of a definition with the shapes it has at `prefix`."""
        graph = outer.graph.inside(op)
        scene = Scene(graph, prefix, outer.trace, outer.customs)
        inputs = {(port, graph.ports_out(port)[0].name): port for port in graph.port_ids("input")}
        # what a definition is follows from the values and the types it is given
        seen = (op.definition, op.values, *(scene.type(value) for value in inputs))
        if seen in self.by_types:
            return self.by_types[seen]
        targets = [_source(graph, port) for port in graph.port_ids("output")]
        scope = self.names.inside()
        arguments = {value: scope.new(graph.node(port).label) for value, port in inputs.items()}
        nodes = scene.needed(targets)
        body = [
            *_init(self.modules(scene, nodes)),
            f"    def forward({', '.join(['self', *arguments.values()])}):",
            *Forward(scene, self.attributes(graph), arguments, scope).write(targets),
        ]
        key = (op.definition, *body)
        if key not in self.known:
            self.known[key] = self.names.new_class(op.definition)
            self.written.append([f"class {self.known[key]}(nn.Module):", *body])
        self.by_types[seen] = self.known[key]
        return self.known[key]


def _source(graph: Graph, id: str) -> Value:
    """The value wired to an Output node."""
    wire = graph.wires_in(id)[0]
    return wire.source, wire.output


def _init(modules: Sequence[str]) -> list[str]:
    if not modules:
        return []
    return ["    def __init__(self):", "        super().__init__()", *modules, ""]


@dataclass(frozen=True)
class ModelClass:
    """The class `Model` and what training must know of it.

    `extra` are values that losses read and no output gives; `values()` returns outputs and extra,
    taking the columns `values_inputs`. `state` maps each name of its state_dict to a ParamKey.
    """

    classes: list[list[str]]
    customs: Customs
    outputs: list[Value]
    extra: list[Value]
    inputs: list[str]
    values_inputs: list[str]
    state: dict[str, str]


def model_class(outline: Outline, names: Namespace, summary: str) -> ModelClass:
    """Write `Model` and the classes inside it."""
    graph, classes = outline.graph, Classes(outline, names)
    customs = Customs(names, "double" if graph.training.precision == "float64" else "float")
    scene = Scene(graph, "", outline.trace, customs)
    outputs, columns = _outputs(outline), _columns(outline)
    operands = _operands(outline) if outline.trains else []
    extra = [value for value in operands if value not in outputs]
    inputs, more = (_read(scene, v, columns) for v in (outputs, [*outputs, *extra]))
    lines = [
        "class Model(nn.Module):",
        f'    """{docstring(summary)}"""',
        "",
        *_init(classes.modules(scene, scene.needed([*outputs, *extra]))),
    ]

    def body(name: str, arguments: Sequence[str], targets: Sequence[Value]) -> list[str]:
        given = {v: n for v, n in columns.items() if n in arguments}
        scope = names.inside(outline.arguments.values())
        writer = Forward(scene, classes.attributes(graph), given, scope)
        head = f"    def {name}({', '.join(['self', *arguments])}):"
        return [head, *writer.write(targets)]

    if extra and inputs == more:
        lines += _picking_forward(inputs, len(outputs))
    else:
        lines += body("forward", inputs, outputs)
    if extra:
        head, *rest = body("values", more, [*outputs, *extra])
        about = '        """The outputs, and what the losses read beside them."""'
        lines += ["", head, about, *rest]
    state = _state_names(outline, classes)
    written = [*classes.written, lines]
    return ModelClass(written, customs, outputs, extra, inputs, more, state)


def _picking_forward(inputs: Sequence[str], count: int) -> list[str]:
    """`forward` as the first values that `values` gives."""
    call = f"self.values({', '.join(inputs)})"
    head = f"    def forward({', '.join(['self', *inputs])}):"
    return [head, f"        return {call}[{0 if count == 1 else f':{count}'}]"]


def _columns(outline: Outline) -> dict[Value, str]:
    """Values that come from outside: columns of data nodes, and unwired Input nodes."""
    found: dict[Value, str] = {}
    for key, name in outline.arguments.items():
        path, _, port = key.rpartition(".")
        if "/" in path:
            raise ExportError(f"{path}: found a data node in a subgraph, expected it outside")
        found[path, port] = name
    return found


def _read(scene: Scene, targets: Sequence[Value], columns: Mapping[Value, str]) -> list[str]:
    wired = {v for n in scene.needed(targets) for vs in scene.read(n).values() for v in vs}
    return [name for value, name in columns.items() if value in wired or value in targets]


def _outputs(outline: Outline) -> list[Value]:
    """The values behind the model's outputs, in the order of `predict`."""
    graph = outline.graph
    found: list[Value] = []
    for name in outline.outputs():
        if name in graph and graph.node(name).op.role == "output":
            found.append(_source(graph, name))
        elif name in graph:
            found.append(_prediction(graph, name))
        else:
            losses = [n.id for n in graph.ordered() if n.op.role == "loss"]
            found.append(next(_prediction(graph, id) for id in losses if _wired(graph, id)))
    return found


def _wired(graph: Graph, id: str) -> bool:
    return bool(graph.wires_in(id, graph.node(id).op.ports_in()[0].name))


def _prediction(graph: Graph, id: str) -> Value:
    wire = graph.wires_in(id, graph.node(id).op.ports_in()[0].name)[0]
    return wire.source, wire.output


def _operands(outline: Outline) -> list[Value]:
    """What losses and metrics read, less the columns of the data."""
    columns = _columns(outline)
    trained = [loss for phase in outline.model.phases for loss in phase.losses]
    scored = [*trained, *((path, "") for path in outline.scored())]
    return [value for value in operands(outline.graph, scored) if value not in columns]


def operands(graph: Graph, scored: Sequence[Value]) -> list[Value]:
    """Everything that these losses and metrics read; a loss inside the model is read itself."""
    found: list[Value] = []
    for path, port in scored:
        if graph.node(path).op.role in ("loss", "metric"):
            found += [(w.source, w.output) for w in graph.wires_in(path)]
        else:
            found.append((path, port))
    return list(dict.fromkeys(found))


def _state_names(outline: Outline, classes: Classes) -> dict[str, str]:
    """The ParamKey behind each name of the state_dict, in the order of the model.

    A tied weight has two names.
    """
    keys = [*outline.model.params, *outline.model.states]
    stored = {**{key: key for key in keys}, **outline.trace.ties}
    names = {key: _state_name(outline.graph, classes, key) for key in stored}
    return {name: stored[key] for key, name in names.items() if name}


def _state_name(graph: Graph, classes: Classes, key: str) -> str:
    """The name in the state_dict; empty when no class has the node."""
    parts, here = key.split("/"), graph
    names: list[str] = []
    while len(parts) > 1:
        first = parts.pop(0)
        op = here.node(first).op
        if (id(here), first) not in classes.made:
            return ""
        names.append(classes.attributes(here)[first])
        if isinstance(op, Defined):
            here = here.inside(op)
            if any(shared for _, shared in op.walks()):
                names.append(parts.pop(0))
        else:
            names.append(op.torch_state.get(parts[0], parts[0]))
    return ".".join(names)
