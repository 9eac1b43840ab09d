"""Checkpoints are whole or not there; damaged ones are named and older ones used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute import checkpoint
from compute.checkpoint import Checkpoint, CheckpointError
from compute.position import Position
from compute.series import Means

ARRAYS = {
    "param:a/weight": np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32),
    "slot:adam/m/a/weight": np.zeros((5, 3)),
    "state:bn/mean": np.array(2.5),
}


def make(step: int) -> Checkpoint:
    """A checkpoint at `step`."""
    position = Position(step, 1, {"train/0": (0.1 + 0.2, 7)}, {"val_loss": 1 / 3})
    return Checkpoint(position, ARRAYS, '{"a": 1}')


def test_what_is_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    """Arrays with their kinds and shapes, the position, the graph."""
    found = checkpoint.load(checkpoint.save(tmp_path, make(3)))
    assert (found.position, found.graph) == (make(3).position, '{"a": 1}')
    for name, value in ARRAYS.items():
        assert found.arrays[name].dtype == value.dtype
        assert found.arrays[name].shape == value.shape
        assert np.array_equal(found.arrays[name], value)


def test_losses_come_back_and_may_lack(tmp_path: Path) -> None:
    """Also those in the middle of a stride."""
    losses = Means(64)
    losses.extend(np.random.default_rng(0).normal(size=333))
    one = checkpoint.load(checkpoint.save(tmp_path, replace(make(3), losses=losses)))
    assert one.losses.state()[0] == losses.state()[0]
    assert np.array_equal(one.losses.state()[1], losses.state()[1])
    assert one.arrays.keys() == ARRAYS.keys()
    assert checkpoint.load(checkpoint.save(tmp_path, make(4))).losses is None


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    """Older ones and what a crash left go away."""
    (tmp_path / ".step-1.safetensors.99.tmp").write_bytes(b"half")
    for step in (1, 2, 10):
        checkpoint.save(tmp_path, make(step))
    checkpoint.sweep(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["step-000000000002.safetensors", "step-000000000010.safetensors"]
    assert checkpoint.newest(tmp_path).position.step == 10


def flip(content: bytes) -> bytes:
    """One bit of the last array changed."""
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a flipped bit": flip,
    "other format": lambda content: content.replace(
        b"netloom-checkpoint-1", b"netloom-checkpoint-9"
    ),
    "no position": lambda content: content.replace(b'"position"', b'"pozition"'),
    "text": lambda content: b"x" * 100,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, kind: str) -> None:
    """The one before it serves; alone, it is one clear line."""
    checkpoint.save(tmp_path, make(1))
    file = checkpoint.save(tmp_path, make(2))
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    assert checkpoint.newest(tmp_path).position.step == 1
    (tmp_path / "step-000000000001.safetensors").unlink()
    with pytest.raises(CheckpointError) as error:
        checkpoint.newest(tmp_path)
    message = str(error.value)
    assert message.startswith("step-000000000002.safetensors: found ")
    assert "expected" in message or "older checkpoint" in message
    assert "\n" not in message


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """Nothing half written stays, and the name still holds what it held."""
    file = tmp_path / "a"
    checkpoint.write_durably(file, b"old")
    with pytest.raises(TypeError):
        checkpoint.write_durably(file, "no bytes")  # type: ignore[arg-type]
    assert file.read_bytes() == b"old"
    assert [f.name for f in tmp_path.iterdir()] == ["a"]


def test_no_checkpoint_is_said(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(CheckpointError, match="found no checkpoint, expected one"):
        checkpoint.newest(tmp_path)
