"""The training section of a graph: what Run does, apart from the drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Literal

from graph.op import SettingError, check_setting, setting

AT_ONCE = 1024  # samples that are evaluated together where steps are of all samples
MOST = 1_000_000
MOST_MEMORY = 1_000_000.0  # MiB
LARGEST_SEED = 2**63 - 1


class Section:
    """Base of the parts of the training section: their fields are settings and have bounds."""

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            if "setting" in each.metadata:
                rule = each.metadata["setting"]
                kind = "str" if rule.choices else str(each.type)
                check_setting(each.name, getattr(self, each.name), rule, kind)


@dataclass(frozen=True)
class Split(Section):
    """How the samples are divided; shares of the whole, what is left is for training.

    `seed` is apart from the run's, so runs with other seeds see the same held-out samples.
    """

    validation: float = setting(
        0.2,
        "Share of the samples held out to validate on",
        min=0.0,
        below=1.0,
        label="validation share",
    )
    test: float = setting(
        0.0,
        "Share of the samples held out to the end",
        min=0.0,
        below=1.0,
        advanced=True,
        label="test share",
    )
    stratified: bool = setting(
        True, "Each part has the classes in equal shares", advanced=True, label="stratified"
    )
    shuffled: bool = setting(
        True, "Samples are mixed before they are divided", advanced=True, label="shuffled"
    )
    seed: int = setting(
        0,
        "Seed of the split, apart from the run's",
        min=0,
        max=LARGEST_SEED,
        advanced=True,
        label="split seed",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation + self.test >= 1:
            left = self.validation + self.test
            raise SettingError(
                "validation", f"{left:g} held out", "less than 1, to train on the rest"
            )


@dataclass(frozen=True)
class Stopping(Section):
    """When a training ends before its last epoch, and with which weights.

    Keras's EarlyStopping (Goodfellow et al. 2016, §7.8): a score of each epoch is better where it
    is so by more than `min_delta`. The score is that of the validation samples, or of the training
    where none are held out.
    """

    patience: int = setting(
        0,
        "Training ends after so many epochs without a better score; 0: never before its time",
        min=0,
        max=MOST,
        unit="epochs",
        label="stop early after",
    )
    monitor: str = setting(
        "loss", "The score of each epoch that should become better", advanced=True, label="score"
    )
    mode: Literal["min", "max"] = setting(
        "min",
        "Whether a smaller or a larger score is better",
        choices=("min", "max"),
        advanced=True,
        label="better is",
    )
    min_delta: float = setting(
        0.0, "More than this makes a score better", min=0.0, max=1e6, advanced=True, label="by"
    )
    restore_best: bool = setting(
        False,
        "Training ends with the weights of the epoch that had the best score",
        advanced=True,
        label="keep the best weights",
    )

    @property
    def watches(self) -> bool:
        """Whether scores matter at all."""
        return self.patience > 0 or self.restore_best

    @property
    def worst(self) -> float:
        """What any score is better than."""
        return math.inf if self.mode == "min" else -math.inf

    def better(self, score: float, best: float) -> bool:
        """Whether a score is better than the best one so far; NaN never is."""
        if self.mode == "min":
            return score < best - self.min_delta
        return score > best + self.min_delta


@dataclass(frozen=True)
class Training(Section):
    """Epochs, batch size, seed, precision, split and early stopping. Undoable, kept in the file.

    A batch size of 0 is all training samples: one step an epoch. `fast_convolution` lets float32
    convolutions of 3×3 run by Winograd's transforms, which round about twice as much.
    `memory_budget` are the MiB that weights and a step may take together, 0 for any; it changes no
    number (Chen et al. 2016).
    """

    epochs: int = setting(10, "How often training goes through all samples", min=1, max=MOST)
    batch_size: int = setting(32, "Samples of one step; 0: all of the training", min=0, max=MOST)
    seed: int = setting(0, "Seed of weights, order and noise", min=0, max=LARGEST_SEED)
    precision: Literal["float32", "float64"] = setting(
        "float32", "Kind of number that is computed with", choices=("float32", "float64")
    )
    memory_budget: float = setting(
        0.0,
        "Memory of weights and a step, 0: any. What has no room is computed anew in the backward"
        " pass: slower, the same numbers",
        min=0.0,
        max=MOST_MEMORY,
        advanced=True,
        unit="MiB",
    )
    fast_convolution: bool = setting(
        False, "3×3 convolutions by transforms: faster, rounded more", advanced=True
    )
    split: Split = field(default_factory=Split)
    stopping: Stopping = field(default_factory=Stopping)
