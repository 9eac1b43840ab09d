"""The sides of a comparison compute the same; nothing is timed here."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compute.bench.engine import Answers, Engine
from compute.bench.workloads import BATCHES, INFERENCES, WORKLOADS, Inference, Workload
from graph.stepping import batch_size

ROOT = Path(__file__).parents[2]
EXAMPLES = [w for w in WORKLOADS.values() if not w.name.startswith("W")]
COMPARED = ("W2", "W4 Winograd", "W5", "W6", "digits-autoencoder", "char-lstm")  # each kind
WALKED = ("W2", "W3", "W5", "char-transformer")  # every kind of layer, small enough to compile


def names(workload: Workload | Inference) -> str:
    """How pytest names a net."""
    return workload.name


def differences(name: str, *words: str) -> dict[str, float]:
    """What a worker says of the first losses."""
    command = [sys.executable, "-W", "ignore", "-m", "compute.bench.worker", name, "--agree"]
    done = subprocess.run(
        [*command, "--threads", "1", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)["differences"]
    return found


@pytest.mark.parametrize("workload", EXAMPLES, ids=names)
def test_an_example_is_timed_in_its_own_batches(workload: Workload) -> None:
    """Whole ones, of its own training samples."""
    graph, data = workload.graph(), workload.data()
    assert workload.batch == batch_size(graph)
    assert {len(array) for array in data.values()} == {workload.batch * BATCHES}
    parts = [workload.part(data, number) for number in (0, 1, BATCHES)]
    for key in data:
        assert (parts[0][key] == parts[2][key]).all()
        assert len(parts[1][key]) == workload.batch


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPARED)
def test_pytorch_trains_the_same_net(name: str) -> None:
    """24 losses in a row, from the exporter's module with our weights."""
    pytest.importorskip("torch")
    assert differences(name)["PyTorch"] < 5e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", WALKED)
def test_jax_trains_the_same_net(name: str) -> None:
    """24 losses in a row, from the program's own rows, differentiated by JAX."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("the extra `bench` is not installed")
    assert differences(name, "--jax")["JAX"] < 2e-3


@pytest.mark.parametrize("inference", INFERENCES.values(), ids=names)
def test_answers_one_by_one_are_pytorchs(inference: Inference) -> None:
    """A new array for every sample; the rival reads the same ones."""
    pytest.importorskip("torch")
    from compute.bench.rivals import Variant, torch_answers
    from compute.bench.torch_net import torch_net

    engine = Engine(inference.net, inference.net.graph(), 2)
    answers = Answers(engine)
    net = torch_net(engine.graph, engine.weights())
    theirs = torch_answers(answers.samples, net, Variant("eager", one_thread=True), 1)
    for sample in answers.samples:
        mine = answers.answer(sample.copy())
        assert np.abs(mine - theirs(1)).max() < 1e-4 * np.abs(mine).max()
