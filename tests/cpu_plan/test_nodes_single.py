"""Every node in float32: its errors are of the size of PyTorch's own.

Both are measured against PyTorch in float64, on the same random numbers of single precision: every
output and gradient of every sample, its batch enlarged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from compute.backend import Array
from graph.op import Op, Sample
from graph.program import ShapeError
from tests.cpu_plan.test_nodes_planned import PlannedCase
from tests.nodes.harness import Case, Values, build, samples
from tests.nodes.peer import Peer, one_thread, torch

BATCHES = (128, 1024)  # sums over the larger lose more, if they are not cut
SEEDS = (7, 11)
NOTHING = frozenset({"Output", "ToIds"})  # nothing real comes out of them
NONE = 1e-12  # a share of the largest number: what is smaller is 0, but for how it was computed
TIMES = 4.0  # PyTorch's error
ULP = float(np.finfo(np.float32).eps)
FLOOR = 4 * ULP  # of the largest number: either may round luckily


class SingleCase(PlannedCase):
    """A case run by the CPU's kernels in float32."""

    precision: ClassVar[Literal["float32", "float64"]] = "float32"

    def _persistent(self, program: Any, values: Values) -> dict[str, Array]:
        return {k: v.astype(np.float32) for k, v in super()._persistent(program, values).items()}


def enlarged(sample: Sample, batch: int) -> Sample:
    """The sample with more rows in its batch."""
    inputs: dict[str, Any] = {
        port: [replace(kind, shape=(batch, *kind.shape[1:])) for kind in wired]
        for port, wired in sample.types().items()
    }
    return replace(sample, inputs=inputs)


def _case(op: type[Op], sample: Sample, batch: int, seed: int) -> Case | None:
    """The node on random numbers of single precision; None where there is nothing to compare."""
    try:
        case = build(op, enlarged(sample, batch))
    except ShapeError:  # a shape of one sample in the settings
        case = build(op, sample)
    if case.random:
        case = build(op, enlarged(sample, batch), "evaluate")
    if not case.outputs or case.objective() is None:
        return None
    rng = np.random.default_rng(seed)
    for name, value in case.values.items():
        if value.dtype == np.float64:
            drawn = rng.uniform(0.02, 0.98, value.shape)
            wild = not (sample.shares or name in case.trace.states or "running_var" in name)
            drawn = (4 * drawn - 2 * (not sample.positive)) if wild else drawn
            case.values[name] = drawn.astype(np.float32).astype(np.float64)
    return case


def cases() -> dict[str, list[tuple[type[Op], Sample]]]:
    """The samples of each node type that computes."""
    found: dict[str, list[tuple[type[Op], Sample]]] = {}
    for op, sample in samples().values():
        found.setdefault(op.__name__, []).append((op, sample))
    return found


@contextmanager
def default(dtype: Any) -> Iterator[None]:
    """New PyTorch tensors are of `dtype` inside."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def theirs(case: Case, folder: Path, dtype: Any) -> Values:
    """Outputs and gradients in PyTorch, in single or double precision."""
    kind = np.float32 if dtype == torch.float32 else np.float64
    values = {n: v if v.dtype == np.int64 else v.astype(kind) for n, v in case.values.items()}
    given = Case(**{**vars(case), "values": values})
    folder.mkdir()
    with default(dtype), one_thread():
        peer = Peer(given, folder)
        outputs = peer.outputs()
        made = {
            port: value.detach().numpy()
            for port, value in zip(case.outputs, outputs, strict=True)
            if value.dtype == dtype
        }
        return made | {f"gradient of {k}": v for k, v in peer.gradients(outputs).items()}


def ours(case: Case) -> Values:
    """Outputs and gradients of a case."""
    real = {port: value for port, value in case.outputs.items() if value.dtype == "real"}
    found = case.run(real)
    return found | {f"gradient of {k}": v for k, v in case.gradients().items()}


def errors(found: Mapping[str, Array], exact: Mapping[str, Array]) -> dict[str, float]:
    """The largest error of each, as a share of its largest number; of all, where that is none."""
    largest = {name: float(np.abs(value).max(initial=0)) for name, value in exact.items()}
    most = max(largest.values(), default=0.0) or 1.0
    return {
        name: float(np.abs(found[name].reshape(value.shape) - value).max(initial=0))
        / (largest[name] if largest[name] > NONE * most else most)
        for name, value in exact.items()
    }


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", cases())
def test_errors_are_of_pytorchs_size(name: str, batch: int, tmp_path: Path) -> None:
    """The largest is at most four times PyTorch's, and a few units in the last place."""
    made: dict[str, float] = {}
    allowed: dict[str, float] = {}
    for number, (op, sample) in enumerate(cases()[name]):
        for seed in SEEDS:
            case = _case(op, sample, batch, seed)
            if case is None:
                continue
            exact, single = (
                theirs(case, tmp_path / f"{number}-{seed}-{dtype}", dtype)
                for dtype in (torch.float64, torch.float32)
            )
            label = f"{sample.inputs} {sample.settings} "
            found = errors(ours(SingleCase(**vars(case))), exact)
            made |= {label + key: error for key, error in found.items()}
            allowed |= {label + key: error for key, error in errors(single, exact).items()}
    assert made or name in NOTHING
    worst, most = max(made, key=made.__getitem__, default=""), max(allowed.values(), default=0.0)
    error = made.get(worst, 0.0)
    assert error <= TIMES * most + FLOOR, f"{worst}: {error / ULP:.1f} ulp, theirs {most / ULP:.1f}"
