"""`python -m compute.filecheck`: what is wrong with the files that data nodes name.

It reads one request from stdin as JSON and writes one answer to stdout. It is a process of its own
that gives way to all else: reading a table keeps no thread of a window waiting.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from compute.data.dataset import LOADERS
from compute.data.source import DataError, Folder, OutsideError
from graph.files import dumps, loads
from graph.graph import Graph
from graph.kinds import DataSource

NICENESS = 10
MOST_BYTES = 64 * 1024**2  # of a file that is read; of a larger one Run says what is wrong


@dataclass(frozen=True)
class Trouble:
    """What was found at the file of a node, what was expected, and what to do."""

    id: str
    found: str
    expected: str
    remedy: str


def named(op: DataSource) -> str:
    """The path of the file that a data node reads; "" for none."""
    return str(getattr(op, "path", ""))


def troubles(graph: Graph, folder: Folder) -> list[Trouble]:
    """One for each data node whose file is missing, broken, or does not fit its settings.

    A file that nobody has allowed to be read is not: Run asks for it.
    """
    found = []
    for node in graph:
        if isinstance(node.op, DataSource) and named(node.op):
            told = _trouble(node.id, node.op, folder)
            if told is not None:
                found.append(told)
    return found


def _trouble(id: str, op: DataSource, folder: Folder) -> Trouble | None:
    try:
        file = folder.file(named(op), id)
        if file.stat().st_size <= MOST_BYTES:
            LOADERS[type(op).__name__](op, folder, id)
    except OutsideError:
        return None
    except DataError as error:
        return Trouble(id, error.found, error.expected, error.remedy)
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        return Trouble(id, f"a file that cannot be read ({words})", "one that can", "look at it")
    return None


def request(graph: Graph, folder: Path, allowed: frozenset[Path]) -> str:
    """What the process reads."""
    named = {"folder": str(folder), "allowed": sorted(map(str, allowed))}
    return json.dumps({**named, "graph": dumps(graph)})


def read_answer(text: str) -> list[Trouble]:
    """What the process wrote. Raises ValueError for what it did not."""
    return [Trouble(**told) for told in json.loads(text)]


def main() -> None:
    """Answer one request."""
    os.nice(NICENESS)
    asked = json.loads(sys.stdin.read())
    folder = Folder(Path(asked["folder"]), allowed=frozenset(map(Path, asked["allowed"])))
    told = troubles(loads(asked["graph"]), folder)
    sys.stdout.write(json.dumps([asdict(one) for one in told]))


if __name__ == "__main__":
    main()
