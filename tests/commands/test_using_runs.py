"""What is done with a run: eval, predict, export, list, show, compare, delete."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import DEVICE, environment, netloom, train

EXAMPLES = Path(__file__).resolve().parents[2] / "resources" / "examples"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two runs of digits-mlp (1, 2) and one of table-regression (3)."""
    folder = tmp_path_factory.mktemp("workspace")
    train("digits-mlp", "--epochs", 2, "--seed", 1, workspace=folder)
    train("digits-mlp", "--epochs", 3, "--seed", 2, workspace=folder)
    train("table-regression", "--epochs", 2, workspace=folder)
    return folder


def at(workspace: Path) -> tuple[object, ...]:
    """The options that name the workspace and the engine."""
    return ("--workspace", workspace, *DEVICE)


def test_eval_gives_the_metrics_of_the_run_and_its_arrays(workspace: Path, tmp_path: Path) -> None:
    """The same numbers as at the end of training, and arrays that they follow from."""
    record = netloom("runs", "show", "digits-mlp-1", "--json", "--workspace", workspace).json
    file = tmp_path / "outputs.npz"
    found = netloom("eval", "digits-mlp-1", "--json", "--save-outputs", file, *at(workspace)).json
    assert found == {n: v for n, v in record["metrics"].items() if n.startswith("val_")}
    with np.load(file) as arrays:
        assert {"inputs", "outputs", "targets"} <= set(arrays.files)
        assert arrays["inputs"].shape == (359, 1, 8, 8)
        right = arrays["outputs"].argmax(1) == arrays["targets"]
    assert right.mean() == pytest.approx(found["val_accuracy"], abs=1e-7)
    text = netloom("eval", "1", *at(workspace)).ok().out
    assert f"val_accuracy {100 * found['val_accuracy']:.2f} %" in text


def test_predict_answers_in_the_units_of_the_table(workspace: Path, tmp_path: Path) -> None:
    """A line a row; the mean answer is near the mean of the column, not near 0."""
    out = tmp_path / "answers.csv"
    done = netloom(
        "predict", "table-regression-3", EXAMPLES / "diabetes.csv", "-o", out, *at(workspace)
    )
    assert "442 predictions" in done.ok().out
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 443
    mean = np.mean([float(row[0]) for row in rows[1:]])
    assert 100 < mean < 200


def test_predict_reads_images(workspace: Path, tmp_path: Path) -> None:
    """An array of digits gives a class and ten probabilities each."""
    images = np.zeros((3, 1, 8, 8), np.float32)
    images[1:, :, 2:6, 3:5] = 1
    np.save(tmp_path / "images.npy", images)
    out = tmp_path / "classes.json"
    netloom("predict", "last", tmp_path / "images.npy", "-o", out, *at(workspace))
    netloom("predict", "digits-mlp-2", tmp_path / "images.npy", "-o", out, *at(workspace)).ok()
    rows = json.loads(out.read_text())
    assert len(rows) == 3
    assert set("0123456789") >= {row["class"] for row in rows}
    assert sum(rows[0][f"p({k})"] for k in range(10)) == pytest.approx(1)
    assert rows[1] == rows[2]


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
def test_exported_code_runs_alone_with_the_weights_of_the_run(
    target: str, workspace: Path, tmp_path: Path
) -> None:
    """In an empty folder, without Netloom, it trains; `load_model` gives the run's outputs."""
    if target == "pytorch":
        pytest.importorskip("torch")
    file, arrays = tmp_path / "net.py", tmp_path / "outputs.npz"
    place = ("--workspace", workspace)
    done = netloom(
        "export", "digits-mlp", "--to", target, "--run", "digits-mlp-2", "-o", file, *place
    )
    assert done.ok().out.splitlines() == [str(file), str(file.with_suffix(".safetensors"))]
    netloom("eval", "digits-mlp-2", "--save-outputs", arrays, *at(workspace)).ok()
    check = {
        "numpy": "got = net.predict(net.load_model(), given['inputs'])",
        "pytorch": "import torch; m = net.load_model(); m.eval(); "
        "got = m(torch.from_numpy(given['inputs'])).detach().numpy()",
    }[target]
    code = (
        "import numpy as np, net; given = np.load('outputs.npz'); "
        f"{check}; assert abs(got - given['outputs']).max() < 1e-5 * max(1, abs(got).max())"
    )
    bare = environment(PYTHONPATH="", PYTHONWARNINGS="default")
    for words in (["-c", code], ["net.py"]):
        subprocess.run([sys.executable, *words], cwd=tmp_path, env=bare, check=True, timeout=120)


