"""Runs every generated file below a folder: predicts with its weights, trains some steps.

Stands alone: started with `python -I`, it sees nothing but what the generated files import.
"""

import importlib.util
import inspect
import itertools
import json
import sys
import traceback
from pathlib import Path

import numpy as np


def load(path):
    """The generated file as a module."""
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first(epochs, steps):
    """The losses of the first steps."""
    return list(itertools.islice(itertools.chain.from_iterable(epochs), steps))


def run_numpy(module, steps, rows):
    """Outputs and losses of a NumPy file."""
    params = module.load_model()
    data = module.load_data()
    samples = module.split(data)[0]
    names = list(inspect.signature(module.predict).parameters)[1:]
    outputs = module.predict(params, *(data[name][samples[:rows]] for name in names))
    fresh = module.initial_params()
    losses = first(module.train(fresh, data, samples[: steps * module.BATCH_SIZE]), steps)
    kinds = {value.dtype.name for value in fresh.values()}
    assert kinds <= {np.dtype(module.DTYPE).name}, kinds
    return outputs, losses


def run_pytorch(module, steps, rows):
    """Outputs and losses of a PyTorch file."""
    import torch

    model = module.load_model()
    data = module.load_data()
    samples = module.split(data)[0]
    names = list(inspect.signature(model.forward).parameters)
    with torch.no_grad():
        outputs = model(*(torch.as_tensor(data[name][samples[:rows]]) for name in names))
    fresh = module.initial_model()
    losses = first(module.train(fresh, data, samples[: steps * module.BATCH_SIZE]), steps)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return tuple(output.numpy() for output in outputs), losses


def run(path, target, steps, rows):
    """The report on one file."""
    before = torch_default()
    try:
        work = run_numpy if target == "numpy" else run_pytorch
        outputs, losses = work(load(path), steps, rows)
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        torch_default(before)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    np.savez(path.with_name("outputs.npz"), **{f"o{k}": v for k, v in enumerate(outputs)})
    return {"losses": losses}


def torch_default(dtype=None):
    """The default element type of torch; sets it when one is given."""
    torch = sys.modules.get("torch")
    if torch is not None and dtype is not None:
        torch.set_default_dtype(dtype)
    return torch.get_default_dtype() if torch is not None else None


def main():
    """Run all files and write the report."""
    target, steps, rows, folder = sys.argv[1:]
    if target == "pytorch":
        import torch

        torch.set_num_threads(1)
    report = {
        path.parent.name: run(path, target, int(steps), int(rows))
        for path in sorted(Path(folder).glob("*/model.py"))
    }
    (Path(folder) / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
