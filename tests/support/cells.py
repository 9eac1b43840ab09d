"""Drawn cells that are scanned, and graphs around them."""

from __future__ import annotations

from dataclasses import replace

import resources
from graph.files import loads
from graph.graph import Graph
from graph.op import Op
from graph.training import Training
from tests.export.drawn_sequences import Longest
from tests.support.small_graphs import draw, op

UNITS, FEATURES, STEPS = 3, 2, 5
# the shipped cell that computes what a layer does, and its gates in the order of the layer's rows
DRAWN = {"RNN": ("elman", "s"), "GRU": ("gru", "rzn"), "LSTM": ("lstm", "ifgo")}
SUM = "x.y>wx.x h.y>wh.x wx.y>sum.x wh.y>sum.x sum.y>act.x act.y>h_next.x"


def shipped(layer: str, units: int = UNITS) -> Graph:
    """The drawing of the shipped cell of a layer, as wide as asked for."""
    cell = next(iter(loads(resources.block(f"{DRAWN[layer][0]}-cell")).definitions.values()))
    for node in list(cell):
        if type(node.op).__name__ == "Dense":
            cell.set_node(replace(node, op=replace(node.op, units=units)))
    return cell


def elman(units: int = UNITS) -> Graph:
    """h_next = tanh(wx(x) + wh(h)), as small as can be."""
    nodes = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "act": op("Tanh")}
    nodes |= {name: op("Dense", units=units) for name in ("wx", "wh")}
    return draw(nodes | {"sum": op("Add")}, SUM)


def using(drawn: Graph, **definitions: Graph) -> Graph:
    """The graph with these definitions."""
    drawn.definitions.update(definitions)
    for body in definitions.values():
        body.definitions = drawn.definitions
    return drawn


def scan(**settings: object) -> Op:
    """A scan of the definition `cell`."""
    return op("Scan", **{"definition": "cell"} | settings)


def trained(
    node: Op, cell: Graph, port: str = "h_next", steps: int = STEPS, ends: bool = False
) -> Graph:
    """x N×T×F → node `scan` → its output `port`, pulled towards given numbers by SGD.

    `ends`: sequences end early, at the largest of the numbers at `e`.
    """
    last = getattr(node, "returns", "") == "last"
    nodes = {
        "x": op("Input", shape=(steps, FEATURES)),
        "goal": op("Input", shape=(UNITS,) if last else (steps, UNITS)),
        "loss": op("MeanSquaredError"),
        "sgd": op("SGD", learning_rate=0.5),
    }
    wires = f"x.y>scan.x scan.{port}>loss.prediction goal.y>loss.target loss.loss>sgd.loss"
    if ends:
        nodes |= {"e": op("Input", shape=(steps,)), "length": Longest()}
        wires += " e.y>length.x length.y>scan.length"
    return using(draw(nodes | {"scan": node}, wires, Training(precision="float64")), cell=cell)
