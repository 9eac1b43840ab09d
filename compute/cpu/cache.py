"""The folder of compiled kernels: one file a kernel, per user, keyed by everything that could change its code.

A file is the SHA-256 digest of an object file followed by the object file, so a damaged one is noticed and
compiled again. Files are written to a temporary name and moved into place.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

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


@cache
def package_key() -> str:
    """Digest of the source of everything that kernels are made of, and of the compiler's versions."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.rglob("*.py"), here.parent / "philox.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in ("numba", "llvmlite"):
        digest.update(f"{package} {version(package)}\n".encode())
    digest.update(f"python {sys.version_info[:2]}\n".encode())
    return digest.hexdigest()


class Cache:
    """The compiled kernels of one variant."""

    def __init__(self, variant: Variant) -> None:
        key = f"{package_key()} {variant.name} {variant.cpu} {variant.features}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        self.folder = cache_root() / "kernels" / f"{variant.name}-{digest}"

    def path(self, name: str) -> Path:
        """Where the object file of kernel `name` is kept."""
        return self.folder / f"{name}.o"

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
