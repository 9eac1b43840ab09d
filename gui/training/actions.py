"""What can be done about training: the commands of the bar, the Train menu and the palette."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from graph.checks import Problem
from gui.app import App
from gui.document import Document
from gui.run.board import Board


def run_or_pause(app: App) -> None:
    """Pause the run of the current document, or begin or resume it."""
    document = app.desk.current
    if document is None:
        return
    if document is app.trainer.document and app.trainer.board.state in ("preparing", "running"):
        app.trainer.pause()
    else:
        app.trainer.run(document)


def one_batch(app: App) -> None:
    """Train one batch of the current document, then wait."""
    if app.desk.current is not None:
        app.trainer.step(app.desk.current)


def restart(app: App) -> None:
    """Begin the current document's training anew."""
    if app.desk.current is not None:
        app.trainer.restart(app.desk.current)


def swap(app: App) -> None:
    """Go on with the current document as it is now."""
    if app.trainer.changed_since_start(app.desk.current):
        assert app.desk.current is not None
        app.trainer.swap(app.desk.current)


def go_on(app: App) -> None:
    """Go on with the last run of the current document."""
    if app.desk.current is not None:
        app.trainer.go_on(app.desk.current)


def show_problem(app: App, document: Document, problem: Problem) -> None:
    """Bring the node of a problem into view."""
    app.desk.show(document)
    app.desk.jump(problem.path, problem.definition)


def _board(app: App) -> Board:
    return app.trainer.board_of(app.desk.current)


def _is_open(app: App) -> bool:
    return app.desk.current is not None


def _is_begun(app: App) -> bool:
    return _board(app).state != "idle"


def _is_over(app: App) -> bool:
    return _is_open(app) and not _board(app).active


def _is_changed(app: App) -> bool:
    return app.trainer.changed_since_start(app.desk.current)


def _runs_somewhere(app: App) -> bool:
    return app.trainer.board.active


def _stop(app: App) -> None:
    app.trainer.stop()


class Act(NamedTuple):
    """One action of the Train menu, by what it does and whether it can be done now."""

    name: str
    title: str
    run: Callable[[App], object]
    enabled: Callable[[App], bool]
    words: str
    key: str = ""
    icon: str = ""


RUN, STEP = "start train fit resume learn", "single step iteration"  # words to find them by
STOP, RESTART = "end cancel abort", "run again from the beginning"
SWAP, CONTINUE = "edit while running keep weights", "resume checkpoint more epochs"
ACTIONS = (
    Act("run", "Run or pause", run_or_pause, _is_open, RUN, "F5", "play"),
    Act("step", "Train one batch", one_batch, _is_open, STEP, "F10", "step"),
    Act("stop", "Stop", _stop, _runs_somewhere, STOP, "Shift+F5", "stop"),
    Act("restart", "Restart", restart, _is_begun, RESTART, "Ctrl+Shift+F5"),
    Act("swap", "Swap in the changed graph", swap, _is_changed, SWAP),
    Act("continue", "Continue the last run", go_on, _is_over, CONTINUE),
)


def add_actions(app: App) -> None:
    """Add the actions of training, and tie the trainer to the desk."""
    desk, trainer = app.desk, app.trainer
    for act in ACTIONS:
        app.actions.add(
            f"train.{act.name}",
            act.title,
            partial(act.run, app),
            menu="Train",
            keys=(act.key,) if act.key else (),
            icon=act.icon,
            words=act.words,
            enabled=partial(act.enabled, app),
        )
    trainer.changed.connect(app.actions.refresh_soon)
    trainer.problem_wanted.connect(lambda d, p: show_problem(app, d, p))
    desk.changed.connect(trainer.follow)
    desk.closed.connect(trainer.forget)
