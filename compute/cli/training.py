"""`netloom train`: events of a run as a progress bar, as plain lines, or as JSON."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from compute.backend import BackendName
from compute.cli.errors import UsageError, say
from compute.cli.opening import open_graph, sound
from compute.cli.show import View, view
from compute.cli.text import duration, metrics, plural, write
from compute.control import Control
from compute.events import EpochDone, Event, Failed, Finished, Progress, Started
from compute.prepare import TrainOptions
from compute.runs import find_workspace
from compute.session import resume as resume_run
from compute.session import train_graph

FAILED = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Outcome:
    """How a training ended: what it said last, and the signal that stopped it (0: none).

    `seconds` are from the first steps on: compiling kernels is not training.
    """

    started: Started | None = None
    finished: Finished | None = None
    failed: Failed | None = None
    signal: int = 0
    epochs: int = 0
    began: float = 0.0
    seconds: float = 0.0

    def hear(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Progress):
            self.began = self.began or time.perf_counter()
        elif isinstance(event, EpochDone):
            self.epochs = event.epoch
        elif isinstance(event, Finished):
            self.finished = event
            self.seconds = time.perf_counter() - (self.began or time.perf_counter())
        elif isinstance(event, Failed):
            self.failed = event

    @property
    def code(self) -> int:
        """Exit code: as shells have it for a signal, 1 when training failed."""
        return 128 + self.signal if self.signal else FAILED if self.failed else 0


def train(
    name: str | None,
    epochs: int | None,
    seed: int | None,
    batch_size: int | None,
    fast_convolution: bool | None,
    patience: int | None,
    memory_budget: float | None,
    threads: int | None,
    device: BackendName,
    resume: str | None,
    workspace: Path | None,
    *,
    json: bool,
    allow_outside: bool,
) -> int:
    """Train a file or an example, or go on with a run; returns the exit code."""
    kept = {
        ("--seed", "seed"): seed,
        ("--batch-size", "batch size"): batch_size,
        ("--fast-convolution", "kind of convolution"): fast_convolution,
    }
    for (option, what), value in kept.items():
        if resume is not None and value is not None:
            raise UsageError(
                f"{option} with --resume", "one of them", f"a run keeps the {what} it began with"
            )
    settings = TrainOptions(
        device,
        threads,
        epochs=epochs,
        seed=seed,
        batch_size=batch_size,
        fast_convolution=fast_convolution,
        patience=patience,
        memory_budget=memory_budget,
        workspace=find_workspace(workspace),
    )
    control = Control()
    with view(json) as shown:
        if resume is not None:
            events = resume_run(resume, settings, control, shown.preparing)
        elif name is None:
            raise UsageError("nothing to train", "FILE or EXAMPLE", "see `netloom examples`")
        else:
            events = train_file(name, allow_outside, settings, control, shown)
        outcome = follow(events, control, shown)
    conclude(outcome, quiet=json)
    return outcome.code


def train_file(
    name: str, allow_outside: bool, settings: TrainOptions, control: Control, shown: View
) -> Iterator[Event]:
    """Train a file or an example as a new run; files named by the graph are looked up beside it."""
    opened = sound(open_graph(name, allow_outside))
    shown.title = opened.name
    folder = opened.file.resolve().parent
    chosen = replace(settings, folder=folder, name=opened.name, allowed=opened.data())
    return train_graph(opened.graph, chosen, control, shown.preparing)


def follow(events: Iterable[Event], control: Control, shown: View) -> Outcome:
    """Hand every event to the view; the first SIGINT or SIGTERM ends training after its step.

    Before the first step, while kernels are compiled, it ends at once.
    """
    outcome = Outcome()
    try:
        with _stopping(control, outcome):
            for event in events:
                outcome.hear(event)
                shown.event(event)
    except (Exception, KeyboardInterrupt):  # a signal to the group ends the compilers too
        if not outcome.signal or outcome.started is None:
            raise
    if outcome.finished and not outcome.finished.stopped:
        outcome.signal = 0
    return outcome


@contextmanager
def _stopping(control: Control, outcome: Outcome) -> Iterator[None]:
    """While it lasts, a first signal asks the run to stop; a second one acts as usual."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        outcome.signal = number
        if not outcome.began:
            raise KeyboardInterrupt
        control.stop()

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])


def conclude(outcome: Outcome, *, quiet: bool = False) -> None:
    """Say how it ended: results on stdout unless `quiet`, a failure or how to go on on stderr."""
    if not quiet:
        _sum_up(outcome)
    _say_how_to_go_on(outcome)


def _sum_up(outcome: Outcome) -> None:
    done = outcome.finished
    if done is None or done.stopped:
        return
    write(f"{done.run}: {plural(outcome.epochs, 'epoch')} in {duration(outcome.seconds)}")
    if done.reason:
        write(done.reason)
    write(metrics(done.metrics))
    sys.stdout.flush()


def _say_how_to_go_on(outcome: Outcome) -> None:
    if outcome.failed:
        failed = outcome.failed
        say(f"{failed.path + ': ' if failed.path else ''}{failed.message}; run {failed.run}")
    elif outcome.finished and outcome.finished.stopped and outcome.started:
        done = outcome.finished
        say(
            f"stopped at step {done.step:,} of {outcome.started.steps:,}; go on with: "
            f"netloom train --resume {done.run}"
        )
    elif outcome.signal and outcome.started:
        say(f"stopped; go on with: netloom train --resume {outcome.started.run}")
