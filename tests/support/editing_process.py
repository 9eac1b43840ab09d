"""A process that edits a document on a desk until somebody kills it; it tells of each edit.

python -m tests.support.editing_process JOURNALS SEED
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from PySide6.QtWidgets import QApplication

from graph.rules import EditError
from gui.desk import Desk
from gui.document import Document
from tests.support.random_edits import random_edit

EXAMPLE = "digits-mlp"


def commits(document: Document, seed: int) -> Iterator[int]:
    """Push, undo and redo at random for ever; yields the number of changes made so far."""
    rng, count = Random(seed), 0
    while True:
        act = rng.random()
        try:
            if act < 0.1:
                count += document.undo()
            elif act < 0.15:
                count += document.redo()
            else:
                document.push(random_edit(rng, document.graph))
                count += 1
        except EditError:
            continue
        if len(document.graph) > 40:
            while document.undo():
                count += 1
        yield count


def main(folder: str, seed: str) -> None:
    """Edit until killed."""
    application = QApplication(["editing"])
    desk = Desk(application, Path(folder))
    for count in commits(desk.open_example(EXAMPLE), int(seed)):
        sys.stdout.write(f"{count}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
