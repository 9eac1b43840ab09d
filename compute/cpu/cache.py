"""The folder of compiled kernels, per user: a file a kernel, named by all that could change its
code.

A file is the SHA-256 digest of an object file followed by the object file, so a damaged one is
noticed and compiled again. Files are written to a temporary name and moved into place.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from compute.cpu.interpreter import INTERPRETER, interpret
from compute.cpu.kernels import SPECS
from compute.cpu.variants import Variant

ENVIRONMENT = "NETLOOM_CACHE"
_DIGEST = hashlib.sha256().digest_size


def cache_root() -> Path:
    """The cache folder: $NETLOOM_CACHE, else the user's cache folder of the operating system."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "netloom"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "netloom"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "netloom"


# What compiled code is made by, besides its own module.
TOOLCHAIN = ("compute.cpu.compiler", "compute.cpu.simd")
# Imported by the toolchain for their names or declarations only; following them would bind every
# kernel's code to every other kernel's source.
_NOT_CODE = {"compute.cpu.kernels", "compute.cpu.cache", "compute.cpu.interpreter"}


@cache
def _module_path(module: str) -> Path | None:
    """The file of a module of this package, or None when there is no such module."""
    root = Path(__file__).parents[2] / module.replace(".", "/")
    for path in (root.with_suffix(".py"), root / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of this package that a module imports at its top by `from … import …`."""
    path = _module_path(module)
    assert path is not None
    found: list[str] = []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("compute"):
            found.append(str(node.module))
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in dict.fromkeys(found) if _module_path(name))


@cache
def sources(module: str) -> frozenset[str]:
    """The modules of this package that `module` is made of: itself and all it imports."""
    found, queue = {module}, [module]
    while queue:
        fresh = set(_imports(queue.pop())) - found - _NOT_CODE
        found |= fresh
        queue += fresh
    return frozenset(found)


@cache
def source_key(module: str) -> str:
    """Digest of all source that the code of a kernel in `module` depends on."""
    digest = hashlib.sha256()
    for name in sorted(sources(module).union(*map(sources, TOOLCHAIN))):
        path = _module_path(name)
        assert path is not None
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def _tools() -> list[str]:
    """The compiler's versions; looking them up takes milliseconds."""
    return [f"{package} {version(package)}" for package in ("numba", "llvmlite", "numpy")]


class Cache:
    """The compiled kernels of one variant."""

    def __init__(self, variant: Variant) -> None:
        key = f"{_tools()} python {sys.version_info[:2]} {variant.cpu} {variant.features}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        self.folder = cache_root() / "kernels" / f"{variant.name}-{digest}"

    def path(self, name: str) -> Path:
        """Where the object file of kernel `name` is kept."""
        function = interpret if name == INTERPRETER else SPECS[name].function
        return self.folder / f"{name}-{source_key(function.__module__)}.o"

    def read(self, name: str) -> bytes | None:
        """The object file of kernel `name`, or None when it is missing or damaged."""
        try:
            data = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        digest, code = data[:_DIGEST], data[_DIGEST:]
        return code if code and hashlib.sha256(code).digest() == digest else None

    def has(self, name: str) -> bool:
        """Whether kernel `name` is present and whole."""
        return self.read(name) is not None

    def write(self, name: str, code: bytes) -> None:
        """Puts an object file in place, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(cache_root(), 0o700)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(temporary, self.path(name))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
