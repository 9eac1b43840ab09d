"""Kills training with SIGKILL at seeded random moments and resumes it with another thread count.

    python -m tests.training.kill_resume --kills 20 --device cpu

Every resumed run must end with the weights and metrics of the run that nobody killed, bit for bit.
The run saves a checkpoint after every block of steps, so some kills fall into the writing of one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute import checkpoint, steps
from compute.events import to_json
from compute.prepare import TrainOptions
from compute.runs import Workspace
from compute.session import resume, train_graph
from graph.training import Split, Training
from tests.support.small_graphs import draw, op

ROOT = Path(__file__).resolve().parents[2]
THREADS = (1, 2, 3)
EPOCHS = 15
BLOCK_SECONDS = 0.003  # short, so that about half of the time goes into saving


def graph():
    """A digits net with a convolution, dropout and a last batch that is smaller."""
    nodes = {
        "data": op("Digits"),
        "conv": op("Conv2d", filters=4),
        "relu": op("ReLU"),
        "drop": op("Dropout", p=0.2),
        "flat": op("Flatten"),
        "top": op("Dense", units=10),
        "loss": op("CrossEntropy"),
        "accuracy": op("Accuracy"),
        "adam": op("Adam", learning_rate=0.003),
    }
    wires = (
        "data.image>conv.x conv.y>relu.x relu.y>drop.x drop.y>flat.x flat.y>top.x "
        "top.y>loss.prediction data.label>loss.target top.y>accuracy.prediction "
        "data.label>accuracy.target loss.loss>adam.loss"
    )
    return draw(nodes, wires, Training(EPOCHS, 100, 7, split=Split(0.2)))


def child(arguments: argparse.Namespace) -> None:
    """Train or resume here, telling each event in a line."""
    options = TrainOptions(
        arguments.device,
        arguments.threads,
        workspace=Path(arguments.workspace),
        name="killed",
        checkpoint_seconds=0.0,
    )
    run, steps.BLOCK_SECONDS = arguments.resume, BLOCK_SECONDS
    for event in resume(run, options) if run else train_graph(graph(), options):
        if to_json(event)["event"] in ("started", "finished"):
            print(json.dumps(to_json(event)), flush=True)


@dataclass
class Trial:
    """One kill: after how many seconds of training, at which step it resumed, and the verdict.

    `writing`: a checkpoint was half written; `code`: exit code of the resumed process.
    """

    seconds: float
    step: int
    threads: tuple[int, int]
    writing: bool
    code: int
    same: bool


def start(workspace: Path, device: str, threads: int, run: str = "") -> subprocess.Popen[str]:
    """A training in a process of its own."""
    command = [sys.executable, "-m", "tests.training.kill_resume", "--child", "--device", device]
    command += ["--threads", str(threads), "--workspace", str(workspace), "--resume", run]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def run_whole(workspace: Path, device: str) -> tuple[str, float]:
    """The run that nobody kills, and how many seconds its training takes."""
    with start(workspace, device, 1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        clock = time.monotonic()
        last = process.stdout.readline()
        seconds = time.monotonic() - clock
    return str(json.loads(last)["run"]), seconds


def kill(workspace: Path, device: str, threads: int, seconds: float) -> bool:
    """Start a run and kill it after so many seconds of training; whether it was still running."""
    with start(workspace, device, threads) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def result(workspace: Path, run: str) -> dict[str, object]:
    """Weights as bytes and metrics of every epoch."""
    book = Workspace(workspace)
    arrays = checkpoint.newest(book.run_folder(run)).arrays
    found: dict[str, object] = {name: np.asarray(a).tobytes() for name, a in arrays.items()}
    return found | {"metrics": book.metrics(run), "last": book.get(run).metrics}


def trials(kills: int, device: str, seed: int, workspace: Path) -> list[Trial]:
    """Kill and resume `kills` runs."""
    whole, length = run_whole(workspace, device)
    expected = result(workspace, whole)
    chance, done = random.Random(seed), []
    while len(done) < kills:
        threads = chance.sample(THREADS, 2)
        seconds = chance.uniform(0.0, 0.9 * length)
        if not kill(workspace, device, threads[0], seconds):
            continue
        book = Workspace(workspace)
        if book.get("last").status == "finished":
            continue  # recorded as done, though the process still lived
        run = book.get("last").id
        writing = any(book.run_folder(run).glob(".*.tmp"))
        saved = checkpoint.any_in(book.run_folder(run))
        step = checkpoint.newest(book.run_folder(run)).position.step if saved else 0
        with start(workspace, device, threads[1], run) as process:
            process.communicate()
        code = process.returncode
        same = code == 0 and result(workspace, run) == expected
        done.append(Trial(seconds, step, (threads[0], threads[1]), writing, code, same))
    return done


def main() -> int:
    """Print a line for each kill, then the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workspace", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", default="")
    parser.add_argument("--child", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        done = trials(arguments.kills, arguments.device, arguments.seed, Path(folder))
    for trial in done:
        verdict = "same" if trial.same else f"exit {trial.code}" if trial.code else "DIFFERENT"
        place = "while a checkpoint was written" if trial.writing else ""
        one, two = trial.threads
        print(
            f"killed after {trial.seconds:5.2f} s, resumed at step {trial.step:4} "
            f"with {one} → {two} threads: {verdict} {place}"
        )
    bad = sum(not trial.same for trial in done)
    print(f"{len(done)} kills, {bad} resumed runs differ")
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    sys.exit(main())
