"""One open graph: its history, what is selected, and the views the canvas draws. No Qt.

Whoever shows the document subscribes to it. It changes only by edits, and it learns of them by the
history's own change event, so undo, paste, scripts and the pointer all take one path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from graph import edits
from graph.checks import check
from graph.checks.problem import Problem, View
from graph.define import RenameDefinition
from graph.edit import Edit
from graph.graph import Graph, Wire
from graph.history import Change, History
from graph.rules import uses
from graph.shapes import Shapes
from graph.subgraph import Subgraph
from gui.canvas.describe import canvas_view
from gui.canvas.geometry import Measure, node_box
from gui.canvas.layout import arrange, is_unplaced
from gui.canvas.view_model import CanvasView, NodeView, Preview, Severity, WireView

WireEnds = tuple[str, int, str, int]


@dataclass(frozen=True)
class DocumentChange:
    """What is new: only the places of `moved` nodes, or the `view` as a whole; the `selection` of
    nodes or wires; the `problems`.

    `title` names the step of the undo menu that brought it.
    """

    view: bool = False
    moved: frozenset[str] = frozenset()
    selection: bool = False
    problems: bool = False
    title: str = ""


Observer = Callable[[DocumentChange], None]


class Document:
    """A graph that is open in the window; `into` is the definition that is shown ("": the graph).

    Nodes that nobody has placed are laid out at once; that is no step of the history.
    """

    def __init__(self, graph: Graph, measure: Measure, path: Path | None = None) -> None:
        self.graph, self.path, self.into = graph, path, ""
        self.name = ""  # shown until there is a path
        self.folder = path.parent if path else Path.cwd()  # where relative paths start
        self.history = History(graph)
        self.selection: frozenset[str] = frozenset()
        self.selected_wires: frozenset[Wire] = frozenset()
        self.checked = View.of(graph)  # shapes, and what `can_connect` wants
        self.problems: tuple[Problem, ...] = check(graph, self.checked)
        self._measure = measure
        self._observers: list[Observer] = []
        self._previews: Mapping[str, Preview] = {}
        self._routes: dict[WireEnds, WireView] = {}  # lanes and portals of the layout
        self.view = self._opened()
        self.history.subscribe(self._changed)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after every change; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def push(self, edit: Edit, key: str = "") -> None:
        """Change the graph; see History.push. Raises EditError."""
        self.history.push(edit, key)

    def undo(self) -> bool:
        """Take the last step back; False when there is none."""
        return self.history.undo()

    def redo(self) -> bool:
        """Do the last undone step again; False when there is none."""
        return self.history.redo()

    def select(self, ids: Iterable[str], wires: Iterable[Wire] = ()) -> None:
        """Select these nodes and wires of the drawing shown, and no others."""
        chosen = frozenset(id for id in ids if id in self.view.by_id)
        picked = frozenset(wires) & frozenset(self.wires)
        if (chosen, picked) != (self.selection, self.selected_wires):
            self.selection, self.selected_wires = chosen, picked
            self._tell(DocumentChange(selection=True))

    def enter(self, into: str) -> None:
        """Show a definition, or with "" the graph itself."""
        self.into, self.selection, self.selected_wires = into, frozenset(), frozenset()
        self._routes.clear()
        self.view = self._opened()
        self._tell(DocumentChange(view=True, selection=True))

    def show_previews(self, previews: Mapping[str, Preview]) -> None:
        """Draw previews inside nodes, by node id."""
        self._previews = previews
        self.view = self._arranged() if self._laid_out else self._described()
        self._tell(DocumentChange(view=True))

    @property
    def shapes(self) -> Shapes:
        """Shapes, weights and cost of every node, by NodePath."""
        return self.checked.shapes

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the drawing shown: row by row those of `view.wires`."""
        return tuple(self.drawing.wires())

    @property
    def drawing(self) -> Graph:
        """The graph or definition that is shown."""
        return self.graph.drawing(self.into)

    @property
    def title(self) -> str:
        """What a tab shows."""
        return self.path.stem if self.path else self.name or "Untitled"

    def _opened(self) -> CanvasView:
        view = self._described()
        self._laid_out = is_unplaced(view)
        return self._arranged() if self._laid_out else view

    def _arranged(self) -> CanvasView:
        """The layout by measure; done again when previews come before anybody has changed it."""
        self._routes = {}
        view = self._described()
        view = arrange(view, {node.id: node_box(node, self._measure) for node in view.nodes})
        places = [(node.id, node.x, node.y) for node in view.nodes]
        places += [(note.id, note.x, note.y) for note in view.notes]
        drawn = self.drawing.frames
        frames = tuple(
            edits.SetFrame(
                replace(drawn[f.id], x=f.x, y=f.y, width=f.width, height=f.height), into=self.into
            )
            for f in view.frames
        )
        # not through the history: no step holds places of a drawing that had none
        edits.Batch((edits.Move(tuple(places), into=self.into), *frames)).apply(self.graph)
        self._routes = {
            _ends(wire): wire for wire in view.wires if wire.portal or wire.lane is not None
        }
        return view

    def _described(self) -> CanvasView:
        view = canvas_view(self.drawing, self._previews, self._marks())
        routes = self._routes
        if not routes:
            return view
        wires = (_routed(wire, routes.get(_ends(wire))) for wire in view.wires)
        return replace(view, wires=tuple(wires))

    def _changed(self, change: Change) -> None:
        self._laid_out = False
        sets = change.edit.sets()
        here = {id for into, id in change.edit.touched() if into == self.into}
        kinds = {part[0] for part in sets} if sets is not None else {"other"}
        if kinds <= {"place"} and here <= self.view.by_id.keys():
            self.view = self._moved(here)
            self._tell(DocumentChange(moved=frozenset(here), title=change.title))
            return
        if self.into and self.into not in self.graph.definitions:
            self._left(change.edit)
        before = self.problems
        self.checked = View.of(self.graph)
        self.problems = check(self.graph, self.checked)
        self.view = self._described()
        lost = self.selection - self.view.by_id.keys()
        cut = self.selected_wires - frozenset(self.wires) if self.selected_wires else frozenset()
        self.selection, self.selected_wires = self.selection - lost, self.selected_wires - cut
        self._tell(
            DocumentChange(
                view=True,
                selection=bool(lost or cut),
                problems=self.problems != before,
                title=change.title,
            )
        )

    def _left(self, edit: Edit) -> None:
        """The definition shown is gone: follow its new name, or go to the graph."""
        renamed = edit.new if isinstance(edit, RenameDefinition) else ""
        self.into = renamed
        if not renamed:
            self._routes.clear()

    def _marks(self) -> dict[str, Severity]:
        """The worst problem of each node shown; those inside a definition mark its instances."""
        worst: dict[str, Severity] = {}  # by definition
        marks: dict[str, Severity] = {}
        for problem in self.problems:
            id = problem.path.rpartition("/")[2].rpartition(":")[2]
            place, key = (marks, id) if problem.definition == self.into else (worst, "")
            key = key or problem.definition
            if key and place.get(key) != "error":
                place[key] = problem.severity
        if worst:
            for node in self.drawing:
                if isinstance(node.op, Subgraph):
                    within = _within(self.graph, node.op.definition)
                    inner = {worst.get(name, "") for name in within}
                    marks[node.id] = max(inner | {marks.get(node.id, "")}, key=_SEVERITY.index)
        return marks

    def _moved(self, ids: set[str]) -> CanvasView:
        """The view with some nodes at their new places; only wires between them keep lanes."""
        by: dict[str, float] = {}
        nodes: list[NodeView] = []
        for node in self.view.nodes:
            if node.id in ids:
                now = self.drawing.node(node.id)
                by[node.id] = now.y - node.y
                node = replace(node, x=now.x, y=now.y)
            nodes.append(node)
        wires = tuple(_carried(wire, by) for wire in self.view.wires)
        self._routes = {_ends(w): w for w in wires if w.portal or w.lane is not None}
        return replace(self.view, nodes=tuple(nodes), wires=wires)

    def _tell(self, change: DocumentChange) -> None:
        for observer in tuple(self._observers):
            observer(change)


_SEVERITY: tuple[Severity, ...] = ("", "warning", "error")


def _within(graph: Graph, definition: str) -> set[str]:
    """A definition and all that stand inside it."""
    found, pending = set[str](), [definition]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(uses(graph.definitions[name]))
    return found


def _ends(wire: WireView) -> WireEnds:
    return wire.source, wire.output, wire.target, wire.input


def _routed(wire: WireView, route: WireView | None) -> WireView:
    return replace(wire, lane=route.lane, portal=route.portal) if route else wire


def _carried(wire: WireView, by: Mapping[str, float]) -> WireView:
    """A wire after nodes moved by so much: its lane goes along when both of its ends did."""
    if wire.lane is None or not (wire.source in by or wire.target in by):
        return wire
    if wire.source in by and by[wire.source] == by.get(wire.target):
        return replace(wire, lane=wire.lane + by[wire.source])
    return replace(wire, lane=None)
