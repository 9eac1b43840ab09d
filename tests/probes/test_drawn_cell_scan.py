"""A recurrent cell drawn as a graph, scanned over five steps, and the same unrolled by hand."""

import numpy as np
import pytest

from graph.lower import Model
from graph.op import Op, Param
from graph.primitives import matmul, reshape, scan, slice_axis, tanh, zeros
from graph.program import Input, Program
from graph.trace import trace
from tests.support.small_graphs import DEVICES, draw, make_plan, op, outputs, train_steps

UNITS, T = 3, 5
CELL = "x.y>wx.x h.y>wh.x wx.y>sum.x wh.y>sum.x sum.y>act.x"
WIRES = "data.y>cell.x cell.y>loss.prediction goal.y>loss.target loss.loss>sgd.loss"
ORDER = {"carry": "h.y", "step": "x.y", "wx": "wx/weight", "wh": "wh/weight"}


def drawn_cell(batch: int) -> Program:
    """h′ = tanh(x Wₓᵀ + h Wₕᵀ), drawn; its body as `scan` wants it: carry, step, weights."""
    nodes = {"x": op("Input", shape=(2,)), "h": op("Input", shape=(UNITS,)), "act": op("Tanh")}
    nodes |= {name: op("Dense", units=UNITS, bias=False) for name in ("wx", "wh")}
    found = trace(draw(nodes | {"sum": op("Add")}, CELL), "train", batch)
    body = found.builder.finish("cell", {"h": found.values["act", "y"]})
    place = {given.key: given.value for given in body.inputs}
    inputs = tuple(Input("batch", f"{name}:", place[key]) for name, key in ORDER.items())
    return Program("cell", body.types, inputs, body.rows, body.outputs)


class Cell(Op, register=False):
    params = staticmethod(lambda x: {"wx": Param((UNITS, 2)), "wh": Param((UNITS, UNITS))})

    def build(self, x, wx, wh):
        n = x.shape[0]
        return scan(drawn_cell(n), [zeros(x, (n, UNITS))], [reshape(x, (n, T, 2)), wx, wh])[0]


class Unrolled(Cell, register=False):
    def build(self, x, wx, wh):
        h = zeros(x, (x.shape[0], UNITS))
        for t in range(T):
            now = matmul(slice_axis(x, 1, 2 * t, 2 * t + 2), wx, transpose_b=True)
            h = tanh(now + matmul(h, wh, transpose_b=True))
        return h


@pytest.mark.parametrize("device", DEVICES)
def test_scan_equals_the_unrolled_cell(device: str) -> None:
    """Losses, weights and outputs of three training steps agree."""
    x, goal = np.split(np.random.default_rng(6).normal(size=(12, 2 * T + UNITS)), [2 * T], 1)
    data, found = {"data.y": x.copy(), "goal.y": goal.copy()}, []
    for cell in (Cell(), Unrolled()):
        nodes = {"data": op("Input", shape=(2 * T,)), "goal": op("Input", shape=(UNITS,))}
        nodes |= {"cell": cell, "loss": op("MeanSquaredError"), "sgd": op("SGD")}
        plan = make_plan(model := Model(draw(nodes, WIRES)), device, seed=2)
        losses = train_steps(model, plan, data, np.arange(12).reshape(3, 4))
        found.append(losses | plan.read() | outputs(model, plan, data))
        plan.close()
    for one, two in zip(found[0].values(), found[1].values(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-14)
