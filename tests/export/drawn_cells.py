"""Drawings with cells that are scanned: states of all kinds, nested, with noise, over ids."""

from dataclasses import replace

from graph.edits import AddNode, Connect
from graph.graph import Graph, Node, Wire
from graph.op import Op
from tests.export.drawings import EXACT, LOSS, plain
from tests.export.drawn_sequences import Longest
from tests.support.cells import elman, scan, shipped, using
from tests.support.small_graphs import draw, op

# 2 features as 6 numbers, as 3 steps of 2
STEPS = {"wide": op("Dense", units=6), "steps": op("Reshape", shape=(3, 2))}
END = " last.y>loss.prediction data.target>loss.target" + LOSS
HEAD = "data.features>wide.x wide.y>steps.x "


def cells(wires: str, nodes: dict[str, Op], **definitions: Graph) -> Graph:
    """Steps made of two features → `wires` → a layer called last."""
    ends = plain() | STEPS | {"last": op("Dense", units=2)}
    drawn = draw(ends | nodes, HEAD + wires + END, EXACT)
    return using(drawn, **definitions)


def both_ways() -> Graph:
    """One definition scanned forth and back, the states of all steps beside each other."""
    nodes = {"forth": scan(), "back": scan(reverse=True), "both": op("Concat", axis=2)}
    nodes["end"] = op("Reduce", axes=(1,))
    wires = """steps.y>forth.x steps.y>back.x forth.h_next>both.x back.h_next>both.x
        both.y>end.x end.y>last.x"""
    return cells(wires, nodes, cell=elman())


def two_states() -> Graph:
    """A memory and what it shows, both read; the first state is wired."""
    nodes = {"lstm": scan(returns="last"), "start": op("Dense", units=3), "d": op("Concat")}
    wires = """steps.y>lstm.x data.features>start.x start.y>lstm.h lstm.h_next>d.x
        lstm.c_next>d.x d.y>last.x"""
    return cells(wires, nodes, cell=shipped("LSTM"))


def context() -> Graph:
    """A value that every step gets whole, an output that is no state, a state of another name."""
    inner = {name: op("Input") for name in ("x", "about", "memory")}
    inner |= {"all": op("Concat"), "d": op("Dense", units=4), "tanh": op("Tanh")}
    inner |= {"kept": op("Output"), "shown": op("Output"), "relu": op("ReLU")}
    cell = draw(
        inner,
        """x.y>all.x about.y>all.x memory.y>all.x all.y>d.x d.y>tanh.x tanh.y>kept.x
        tanh.y>relu.x relu.y>shown.x""",
    )
    node = scan(carry=(("memory", "kept"),), context=("about",), reverse=True)
    nodes = {"scan": node, "end": op("Reduce", axes=(1,))}
    wires = "steps.y>scan.x data.features>scan.about scan.shown>end.x end.y>last.x"
    return cells(wires, nodes, cell=cell)


def stacked() -> Graph:
    """Two scans over each other in a part that is repeated with weights of its own."""
    inner = {"in": op("Input"), "out": op("Output"), "one": scan(), "two": scan(returns="sequence")}
    part = draw(inner, "in.y>one.x one.h_next>two.x two.h_next>out.x")
    nodes = {"parts": op("Subgraph", definition="part", repeat=2)}
    nodes["end"] = op("Reduce", axes=(1,))
    wires = "steps.y>parts.in parts.out>end.x end.y>last.x"
    return cells(wires, nodes, cell=elman(2), part=part)


def nested() -> Graph:
    """A scan whose cell scans what its step holds: 3 steps of 2 steps of 1."""
    inner = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "d": op("Dense", units=3)}
    inner |= {"row": scan(definition="row", returns="last"), "sum": op("Add"), "act": op("Sigmoid")}
    cell = draw(inner, "x.y>row.x row.h_next>sum.x h.y>d.x d.y>sum.x sum.y>act.x act.y>h_next.x")
    nodes = {"deep": op("Reshape", shape=(3, 2, 1)), "outer": scan(returns="last")}
    wires = "steps.y>deep.x deep.y>outer.x outer.h_next>last.x"
    return cells(wires, nodes, cell=cell, row=elman())


