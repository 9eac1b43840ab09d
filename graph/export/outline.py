"""What both Python targets need to know of a graph: names of its values, its inputs and outputs.

Nodes are named once for the whole file, so the forward pass, the gradients and the comments agree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from graph.export import numpy_rows
from graph.export.finish import Finishers
from graph.export.monitors import Monitors
from graph.export.names import Namespace, identifier, visible
from graph.export.numpy_cells import Cells
from graph.export.symbolic import BATCHES, ExportError, Generic
from graph.graph import Graph, Node
from graph.kinds import DataSource, Follower
from graph.lower import LowerError, Model, Phase
from graph.ops.metric import metric_names
from graph.primitives.table import text as shape_text
from graph.program import Program, Shape, TensorType
from graph.trace import Trace, trace
from graph.training import Stopping


@dataclass
class Outline:
    """A graph with the names its parts have in the generated file.

    `taken` are names that the file uses for itself, among them those of `finishers` and `cells`.
    """

    graph: Graph
    taken: frozenset[str]
    programs: dict[tuple[str, str], Generic] = field(default_factory=dict)
    finishers: Finishers = field(init=False)
    cells: Cells = field(init=False)

    def __post_init__(self) -> None:
        self.finishers = Finishers((node.op for node in self.graph), self.taken)
        self.taken |= set(self.finishers.names.values())
        self.cells = Cells(self.graph, self.taken, numpy_rows.express, numpy_rows.CAST)
        self.taken = self.cells.taken

    @cached_property
    def model(self) -> Model:
        """The graph ready to be lowered."""
        return Model(self.graph)

    @cached_property
    def trace(self) -> Trace:
        """Every node built for evaluation. Raises LowerError when one refuses."""
        found = trace(self.graph, "evaluate", BATCHES[0])
        if found.refusals:
            raise LowerError(found.refusals)
        return found

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Nodes by NodePath, those inside definitions for each instance."""
        return dict(self.trace.nodes)

    @cached_property
    def data_nodes(self) -> dict[str, DataSource]:
        """Data sources by path."""
        return {p: n.op for p, n in self.nodes.items() if isinstance(n.op, DataSource)}

    @cached_property
    def optimizers(self) -> list[str]:
        """Paths of the optimizers, in the order their phases run."""
        return [path for phase in self.model.phases for path, _ in phase.owned]

    @cached_property
    def followers(self) -> dict[str, Follower]:
        """Schedules that follow a score, those that an optimizer has."""
        used = {w.source for path in self.optimizers for w in self.graph.wires_in(path, "schedule")}
        return {path: op for path, op in self.model.followers.items() if path in used}

    @property
    def held_out(self) -> bool:
        """Whether scores are of validation samples; else there is the mean loss of the epoch."""
        return self.graph.training.split.validation > 0

    @cached_property
    def monitors(self) -> Monitors:
        """The scores that schedules and early stopping follow."""
        found = Monitors(self.model, self.evaluation if self.held_out else None)
        for path, op in self.followers.items():
            if error := found.follow(op.monitor, "follow"):
                raise ExportError(f"{path}: {error}")
        rule = self.stopping
        if rule and (error := found.follow(rule.monitor, "stop early by")):
            raise ExportError(error)
        return found

    @cached_property
    def stopping(self) -> Stopping | None:
        """The rule by which training stops early or keeps its best weights; None without one."""
        rule = self.graph.training.stopping
        return rule if rule.watches else None

    def slot_names(self, path: str) -> list[str]:
        """Names of the running arrays of an optimizer."""
        keys = [key for key in self.model.slots if key.startswith(f"{path}/")]
        return list(dict.fromkeys(key.split("/")[1] for key in keys))

    def slot_text(self, slot: str) -> str:
        """Where a NumPy file keeps a running array: `slots['layer/weight'][1]`."""
        path, name, key = slot.split("/", 2)
        place = repr(key) if len(self.optimizers) == 1 else f"{path!r}, {key!r}"
        return f"slots[{place}][{self.slot_names(path).index(name)}]"

    # ---- names

    @cached_property
    def stems(self) -> dict[str, str]:
        """A unique identifier for every NodePath, from what people called the node."""
        scope = Namespace(self.taken | set(self.arguments.values()))
        return {path: scope.new(self._title(path, node)) for path, node in self.nodes.items()}

    def _title(self, path: str, node: Node) -> str:
        outer, _, _ = path.rpartition("/")
        return f"{outer}/{node.label}" if outer else node.label

    def node_comment(self, path: str) -> str:
        """One line that says which node some lines belong to."""
        node = self.nodes[path]
        title, kind = visible(self._title(path, node)), type(node.op).__name__
        return title if identifier(title) == identifier(kind) else f"{title}: {kind}"

    @cached_property
    def arguments(self) -> dict[str, str]:
        """A name for every column (`node.port`) that comes from outside, data nodes' first."""
        data = [(p, port.name) for p, op in self.data_nodes.items() for port in op.ports_out()]
        known = {f"{path}.{port}" for path, port in data}
        free = [i.key for i in self.trace.builder.inputs if i.kind == "batch"]
        scope, found = Namespace(self.taken), {}
        ports = [port for _, port in data]
        for path, port in data:
            full = port if ports.count(port) == 1 else f"{self.nodes[path].label} {port}"
            found[f"{path}.{port}"] = scope.new(full)
        for key in free:
            if key not in known:
                found[key] = scope.new(self.nodes[key.rpartition(".")[0]].label)
        return found

    @cached_property
    def column_types(self) -> dict[str, TensorType]:
        """One sample of every column of the data nodes."""
        return {
            f"{path}.{port}": kind
            for path, op in self.data_nodes.items()
            for port, kind in op.sample_types().items()
        }

    @cached_property
    def _ports(self) -> Counter[str]:
        """How many values each node has."""
        return Counter(path for path, _ in self.trace.values)

    def _value(self, path: str, port: str) -> str:
        return (
            self.stems[path] if self._ports[path] == 1 else identifier(f"{self.stems[path]}_{port}")
        )

    def key_name(self, key: str) -> str:
        """The name of a parameter: `conv1/weight` → `conv1_weight`."""
        owner, _, last = key.rpartition("/")
        return f"{self.stems.get(owner) or identifier(owner)}_{identifier(last)}"

    @cached_property
    def live_names(self) -> dict[str, str]:
        """The constant of each live setting: `LEARNING_RATE`, with its node where there are two."""
        scope, found = Namespace(self.taken), {}
        settings = [key.rpartition("/")[2] for key in self.model.live]
        for key in self.model.live:
            path, _, setting = key.rpartition("/")
            plain = settings.count(setting) == 1 and len(setting) > 1
            full = setting if plain else f"{self.stems[path]}_{setting}"
            found[key] = scope.take(identifier(full).upper())
        return found

    # ---- programs

    @cached_property
    def watch(self) -> frozenset[str]:
        """Watches that name every value of a program without gradients."""
        return frozenset(f"value:{path}.{port}" for path, port in self.trace.values)

    @cached_property
    def gradient_watch(self) -> frozenset[str]:
        """Watches that name every value and every gradient of a training program."""
        real = (key for key, t in self.trace.values.items() if t.dtype == "real")
        keys = {f"gradient:{path}.{port}" for path, port in real}
        return self.watch | keys | {f"gradient:{key}" for key in self.model.params}

    def value_names(self, program: Program) -> dict[int, str]:
        """Names of the values that are outputs of nodes, and of their gradients."""
        outputs = dict(program.outputs)
        names: dict[int, str] = {}
        for path, port in self.trace.values:
            names.setdefault(outputs.get(f"value:{path}.{port}", -1), self._value(path, port))
        for key in self.model.params:
            name = f"d_{self.key_name(key)}"
            names.setdefault(outputs.get(f"gradient:{key}", -1), name)
        for path, port in self.trace.values:
            found = outputs.get(f"gradient:{path}.{port}", -1)
            names.setdefault(found, f"d_{self._value(path, port)}")
        names.pop(-1, None)
        for item in program.inputs:
            names.pop(item.value, None)
        return names

    @cached_property
    def predict(self) -> Program:
        """The prediction program for a batch nobody has."""
        return self.model.program("predict", BATCHES[0])

    @cached_property
    def trains(self) -> bool:
        """Whether the file can train: there is an optimizer, and data for all it needs."""
        if not self.data_nodes or not self.model.phases:
            return False
        return all(key in self.column_types for key in self.arguments)

    def inputs(self) -> list[str]:
        """Columns that a prediction reads, in the order of the graph."""
        read = {i.key for i in self.predict.inputs if i.kind == "batch"}
        return [key for key in self.arguments if key in read]

    def outputs(self) -> list[str]:
        """Names of the model's outputs in the order it gives them, each value once."""
        first: dict[int, str] = {}
        for name, value in self.predict.outputs:
            first.setdefault(value, name.removeprefix("outputs/"))
        return list(first.values())

    def counted_losses(self) -> list[str]:
        """Losses that an evaluation adds up, as `graph.lower` does."""
        losses = [p for p, node in self.nodes.items() if node.op.role == "loss" and p in self.graph]
        return [path for path in losses if f"loss/{path}" in dict(self.evaluation.outputs)]

    def scored(self) -> list[str]:
        """Losses and metrics that the file computes."""
        return [*self.counted_losses(), *self.metrics()]

    def metrics(self) -> list[str]:
        """Paths of the metrics that an evaluation gives."""
        names = [name for name, _ in self.evaluation.outputs]
        return [name.removeprefix("metric/") for name in names if name.startswith("metric/")]

    @cached_property
    def evaluation(self) -> Program:
        """The evaluation program for a batch nobody has."""
        return self.model.program("evaluate", BATCHES[0])

    def metric_name(self, path: str) -> str:
        """What an evaluation calls a metric: its kind, with its node where two are of a kind."""
        words = {identifier(p): self.nodes[p].op for p in self.metrics()}
        return metric_names(words)[identifier(path)]

    def summary(self) -> str:
        """`prediction N×10 for image N×1×8×8`, for the docstring of the model."""
        program = self.predict
        types = {i.key: program.types[i.value] for i in program.inputs}
        takes = [f"{self.arguments[key]} {_shape(types[key].shape)}" for key in self.inputs()]
        shapes = {
            name.removeprefix("outputs/"): _shape(program.types[value].shape)
            for name, value in program.outputs
        }
        names = self.outputs()
        gives = [f"{visible(k) if len(names) > 1 else 'prediction'} {shapes[k]}" for k in names]
        return f"{', '.join(gives)} for {', '.join(takes) or 'no input'}."

    def scores(self, program: Program) -> dict[str, int]:
        """What an evaluation reports, by name: the loss and the metrics, and what is followed."""
        outputs = dict(program.outputs)
        found = {"loss": outputs["loss"]} if "loss" in outputs else {}
        found |= {n: outputs[f"loss/{path}"] for n, path in self.monitors.parts().items()}
        return found | {self.metric_name(p): outputs[f"metric/{p}"] for p in self.metrics()}

    def step_name(self, phase: Phase) -> str:
        """The function that does one step of a phase."""
        if len(self.model.phases) == 1:
            return "train_step"
        return "_".join(["step", *(self.stems[path] for path, _ in phase.owned)])

    def iterations(self, phase: Phase) -> list[str]:
        """Which counters a step of the phase reads, in a fixed order."""
        program = self.model.program(phase.name, BATCHES[0])
        read = {i.key for i in program.inputs if i.kind == "iteration"}
        noisy = any(row.op == "random_uniform" for row in program.rows)
        wanted = read | ({"step"} if noisy else set())
        return [name for name in ("step", "epoch", "steps") if name in wanted]


def _shape(shape: Shape) -> str:
    extents = ["N" if extent == BATCHES[0] else str(extent) for extent in shape]
    return "×".join(extents) if extents else shape_text(shape)
