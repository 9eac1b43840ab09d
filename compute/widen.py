"""What a layer of another size takes over from the one before it.

`widen` changes nothing that the net computes (Net2Net, Chen et al. 2016): new units copy old ones,
and whoever reads a copied unit shares its weight among the copies. `overlap` keeps the units there
were and lets new ones begin as they would in a new net, unread at first.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compute.backend import Array


def widen(values: Mapping[str, Array], layer: str, reader: str, units: int) -> dict[str, Array]:
    """The arrays that change when dense `layer` gets `units` outputs, read by dense `reader` only.

    `values` are persistent arrays by `kind:KEY` (weight out×in); units are copied in turn. What
    lies between the two layers must treat each unit alike. Raises ValueError for fewer units than
    there are.
    """
    weight = values[f"param:{layer}/weight"]
    if units < len(weight):
        raise ValueError(f"{layer}: found {units} units, expected at least {len(weight)}")
    source = np.arange(units) % len(weight)
    copies = np.bincount(source)[source]
    changed = {f"param:{layer}/weight": weight[source]}
    bias = f"param:{layer}/bias"
    if bias in values:
        changed[bias] = values[bias][source]
    incoming = f"param:{reader}/weight"
    changed[incoming] = values[incoming][:, source] / copies
    return changed


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
