"""Imports point gui -> compute -> graph, and each package loads only what it may."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Imports every module of a package, then prints the top-level names that came with it.
LOADED = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
if sys.argv[2] == "all":
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""

WINDOWS = {"PySide6", "shiboken6", "pyqtgraph"}
KERNELS = {"numba", "llvmlite"}
RIVALS = {"torch", "tensorflow", "keras", "jax"}
ARRAYS = {"numpy", "scipy", "sklearn", "pyarrow", "PIL", "safetensors"}
COMMAND_LINE = {"typer", "rich"}


def loaded(module: str, extent: str) -> set[str]:
    """Top-level modules in a fresh process after importing `module`, or all of its modules."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED, module, extent],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_contracts_hold() -> None:
    """lint-imports passes, lazy and indirect imports included."""
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [script, "--no-cache", "--no-logo"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "extent", "forbidden"),
    [
        ("graph", "one", WINDOWS | KERNELS | RIVALS | ARRAYS | COMMAND_LINE),
        ("graph", "all", WINDOWS | KERNELS | RIVALS | ARRAYS | COMMAND_LINE),
        ("compute", "one", WINDOWS | KERNELS | RIVALS),
        ("compute.reference", "one", WINDOWS | KERNELS | RIVALS),
        ("resources", "one", {"graph", "compute", "gui"} | WINDOWS | KERNELS | ARRAYS),
        ("netloom", "one", WINDOWS | KERNELS | RIVALS | ARRAYS | COMMAND_LINE),
    ],
)
def test_a_fresh_process_loads_only_what_it_may(
    module: str, extent: str, forbidden: set[str]
) -> None:
    """`sys.modules` after the import holds none of the forbidden packages."""
    found = loaded(module, extent)
    assert module.split(".")[0] in found
    assert found & forbidden == set()
