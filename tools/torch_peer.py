"""Installs PyTorch, the tests' rival, where pip has a CPU build of it.

PyTorch is no dependency and in no lock. The Linux wheels of the public index pull gigabytes of
CUDA packages, so pip is first asked what it would install, without downloading it. Exit status:
0 installed, 1 not (the reason on stderr).
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSION = "2.13.0"
GPU_PACKAGES = ("nvidia-", "cuda-", "triton", "pytorch-triton")


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this environment's pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def gpu_requirements(report: Path) -> list[str]:
    """Names of the GPU packages that the wheel in pip's report needs on this machine."""
    from pip._vendor.packaging.requirements import Requirement

    item = json.loads(report.read_text())["install"][0]
    needs = [Requirement(text) for text in item["metadata"].get("requires_dist", [])]
    here = [n.name for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})]
    return [name for name in here if name.lower().startswith(GPU_PACKAGES)]


def install() -> str | None:
    """Install PyTorch; the reason where that cannot be."""
    wanted = f"torch=={VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = pip("--dry-run", "--no-deps", "--ignore-installed", "--report", str(report), wanted)
        if asked.returncode:
            return f"pip offers no {wanted} here"
        gpu = gpu_requirements(report)
    if gpu:
        return f"pip's {wanted} pulls CUDA packages ({', '.join(gpu[:3])}, …)"
    done = pip(wanted)
    return done.stderr.strip() if done.returncode else None


def main() -> int:
    """Install unless some version is there already."""
    try:
        found = version("torch")
    except PackageNotFoundError:
        reason = install()
        if reason is not None:
            print(f"netloom: no PyTorch, its tests will be skipped: {reason}", file=sys.stderr)
            return 1
        return 0
    if found.split("+")[0] != VERSION:
        print(
            f"netloom: PyTorch {found} found, the tests are written for {VERSION}", file=sys.stderr
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
