"""What optimizers do beside one elementwise pass: the same bits on every thread count, after a
resume and, to rounding, on both back ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint, steps
from compute.batches import Batches
from compute.control import Control, Swap
from compute.data import Folder, load_samples
from compute.events import Checkpointed, EpochDone, Event, Finished, Started, Swapped, Warned
from compute.prepare import TrainOptions
from compute.results import evaluate_run, open_run, weights
from compute.runs import Workspace
from compute.session import resume, train_graph
from compute.split import split
from compute.train import Job, train
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.ops.optimizer import Adam
from graph.stepping import batch_size
from tests.support.small_graphs import CLASSIFIER_WIRES, draw, make_plan, moons, op

Arrays = dict[str, np.ndarray]


def by(name: str, **settings: object) -> Graph:
    """Moons with dropout, trained by another optimizer in three epochs of nine steps."""
    drawn = moons(units=40, dropout=0.3, precision="float64")
    drawn.set_node(replace(drawn.node("adam"), op=op(name, **settings)))
    return drawn


def normed(name: str, **settings: object) -> Graph:
    """The same with a batch normalisation in the middle."""
    drawn = by(name, **settings)
    drawn.set_node(replace(drawn.node("relu"), op=op("BatchNorm")))
    return drawn


def windowed(**settings: object) -> Graph:
    """The same with a convolution, whose weights the engine keeps in an order of its own."""
    drawn = by("Adam", learning_rate=0.02, **settings)
    nodes = {node.id: node.op for node in drawn} | {
        "image": op("Reshape", shape=(4, 5, 2)),
        "conv": op("Conv2d", filters=6, kernel=2),
        "flat": op("Flatten"),
    }
    wires = CLASSIFIER_WIRES.replace(
        "relu.y>top.x", "relu.y>image.x image.y>conv.x conv.y>flat.x flat.y>top.x"
    )
    return draw({k: v for k, v in nodes.items() if k != "drop"}, wires, drawn.training)


def followed(schedule: str, **settings: object) -> Graph:
    """The same under a schedule."""
    drawn = by("SGD", learning_rate=0.2, momentum=0.9)
    drawn.set_node(Node("schedule", op(schedule, **settings)))
    drawn.add_wire(Wire("schedule", "rate", "adam", "schedule"))
    return drawn


def held(limit: float) -> Graph:
    """The same with a window and back, the weights of each output no longer than a limit."""
    drawn = windowed(ema_decay=0.5)
    drawn.set_node(Node("back", op("ConvTranspose2d", filters=4, kernel=3, stride=1)))
    drawn.drop_wire(drawn.wires_in("flat")[0])
    for wire in (Wire("conv", "y", "back", "x"), Wire("back", "y", "flat", "x")):
        drawn.add_wire(wire)
    for id in ("hidden", "conv", "back"):
        node = drawn.node(id)
        changed = replace(node.op, max_norm=limit)  # type: ignore[call-arg]
        drawn.set_node(replace(node, op=changed))
    return drawn


CASES: dict[str, Callable[[], Graph]] = {
    "lamb": lambda: by("LAMB", learning_rate=0.02, clip_norm=0.5),
    "mean of the weights": lambda: by("AdamW", learning_rate=0.02, ema_decay=0.9),
    "mean with a window": lambda: windowed(ema_decay=0.8),
    "plateau": lambda: followed("PlateauSchedule", patience=0, threshold=0.5, factor=0.3),
    "gradient descent": lambda: by("GradientDescent", learning_rate=0.5, ema_decay=0.5),
    "accumulated": lambda: by("Adam", learning_rate=0.1, accumulate=4),
    "accumulated, limited": lambda: by(
        "LAMB", learning_rate=0.1, accumulate=2, clip_norm=0.1, clip_value=0.05, ema_decay=0.9
    ),
    "held weights": lambda: held(0.4),
    "lamb normed": lambda: normed("LAMB", learning_rate=0.02),
}


def options(folder: Path, **given: object) -> TrainOptions:
    """Training in float64 in `folder`, saving after every block."""
    fixed = {"device": "cpu", "threads": 1, "checkpoint_seconds": 0.0}
    places = {"workspace": folder / "workspace", "folder": folder, "name": "run"}
    return TrainOptions(**fixed | places | given)  # type: ignore[arg-type]


def arrays(folder: Path, run: str) -> Arrays:
    """The arrays of a run's newest checkpoint."""
    workspace = Workspace(folder / "workspace")
    return dict(checkpoint.newest(workspace.run_folder(run)).arrays)


def leave(events: Iterator[Event], step: int) -> None:
    """Walk away from a training after the first checkpoint at `step` or later."""
    for event in events:
        if isinstance(event, Checkpointed) and event.step >= step:
            events.close()  # type: ignore[attr-defined]
            return


