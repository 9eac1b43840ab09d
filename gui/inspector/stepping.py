"""One step up or down from a value: by arrow keys, and by dragging a label. No Qt."""

from __future__ import annotations

import math
from typing import Any

from gui.inspector.spec import Spec

FIRST = 1e-4  # first step away from 0 where nothing bounds the value


def stepped(spec: Spec, value: Any, count: int) -> Any:
    """`value` after `count` steps, kept within the bounds; unchanged when it is no number.

    Whole numbers go by 1. Others go by a tenth of their leading digit, or of their distance to the
    nearest bound, so that 0.001 and 0.999 are both easy to set.
    """
    if isinstance(value, tuple):
        return tuple(stepped(spec, part, count) for part in value)
    if value is None:
        return _start(spec)
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and "float" not in spec.parts:
        return _whole(spec, value + count)
    found = float(value)
    for _ in range(abs(count)):
        then = _real(spec, found, 1 if count > 0 else -1)
        if then == found:
            break
        found = then
    return found


def _start(spec: Spec) -> Any:
    low = spec.rule.min
    return max(1, int(low)) if low is not None else 1


def _whole(spec: Spec, value: int) -> int:
    rule = spec.rule
    if rule.max is not None:
        value = min(value, int(rule.max))
    return max(value, int(rule.min)) if rule.min is not None else value


def _real(spec: Spec, value: float, sign: int) -> float:
    rule = spec.rule
    low = rule.min if rule.min is not None else rule.above
    high = rule.max if rule.max is not None else rule.below
    gaps = [abs(value - bound) for bound in (low, high) if bound is not None] or [abs(value)]
    gap = min(gaps)
    if not gap:
        span = high - low if low is not None and high is not None else math.inf
        gap = 0.1 * span if span <= 1 else 10 * FIRST
    power = math.floor(math.log10(gap) + 1e-9) - 1
    if gap == abs(value) and sign < 0 and math.isclose(gap, 10.0 ** (power + 1)):
        power -= 1  # below 0.001 comes 0.00099, as above 0.00099 comes 0.001
    then = float(f"{value + sign * 10.0**power:.{max(0, -power)}f}")
    return then if _within(spec, then) else value


def _within(spec: Spec, value: float) -> bool:
    rule = spec.rule
    return not (
        (rule.min is not None and value < rule.min)
        or (rule.max is not None and value > rule.max)
        or (rule.above is not None and value <= rule.above)
        or (rule.below is not None and value >= rule.below)
    )
