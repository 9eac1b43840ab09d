"""The exports of two examples as they shall read. After a change that is meant, write them anew:

    python -m tests.export.golden_files

and read the difference: it must look like code a person is proud of.
"""

from __future__ import annotations

from pathlib import Path

import graph.ops  # noqa: F401  fills the registry
from graph.export import Options, Target, export
from graph.files import load

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"
FOLDER = Path(__file__).parent / "golden"
PAIRS: list[tuple[str, Target]] = [
    ("digits-mlp", "pytorch"),
    ("digits-mlp", "numpy"),
    ("digits-cnn", "pytorch"),
    ("digits-cnn", "numpy"),
]


def golden(name: str, target: Target) -> Path:
    """The file that holds an example's export; no .py, as it is data here."""
    return FOLDER / f"{name}.{target}.txt"


def exported(name: str, target: Target) -> str:
    """The export of an example, as it is now."""
    return export(load(EXAMPLES / f"{name}.loom"), target, Options(name))


if __name__ == "__main__":
    for pair in PAIRS:
        golden(*pair).write_text(exported(*pair), "utf-8")
