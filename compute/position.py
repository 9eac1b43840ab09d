"""How far a training is: all that a checkpoint needs beside the arrays, as everything else is a
function of seed and step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compute.backend import Array
from compute.evaluate import add_up

if TYPE_CHECKING:
    from graph.lower import Phase


@dataclass
class Position:
    """Finished steps and epochs; the epoch's loss sums so far by phase; the last epoch's metrics.

    `totals` maps a phase to (Σ loss × samples, samples) of the epoch under way.
    """

    step: int = 0
    epochs: int = 0
    totals: dict[str, tuple[float, int]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    def add(self, phase: str, losses: Array, size: int) -> None:
        """Count the losses of consecutive steps of a phase, `size` samples each."""
        total, count = self.totals.get(phase, (0.0, 0))
        self.totals[phase] = (add_up(total, losses, size), count + size * len(losses))

    def mean_losses(self, phases: Sequence[Phase]) -> dict[str, float]:
        """Mean loss of the epoch: `loss`, and by optimizer when there are several phases."""
        means = {name: total / count for name, (total, count) in self.totals.items()}
        if len(phases) == 1:
            return {"loss": next(iter(means.values()), 0.0)}
        named = {f"{p.owned[0][0]}_loss": means[p.name] for p in phases if p.name in means}
        return {"loss": sum(named.values())} | named

    def to_text(self) -> str:
        """As JSON; floats keep every bit."""
        return json.dumps(
            {
                "step": self.step,
                "epochs": self.epochs,
                "totals": {k: [t.hex(), n] for k, (t, n) in self.totals.items()},
                "metrics": {k: v.hex() for k, v in self.metrics.items()},
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Position:
        """The inverse of `to_text`; raises ValueError or KeyError for other text."""
        data: Mapping[str, object] = json.loads(text)
        totals, metrics = data["totals"], data["metrics"]
        assert isinstance(totals, dict)
        assert isinstance(metrics, dict)
        return cls(
            int(str(data["step"])),
            int(str(data["epochs"])),
            {k: (float.fromhex(t), int(n)) for k, (t, n) in totals.items()},
            {k: float.fromhex(v) for k, v in metrics.items()},
        )
