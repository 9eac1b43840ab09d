"""What an optimizer does after the backward pass, as rows of the training program."""

from __future__ import annotations

from collections.abc import Mapping

from graph.graph import Graph
from graph.kinds import Optimizer, Schedule
from graph.op import Context
from graph.primitives import update
from graph.program import Program, TensorType, Update
from graph.simplify import simplify
from graph.tensor import Builder, Tensor
from graph.trace import Trace


def slot_key(optimizer: str, slot: str, param: str) -> str:
    """Key of the running array an optimizer keeps for a parameter."""
    return f"{optimizer}/{slot}/{param}"


def batch_size(graph: Graph) -> int:
    """Samples of a step; 0 for all of them, as the training says or an optimizer wants."""
    optimizers = (node.op for node in graph if isinstance(node.op, Optimizer))
    return 0 if any(op.full_batch for op in optimizers) else graph.training.batch_size


def optimizer_of(graph: Graph, id: str) -> Optimizer:
    """The optimizer that is this node."""
    op = graph.node(id).op
    assert isinstance(op, Optimizer)
    return op


def optimizer_updates(
    graph: Graph, found: Trace, path: str, keys: tuple[str, ...], gradient_of: Mapping[int, Tensor]
) -> list[tuple[Update, Tensor]]:
    """New parameters and running arrays of the parameters `keys` that the optimizer trains."""
    op, builder = optimizer_of(graph, path), found.builder
    params = [found.param_tensors[k] for k in keys]
    slots = [
        builder.input("slot", slot_key(path, s, k), p.type)
        for s in op.kept_names()
        for k, p in zip(keys, params, strict=True)
    ]
    with builder.at(path):
        shortened = op.shortened([gradient_of[p.id] for p in params])
        made = update(_rule(graph, path), params, shortened, slots)
    names = [Update("param", k, 0) for k in keys]
    names += [Update("slot", slot_key(path, s, k), 0) for s in op.kept_names() for k in keys]
    return list(zip(names, made, strict=True))


def _rule(graph: Graph, path: str) -> Program:
    """The optimizer's step, as a program on one number that stands for any shape."""
    op, builder = optimizer_of(graph, path), Builder()
    one = TensorType(())
    with builder.at(path):
        p, g = builder.input("batch", "p", one), builder.input("batch", "g", one)
        slots = [builder.input("batch", s, one) for s in op.kept_names()]
        ctx = Context(builder, "train", path)
        rate = ctx.live("learning_rate")
        for wire in graph.wires_in(path, "schedule"):
            schedule = graph.node(wire.source).op
            assert isinstance(schedule, Schedule)
            rate = rate * schedule.rate(Context(builder, "train", wire.source))
        own = slots[: len(op.slot_names())]
        made = op.step(p, op.held(g), *own, rate=rate, ctx=ctx)
        made += tuple(op.averaged(made[0], average, ctx) for average in slots[len(own) :])
    names = ("p", *op.kept_names())
    return simplify(builder.finish("update", dict(zip(names, made, strict=True))))
