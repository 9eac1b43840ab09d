"""Checks every node type and writes docs/nodes-checked.md: what held, and the worst miss.

The checks are those of the tests, called one node type at a time: `python tools/check_nodes.py`
from the root of the checkout. It needs PyTorch, takes some minutes, and exits 1 if anything fails.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from graph.export import Target  # noqa: E402
from graph.op import REGISTRY, Bad  # noqa: E402
from tests.cpu_plan.test_nodes_planned import check_values, planned  # noqa: E402
from tests.export.running import differences, run_alone  # noqa: E402
from tests.export.samples import sample_case  # noqa: E402
from tests.export.test_exported_numbers import OUTPUTS  # noqa: E402
from tests.nodes import test_torch_optimizers as steps  # noqa: E402
from tests.nodes.harness import check_gradient, samples  # noqa: E402
from tests.nodes.peer import TOLERANCE, check_agreement, double_precision  # noqa: E402
from tests.nodes.test_gradient_check import CASES as SLOPES  # noqa: E402
from tests.nodes.test_torch_nodes import CASES as PEERS  # noqa: E402
from tests.nodes.test_torch_nodes import INEXACT  # noqa: E402

PAGE = ROOT / "docs" / "nodes-checked.md"
COLUMNS = ("Gradient", "Kernels", "Kernels' gradient", "PyTorch", "NumPy file", "PyTorch file")
HEAD = """# Node types, checked

Every node type in float64, on each of its samples: ✓ and the worst miss, relative where numbers are
above 1; – where there is nothing to check. `python tools/check_nodes.py` runs the checks and writes
this page.

- **Gradient**: of the reference, against central differences.
- **Kernels**: values of the CPU's kernels against the reference; their gradient against
  differences.
- **PyTorch**: values, running values and gradients against PyTorch; for optimizers and schedules
  losses and weights of 200 steps. What draws random numbers is compared in evaluation.
- **Files**: the exported NumPy and PyTorch files, run alone, against the reference.
"""
Checks = Mapping[str, Callable[[Path], float]]


def progress(done: int, total: int, what: str) -> None:
    """One line that is written over."""
    filled = 30 * done // total
    bar = "#" * filled + "." * (30 - filled)
    print(f"\r[{bar}] {done}/{total} {what:40.40}", end="", file=sys.stderr, flush=True)


@contextmanager
def one_folder() -> Iterator[Path]:
    """A new folder, gone afterwards."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def cell(checks: Checks) -> str:
    """A tick and the worst miss of some checks; a cross and the name of the first that fails."""
    misses = []
    for name, check in checks.items():
        try:
            with one_folder() as folder, double_precision():
                misses.append(check(folder))
        except AssertionError:
            print(f"\n{name}\n{traceback.format_exc()}", file=sys.stderr)
            return f"✗ {name}"
    if not misses:
        return "–"
    return f"✓ {max(misses):.0e}" if max(misses) else "✓ 0"


def own(name: str, cases: Mapping[str, object]) -> list[str]:
    """The cases of a node type: their names begin with its."""
    return [case for case in cases if case.split()[0] == name]


def peers(name: str) -> Checks:
    """Comparisons with PyTorch."""
    made: dict[str, Callable[[Path], float]] = {}
    for case in own(name, PEERS):
        built, tolerance = PEERS[case], INEXACT.get(name, TOLERANCE)
        if built.outputs:
            made[case] = lambda folder, b=built, t=tolerance: check_agreement(b, folder, t)
    tables = {**steps.OPTIMIZERS, **steps.RULES, **steps.CLIPPED}
    for case in own(name, tables):
        optimizer = REGISTRY[name](**tables[case])
        made[case] = lambda folder, o=optimizer: steps.check_steps(o, None, folder)
    given = {**steps.SCHEDULES, **{n: rule[0] for n, rule in steps.SCHEDULE_RULES.items()}}
    for case in own(name, given):
        schedule = REGISTRY[name](**given[case])
        sgd = REGISTRY["SGD"](learning_rate=0.05)
        made[case] = lambda folder, s=schedule, o=sgd: steps.check_steps(o, s, folder)
    return made


def exported(target: Target) -> Callable[[str], Checks]:
    """The exported files of all samples, run alone at once; what each of them misses by."""
    cases = {
        f"sample{k}": (name, sample_case(f"sample{k}", *found, seed=k))
        for k, (name, found) in enumerate(samples().items())
        if found[0].role in ("layer", "loss", "metric")
    }
    with one_folder() as folder:
        report = run_alone([case for _, case in cases.values()], target, folder)

    def miss(key: str) -> float:
        found = differences(cases[key][1], report[key])[0]
        assert found <= OUTPUTS
        return found

    def checks(name: str) -> Checks:
        wanted = {key: case for key, (case, _) in cases.items() if case.split()[0] == name}
        return {case: lambda _, k=key: miss(k) for key, case in wanted.items()}

    return checks


def row(name: str, files: list[Callable[[str], Checks]]) -> str:
    """A line of the table."""
    slopes = {case: SLOPES[case] for case in own(name, SLOPES)}
    columns: list[Checks] = [
        {case: lambda _, c=built: check_gradient(c) for case, built in slopes.items()},
        {case: lambda _, c=built: check_values(c) for case, built in slopes.items()},
        {case: lambda _, c=built: check_gradient(planned(c)) for case, built in slopes.items()},
        peers(name),
        *(file(name) for file in files),
    ]
    count = sum(not isinstance(sample, Bad) for sample in REGISTRY[name].samples)
    return f"| `{name}` | {count} | " + " | ".join(map(cell, columns)) + " |"


def main() -> int:
    """Write the page; 1 when anything fails."""
    warnings.simplefilter("ignore")
    names, targets = sorted(REGISTRY), ("numpy", "pytorch")
    files = []
    for target in targets:
        progress(0, len(names), f"{target} files")
        files.append(exported(target))
    lines = ["| " + " | ".join(("Node", "Samples", *COLUMNS)) + " |", "| --- " * 8 + "|"]
    for done, name in enumerate(names):
        progress(done, len(names), name)
        lines.append(row(name, files))
    progress(len(names), len(names), "")
    print(file=sys.stderr)
    PAGE.write_text(HEAD + "\n" + "\n".join(lines) + "\n", "utf-8")
    return int(any("✗" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
