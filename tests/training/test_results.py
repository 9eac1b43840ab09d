"""What a run gives after training: metrics, arrays, predictions in the words of its data."""

import csv
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from compute.checkpoint import CheckpointError
from compute.data import DataError
from compute.predict import Prediction, predict_run, save_prediction
from compute.prepare import TrainOptions
from compute.results import evaluate_run, open_run, save_arrays, weights
from compute.runs import RunError, Workspace
from compute.session import train_graph
from graph.graph import Graph
from tests.support.small_graphs import DEVICES, draw, moons, op

PEOPLE = [(k, ["Rome", "Oslo"][k % 2], 3.0 * k + 5 * (k % 2)) for k in range(40)]


def options(folder: Path, device: str = "reference") -> TrainOptions:
    """Training in `folder`."""
    return TrainOptions(device, 1, workspace=folder / "w", folder=folder, name="run")  # type: ignore[arg-type]


def trained(folder: Path, graph: Graph, device: str = "reference") -> None:
    """Train a graph to its end."""
    list(train_graph(graph, options(folder, device)))


def people(folder: Path, target: str = "size", **settings: object) -> Graph:
    """Dense layers on a table of age, city and size."""
    rows = "\n".join(f"{age},{city},{size}" for age, city, size in PEOPLE)
    (folder / "people.csv").write_text(f"age,city,size\n{rows}\n", "utf-8")
    classes = target == "city"
    nodes = {
        "data": op("Table", path="people.csv", target=target, **settings),
        "hidden": op("Dense", units=16),
        "relu": op("ReLU"),
        "top": op("Dense", units=2 if classes else 1),
        "loss": op("CrossEntropy" if classes else "MeanSquaredError"),
        "accuracy": op("Accuracy" if classes else "MeanAbsoluteErrorMetric"),
        "adam": op("Adam", learning_rate=0.03),
    }
    wires = " ".join(f"{w.source}.{w.output}>{w.target}.{w.input}" for w in moons().wires())
    return draw(nodes, wires, moons(epochs=40).training)


def digits() -> Graph:
    """One dense layer on the digits, one epoch."""
    nodes = {"data": op("Digits"), "flat": op("Flatten"), "top": op("Dense", units=10)}
    nodes |= {"loss": op("CrossEntropy"), "adam": op("Adam")}
    wires = (
        "data.image>flat.x flat.y>top.x top.y>loss.prediction data.label>loss.target "
        "loss.loss>adam.loss"
    )
    return draw(nodes, wires, moons(epochs=1).training)


@pytest.mark.parametrize("device", DEVICES)
def test_evaluation_repeats_the_runs_numbers(tmp_path: Path, device: str) -> None:
    """The metrics of its last epoch to the bit; arrays whose accuracy is the metric."""
    trained(tmp_path, moons(), device)
    found = evaluate_run("last", options(tmp_path, device))
    record = Workspace(tmp_path / "w").get("last")
    assert found.metrics == {k: v for k, v in record.metrics.items() if k.startswith("val_")}
    assert {name: a.shape for name, a in found.arrays.items()} == {
        "inputs": (30, 2),
        "outputs": (30, 2),
        "targets": (30,),
        "samples": (30,),
    }
    right = found.arrays["outputs"].argmax(1) == found.arrays["targets"]
    assert right.mean() == pytest.approx(found.metrics["val_accuracy"])
    params = weights(open_run("last", options(tmp_path)))
    hidden = np.maximum(
        found.arrays["inputs"] @ params["hidden/weight"].T + params["hidden/bias"], 0
    )
    expected = hidden @ params["top/weight"].T + params["top/bias"]
    np.testing.assert_allclose(found.arrays["outputs"], expected, rtol=1e-4, atol=1e-5)
    save_arrays(tmp_path / "out.npz", found.arrays)
    with np.load(tmp_path / "out.npz") as kept:
        assert np.array_equal(kept["outputs"], found.arrays["outputs"])
    assert set(evaluate_run("1", options(tmp_path, device), "train").metrics) == {
        "loss",
        "accuracy",
    }
    with pytest.raises(DataError, match="found no test samples, expected some"):
        evaluate_run("1", options(tmp_path, device), "test")


