"""What layers expect of their operands, refused in the same words everywhere."""

from __future__ import annotations

import math

from graph.primitives.table import text
from graph.program import Shape, ShapeError, TensorType


def describe(kind: TensorType) -> str:
    """A batch in words: `a vector of 64 a sample`, `class labels`."""
    shape = kind.shape[1:]
    if kind.dtype == "int":
        return "class labels" if not shape else f"class labels {text(shape)} a sample"
    words = {0: "one number", 1: f"a vector of {text(shape)}", 3: f"an image {text(shape)}"}
    return f"{words.get(len(shape), text(shape))} a sample"


def need_numbers(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError for class labels and for what has no batch axis."""
    if kind.dtype == "int":
        remedy = "wire a port that carries numbers, such as features or an image"
        raise ShapeError(describe(kind), "real numbers", remedy, operand)
    if not kind.shape:
        remedy = "wire it before it is averaged"
        raise ShapeError("one number for the whole batch", "a value a sample", remedy, operand)


def need_lengths(kind: TensorType, batch: int, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` is an integer for each of `batch` samples."""
    if kind.dtype != "int" or kind.shape != (batch,):
        found = describe(kind) if kind.dtype == "int" or kind.shape else "one number for all"
        remedy = "wire a column of integers"
        raise ShapeError(found, "an integer length a sample", remedy, operand)


def need_vector(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` is a batch of vectors N×F."""
    need_numbers(kind, operand)
    if len(kind.shape) != 2:
        adapter, remedy = "Flatten", "put a Flatten before it"
        if len(kind.shape) == 1:
            adapter, remedy = "Reshape", "put a Reshape to 1 before it"
        raise ShapeError(describe(kind), "a vector a sample", remedy, operand, adapter)


def need_image(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` is a batch of images N×C×H×W."""
    need_numbers(kind, operand)
    if len(kind.shape) != 4:
        found = image_shape(kind.shape[1:])
        remedy = "put a Reshape to its channels, height and width before it"
        if found:
            remedy = f"put a Reshape to {text(found)} before it"
        expected, adapter = "an image C×H×W a sample", "Reshape" if found else ""
        raise ShapeError(describe(kind), expected, remedy, operand, adapter)


def image_shape(sample: Shape) -> Shape | None:
    """The image a sample most likely stands for: a square of 1 or 3 channels; None when unclear."""
    if len(sample) == 2:
        return (1, *sample)
    if len(sample) != 1:
        return None
    for channels in (1, 3):
        side = math.isqrt(sample[0] // channels)
        if side > 1 and channels * side * side == sample[0]:
            return (channels, side, side)
    return None
