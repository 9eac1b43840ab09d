"""Axes without Qt: how far one reaches, and the few round values it is labelled with."""

from __future__ import annotations

import math

FEW, MANY = 3, 5  # labels of an axis
SMALLEST = 1e-12  # what is not positive lies here on a logarithmic axis
_STEPS = (1.0, 2.0, 2.5, 5.0)


def axis_range(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis that holds `low` to `high` with some room."""
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def linear_ticks(low: float, high: float, most: int = MANY) -> list[float]:
    """Multiples of a round step within an axis, at most so many."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (*_STEPS, 10.0, 20.0):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [number * step for number in range(first, last + 1)]
    return []


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, or 1, 3 and 10, or 1, 2, 5 and 10: the first that gives a few; else multiples
    of a round step.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        made = [d * 10.0**p for p in range(first, last + 1) for d in digits]
        inside = [tick for tick in made if low <= tick <= high]
        if len(inside) > MANY:
            stride = -(-len(inside) // MANY)
            inside = inside[::stride]
        if len(inside) >= FEW:
            return inside
    return linear_ticks(low, high)


def tick_text(value: float) -> str:
    """A round value, as short as it can be read: 0.3, 1,000, 2e-5."""
    if value and not 1e-4 < abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def value_text(value: float) -> str:
    """A measured value, four figures: 0.2635, 12.48, 3.1e-5; "–" when there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, 4 - whole if abs(value) >= 1 else 4)}f}"
