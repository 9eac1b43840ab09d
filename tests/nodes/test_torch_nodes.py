"""Every node agrees with the PyTorch its templates name: values, gradients, running values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodes.harness import Case, build, samples
from tests.nodes.peer import TOLERANCE, check_agreement, double_precision


def _comparable() -> dict[str, Case]:
    found = {}
    for case, pair in samples().items():
        for mode in ("train", "evaluate"):
            built = build(*pair, mode)
            if not built.random and (mode == "train" or _differs(pair[0].__name__, built)):
                found[f"{case} {mode}"] = built
    return found


def _differs(name: str, built: Case) -> bool:
    return bool(built.trace.states) or build(type(built.op), built.sample, "train").random


CASES = _comparable()
# its backward pass multiplies by a sixth in single precision
INEXACT = {"HardSigmoid": 1e-7}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """PyTorch computes in float64 as the reference does."""
    with double_precision():
        yield


# PyTorch copies the image for an even window; that is no concern of ours
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_node_agrees_with_pytorch(name: str, tmp_path: Path) -> None:
    """Outputs, gradients and new running values to a few units in the last place."""
    case = CASES[name]
    if not case.outputs:
        case.outputs = dict(zip(["y"], case.wires.values(), strict=True))  # an Output passes on
    check_agreement(case, tmp_path, INEXACT.get(name.split()[0], TOLERANCE))
