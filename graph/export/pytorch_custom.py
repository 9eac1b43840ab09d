"""Node types that bring no PyTorch text, written from their rows: a function, or a small module.

So a node type that was added in one file is exported like every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from graph.export import expression as ex
from graph.export.names import Namespace, docstring, free_names, literal
from graph.export.pytorch_rows import dialect, keep
from graph.export.readable import readable
from graph.export.symbolic import BATCHES, ExportError, Generic, generic
from graph.export.writer import Writer
from graph.graph import Node
from graph.op import Mode, Op
from graph.program import Program, TensorType, Update
from graph.simplify import simplify
from graph.tensor import Builder, Tensor
from graph.trace import Trace, build_node

Types = Mapping[str, Sequence[TensorType]]


@dataclass
class Customs:
    """The functions and modules written so far; equal ones are written once.

    `real` is the method that makes numbers of the model's precision: `float` or `double`.
    """

    names: Namespace
    real: str
    written: list[list[str]] = field(default_factory=list)
    known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def function(self, op: Op, types: Types) -> tuple[str, bool]:
        """(name, whether it is a module) of what computes `op` for operands of these types."""
        train, evaluate = (self._program(op, types, mode) for mode in ("train", "evaluate"))
        stored = [i for i in evaluate.program.inputs if i.kind in ("param", "state")]
        if stored or train.program.rows != evaluate.program.rows or train.program.updates:
            return self.named(op, self._module(op, types, train, evaluate), "class"), True
        return self.named(op, self._plain(op, evaluate), "def"), False

    def named(self, op: Op, body: list[str], word: str) -> str:
        """The name of a function or class; `NAME` stands for it in the first line of `body`."""
        key = (word, type(op).__name__, *body)
        if key not in self.known:
            kind = type(op).__name__
            fresh = self.names.new_class(kind) if word == "class" else self.names.new(kind)
            self.known[key] = fresh
            self.written.append([body[0].replace("NAME", fresh, 1), *body[1:]])
        return self.known[key]

    def _program(self, op: Op, types: Types, mode: Mode) -> Generic:
        return generic(lambda batch: simplify(_alone(op, types, mode, batch)), keep)

    def _plain(self, op: Op, program: Generic) -> list[str]:
        names = _arguments(program.program)
        return [
            f"def NAME({', '.join(names.values())}):",
            f'    """{docstring(op.tip())}"""',
            *self._body(op, program, names, "    "),
        ]

    def _body(self, op: Op, program: Generic, names: Mapping[int, str], indent: str) -> list[str]:
        """Statements and a return; updates of running values before it."""
        given = {value: ex.parse(text) for value, text in names.items()}
        for item in program.program.inputs:
            if item.kind == "live":
                number = op.live_settings()[item.key.rpartition("/")[2]]
                given[item.value] = ex.parse(literal(number))
            elif item.kind == "iteration":
                raise ExportError(f"{type(op).__name__}: found a layer that counts steps")
        updates = program.program.updates
        outputs = [value for _, value in program.program.outputs]
        roots = [*outputs, *(update.value for update in updates)]
        scope = Namespace({*names.values(), "n", "result"}, self.names)
        rows = readable(program, roots)
        cast = f"x.{self.real}()"
        writer = Writer(rows, dialect(self.real), cast, scope, given, {}, lambda _: "", indent)
        blocks = writer.write(roots)
        lines = [line for block in blocks for line in block.lines]
        results = ex.parse(", ".join(ex.text(writer.value(value)) for value in outputs))
        if updates:  # the outputs read the old running values
            lines += ex.statement("result = ", results, indent)
            results = ex.name("result")
        for update in updates:
            changed = ex.fill("{0}.detach()", [writer.value(update.value)], {})
            lines += ex.statement(f"self.{_last(update.key)} = ", changed, indent)
        lines += ex.statement("return ", results, indent)
        if "n" in free_names("\n".join(line.removeprefix(indent[4:]) for line in lines)):
            first = next(iter(names.values()), "x")
            lines = [f"{indent}n = len({first})", *lines]
        return lines

    def _module(self, op: Op, types: Types, train: Generic, evaluate: Generic) -> list[str]:
        flat = [kind for kinds in types.values() for kind in kinds]
        lines = ["class NAME(nn.Module):", f'    """{docstring(op.tip())}"""', ""]
        made = []
        for name, param in op.params(*flat).items():
            fill = "ones" if param.init == "ones" else "zeros" if param.init == "zeros" else "empty"
            shape = _shape(param.shape)
            made.append(f"        self.{name} = nn.Parameter(torch.{fill}({shape}))")
        for name, state in op.state(*flat).items():
            value = f"torch.{state.init}({_shape(state.shape)})"
            made.append(f'        self.register_buffer("{name}", {value})')
        if made:
            lines += ["    def __init__(self):", "        super().__init__()", *made, ""]
        names = _arguments(train.program)
        lines.append(f"    def forward({', '.join(['self', *names.values()])}):")
        bodies = [
            self._body(op, program, _stored(program.program, names), indent)
            for program, indent in ((evaluate, " " * 8), (train, " " * 12))
        ]
        same = [line.strip() for line in bodies[0]] == [line.strip() for line in bodies[1]]
        training = [] if same else ["        if self.training:", *bodies[1]]
        return [*lines, *training, *bodies[0]]


def _shape(shape: tuple[int, ...]) -> str:
    return literal(shape[0] if len(shape) == 1 else shape)


def _last(key: str) -> str:
    return key.rpartition("/")[2]


def _alone(op: Op, types: Types, mode: Mode, batch: int) -> Program:
    """The program of one node with its operands as inputs."""
    found = Trace(Builder(), mode, batch)
    operands: list[Tensor | list[Tensor] | None] = []
    for port in op.ports_in():
        made: list[Tensor] = []
        for number, kind in enumerate(types.get(port.name, ())):
            shape = tuple(batch if extent == BATCHES[0] else extent for extent in kind.shape)
            name = f"{port.name}{number}" if port.many else port.name
            made.append(found.builder.input("batch", name, replace(kind, shape=shape)))
        operands.append(made if port.many else (made[0] if made else None))
    with found.builder.at(type(op).__name__):
        results = build_node(found, Node("node", op.untied()), "node", "node", operands)
    together = results if isinstance(results, tuple) else (results,)
    outputs = {str(k): tensor for k, tensor in enumerate(together)}
    updates = [Update("state", key, value.id) for key, value, _ in found.updates]
    return found.builder.finish("node", outputs, updates, batch)


def _arguments(program: Program) -> dict[int, str]:
    """Names of the operands, in port order."""
    scope = Namespace({"self"})
    return {i.value: scope.new(i.key) for i in program.inputs if i.kind == "batch"}


def _stored(program: Program, operands: Mapping[int, str]) -> dict[int, str]:
    """Names of operands and of the module's own arrays; both modes number their inputs alike."""
    own = {i.value: f"self.{_last(i.key)}" for i in program.inputs if i.kind in ("param", "state")}
    names = list(operands.values())
    given = [i.value for i in program.inputs if i.kind == "batch"]
    return {**dict(zip(given, names, strict=True)), **own}
