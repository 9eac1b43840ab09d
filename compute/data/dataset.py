"""The samples of a graph: all its data nodes together, fitted on the training part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from compute.backend import Array
from compute.data.digits import load_digits
from compute.data.sequences import load_sequences, load_text
from compute.data.source import Block, DataError, Folder, Loaded
from compute.data.toy import load_toy
from graph.kinds import DataSource
from graph.schema import Schema

if TYPE_CHECKING:
    from graph.ops.data import ToyData
    from graph.ops.sequences import Text, ToySequences
    from graph.ops.table import Table

# How each kind of data node is read: (node's settings, folder, node path) -> samples.
LOADERS: dict[str, Callable[[DataSource, Folder, str], Loaded]] = {
    "Digits": lambda op, folder, where: load_digits(where),
    "ToyData": lambda op, folder, where: load_toy(cast("ToyData", op)),
    "ToySequences": lambda op, folder, where: load_sequences(cast("ToySequences", op)),
    "Text": lambda op, folder, where: load_text(cast("Text", op), folder, where),
    "Table": lambda op, folder, where: _table(cast("Table", op), folder, where),
}


def _table(op: Table, folder: Folder, where: str) -> Loaded:
    from compute.data.table import load_table  # importing pyarrow takes 0.2 seconds

    return load_table(op, folder, where)


@dataclass(frozen=True)
class Scaling:
    """What was fitted to one array, by column: (x − mean)/scale, with `fill` where x is missing."""

    fill: Array
    mean: Array
    scale: Array

    def apply(self, values: Array) -> Array:
        """Fill and standardise, N×F."""
        filled = np.where(np.isnan(values), self.fill, values)
        return np.asarray((filled - self.mean) / self.scale)

    def undo(self, values: Array) -> Array:
        """Back to the units of the file."""
        return np.asarray(values * self.scale + self.mean)

    def to_json(self) -> dict[str, list[float]]:
        """The numbers as JSON, exactly."""
        return {name: getattr(self, name).tolist() for name in ("fill", "mean", "scale")}

    @classmethod
    def from_json(cls, data: Mapping[str, list[float]]) -> Scaling:
        """The inverse of `to_json`."""
        return cls(*(np.array(data[name], np.float64) for name in ("fill", "mean", "scale")))


@dataclass(frozen=True)
class Samples:
    """What the data nodes of a graph give, by batch key `node.port`; sample k is row k of each."""

    arrays: Mapping[str, Array]
    blocks: Mapping[str, tuple[Block, ...]]
    class_names: Mapping[str, tuple[str, ...]]
    count: int
    fingerprint: str

    def labels(self) -> Array | None:
        """The first array of classes, to stratify by; None when there is none."""
        for _, array in sorted(self.arrays.items()):
            if array.dtype == np.int64 and array.ndim == 1:
                return array
        return None

    def fit(self, rows: Array) -> dict[str, Scaling]:
        """Fill values and statistics of the arrays that need them, from `rows` only."""
        return {key: _fit(self.arrays[key][rows], blocks) for key, blocks in self.blocks.items()}

    def prepare(self, scaling: Mapping[str, Scaling], dtype: Any) -> dict[str, Array]:
        """The arrays as a plan takes them: filled, standardised, C-contiguous, labels int64."""
        ready = {}
        for key, array in self.arrays.items():
            values = scaling[key].apply(array) if key in scaling else array
            kind = np.int64 if array.dtype == np.int64 else dtype
            ready[key] = np.ascontiguousarray(values, kind)
        return ready


def probe(op: DataSource, folder: Folder, where: str) -> Schema | None:
    """What the file of a data node holds, for its `schema` setting; None when it needs none."""
    if type(op).__name__ == "Table":
        from compute.data.table import probe_table  # importing pyarrow takes 0.2 seconds

        return probe_table(cast("Table", op), folder, where)
    return None


def load_samples(nodes: Mapping[str, DataSource], folder: Folder) -> Samples:
    """Read every data node, by path. Raises DataError for what cannot be read or does not fit."""
    if not nodes:
        raise DataError("graph", "no data node", "at least one", "add one, such as Digits")
    loaded = {path: _load(op, folder, path) for path, op in sorted(nodes.items())}
    arrays = {f"{p}.{port}": a for p, node in loaded.items() for port, a in node.arrays.items()}
    counts = {path: len(next(iter(node.arrays.values()))) for path, node in loaded.items()}
    count = next(iter(counts.values()))
    for path, other in counts.items():
        if other != count:
            found = f"{other:,} samples beside {count:,} of {next(iter(counts))!r}"
            raise DataError(path, found, "as many", "use data nodes of the same length")
    blocks = {f"{p}.{port}": b for p, node in loaded.items() for port, b in node.blocks.items()}
    names = {path: node.class_names for path, node in loaded.items()}
    return Samples(arrays, blocks, names, count, _fingerprint(arrays))


def _load(op: DataSource, folder: Folder, where: str) -> Loaded:
    name = type(op).__name__
    if name not in LOADERS:
        known = ", ".join(LOADERS)
        raise DataError(where, f"data node {name}", f"one of {known}", "use another data node")
    return LOADERS[name](op, folder, where)


def _fingerprint(arrays: Mapping[str, Array]) -> str:
    """SHA-256 of names, shapes and numbers: equal samples give equal fingerprints anywhere."""
    digest = hashlib.sha256()
    for key, array in sorted(arrays.items()):
        digest.update(f"{key} {array.dtype.kind} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _fit(rows: Array, blocks: tuple[Block, ...]) -> Scaling:
    width = rows.shape[1]
    fill, mean, scale = np.zeros(width), np.zeros(width), np.ones(width)
    for block in blocks:
        if not block.numeric:
            continue
        values = rows[:, block.start]
        present = values[~np.isnan(values)]
        if not present.size:
            continue
        fill[block.start] = present.mean()
        if block.standardise:
            mean[block.start] = present.mean()
            deviation = present.std()
            scale[block.start] = deviation if deviation > 0 else 1.0
    return Scaling(fill, mean, scale)
