"""Stands for a node whose type is not installed; keeps what the file says of it."""

from __future__ import annotations

from graph.op import Op, Port, SettingError, setting
from graph.program import ShapeError
from graph.tensor import Tensor


class Placeholder(Op, register=False):
    """A node of a type that is not installed: its settings and wires are kept and saved back."""

    category, icon, family = "Unknown", "unknown", "custom"
    type_name: str = setting("", "Name of the node type")
    # canonical JSON, so that the op stays immutable and hashable
    settings: str = setting("{}", "Its settings, as the file has them")
    wired_in: tuple[str, ...] = setting((), "Input ports that wires end at")
    wired_out: tuple[str, ...] = setting((), "Output ports that wires leave")

    def check(self) -> None:
        for name in ("wired_in", "wired_out"):
            if list(getattr(self, name)) != sorted(set(getattr(self, name))):
                raise SettingError(name, str(getattr(self, name)), "sorted names, each once")

    def ports_in(self) -> tuple[Port, ...]:
        return tuple(Port(name, many=True, optional=True) for name in self.wired_in)

    def ports_out(self) -> tuple[Port, ...]:
        return tuple(Port(name) for name in self.wired_out)

    def build(self, *operands: list[Tensor]) -> Tensor:
        raise ShapeError(
            f"the node type {self.type_name!r}, which is not installed",
            "one that is",
            "install the package that has it, or replace the node",
        )
