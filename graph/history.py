"""Undo and redo without limit, and the one place that tells others of changes.

A step keeps its edit and the inverse, never a copy of the graph. Steps pushed one after another
with the same merge key (a drag, typing into one field) become one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from graph.edit import Edit
from graph.edits import Batch
from graph.graph import Graph


@dataclass(frozen=True)
class Step:
    """One entry of the undo menu."""

    title: str
    edit: Edit
    inverse: Edit
    key: str = ""


@dataclass(frozen=True)
class Change:
    """What happened: `edit` was applied just now, by a push, an undo or a redo.

    An undo applies the inverse of its step. `key` is the merge key of a push, `merged` says that it
    joined the step before. What was settled is no step.
    """

    kind: Literal["push", "undo", "redo", "settle"]
    edit: Edit
    title: str
    key: str = ""
    merged: bool = False


Observer = Callable[[Change], None]


class History:
    """The edits of one graph, done and undone."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._observers: list[Observer] = []
        self._clean: object = None  # the last step when it was clean; None before any step
        self._mergeable = False
        self._telling = False
        self._settled: list[Change] = []  # not yet told

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after every change; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def push(self, edit: Edit, key: str = "") -> None:
        """Apply an edit and remember it. Raises EditError and changes nothing.

        With a `key` equal to that of the step before, both become one step.
        """
        self._not_while_telling()
        title = edit.title(self.graph)
        inverse = edit.apply(self.graph)
        self._undone.clear()
        step = Step(title, edit, inverse, key)
        merged = bool(key) and self._mergeable and self._done[-1].key == key
        if merged:
            self._done[-1] = _merged(self._done[-1], step)
        else:
            self._done.append(step)
        self._mergeable = True
        self._tell(Change("push", edit, title, key, merged))

    def undo(self) -> bool:
        """Take the last step back; False when there is none."""
        self._not_while_telling()
        if not self._done:
            return False
        step = self._done[-1]
        step.inverse.apply(self.graph)
        self._undone.append(self._done.pop())
        self._mergeable = False
        self._tell(Change("undo", step.inverse, step.title))
        return True

    def redo(self) -> bool:
        """Do the last undone step again; False when there is none."""
        self._not_while_telling()
        if not self._undone:
            return False
        step = self._undone[-1]
        step.edit.apply(self.graph)
        self._done.append(self._undone.pop())
        self._mergeable = False
        self._tell(Change("redo", step.edit, step.title))
        return True

    def settle(self, edit: Edit) -> None:
        """Apply an edit that is no step: a layout of what nobody has placed. Raises EditError.

        An observer may do this; all are told when the change that it hears has been told.
        """
        edit.apply(self.graph)
        self._settled.append(Change("settle", edit, ""))
        if not self._telling:
            self._tell(self._settled.pop())

    def rebase(self, edit: Edit, translate: Callable[[Edit], Edit]) -> None:
        """Apply an edit that is no step, and translate all steps so that they fit after it.

        Raises EditError.
        """
        self._not_while_telling()
        steps = {id(step): step for step in (*self._done, *self._undone)}
        fitting = {
            key: replace(s, edit=translate(s.edit), inverse=translate(s.inverse))
            for key, s in steps.items()
        }
        self.settle(edit)
        self._done = [fitting[id(step)] for step in self._done]
        self._undone = [fitting[id(step)] for step in self._undone]
        self._clean = fitting.get(id(self._clean), self._clean)
        self._mergeable = False

    def forget(self, edit: Edit) -> None:
        """Apply an edit that cannot be undone, and forget all steps: they no longer fit."""
        edit.apply(self.graph)
        self._done.clear()
        self._undone.clear()
        self.mark_unsaved()

    def go_to(self, position: int) -> None:
        """Undo or redo until `position` steps are done."""
        while len(self._done) > position and self.undo():
            pass
        while len(self._done) < position and self.redo():
            pass

    def end_merge(self) -> None:
        """The gesture is over: the next push makes a step of its own."""
        self._mergeable = False

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of all steps, oldest first, undone ones behind the done."""
        return tuple(step.title for step in (*self._done, *reversed(self._undone)))

    @property
    def position(self) -> int:
        """How many steps are done."""
        return len(self._done)

    @property
    def undo_title(self) -> str:
        """Name of what undo takes back; empty when there is nothing."""
        return self._done[-1].title if self._done else ""

    @property
    def redo_title(self) -> str:
        """Name of what redo does again; empty when there is nothing."""
        return self._undone[-1].title if self._undone else ""

    @property
    def clean(self) -> bool:
        """Whether the graph is as it was when it was last marked clean (saved, loaded)."""
        return (self._done[-1] if self._done else None) is self._clean

    def mark_clean(self) -> None:
        """The graph is saved as it is now."""
        self._clean = self._done[-1] if self._done else None
        self._mergeable = False

    def mark_unsaved(self) -> None:
        """The graph as it is now lies in no file; no step leads to one that does."""
        self._clean, self._mergeable = object(), False

    def _not_while_telling(self) -> None:
        if self._telling:
            raise RuntimeError("an observer of the history must not change the graph")

    def _tell(self, change: Change) -> None:
        self._telling = True
        try:
            for observer in tuple(self._observers):
                observer(change)
        finally:
            self._telling = False
        if self._settled:
            self._tell(self._settled.pop(0))


def _merged(first: Step, then: Step) -> Step:
    """Both steps as one; a later value of the same settings replaces the earlier."""
    sets = first.edit.sets()
    parts = (then.edit.sets(), first.inverse.sets(), then.inverse.sets())
    if sets is not None and all(part == sets for part in parts):
        return Step(first.title, then.edit, first.inverse, first.key)
    edits, inverses = _flat(first.edit), _flat(first.inverse)
    return Step(
        first.title,
        Batch((*edits, then.edit), first.title),
        Batch((then.inverse, *inverses), first.title),
        first.key,
    )


def _flat(edit: Edit) -> tuple[Edit, ...]:
    return edit.edits if isinstance(edit, Batch) else (edit,)
