"""Early stopping: the best epoch of a run, its weights, and whether patience is at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compute.backend import Array
    from compute.train import Job


@dataclass(frozen=True)
class Best:
    """The best score of a run, the epoch (from 1) that had it, and that epoch's metrics.

    Patience counts from epoch `since`: the best, or a later one that had no score.
    """

    score: float | None = None
    epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    since: int = 0

    def to_json(self) -> list[object]:
        """Numbers keep every bit."""
        score = "" if self.score is None else self.score.hex()
        known = {name: value.hex() for name, value in self.metrics.items()}
        return [score, self.epoch, known, self.since]

    @classmethod
    def from_json(
        cls, score: str, epoch: int, metrics: Mapping[str, str], since: int | None = None
    ) -> Best:
        """The inverse of `to_json`; older checkpoints have no `since`."""
        known = {name: float.fromhex(value) for name, value in metrics.items()}
        since = int(epoch) if since is None else int(since)
        return cls(float.fromhex(score) if score else None, int(epoch), known, since)


def look(job: Job) -> str:
    """Compare the metrics of the epoch that just ended with the best; keeps better weights.

    Returns the name of a score that is wanted and that there is not.
    """
    at, rule = job.position, job.model.graph.training.stopping
    if not rule.watches:
        return ""
    score = at.score(rule.monitor)
    if score is None:
        at.best = replace(at.best, since=at.epochs)  # nothing to be patient about
        return rule.monitor
    if rule.better(score, rule.worst if at.best.score is None else at.best.score):
        at.best = Best(score, at.epochs, dict(at.metrics), at.epochs)
        if rule.restore_best:
            job.best = _judged(job)
    return ""


def _judged(job: Job) -> dict[str, Array]:
    """What an evaluation reads, and the parameters where that is their running means."""
    means = {f"slot:{slot}" for slot in job.model.averages.values()}
    arrays = job.plan.read()
    return {k: a for k, a in arrays.items() if not k.startswith("slot:") or k in means}


def used_up(job: Job) -> str:
    """Why the training ends before its last epoch, or "" where it goes on."""
    at, rule = job.position, job.model.graph.training.stopping
    waited = at.epochs - at.best.since
    if not rule.patience or waited < rule.patience:
        return ""
    name = f"val_{rule.monitor}" if f"val_{rule.monitor}" in at.metrics else rule.monitor
    best = "no number yet" if at.best.score is None else f"no better than {at.best.score:.4g}"
    epochs = f"{waited} epoch{'s' if waited > 1 else ''}"
    return f"stopped early at epoch {at.epochs}: {name} {best} for {epochs}"


def restore(job: Job) -> str:
    """Put the best weights back, and their metrics, where that is asked for; says so."""
    at = job.position
    asked = job.model.graph.training.stopping.restore_best
    if not (asked and job.best) or at.best.epoch == at.epochs:
        return ""
    job.plan.write(job.best)
    at.metrics = dict(at.best.metrics)
    return f"the weights are those of epoch {at.best.epoch}, the best"


def forget(job: Job) -> None:
    """Count anew from here on: another model trains."""
    job.position.best, job.best = Best(since=job.position.epochs), {}
