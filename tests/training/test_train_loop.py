"""The training loop: right numbers, whatever happens around it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from compute import steps
from compute import train as train_module
from compute.batches import Batches, in_order
from compute.control import Control
from compute.data import Folder, load_samples
from compute.evaluate import host_scalars
from compute.events import (
    EpochDone,
    Event,
    Failed,
    Finished,
    LiveChanged,
    Paused,
    Progress,
    Resumed,
    Started,
    Tap,
    Tapped,
    Warned,
    to_json,
)
from compute.split import split
from compute.train import Job, train
from graph.graph import Graph
from graph.lower import Model
from graph.training import Split
from tests.support.small_graphs import DEVICES, draw, make_plan, moons, op

WATCH = frozenset({"value:relu.y", "gradient:hidden/weight", "value:loss.loss"})
SELDOM = frozenset({"value:relu.y"})


def make_job(device: str, graph: Graph, threads: int = 1) -> Job:
    """A training of the graph from its beginning, float64."""
    model, training = Model(graph), graph.training
    samples = load_samples(model.data_nodes, Folder(Path()))
    data = samples.prepare({}, np.float64)
    parts = split(samples.count, samples.labels(), training.split)
    batches = Batches(parts.train, training.batch_size, training.seed)
    plan = make_plan(model, device, training.seed, threads)
    live = dict(model.live)
    return Job(model, plan, data, parts, batches, training.epochs, live, training.seed)


def finish(job: Job, control: Control | None = None) -> tuple[list[Event], dict[str, np.ndarray]]:
    """All events of a training and the arrays at its end; the plan is closed."""
    events = list(train(job, control or Control()))
    arrays = job.plan.read()
    job.plan.close()
    return events, arrays


def epochs(events: list[Event]) -> list[dict[str, float]]:
    """Metrics of each epoch."""
    return [dict(e.metrics) for e in events if isinstance(e, EpochDone)]


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("device", DEVICES)
def test_metrics_are_means_over_samples(device: str) -> None:
    """Loss, validation loss and accuracy, the smaller last batches weighted by their samples."""
    job = make_job(device, moons(epochs=1, batch_size=25, split=Split(0.3, 0.1)))
    events, _ = finish(job)
    progress = [e for e in events if isinstance(e, Progress)]
    losses = np.concatenate([p.losses for p in progress])
    sizes = [job.batches.size(place) for place in range(job.batches.steps)]
    metrics = epochs(events)[0]
    assert metrics["loss"] == pytest.approx(np.average(losses, weights=sizes), rel=1e-12)
    assert set(metrics) == {"loss", "val_loss", "val_accuracy"}
    assert len({len(part[0]) for part in in_order(job.parts.validation, 25)}) == 2
    again = make_job(device, moons(epochs=1, batch_size=25, split=Split(0.3, 0.1)))
    for _ in train(again, Control()):
        pass
    held = again.parts.validation
    done = again.plan.run("evaluate", again.data, held[None], host_scalars(again.live, 0, 1))
    assert metrics["val_loss"] == pytest.approx(float(done.scalars["loss"][0]), rel=1e-12)
    known = float(done.scalars["metric/accuracy"][0])
    assert metrics["val_accuracy"] == pytest.approx(known, rel=1e-12)
    last = events[-1]
    assert isinstance(last, Finished)
    assert set(last.metrics) == {*metrics, "test_loss", "test_accuracy"}
    again.plan.close()


@pytest.mark.parametrize("device", DEVICES)
def test_blocks_pauses_and_watching_change_no_bit(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of one step, large blocks, single steps with pauses, watched tensors: equal bits."""
    expected, arrays = finish(make_job(device, moons(dropout=0.3)))
    watching = Control()
    watching.watch(WATCH)
    tapped, found = finish(make_job(device, moons(dropout=0.3)), watching)
    assert any(isinstance(e, Tapped) for e in tapped)
    assert same(found, arrays)
    assert epochs(tapped) == epochs(expected)
    monkeypatch.setattr(train_module, "TAP_EARLY", 0.0)
    monkeypatch.setattr(train_module, "TAP_SHARE", 1e9)
    always, found = finish(make_job(device, moons(dropout=0.3)), watching)
    full = make_job(device, moons()).batches.steps - 1  # all but the last, smaller batches
    assert sum(isinstance(e, Tapped) for e in always) >= 3 * full
    assert same(found, arrays)
    assert epochs(always) == epochs(expected)
    monkeypatch.setattr(steps, "BLOCK_SECONDS", 0.0)
    single, found = finish(make_job(device, moons(dropout=0.3)))
    assert all(len(e.losses) == 1 for e in single if isinstance(e, Progress))
    assert same(found, arrays)
    assert epochs(single) == epochs(expected)
    control, job = Control(), make_job(device, moons(dropout=0.3))
    control.pause()
    paused = []
    for event in train(job, control):
        paused.append(event)
        if isinstance(event, Paused):
            control.single_step() if event.step < 5 else control.resume()
    assert [e.step for e in paused if isinstance(e, Paused)] == [0, 1, 2, 3, 4, 5]
    assert [e.step for e in paused if isinstance(e, Resumed)] == [5]
    assert same(job.plan.read(), arrays)
    assert epochs(paused) == epochs(expected)
    job.plan.close()


