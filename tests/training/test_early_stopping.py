"""Early stopping: when a training ends before its time, with which weights, and what is said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint, steps
from compute.control import Control, Swap
from compute.data import Folder
from compute.events import Checkpointed, EpochDone, Event, Finished, Swapped, Warned
from compute.position import Position
from compute.prepare import TrainOptions, load_graph, make_job
from compute.results import evaluate_run
from compute.runs import RunError, Workspace
from compute.session import resume, train_graph
from compute.stopping import Best
from compute.train import train
from graph.edits import Connect, connect
from graph.graph import Graph, Node
from graph.lower import Model
from graph.op import SettingError
from graph.training import Split, Stopping
from tests.support.small_graphs import DEVICES, make_plan, moons, op

FALLING = Stopping(2, mode="max", restore_best=True)  # a loss that falls is never better


def still(**stopping: object) -> Graph:
    """Moons that learn nothing, so that no epoch is better than the first: 9 steps an epoch."""
    graph = moons(epochs=8, stopping=Stopping(**stopping))  # type: ignore[arg-type]
    graph.set_node(replace(graph.node("adam"), op=op("Adam", learning_rate=0.0)))
    return graph


def learning(rule: Stopping, epochs: int = 8, **settings: object) -> Graph:
    """Moons whose loss falls from epoch to epoch."""
    graph = moons(epochs=epochs, stopping=rule)
    graph.set_node(replace(graph.node("adam"), op=op("Adam", learning_rate=0.02, **settings)))
    return graph


def resting(rule: Stopping, epochs: int) -> Graph:
    """Moons of two heads; the optimizer of the second takes a step in every other epoch."""
    settings = {"split": Split(validation=0.0), "epochs": epochs, "stopping": rule}  # 12 steps each
    graph = moons(**settings)
    nodes = {"side": op("Dense", units=2), "other": op("CrossEntropy")}
    nodes["sgd"] = op("SGD", learning_rate=0.1, every=24, order=1)
    for id, made in nodes.items():
        graph.set_node(Node(id, made))
    for source, output, target, port in (
        ("relu", "y", "side", "x"),
        ("side", "y", "other", "prediction"),
        ("data", "target", "other", "target"),
        ("other", "loss", "sgd", "loss"),
    ):
        Connect(connect(graph, source, output, target, port)).apply(graph)
    return graph


def options(folder: Path, device: str = "reference", **given: object) -> TrainOptions:
    """Training in `folder`, saving after every block."""
    places = {"workspace": folder / "workspace", "folder": folder, "name": "moons"}
    fixed = {"device": device, "checkpoint_seconds": 0.0, "threads": 1}
    return TrainOptions(**places | fixed | given)  # type: ignore[arg-type]


def ended(events: Iterator[Event]) -> Finished:
    """The end of a training."""
    *_, last = events
    assert isinstance(last, Finished)
    return last


def saved(folder: Path, run: str) -> checkpoint.Checkpoint:
    """A run's newest checkpoint."""
    return checkpoint.newest(Workspace(folder / "workspace").run_folder(run))


def judged(folder: Path, run: str) -> dict[str, np.ndarray]:
    """Weights, running means of weights and running values of a run's newest checkpoint."""
    arrays = saved(folder, run).arrays
    return {k: a for k, a in arrays.items() if not k.startswith("slot:") or "/average/" in k}


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


def test_patience_ends_a_training_and_says_why(tmp_path: Path) -> None:
    """The first epoch is the best, two are waited for; the record keeps the words."""
    last = ended(train_graph(still(patience=2), options(tmp_path)))
    assert (last.step, last.stopped) == (27, False)
    score = last.metrics["val_loss"]
    text = f"stopped early at epoch 3: val_loss no better than {score:.4g} for 2 epochs"
    assert last.reason == text
    record = Workspace(tmp_path / "workspace").get("moons-1")
    assert (record.status, record.message, record.epochs) == ("finished", text, 3)


@pytest.mark.parametrize(
    ("rule", "epochs"),
    [
        (Stopping(3), 8),  # better and better
        (Stopping(3, min_delta=10.0), 4),  # but not by so much
        (Stopping(1, mode="max"), 2),
        (Stopping(1, monitor="accuracy", mode="max", min_delta=1.0), 2),
        (Stopping(0, mode="max"), 8),
    ],
)
def test_what_counts_as_better(rule: Stopping, epochs: int, tmp_path: Path) -> None:
    """By more than `min_delta`, and in the direction that `mode` says."""
    done = [e for e in train_graph(learning(rule), options(tmp_path)) if isinstance(e, EpochDone)]
    assert len(done) == epochs


def test_no_number_is_never_better() -> None:
    """As in Keras; the first number is better than none."""
    rule = Stopping(1)
    assert not rule.better(math.nan, rule.worst)
    assert rule.better(3.0, rule.worst)
    assert Stopping(1, mode="max").better(-3.0, -math.inf)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
def test_the_best_weights_come_back(device: str, ema_decay: float, tmp_path: Path) -> None:
    """Those of the first epoch, as a run of one epoch has them; `eval` finds their numbers."""
    given = options(tmp_path, device)
    last = ended(train_graph(learning(FALLING, ema_decay=ema_decay), given))
    assert last.reason.endswith("; the weights are those of epoch 1, the best")
    first = ended(train_graph(learning(FALLING, 1, ema_decay=ema_decay), given))
    assert first.reason == ""
    assert last.metrics == first.metrics
    assert same(judged(tmp_path, "moons-1"), judged(tmp_path, "moons-2"))
    again = evaluate_run("moons-1", given).metrics
    assert {name: last.metrics[name] for name in again} == again


