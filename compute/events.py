"""What a training run tells as it goes: plain frozen values that need nothing else of Netloom.

`train()` yields them, the run record keeps them, the command line prints them as JSON lines, and
the window shows them.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Started:
    """Training begins, or goes on at `step`. `samples` is the size of the training part."""

    step: int
    steps: int
    epochs: int
    steps_per_epoch: int
    samples: int
    parameters: int
    run: str = ""


@dataclass(frozen=True)
class Progress:
    """Some more steps are done: the loss of each, and how fast it goes.

    `each` holds, by the path of its node, what each of several losses was at the steps that had it.
    """

    step: int
    epoch: int
    steps: int
    losses: NDArray[np.float64] = field(compare=False)
    samples_per_second: float
    each: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class EpochDone:
    """`epoch` epochs are finished; metrics by Keras's names (loss, val_loss, val_accuracy …)."""

    epoch: int
    step: int
    metrics: Mapping[str, float]
    seconds: float = 0.0


@dataclass(frozen=True)
class Paused:
    """Training waits before the next step."""

    step: int


@dataclass(frozen=True)
class Resumed:
    """Training goes on after a pause."""

    step: int


@dataclass(frozen=True)
class LiveChanged:
    """From the step after `step` on, the live setting `key` is `value`."""

    step: int
    key: str
    value: float


@dataclass(frozen=True)
class Swapped:
    """From the step after `step` on, another model trains; `carried` arrays kept their values.

    `steps`, `epochs` and `parameters` are those of the training as it is now.
    """

    step: int
    carried: int
    steps: int = 0
    epochs: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Tap:
    """A watched tensor, reduced: never the tensor itself. Where the norm was enough, no more.

    `histogram` counts finite values in 64 equal bins from `low` to `high`.
    """

    name: str
    shape: tuple[int, ...]
    norm: float
    mean: float
    deviation: float
    low: float
    high: float
    zeros: float
    not_finite: int
    histogram: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tapped:
    """The watched tensors after `step`; newer ones replace older ones."""

    step: int
    taps: tuple[Tap, ...]


@dataclass(frozen=True)
class Checkpointed:
    """The weights after `step` are safe on disk."""

    step: int
    file: str


@dataclass(frozen=True)
class Warned:
    """Something asked for was not done; training goes on."""

    step: int
    message: str


@dataclass(frozen=True)
class Failed:
    """Training ended before its time: at which node, and why."""

    step: int
    path: str
    message: str
    run: str = ""


@dataclass(frozen=True)
class Finished:
    """Training ended: all steps done, or `stopped` by the user before that.

    `reason` says what early stopping did: why it ended, which weights it kept.
    """

    step: int
    metrics: Mapping[str, float]
    run: str = ""
    stopped: bool = False
    reason: str = ""


Event = (
    Started
    | Progress
    | EpochDone
    | Paused
    | Resumed
    | LiveChanged
    | Swapped
    | Tapped
    | Checkpointed
    | Warned
    | Failed
    | Finished
)


def to_json(event: Event) -> dict[str, object]:
    """The event as JSON values, its kind first: `{"event": "epoch_done", …}`.

    Numbers that JSON does not know become null; of the losses of Progress there is the last
    one of all together, pictures are left out.
    """
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    found: dict[str, object] = {"event": kind}
    for one in dataclasses.fields(event):
        value = getattr(event, one.name)
        if one.name == "losses":
            found["loss"] = _plain(float(value[-1])) if len(value) else None
        elif one.name == "each":
            continue  # what each loss was is told at the end of an epoch
        elif one.name == "taps":
            found["taps"] = [{"name": t.name, "norm": _plain(t.norm)} for t in value]
        else:
            found[one.name] = _plain(value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
