"""What is foretold of a training, and how it is asked for: plain frozen values, quick to import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compute.backend import PlanStep
from compute.questions import PlanLines
from graph.files import dumps, loads
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
    `memory` are bytes by what they are for. `off` is by how much the step times of the nets that
    this machine was measured with are off, as foretold on as many threads; None: not known.
    """

    nodes: tuple[NodeCost, ...]
    batch: int
    threads: int
    step: float
    epoch: float | None
    run: float | None
    memory: Mapping[str, int]
    measured_step: float | None = None
    off: float | None = None

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

    def to_line(self) -> str:
        """As a line of JSON for another process."""
        files = sorted(map(str, self.allowed))
        return json.dumps(
            [dumps(self.graph, exact=True), str(self.folder), files, self.reads, self.measures]
        )

    @staticmethod
    def from_line(line: str) -> Request:
        """What `to_line` wrote."""
        graph, folder, files, reads, measures = json.loads(line)
        return Request(loads(graph), Path(folder), frozenset(map(Path, files)), reads, measures)


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


def answer_line(what: Foreseen | Measuring) -> str:
    """An answer as a line of JSON."""
    return json.dumps(None if isinstance(what, Measuring) else asdict(what))


def _line(raw: Mapping[str, Any]) -> PlanStep:
    lists = {name: tuple(raw[name]) for name in ("shapes", "again")}
    return PlanStep(**{**raw, **lists})


def read_answer(line: str) -> Foreseen | Measuring:
    """What `answer_line` wrote; ValueError for half of a line."""
    raw: dict[str, Any] | None = json.loads(line)
    if raw is None:
        return Measuring()
    costs, tables = raw["costs"], raw["tables"]
    if costs is not None:
        nodes = tuple(NodeCost(**node) for node in costs.pop("nodes"))
        costs = Costs(nodes, **costs)
    return Foreseen(costs, tuple(map(_table, tables)), raw["why"], raw["unmeasured"])


def _table(raw: dict[str, Any]) -> PlanLines:
    lines = tuple(_line(line) for line in raw["lines"])
    return PlanLines(raw["step"], raw["entry"], raw["batch"], tuple(raw["entries"]), lines)
