"""Answering questions about a run between two steps, from its own plan.

Everything is run by the entries `evaluate` and `predict`, which change no array that lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from compute.attention import NAME, operands, parameters, weights
from compute.backend import Array
from compute.data import DataError
from compute.evaluate import host_scalars
from compute.outputs import Meaning, Reading, input_keys, meanings, read_output, run_model
from compute.pictures import feature_map, parameter_tiles
from compute.questions import (
    Answer,
    Boundary,
    FeatureMap,
    Inputs,
    Maps,
    Next,
    Output,
    Parameter,
    Part,
    Places,
    PlanLines,
    PlanTable,
    Predict,
    Predicted,
    Predictions,
    Question,
    SampleInputs,
    SampleMaps,
    SamplePredictions,
    Surface,
    Unanswered,
    Weights,
)
from compute.watch import reduce_tap
from graph.lower import LowerError
from graph.ops.attention import Attending

if TYPE_CHECKING:
    from compute.prepare import Loaded
    from compute.train import Job

MOST_POINTS = 1 << 16  # of a boundary
PROFILED_STEPS = 12
UNKNOWN = 0  # the symbol of a text that stands for all that are not known
UNENDING = 1e6
WARMING_STEPS = 4  # before them, so that what is measured has its data in the caches


def answer(question: Question, job: Job, loaded: Loaded) -> Answer:
    """The answer of a run as it is now; Unanswered when its net or data does not fit."""
    try:
        return _Answerer(job, loaded).answer(question)
    except (LowerError, DataError, ValueError, KeyError, MemoryError) as error:
        return Unanswered(str(error).strip("'\""))


class _Answerer:
    """A run as it is between two steps."""

    def __init__(self, job: Job, loaded: Loaded) -> None:
        self.job, self.loaded = job, loaded
        self.model, self.plan, self.step = job.model, job.plan, job.position.step
        self.scaling, self.samples = loaded.scaling, loaded.samples
        self.batch = job.batches.evaluated

    def answer(self, question: Question) -> Answer:
        match question:
            case Maps():
                return self.maps(question)
            case Inputs():
                return self.inputs(question)
            case Predictions():
                return self.predictions(question)
            case Boundary():
                return self.boundary(question)
            case Weights():
                return self.weights(question)
            case Predict():
                return self.predict(question)
            case Next():
                return self.next(question)
            case PlanTable():
                return self.table(question)

    # ---- samples of the data

    def part(self, name: Part) -> Array:
        parts = {"train": self.job.parts.train, "test": self.job.parts.test}
        found = parts.get(name, self.job.parts.validation)
        if not found.size:
            raise ValueError(
                f"found no {name} samples, expected some; hold out a share of the data"
            )
        return found

    def maps(self, question: Maps) -> SampleMaps:
        part = self.part(question.part)
        sample = int(part[question.sample % len(part)])
        index = np.array([[sample]], np.int64)
        wanted = self.known(question.names)
        looks = {n: given for n in question.names if (given := operands(self.model, n))}
        watch = wanted.union(*(given.values() for given in looks.values()))
        scalars = host_scalars(self.job.live, self.step, 1)
        found = self.plan.run("evaluate", self.job.data, index, scalars, watch)
        raw = {n[8:]: array for n, array in found.arrays.items() if n.startswith("outputs/")}
        outputs = self.outputs(raw, np.array([sample]))
        keys = input_keys(self.model)
        inputs = {key: np.asarray(self.samples.arrays[key][sample]) for key in keys}
        maps = _maps(found.arrays, wanted) | self.attention(looks, found.arrays)
        return SampleMaps(self.step, sample, inputs, outputs, maps)

    def attention(
        self, looks: Mapping[str, Mapping[str, str]], arrays: Mapping[str, Array]
    ) -> dict[str, FeatureMap]:
        """The weights of attention nodes, by the names that were asked for."""
        kept = self.plan.read() if looks else {}
        made = {}
        for name, given in looks.items():
            op = self.model.nodes[name.removeprefix(NAME)].op
            own = {port: arrays[value][0] for port, value in given.items()}
            assert isinstance(op, Attending)
            made[name] = feature_map(name, weights(op, own, parameters(self.model, name, kept)))
        return made

    def inputs(self, question: Inputs) -> SampleInputs:
        count = self.samples.count
        numbers = np.array([n for n in question.samples if 0 <= n < count], np.int64)
        arrays = {key: np.asarray(array[numbers]) for key, array in self.samples.arrays.items()}
        names = next(iter(self.samples.class_names.values()), ())
        return SampleInputs(self.step, numbers, arrays, names)

    def predictions(self, question: Predictions) -> SamplePredictions:
        samples = self.part(question.part)[: question.limit]
        raw = self.run(self.job.data, samples)
        outputs = self.outputs(raw, samples)
        return SamplePredictions(self.step, question.part, samples.copy(), outputs)

    def run(self, data: Mapping[str, Array], samples: Array) -> dict[str, Array]:
        return run_model(self.model, self.plan, data, samples, self.batch, self.job.live)

    def known(self, names: Iterable[str]) -> frozenset[str]:
        """The values among the names that the net has."""
        return frozenset(n for n in names if n.startswith("value:") and self.model.can_watch(n))

    def outputs(self, raw: Mapping[str, Array], samples: Array | None = None) -> tuple[Output, ...]:
        """Outputs in words and units, beside the targets when the samples are of the data."""
        known = meanings(self.model)
        found = []
        for name, array in raw.items():
            meaning = known[name]
            targets = None
            if samples is not None and meaning.target in self.samples.arrays:
                targets = _targets(self.samples.arrays[meaning.target][samples])
            found.append(_output(name, array, meaning, self, targets))
        return tuple(found)

    # ---- new samples

    def predict(self, question: Predict) -> Predicted:
        keys = input_keys(self.model)
        given = dict(question.arrays)
        if len(keys) == 1 and "" in given:
            given[keys[0]] = given.pop("")
        data = {key: self.prepared(key, given) for key in keys}
        count = len(next(iter(data.values())))
        raw = self.run(data, np.arange(count, dtype=np.int64))
        maps: dict[str, FeatureMap] = {}
        if watch := self.inside(question.names):
            index = np.zeros((1, 1), np.int64)
            scalars = host_scalars(self.job.live, self.step, 1)
            found = self.plan.run("predict", data, index, scalars, watch)
            maps = _maps(found.arrays, watch)
        return Predicted(self.step, self.outputs(raw), maps)

    def next(self, question: Next) -> Predicted:
        shape = self.samples.arrays[question.key].shape[1:]
        symbols = question.symbols[-shape[0] :] if len(shape) == 1 else question.symbols
        if len(shape) != 1 or not len(symbols):
            raise ValueError(f"found no text for {question.key}, expected one symbol at least")
        free, place = shape[0] - len(symbols), len(symbols) - 1
        rows = [
            np.pad(symbols, (0, free), constant_values=UNKNOWN),
            np.pad(symbols, (0, free), constant_values=UNKNOWN + 1),
            np.pad(symbols, (free, 0), constant_values=UNKNOWN),
        ]
        keys = input_keys(self.model)
        data = {key: self.prepared(key, {question.key: np.stack(rows)}) for key in keys}
        raw = self.run(data, np.arange(len(rows)))
        first, other, last = (
            self.outputs({name: array[k : k + 1] for name, array in raw.items()}) for k in range(3)
        )
        if all(_alike(*pair, place) for pair in zip(first, other, strict=True)):
            return Predicted(self.step, tuple(one.at(place) for one in first))
        return Predicted(self.step, last, at_end=free > 0)

    def inside(self, names: Iterable[str]) -> frozenset[str]:
        """The known values that need no target."""
        ends = ("loss", "metric")
        return frozenset(
            n
            for n in self.known(names)
            if self.model.nodes[n[6:].rpartition(".")[0]].op.role not in ends
        )

    def prepared(self, key: str, given: Mapping[str, Array]) -> Array:
        """New samples of one input as the plan takes them."""
        expected = self.samples.arrays[key].shape[1:]
        if key not in given:
            raise ValueError(f"found no samples for {key}, expected an array N×{_text(expected)}")
        array = np.asarray(given[key])
        if array.shape[1:] != expected or not len(array):
            found = _text(array.shape)
            raise ValueError(f"{key}: found samples {found}, expected N×{_text(expected)}")
        scaling = self.scaling.get(key)
        values = scaling.apply(array) if scaling else array
        return np.ascontiguousarray(values, self.job.data[key].dtype)

    def boundary(self, question: Boundary) -> Surface:
        keys = input_keys(self.model)
        shapes = [self.samples.arrays[key].shape[1:] for key in keys]
        if shapes not in ([(1,)], [(2,)]):
            found = ", ".join(map(_text, shapes))
            raise ValueError(f"found inputs {found}, expected one input of one or two numbers")
        width, side = shapes[0][0], max(2, question.side)
        if len(question.low) != width or len(question.high) != width:
            raise ValueError(f"found corners of {len(question.low)} numbers, expected {width}")
        if side**width > MOST_POINTS:
            raise ValueError(f"found {side} points a side, expected at most 256")
        axes = [np.linspace(a, b, side) for a, b in zip(question.low, question.high, strict=True)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, width)
        data = {keys[0]: self.prepared(keys[0], {keys[0]: grid})}
        raw = self.run(data, np.arange(len(grid), dtype=np.int64))
        rows = side if width == 2 else 1
        return Surface(self.step, question.low, question.high, rows, self.outputs(raw)[0])

    # ---- the plan

    def weights(self, question: Weights) -> Parameter:
        values = self.plan.read().get(f"param:{question.key}")
        if values is None:
            known = ", ".join(list(self.model.params)[:5]) or "nothing"
            raise ValueError(f"found no parameter {question.key!r}, expected one of {known} …")
        tap = reduce_tap(question.key, values)
        reach, tiles = parameter_tiles(values)
        return Parameter(
            self.step,
            question.key,
            values.shape,
            tap.norm,
            tap.mean,
            tap.deviation,
            tap.low,
            tap.high,
            reach,
            tap.histogram,
            tiles,
        )

    def table(self, question: PlanTable) -> PlanLines:
        phases = [phase.name for phase in self.model.phases]
        entries = (*phases, "evaluate", "predict")
        entry = question.entry or entries[0]
        if entry not in entries:
            raise ValueError(f"found entry {entry!r}, expected one of {', '.join(entries)}")
        if question.profile:
            self.profile(entry)
        batch = self.job.batches.batch
        lines = tuple(self.plan.table(entry, batch))
        return PlanLines(self.step, entry, batch, entries, lines)

    def profile(self, entry: str) -> None:
        """Measure some steps of an entry; what they train is taken back."""
        measure = getattr(self.plan, "profile", None)
        if measure is None:
            return
        before = self.plan.read()
        first = self.job.batches.take(self.job.position.epochs, 0, 1)
        try:
            for run, steps in ((self.plan.run, WARMING_STEPS), (measure, PROFILED_STEPS)):
                scalars = host_scalars(self.job.live, 0, steps)
                scalars["iteration:steps"][:] = UNENDING  # schedules divide by it
                run(entry, self.job.data, np.repeat(first, steps, axis=0), scalars)
        finally:
            self.plan.write(before)


def _maps(arrays: Mapping[str, Array], names: Iterable[str]) -> dict[str, FeatureMap]:
    return {name: feature_map(name, arrays[name][0]) for name in names if name in arrays}


def _alike(one: Output, other: Output, place: int) -> bool:
    """Whether two outputs say the same at a place of their sequences, up to rounding."""
    if one.places is None or other.places is None:
        return False
    return bool(np.allclose(one.places.first[place], other.places.first[place], 1e-4, 1e-6))


def _targets(values: Array) -> Array:
    """Classes N, or numbers N×K."""
    if values.dtype == np.int64 and values.ndim == 1:
        return values
    return values.reshape(len(values), -1)


def _output(
    name: str, raw: Array, meaning: Meaning, of: _Answerer, targets: Array | None
) -> Output:
    every = read_output(name, raw, meaning, of.scaling, of.samples.class_names)
    reading = every.last
    places = None if reading is every else _places(every, targets)
    values = reading.values.reshape(len(raw), -1)
    if reading.classes is None:
        return Output(name, meaning.kind, values, targets=targets)
    classes = reading.classes.reshape(len(raw), -1)[:, 0]
    sure = values.max(axis=1)
    if meaning.kind == "sigmoid":
        sure = np.maximum(values[:, 0], 1 - values[:, 0])
    if targets is not None:
        targets = targets.reshape(len(raw), -1)[:, -1].astype(np.int64)
    names = reading.class_names
    return Output(name, meaning.kind, values, classes, targets, sure, names, places)


def _places(reading: Reading, targets: Array | None) -> Places:
    """The classes of sequences, or of maps row by row."""
    assert reading.classes is not None
    count, shares = len(reading.values), reading.values
    classes = reading.classes.reshape(count, -1)
    sure = shares.max(-1).reshape(count, -1)
    known = targets is not None and targets.shape == classes.shape
    own = targets.astype(np.int64) if known and targets is not None else None
    return Places(classes, sure, shares[0].reshape(-1, shares.shape[-1]), own)


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"
