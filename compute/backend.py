"""What every back end offers: a plan that holds a model's arrays and runs its programs.

Back ends (`reference`, `cpu`) are interchangeable behind `Plan`. Arrays cross this boundary in
canonical layout (PyTorch's), whatever the engine does inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from graph.lower import Model

Array = np.ndarray[Any, np.dtype[Any]]
BackendName = Literal["reference", "cpu"]


@dataclass(frozen=True)
class PlanOptions:
    """How a plan is made. `seed` keys the random rows; `threads` None means all cores.

    `vector` forces a kernel variant ("f32x8" …); `memory_limit` bounds the bytes of a plan.
    `fast_convolution` allows transforms that round otherwise than the direct sums; in float64 and
    on the reference it does nothing. With `memory_budget` (bytes) a training step computes anew
    what it has no room to keep.
    """

    precision: Literal["float32", "float64"] = "float32"
    threads: int | None = None
    seed: int = 0
    vector: str | None = None
    memory_limit: int | None = None
    fast_convolution: bool = False
    memory_budget: int | None = None


@dataclass(frozen=True)
class PlanStep:
    """One row of the plan table: what runs, for which node, on what, and how long it takes.

    `seconds` were measured, `predicted` follow from what the machine was measured to do; both are
    of one thread. `again` names the nodes of which the row computes anew what was not kept.
    """

    index: int
    path: str
    kernel: str
    shapes: tuple[str, ...]
    bytes: int
    flops: int
    seconds: float | None = None
    predicted: float | None = None
    again: tuple[str, ...] = ()

    @property
    def recomputed(self) -> str:
        """What it computes anew, in words: "recomputed", "recomputes gelu", "" for nothing."""
        if self.again in ((), (self.path,)):
            return "recomputed" if self.again else ""
        return f"recomputes {', '.join(self.again)}"


class StepOutputs(NamedTuple):
    """What `Plan.run` gives back.

    `scalars`: each scalar output for every step done, shape (steps,). `arrays`: every other output
    as it is after the last step. `steps`: how many were done; fewer than asked after `stop()` or
    when `bad_step` (index of the first step whose loss is not finite) ended the run.
    """

    scalars: Mapping[str, Array]
    arrays: Mapping[str, Array]
    steps: int
    bad_step: int | None = None


class Plan(Protocol):
    """A model bound to a back end: persistent arrays and entry points that share them."""

    def read(self) -> dict[str, Array]:
        """Copies of all persistent arrays: `param:KEY`, `state:KEY`, `slot:KEY`, canonical."""

    def write(self, values: Mapping[str, Array]) -> None:
        """Set persistent arrays by the same names; unknown names and shapes raise ValueError."""

    def prepare(self, entry: str, batch: int, watch: frozenset[str] = frozenset()) -> None:
        """Build the tape of an entry point for a batch size now instead of at the first run."""

    def run(
        self,
        entry: str,
        data: Mapping[str, Array],
        index: Array,
        scalars: Mapping[str, Array],
        watch: frozenset[str] = frozenset(),
    ) -> StepOutputs:
        """Run `entry` for `index.shape[0]` steps of `index.shape[1]` samples each.

        `data` maps batch inputs (`digits.image`) to whole data sets N×…, C-contiguous, in the
        plan's precision (labels int64); step k uses the samples `index[k]`. `scalars` maps
        `live:KEY` and `iteration:NAME` to one float64 a step. Updates are applied after each step.
        """

    def stop(self) -> None:
        """From any thread: let a `run` under way return after the step it is in."""

    @property
    def memory(self) -> int:
        """Bytes of its arrays, from any thread; 0 when the back end keeps no arena."""

    def table(self, entry: str, batch: int) -> list[PlanStep]:
        """The plan of an entry point as a table; measured times where there are any."""

    def close(self) -> None:
        """Free the plan's memory."""


Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Backend:
    """A named way to run models. `progress(done, total, what)` hears of slow preparations."""

    name: BackendName
    build: Callable[[Model, PlanOptions, Progress], Plan] = field(repr=False)


def load(name: BackendName) -> Backend:
    """The back end `name`, its machinery imported only now."""
    if name == "reference":
        from compute.reference_plan import ReferencePlan

        return Backend(name, ReferencePlan)
    if name == "cpu":
        from compute.cpu.plan import CpuPlan

        return Backend(name, CpuPlan)
    raise ValueError(f"found device {name!r}, expected cpu or reference")
