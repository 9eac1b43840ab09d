"""The training section of the graph: epochs, batch size, seed, precision and the split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from graph.edits import SetTraining
from graph.op import Setting, SettingError
from graph.training import MOST_MEMORY, Split, Training
from gui.document import Document
from gui.inspector.form import Form
from gui.inspector.spec import Spec, message
from gui.inspector.subject import push
from gui.look import Look

_RUN, _SPLIT = Training(), Split()
MOST = 1_000_000
LARGEST = 2**63 - 1


def _spec(name: str, kind: str, help: str, *, of: object = _RUN, **rules: Any) -> Spec:
    return Spec(name, Setting(help, **rules), kind, getattr(of, name.removeprefix("split_")))


SPECS = (
    _spec("epochs", "int", "How often training goes through all samples", min=1, max=MOST),
    _spec("batch_size", "int", "Samples of one step; 0: all of the training", min=0, max=MOST),
    _spec("seed", "int", "Seed of weights, order and noise", min=0, max=LARGEST),
    _spec(
        "precision", "str", "Kind of number that is computed with", choices=("float32", "float64")
    ),
    _spec(
        "memory_budget", "float",
        "Memory of weights and a step, 0: any. What has no room is computed anew in the backward"
        " pass: slower, the same numbers",
        min=0.0, max=float(MOST_MEMORY), unit="MiB",
    ),
    _spec(
        "split_validation", "float", "Share of the samples held out to validate on",
        of=_SPLIT, min=0.0, below=1.0, label="validation share",
    ),
    _spec(
        "split_test", "float", "Share of the samples held out to the end",
        of=_SPLIT, min=0.0, below=1.0, advanced=True, label="test share",
    ),
    _spec(
        "split_seed", "int", "Seed of the split, apart from the run's",
        of=_SPLIT, min=0, max=LARGEST, advanced=True, label="split seed",
    ),
    _spec(
        "split_stratified", "bool", "Each part has the classes in equal shares",
        of=_SPLIT, advanced=True, label="stratified",
    ),
    _spec(
        "split_shuffled", "bool", "Samples are mixed before they are divided",
        of=_SPLIT, advanced=True, label="shuffled",
    ),
)  # fmt: skip


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
            if name.startswith("split_"):
                part = name.removeprefix("split_")
                training = replace(training, split=replace(training.split, **{part: value}))
            else:
                training = replace(training, **{name: value})
        except SettingError as error:
            return message(error, name.removeprefix("split_"))
        return push(document, SetTraining(training), key and f"{key} training {name}")

    def settle(self) -> None:
        """A gesture is over."""
        if self.document:
            self.document.history.end_merge()

    def take_back(self) -> None:
        """A gesture that changed something was cancelled."""
        if self.document:
            self.document.undo()

    def candidates(self, name: str) -> list[tuple[str, str]]:
        """Nothing is picked here."""
        return []

    def folder(self) -> Path:
        """Where relative paths start."""
        return self.document.folder if self.document else Path()


def value_of(training: Training, name: str) -> Any:
    """A value of the section by the name of its spec."""
    if name.startswith("split_"):
        return getattr(training.split, name.removeprefix("split_"))
    return getattr(training, name)
