"""One open graph: its history, what is selected, and the views the canvas draws. No Qt.

Whoever shows the document subscribes to it. It changes only by edits, and it learns of them by the
history's own change event, so undo, paste, scripts and the pointer all take one path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from graph import edits
from graph.checks import check
from graph.checks.problem import Problem, View
from graph.edit import Edit
from graph.files import named_file
from graph.graph import Graph, Wire
from graph.history import Change, History
from graph.shapes import Shapes
from gui.canvas.geometry import Measure, node_box
from gui.canvas.layout import arrange, is_unplaced
from gui.canvas.view_model import CanvasView, Preview
from gui.sheet import Sheet
from gui.trail import Trail, marks


class Dot(NamedTuple):
    """One of the dots that a wire is led through, counted from its source."""

    wire: Wire
    number: int


@dataclass(frozen=True)
class DocumentChange:
    """What is new: only the places of `moved` nodes or of dots on wires at them, or the `view` as a
    whole; the `selection` of nodes, wires or dots; the `problems`; `entered`: another drawing is
    shown.

    In a new view, nodes and wires that look as before are the same objects. `title` names the step
    of the undo menu that brought it.
    """

    view: bool = False
    moved: frozenset[str] = frozenset()
    selection: bool = False
    problems: bool = False
    entered: bool = False
    title: str = ""


Observer = Callable[[DocumentChange], None]


class Standing(NamedTuple):
    """What was shown and selected at one position of the history."""

    into: str
    selection: frozenset[str]
    things: frozenset[str]
    wires: frozenset[Wire]
    dots: frozenset[Dot]


class Document:
    """A graph that is open in the window; `into` is the definition that is shown ("": the graph).

    Nodes that nobody has placed are laid out at once; that is no step of the history. `cameras`
    keeps, by drawing, where its canvas was looked at: x, y, and rung of the zoom.
    """

    def __init__(
        self,
        graph: Graph,
        measure: Measure,
        path: Path | None = None,
        history: History | None = None,
    ) -> None:
        """`history` is that of the graph where it has steps already, after a recovery."""
        self.graph, self.path = graph, path
        self.name = ""  # shown until there is a path
        self.folder = path.parent if path else Path.cwd()  # where relative paths start
        self.allowed: frozenset[Path] = frozenset()  # files elsewhere that may be read
        self.history = history or History(graph)
        self.selection: frozenset[str] = frozenset()  # nodes
        self.selected_things: frozenset[str] = frozenset()  # frames and notes
        self.selected_wires: frozenset[Wire] = frozenset()
        self.selected_dots: frozenset[Dot] = frozenset()
        self.cameras: dict[str, tuple[float, float, int]] = {}
        self.checked = View(graph, live=True)  # shapes, and what `can_connect` wants
        self.problems: tuple[Problem, ...] = check(graph, self.checked)
        self.file_problems: tuple[Problem, ...] = ()  # those of `problems` that files have
        self._trail = Trail()
        self._measure = measure
        self._observers: list[Observer] = []
        self._stood: dict[int, Standing] = {}  # by position of the history
        self._position = self.history.position
        self._previews: dict[str, Mapping[str, Preview]] = {}  # by drawing
        self._open()
        self.history.subscribe(self._changed)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after every change; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def file(self, path: str) -> Path:
        """The file that a path in the graph means."""
        return named_file(self.folder, path)

    def allow(self, path: str) -> None:
        """The user wants this file to be read, wherever it lies."""
        self.allowed |= {self.file(path)}

    def push(self, edit: Edit, key: str = "") -> None:
        """Change the graph; see History.push. Raises EditError."""
        self.history.push(edit, key)

    def rebase(self, edit: Edit, translate: Callable[[Edit], Edit], title: str) -> None:
        """Change the graph by what is no step, and all steps with it; see History.rebase."""
        self.history.rebase(edit, translate)
        self._tell(self._edited(Change("settle", edit, title)))

    def undo(self) -> bool:
        """Take the last step back, with what was selected before it; False when there is none."""
        return self.history.undo()

    def redo(self) -> bool:
        """Do the last undone step again; False when there is none."""
        return self.history.redo()

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; `history.position` of them are done."""
        return self.history.titles

    def go_to(self, position: int) -> None:
        """Undo or redo until `position` steps are done."""
        self.history.go_to(position)

    def select(
        self, ids: Iterable[str], wires: Iterable[Wire] = (), dots: Iterable[Dot] = ()
    ) -> None:
        """Select these nodes, frames, notes, wires and dots of the drawing shown, and no others."""
        named = frozenset(ids)
        if self._choose(named, named, frozenset(wires), frozenset(dots)):
            self._tell(DocumentChange(selection=True))

    def _choose(
        self,
        ids: frozenset[str],
        things: frozenset[str],
        wires: frozenset[Wire],
        dots: frozenset[Dot],
    ) -> bool:
        """Select what is there of all these; whether the selection is another."""
        before = self._selected
        self.selection, self.selected_things = ids & self.view.by_id.keys(), self._things(things)
        self.selected_wires, self.selected_dots = self._there(wires), self._on_wires(dots)
        return self._selected != before

    @property
    def _selected(self) -> Standing:
        chosen = self.selected_things, self.selected_wires, self.selected_dots
        return Standing(self.into, self.selection, *chosen)

    def enter(self, into: str, node: str = "") -> None:
        """Show a definition, or with "" the graph itself. Raises KeyError when there is none.

        `node` is the instance that it is entered by, where that matters.
        """
        if into == self.into:
            return
        self._trail.enter(self.graph, into, node)
        self.selection = self.selected_things = frozenset()
        self.selected_wires, self.selected_dots = frozenset(), frozenset()
        self._open()
        self._tell(DocumentChange(view=True, selection=True, entered=True))

    def leave(self) -> None:
        """Show the drawing that this one was entered from."""
        if self.into:
            self.enter(self.trail[-2])

    @property
    def previews(self) -> Mapping[str, Preview]:
        """What is drawn inside nodes of the drawing shown, by node id."""
        return self.previews_of(self.into)

    def previews_of(self, into: str) -> Mapping[str, Preview]:
        """What is drawn inside nodes of a drawing, by node id."""
        return self._previews.get(into, {})

    def show_previews(self, previews: Mapping[str, Preview], into: str | None = None) -> None:
        """Draw previews inside nodes of a drawing (None: the one shown), by node id."""
        into = self.into if into is None else into
        self._previews[into] = previews
        if into != self.into:
            return
        self._sheet.show_previews(previews)
        if self._laid_out:
            self._arrange()
        self._tell(DocumentChange(view=True))

    @property
    def into(self) -> str:
        """The definition that is shown; "" for the graph itself."""
        return self._trail.names[-1]

    @property
    def prefix(self) -> str:
        """What stands before the ids of the drawing shown in NodePaths, as it was entered."""
        found = self._trail.prefix(self.graph)
        known = self.shapes.visits.get(self.into, ())
        return found if found in known else self.checked.spots[self.into].prefix

    @property
    def trail(self) -> tuple[str, ...]:
        """The drawings from the graph ("") to the one shown."""
        return self._trail.names

    @property
    def view(self) -> CanvasView:
        """What the canvas shows."""
        return self._sheet.view

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the drawing shown: row by row those of `view.wires`."""
        return self._sheet.wires

    @property
    def shapes(self) -> Shapes:
        """Shapes, weights and cost of every node, by NodePath."""
        return self.checked.shapes

    @property
    def drawing(self) -> Graph:
        """The graph or definition that is shown."""
        return self.graph.drawing(self.into)

    @property
    def title(self) -> str:
        """What a tab shows."""
        return self.path.stem if self.path else self.name or "Untitled"

    def _open(self) -> None:
        """Describe the drawing shown, and lay it out when nobody has placed its nodes."""
        worst = marks(self.graph, self.problems, self.into)
        self._sheet = Sheet(self.checked, self.into, worst, self.previews)
        self._laid_out = is_unplaced(self.view)
        if self._laid_out:
            self._arrange()

    def _arrange(self) -> None:
        """The layout by measure; done again when previews come before anybody has changed it."""
        view = self._sheet.plain
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
        self.history.settle(edits.Batch((edits.Move(tuple(places), into=self.into), *frames)))
        self._sheet.put(view)

    def _changed(self, change: Change) -> None:
        if change.kind == "settle":
            return
        before = self._selected
        self._laid_out = False
        told = self._moved(change) or self._edited(change)
        told = self._stand(change, before, told)
        self._tell(told)

    def _moved(self, change: Change) -> DocumentChange | None:
        """What to tell when only nodes shown, or dots on wires at them, have other places."""
        sets = change.edit.sets()
        here = {id for into, id in change.edit.touched() if into == self.into}
        elsewhere = len(here) < len(change.edit.touched())
        kinds = {part[0] for part in sets} if sets is not None else {"other"}
        strange = not kinds or kinds - {"place", "dots"} or elsewhere
        if strange or not here <= self.view.by_id.keys():
            return None
        self._sheet.move({part[2] for part in sets or () if part[0] == "place"})
        chosen = self._choose(*self._selected[1:])
        # remedies hold places of new nodes
        told = bool(self.problems) and self._check()
        return DocumentChange(
            moved=frozenset(here), selection=chosen, problems=told, title=change.title
        )

    def _edited(self, change: Change) -> DocumentChange:
        shown, drawing = self.into, self._sheet.drawing
        self._trail.follow(change.edit, self.graph)
        dirty = self.checked.update()
        problems = self._check()
        entered = self.into != shown
        if self._sheet.into != self.into or drawing is not self.drawing:
            self._open()
            told = DocumentChange(view=True, problems=problems, entered=entered)
        else:
            worst = marks(self.graph, self.problems, self.into)
            view = self._sheet.update(dirty.get(self.into, ()), worst)
            told = DocumentChange(view=view, problems=problems)
        return replace(told, selection=self._choose(*self._selected[1:]), title=change.title)

    def _check(self) -> bool:
        """Find the problems again; whether they are others."""
        before = self.problems
        found, names = check(self.graph, self.checked), {"": self.graph, **self.graph.definitions}
        files = (
            one
            for one in self.file_problems
            if one.path.rpartition("/")[2] in names.get(one.definition, ())
        )
        self.file_problems = tuple(files)
        both = (*found, *self.file_problems)
        self.problems = tuple(sorted(both, key=lambda one: one.severity != "error"))
        return self.problems != before

    def put_file_problems(self, found: tuple[Problem, ...]) -> None:
        """Tell what is wrong with files that nodes name beside what is wrong with the graph."""
        if found == self.file_problems:
            return
        self.file_problems = found
        problems = self._check()
        view = self._sheet.update((), marks(self.graph, self.problems, self.into))
        self._tell(DocumentChange(view=view, problems=problems))

    @property
    def refusal(self) -> Problem | None:
        """The first error of the graph itself; files may be in order again before anybody sees."""
        errors = (one for one in self.problems if one.severity == "error")
        return next((one for one in errors if one not in self.file_problems), None)

    def _stand(self, change: Change, before: Standing, told: DocumentChange) -> DocumentChange:
        """Keep what was shown and selected; an undo or a redo brings back what was then."""
        self._stood[self._position] = before
        self._position = self.history.position
        if change.kind == "push":
            for gone in [p for p in self._stood if p >= self._position]:
                del self._stood[gone]
            return told
        then = self._stood.get(self._position)
        if then is None or (then.into and then.into not in self.graph.definitions):
            return told
        entered = then.into != self.into
        if entered:
            self._trail.enter(self.graph, then.into)
            self._open()
        changed = self._choose(*then[1:])
        return replace(
            told,
            view=told.view or entered,
            moved=frozenset() if entered else told.moved,
            entered=told.entered or entered,
            selection=told.selection or changed,
        )

    def _things(self, ids: frozenset[str]) -> frozenset[str]:
        """Those of some ids that are frames and notes of the drawing shown."""
        return ids & (self.drawing.frames.keys() | self.drawing.notes.keys())

    def _there(self, wires: frozenset[Wire]) -> frozenset[Wire]:
        """Those of some wires that are in the drawing shown."""
        net = self.drawing.net
        return frozenset(w for w in wires if net.has_edge(w.source, w.target, key=w))

    def _on_wires(self, dots: frozenset[Dot]) -> frozenset[Dot]:
        """Those of some dots that are in the drawing shown."""
        there = self.drawing.dots
        return frozenset(dot for dot in dots if dot.number < len(there.get(dot.wire, ())))

    def _tell(self, change: DocumentChange) -> None:
        for observer in tuple(self._observers):
            observer(change)
