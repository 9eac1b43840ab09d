"""What every part of the window is given: the look, the desk, the actions and the trainer."""

from __future__ import annotations

from dataclasses import dataclass

from gui.actions import Actions
from gui.desk import Desk
from gui.look import Look
from gui.run.trainer import Trainer


@dataclass(frozen=True)
class App:
    """The models that views listen to. None of them knows a view."""

    look: Look
    desk: Desk
    actions: Actions
    trainer: Trainer
