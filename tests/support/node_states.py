"""One node, every state it may be drawn in, and every kind of preview."""

from __future__ import annotations

import numpy as np

from gui.canvas.view_model import (
    Bars,
    Health,
    Mosaic,
    NodeState,
    NodeView,
    PortView,
    Preview,
    Scatter,
    Sparkline,
)

NODE = NodeView(
    "conv",
    "Conv2d",
    family="conv",
    icon="conv",
    summary="3×3 · 32 · same",
    badge="32×14×14",
    note="9,248",
    inputs=(PortView("x", "image", True),),
    outputs=(PortView("y", "image"),),
    ring=True,
)
STATES = {
    "plain": NodeState(),
    "selected": NodeState(selected=True),
    "hovered": NodeState(hovered=True),
    "running": NodeState(running=True),
    "bypassed": NodeState(bypassed=True),
    "frozen": NodeState(frozen=True),
    "ghost": NodeState(ghost=True),
    "warning": NodeState(problem="warning"),
    "error": NodeState(problem="error"),
    "quiet": NodeState(health=Health(0.1)),
    "loud": NodeState(health=Health(0.9)),
    "dead": NodeState(health=Health(0.1, dead=True)),
    "not finite": NodeState(health=Health(0.5, not_finite=True)),
}
_TILES = np.arange(12 * 64, dtype=np.uint8).reshape(12, 8, 8)
PREVIEWS: dict[str, Preview] = {
    "mosaic": Mosaic(_TILES, 4),
    "maps": Mosaic(_TILES, 6, "activation"),
    "sparkline": Sparkline([3.0, float("nan"), 2.0, 1.5, float("inf"), 1.0]),
    "bars": Bars([0.1, 0.7, 0.2], ("0", "1", "2"), 1),
    "scatter": Scatter(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2),
}
