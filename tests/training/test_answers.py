"""Questions about a run: right answers from its own plan, and not a bit of it changed by them."""

from pathlib import Path

import numpy as np
import pytest

from compute.answers import PROFILED_STEPS, answer
from compute.control import Control
from compute.events import Finished, Paused, Progress
from compute.prepare import TrainOptions
from compute.questions import (
    Boundary,
    Inputs,
    Maps,
    Parameter,
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
from compute.session import Session, open_new
from compute.train import serve
from graph.files import load
from graph.graph import Graph
from resources import example_path
from tests.support.small_graphs import DEVICES, moons

NAMES = ("value:hidden.y", "value:relu.y", "value:nothing.y")
ALL: tuple[Question, ...] = (
    Maps(3, NAMES),
    Inputs((0, 5)),
    Predictions(),
    Boundary((-2.0, -2.0), (3.0, 2.0), 9),
    Weights("hidden/weight"),
    Predict({"": np.zeros((2, 2))}, NAMES),
    PlanTable(profile=True),
)


def opened(folder: Path, device: str, graph: Graph | None = None) -> Session:
    """A run that can begin."""
    options = TrainOptions(
        device,  # type: ignore[arg-type]
        1,
        workspace=folder / "w",
        folder=folder,
    )
    return open_new(graph or moons(), options)


def trained(session: Session, questions: tuple[Question, ...] = ()) -> list[object]:
    """Train to the end while asking again and again; what was answered."""
    control, answers = Control(), []
    for event in session.events(control):
        if isinstance(event, Progress):
            for key, question in enumerate(questions):
                control.ask(
                    key, lambda job, q=question: answers.append(answer(q, job, session.loaded))
                )
    return answers


@pytest.mark.parametrize("device", DEVICES)
def test_asking_changes_no_bit(tmp_path: Path, device: str, monkeypatch) -> None:
    """Every question at every step boundary, profiling included: equal arrays at the end."""
    monkeypatch.setattr("compute.train.TAP_SHARE", 1e9)
    monkeypatch.setattr("compute.steps.BLOCK_SECONDS", 0.0)
    graph = moons(dropout=0.3)
    plain, asked = opened(tmp_path, device, graph), opened(tmp_path, device, graph)
    trained(plain)
    answers = trained(asked, ALL)
    assert len(answers) > len(ALL)
    assert not [a for a in answers if isinstance(a, Unanswered)]
    expected, found = plain.job.plan.read(), asked.job.plan.read()
    assert all(np.array_equal(found[name], value) for name, value in expected.items())
    plain.close()
    asked.close()


@pytest.mark.parametrize("device", DEVICES)
def test_answers_are_those_of_the_net(tmp_path: Path, device: str) -> None:
    """Outputs and maps agree with each other, and with arithmetic done by hand."""
    session = opened(tmp_path, device)
    trained(session)
    job, loaded = session.job, session.loaded
    weights = {k: v for k, v in job.plan.read().items() if k.startswith("param:")}
    found = answer(Predictions(), job, loaded)
    assert isinstance(found, SamplePredictions)
    (output,) = found.outputs
    x = loaded.samples.arrays["data.features"][found.samples]
    hidden = np.maximum(x @ weights["param:hidden/weight"].T + weights["param:hidden/bias"], 0)
    scores = hidden @ weights["param:top/weight"].T + weights["param:top/bias"]
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert output.values == pytest.approx(chances, rel=1e-4)
    assert output.targets is not None
    own = -np.log(chances[np.arange(len(x)), output.targets])
    assert own.mean() == pytest.approx(job.position.metrics["val_loss"], rel=1e-4)
    assert output.confusion is not None
    accuracy = np.trace(output.confusion) / len(x)
    assert accuracy == pytest.approx(job.position.metrics["val_accuracy"])
    maps = answer(Maps(3, NAMES), job, loaded)
    assert isinstance(maps, SampleMaps)
    assert maps.sample == found.samples[3]
    assert set(maps.maps) == {"value:hidden.y", "value:relu.y"}
    assert maps.maps["value:relu.y"].values == pytest.approx(hidden[3], rel=1e-4, abs=1e-6)
    assert maps.outputs[0].values[0] == pytest.approx(output.values[3], rel=1e-4)
    new = answer(Predict({"": x[:4]}, NAMES), job, loaded)
    assert isinstance(new, Predicted)
    assert new.outputs[0].values == pytest.approx(output.values[:4], rel=1e-4)
    first = new.maps["value:relu.y"].values
    assert first == pytest.approx(hidden[0], rel=1e-4, abs=1e-6)
    session.close()


def test_the_boundary_is_the_output_over_a_grid(tmp_path: Path) -> None:
    """Row by row from the low corner; other widths are refused in words."""
    session = opened(tmp_path, "reference")
    trained(session)
    found = answer(Boundary((-1.0, -2.0), (3.0, 2.0), 5), session.job, session.loaded)
    assert isinstance(found, Surface)
    assert (found.rows, found.output.values.shape) == (5, (25, 2))
    corner = answer(Predict({"": np.array([[3.0, -2.0]])}), session.job, session.loaded)
    assert isinstance(corner, Predicted)
    assert found.output.values[4] == pytest.approx(corner.outputs[0].values[0], rel=1e-5)
    wrong = answer(Boundary((0.0,), (1.0,)), session.job, session.loaded)
    assert wrong == Unanswered("found corners of 1 numbers, expected 2")
    session.close()


def test_pictures_of_a_convolution_net(tmp_path: Path) -> None:
    """Whole maps each on its own range, filters on one range, raw images, and the plan's lines."""
    graph = load(example_path("digits-cnn"))
    session = opened(tmp_path, "cpu", graph)
    job, loaded = session.job, session.loaded
    maps = answer(Maps(0, ("value:conv1.y", "value:scores.y")), job, loaded)
    assert isinstance(maps, SampleMaps)
    conv = maps.maps["value:conv1.y"]
    assert conv.tiles.shape == conv.shape
    assert conv.ranges.shape == (conv.shape[0], 2)
    assert (conv.tiles.min(axis=(1, 2)).max(), conv.tiles.max(axis=(1, 2)).min()) == (0, 255)
    assert (conv.ranges.min(), conv.ranges.max()) == (conv.low, conv.high)
    assert maps.maps["value:scores.y"].tiles.size == 0
    assert maps.inputs["digits.image"].shape == (1, 8, 8)
    weights = answer(Weights("conv1/weight"), job, loaded)
    assert isinstance(weights, Parameter)
    assert weights.tiles.shape == (weights.shape[0], *weights.shape[2:])
    assert weights.reach == max(-weights.low, weights.high)
    images = answer(Inputs((1, 2, 10**9)), job, loaded)
    assert isinstance(images, SampleInputs)
    assert images.arrays["digits.image"].shape == (2, 1, 8, 8)
    lines = answer(PlanTable(profile=True), job, loaded)
    assert isinstance(lines, PlanLines)
    assert lines.entries == ("train/0", "evaluate", "predict")
    assert all(line.seconds is not None for line in lines.lines)
    assert isinstance(answer(Weights("conv9/weight"), job, loaded), Unanswered)
    wrong = answer(Predict({"": np.zeros((1, 3))}), job, loaded)
    assert wrong == Unanswered("digits.image: found samples 1×3, expected N×1×8×8")
    session.close()


def test_work_is_done_while_paused_and_after_the_end(tmp_path: Path) -> None:
    """Newer work takes the place of older with its key; closing ends the service."""
    session = opened(tmp_path, "reference")
    control, done = Control(), []
    control.pause()
    for event in session.events(control):
        if isinstance(event, Paused):
            control.ask("a", lambda job: done.append("old"))
            control.ask("a", lambda job: done.append("new"))
            control.ask("b", lambda job: control.resume())
    assert isinstance(event, Finished)
    assert done == ["new"]
    control.ask("c", lambda job: done.append(job.position.step))
    control.ask("d", lambda job: control.close())
    serve(session.job, control)
    assert done == ["new", session.job.steps]
    session.close()


def test_a_net_with_a_schedule_is_measured_over_all_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate that is no number would end what is measured at its first step."""
    session = opened(tmp_path, "cpu", load(example_path("digits-cnn")))
    ran = []
    profile = session.job.plan.profile  # type: ignore[attr-defined]

    def counted(*given: object) -> object:
        ran.append(profile(*given))
        return ran[-1]

    monkeypatch.setattr(session.job.plan, "profile", counted)
    before = session.job.plan.read()
    assert isinstance(answer(PlanTable(profile=True), session.job, session.loaded), PlanLines)
    assert [(outputs.steps, outputs.bad_step) for outputs in ran] == [(PROFILED_STEPS, None)]
    after = session.job.plan.read()
    assert all(np.array_equal(after[name], array) for name, array in before.items())
    session.close()
