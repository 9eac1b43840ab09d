"""Functions of a NumPy file for scanned cells: one step, its gradient, and the walks over time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import (
    LONGEST_NAME,
    WIDTH,
    Namespace,
    docstring,
    free_names,
    identifier,
)
from graph.export.readable import Rows, readable
from graph.export.symbolic import Generic
from graph.export.writer import Use, Writer
from graph.graph import Graph
from graph.primitives.scan import real_states, stepped
from graph.program import Row
from graph.subgraph import Defined, Scan

HELPERS = (
    '''
def scan_cell(cell, states, series, shared=(), reverse=False):
    """Calls the cell at each step of the series (N×T×…): the last states, then all it keeps."""
    steps, kept = range(series[0].shape[1]), []
    for t in reversed(steps) if reverse else steps:
        states, values = cell(*states, *(x[:, t] for x in series), *shared)
        kept.append(values)
    ordered = kept[::-1] if reverse else kept
    return (*states, *(np.stack(values, axis=1) for values in zip(*ordered)))
''',
    '''
def scan_cell_grad(cell, cell_grad, states, series, shared, d_states, d_kept, reverse=False):
    """Gradients to states, series and shared values, from those to the last states and the kept.

    States of integers are handed on and have none.
    """
    steps = list(range(series[0].shape[1]))[:: -1 if reverse else 1]
    trail = [states]
    for t in steps[:-1]:
        trail.append(cell(*trail[-1], *(x[:, t] for x in series), *shared)[0])
    d_series, d_shared = {}, None
    for t, before in zip(steps[::-1], trail[::-1]):
        given = *before, *(x[:, t] for x in series), *shared, *d_states, *(d[:, t] for d in d_kept)
        found, d_series[t], now = cell_grad(*given)
        d_states = [d for d, state in zip(found, before) if state.dtype.kind == "f"]
        d_shared = now if d_shared is None else [a + b for a, b in zip(d_shared, now)]
    ordered = [d_series[t] for t in sorted(d_series)]
    return (*found, *(np.stack(values, axis=1) for values in zip(*ordered)), *d_shared)
''',
)


FORTH = "A step of {}: its new states, and what is kept."
BACK = "Gradients of a step of {}: to its states, its steps of series, what all steps share."


@dataclass(frozen=True)
class Called:
    """What stands in a row in the place of a body: the name of its function, and how many of its
    inputs are states (`real` of them of real numbers), steps of series and shared values; `outputs`
    are words for what it gives.
    """

    name: str
    states: int
    real: int
    series: int
    shared: int
    outputs: tuple[str, ...]


@dataclass
class Cells:
    """The functions of the cells of one file; equal ones are written once.

    `dialect` turns a row into an expression.
    """

    graph: Graph
    taken: frozenset[str]
    dialect: Callable[[Use], Expression]
    cast: str
    names: dict[str, list[str]] = field(init=False)  # those that the scan at a path may still take
    known: dict[tuple[str, ...], str] = field(default_factory=dict)
    written: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        scope = Namespace(self.taken)
        self.names = {}
        for path, op in _scans(self.graph, self.graph, ""):
            stem = scope.new(op.definition)
            self.names[path] = [stem, scope.take(f"{stem}_training")]
            self.taken |= {scope.take(f"{name}_grad") for name in self.names[path]}
        self.taken |= {name for names in self.names.values() for name in names}

    def called(self, program: Generic) -> Generic:
        """The program with functions in the place of bodies, which are written here."""
        rows = tuple(self._row(row) for row in program.program.rows)
        return replace(program, program=replace(program.program, rows=rows, _hash=0))

    def _row(self, row: Row) -> Row:
        if row.op not in ("scan", "scan_grad"):
            return row
        attrs = dict(row.attrs)
        body, count = cast("Generic", attrs["body"]), cast("int", attrs["carries"])
        inputs = [given.key for given in body.program.inputs]
        timed, real = stepped(body.program), len(real_states(body.program, count))
        shared = len(inputs) - count - timed
        words = [key.partition(":")[2] for key, _ in body.program.outputs]
        lines = self._function(row.path, body, (count,), FORTH)
        name = self._named(row.path, lines)
        attrs["body"] = Called(name, count, real, timed, shared, tuple(words))
        if row.op == "scan_grad":
            wanted = cast("tuple[int, ...]", attrs["wanted"])
            cuts = sum(k < count for k in wanted), sum(k < count + timed for k in wanted)
            back = self._function(row.path, cast("Generic", attrs["back"]), cuts, BACK)
            self._write(f"{name}_grad", back)
            words = [_word(row.path, inputs[k]) for k in wanted]
            attrs["back"] = Called(f"{name}_grad", count, real, timed, shared, tuple(words))
        return row._replace(attrs=tuple(attrs.items()))

    def _named(self, path: str, lines: list[str]) -> str:
        """The name of the function of these lines, which are written if they are new."""
        key = tuple(lines)
        if key not in self.known:
            self.known[key] = self.names[path].pop(0)
            self._write(self.known[key], lines)
        return self.known[key]

    def _write(self, name: str, lines: list[str]) -> None:
        made = [lines[0].replace("NAME", name, 1), *lines[1:]]
        if made not in self.written:
            self.written.append(made)

    def _function(self, path: str, body: Generic, cuts: Sequence[int], about: str) -> list[str]:
        """A function of the body's inputs; what it gives comes in groups, parted at `cuts`."""
        body = self.called(body)
        program, scope = body.program, Namespace(self.taken | {"n"})
        arguments = {i.value: scope.new(_word(path, i.key)) for i in program.inputs}
        roots = [value for _, value in program.outputs]
        rows = readable(body, roots)
        writer = self._writer(path, rows, scope, arguments)
        lines = [line for block in writer.write(roots) for line in block.lines]
        results = [ex.text(writer.value(value)) for value in roots]
        groups = [
            results[start:end] for start, end in zip((0, *cuts), (*cuts, len(results)), strict=True)
        ]
        together = ex.parse(", ".join(map(_tuple, groups)))
        lines += ex.statement("return ", together, "    ")
        if "n" in free_names("\n".join(lines)):
            lines = [f"    n = len({next(iter(arguments.values()))})", *lines]
        title = docstring(path.rpartition("/")[2])
        head = _head(", ".join(arguments.values()))
        return ex.lines_of([*head, f'    """{about.format(title)}"""', *lines], path)

    def _writer(
        self, path: str, rows: Rows, scope: Namespace, arguments: Mapping[int, str]
    ) -> Writer:
        given = {value: ex.name(name) for value, name in arguments.items()}
        inside = f"{path}/"
        return Writer(
            rows,
            self.dialect,
            self.cast,
            scope,
            given,
            {},
            lambda place: identifier(place.removeprefix(inside)) if place else "value",
        )


