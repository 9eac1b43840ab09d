"""What a data node shows of its data before anything runs: its first images, or its points."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute.data.dataset import load_samples
from compute.data.source import DataError, Folder
from graph.graph import Graph
from graph.kinds import DataSource
from gui.canvas.view_model import Preview, Scatter, mosaic

POINTS = 400  # enough to see a shape; more only blurs it


def data_previews(graph: Graph) -> dict[str, Preview]:
    """Previews of the data nodes of one drawing, by node id.

    Only data that ships or is generated: no file that a graph names is read for a picture.
    """
    found: dict[str, Preview] = {}
    for node in graph:
        if isinstance(node.op, DataSource) and not hasattr(node.op, "path"):
            try:
                samples = load_samples({node.id: node.op}, Folder(Path()))
            except DataError:
                continue
            ports = [samples.arrays.get(f"{node.id}.{p.name}") for p in node.op.ports_out()]
            preview = preview_of([np.asarray(array) for array in ports if array is not None])
            if preview is not None:
                found[node.id] = preview
    return found


def preview_of(arrays: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> Preview | None:
    """A mosaic of N×C×H×W images, a scatter of N×2 points with classes or of N×1 against N×1."""
    first = arrays[0] if arrays else np.empty(0)
    if first.ndim == 4:
        return mosaic(first[:12].mean(axis=1))
    if first.ndim != 2 or len(arrays) < 2:
        return None
    target = arrays[1][:POINTS]
    if first.shape[1] == 2 and target.ndim == 1:
        return Scatter(first[:POINTS], target.astype(np.int64))
    if first.shape[1] == 1 and target.shape[1:] == (1,):
        points = np.concatenate([first[:POINTS], target], axis=1)
        return Scatter(points, np.zeros(len(points), np.int64))
    return None