def test_the_best_weights_come_back_at_the_end_as_well(tmp_path: Path) -> None:
    """Without patience: all epochs, then the best ones; a run that is stopped keeps its own."""
    rule = replace(FALLING, patience=0)
    last = ended(train_graph(learning(rule, 3), options(tmp_path)))
    assert (last.step, last.reason) == (27, "the weights are those of epoch 1, the best")
    control = Control()
    for event in train_graph(learning(rule, 3), options(tmp_path), control):
        if isinstance(event, EpochDone) and event.epoch == 2:
            control.stop()
    ended(resume("moons-2", options(tmp_path)))
    assert same(judged(tmp_path, "moons-1"), judged(tmp_path, "moons-2"))


@pytest.mark.parametrize("step", [3, 9, 14, 18, 26])
def test_a_resumed_run_stops_at_the_same_epoch(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same weights and words, wherever it was left."""
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    whole = ended(train_graph(learning(FALLING), options(tmp_path)))
    events = train_graph(learning(FALLING), options(tmp_path))
    for event in events:
        if isinstance(event, Checkpointed) and event.step >= step:
            events.close()  # type: ignore[attr-defined]
    assert ended(resume("moons-2", options(tmp_path))) == replace(whole, run="moons-2")
    assert same(dict(saved(tmp_path, "moons-1").arrays), dict(saved(tmp_path, "moons-2").arrays))


def test_more_patience_goes_on(tmp_path: Path) -> None:
    """Otherwise nothing is left to do, whatever the epochs are."""
    ended(train_graph(still(patience=2), options(tmp_path)))
    with pytest.raises(RunError, match=r"it stopped early at epoch 3: .* ask for more patience"):
        list(resume("moons-1", options(tmp_path, epochs=50)))
    last = ended(resume("moons-1", options(tmp_path, patience=4)))
    assert last.reason.startswith("stopped early at epoch 5")
    with pytest.raises(RunError, match="stopped early at epoch 5"):
        list(resume("moons-1", options(tmp_path)))


def test_a_score_that_there_is_not_is_said_once(tmp_path: Path) -> None:
    """And nothing is stopped."""
    events = list(train_graph(still(patience=1, monitor="f1"), options(tmp_path)))
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "found no score 'f1' for early stopping, expected one of loss, accuracy; "
        "training goes on to its end"
    ]
    assert sum(isinstance(event, EpochDone) for event in events) == 8


def test_another_model_is_waited_for_anew() -> None:
    """Swapped in after two epochs without a better score, it gets its own patience."""
    loaded = load_graph(still(patience=3), Folder(Path()))
    job, control = make_job(loaded, make_plan(loaded.model, "reference")), Control()
    swaps, epochs = 0, []
    for event in train(job, control):
        if isinstance(event, EpochDone):
            epochs.append(event.epoch)
            if event.epoch == 3:
                other = Model(still(patience=3))
                control.swap(Swap(other, make_plan(other, "reference")))
        swaps += isinstance(event, Swapped)
    assert (swaps, epochs) == (1, [1, 2, 3, 4, 5, 6, 7])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("patience", "epochs"), [(0, 4), (2, 4), (1, 2)])
def test_the_best_weights_come_back_after_epochs_without_a_score(
    patience: int, epochs: int, device: str, tmp_path: Path
) -> None:
    """Patience does not wait for what there is not."""
    rule = Stopping(patience, "sgd_loss", mode="max", restore_best=True)
    graph = resting(rule, epochs)
    given = options(tmp_path, device)
    done = [e for e in train_graph(graph, given) if not isinstance(e, Checkpointed)]
    scored = ["sgd_loss" in e.metrics for e in done if isinstance(e, EpochDone)]
    assert scored == [True, False, True, False][:epochs]
    last = done[-1]
    assert isinstance(last, Finished)
    assert last.reason == "the weights are those of epoch 1, the best"
    first = ended(train_graph(resting(rule, 1), given))
    assert last.metrics == first.metrics
    assert same(judged(tmp_path, "moons-1"), judged(tmp_path, "moons-2"))


def test_positions_keep_the_best_epoch() -> None:
    """Every bit of it; a checkpoint of an older version has none."""
    best = Best(0.1 + 0.2, 7, {"val_loss": 0.1 + 0.2, "loss": math.pi}, since=8)
    at = Position(step=9, epochs=8, best=best)
    assert Position.from_text(at.to_text()) == at
    assert Position.from_text(Position().to_text()).best == Best()
    older = Position(step=9).to_text().replace(', "best": ["", 0, {}, 0]', "")
    assert "best" not in older
    assert Position.from_text(older).best == Best()
    assert Best.from_json("", 3, {}) == Best(epoch=3, since=3)


@pytest.mark.parametrize("given", [{"patience": -1}, {"mode": "least"}, {"min_delta": -0.5}])
def test_bounds_are_checked(given: dict[str, object]) -> None:
    """As those of any setting."""
    with pytest.raises(SettingError, match=next(iter(given))):
        Stopping(**given)  # type: ignore[arg-type]
