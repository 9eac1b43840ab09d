"""Runs every generated file below a folder: predicts with its weights, trains some steps.

Stands alone: started with `python -I`, it sees nothing but what the generated files import.
"""

import functools
import importlib.util
import inspect
import itertools
import json
import sys
import traceback
from pathlib import Path

import numpy as np
import sklearn.datasets


def load(path):
    """The generated file as a module, its data read once."""
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, "load_data"):
        module.load_data = functools.cache(module.load_data)
    return module


def inputs(module, call, rows, skipped):
    """What the model takes: arrays that were given, else the first training samples."""
    given = Path(module.__file__).with_name("inputs.npz")
    if given.exists():
        with np.load(given) as stored:
            return [stored[f"i{k}"] for k in range(len(stored))]
    data = module.load_data()
    first = module.split(data)[0][:rows]
    names = list(inspect.signature(call).parameters)[skipped:]
    return [data[name][first] for name in names]


def losses_of(module, fresh, steps):
    """The losses of the first steps from the first weights; none where the file cannot train."""
    data = module.load_data()
    samples = module.split(data)[0]
    samples = samples[: steps * (module.BATCH_SIZE or len(samples))]
    epochs = module.train(fresh, data, samples)
    return list(itertools.islice(itertools.chain.from_iterable(epochs), steps))


def run_numpy(module, steps, rows):
    """Outputs and losses of a NumPy file."""
    params = module.load_model()
    outputs = module.predict(params, *inputs(module, module.predict, rows, 1))
    if not hasattr(module, "train"):
        return outputs, []
    fresh = module.initial_params()
    losses = losses_of(module, fresh, steps)
    kinds = {value.dtype.name for value in fresh.values()}
    assert kinds <= {np.dtype(module.DTYPE).name}, kinds
    return outputs, losses


def run_pytorch(module, steps, rows):
    """Outputs and losses of a PyTorch file."""
    import torch

    model = module.load_model()
    given = inputs(module, model.forward, rows, 0)
    with torch.no_grad():
        outputs = model(*map(torch.as_tensor, given))
    together = outputs if isinstance(outputs, tuple) else (outputs,)
    arrays = tuple(output.numpy() for output in together)
    if not hasattr(module, "train"):
        return arrays, []
    return arrays, losses_of(module, module.initial_model(), steps)


def run(path, target, steps, rows):
    """The report on one file."""
    try:
        work = run_numpy if target == "numpy" else run_pytorch
        outputs, losses = work(load(path), steps, rows)
    except Exception:
        return {"error": traceback.format_exc()}
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    np.savez(path.with_name("outputs.npz"), **{f"o{k}": v for k, v in enumerate(outputs)})
    return {"losses": losses}


def main():
    """Run all files and write the report."""
    target, steps, rows, folder = sys.argv[1:]
    if target == "pytorch":
        import torch

        torch.set_num_threads(1)
    sklearn.datasets.load_digits = functools.cache(sklearn.datasets.load_digits)
    report = {
        path.parent.name: run(path, target, int(steps), int(rows))
        for path in sorted(Path(folder).glob("*/model.py"))
    }
    (Path(folder) / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