def test_who_watches_seldom_is_told_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once at the beginning of a run that is shorter than the time between two looks."""
    monkeypatch.setattr(train_module, "TAP_EARLY", 0.0)
    monkeypatch.setattr(train_module, "TAP_SHARE", 1e9)
    counts = []
    for every in (0.0, 1000.0):
        control = Control()
        control.watch(WATCH, seldom=SELDOM, every=every)
        events, _ = finish(make_job("reference", moons()), control)
        told = [{tap.name for tap in e.taps} for e in events if isinstance(e, Tapped)]
        counts.append([sum(name in names for names in told) for name in sorted(WATCH)])
    often, seldom = counts
    assert min(often) == max(often) > 1
    assert [count == 1 for count in seldom] == [name in SELDOM for name in sorted(WATCH)]
    assert max(seldom) == max(often)


@pytest.mark.parametrize("device", DEVICES)
def test_norms_are_those_of_the_whole_tensor(device: str) -> None:
    """A watch for the norm gives no more; labels have no gradient, so nothing is told of theirs."""
    names = WATCH | {"gradient:hidden.y", "gradient:data.features", "value:hidden/weight"}
    found: list[dict[str, Tap]] = []
    for norms in (frozenset[str](), names | {"gradient:data.target"}):
        control = Control()
        control.pause()
        control.watch(names - norms, norms)
        control.single_step()
        job = make_job(device, moons())
        for event in train(job, control):
            if isinstance(event, Tapped):
                found.append({tap.name: tap for tap in event.taps})
                control.stop()
        job.plan.close()
    whole, cheap = found
    assert whole.keys() == cheap.keys() == names
    for name in names:
        assert cheap[name].norm == pytest.approx(whole[name].norm, rel=1e-6)
        assert cheap[name].histogram == ()
        assert cheap[name].shape == whole[name].shape
        assert sum(whole[name].histogram) == np.prod(whole[name].shape)


@pytest.mark.parametrize("device", DEVICES)
def test_thread_counts_change_no_bit(device: str) -> None:
    """One, two and three threads."""
    one, arrays = finish(make_job(device, moons(units=40, dropout=0.3)))
    for threads in (2, 3):
        found, others = finish(make_job(device, moons(units=40, dropout=0.3), threads))
        assert epochs(found) == epochs(one)
        assert same(others, arrays)


@pytest.mark.parametrize("device", DEVICES)
def test_live_settings_act_from_the_next_step(device: str) -> None:
    """As a training that had the change planned; an unknown name is only warned about."""
    control, job = Control(), make_job(device, moons())
    control.pause()
    changed = []
    for event in train(job, control):
        changed.append(event)
        if isinstance(event, Paused) and event.step < 4:
            control.single_step()
        elif isinstance(event, Paused):
            control.set_live("adam/learning_rate", 0.2)
            control.set_live("adam/lerning_rate", 0.2)
            control.resume()
    assert [e for e in changed if isinstance(e, LiveChanged)] == [
        LiveChanged(4, "adam/learning_rate", 0.2)
    ]
    warned = next(e for e in changed if isinstance(e, Warned))
    assert "adam/lerning_rate" in warned.message
    planned = make_job(device, moons())
    planned.changes = [(4, "adam/learning_rate", 0.2)]
    expected, arrays = finish(planned)
    assert epochs(changed) == epochs(expected)
    assert same(job.plan.read(), arrays)
    assert not same(arrays, finish(make_job(device, moons()))[1])
    job.plan.close()


@pytest.mark.parametrize("device", DEVICES)
def test_a_stop_leaves_the_position_where_it_is(device: str) -> None:
    """Finished says so; training goes on from there to the same end."""
    _, arrays = finish(make_job(device, moons()))
    control, job = Control(), make_job(device, moons())
    events = train(job, control)
    while job.position.step < 4:
        next(events)
    control.stop()
    *_, last = events
    assert isinstance(last, Finished)
    assert last.stopped
    assert last.step == job.position.step < job.steps
    assert same(finish(job)[1], arrays)


@pytest.mark.parametrize("device", DEVICES)
def test_two_phases_count_their_own_steps(device: str) -> None:
    """The second optimizer every third step, with batches of its own; metrics by optimizer."""
    graph = moons()
    nodes = {node.id: node.op for node in graph} | {
        "adam": op("Adam", trains=("hidden",)),
        "sgd": op("SGD", trains=("top",), order=1, every=3, fresh_batch=True),
    }
    wires = " ".join(f"{w.source}.{w.output}>{w.target}.{w.input}" for w in graph.wires())
    job = make_job(device, draw(nodes, wires + " loss.loss>sgd.loss", graph.training))
    events = train(job, Control())
    start = job.plan.read()
    while job.position.step < 1:
        next(events)
    assert job.position.totals["train/0"][1] == job.position.totals["train/1"][1] == 10
    after = job.plan.read()
    assert not np.array_equal(start["param:top/weight"], after["param:top/weight"])
    *found, last = events
    turns = -(-job.steps // 3)
    assert isinstance(last, Finished)
    assert set(epochs(found)[0]) >= {"loss", "adam_loss", "sgd_loss", "val_loss"}
    assert turns == 9
    job.plan.close()


@pytest.mark.parametrize("device", DEVICES)
def test_each_of_several_losses_is_told_beside_their_sum(device: str) -> None:
    """Of each step, and as the mean of each epoch under the name of its held-out loss."""
    nodes = {node.id: node.op for node in moons()} | {
        "second_loss": op("CrossEntropy", weight=0.5, smoothing=0.1)
    }
    given = [f"{w.source}.{w.output}>{w.target}.{w.input}" for w in moons().wires()]
    given += [wire.replace(">loss.", ">second_loss.") for wire in given if ">loss." in wire]
    wires = " ".join([*given, "second_loss.loss>adam.loss"])
    job = make_job(device, draw(nodes, wires, moons().training))
    found, _ = finish(job)
    told = [event for event in found if isinstance(event, Progress)]
    parts = {p: np.concatenate([e.each[p] for e in told]) for p in ("loss", "second_loss")}
    assert sum(parts.values()) == pytest.approx(np.concatenate([e.losses for e in told]))
    assert not np.allclose(parts["loss"], parts["second_loss"])
    assert not {"each", "losses"} & fields(told[0])
    for metrics in epochs(found):
        named = {n for n in metrics if n.endswith("_loss")} - {"val_loss"}
        own = {n for n in named if not n.startswith("val_")}
        assert {f"val_{n}" for n in own} == named - own
        assert len(own) == 2
        assert sum(metrics[n] for n in own) == pytest.approx(metrics["loss"])


def fields(event: Event) -> set[str]:
    """Names in the JSON form of an event."""
    return set(to_json(event))


@pytest.mark.parametrize("device", DEVICES)
def test_a_loss_that_is_not_finite_names_its_node(device: str) -> None:
    """The node whose row overflowed; the weights stay as they were before that step."""
    nodes = {
        "data": op("ToyData", shape="regression", samples_count=40),
        "grow": op("Formula", formula="exp(1000 * x)"),
        "top": op("Dense", units=1),
        "loss": op("MeanSquaredError"),
        "sgd": op("SGD", learning_rate=1e6),
    }
    wires = "data.features>top.x {} data.target>loss.target loss.loss>sgd.loss"
    through = "top.y>grow.x grow.y>loss.prediction"
    job = make_job(device, draw(nodes, wires.format(through), moons().training))
    job.plan.write({"param:top/bias": np.array([100.0])})
    before = job.plan.read()
    *_, failed = train(job, Control())
    assert isinstance(failed, Failed)
    assert (failed.path, failed.step) == ("grow", 0)
    assert "exp gave an infinite number; lower the learning rate" in failed.message
    assert same(job.plan.read(), before)
    job.plan.close()
    del nodes["grow"]
    straight = wires.format("top.y>loss.prediction")
    job = make_job(device, draw(nodes, straight, moons(epochs=20).training))
    *_, failed = train(job, Control())
    assert isinstance(failed, Failed)
    assert failed.path in ("top", "loss")
    assert failed.step > 0
    job.plan.close()


def test_events_become_json() -> None:
    """Snake-case kinds; numbers that JSON does not know are null; pictures stay away."""
    job = make_job("reference", moons(epochs=1))
    control = Control()
    control.watch(WATCH | {"value:nothing.y"})
    events, _ = finish(job, control)
    kinds = [to_json(e)["event"] for e in events]
    assert kinds[:2] == ["started", "warned"]
    assert kinds[-1] == "finished"
    assert set(kinds) == {"started", "warned", "progress", "tapped", "epoch_done", "finished"}
    tap = next(e for e in events if isinstance(e, Tapped))
    assert {t.name for t in tap.taps} == WATCH
    assert fields(tap) == {"event", "step", "taps"}
    started = next(e for e in events if isinstance(e, Started))
    assert (started.parameters, started.samples, started.steps_per_epoch) == (42, 90, 9)
    odd = dataclasses.replace(events[-1], metrics={"loss": float("nan")})
    assert to_json(odd)["metrics"] == {"loss": None}