def same(one: Arrays, two: Arrays) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_threads_or_a_resume(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, two and three threads; left in an epoch and at its end; the reference to rounding."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    drawn = CASES[case]()
    for threads in (1, 2, 3):
        list(train_graph(drawn, options(tmp_path, threads=threads)))
    whole = arrays(tmp_path, "run-1")
    assert same(whole, arrays(tmp_path, "run-2"))
    assert same(whole, arrays(tmp_path, "run-3"))
    few = batch_size(drawn) == 0  # one step an epoch
    for run, step in (("run-4", 1 if few else 5), ("run-5", 2 if few else 18)):
        leave(train_graph(drawn, options(tmp_path)), step)
        list(resume(run, options(tmp_path, threads=2)))
        assert same(whole, arrays(tmp_path, run))
    numbers = Workspace(tmp_path / "workspace").metrics
    assert numbers("run-1") == numbers("run-3") == numbers("run-5")
    list(train_graph(drawn, options(tmp_path, device="reference")))
    expected = arrays(tmp_path, "run-6")
    assert expected.keys() == whole.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(whole[key], value, rtol=1e-9, atol=1e-11, err_msg=key)
    for epoch, theirs in numbers("run-6").items():
        assert numbers("run-1")[epoch] == pytest.approx(theirs, 1e-9)


def test_a_run_is_judged_and_exported_by_the_means(tmp_path: Path) -> None:
    """The last validation, `eval` and the weights of an export are those of the running means."""
    *_, done = train_graph(CASES["mean with a window"](), options(tmp_path))
    assert isinstance(done, Finished)
    again = evaluate_run("run-1", options(tmp_path)).metrics
    assert {name: done.metrics[name] for name in again} == pytest.approx(again, 1e-12)
    saved, taken = arrays(tmp_path, "run-1"), weights(open_run("run-1", options(tmp_path)))
    for key, value in taken.items():
        assert np.array_equal(value, saved[f"slot:adam/average/{key}"])
        assert not np.array_equal(value, saved[f"param:{key}"])


def test_a_mean_that_begins_in_a_run_begins_with_the_weights() -> None:
    """Averaging switched on by a swap does not remember the first weights of the new plan."""
    model = Model(by("Adam"))
    samples = load_samples(model.data_nodes, Folder(Path()))
    parts = split(samples.count, samples.labels(), model.graph.training.split)
    data = samples.prepare(samples.fit(parts.train), "float64")
    batches = Batches(parts.train, 10, 7)
    job = Job(model, make_plan(model, "reference"), data, parts, batches, 2, dict(model.live))
    control = Control()
    for event in train(job, control):
        if isinstance(event, EpochDone) and event.epoch == 1:
            before = job.plan.read()
            other = Model(by("Adam", ema_decay=0.5))
            control.swap(Swap(other, make_plan(other, "reference", seed=9)))
        if isinstance(event, Swapped):
            found = job.plan.read()
            for key in other.params:
                assert np.array_equal(found[f"slot:adam/average/{key}"], before[f"param:{key}"])
            control.stop()
    assert job.model is other


def test_a_score_that_there_is_not_is_said_once(tmp_path: Path) -> None:
    """A schedule that follows an unknown metric leaves the learning rate alone."""
    drawn = followed("PlateauSchedule", monitor="f1")
    said = [e for e in train_graph(drawn, options(tmp_path)) if isinstance(e, Warned)]
    assert [event.message for event in said] == [
        "found no score 'f1' for a schedule to follow, expected one of loss, accuracy; "
        "the learning rate stays as it is"
    ]


@pytest.mark.parametrize("drawn", [by("GradientDescent"), by("Adam")])
def test_a_step_of_all_samples_is_one_an_epoch(drawn: Graph, tmp_path: Path) -> None:
    """Gradient descent whatever the batch size says, others with a batch size of 0."""
    asked = options(tmp_path, batch_size=0 if isinstance(drawn.node("adam").op, Adam) else None)
    events = list(train_graph(drawn, asked))
    started = next(event for event in events if isinstance(event, Started))
    assert (started.steps_per_epoch, started.steps) == (1, 3)
    assert isinstance(events[-1], Finished)
    again = evaluate_run("run-1", options(tmp_path)).metrics
    assert {name: events[-1].metrics[name] for name in again} == again


def test_weights_are_held_to_their_length(tmp_path: Path) -> None:
    """Every output of the layers that say so is at the limit or below; others are not."""
    list(train_graph(held(0.4), options(tmp_path)))
    found = arrays(tmp_path, "run-1")
    squares = {id: found[f"param:{id}/weight"] ** 2 for id in ("hidden", "conv", "back", "top")}
    squares["back"] = squares["back"].swapaxes(0, 1)  # its outputs are on the other axis
    lengths = {id: np.sqrt(each.reshape(len(each), -1).sum(1)) for id, each in squares.items()}
    assert len(lengths["back"]) == 4
    for id in ("hidden", "conv", "back"):
        assert lengths[id].max() <= 0.4 + 1e-9
        assert (lengths[id] > 0.4 - 1e-6).any()
    assert lengths["top"].max() > 0.4
