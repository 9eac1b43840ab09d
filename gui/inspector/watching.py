"""Gradient and activations of the chosen node while its graph trains."""

from __future__ import annotations

import math

import numpy as np

from graph.graph import Node
from gui.app import App
from gui.inspector.facts import path_prefix, weight_names
from gui.inspector.plots import Curve, Floats, Histogram
from gui.inspector.section import Section
from gui.inspector.subject import Subject, places
from gui.run.board import Board


class Watching(Section):
    """Two small plots; hidden while nothing is known of the node."""

    def __init__(self, app: App) -> None:
        super().__init__(app.look, "")
        self._app = app
        self._node: Node | None = None
        self._gradient = self._value = self._sign = ""
        self.curve = Curve(app.look, "Gradient")
        self.histogram = Histogram(app.look, "Activations")
        self.add(self.curve)
        self.add(self.histogram)
        self.hide()

    def show_subject(self, subject: Subject) -> None:
        """Be about another node."""
        node, document = subject.node, subject.document
        self._node = node if node and node.op.role in ("layer", "loss") else None
        self._gradient = self._value = self._sign = ""
        if self._node is None or document is None:
            return
        found, shown = dict(places(document.graph, document.into, self._node.id)), document.prefix
        path = shown + self._node.id if shown + self._node.id in found else next(iter(found), "")
        keys = found.get(path, "")
        ports = document.drawing.ports_out(self._node.id)
        if not path or not ports:
            return
        weights = weight_names(document.shapes, path_prefix(document) + self._node.id)
        if self._node.op.role == "loss":
            return  # its value comes with every step
        port = f"{path}.{ports[0].name}"
        self._value = f"value:{port}"
        if weights:
            self._gradient, self._sign = f"gradient:{keys}/{weights[0]}", "‖∂L/∂w‖"
        else:
            self._gradient, self._sign = f"gradient:{port}", "‖∂L/∂y‖"

    def names(self) -> frozenset[str]:
        """The tensors to watch."""
        names = (self._gradient, self._value)
        return frozenset(name for name in names if name)

    def refresh(self, board: Board) -> None:
        """Show what is known."""
        if self._node is not None and self._node.op.role == "loss":
            self._show_losses(board)
            return
        gradient, tap = board.norms.get(self._gradient), board.taps.get(self._value)
        self.curve.setVisible(gradient is not None)
        self.histogram.setVisible(tap is not None and bool(tap.histogram))
        self.setVisible(gradient is not None or tap is not None)
        if gradient is not None and len(gradient.values):
            theme = self._app.look.theme
            values = gradient.values.values
            last = float(values[-1])
            self.curve.write("Gradient", f"{self._sign} {three(last)}")
            self.curve.display(
                logs(values), theme.ramp("gradient", share(last, theme.gradient_range))
            )
        if tap is not None:
            figure = f"mean {three(tap.mean)} · std {three(tap.deviation)}"
            if tap.not_finite:
                figure = f"{tap.not_finite:,} not finite"
            self.histogram.write("Activations", figure)
            self.histogram.display(np.asarray(tap.histogram, np.float64))

    def _show_losses(self, board: Board) -> None:
        """The loss of every step of the run."""
        losses = board.curves.losses.values
        self.histogram.hide()
        self.curve.setVisible(len(losses) > 1)
        self.setVisible(len(losses) > 1)
        if len(losses) > 1:
            self.curve.write("Loss of the run", three(float(losses[-1])))
            self.curve.display(logs(losses), self._app.look.theme.of_family("loss"))


def logs(values: Floats) -> Floats:
    """Norms and losses go over decades: their logarithms, nothing below 1e-12."""
    return np.log10(np.maximum(values, 1e-12))


def three(value: float) -> str:
    """A figure with three digits: 0.450, 12.3, 2.1e-5."""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e4:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    places = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    return f"{value:.{places}f}"


def share(norm: float, limits: tuple[float, float]) -> float:
    """Where a norm lies in the logarithmic range of gradients, 0 to 1."""
    if not (math.isfinite(norm) and norm > 0):
        return 0.0 if norm == 0 else 1.0
    low, high = (math.log10(limit) for limit in limits)
    return min(max((math.log10(norm) - low) / (high - low), 0.0), 1.0)
