"""Widening a layer without changing what the net computes (Net2Net, Chen et al. 2016).

New units copy old ones; whoever reads a copied unit shares its weight among the copies.
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
