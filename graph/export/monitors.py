"""Scores that an exported training loop follows: where they are from, and the lines that find them.

They are those of a run: of the held-out samples where these have such a score, else means over the
samples of the epoch as its steps had them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graph.export.names import literal
from graph.lower import Model, Phase
from graph.program import Program
from graph.scores import loss_names, output_names, phase_name

# a function of the file, by name
COUNT_LOSS = {
    "count_loss": '''
def count_loss(totals, name, loss, size):
    """Add the loss of a step of so many samples to those of the epoch."""
    total, count = totals.get(name, (0.0, 0))
    totals[name] = total + size * loss, count + size
'''.strip(),
}


@dataclass
class Monitors:
    """The scores that are followed, by what the graph calls them.

    `evaluation` is the program that evaluates held-out samples, None where there are none.
    """

    model: Model
    evaluation: Program | None
    held: dict[str, str] = field(default_factory=dict)  # what an evaluation calls them
    trained: set[str] = field(default_factory=set)  # names of means over the steps

    def follow(self, name: str, purpose: str) -> str:
        """Follow a score; says why a file cannot, or "" where it can."""
        held = self._held()
        for known in (name, name.removeprefix("val_")):
            if known in held:
                self.held[name] = known
                return ""
        trained = self._trained()
        if name in trained:
            self.trained.add(name)
            return ""
        of, remedy = "training", "hold out a share of the data"
        others = [n for n in trained if n != "loss"]
        expected = ", ".join(["loss", *others])
        if held:
            of, remedy = "validation", "choose another score"
            expected = ", ".join(["loss", *(n for n in held if n != "loss")])
        more = f", or {', '.join(others)} of training samples" if held and others else ""
        expected = f"one of {expected} of {of} samples{more}"
        return f"found {name!r} to {purpose}, expected {expected}; {remedy}"

    def _held(self) -> dict[str, str]:
        """Outputs of an evaluation by the name of the score."""
        if self.evaluation is None:
            return {}
        scores = ("loss/", "metric/")
        outputs = [n for n, _ in self.evaluation.outputs if n == "loss" or n.startswith(scores)]
        return {called: name for name, called in output_names(self.model, outputs).items()}

    def _trained(self) -> dict[str, Sequence[Phase]]:
        """Phases whose steps have a score, by its name."""
        phases = self.model.phases
        found: dict[str, list[Phase]] = {"loss": list(phases)}
        for path, name in loss_names(self.model).items():
            found[name] = [p for p in phases if len(p.losses) > 1 and path[5:] in dict(p.losses)]
        if len(phases) > 1:
            found |= {phase_name(phase): [phase] for phase in phases}
        return dict(found)

    # ---- what a file needs for them

    def text(self, name: str) -> str:
        """A score at the end of an epoch."""
        return f"scores[{literal(self.held.get(name, name))}]"

    def shown(self, name: str) -> str:
        """What a score is called in words."""
        return f"val_{self.held[name]}" if name in self.held else name

    def seldom(self, name: str) -> bool:
        """Whether there are epochs without the score: its phases may rest in all of their steps."""
        if name not in self.trained or name == "loss":
            return False
        return all(phase.every > 1 for phase in self._trained()[name])

    def parts(self) -> dict[str, str]:
        """Losses of single nodes that an evaluation has to give: their paths, by name."""
        outputs = {name: self._held()[name] for name in self.held.values() if name != "loss"}
        losses = {n: output for n, output in outputs.items() if output.startswith("loss/")}
        return {name: output.removeprefix("loss/") for name, output in losses.items()}

    @property
    def counted(self) -> bool:
        """Whether losses are counted apart; else the mean of those of all steps is enough."""
        rest = any(phase.every > 1 for phase in self.model.phases)
        return bool(self.trained - {"loss"}) or ("loss" in self.trained and rest)

    def of_phase(self, phase: Phase) -> str:
        """The name under which the loss of a phase is counted, or ""."""
        if not self.counted:
            return ""
        name = phase_name(phase) if len(self.model.phases) > 1 else "loss"
        return name if {name, "loss"} & self.trained else ""

    def of_nodes(self, phase: Phase) -> dict[str, str]:
        """Losses of single nodes that are counted in a phase: their names, by path."""
        if len(phase.losses) < 2:
            return {}
        whole = set(map(phase_name, self.model.phases)) if len(self.model.phases) > 1 else set()
        called = loss_names(self.model)
        named = {path: called[f"loss/{path}"] for path, _ in phase.losses}
        return {k: n for k, n in named.items() if n in self.trained - whole - {"loss"}}

    def begin(self) -> list[str]:
        """At the beginning of an epoch."""
        return ["        totals = {}"] if self.counted else []

    def find(self, evaluated: str) -> list[str]:
        """The lines of an epoch's end that find the scores; `evaluated` is a call for those of the
        held-out samples.
        """
        lines = [f"        scores = {evaluated}"] if self.held else []
        if not self.trained:
            return lines
        if not self.counted:
            return [
                *lines,
                "        sizes = [len(chosen) for chosen in batches(samples, epoch)]",
                '        scores = {"loss": float(np.average(losses, weights=sizes))}',
            ]
        means = "{name: total / count for name, (total, count) in totals.items()}"
        if lines:
            return [*lines, f"        scores |= {means}"]
        lines = [f"        scores = {means}"]
        if "loss" in self.trained:
            names = ", ".join(literal(self.of_phase(phase)) for phase in self.model.phases)
            loss = f"sum(scores.get(name, 0.0) for name in ({names},))"
            lines.append(f'        scores["loss"] = {loss}')
        return lines


def count(name: str, loss: str, indent: str) -> str:
    """The line behind a step that counts a loss."""
    return f"{indent}count_loss(totals, {literal(name)}, {loss}, len(chosen))"
