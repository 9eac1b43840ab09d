"""Vector variants: which real type, how many lanes, for which CPU the kernels are compiled."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from typing import Literal

Real = Literal["f32", "f64"]
_REALS: tuple[Real, ...] = ("f32", "f64")

_ITEM = {"f32": 4, "f64": 8}
_BYTES = {"wide": 64, "middle": 32, "narrow": 16}


@dataclass(frozen=True)
class Variant:
    """One instantiation of the kernel library.

    `real` is the element type, `lanes` the elements of a vector, `cpu` and `features` what LLVM
    compiles for.
    """

    real: Real
    lanes: int
    cpu: str
    features: str

    @property
    def name(self) -> str:
        """Such as f32x16: real type and lanes."""
        return f"{self.real}x{self.lanes}"

    @property
    def item(self) -> int:
        """Bytes of a real."""
        return _ITEM[self.real]

    @property
    def bytes(self) -> int:
        """Bytes of a vector."""
        return self.item * self.lanes

    @property
    def fma(self) -> bool:
        """Whether the CPU has fused multiply-add, so that `fma` rounds once."""
        return self.cpu != "x86-64-v2"


@dataclass(frozen=True)
class Host:
    """What this machine can run: LLVM's name of the CPU, its features, its vectors' bytes."""

    cpu: str
    features: str
    width: int
    x86: bool


@cache
def host() -> Host:
    """The machine this process runs on."""
    import llvmlite.binding as llvm

    found = llvm.get_host_cpu_features()
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    width = _BYTES["narrow"]
    if x86 and found.get("avx2") and found.get("fma"):
        width = _BYTES["middle"]
        if all(found.get(f"avx512{part}") for part in ("f", "dq", "bw", "vl")):
            width = _BYTES["wide"]
    return Host(llvm.get_host_cpu_name(), found.flatten(), width, x86)


def native(real: Real = "f32") -> Variant:
    """The widest variant of this machine."""
    machine = host()
    return _variant(real, machine.width)


def available(real: Real = "f32") -> list[Variant]:
    """Every variant this machine can run, widest first."""
    return [_variant(real, width) for width in (64, 32, 16) if width <= host().width]


def named(name: str) -> Variant:
    """The variant called `name`; ValueError when there is none or this machine cannot run it."""
    known = {v.name: v for real in _REALS for v in available(real)}
    if name not in known:
        raise ValueError(f"No vector variant {name!r} on this machine; it has {', '.join(known)}.")
    return known[name]


def _variant(real: Real, width: int) -> Variant:
    """The variant of a width; below the machine's own, for the CPUs that have just that width."""
    machine = host()
    lanes = width // _ITEM[real]
    if machine.x86 and width == 32 and machine.width > 32:
        return Variant(real, lanes, "x86-64-v3", "")
    if machine.x86 and width == 16:
        return Variant(real, lanes, "x86-64-v2", "")
    return Variant(real, lanes, machine.cpu, machine.features)
