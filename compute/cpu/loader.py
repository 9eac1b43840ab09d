"""Kernels in the application process: compiled when missing (by compiler processes), loaded when
first used.

Loading needs llvmlite only. `ensure` compiles what a plan needs before it returns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

from compute.children import environment
from compute.cpu.cache import Cache
from compute.cpu.interpreter import INTERPRETER
from compute.cpu.kernels import SPECS
from compute.cpu.variants import Variant

Progress = Callable[[int, int, str], None]
"""Called with kernels compiled so far, kernels to compile, and the one just finished.

While there is nothing new the name is "" and the call is repeated, so that whoever waits can raise
to end the wait.
"""

# Seconds a kernel takes to compile, relative to each other: the long ones start first.
_HEAVY = {
    "elementwise": 6, "conv2d_dw": 5, "conv2d": 4, "conv2d_dx": 4, "gemm": 4, "recurrent": 4,
    "recurrent_dx": 4, "permute": 2,
}  # fmt: skip


_END = ""  # what a compiler's reader says last
_PATIENCE = 0.05  # seconds between calls of `progress`


class CompileError(RuntimeError):
    """A compiler process failed."""


class Library:
    """The loaded kernels of one variant."""

    def __init__(self, variant: Variant) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.variant = variant
        self.cache = Cache(variant)
        self._llvm: Any = llvm
        target = llvm.Target.from_triple(llvm.get_process_triple())
        machine = target.create_target_machine(codemodel="jitdefault")
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._addresses: dict[str, int] = {}
        self._lock = threading.Lock()

    def address(self, name: str) -> int:
        """Address of kernel `name`'s function; KeyError when it has not been compiled."""
        with self._lock:
            if name not in self._addresses:
                code = self.cache.read(name)
                if code is None:
                    variant = self.variant.name
                    raise KeyError(f"Kernel {name} of {variant} is not compiled; call ensure.")
                self._engine.add_object_file(self._llvm.ObjectFileRef.from_data(code))
                self._engine.finalize_object()
                self._addresses[name] = self._engine.get_function_address(f"netloom_{name}")
            return self._addresses[name]


@cache
def library(variant: Variant) -> Library:
    """The library of a variant; there is one a process."""
    return Library(variant)


def missing(variant: Variant, names: Iterable[str]) -> list[str]:
    """Those of the kernels that the cache lacks, in order."""
    found = Cache(variant)
    return [name for name in dict.fromkeys(names) if not found.has(name)]


def ensure(
    variant: Variant, names: Iterable[str], progress: Progress | None = None, nice: int = 0
) -> Library:
    """The library with the named kernels and the interpreter compiled.

    Compiles what is missing in at most two compiler processes, their priority lowered by `nice`,
    and waits for them; `progress` is called in this thread after each kernel and while waiting.
    Raises CompileError.
    """
    wanted = missing(variant, [INTERPRETER, *names])
    if wanted:
        _compile(variant, wanted, progress or (lambda done, total, name: None), nice)
        if left := missing(variant, wanted):
            text = ", ".join(left)
            raise CompileError(f"Compiled, yet not in the cache {Cache(variant).folder}: {text}.")
    return library(variant)


def all_names() -> list[str]:
    """Every kernel of the library, and the interpreter."""
    return [INTERPRETER, *SPECS]


def _command(variant: Variant, names: Sequence[str], nice: int) -> list[str]:
    module = "compute.cpu.compiler"
    options = ["--variant", variant.name, "--nice", str(nice)]
    return [sys.executable, "-m", module, *options, *names]


def _shares(names: Sequence[str], count: int) -> list[list[str]]:
    """The names dealt to `count` compilers so that their expected times are about equal."""
    shares: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(names, key=lambda n: -_HEAVY.get(n, 1)):
        min(shares, key=lambda s: sum(_HEAVY.get(n, 1) for n in s)).append(name)
    return [share for share in shares if share]


class _Job:
    """A compiler process and the thread that reads it; each kernel made is put into `made`."""

    def __init__(
        self, variant: Variant, names: Sequence[str], made: SimpleQueue[str], nice: int
    ) -> None:
        self._process = subprocess.Popen(
            _command(variant, names, nice),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._made, self.error = made, ""
        self._reader = threading.Thread(target=self._read, name="netloom-compiler")
        self._reader.start()

    def _read(self) -> None:
        with self._process as process:
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                self._made.put(json.loads(line)["kernel"])
            lines = process.stderr.read().strip().splitlines()
        if process.returncode:
            self.error = lines[-1] if lines else f"exit status {process.returncode}"
        self._made.put(_END)

    def end(self) -> None:
        """Ends the process if it still runs, and the thread."""
        self._process.terminate()
        self._reader.join()


def _compile(variant: Variant, names: Sequence[str], progress: Progress, nice: int = 0) -> None:
    """Compiles the kernels in up to two processes; `progress` is called in this thread."""
    made: SimpleQueue[str] = SimpleQueue()
    count = min(2, os.cpu_count() or 1, len(names))
    jobs = [_Job(variant, share, made, nice) for share in _shares(names, count)]
    try:
        done, running = 0, len(jobs)
        while running:
            try:
                name = made.get(timeout=_PATIENCE)
            except Empty:
                progress(done, len(names), "")
                continue
            if name == _END:
                running -= 1
                continue
            done += 1
            progress(done, len(names), name)
    finally:
        for job in jobs:
            job.end()
    if errors := [job.error for job in jobs if job.error]:
        raise CompileError(f"The kernel compiler failed: {errors[0]}")
