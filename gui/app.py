"""What every part of the window is given: the look and the models of what is worked on."""

from __future__ import annotations

from dataclasses import dataclass, field

from gui.actions import Actions
from gui.desk import Desk
from gui.look import Look
from gui.run.forecasts import Forecasts
from gui.run.trainer import Trainer


@dataclass(frozen=True)
class App:
    """The models that views listen to. None of them knows a view."""

    look: Look
    desk: Desk
    actions: Actions
    trainer: Trainer
    forecasts: Forecasts = field(default_factory=Forecasts)
