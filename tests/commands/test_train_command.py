"""`netloom train`: its three outputs, its seeds, its interruptions."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from command import DEVICE, SLOW, command, environment, netloom, train

import resources
from graph.files import load, save
from graph.training import Stopping

FULL = ("moons-mlp", "--epochs", "6", "--seed", "7")


def metrics(events: list[dict]) -> dict[str, float]:
    """Of the last event."""
    assert events[-1]["event"] == "finished"
    return events[-1]["metrics"]


def test_json_is_one_event_a_line_and_nothing_else(tmp_path: Path) -> None:
    """Started first, finished last, with Keras's names and the run."""
    words = ("--json", "--workspace", tmp_path, *DEVICE)
    done = netloom("train", *FULL, *words).ok()
    kinds = [event["event"] for event in done.events]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert kinds.count("epoch_done") == 6
    assert {"loss", "val_loss", "val_accuracy"} == set(done.events[-1]["metrics"])
    assert done.events[-1]["run"] == "moons-mlp-1"
    assert done.err == ""


def test_piped_output_is_plain_lines(tmp_path: Path) -> None:
    """A line for each epoch and the sum, without escape codes or a bar."""
    done = netloom("train", *FULL, "--workspace", tmp_path, *DEVICE).ok()
    assert len(re.findall(r"^epoch \d/6 ", done.out, re.MULTILINE)) == 6
    assert "moons-mlp-1: 6 epochs in" in done.out
    assert "\x1b" not in done.out + done.err


def read_all(handle: int) -> Iterator[bytes]:
    """What is written to a terminal until its other side closes."""
    with suppress(OSError):
        while data := os.read(handle, 65536):
            yield data


def test_terminal_shows_a_bar(tmp_path: Path) -> None:
    """On a terminal: epoch, loss, speed; on stdout only the sum."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("train", "digits-mlp", "--epochs", "12", "--workspace", tmp_path, *SLOW),
        env=environment(TERM="xterm-256color", COLUMNS="140"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = b"".join(read_all(ours)).decode()
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert "samples/s" in shown
    assert re.search(r"\d+/12", shown)
    assert re.search(r"loss \d", shown)
    assert out.startswith("digits-mlp-1: 12 epochs in")


def test_a_seed_gives_the_same_metrics_and_another_gives_others(tmp_path: Path) -> None:
    """To the last digit."""
    first, again = (metrics(train(*FULL, workspace=tmp_path)) for _ in range(2))
    other = metrics(train("moons-mlp", "--epochs", 6, "--seed", 8, workspace=tmp_path))
    assert first == again
    assert first != other


def test_threads_change_no_digit(tmp_path: Path) -> None:
    """1, 2 and 3 threads, beside a process that is busy all the time; the reference is close."""
    words = ("digits-cnn", "--epochs", 2, "--seed", 7)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        found = [metrics(train(*words, "--threads", n, workspace=tmp_path)) for n in (1, 2, 3)]
        busy.kill()
    assert found[0] == found[1] == found[2]
    assert metrics(train(*words, *SLOW, workspace=tmp_path)) == pytest.approx(found[0], abs=0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_does(number: int, tmp_path: Path) -> None:
    """Exit code as of the signal; after --resume the metrics are those of an undisturbed run."""
    words = ("train", "moons-mlp", "--epochs", "60", "--seed", "7", "--json")
    with subprocess.Popen(
        command(*words, "--workspace", tmp_path, *SLOW),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if json.loads(line)["event"] == "epoch_done":
                process.send_signal(number)
                break
        rest, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    last = json.loads(rest.splitlines()[-1])
    assert last["event"] == "finished"
    assert last["stopped"]
    assert err.count("\n") == 1
    assert "netloom train --resume moons-mlp-1" in err
    resumed = train("--resume", "moons-mlp-1", *SLOW, workspace=tmp_path)
    assert resumed[0]["step"] == last["step"]
    assert metrics(resumed) == metrics(train(*words[1:-1], *SLOW, workspace=tmp_path))


def test_an_interrupt_while_kernels_are_compiled_ends_it_at_once(tmp_path: Path) -> None:
    """As Ctrl-C at a terminal: compilers included, one line, and the run can go on."""
    words = ("train", "moons-mlp", "--epochs", 2, "--workspace", tmp_path / "runs")
    with subprocess.Popen(
        command(*words, *DEVICE),
        env=environment(NETLOOM_CACHE=str(tmp_path / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert "compiling kernels" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "netloom: stopped; go on with: netloom train --resume moons-mlp-1\n"
    assert train("--resume", "last", *SLOW, workspace=tmp_path / "runs")[0]["step"] == 0


def test_more_epochs_of_a_finished_run(tmp_path: Path) -> None:
    """3 epochs and 3 more are 6; asking for none says what to do."""
    train("moons-mlp", "--epochs", 3, "--seed", 7, workspace=tmp_path)
    place = ("--workspace", tmp_path, *DEVICE)
    refused = netloom("train", "--resume", "last", *place)
    assert refused.code == 2
    assert "more epochs" in refused.err
    more = train("--resume", "last", "--epochs", 6, workspace=tmp_path)
    assert metrics(more) == metrics(train(*FULL, workspace=tmp_path))


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    """As in `netloom train … --json | head -1`."""
    with subprocess.Popen(
        command("train", *FULL, "--json", "--workspace", tmp_path, *SLOW),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert json.loads(process.stdout.readline())["event"] == "started"
        process.stdout.close()
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        err = process.stderr.read()
        watchdog.cancel()
        watchdog.join()
    assert process.returncode == 1
    assert err == ""


def test_training_that_diverges_names_the_node(tmp_path: Path) -> None:
    """Exit code 1, one line, and the run is on record as failed."""
    file = tmp_path / "wild.loom"
    text = Path(netloom("examples", "--path", "table-regression").out.strip()).read_text("utf-8")
    (tmp_path / "diabetes.csv").write_bytes(
        Path(netloom("examples", "--path", "table-regression").out.strip())
        .with_name("diabetes.csv")
        .read_bytes()
    )
    graph = json.loads(text)
    graph["nodes"]["adam"] = {
        "at": graph["nodes"]["adam"]["at"],
        "type": "SGD",
        "settings": {"learning_rate": 1e6},
    }
    file.write_text(json.dumps(graph), "utf-8")
    done = netloom("train", file, "--json", "--workspace", tmp_path / "w", *DEVICE)
    assert done.code == 1
    assert done.events[-1]["event"] == "failed"
    assert done.err.count("\n") == 1
    assert "wild-1" in done.err
    record = netloom("runs", "show", "last", "--json", "--workspace", tmp_path / "w").json
    assert record["status"] == "failed"


def test_patience_ends_a_training_early(tmp_path: Path) -> None:
    """The sum says when and why."""
    graph = load(resources.example_path("moons-mlp"))
    rule = Stopping(min_delta=100.0)  # no epoch is so much better than the first
    graph.training = replace(graph.training, stopping=rule)
    save(graph, tmp_path / "moons.loom")
    words = (tmp_path / "moons.loom", "--epochs", 9, "--patience", 2, "--workspace", tmp_path)
    done = netloom("train", *words, *DEVICE).ok()
    assert "moons-1: 3 epochs in" in done.out
    assert re.search(r"^stopped early at epoch 3: val_loss no better than .* for 2", done.out, re.M)
