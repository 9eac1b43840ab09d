"""Points from a CSV file, to predict with a model that was trained on toy data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute.backend import Array
from compute.data.cells import cells_of, first_is_numbers, numbers_of
from compute.data.csv_text import read_csv
from compute.data.source import DataError


def read_points(file: Path, width: int) -> Array:
    """Points to predict: CSV rows of `width` numbers each; names in the first line may be there."""
    text = read_csv(file, file.name, header=False)
    if not first_is_numbers(text):
        text = read_csv(file, file.name, header=True)
    if len(text.names) != width:
        found = f"{len(text.names)} columns"
        raise DataError(file.name, found, f"{width}", "leave the others out")
    return np.stack([numbers_of(cells_of(text, name)) for name in text.names], axis=1)
