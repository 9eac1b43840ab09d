"""Predictions of a run for new rows or images, in the words and units of its data."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from compute import checkpoint
from compute.backend import Array, load
from compute.data import DataError, Scaling
from compute.data.sequences import cut, read_characters
from compute.data.source import check_file
from compute.outputs import Reading, input_keys, meanings, read_output, run_model
from compute.prepare import Report, TrainOptions, silent
from compute.results import Trained, live_settings, open_run, restore, save_arrays
from graph.lower import Model
from graph.program import TensorType
from graph.stepping import batch_size
from graph.training import AT_ONCE

if TYPE_CHECKING:
    from graph.ops.table import Table


@dataclass(frozen=True)
class Prediction:
    """Every output of the model for every new sample."""

    count: int
    outputs: tuple[Reading, ...]


def predict_run(
    run: str, file: Path, options: TrainOptions, progress: Report = silent
) -> Prediction:
    """Predict for the rows of a CSV file, or for PNG or NPY images, as the run's data node reads.

    An `.npz` file with arrays named `node.port` serves graphs with several inputs; its arrays are
    taken as they are. Raises DataError for input that does not fit.
    """
    trained = open_run(run, options)
    model = Model(trained.graph)
    fitted: Mapping[str, Any] = trained.record.data
    scaling = {key: Scaling.from_json(value) for key, value in fitted["scaling"].items()}
    check_file(file, str(file), str(file))
    data = _read(model, file, scaling, trained)
    count = len(next(iter(data.values())))
    training = trained.graph.training
    made = options.plan_options(training)
    live = live_settings(trained, model, options)
    with contextlib.closing(load(options.device).build(model, made, progress)) as plan:
        restore(plan, trained)
        samples = np.arange(count, dtype=np.int64)
        raw = run_model(model, plan, data, samples, batch_size(model.graph) or AT_ONCE, live)
    classes = {path: tuple(names) for path, names in fitted["classes"].items()}
    known = meanings(model)
    readings = [read_output(n, array, known[n], scaling, classes) for n, array in raw.items()]
    return Prediction(count, tuple(readings))


def _read(
    model: Model, file: Path, scaling: Mapping[str, Scaling], trained: Trained
) -> dict[str, Array]:
    """The model's inputs from a file, scaled as in training, in the graph's precision."""
    keys = input_keys(model)
    real = np.float64 if trained.graph.training.precision == "float64" else np.float32
    if file.suffix.lower() == ".npz":
        return _read_npz(model, file, keys, real)
    if len(keys) != 1:
        found, expected = f"one file for the inputs {', '.join(keys)}", "an .npz file with them"
        raise DataError(str(file), found, expected, "save the arrays under these names")
    key = keys[0]
    raw = _read_one(model, file, key)
    values = scaling[key].apply(raw) if key in scaling else raw
    kind = np.int64 if raw.dtype == np.int64 else real
    return {key: np.ascontiguousarray(values, kind)}


def _read_one(model: Model, file: Path, key: str) -> Array:
    """One input from a table, images or points, as its node and its shape say."""
    op = model.nodes[key.rpartition(".")[0]].op
    kind = _sample_types(model)[key]
    shape = kind.shape
    if type(op).__name__ == "Table":
        return _rows(cast("Table", op), file)
    if type(op).__name__ == "Text":
        return cut(read_characters(file, file.name), shape[0], shape[0], file.name)
    if len(shape) == 3:
        return _images(file, shape)
    if len(shape) == 1:
        points = _points(file, shape[0])
        return points if kind.dtype == "real" else _as_integers(points, file)
    found = f"an input of shape {'×'.join(map(str, shape)) or 'one number'} a sample"
    raise DataError(str(file), found, "a table, images or points", "give an .npz file")


def _as_integers(values: Array, file: Path) -> Array:
    whole = values.astype(np.int64)
    if (whole != values).any():
        raise DataError(file.name, "numbers with a fraction", "whole ones", "give the symbols")
    return whole


def _sample_types(model: Model) -> dict[str, TensorType]:
    """What one sample is for each input of the prediction program."""
    program = model.program("predict", 1)
    types = {given.key: program.types[given.value] for given in program.inputs}
    return {key: TensorType(kind.shape[1:], kind.dtype) for key, kind in types.items()}


def _read_npz(model: Model, file: Path, keys: list[str], real: Any) -> dict[str, Array]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as given:
            arrays = {name: given[name] for name in given.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        what = (str(error).splitlines() or ["a damaged file"])[0]
        raise DataError(str(file), what, "an .npz file", "save it anew") from None
    data: dict[str, Array] = {}
    for key, kind in _sample_types(model).items():
        if key not in keys:
            continue
        if key not in arrays:
            found = ", ".join(arrays) or "nothing"
            raise DataError(str(file), f"arrays {found}", f"one named {key}", "name it so")
        values, first = arrays[key], next(iter(data.values()), arrays[key])
        fits = values.shape[1:] == kind.shape and len(values) == len(first) > 0
        if not values.ndim or not fits or values.dtype.kind not in "fiub":
            found = f"{values.dtype} {'×'.join(map(str, values.shape))}"
            expected = "numbers " + "×".join(map(str, ("N", *kind.shape)))
            raise DataError(f"{file}, {key}", found, expected, "reshape it")
        data[key] = np.ascontiguousarray(values, np.int64 if kind.dtype == "int" else real)
    return data


# Pillow and pyarrow take a fifth of a second to import, so only who needs them does.


def _images(file: Path, shape: tuple[int, ...]) -> Array:
    from compute.data.images import read_images

    return read_images(file, shape)


def _points(file: Path, width: int) -> Array:
    from compute.data.points import read_points

    return read_points(file, width)


def _rows(op: Table, file: Path) -> Array:
    """Feature vectors of a table without, or with, its target column."""
    from compute.data.table import encode_features, read_table

    return encode_features(op, read_table(op, file, file.name), refuse_missing=False)[0]


def save_prediction(prediction: Prediction, file: Path) -> None:
    """Write a prediction by the ending of `file`: .csv a line a sample, .json, or .npz arrays."""
    ending = file.suffix.lower()
    if ending == ".npz":
        arrays = {}
        for output in prediction.outputs:
            arrays[output.name] = output.values
            if output.classes is not None:
                arrays[f"{output.name}.class"] = output.classes
        save_arrays(file, arrays)
    elif ending in (".csv", ".json"):
        header, rows = table_of(prediction)
        if ending == ".csv":
            stream = io.StringIO(newline="")
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([header, *rows])
            text = stream.getvalue()
        else:
            text = json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=1)
        checkpoint.write_durably(file, text.encode())
    else:
        expected = "a file ending in .csv, .json or .npz"
        raise DataError(str(file), f"ending {ending!r}", expected, "choose one of these")


def table_of(prediction: Prediction) -> tuple[list[str], list[list[object]]]:
    """Header and rows: class and probabilities of each output, or its numbers."""
    header: list[str] = []
    columns: list[list[object]] = []
    for output in prediction.outputs:
        for name, column in _columns(output.last, alone=len(prediction.outputs) == 1):
            header.append(name)
            columns.append(column)
    return header, [list(row) for row in zip(*columns, strict=True)]


def _columns(output: Reading, alone: bool) -> list[tuple[str, list[object]]]:
    start = "" if alone else f"{output.name}."
    found: list[tuple[str, list[object]]] = []
    values = output.values.reshape(len(output.values), -1)
    if output.classes is None:
        several = values.shape[1] > 1
        names = [f"value{k + 1}" if several else "value" for k in range(values.shape[1])]
        return [(start + n, values[:, k].tolist()) for k, n in enumerate(names)]
    labels = output.classes.reshape(len(values), -1)[:, 0].tolist()
    known = output.class_names
    found.append((f"{start}class", [known[k] if k < len(known) else k for k in labels]))
    if values.shape[1] == 1:
        values = np.concatenate([1 - values, values], axis=1)
    for k in range(values.shape[1]):
        name = known[k] if k < len(known) else str(k)
        found.append((f"{start}p({name})", values[:, k].tolist()))
    return found
