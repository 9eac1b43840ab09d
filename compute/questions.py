"""What can be asked of a run between two steps, and the answers: plain frozen values.

`compute/answers.py` finds the answers on the side of the run and reduces them there, so what
reaches a window is small. Asking changes no bit of the training. Tensor names are those of watches
(`value:path.port`); a part's samples are counted from 0 in the order of its split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compute.backend import PlanStep

Part = Literal["train", "validation", "test"]
Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
Greys = NDArray[np.uint8]


# ---- questions


@dataclass(frozen=True)
class Maps:
    """The values inside the net for one sample (place in `part`), as in evaluation.

    `names` are `value:path.port`, or `attention:path` for the weights of an attention node, heads ×
    queries × keys; those that the net does not have are left out of the answer.
    """

    sample: int
    names: tuple[str, ...]
    part: Part = "validation"


@dataclass(frozen=True)
class Inputs:
    """The samples of these numbers (of the whole data set) as they are in the data."""

    samples: tuple[int, ...]


@dataclass(frozen=True)
class Predictions:
    """The outputs for the first `limit` samples of a part."""

    part: Part = "validation"
    limit: int = 2000


@dataclass(frozen=True)
class Boundary:
    """The output over a grid of a net with one or two input numbers, in the units of the data.

    `low` and `high` are the corners (x) or (x, y); there are `side` points along each axis.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    side: int = 64


@dataclass(frozen=True)
class Weights:
    """One parameter, by ParamKey (`conv1/weight`)."""

    key: str


@dataclass(frozen=True, eq=False)
class Predict:
    """The outputs for new samples, N×… in the units of the data, by input `node.port`.

    A net with one input takes the name "" for it. `names` (`value:path.port`) are shown for the
    first of them.
    """

    arrays: Mapping[str, Floats]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Next:
    """What comes behind a text: its symbols in order, for the input `key`, which reads windows.

    The net sees what it saw in training, where all windows are whole. Each place of them is read
    like the beginning of a window as long as what stands behind it changes nothing; then so is a
    text that is shorter. A net that looks ahead, or says one thing of a whole window, has learned
    what comes behind a text at the last place only: there the text ends, behind unknown symbols.
    """

    key: str
    symbols: Integers


@dataclass(frozen=True)
class PlanTable:
    """The plan of an entry ("": of the first training phase), measured on one thread if asked."""

    entry: str = ""
    profile: bool = False


Question = Maps | Inputs | Predictions | Boundary | Weights | Predict | Next | PlanTable


# ---- answers; `step` is the number of training steps done


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One tensor for one sample, `shape` without the sample axis.

    `tiles` (count×height×width) are grey pictures of its maps, each on its own range, `ranges`
    (count×2) these ranges; a vector has no tiles. `values` are its numbers when there are at most
    4,096 of them, else empty.
    """

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    tiles: Greys = field(repr=False)
    ranges: Floats = field(repr=False)
    values: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Places:
    """What an output says at each of the P places of its sequences: N×P, targets where known.

    `first` (P×K) are the probabilities for the first sample.
    """

    classes: Integers
    confidence: Floats
    first: Floats
    targets: Integers | None = None


@dataclass(frozen=True, eq=False)
class Output:
    """An output of the net for N samples, in the words and units of the data.

    Where it says a class at each place of a sequence, `places` holds them all, and all else is that
    of the last place: what comes next in a text.

    `values` (N×K) are probabilities for `kind` softmax and sigmoid, else numbers in data units.
    `classes`, `targets` and `confidence` (N; K numbers each for targets that are numbers) are None
    where they mean nothing. A class k is called `class_names[k]` if there is such a name.
    """

    name: str
    kind: Literal["softmax", "sigmoid", "numbers"]
    values: Floats
    classes: Integers | None = None
    targets: Floats | Integers | None = None
    confidence: Floats | None = None
    class_names: tuple[str, ...] = ()
    places: Places | None = None

    def at(self, place: int) -> Output:
        """The output at another place of its sequences, counted from 0.

        `values` stay those of the last one, but of a single sample.
        """
        if self.places is None:
            return self
        every = self.places
        return replace(
            self,
            values=every.first[place][None] if len(self.values) == 1 else self.values,
            classes=every.classes[:, place],
            targets=None if every.targets is None else every.targets[:, place],
            confidence=every.confidence[:, place],
        )

    @property
    def confusion(self) -> Integers | None:
        """Samples by target (row) and predicted class (column); None for numbers."""
        if self.classes is None or self.targets is None:
            return None
        count = 2 if self.kind == "sigmoid" else self.values.shape[1]
        table = np.zeros((count, count), np.int64)
        np.add.at(table, (self.targets.astype(np.int64), self.classes), 1)
        return table


@dataclass(frozen=True, eq=False)
class SampleMaps:
    """Answers Maps: `sample` is the number in the whole data set."""

    step: int
    sample: int
    inputs: Mapping[str, Floats]  # in the units of the data, by `node.port`
    outputs: tuple[Output, ...]
    maps: Mapping[str, FeatureMap]


@dataclass(frozen=True, eq=False)
class SampleInputs:
    """Answers Inputs: arrays N×… by `node.port`, data and targets alike."""

    step: int
    samples: Integers
    arrays: Mapping[str, Floats | Integers]
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SamplePredictions:
    """Answers Predictions: `samples` are numbers in the whole data set."""

    step: int
    part: Part
    samples: Integers
    outputs: tuple[Output, ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """Answers Boundary: row r, column c of the output's N = side² (or side) points from `low` up.

    `rows` is `side`, or 1 for a net with one input number.
    """

    step: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    rows: int
    output: Output


@dataclass(frozen=True, eq=False)
class Parameter:
    """Answers Weights. `tiles` are its filters or its matrix on one range, −`reach` to `reach`."""

    step: int
    key: str
    shape: tuple[int, ...]
    norm: float
    mean: float
    deviation: float
    low: float
    high: float
    reach: float
    histogram: tuple[int, ...]  # 64 equal bins from low to high
    tiles: Greys = field(repr=False)


@dataclass(frozen=True, eq=False)
class Predicted:
    """Answers Predict, and Next: what stands at the last place of the text; `at_end` says that a
    shorter one was read at the end of a window.
    """

    step: int
    outputs: tuple[Output, ...]
    maps: Mapping[str, FeatureMap] = field(default_factory=dict)
    at_end: bool = False


@dataclass(frozen=True, eq=False)
class PlanLines:
    """Answers PlanTable; `entries` are the entries there are to ask for."""

    step: int
    entry: str
    batch: int
    entries: tuple[str, ...]
    lines: tuple[PlanStep, ...]


@dataclass(frozen=True)
class Unanswered:
    """Why a question has no answer: found, expected, what to do."""

    message: str


Answer = (
    SampleMaps
    | SampleInputs
    | SamplePredictions
    | Surface
    | Parameter
    | Predicted
    | PlanLines
    | Unanswered
)