def table(prediction: Prediction, folder: Path) -> list[dict[str, str]]:
    """A prediction as the rows of its CSV file."""
    save_prediction(prediction, folder / "out.csv")
    with (folder / "out.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_regression_comes_back_in_the_units_of_the_file(tmp_path: Path) -> None:
    """Learnt on standardised numbers; rows may lack values and the target, columns may move."""
    trained(tmp_path, people(tmp_path))
    (tmp_path / "new.csv").write_text("city,age\nOslo,21\nRome,10\n?,\n", "utf-8")
    rows = table(predict_run("last", tmp_path / "new.csv", options(tmp_path)), tmp_path)
    values = [float(row["value"]) for row in rows]
    assert values[0] == pytest.approx(3 * 21 + 5, abs=8)
    assert values[1] == pytest.approx(30, abs=8)
    assert 20 < values[2] < 100


def test_classes_come_back_by_name(tmp_path: Path) -> None:
    """With a probability for each that add up to 1."""
    trained(tmp_path, people(tmp_path, "city"))
    (tmp_path / "new.csv").write_text("age,size\n5,20\n6,18\n7,26\n", "utf-8")
    rows = table(predict_run("last", tmp_path / "new.csv", options(tmp_path)), tmp_path)
    assert {row["class"] for row in rows} <= {"Oslo", "Rome"}
    assert all(float(r["p(Oslo)"]) + float(r["p(Rome)"]) == pytest.approx(1) for r in rows)
    for row in rows:
        likely = max(("Oslo", "Rome"), key=lambda name: float(row[f"p({name})"]))
        assert row["class"] == likely


def test_points_with_or_without_names(tmp_path: Path) -> None:
    """Toy data takes two numbers a row."""
    trained(tmp_path, moons())
    answers = []
    for content in ("x1,x2\n0,1\n1,-0.5\n", "0,1\n1,-0.5\n", "0;1\n1;-0,5\n"):
        (tmp_path / "new.csv").write_text(content)
        answers.append(
            table(predict_run("last", tmp_path / "new.csv", options(tmp_path)), tmp_path)
        )
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 2


def test_images_from_pictures_and_arrays(tmp_path: Path) -> None:
    """A PNG and the same as an array give the same digit; JSON and npz hold it too."""
    trained(tmp_path, digits())
    grey = np.random.default_rng(0).integers(0, 255, (8, 8)).astype(np.uint8)
    PIL.Image.fromarray(grey).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", grey[None, None] / 255)
    np.savez(tmp_path / "a.npz", **{"data.image": grey[None, None] / 255})
    found = [
        predict_run("last", tmp_path / f"a.{kind}", options(tmp_path))
        for kind in ("png", "npy", "npz")
    ]
    rows = [table(each, tmp_path) for each in found]
    assert rows[0] == rows[1] == rows[2]
    assert len(rows[0][0]) == 11
    save_prediction(found[0], tmp_path / "out.json")
    assert str(json.loads((tmp_path / "out.json").read_text())[0]["class"]) == rows[0][0]["class"]
    save_prediction(found[0], tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as kept:
        assert kept["prediction"].shape == (1, 10)
        assert str(kept["prediction.class"][0]) == rows[0][0]["class"]


DAMAGED = {
    "no file": (None, "no file"),
    "empty": ("", "an empty file"),
    "ragged": ("age,city\n1,Rome\n2\n", "line 3: found 1 values, expected 2"),
    "unknown class": ("age,city\n1,Rome\n2,Lima\n", "line 3, column 'city': found 'Lima'"),
    "no column": ("age,town\n1,Rome\n", "found no column 'city'"),
    "a word": ("age,city\nold,Rome\n", "line 2, column 'age': found 'old'"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_input_is_one_line(tmp_path: Path, case: str) -> None:
    """Found, expected and remedy."""
    trained(tmp_path, people(tmp_path))
    content, says = DAMAGED[case]
    if content is not None:
        (tmp_path / "new.csv").write_text(content, "utf-8")
    with pytest.raises(DataError) as error:
        predict_run("last", tmp_path / "new.csv", options(tmp_path))
    assert says in str(error.value)
    assert "expected" in str(error.value)
    assert "\n" not in str(error.value)


def test_other_refusals(tmp_path: Path) -> None:
    """No such run; a run without weights; an ending that is unknown."""
    with pytest.raises(RunError, match="found no run 'last'"):
        evaluate_run("last", options(tmp_path))
    events = train_graph(moons(), options(tmp_path))
    next(events)
    events.close()
    with pytest.raises(CheckpointError, match="found no checkpoint"):
        evaluate_run("last", options(tmp_path))
    trained(tmp_path, moons())
    (tmp_path / "new.csv").write_text("0,1\n")
    prediction = predict_run("last", tmp_path / "new.csv", options(tmp_path))
    with pytest.raises(DataError, match=r"found ending '\.doc', expected a file ending in \.csv"):
        save_prediction(prediction, tmp_path / "out.doc")


def test_arrays_for_inputs_by_name(tmp_path: Path) -> None:
    """A damaged archive, a missing name, another shape, no samples."""
    trained(tmp_path, digits())
    file = tmp_path / "a.npz"
    cases = {
        "one named data.image": {"image": np.zeros((2, 1, 8, 8))},
        "found float64 2×8×8, expected numbers N×1×8×8": {"data.image": np.zeros((2, 8, 8))},
        "found <U1 1×1×8×8": {"data.image": np.full((1, 1, 8, 8), "a")},
        "found float64 0×1×8×8": {"data.image": np.zeros((0, 1, 8, 8))},
    }
    for says, arrays in cases.items():
        np.savez(file, **arrays)
        with pytest.raises(DataError, match=says):
            predict_run("last", file, options(tmp_path))
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(DataError, match=r"expected an \.npz file; save it anew"):
        predict_run("last", file, options(tmp_path))
