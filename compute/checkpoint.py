"""Checkpoints: all arrays of a run and its position in one safetensors file, never half written.

A file appears under its name only when every byte of it is on the disk, and the one before it is
removed only after that; so whenever the process dies, a whole checkpoint is there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from compute.backend import Array
from compute.position import Position
from compute.series import Means
from graph.files import sync_folder

FORMAT = "netloom-checkpoint-1"
KEPT = 2
LOSSES = "losses"  # the name of their array
BEST = "best:"  # before the names of arrays of the best epoch


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or a run without one."""


@dataclass(frozen=True)
class Checkpoint:
    """Persistent arrays by `kind:KEY`, the position of the training, and the graph that trains.

    `losses` are those of the run so far; None where they were not kept. `best` are arrays of its
    best epoch, where early stopping keeps them.
    """

    position: Position
    arrays: Mapping[str, Array]
    graph: str
    losses: Means | None = field(default=None, compare=False)
    best: Mapping[str, Array] = field(default_factory=dict)


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint durably into `folder`, drop all older ones but the last; its file."""
    every = {**checkpoint.arrays, **{BEST + name: a for name, a in checkpoint.best.items()}}
    arrays = {name: np.asarray(a, order="C") for name, a in every.items()}
    metadata = {
        "format": FORMAT,
        "position": checkpoint.position.to_text(),
        "graph": checkpoint.graph,
    }
    if checkpoint.losses is not None:
        metadata[LOSSES], arrays[LOSSES] = checkpoint.losses.state()
    metadata["sha256"] = _digest(arrays)
    file = folder / f"step-{checkpoint.position.step:012d}.safetensors"
    write_durably(file, safetensors.numpy.save(arrays, metadata))
    for old in _files(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return file


def load(file: Path) -> Checkpoint:
    """Read one checkpoint; raises CheckpointError when it is damaged or something else."""
    try:
        with safetensors.safe_open(str(file), "np") as opened:
            metadata = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if metadata.get("format") != FORMAT:
            found = metadata.get("format", "none")
            raise CheckpointError(
                f"{file.name}: found format {found!r}, expected {FORMAT!r}; "
                "read it with the version of Netloom that wrote it"
            )
        if metadata["sha256"] != _digest(arrays):
            raise CheckpointError(
                f"{file.name}: found other weights than were written; use an older checkpoint"
            )
        position = Position.from_text(metadata["position"])
        losses = Means.restore(metadata[LOSSES], arrays.pop(LOSSES)) if LOSSES in arrays else None
        best = {n.removeprefix(BEST): arrays.pop(n) for n in list(arrays) if n.startswith(BEST)}
        return Checkpoint(position, arrays, metadata["graph"], losses, best)
    except CheckpointError:
        raise
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, AssertionError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{file.name}: found a damaged checkpoint ({what}), expected a whole one; "
            "use an older checkpoint or train again"
        ) from None


def newest(folder: Path) -> Checkpoint:
    """The newest checkpoint of a run that is whole; raises CheckpointError when there is none."""
    problems = []
    for file in _files(folder):
        try:
            return load(file)
        except CheckpointError as error:
            problems.append(str(error))
    if problems:
        raise CheckpointError(problems[0])
    raise CheckpointError(
        f"run {folder.name}: found no checkpoint, expected one; the run ended before its first: "
        "train again"
    )


def sweep(folder: Path) -> None:
    """Remove what a process that died while saving has left; call it with the run's lock held."""
    for scratch in folder.glob(".*.tmp"):
        scratch.unlink(missing_ok=True)


def any_in(folder: Path) -> bool:
    """Whether a run has a checkpoint, whole or not."""
    return bool(_files(folder))


def _files(folder: Path) -> list[Path]:
    """Checkpoints, newest first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_durably(file: Path, content: bytes) -> None:
    """Write `file` so that after a crash it is either as before or wholly new."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
    sync_folder(file.parent)
