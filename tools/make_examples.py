"""Makes the shipped examples: graphs through edits, and the table's file.

Nodes get no places: the canvas lays such graphs out, always in the same way.

Run it after changing an example; `netloom examples --verify` then measures what it reaches.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

from compute import philox
from compute.data import Folder, probe
from graph.files import save
from graph.graph import Graph
from graph.op import REGISTRY
from graph.training import Split, Training
from tools.drawn import build
from tools.example_depth import DEPTH
from tools.example_sequences import SEQUENCES
from tools.rhymes import write_rhymes

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "examples"

COLUMNS = (
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "blood_sugar",
    "progression",
)
BLANKS = 12  # measurements taken out, so that the example shows what a missing value does


def write_table() -> None:
    """diabetes.csv from scikit-learn's copy, in the units of the source, some cells emptied."""
    data = load_diabetes(scaled=False)
    rows = [[f"{value:g}" for value in row] for row in np.column_stack([data.data, data.target])]
    measured = [k for k, name in enumerate(COLUMNS[:-1]) if name not in ("age", "sex")]
    drawn = philox.uniform(0, "diabetes/blanks", 0, 2 * BLANKS).reshape(BLANKS, 2)
    for row, column in drawn:
        rows[int(row * len(rows))][measured[int(column * len(measured))]] = ""
    with (FOLDER / "diabetes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def digits_mlp() -> Graph:
    """A hidden layer is enough to read most digits."""
    return build(
        ("digits", "Digits", {}),
        [
            ("flatten", "Flatten", {}),
            ("hidden", "Dense", {"units": 128}),
            ("relu", "ReLU", {}),
            ("scores", "Dense", {"units": 10}),
        ],
        ("loss", "CrossEntropy", {}),
        ("accuracy", "Accuracy", {}),
        [("adam", "Adam", {"learning_rate": 0.002})],
        Training(epochs=20, batch_size=32, split=Split(validation=0.2)),
    )


def digits_cnn() -> Graph:
    """Two convolutions, a pool, a dense layer: a small relative of LeNet."""
    return build(
        ("digits", "Digits", {}),
        [
            ("conv1", "Conv2d", {"filters": 16, "kernel": 3, "padding": "same"}),
            ("relu1", "ReLU", {}),
            ("conv2", "Conv2d", {"filters": 32, "kernel": 3, "padding": "same"}),
            ("relu2", "ReLU", {}),
            ("pool", "MaxPool2d", {}),
            ("dropout", "Dropout", {"p": 0.25}),
            ("flatten", "Flatten", {}),
            ("hidden", "Dense", {"units": 64}),
            ("relu3", "ReLU", {}),
            ("scores", "Dense", {"units": 10}),
        ],
        ("loss", "CrossEntropy", {}),
        ("accuracy", "Accuracy", {}),
        [("adam", "Adam", {"learning_rate": 0.003}), ("cosine", "CosineSchedule", {})],
        Training(epochs=15, batch_size=64, split=Split(validation=0.2)),
    )


def moons_mlp() -> Graph:
    """Two half moons that no straight line parts."""
    return build(
        ("moons", "ToyData", {"shape": "moons", "samples_count": 1000, "noise": 0.15}),
        [
            ("hidden1", "Dense", {"units": 16}),
            ("tanh1", "Tanh", {}),
            ("hidden2", "Dense", {"units": 16}),
            ("tanh2", "Tanh", {}),
            ("scores", "Dense", {"units": 2}),
        ],
        ("loss", "CrossEntropy", {}),
        ("accuracy", "Accuracy", {}),
        [("adam", "Adam", {"learning_rate": 0.01})],
        Training(epochs=40, batch_size=32, split=Split(validation=0.2)),
    )


def table_regression() -> Graph:
    """Ten measurements of a patient, one with two categories, some missing; one number out."""
    table = {
        "path": "diabetes.csv",
        "target": "progression",
        "types": (("sex", "category"),),
    }
    schema = probe(REGISTRY["Table"](**table), Folder(FOLDER), "patients")
    return build(
        ("patients", "Table", {**table, "schema": schema}),
        [
            ("hidden", "Dense", {"units": 32}),
            ("relu", "ReLU", {}),
            ("dropout", "Dropout", {"p": 0.2}),
            ("answer", "Dense", {"units": 1}),
        ],
        ("loss", "MeanSquaredError", {}),
        ("error", "MeanAbsoluteErrorMetric", {}),
        [("adam", "Adam", {"learning_rate": 0.003, "weight_decay": 0.001})],
        Training(epochs=40, batch_size=32, split=Split(validation=0.2)),
    )


MAKERS = {
    make.__name__.replace("_", "-"): make
    for make in (digits_mlp, digits_cnn, moons_mlp, table_regression, *DEPTH, *SEQUENCES)
}


def main() -> int:
    """Write the table and the text, then every example."""
    write_table()
    write_rhymes(FOLDER / "rhymes.txt")
    for name, make in MAKERS.items():
        save(make(), FOLDER / f"{name}.loom")
    return 0


if __name__ == "__main__":
    sys.exit(main())