def letters() -> Graph:
    """Ids that are embedded inside the cell, the table tied to the scores."""
    inner = {"x": op("Input"), "words": op("Embedding", vocabulary=5, features=3)}
    inner |= {"h": op("Input"), "sum": op("Add"), "act": op("Tanh"), "h_next": op("Output")}
    inner |= {"scores": op("Dense", units=5, tie="words"), "guess": op("Output")}
    cell = draw(
        inner,
        """x.y>words.x words.y>sum.x h.y>sum.x sum.y>act.x act.y>h_next.x act.y>scores.x
        scores.y>guess.x""",
    )
    nodes = {"cut": op("Formula", formula="2 * abs(x)"), "ids": op("ToIds")}
    nodes |= {"scan": scan(returns="last"), "d": op("Concat")}
    wires = """data.features>cut.x cut.y>ids.x ids.y>scan.x scan.h_next>d.x scan.guess>d.x
        d.y>last.x"""
    drawn = draw(plain() | {"last": op("Dense", units=2)} | nodes, wires + END, EXACT)
    return using(drawn, cell=cell)


def frames() -> Graph:
    """No state: a part that looks at each step by itself, as odd names as can be."""
    inner = {"class": op("Input"), "n": op("Dense", units=3), "np": op("Output")}
    cell = draw(inner, "class.y>n.x n.y>np.x")
    nodes = {"scan": scan(definition="scan_cell"), "end": op("Flatten")}
    wires = "steps.y>scan.class scan.np>end.x end.y>last.x"
    return cells(wires, nodes, scan_cell=cell)


def picks() -> Graph:
    """A state of integers beside one of numbers: what a step picks is looked up in the next."""
    inner = {name: op("Input") for name in ("x", "picked", "h")}
    inner |= {"d": op("Dense", units=3), "words": op("Embedding", vocabulary=5, features=3)}
    inner |= {"flat": op("Flatten"), "sum": op("Add"), "act": op("Tanh"), "ids": op("ToIds")}
    inner |= {"up": op("Formula", formula="4 * abs(x)"), "cut": first_column()}
    inner |= {"h_next": op("Output"), "picked_next": op("Output")}
    cell = draw(
        inner,
        """x.y>d.x d.y>sum.x picked.y>words.x words.y>flat.x flat.y>sum.x h.y>sum.x sum.y>act.x
        act.y>h_next.x act.y>up.x up.y>cut.x cut.y>ids.x ids.y>picked_next.x""",
    )
    nodes = {"scan": scan(returns="last"), "first": first_column(), "start": op("ToIds")}
    nodes["size"] = op("Formula", formula="2 * abs(x)")
    wires = """steps.y>scan.x data.features>first.x first.y>size.x size.y>start.x
        start.y>scan.picked scan.h_next>last.x"""
    return cells(wires, nodes, cell=cell)


def first_column() -> Op:
    """N×1 of N×F."""
    return op("Slice", axis=1, start=0, stop=1)


def noisy() -> Graph:
    """Dropout inside a cell."""
    cell = elman()
    cell.set_node(replace(cell.node("act"), op=op("Dropout", p=0.4)))
    return cells("steps.y>scan.x scan.h_next>last.x", {"scan": scan(returns="last")}, cell=cell)


def ended(returns: str, reverse: bool) -> Graph:
    """Sequences that end early: a state, and an output that is none; rank 1 and 2."""
    cell = elman()
    for id, node in {"seen": op("Dense", units=2), "total": op("Reduce", axes=(1,))}.items():
        AddNode(Node(id, node)).apply(cell)
        AddNode(Node(f"{id}_out", op("Output"))).apply(cell)
        Connect(Wire("act", "y", id, "x")).apply(cell)
        Connect(Wire(id, "y", f"{id}_out", "x")).apply(cell)
    nodes = {"length": Longest(), "scan": scan(returns=returns, reverse=reverse)}
    nodes |= {f"flat{k}": op("Flatten") for k in range(3)} | {"all": op("Concat")}
    nodes["deep"] = op("Reshape", shape=(1,) if returns == "last" else (3, 1))
    wires = """steps.y>scan.x wide.y>cut.x cut.y>length.x length.y>scan.length
        scan.h_next>flat0.x scan.seen_out>flat1.x scan.total_out>deep.x deep.y>flat2.x
        flat0.y>all.x flat1.y>all.x flat2.y>all.x all.y>last.x"""
    nodes["cut"] = op("Slice", axis=1, start=0, stop=3)
    return cells(wires, nodes, cell=cell)


CELLS: dict[str, Graph] = {
    "both_ways": both_ways(),
    "two_states": two_states(),
    "context": context(),
    "stacked": stacked(),
    "nested": nested(),
    "letters": letters(),
    "frames": frames(),
    "picks": picks(),
    **{
        f"ended {returns} {reverse}": ended(returns, reverse)
        for returns in ("sequence", "last")
        for reverse in (False, True)
    },
}
