"""What attention nodes look at: their weights for one sample, by their definition, in NumPy.

The engine keeps no weights: its kernels never hold them all. Here they are made from what goes into
the node.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compute.backend import Array
from graph.graph import Graph
from graph.lower import Model
from graph.ops.attention import Attending, MultiHeadAttention, ScaledDotProductAttention
from graph.subgraph import Subgraph

NAME = "attention:"  # before a NodePath, in questions


def operands(model: Model, name: str) -> dict[str, str]:
    """What `attention:PATH` is made of: by input port the value `value:path.port` wired to it.

    Empty where there is no such attention node, or where one of them cannot be watched.
    """
    path = name.removeprefix(NAME)
    node = model.nodes.get(path)
    if name == path or node is None or not isinstance(node.op, Attending) or node.bypassed:
        return {}
    above, _, id = path.rpartition("/")
    drawing, prefix = _drawing(model, above), f"{above}/" if above else ""
    found = {}
    for port in node.op.ports_in():
        for wire in drawing.wires_in(id, port.name):
            found[port.name] = f"value:{prefix}{wire.source}.{wire.output}"
    return found if all(map(model.can_watch, found.values())) else {}


def _drawing(model: Model, above: str) -> Graph:
    """The drawing whose nodes have paths that begin with `above`."""
    if above and above not in model.nodes:
        above = above.rpartition("/")[0]  # the number of a repetition
    op = model.nodes[above].op if above else None
    return model.graph.definitions[op.definition] if isinstance(op, Subgraph) else model.graph


def parameters(model: Model, name: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The node's parameters by their own names, running means where evaluation takes these."""
    found = {}
    for key in model.owners.get(name.removeprefix(NAME), ()):
        mean = model.averages.get(key)
        found[key.rpartition("/")[2]] = arrays[f"slot:{mean}" if mean else f"param:{key}"]
    return found


def weights(op: Attending, given: Mapping[str, Array], params: Mapping[str, Array]) -> Array:
    """Weights H×T×S of one sample: how much each of T queries takes from each of S keys.

    `given` holds the operands by port without the sample axis. Vaswani et al. (2017), §3.2.
    """
    real = {port: np.asarray(array, np.float64) for port, array in given.items()}
    if isinstance(op, MultiHeadAttention):
        q, k = _projected(op, real["x"], real.get("context", real["x"]), params)
        scale = q.shape[-1] ** -0.5
    else:
        assert isinstance(op, ScaledDotProductAttention)
        q, k = (a if a.ndim == 3 else a[None] for a in (real["q"], real["k"]))
        scale = q.shape[-1] ** -0.5 if op.scale is None else op.scale
    scores = q @ k.transpose(0, 2, 1) * scale
    seen = np.ones(scores.shape[1:], bool)
    if op.causal:
        seen = np.tril(seen)
    if "length" in given:
        seen &= np.arange(seen.shape[1]) < int(given["length"])
    shifted = np.where(seen, scores, -np.inf)
    top = shifted.max(axis=-1, keepdims=True)
    made = np.exp(shifted - np.where(np.isfinite(top), top, 0.0))
    total: Array = made / np.maximum(made.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
    return total


def _projected(
    op: MultiHeadAttention, x: Array, looked_at: Array, params: Mapping[str, Array]
) -> tuple[Array, Array]:
    """Queries and keys, H×steps×E/H."""
    width, whole = x.shape[1], params.get("in_proj_weight")
    bias = params.get("in_proj_bias", np.zeros(3 * width))
    made = []
    for place, (letter, rows) in enumerate((("q", x), ("k", looked_at))):
        part = slice(place * width, (place + 1) * width)
        weight = params[f"{letter}_proj_weight"] if whole is None else whole[part]
        own = rows @ weight.T + bias[part]
        made.append(own.reshape(len(rows), op.heads, -1).transpose(1, 0, 2))
    return made[0], made[1]
