"""`netloom train --memory-budget`: the same numbers, on record, and what cannot be met."""

from pathlib import Path

from command import DEVICE, netloom, train

from compute.runs import Workspace
from graph.files import loads

NAME = "digits-cnn"  # takes 3.0 MiB


def test_the_same_numbers_and_on_record(tmp_path: Path) -> None:
    """Two epochs, the budget in the first one or in the second."""
    ends = []
    for first, then in ((0, 2.2), (2.2, 0)):
        words = (NAME, "--epochs", 1, "--seed", 7, "--memory-budget", first)
        run = train(*words, workspace=tmp_path)[-1]["run"]
        record = Workspace(tmp_path).get(run)
        assert record.options["memory_budget"] == (first or None)
        assert loads(record.graph).training.memory_budget == first
        words = ("--resume", run, "--epochs", 2, "--memory-budget", then)
        ends.append(train(*words, workspace=tmp_path)[-1]["metrics"])
        assert loads(Workspace(tmp_path).get(run).graph).training.memory_budget == then
    assert ends[0] == ends[1]


def test_one_that_cannot_be_met(tmp_path: Path) -> None:
    """What was found, asked for and may be done, and there is no run."""
    words = ("--memory-budget", 0.5, "--workspace", tmp_path, *DEVICE)
    done = netloom("train", NAME, *words)
    assert (done.code, done.out) == (2, "")
    assert "training settings, memory budget: found" in done.err
    assert "expected at most 0.50 MiB; raise the budget to that" in done.err
    assert netloom("runs", "list", "--json", "--workspace", tmp_path).ok().json == []


def test_a_budget_is_a_number_of_mib(tmp_path: Path) -> None:
    """Below nothing is refused with its range."""
    done = netloom("train", NAME, "--memory-budget", -1, "--workspace", tmp_path)
    assert done.code == 2
    assert "greater than or equal to 0" in done.err
