"""Writes what the examples reach, and how long they take, into results.json.

    python tools/measure_examples.py [NAME …]

Their goals and words are left as they are. Run it on a machine that does nothing else.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import resources
from compute.cli.examples import SEEDS, goals
from compute.events import EpochDone, Finished
from compute.prepare import TrainOptions
from compute.session import train_graph
from graph.files import load

FILE = Path(str(resources.locate("examples", "results.json")))
MOST = 20  # losses in a picture


def measured(name: str) -> dict[str, object]:
    """The mean of the metric and of the seconds over the seeds, and the losses of the first."""
    metric, values, losses = goals()[name].metric, list[float](), list[float]()
    clock = time.perf_counter()
    for seed in SEEDS:
        file = resources.example_path(name)
        with tempfile.TemporaryDirectory() as folder:
            options = TrainOptions(seed=seed, workspace=Path(folder), folder=file.parent)
            for event in train_graph(load(file), options):
                if isinstance(event, EpochDone) and seed == SEEDS[0]:
                    losses.append(event.metrics["loss"])
                elif isinstance(event, Finished):
                    values.append(event.metrics[metric])
    seconds = (time.perf_counter() - clock) / len(SEEDS)
    return {
        "seconds": round(seconds, 2),
        "reached": round(sum(values) / len(values), 4),
        "losses": [float(f"{loss:.3g}") for loss in losses[:: -(-len(losses) // MOST)]],
    }


def main() -> int:
    """Measure the examples that are named, else all."""
    results = json.loads(FILE.read_text("utf-8"))
    for name in sys.argv[1:] or results:
        results[name] |= measured(name)
        print(name, results[name]["reached"], results[name]["seconds"])
    lines = (f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in results.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
