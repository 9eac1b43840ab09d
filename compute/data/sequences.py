"""Sequences: generated ones, the same on every platform for the same seed, and windows of texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compute import philox
from compute.backend import Array
from compute.data.source import DataError, Folder, Loaded

if TYPE_CHECKING:
    from graph.ops.sequences import Text, ToySequences


def load_sequences(op: ToySequences) -> Loaded:
    """`samples_count` sequences of the chosen task."""
    make = {"sine": _sine, "adding": _adding, "reverse": _reverse}[op.task]
    sequence, target = make(op)
    return Loaded({"sequence": sequence, "target": target}, op.class_names())


def _sine(op: ToySequences) -> tuple[Array, Array]:
    """Waves of 8 to 24 steps, T + 1 values each: the last is the target."""
    count, length = op.samples_count, op.steps + 1
    period, phase = philox.uniform(op.seed, "sequences/wave", 0, 2 * count).reshape(2, count, 1)
    wave = np.sin(2 * np.pi * (np.arange(length) / (8 + 16 * period) + phase))
    first, second = philox.uniform(op.seed, "sequences/noise", 0, 2 * wave.size).reshape(
        2, count, length
    )
    wave = wave + op.noise * np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)
    return wave[:, :-1, None], wave[:, -1:]


def _adding(op: ToySequences) -> tuple[Array, Array]:
    """One step of each half is marked."""
    count, steps = op.samples_count, op.steps
    numbers = philox.uniform(op.seed, "sequences/numbers", 0, count * steps).reshape(count, steps)
    place = philox.uniform(op.seed, "sequences/marks", 0, 2 * count).reshape(2, count)
    half = steps // 2
    marks = np.zeros((count, steps))
    marks[np.arange(count), (place[0] * half).astype(np.int64)] = 1.0
    marks[np.arange(count), half + (place[1] * (steps - half)).astype(np.int64)] = 1.0
    return np.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdims=True)


def _reverse(op: ToySequences) -> tuple[Array, Array]:
    shape = op.samples_count, op.steps
    drawn = philox.uniform(op.seed, "sequences/symbols", 0, shape[0] * shape[1]).reshape(shape)
    symbols = (drawn * op.symbols).astype(np.int64)
    return symbols, np.ascontiguousarray(symbols[:, ::-1])


def load_text(op: Text, folder: Folder, where: str) -> Loaded:
    """The windows of the node's file. Raises DataError when there is not one whole window."""
    places = read_characters(folder.file(op.path, where), where)
    windows = cut(places, op.steps + 1, op.stride or op.steps, where)
    arrays = {"text": windows[:, :-1], "next": windows[:, 1:]}
    return Loaded({k: np.ascontiguousarray(v) for k, v in arrays.items()}, op.class_names())


def read_characters(file: Path, where: str) -> Array:
    """A text as places in ALPHABET from 1, 0 for other characters; line ends are line feeds."""
    from graph.ops.sequences import ALPHABET

    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at {error.start:,}"
        raise DataError(where, found, "text in UTF-8", "save it as UTF-8") from None
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known = np.array([ord(one) for one in ALPHABET], np.uint32)
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[places] == codes, places + 1, 0)


def cut(places: Array, length: int, stride: int, where: str) -> Array:
    """Windows N×length of a text. Raises DataError when there is none."""
    if len(places) < length:
        found, expected = f"{len(places):,} characters", f"{length:,} at least"
        raise DataError(where, found, expected, "make the window shorter, or the text longer")
    return np.lib.stride_tricks.sliding_window_view(places, length)[::stride]
