"""What a layer of another size takes over from the one before it.

The units there were are kept, and new ones begin as they would in a new net, unread at first.
"""

from __future__ import annotations

from collections.abc import Mapping

from compute.backend import Array


def overlap(old: Mapping[str, Array], fresh: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays by `kind:KEY` for those of `fresh` that `old` has in another size.

    What both have is kept. The rest is as in `fresh`, but a weight's new inputs (axis 1) are zero:
    units that are only added at the end change no output at first.
    """
    found: dict[str, Array] = {}
    for name, values in fresh.items():
        before = old.get(name)
        if before is None or before.ndim != values.ndim or before.shape == values.shape:
            continue
        both = tuple(slice(min(a, b)) for a, b in zip(before.shape, values.shape, strict=True))
        made = values.copy()
        if name.startswith("param:") and values.ndim > 1:
            made[:, before.shape[1] :] = 0
        made[both] = before[both]
        found[name] = made
    return found
