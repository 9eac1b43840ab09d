"""The way from the graph to the drawing shown, and what its nodes have to say of others. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from graph.checks.problem import Problem
from graph.define import RenameDefinition
from graph.edit import Edit
from graph.edits import Batch
from graph.graph import Graph
from graph.rules import uses
from graph.subgraph import Defined
from gui.canvas.view_model import Severity

_SEVERITY: tuple[Severity, ...] = ("", "warning", "error")


class Trail:
    """Names of drawings, "" (the graph) first; each is used by the one before it, where it can.

    `nodes` are the ids of the instances by which those after the first were entered, "" where
    nobody said.
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ("",)
        self.nodes: tuple[str, ...] = ()

    def enter(self, graph: Graph, into: str, node: str = "") -> None:
        """Go to a drawing: back along the trail, one step on, or by the shortest way there.

        `node` is the instance that was entered. Raises KeyError when there is no such definition.
        """
        graph.drawing(into)
        known = dict(zip(self.names[1:], self.nodes, strict=True)) | ({into: node} if node else {})
        self._go(graph, into)
        self.nodes = tuple(known.get(name, "") for name in self.names[1:])

    def _go(self, graph: Graph, into: str) -> None:
        if into in self.names:
            self.names = self.names[: self.names.index(into) + 1]
        elif into in uses(graph.drawing(self.names[-1])):
            self.names = (*self.names, into)
        else:
            self.names = _way(graph, into)

    def follow(self, edit: Edit, graph: Graph) -> None:
        """After an edit: definitions keep their place under a new name; those gone are left."""
        for old, new in _renames(edit):
            self.names = tuple(new if name == old else name for name in self.names)
        known = [not name or name in graph.definitions for name in self.names]
        if not all(known):
            self.names = self.names[: known.index(False)]
            self.nodes = self.nodes[: len(self.names) - 1]

    def prefix(self, graph: Graph) -> str:
        """What stands before the ids of the drawing shown in NodePaths: the way it was entered, of
        repetitions the first; "" where nothing uses the drawing.
        """
        path = ""
        for outer, inner, id in zip(self.names, self.names[1:], self.nodes, strict=False):
            drawing = graph.drawing(outer)
            nodes = (drawing.node(id),) if id in drawing else ()
            for node in chain(nodes, drawing):
                if isinstance(node.op, Defined) and node.op.definition == inner:
                    path += f"{node.id}{next(node.op.walks())[0]}/"
                    break
            else:
                return ""
        return path


def _renames(edit: Edit) -> Iterable[tuple[str, str]]:
    if isinstance(edit, RenameDefinition):
        yield edit.old, edit.new
    elif isinstance(edit, Batch):
        for one in edit.edits:
            yield from _renames(one)


def _way(graph: Graph, into: str) -> tuple[str, ...]:
    """The shortest way from the graph; straight there when nothing uses the definition."""
    ways: list[tuple[str, ...]] = [("",)]
    seen = {""}
    for way in ways:  # grows as it goes
        for name in sorted(uses(graph.drawing(way[-1])) - seen):
            if name == into:
                return (*way, name)
            seen.add(name)
            ways.append((*way, name))
    return "", into


def marks(graph: Graph, problems: Iterable[Problem], into: str) -> dict[str, Severity]:
    """The worst problem of each node of a drawing; those inside a definition mark its instances."""
    worst: dict[str, Severity] = {}  # by definition
    found: dict[str, Severity] = {}
    for problem in problems:
        id = problem.path.rpartition("/")[2].rpartition(":")[2]
        place, key = (found, id) if problem.definition == into else (worst, problem.definition)
        if key and place.get(key) != "error":
            place[key] = problem.severity
    if worst:
        for node in graph.drawing(into):
            if isinstance(node.op, Defined):
                inner = {worst.get(name, "") for name in _within(graph, node.op.definition)}
                mark = max(inner | {found.get(node.id, "")}, key=_SEVERITY.index)
                if mark:
                    found[node.id] = mark
    return found


def _within(graph: Graph, definition: str) -> set[str]:
    """A definition and all that stand inside it."""
    found, pending = set[str](), [definition]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(uses(graph.definitions[name]))
    return found
