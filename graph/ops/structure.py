"""Nodes that say where a model begins and ends, and where gradients stop."""

from __future__ import annotations

import math
from typing import ClassVar

from graph.op import Context, Op, Port, Role, SettingError, bad, labels, sample, setting
from graph.primitives import stop_gradient
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

MAX_SAMPLE = 2**31  # numbers of one sample


class Input(Op):
    """Where values enter a model or a subgraph.

    Inside a subgraph it is one of its input ports. Elsewhere it passes on what is wired to it, or,
    with nothing wired and a `shape`, stands for samples that are given when the model is used.
    """

    category, icon, family = "Structure", "input", "data"
    role: ClassVar[Role] = "input"
    keywords = ("placeholder", "port", "entry", "input layer")
    inputs = (Port("x", optional=True),)
    summary = ("shape",)
    shape: tuple[int, ...] = setting(
        (),
        "Shape of one sample, such as 1, 28, 28; needed when nothing is wired",
        min=1,
        max=10_000_000,
    )
    torch_call = "{x}"
    samples = (
        sample(x=(2, 3)),
        sample(x=(2, 1, 4, 4), settings={"shape": (1, 4, 4)}),
        sample(x=labels(2)),
        bad("expected 3 a sample", x=(2, 4), settings={"shape": (3,)}),
        bad("give it a shape"),
    )

    def check(self) -> None:
        if len(self.shape) > 7 or math.prod(self.shape) > MAX_SAMPLE:
            expected = f"at most 7 axes and {MAX_SAMPLE:,} numbers"
            raise SettingError("shape", text(self.shape), expected)

    def build(self, x: Tensor | None, ctx: Context) -> Tensor:
        if x is None:
            if not self.shape:
                remedy = "wire data to it, or give it a shape"
                raise ShapeError("nothing wired", "samples", remedy)
            given = TensorType((ctx.batch, *self.shape))
            return ctx.builder.input("batch", f"{ctx.path}.{self.outputs[0].name}", given)
        if self.shape and x.shape[1:] != self.shape:
            found, expected = text(x.shape[1:]), text(self.shape)
            remedy = "correct its shape, or leave it empty"
            raise ShapeError(f"{found} a sample", f"{expected} a sample", remedy)
        return x


class Output(Op):
    """Where values leave a model or a subgraph.

    Inside a subgraph it is one of its output ports. Elsewhere it names an output of the model,
    which `predict` and the exporters give; without one, what the losses compare is the output.
    """

    category, icon, family = "Structure", "output", "data"
    role: ClassVar[Role] = "output"
    keywords = ("result", "prediction", "port", "exit", "output layer")
    outputs = ()
    torch_call = "{x}"
    samples = (sample(x=(2, 3)), sample(x=labels(2)))

    def build(self, x: Tensor) -> tuple[Tensor, ...]:
        return ()


class StopGradient(Op):
    """Passes its input on; no gradient flows back through it."""

    category, icon, family = "Structure", "stop_gradient", "custom"
    title = "Stop gradient"
    keywords = ("detach", "freeze", "block")
    torch_call = "{x}.detach()"
    samples = (sample(x=(2, 3)), sample(x=(2, 3, 2, 2)))

    def build(self, x: Tensor) -> Tensor:
        return stop_gradient(x)
