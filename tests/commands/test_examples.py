"""The shipped examples are what their script makes, and reach what is said of them."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import netloom

import resources
from compute.cli.examples import Goal, goals, measure
from compute.data import Folder
from compute.prepare import load_graph
from graph.files import dumps, load
from tools import make_examples
from tools.rhymes import write_rhymes

FOLDER = resources.example_path("digits-cnn").parent


@pytest.mark.parametrize("name", resources.examples())
def test_the_files_are_what_the_script_makes(name: str) -> None:
    """Nobody edited an example by hand."""
    assert resources.example_path(name).read_text("utf-8") == dumps(make_examples.MAKERS[name]())


def test_the_table_is_what_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same cells are empty, as many as the README says."""
    monkeypatch.setattr(make_examples, "FOLDER", tmp_path)
    make_examples.write_table()
    assert (tmp_path / "diabetes.csv").read_bytes() == (FOLDER / "diabetes.csv").read_bytes()
    with (FOLDER / "diabetes.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert sum(cell == "" for row in rows for cell in row) == make_examples.BLANKS == 12
    assert len(rows) == 443


@pytest.mark.parametrize("name", resources.examples())
def test_every_example_has_a_goal_and_holds_out_a_fifth(name: str) -> None:
    """Stratified where there are classes, by a seed of the split's own."""
    assert set(goals()) == set(resources.examples())
    graph = load(resources.example_path(name))
    loaded = load_graph(graph, Folder(FOLDER))
    count = loaded.samples.count
    assert len(loaded.parts.validation) == round(0.2 * count)
    labels = loaded.samples.labels()
    if labels is not None:
        shares = np.bincount(labels[loaded.parts.validation]) / np.bincount(labels)
        assert abs(shares - 0.2).max() < 0.01


def test_predicting_the_mean_is_as_bad_as_said() -> None:
    """The baseline in the description of table-regression."""
    loaded = load_graph(load(resources.example_path("table-regression")), Folder(FOLDER))
    target = loaded.samples.prepare(loaded.scaling, np.float64)["patients.target"]
    error = np.abs(target[loaded.parts.validation]).mean()
    about = json.loads(resources.results())["table-regression"]["about"]
    assert f"{error:.3f}" in about
    assert goals()["table-regression"].worst < 0.8 * error


@pytest.mark.parametrize("name", ["digits-mlp", "moons-mlp", "table-regression"])
def test_the_reference_reaches_the_goal_too(name: str) -> None:
    """With one seed; `netloom examples --verify` has five on the fast engine."""
    goal = goals()[name]
    value = measure(name, seed=1, device="reference")[goal.metric]
    assert value >= goal.worst if goal.higher else value <= goal.worst


def test_a_goal_asks_for_the_mean_and_the_worst() -> None:
    """One bad run fails an example, and so does a bad mean; for errors less is better."""
    accuracy, error = Goal("val_accuracy", 0.98, 0.97), Goal("val_mae", 0.6, 0.7)
    assert accuracy.reached([0.99, 0.97])
    assert not accuracy.reached([1.0, 1.0, 0.96])
    assert not accuracy.reached([0.975, 0.98])
    assert error.reached([0.5, 0.7])
    assert not error.reached([0.1, 0.71])
    assert not error.reached([0.65, 0.66])


def test_a_net_beside_must_fail() -> None:
    """Such an example shows what a cure is for; one that stalls must not learn."""
    cured = Goal("val_accuracy_norm", 0.9, 0.9, beside="val_accuracy_plain", most=0.3)
    assert cured.reached([0.95, 0.92], [0.1, 0.4])
    assert not cured.reached([0.95, 0.92], [0.3, 0.4])
    assert not cured.reached([0.95, 0.8], [0.1, 0.1])
    stalled = Goal("val_accuracy", 0.2, 0.3, stalls=True)
    assert stalled.reached([0.1, 0.1])
    assert not stalled.reached([0.1, 0.5])


def test_the_text_is_what_the_script_makes(tmp_path: Path) -> None:
    """Also where lines end."""
    write_rhymes(tmp_path / "rhymes.txt")
    assert (tmp_path / "rhymes.txt").read_bytes() == (FOLDER / "rhymes.txt").read_bytes()


def test_verify_trains_examples_and_says_so() -> None:
    """Exit code 0, and a line for each."""
    names = ("moons-mlp", "vanishing", "batchnorm-deep")
    done = netloom("examples", *names, "--verify").ok()
    assert done.out.count("reached") == len(names)
    assert all(name in done.out for name in names)
    assert "digits-cnn" not in done.out


@pytest.mark.parametrize("name", resources.examples())
def test_every_example_reaches_its_worst(name: str) -> None:
    """With one seed; `netloom examples --verify` has five, and looks at the nets beside."""
    goal = goals()[name]
    assert replace(goal, mean=goal.worst).reached([measure(name, seed=1)[goal.metric]])
