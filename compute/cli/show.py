"""Three ways to show a training: a bar on a terminal, a line an epoch elsewhere, JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from compute.cli.errors import say
from compute.cli.text import duration, metrics, write
from compute.events import EpochDone, Event, Progress, Started, Warned, to_json

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

COMPILING = "compiling kernels, once for this machine"
SHOWN = 3  # metrics beside the bar


class View:
    """Shows nothing; the base of the others. `title` is what is being trained."""

    title = ""

    def event(self, event: Event) -> None:
        """Hear of an event."""

    def preparing(self, done: int, total: int, what: str) -> None:
        """Hear of a slow preparation, from any thread."""


class JsonLines(View):
    """One event a line on stdout, each sent at once, and nothing else."""

    def event(self, event: Event) -> None:
        write(json.dumps(to_json(event), ensure_ascii=False, allow_nan=False))
        sys.stdout.flush()


class Lines(View):
    """A line for each epoch, for files and pipes."""

    def __init__(self) -> None:
        self._epochs = 0

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs = event.epochs
        elif isinstance(event, EpochDone):
            number = f"epoch {event.epoch}/{self._epochs}"
            write(f"{number}  {metrics(event.metrics)}  {duration(event.seconds)}")
        elif isinstance(event, Warned):
            say(event.message)

    def preparing(self, done: int, total: int, what: str) -> None:
        if done == 1 and total > 1 and what:
            say(f"{COMPILING} ({total})")


class Bar(View):
    """A progress bar with loss, metric, speed and time left."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: Any = None
        self._compiling: Any = None
        self._epochs = 0
        self._figures: dict[str, float] = {}

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._finish_preparing()
            self._epochs = event.epochs
            self._task = self._bars.add_task(
                self.title or event.run,
                total=event.steps,
                completed=event.step,
                epoch=f"0/{event.epochs}",
                figures="",
                speed="",
            )
        elif isinstance(event, Progress):
            self._figures["loss"] = float(event.losses[-1])
            self._bars.update(
                self._task,
                completed=event.step,
                epoch=f"{min(event.epoch + 1, self._epochs)}/{self._epochs}",
                figures=self._text(),
                speed=f"{event.samples_per_second:,.0f} samples/s",
            )
        elif isinstance(event, EpochDone):
            held_out = {n: v for n, v in event.metrics.items() if n.startswith("val_")}
            self._figures |= dict(sorted(held_out.items(), reverse=True))
            self._bars.update(self._task, figures=self._text())
        elif isinstance(event, Warned):
            self._bars.console.print(f"[yellow]{event.message}")

    def _text(self) -> str:
        order = sorted(self._figures, key=lambda n: (n != "loss", n == "val_loss"))
        return metrics({name: self._figures[name] for name in order[: SHOWN - 1]})

    def preparing(self, done: int, total: int, what: str) -> None:
        if total <= 1 or not (what or done == 0):
            return
        if self._compiling is None:
            self._compiling = self._bars.add_task(
                COMPILING, total=total, epoch="", figures="", speed=""
            )
            if self._task is not None:
                self._bars.update(self._task, visible=False)
        self._bars.update(self._compiling, completed=done, figures=what)
        if done == total:
            self._finish_preparing()

    def _finish_preparing(self) -> None:
        if self._compiling is not None:
            self._bars.remove_task(self._compiling)
            self._compiling = None
            if self._task is not None:
                self._bars.update(self._task, visible=True)


@contextmanager
def view(as_json: bool) -> Iterator[View]:
    """How this command shows a training: JSON if asked for, a bar if somebody watches."""
    if as_json:
        yield JsonLines()
    elif sys.stderr.isatty():
        with bars() as made:
            yield Bar(made)
    else:
        yield Lines()


def bars() -> Bars:
    """Progress bars on stderr that go away when they are done."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from compute.cli.text import console

    return Bars(
        TextColumn("[bold]{task.description}"),
        BarColumn(24),
        TextColumn("[dim]{task.fields[epoch]}"),
        TextColumn("{task.fields[figures]}"),
        TextColumn("[dim]{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
        console=console(error=True),
        transient=True,
    )
