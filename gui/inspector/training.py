"""The training section of the graph: epochs, batch size, seed, precision, split, early stopping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from graph.edits import SetTraining
from graph.op import SettingError
from graph.training import Split, Stopping, Training
from gui.document import Document
from gui.inspector.form import Form
from gui.inspector.spec import Spec, message
from gui.inspector.subject import push
from gui.look import Look

PARTS = {"": Training, "split": Split, "stopping": Stopping}


def _specs() -> Iterator[Spec]:
    """What can be set, by `name` or `part.name`, as the section declares it."""
    for part, kind in PARTS.items():
        for each in fields(kind):
            if "setting" in each.metadata:
                rule = each.metadata["setting"]
                declared = "str" if rule.choices else str(each.type)
                yield Spec(f"{part}.{each.name}".lstrip("."), rule, declared, each.default)


SPECS = tuple(_specs())


class TrainingForm:
    """The form of the training section of one document."""

    def __init__(self, look: Look) -> None:
        self.document: Document | None = None
        self.form = Form(look, SPECS, self)

    def display(self, document: Document) -> None:
        """Show the section of a document."""
        self.document = document
        training = document.graph.training
        self.form.display(lambda name: (value_of(training, name),), frozenset())

    def apply(self, name: str, value: Any, key: str) -> str:
        """Set a value; see `Owner`."""
        document = self.document
        if document is None or value_of(document.graph.training, name) == value:
            return ""
        training = document.graph.training
        try:
            part, _, own = name.rpartition(".")
            if part:
                value = replace(getattr(training, part), **{own: value})
            training = replace(training, **{part or own: value})
        except SettingError as error:
            return message(error, own)
        return push(document, SetTraining(training), key and f"{key} training {name}")

    def settle(self) -> None:
        """A gesture is over."""
        if self.document:
            self.document.history.end_merge()

    def take_back(self) -> None:
        """A gesture that changed something was cancelled."""
        if self.document:
            self.document.undo()

    def candidates(self, name: str) -> list[tuple[Any, str]]:
        """Nothing is picked here."""
        return []

    def folder(self) -> Path:
        """Where relative paths start."""
        return self.document.folder if self.document else Path()


def value_of(training: Training, name: str) -> Any:
    """A value of the section by the name of its spec."""
    return attrgetter(name)(training)
