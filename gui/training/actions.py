"""What can be done about training: the commands of the bar, the Train menu and the palette."""

from __future__ import annotations

from graph.checks import Problem
from gui.app import App
from gui.document import Document
from gui.run.board import Board


def add_actions(app: App) -> None:
    """Add the actions of training, and tie the trainer to the desk."""
    desk, trainer = app.desk, app.trainer
    _add_run(app)
    _add_changes(app)
    trainer.changed.connect(app.actions.refresh_soon)
    trainer.problem_wanted.connect(lambda d, p: show_problem(app, d, p))
    desk.changed.connect(trainer.follow)
    desk.closed.connect(trainer.forget)


def _add_run(app: App) -> None:
    add, desk, trainer = app.actions.add, app.desk, app.trainer
    add(
        "train.run",
        "Run or pause",
        lambda: run_or_pause(app),
        menu="Train",
        keys=("F5",),
        icon="play",
        words="start train fit resume learn",
        enabled=lambda: desk.current is not None,
    )
    add(
        "train.step",
        "Train one batch",
        lambda: one_batch(app),
        menu="Train",
        keys=("F10",),
        icon="step",
        words="single step iteration",
        enabled=lambda: desk.current is not None,
    )
    add(
        "train.stop",
        "Stop",
        trainer.stop,
        menu="Train",
        keys=("Shift+F5",),
        icon="stop",
        words="end cancel abort",
        enabled=lambda: trainer.board.active,
    )


def _add_changes(app: App) -> None:
    add, desk, trainer = app.actions.add, app.desk, app.trainer
    add(
        "train.restart",
        "Restart",
        lambda: restart(app),
        menu="Train",
        keys=("Ctrl+Shift+F5",),
        words="run again from the beginning",
        enabled=lambda: _board(app).state != "idle",
    )
    add(
        "train.swap",
        "Swap in the changed graph",
        lambda: swap(app),
        menu="Train",
        words="edit while running keep weights",
        enabled=lambda: trainer.changed_since_start(desk.current),
    )
    add(
        "train.continue",
        "Continue the last run",
        lambda: go_on(app),
        menu="Train",
        words="resume checkpoint more epochs",
        enabled=lambda: desk.current is not None and not _board(app).active,
    )


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
