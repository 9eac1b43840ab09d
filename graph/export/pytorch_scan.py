"""A scanned cell in PyTorch: a loop over the steps that calls the module of the cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import literal
from graph.program import TensorType
from graph.scanned import Roles
from graph.subgraph import LENGTH, Scan


@dataclass
class Loop:
    """One scan to write.

    `wired` are the expressions at its ports, `kinds` what the cell gets and gives at each step,
    `read` its outputs that something reads, `fresh` gives a name nobody has that reads like a text.
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
        """The expressions of the outputs that are read; `ports` are the cell's inputs in order."""
        walked = {id: self._called(id) for id in self.roles.stepped}
        ends = LENGTH in self.wired and LENGTH not in self.roles.inputs
        length = self._called(LENGTH) if ends else ""
        first = next(iter(walked.values()))
        states = {id: self.fresh(id) for id in self.roles.states}
        for id, name in states.items():
            self._say(f"{name} = ", self.wired.get(id) or self._zeros(id, first))
        held = {feeds: states[id] for id, feeds in reversed(list(self.roles.states.items()))}
        last = self.op.returns == "last"
        for output in self.read if last else ():
            if output not in held:
                held[output] = self.fresh(output)
                if ends:
                    self._say(f"{held[output]} = ", self._zeros(output, first))
        gathered = {} if last else {id: self.fresh(f"{id}_steps") for id in self.read}
        for name in gathered.values():
            self._say(f"{name} = ", ex.parse("[]"))
        t, steps = self.fresh("t"), f"range({first}.shape[1])"
        steps = f"reversed({steps})" if self.op.reverse else steps
        self.lines.append(f"{self.indent}for {t} in {steps}:")
        given = [
            f"{walked[id]}[:, {t}]" if id in walked else states.get(id) or self._text(id)
            for id in ports
        ]
        write = self._ended if ends else self._plain
        write(given, states, held, gathered, f"{length} > {t}")
        turned = "[::-1]" if self.op.reverse else ""
        stacked = {id: f"torch.stack({name}{turned}, 1)" for id, name in gathered.items()}
        return {id: ex.parse(stacked.get(id) or held[id]) for id in self.read}

    def _plain(
        self,
        given: Sequence[str],
        states: Mapping[str, str],
        held: Mapping[str, str],
        gathered: Mapping[str, str],
        _: str,
    ) -> None:
        """The inside of the loop where all sequences are equally long."""
        names = {
            id: held.get(id) or (self.fresh(id) if id in gathered else "_")
            for id in self.roles.outputs
        }
        self._call(names, given)
        for id, feeds in self.roles.states.items():
            if states[id] != names[feeds]:
                self._inside(f"{states[id]} = {names[feeds]}")
        for id, name in gathered.items():
            self._inside(f"{name}.append({names[id]})")

    def _ended(
        self,
        given: Sequence[str],
        states: Mapping[str, str],
        held: Mapping[str, str],
        gathered: Mapping[str, str],
        valid: str,
    ) -> None:
        """The inside of the loop where sequences end early: what has ended stays as it is."""
        used = {*self.roles.states.values(), *held, *gathered}
        names = {id: self.fresh(f"new {id}") if id in used else "_" for id in self.roles.outputs}
        self._call(names, given)
        mask = self.fresh("valid")
        self._inside(f"{mask} = {valid}")
        kept = {states[id]: feeds for id, feeds in self.roles.states.items()}
        kept |= {name: id for id, name in held.items() if name not in kept}
        for name, id in kept.items():
            self._inside(f"{name} = {self._where(mask, id, names[id], name)}")
        for id, name in gathered.items():
            value = names[id]
            if self.kinds[id].dtype == "real":
                value = self._where(mask, id, value, "0.0")
            self._inside(f"{name}.append({value})")

    def _where(self, mask: str, id: str, then: str, other: str) -> str:
        axes = ", None" * (len(self.kinds[id].shape) - 1)
        return f"torch.where({mask}{f'[:{axes}]' if axes else ''}, {then}, {other})"

    def _call(self, names: Mapping[str, str], given: Sequence[str]) -> None:
        call = ex.parse(f"{self.module}({', '.join(given)})")
        self.lines += ex.statement(f"{', '.join(names.values())} = ", call, f"{self.indent}    ")

    def _inside(self, line: str) -> None:
        """A line of the loop."""
        self.lines.append(f"{self.indent}    {line}")

    def _called(self, id: str) -> str:
        """The name of an operand, given to it if need be."""
        if ex.is_name(self.wired[id]):
            return self._text(id)
        name = self.fresh(id)
        self._say(f"{name} = ", self.wired[id])
        return name

    def _zeros(self, id: str, like: str) -> Expression:
        extents = "".join(f", {literal(extent)}" for extent in self.kinds[id].shape[1:])
        if self.kinds[id].dtype == "int":
            text = f"torch.zeros(len({like}){extents}, dtype=torch.long, device={like}.device)"
        elif self.kinds[self.roles.stepped[0]].dtype == "int":
            text = f"torch.zeros(len({like}){extents}, device={like}.device)"
        else:
            text = f"{like}.new_zeros(len({like}){extents})"
        return ex.parse(text)

    def _text(self, id: str) -> str:
        return ex.text(self.wired[id])

    def _say(self, head: str, expression: Expression) -> None:
        self.lines += ex.statement(head, expression, self.indent)
