"""`netloom eval` and `netloom predict`: what a run has learnt, used."""

from __future__ import annotations

import math
from pathlib import Path

from compute.backend import BackendName
from compute.cli.errors import UsageError
from compute.cli.show import view
from compute.cli.text import metrics, plural, write, write_json
from compute.predict import predict_run, save_prediction
from compute.prepare import TrainOptions
from compute.results import evaluate_run, save_arrays
from compute.runs import find_workspace

ENDINGS = (".csv", ".json", ".npz")


def evaluate(
    run: str,
    save: Path | None,
    threads: int | None,
    device: BackendName,
    workspace: Path | None,
    *,
    json: bool,
) -> None:
    """Metrics of a run on its validation set; `save` keeps inputs, outputs and targets."""
    if save is not None:
        check_place(save, (".npz",))
    with view(json) as shown:
        found = evaluate_run(run, options(threads, device, workspace), progress=shown.preparing)
    if save is not None:
        save_arrays(save, found.arrays)
    if json:
        write_json({n: v if math.isfinite(v) else None for n, v in found.metrics.items()})
        return
    write(metrics(found.metrics))
    if save is not None:
        arrays = (
            f"{name} {'×'.join(map(str, array.shape))}" for name, array in found.arrays.items()
        )
        write(f"{save}: {', '.join(arrays)}")


def predict(
    run: str,
    input: Path,
    output: Path,
    threads: int | None,
    device: BackendName,
    workspace: Path | None,
) -> None:
    """Predictions of a run for the samples in a file, written by the ending of `output`."""
    check_place(output, ENDINGS)
    with view(False) as shown:
        found = predict_run(run, input, options(threads, device, workspace), shown.preparing)
    save_prediction(found, output)
    write(f"{output}: {plural(found.count, 'prediction')}")


def options(threads: int | None, device: BackendName, workspace: Path | None) -> TrainOptions:
    """How a run is used: the engine, and the workspace of the folder the user is in."""
    return TrainOptions(device, threads, workspace=find_workspace(workspace))


def check_place(file: Path, endings: tuple[str, ...]) -> None:
    """Refuse a file to write before the work is done for nothing."""
    if file.suffix.lower() not in endings:
        expected = f"a name that ends in {', '.join(endings)}"
        raise UsageError(f"the output {file.name!r}", expected, "choose another name")
    if not file.parent.is_dir():
        raise UsageError(f"no folder {str(file.parent)!r}", "one that exists", "make it first")
