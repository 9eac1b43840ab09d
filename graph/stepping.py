"""What an optimizer does after the backward pass, as rows of the training program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

from graph.graph import Graph
from graph.kinds import AVERAGE, SUM, Optimizer, Schedule
from graph.op import Context, Param
from graph.primitives import renorm, update, where
from graph.program import PersistentKind, Program, TensorType, Update
from graph.simplify import simplify
from graph.tensor import Builder, Tensor
from graph.trace import Trace

Limit = tuple[float, int]  # longest that weights of one output may be, axis of the outputs


def slot_key(optimizer: str, slot: str, param: str) -> str:
    """Key of the running array an optimizer keeps for a parameter."""
    return f"{optimizer}/{slot}/{param}"


@lru_cache(maxsize=64)
def slot_keys(optimizer: str, slot: str, params: tuple[str, ...]) -> tuple[str, ...]:
    """The same for all parameters that it trains, in their order."""
    return tuple([slot_key(optimizer, slot, param) for param in params])


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
) -> list[Update]:
    """New parameters and running arrays of the parameters `keys` that the optimizer trains."""
    op, builder = optimizer_of(graph, path), found.builder
    params = [found.param_tensors[k] for k in keys]
    types = [builder.types[p.id] for p in params]
    kept = {name: slot_keys(path, name, keys) for name in op.kept_names()}
    slots = {name: builder.inputs_of("slot", own, types) for name, own in kept.items()}
    with builder.at(path):
        given = [gradient_of[p.id] for p in params]
        if SUM in slots:
            due = Context(builder, "train", path, every=op.accumulate).due
            shortened = _shortened_sums(op, given, slots[SUM], due)
        else:
            shortened = op.shortened(given)
        limits = [_limit(found.params[key]) for key in keys]
        places: list[tuple[PersistentKind, str]] = []
        results: list[int] = []
        for limit in dict.fromkeys(limits):  # one rule for all parameters of equal limit
            own = [place for place, other in enumerate(limits) if other == limit]
            flat = [slot for row in slots.values() for slot in (row[k] for k in own)]
            values = update(
                _rule(graph, path, limit),
                [params[k] for k in own],
                [shortened[k] for k in own],
                flat,
            )
            results += [value.id for value in values]
            places += [("param", keys[k]) for k in own]
            places += [("slot", row[k]) for row in kept.values() for k in own]
    return _made(builder, path, places, results)


def _made(
    builder: Builder, path: str, places: list[tuple[PersistentKind, str]], results: list[int]
) -> list[Update]:
    """Where the results of an optimizer go, by number; after an edit mostly to where they did."""
    before = cast("tuple[object, object, list[Update]] | None", builder.noted(("updates", path)))
    if before is not None and before[:2] == (places, results):
        return before[2]
    made = [Update(*place, value) for place, value in zip(places, results, strict=True)]
    builder.note(("updates", path), (places, results, made))
    return made


def _shortened_sums(
    op: Optimizer, gradients: Sequence[Tensor], sums: Sequence[Tensor], due: Tensor
) -> list[Tensor]:
    """The gradients such that in the step of an update gradient and sum are shortened together."""
    if op.clip_norm is None:
        return list(gradients)
    means = [(s + g) / float(op.accumulate) for s, g in zip(sums, gradients, strict=True)]
    short = [g * float(op.accumulate) for g in op.shortened(means)]
    return [where(due, whole - s, g) for whole, s, g in zip(short, sums, gradients, strict=True)]


def _limit(param: Param) -> Limit | None:
    """How long the weights of one output may be, and the axis of the outputs."""
    return None if param.max_norm is None else (param.max_norm, param.makes)


def _rule(graph: Graph, path: str, limit: Limit | None) -> Program:
    """The optimizer's step, as a program on one number that stands for any shape; the weights of
    one output are then no longer than `limit` says.
    """
    op, builder = optimizer_of(graph, path), Builder()
    one, names = TensorType(()), ("p", *op.kept_names())
    with builder.at(path):
        p, g, *slots = (builder.input("batch", n, one) for n in ("p", "g", *op.kept_names()))
        old = dict(zip(names, (p, *slots), strict=True))
        ctx = Context(builder, "train", path, every=op.accumulate)
        rate = ctx.live("learning_rate")
        for wire in graph.wires_in(path, "schedule"):
            schedule = graph.node(wire.source).op
            assert isinstance(schedule, Schedule)
            rate = rate * schedule.rate(replace(ctx, path=wire.source))
        total = old[SUM] + g if SUM in old else g
        mean = total / float(op.accumulate) if SUM in old else g
        own = [old[name] for name in op.slot_names()]
        made = op.step(p, op.held(mean), *own, rate=rate, ctx=ctx)
        new = dict(zip(names, made, strict=False))
        if limit is not None:
            new["p"] = renorm(new["p"], *limit)
        if AVERAGE in old:
            new[AVERAGE] = op.averaged(new["p"], old[AVERAGE], ctx)
        if SUM in old:
            new = {name: where(ctx.due, value, old[name]) for name, value in new.items()}
            new[SUM] = where(ctx.due, 0.0, total)
    return simplify(builder.finish("update", {name: new[name] for name in names}))
