"""What is foretold of a training, and how it is asked for: plain frozen values, quick to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compute.questions import PlanLines

if TYPE_CHECKING:
    from graph.graph import Graph

PROCESS = "process"  # what of the memory a process needs that trains nothing yet


@dataclass(frozen=True)
class NodeCost:
    """A node's part of a training step on one thread; `seconds` by pass, `measured` of all."""

    path: str
    flops: int
    bytes: int
    seconds: Mapping[str, float]
    measured: float | None = None


@dataclass(frozen=True)
class Costs:
    """The forecast of a training.

    `step` are seconds of a full training step on `threads` threads, `epoch` and `run` those of an
    epoch with its evaluation and record, and of everything: None when nothing is known of the data.
    `memory` are bytes by what they are for.
    """

    nodes: tuple[NodeCost, ...]
    batch: int
    threads: int
    step: float
    epoch: float | None
    run: float | None
    memory: Mapping[str, int]
    measured_step: float | None = None

    @property
    def bytes(self) -> int:
        """Memory of a process that does nothing else."""
        return sum(self.memory.values())

    @property
    def own(self) -> int:
        """What the training adds to the memory of a process that is there anyway."""
        return self.bytes - self.memory[PROCESS]

    def seconds_of(self, path: str) -> float:
        """Seconds of a step on one thread that go to a node, with all inside an instance."""
        inside = (path + "/", path + ".")
        return sum(
            sum(node.seconds.values())
            for node in self.nodes
            if node.path == path or node.path.startswith(inside)
        )

    @property
    def alone(self) -> float:
        """Seconds of a step on one thread."""
        return sum(sum(node.seconds.values()) for node in self.nodes)


@dataclass(frozen=True)
class Request:
    """A graph whose cost is asked for, with the folder that its paths start from.

    `reads`: the files that it names may be read (`allowed` are those outside the folder), else
    nothing is known of its data. `measures`: this machine may be measured first.
    """

    graph: Graph
    folder: Path
    allowed: frozenset[Path]
    reads: bool
    measures: bool


@dataclass(frozen=True)
class Foreseen:
    """Answers a request: the costs and the plan of each entry, or why there are none.

    `unmeasured`: this machine has not been measured.
    """

    costs: Costs | None = None
    tables: tuple[PlanLines, ...] = ()
    why: str = ""
    unmeasured: bool = False


@dataclass(frozen=True)
class Measuring:
    """Comes before an answer: this machine is measured now, once; it takes about two seconds."""
