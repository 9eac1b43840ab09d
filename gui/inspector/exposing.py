"""Exposing settings of a definition: the menu of an inner setting, and the list of what it exposes.

An exposed setting is a setting of every instance; see `graph.exposed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QMenu

from graph.edit import Edit
from graph.edits import Batch, SetOp
from graph.expose import Expose, RenameExposed, name_of, with_place, without_place
from graph.exposed import Exposure, Place, alike, at, given, offered
from graph.op import Setting, SettingError, settings_of
from graph.subgraph import Scan, Subgraph
from gui.document import Document
from gui.inspector.form import Form
from gui.inspector.section import Section
from gui.inspector.spec import Spec
from gui.inspector.subject import Subject, push
from gui.look import Look

_OWN = frozenset({*settings_of(Subgraph), *settings_of(Scan)})


def exposed_as(subject: Subject, name: str) -> str:
    """What instances call a setting of the chosen nodes; "" unless all have one name."""
    document = subject.document
    if document is None or not document.into:
        return ""
    found = {name_of(document.drawing.exposed, (node.id, name)) for node in subject.nodes}
    return found.pop() if len(found) == 1 else ""


def fill_menu(menu: QMenu, subject: Subject, spec: Spec) -> None:
    """Add what exposes a setting of the chosen nodes, or ends it; nothing outside a definition."""
    document = subject.document
    if document is None or not document.into:
        return
    drawing, places = document.drawing, [(node.id, spec.name) for node in subject.nodes]
    first = at(drawing, places[0]) if places else None
    if first is None or any(at(drawing, place) is None for place in places):
        return
    menu.addSeparator()
    known = exposed_as(subject, spec.name)
    if known:
        stop = menu.addAction(f"Stop exposing “{known}”")
        stop.triggered.connect(lambda: push(document, _changed(document, "", places)))
        return
    name = fresh_name(subject, spec)
    new = menu.addAction(f"Expose in the block as “{name}”")
    new.triggered.connect(lambda: push(document, _changed(document, name, places)))
    for other, one in offered(drawing).items():
        if alike(one, first):
            join = menu.addAction(f"Set by “{other}” of the block")
            edit = partial(_joined, document, other, places, one.drawn[0])
            join.triggered.connect(lambda _=False, edit=edit: push(document, edit()))


def fresh_name(subject: Subject, spec: Spec) -> str:
    """A name that the block has not: that of the setting, with that of the node if need be."""
    assert subject.document is not None
    taken = _OWN | {one.name for one in subject.document.drawing.exposed}
    called = spec.label[:1].lower() + spec.label[1:]
    tried = _names(called, subject.nodes[0].label)
    return next(name for name in tried if name not in taken)


def _names(called: str, label: str) -> Iterator[str]:
    yield called
    longer = f"{called} of {label}"[:60]
    yield longer
    yield from (f"{longer} {number}" for number in count(2))


def _changed(document: Document, name: str, places: list[Place]) -> Edit:
    """The edit that exposes places under a name, or no longer."""
    exposed = document.drawing.exposed
    for place in places:
        exposed = with_place(exposed, name, place) if name else without_place(exposed, place)
    return Expose(exposed, into=document.into)


def _joined(document: Document, name: str, places: list[Place], value: Any) -> Edit | None:
    """The edit that lets an exposed setting set places too, which then are drawn alike."""
    drawing, edits = document.drawing, list[Edit]()
    for id, setting in places:
        try:
            op = given(drawing, drawing.node(id).op, {setting: value})
        except SettingError:
            continue  # other bounds: a check tells once an instance gives such a value
        if op != drawing.node(id).op:
            edits.append(SetOp(id, op, into=document.into))
    edit = _changed(document, name, places)
    return Batch((*edits, edit), f"Let {name} set {len(places)} more") if edits else edit


class ExposedList(Section):
    """What the definition that is shown exposes: a line for each, in which it is renamed."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "Exposed settings")
        self._look = look
        self._document: Document | None = None
        self._shown: tuple[Spec, ...] = ()
        self.form: Form | None = None

    def display(self, document: Document | None) -> None:
        """Show the list of a document's definition; hidden where nothing is exposed."""
        self._document = document
        exposed = document.drawing.exposed if document is not None and document.into else ()
        specs = tuple(map(_spec, exposed))
        if specs != self._shown:
            self._shown = specs
            if self.form is not None:
                self.remove(self.form)
                self.form.deleteLater()
            self.form = Form(self._look, specs, self)
            self.add(self.form)
            for one in exposed:
                self.form.rows[one.name].more = partial(self._more, one.name)
        if self.form is not None:
            self.form.display(lambda name: (name,), frozenset())
        self.setVisible(bool(specs))

    def _more(self, name: str, menu: QMenu) -> None:
        menu.addSeparator()
        stop = menu.addAction(f"Stop exposing “{name}”")
        stop.triggered.connect(lambda: self.apply(name, "", ""))

    # What rows ask for

    def apply(self, name: str, value: Any, key: str) -> str:
        """Give it another name, or with none stop exposing it; see `Owner`."""
        document = self._document
        if document is None or value == name:
            return ""
        if value:
            return push(document, RenameExposed(name, value, into=document.into))
        kept = tuple(one for one in document.drawing.exposed if one.name != name)
        return push(document, Expose(kept, into=document.into))

    def settle(self) -> None:
        """A gesture is over."""

    def take_back(self) -> None:
        """Nothing is dragged here."""

    def candidates(self, name: str) -> list[tuple[Any, str]]:
        """Nothing is picked here."""
        return []

    def folder(self) -> Path:
        """Where relative paths start."""
        return Path()


def _spec(one: Exposure) -> Spec:
    """The line of an exposed setting, labelled by the setting inside."""
    sets = ", ".join(f"{name} of {id}" for id, name in one.places)
    help = f"What instances call it; it sets {sets}; empty: no longer exposed"
    return Spec(one.name, Setting(help, label=one.places[0][1]), "str", one.name)
