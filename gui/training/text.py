"""Numbers of a run as the training bar writes them. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

UNKNOWN = "–"
PERCENT = frozenset({"accuracy"})  # metrics that are a share of all
SHORT = {  # metrics that are not written as words
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "f1": "F1",
    "auroc": "AUROC",
    "iou": "IoU",
}


def caption(name: str) -> str:
    """A metric's name in words: `val_loss` → "Val loss", `val_mae` → "Val MAE"."""
    words = " ".join(SHORT.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def metric(name: str, value: float) -> str:
    """A metric's value: shares in percent, others with four figures."""
    if not math.isfinite(value):
        return UNKNOWN if math.isnan(value) else "∞"
    if not PERCENT.isdisjoint(name.split("_")):  # of which node may stand behind
        return f"{100 * value:.1f} %"
    return figures(value)


def figures(value: float) -> str:
    """Four figures, short: 0.2635, 12.35, 1,860, 3.1e-6."""
    if not math.isfinite(value):
        return UNKNOWN
    size = abs(value)
    if size >= 100_000 or 0 < size < 0.001:
        return compact(float(f"{value:.3e}"))
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{4 if size < 1 else 3 if size < 10 else 2 if size < 100 else 1}f}"


def compact(value: float) -> str:
    """Without losing a digit; powers of ten for the very small and large: 6e-4, 0.001, 0.05."""
    if value == 0 or 0.001 <= abs(value) < 100_000:
        return f"{value:.12g}"
    head, _, power = f"{value:.12e}".partition("e")
    return f"{head.rstrip('0').rstrip('.')}e{int(power)}"


def rate(value: float) -> str:
    """Samples a second."""
    if not value > 0:
        return UNKNOWN
    if value < 100_000:
        return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return f"{value / 1000:,.0f}k" if value < 1e7 else f"{value / 1e6:,.1f}M"


def duration(seconds: float) -> str:
    """Time left: 3.5 s, 2 min 10 s, 1 h 5 min."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 59.95:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def shown_metrics(expected: Iterable[str], known: Iterable[str]) -> list[str]:
    """The three metrics to show: the loss, the held-out loss, then another held-out one.

    `expected` are the metrics the graph has (`accuracy`), `known` those measured so far.
    """
    names = ["loss", "val_loss", *(f"val_{name}" for name in expected), *sorted(known)]
    return list(dict.fromkeys(names))[:3]


def shorter(words: str) -> Iterator[str]:
    """The same in less and less room: figures matter more than what they are of.

    "iteration 12 / 90" → "12 / 90" → "12".
    """
    yield words
    parts = words.split(" ")
    while len(parts) > 1 and not parts[0][:1].isdigit():
        parts = parts[1:]
    yield " ".join(parts)
    yield parts[0]
