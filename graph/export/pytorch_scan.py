"""A scanned cell in PyTorch: a loop over the steps that calls the module of the cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import literal
from graph.program import TensorType
from graph.scanned import Roles
from graph.subgraph import Scan


@dataclass
class Loop:
    """One scan to write.

    `wired` are the expressions at its ports, `kinds` what the cell gets at each, `read` its outputs
    that something reads, `fresh` gives a name nobody has that reads like a text.
    """

    op: Scan
    roles: Roles
    module: str
    wired: Mapping[str, Expression]
    kinds: Mapping[str, TensorType]
    read: Sequence[str]
    fresh: Callable[[str], str]
    indent: str
    lines: list[str] = field(default_factory=list)

    def write(self, ports: Sequence[str]) -> dict[str, Expression]:
        """The expressions of the outputs that are read; `ports` are the inputs in order."""
        walked = self._walked()
        first = next(iter(walked.values()))
        states = {id: self.fresh(id) for id in self.roles.states}
        for id, name in states.items():
            self._say(f"{name} = ", self.wired.get(id) or self._zeros(id, first))
        targets, copies = self._targets(states)
        gathered = {id: self.fresh(f"{id}_steps") for id in self._gathered()}
        for name in gathered.values():
            self._say(f"{name} = ", ex.parse("[]"))
        t = self.fresh("t")
        steps = f"range({first}.shape[1])"
        if self.op.reverse:
            steps = f"reversed({steps})"
        self.lines.append(f"{self.indent}for {t} in {steps}:")
        given = [
            f"{walked[id]}[:, {t}]" if id in walked else states.get(id) or self._text(id)
            for id in ports
        ]
        inner = f"{self.indent}    "
        call = ex.parse(f"{self.module}({', '.join(given)})")
        self.lines += ex.statement(f"{', '.join(targets.values())} = ", call, inner)
        self.lines += [f"{inner}{copy} = {name}" for copy, name in copies.items()]
        for id, name in gathered.items():
            self.lines.append(f"{inner}{name}.append({targets[id]})")
        turned = "[::-1]" if self.op.reverse else ""
        return {
            id: ex.parse(f"torch.stack({gathered[id]}{turned}, 1)" if id in gathered else name)
            for id, name in targets.items()
            if id in self.read
        }

    def _walked(self) -> dict[str, str]:
        """Names of what is walked along."""
        found = {}
        for id in self.roles.stepped:
            found[id] = self._text(id)
            if not ex.is_name(self.wired[id]):
                found[id] = self.fresh(id)
                self._say(f"{found[id]} = ", self.wired[id])
        return found

    def _gathered(self) -> list[str]:
        """Outputs whose steps are kept."""
        return list(self.read) if self.op.returns == "sequence" else []

    def _targets(self, states: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """What each output is assigned to, and states that are a copy of another."""
        targets: dict[str, str] = {}
        copies: dict[str, str] = {}
        for id, output in self.roles.states.items():
            if output in targets:
                copies[states[id]] = targets[output]
            else:
                targets[output] = states[id]
        for output in self.roles.outputs:
            if output not in targets:
                targets[output] = self.fresh(output) if output in self.read else "_"
        return {output: targets[output] for output in self.roles.outputs}, copies

    def _zeros(self, id: str, like: str) -> Expression:
        extents = ", ".join(map(literal, self.kinds[id].shape[1:]))
        if self.kinds[self.roles.stepped[0]].dtype == "int":
            return ex.parse(f"torch.zeros(len({like}), {extents}, device={like}.device)")
        return ex.parse(f"{like}.new_zeros(len({like}), {extents})")

    def _text(self, id: str) -> str:
        return ex.text(self.wired[id])

    def _say(self, head: str, expression: Expression) -> None:
        self.lines += ex.statement(head, expression, self.indent)
