"""The training bar: run, pause, one batch, stop; how far and how well it goes; its settings."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui import cost_text
from gui.app import App
from gui.document import Document, DocumentChange
from gui.run.board import Board
from gui.run.changes import definition_of
from gui.theme import tokens
from gui.training import actions, settings, text
from gui.training.parts import Choice, Field, Figure, Message, Progress
from gui.widgets.basics import Button, IconButton, label

TEXT_GAP = 0.15  # s between new numbers while a run trains: faster ones cannot be read
LOOK_GAP = 150  # ms after an edit before the graph is compared with the run's
RECENT = 20  # batches whose mean loss is shown
GAP = 20
DEVICES = (("cpu", "CPU"), ("reference", "Reference"))


class TrainingBar(QWidget):
    """44 high, as wide as it is given: in a narrow window the least important figures go."""

    def __init__(self, app: App, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.app = app
        self.setFixedHeight(tokens()["size"]["window"]["trainBar"])
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Training")
        self._stale = True
        self._holders: dict[QWidget, tuple[QWidget, int]] = {}
        self._build()
        self._told = 0.0  # when numbers were shown last
        self._compare = QTimer(self, singleShot=True, interval=LOOK_GAP)
        self._compare.timeout.connect(self._show_changed)
        app.desk.current_changed.connect(self._renew)
        app.desk.changed.connect(self._edited)
        app.trainer.changed.connect(self._renew)
        app.trainer.ticked.connect(self._ticked)
        app.forecasts.changed.connect(self._renew)
        app.look.changed.connect(self._renew)
        self._renew()

    # ---- what it is made of

    def _build(self) -> None:
        look, app = self.app.look, self.app
        self.run_button = QPushButton()
        self.run_button.setProperty("kind", "accent")
        self.run_button.setIconSize(QSize(16, 16))
        self.run_button.setFixedWidth(92)
        self.run_button.clicked.connect(lambda: actions.run_or_pause(app))
        self.step_button = self._raised("step", "Train one batch (F10)")
        self.step_button.clicked.connect(lambda: actions.one_batch(app))
        self.stop_button = self._raised("stop", "Stop (Shift+F5)")
        self.stop_button.clicked.connect(app.trainer.stop)
        self.progress = Progress(look)
        self.metrics = [Figure(look, "", "0.0000") for _ in range(3)]
        self.message = Message(look)
        self.node_button = Button(look, "Show node", kind="quiet")
        self.node_button.clicked.connect(self._show_node)
        self.changed_label = label("Changed since start", "small")
        self.swap_button = Button(look, "Swap", kind="chip")
        self.swap_button.setToolTip("Go on with the changed graph and keep what was learned")
        self.swap_button.clicked.connect(lambda: actions.swap(app))
        self.restart_button = Button(look, "Restart", kind="chip")
        self.restart_button.setToolTip("Begin the training anew with the changed graph")
        self.restart_button.clicked.connect(lambda: actions.restart(app))
        self.speed = Figure(look, "Samples/s", "000,000")
        self.left = Figure(look, "Time left", "00 min 00 s")
        self.epochs = self._field("Epochs", "How often all samples are seen", 52, "epochs")
        self.batch = self._field(
            "Batch", "Samples in a step; all: the whole training part", 40, "batch_size"
        )
        self.rate = Field(
            look, "Learning rate", "Acts at once, also while training", 66, self._set_rate
        )
        self.seed = self._field("Seed", "Of weights, order and chance", 34, "seed")
        self.device = Choice(look, "Device", "What the next run is trained on", DEVICES)
        self.device.chosen.connect(self._set_device)
        self._lay_out()

    def _raised(self, icon: str, name: str) -> IconButton:
        made = IconButton(self.app.look, icon, name, kind="raised")
        made.setFixedSize(32, 28)
        return made

    def _field(self, caption: str, tip: str, width: int, name: str) -> Field:
        def commit(typed: str) -> str:
            document = self.app.desk.current
            return settings.set_training(document, name, typed) if document else ""

        return Field(self.app.look, caption, tip, width, commit)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(0)
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        changed = (self.changed_label, self.swap_button, self.restart_button)
        for widget, before in (
            (self.run_button, 0),
            (self.step_button, 8),
            (self.stop_button, 8),
            (self.progress, GAP),
            *((figure, 28) for figure in self.metrics),
            (self.message, GAP),
            (self.node_button, 8),
            *((widget, gap) for widget, gap in zip(changed, (28, 8, 6), strict=True)),
        ):
            self._add(row, widget, before)
        row.addStretch(1)
        self._settings = (self.epochs, self.batch, self.rate, self.seed, self.device)
        for widget in (self.speed, self.left, *self._settings):
            self._add(row, widget, GAP if isinstance(widget, Figure) else 10)
        # what goes first when there is no room
        self._spare: tuple[QWidget, ...] = (
            *(self.device, self.seed, self.metrics[2], self.left, self.epochs),
            *(self.batch, self.metrics[1], self.speed, self.rate, self.metrics[0]),
        )

    def _add(self, row: QHBoxLayout, widget: QWidget, before: int) -> None:
        """A widget with its gap, which goes when the widget goes."""
        holder = QWidget()
        inner = QHBoxLayout(holder)
        inner.setContentsMargins(before, 0, 0, 0)
        inner.addWidget(widget)
        self._holders[widget] = holder, before
        row.addWidget(holder)

    # ---- what it shows

    @property
    def document(self) -> Document | None:
        """The document that is shown."""
        return self.app.desk.current

    @property
    def board(self) -> Board:
        """What is known of its run."""
        return self.app.trainer.board_of(self.document)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._rebuild()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(self.app.look.theme.panel))

    def _renew(self) -> None:
        self._stale = True
        if self.isVisible():
            self._rebuild()

    def _rebuild(self) -> None:
        self._stale = False
        self._show_buttons()
        self._show_settings()
        self._show_numbers()
        self._show_changed()

    def _edited(self, document: Document, change: DocumentChange) -> None:
        if document is self.document and change.title and not change.moved:
            if self.isVisible():
                self._show_settings()
                self._show_numbers()
                self._compare.start()
            else:
                self._stale = True

    def _ticked(self) -> None:
        if not self.isVisible():
            self._stale = True
            return
        board, now = self.board, time.monotonic()
        if board.state != "running" or now - self._told >= TEXT_GAP:
            self._told = now
            self._show_numbers()
        else:
            self.progress.show_share(_share(board))

    def _show_buttons(self) -> None:
        state, there = self.board.state, self.document is not None
        word, icon = "Run", "play"
        if state in ("preparing", "running"):
            word, icon = "Pause", "pause"
        elif state == "paused":
            word = "Resume"
        self.run_button.setText(word)
        self.run_button.setToolTip(f"{word} (F5)")
        self.run_button.setIcon(self.app.look.icon(icon, self.app.look.theme.on_accent))
        self.run_button.setEnabled(there)
        self.step_button.setEnabled(there and state != "preparing")
        self.stop_button.setEnabled(self.board.active)
        for widget in self._settings:
            widget.setEnabled(there)

    def _show_settings(self) -> None:
        document = self.document
        training = document.graph.training if document else None
        for field, value in (
            (self.epochs, training and training.epochs),
            (self.batch, settings.batch_text(document) if document else None),
            (self.seed, training and training.seed),
        ):
            field.show_text(text.UNKNOWN if value is None else str(value))
        node = settings.rate_node(document) if document else None
        rate = node.op.live_settings()[settings.RATE] if node else None
        self.rate.show_text(text.UNKNOWN if rate is None else text.compact(rate))
        self.rate.setEnabled(rate is not None)
        self.device.show_value(self.app.trainer.device)

    def _show_numbers(self) -> None:
        board, document = self.board, self.document
        costs = None if board.active else self.app.forecasts.costs(document)
        foretold = f"{cost_text.ABOUT} {cost_text.span(costs.run)}" if costs and costs.run else ""
        tip = cost_text.tip(costs, document.graph) if costs and document else ""
        self.progress.setToolTip(board.reason or tip)
        self.progress.show_words(*_words(board, document, foretold))
        self.progress.show_share(board.share if board.state == "preparing" else _share(board))
        expected = settings.expected_metrics(document) if document else []
        names = [*text.shown_metrics(expected, board.metrics), "", "", ""]
        for figure, name in zip(self.metrics, names, strict=False):
            value = _loss(board) if name == "loss" else board.metrics.get(name, float("nan"))
            figure.show_text(text.metric(name, value) if name else "", text.caption(name))
        going = board.state == "running"
        self.speed.show_text(text.rate(board.samples_per_second))
        self.left.show_text(text.duration(board.seconds_left) if going else text.UNKNOWN)
        said = board.message if board.state == "failed" else ""
        # others begin with the name of a node, which keeps its first letter
        self.message.show_text(f"S{said[1:]}" if said.startswith("step ") else said)
        self._fit()

    def _show_changed(self) -> None:
        changed = self.app.trainer.changed_since_start(self.document)
        for widget in (self.changed_label, self.swap_button, self.restart_button):
            self._show(widget, changed)
        self._fit()

    def _fit(self) -> None:
        """Show what there is room for, the most important first."""
        failed = self.board.state == "failed"
        self._show(self.progress, not failed)
        self._show(self.message, failed)
        self._show(self.node_button, failed and bool(self.board.failed_at))
        wanted = {w: not (failed and w in self.metrics) for w in self._spare}
        fixed = [w for w, (holder, _) in self._holders.items() if not holder.isHidden()]
        room = self.width() - 24 - sum(self._wide(w) for w in fixed if w not in wanted)
        room -= sum(self._wide(w) for w, shown in wanted.items() if shown)
        for widget in self._spare:
            if room < 0 and wanted[widget]:
                room += self._wide(widget)
                wanted[widget] = False
        for widget, shown in wanted.items():
            self._show(widget, shown)

    def _show(self, widget: QWidget, shown: bool) -> None:
        """Show or hide a widget with its gap."""
        holder, _ = self._holders[widget]
        if holder.isHidden() == shown:
            holder.setVisible(shown)

    def _wide(self, widget: QWidget) -> int:
        """The room a widget needs, with its gap."""
        own = max(widget.minimumWidth(), widget.minimumSizeHint().width())
        if not isinstance(widget, Message):
            own = max(own, widget.sizeHint().width())
        return own + self._holders[widget][1]

    # ---- what it does

    def _show_node(self) -> None:
        if self.document is not None and self.board.failed_at:
            path = self.board.failed_at
            self.app.desk.jump(path, definition_of(self.document.graph, path))

    def _set_rate(self, typed: str) -> str:
        return settings.set_rate(self.document, typed) if self.document else ""

    def _set_device(self, device: str) -> None:
        self.app.trainer.device = "reference" if device == "reference" else "cpu"
        self.device.show_value(device)


def _share(board: Board) -> float:
    return board.step / board.steps if board.steps else 0.0


def _loss(board: Board) -> float:
    recent = board.curves.losses.values[-RECENT:]
    return float(np.mean(recent)) if len(recent) else float("nan")


def _words(board: Board, document: Document | None, foretold: str) -> tuple[str, str, str]:
    """The line over the track: strong, weak, and at the right, before a run what is foretold."""
    if document is None:
        return "", "No graph is open", ""
    epochs = board.epochs or document.graph.training.epochs
    epoch, of = f"Epoch {min(board.epoch + 1, epochs):,}", f"of {epochs:,}"
    iteration = f"{board.step:,} / {board.steps:,}"
    match board.state:
        case "preparing":
            kernels = board.preparing.removeprefix("Compiling kernels").strip()
            if kernels:
                return "Compiling kernels", "once", kernels.replace("/", " / ")
            return "Preparing", "", ""
        case "running":
            return epoch, of, f"iteration {iteration}"
        case "paused":
            return epoch, of, f"paused at {iteration}"
        case "finished" if board.reason.startswith("stopped early"):
            return "Stopped early", f"after {board.epoch:,} {of}", iteration
        case "finished":
            return "Finished", f"{epochs:,} epochs", f"{board.step:,} iterations"
        case "stopped" if board.started:
            return "Stopped", f"in {epoch.lower()} {of}", iteration
    return "Ready", f"for {document.graph.training.epochs:,} epochs", foretold
