"""The training section of a graph: what Run does, apart from the drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from graph.op import SettingError

AT_ONCE = 1024  # samples that are evaluated together where steps are of all samples
MOST_MEMORY = 1_000_000  # MiB


@dataclass(frozen=True)
class Split:
    """How the samples are divided; shares of the whole, what is left is for training.

    `seed` is apart from the run's, so runs with other seeds see the same held-out samples.
    """

    validation: float = 0.2
    test: float = 0.0
    stratified: bool = True
    shuffled: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise SettingError(name, f"{share:g}", "a share from 0 to below 1")
        if self.validation + self.test >= 1:
            left = self.validation + self.test
            raise SettingError(
                "validation", f"{left:g} held out", "less than 1, to train on the rest"
            )


@dataclass(frozen=True)
class Training:
    """Epochs, batch size, seed, precision, memory and split. Undoable, kept in the file.

    A batch size of 0 is all training samples: one step an epoch. `memory_budget` are the MiB that
    weights and a step may take together, 0 for any; it changes no number (Chen et al. 2016).
    """

    epochs: int = 10
    batch_size: int = 32
    seed: int = 0
    precision: Literal["float32", "float64"] = "float32"
    memory_budget: float = 0.0
    split: Split = field(default_factory=Split)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 1_000_000),
            ("batch_size", 0, 1_000_000),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise SettingError(name, repr(value), f"a whole number from {low} to {high}")
        if self.precision not in ("float32", "float64"):
            raise SettingError("precision", repr(self.precision), "float32 or float64")
        budget = self.memory_budget
        if isinstance(budget, bool) or not 0 <= budget <= MOST_MEMORY:
            raise SettingError(
                "memory_budget", repr(budget), f"MiB from 0 (any) to {MOST_MEMORY:,}"
            )
