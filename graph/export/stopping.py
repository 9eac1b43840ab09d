"""Early stopping in exported training loops: the lines that both targets share."""

from __future__ import annotations

from graph.export.monitors import Monitors
from graph.export.names import literal
from graph.training import Stopping


def start(rule: Stopping | None) -> list[str]:
    """Before the first epoch."""
    if rule is None:
        return []
    worst = "math.inf" if rule.mode == "min" else "-math.inf"
    kept = ["    kept = {}"] if rule.restore_best else []
    return [f"    best, best_epoch = {worst}, 0", *kept]


def look(rule: Stopping | None, monitors: Monitors, keep: str) -> list[str]:
    """After the scores of an epoch were found; `keep` makes a copy of the weights."""
    if rule is None:
        return []
    sign, change = ("<", "-") if rule.mode == "min" else (">", "+")
    bar = f"best {change} {rule.min_delta!r}" if rule.min_delta else "best"
    score = monitors.text(rule.monitor)
    better, first = f"{score} {sign} {bar}", "if"
    lines: list[str] = []
    if monitors.seldom(rule.monitor):  # patience does not wait for what there is not
        lines = [
            f"        if {literal(rule.monitor)} not in scores:",
            "            best_epoch = epoch + 1",
        ]
        first = "elif"
    lines += [
        f"        {first} {better}:",
        f"            best, best_epoch = {score}, epoch + 1",
    ]
    return [*lines, f"            kept = {keep}"] if rule.restore_best else lines


def leave(rule: Stopping | None, monitors: Monitors) -> list[str]:
    """After the losses of an epoch were handed out."""
    if rule is None or not rule.patience:
        return []
    words = (
        f"{monitors.shown(rule.monitor)} no better than {{best:.4g}} for {_epochs(rule.patience)}"
    )
    return [
        f"        if epoch + 1 - best_epoch >= {rule.patience}:",
        "            print(",
        '                f"stopped early at epoch {epoch + 1}: "',
        f"                f{literal(words)}",
        "            )",
        "            break",
    ]


def restore(rule: Stopping | None, put_back: str) -> list[str]:
    """After the last epoch; `put_back` makes the kept weights those of the model."""
    if rule is None or not rule.restore_best:
        return []
    return ["    if kept:", f"        {put_back}"]


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"