def test_export_refuses_what_it_cannot_do(workspace: Path, tmp_path: Path) -> None:
    """One line: targets that are not available yet, and weights of another graph."""
    file = tmp_path / "net.py"
    done = netloom("export", "digits-mlp", "--to", "keras", "-o", file)
    assert done.code == 2
    assert "'keras', expected pytorch or numpy; others are not available yet" in done.err
    words = ("export", "digits-cnn", "--to", "numpy", "--run", "1", "-o", file)
    done = netloom(*words, "--workspace", workspace)
    assert done.code == 2
    assert "digits-mlp-1" in done.err
    assert not file.exists()


def test_exported_code_says_which_data_it_needs(tmp_path: Path) -> None:
    """A table is read from the code's own folder; with it there the code trains."""
    file = tmp_path / "net.py"
    words = ("export", "table-regression", "--to", "numpy", "-o", file)
    assert "net.py reads 'diabetes.csv'" in netloom(*words).ok().err
    shutil.copy(EXAMPLES / "diabetes.csv", tmp_path)
    assert netloom(*words).ok().err == ""
    subprocess.run([sys.executable, file], cwd=tmp_path, check=True, capture_output=True)


def test_runs_are_listed_shown_and_compared(workspace: Path) -> None:
    """As text with every run, and as JSON with the same facts."""
    listed = netloom("runs", "list", "--json", "--workspace", workspace).json
    assert [run["id"] for run in listed] == ["table-regression-3", "digits-mlp-2", "digits-mlp-1"]
    text = netloom("runs", "list", "--workspace", workspace).ok().out
    assert all(run["id"] in text and run["status"] in text for run in listed)
    shown = netloom("runs", "show", "2", "--json", "--workspace", workspace).json
    assert [one["epoch"] for one in shown["history"]] == [1, 2, 3]
    assert shown["graph"]["training"]["seed"] == 2
    both = netloom("runs", "compare", "1", "2", "--json", "--workspace", workspace).json
    assert both["run"] == ["digits-mlp-1", "digits-mlp-2"]
    assert both["epochs"] == [2, 3]
    assert both["training.epochs"] == [2, 3]
    text = netloom("runs", "compare", "1", "2", "--workspace", workspace).ok().out
    assert "digits-mlp-1" in text
    assert "val_accuracy" in text


def test_runs_are_deleted_all_or_none(tmp_path: Path) -> None:
    """An unknown name among them deletes nothing; afterwards record and checkpoints are gone."""
    train("moons-mlp", "--epochs", 1, workspace=tmp_path)
    refused = netloom("runs", "delete", "moons-mlp-1", "nobody", "--workspace", tmp_path)
    assert refused.code == 2
    assert "'nobody'" in refused.err
    assert len(netloom("runs", "list", "--json", "--workspace", tmp_path).json) == 1
    netloom("runs", "delete", "moons-mlp-1", "--workspace", tmp_path).ok()
    assert netloom("runs", "list", "--json", "--workspace", tmp_path).json == []
    assert not (tmp_path / "runs" / "moons-mlp-1").exists()


def test_the_nearest_workspace_upward_is_taken(tmp_path: Path) -> None:
    """A `.netloom` folder above the working directory, else the user's data folder."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".netloom").mkdir()
    netloom("train", "moons-mlp", "--epochs", 1, *DEVICE, cwd=inner).ok()
    assert (tmp_path / ".netloom" / "runs" / "moons-mlp-1").is_dir()
    assert "moons-mlp-1" in netloom("runs", "list", cwd=inner).ok().out