def _scans(root: Graph, drawing: Graph, prefix: str) -> Iterator[tuple[str, Scan]]:
    """Every scan by its path."""
    for node in drawing:
        if isinstance(node.op, Defined) and node.op.definition in root.definitions:
            if isinstance(node.op, Scan):
                yield prefix + node.id, node.op
            for own, _ in node.op.walks():
                inner = root.definitions[node.op.definition]
                yield from _scans(root, inner, f"{prefix}{node.id}{own}/")


def _word(path: str, key: str) -> str:
    """A name for an input of a cell: `carry:h` → h, `param:scan/wx/weight` → wx_weight."""
    kind, _, rest = key.partition(":")
    if kind == "gradient":
        return f"d_{identifier(rest.partition(':')[2])}"
    return identifier(rest.removeprefix(f"{path}/"))


def _head(arguments: str) -> list[str]:
    """The first line of a function, or lines where it is long."""
    if len(arguments) < WIDTH - 2 * LONGEST_NAME:
        return [f"def NAME({arguments}):"]
    inside = textwrap.indent("\n".join(textwrap.wrap(f"{arguments},", WIDTH - 4)), "    ")
    return ["def NAME(", *inside.split("\n"), "):"]


def _tuple(parts: Iterable[str]) -> str:
    found = list(parts)
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"


def _groups(count: int, *sizes: int) -> list[str]:
    """The places of operands in tuples of these sizes; the last takes what is left."""
    found, start = [], 0
    for size in sizes:
        found.append(_tuple(f"{{{k}}}" for k in range(start, start + size)))
        start += size
    found.append(_tuple(f"{{{k}}}" for k in range(start, count)))
    return found


def _scan(use: Use) -> Expression:
    cell = cast("Called", use.attr("body"))
    states, series, shared = _groups(len(use.operands), cell.states, cell.series)
    parts = [cell.name, states, series, *([shared] if cell.shared else [])]
    return _call(use, "scan_cell", parts, len(cell.outputs))


def _scan_grad(use: Use) -> Expression:
    cell, back = cast("Called", use.attr("body")), cast("Called", use.attr("back"))
    sizes = cell.states, cell.series, cell.shared, cell.real
    parts = [cell.name, back.name, *_groups(len(use.operands), *sizes)]
    return _call(use, "scan_cell_grad", parts, len(back.outputs))


def _call(use: Use, name: str, parts: Sequence[str], outputs: int) -> Expression:
    turned = ["reverse=True"] if use.attr("reverse") else []
    text = f"{name}({', '.join([*parts, *turned])})"
    return ex.fill(text if outputs > 1 else f"{text}[0]", use.operands, {})


EXPRESSIONS: dict[str, Callable[[Use], Expression]] = {"scan": _scan, "scan_grad": _scan_grad}
