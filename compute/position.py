"""How far a training is: all that a checkpoint needs beside the arrays, as everything else is a
function of seed and step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compute.backend import Array
from compute.evaluate import add_up
from compute.stopping import Best
from graph.kinds import Followed, Follower
from graph.scores import loss_names, phase_name

if TYPE_CHECKING:
    from graph.lower import Model


@dataclass
class Position:
    """Finished steps and epochs; the epoch's loss sums so far by phase; the last epoch's metrics.

    `totals` maps a phase, and `loss/PATH` of each of its losses where it has several, to
    (Σ loss × samples, samples) of the epoch under way, `followed` the schedules that follow a score
    to how far they are; `best` is the epoch with the best score.
    """

    step: int = 0
    epochs: int = 0
    totals: dict[str, tuple[float, int]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    followed: dict[str, Followed] = field(default_factory=dict)
    best: Best = field(default_factory=Best)

    def score(self, name: str) -> float | None:
        """A metric of the last epoch: of the validation samples, else of the training; or None."""
        return self.metrics.get(f"val_{name}", self.metrics.get(name))

    def follow(self, model: Model) -> list[str]:
        """Let schedules follow the epoch's metrics; the names of scores that there are not."""
        missing = []
        for path, schedule in model.followers.items():
            name = schedule.monitor
            score = self.score(name)
            if score is None:
                missing.append(name)
            else:
                seen = self.followed.get(path, Followed())
                self.followed[path] = schedule.follow(seen, score)
        return missing

    def shares(self) -> dict[str, float]:
        """What schedules that follow a score leave of the learning rate, by live setting."""
        return {f"{p}/{Follower.SHARE}": seen.share for p, seen in self.followed.items()}

    def add(self, name: str, losses: Array, size: int) -> None:
        """Count the losses of consecutive steps of a phase or node, `size` samples each."""
        total, count = self.totals.get(name, (0.0, 0))
        self.totals[name] = (add_up(total, losses, size), count + size * len(losses))

    def mean_losses(self, model: Model) -> dict[str, float]:
        """Mean loss of the epoch: `loss`, by optimizer when there are several phases, and by node,
        named as `graph.scores` does, where a phase has several.
        """
        means = {name: total / count for name, (total, count) in self.totals.items()}
        phases = model.phases
        each = {name: means[path] for path, name in loss_names(model).items() if path in means}
        if len(phases) == 1:
            return {"loss": means.get(phases[0].name, 0.0)} | each
        named = {phase_name(p): means[p.name] for p in phases if p.name in means}
        return {"loss": sum(named.values())} | each | named

    def to_text(self) -> str:
        """As JSON; floats keep every bit."""
        return json.dumps(
            {
                "step": self.step,
                "epochs": self.epochs,
                "totals": {k: [t.hex(), n] for k, (t, n) in self.totals.items()},
                "metrics": {k: v.hex() for k, v in self.metrics.items()},
                "followed": {
                    k: [s.share.hex(), "" if s.best is None else s.best.hex(), s.bad, s.rest]
                    for k, s in self.followed.items()
                },
                "best": self.best.to_json(),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Position:
        """The inverse of `to_text`; raises ValueError or KeyError for other text."""
        data: Mapping[str, object] = json.loads(text)
        totals, metrics = data["totals"], data["metrics"]
        followed, best = data["followed"], data.get("best")  # older checkpoints have none
        assert isinstance(totals, dict)
        assert isinstance(metrics, dict)
        assert isinstance(followed, dict)
        assert best is None or isinstance(best, list)
        return cls(
            int(str(data["step"])),
            int(str(data["epochs"])),
            {k: (float.fromhex(t), int(n)) for k, (t, n) in totals.items()},
            {k: float.fromhex(v) for k, v in metrics.items()},
            {k: _followed(*v) for k, v in followed.items()},
            Best.from_json(*best) if best else Best(),
        )


def _followed(share: str, best: str, bad: int, rest: int) -> Followed:
    return Followed(
        float.fromhex(share), float.fromhex(best) if best else None, int(bad), int(rest)
    )
