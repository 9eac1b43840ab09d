"""A definition scanned over time: its ports, what its states are, what is refused, edits, files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.checks import check
from graph.checks.problem import View
from graph.define import Dissolve, RenameDefinition, Undefine
from graph.edits import AddNode, Connect, Disconnect, Remove, Rename, SetOp
from graph.files import dumps, loads
from graph.graph import Graph, Node, Wire
from graph.history import History
from graph.lower import LowerError, Model
from graph.op import Op, SettingError
from graph.program import TensorType
from graph.rules import EditError
from graph.shapes import shapes
from graph.subgraph import Scan
from graph.trace import Refusal, trace
from tests.support.cells import elman, scan, shipped, trained, using
from tests.support.small_graphs import draw, op


def over(cell: Graph, node: Op, *shape: int, **wired: Op) -> Graph:
    """Samples of this shape → the scan; `wired` are further Inputs, by port."""
    inputs = {"x": op("Input", shape=shape), **wired}
    wires = " ".join(f"{id}.y>scan.{id}" for id in inputs)
    return using(draw({"scan": node, **inputs}, wires), cell=cell)


def used(drawn: Graph) -> list[Refusal]:
    """What shapes refuse, less what they say of a definition that nothing could use."""
    return [one for one in shapes(drawn).refusals if ":" not in one.path]


def told(drawn: Graph) -> tuple[str, str, str]:
    """Port, message and remedy of the one refusal, which shapes and lowering tell alike."""
    (found,) = used(drawn)
    assert [found] == trace(drawn, "train", 4).refusals
    assert found.path == "scan"
    return found.port, found.message, found.remedy


def test_ports_are_the_definitions_and_states_may_stay_free() -> None:
    drawn = over(shipped("LSTM"), scan(), 5, 2)
    ports = {port.name: port.optional for port in drawn.ports_in("scan")}
    assert list(ports.items()) == [("x", False), ("c", True), ("h", True), ("length", True)]
    assert [port.name for port in drawn.ports_out("scan")] == ["c_next", "h_next"]
    SetOp("scan", scan(carry=(("h", "h_next"),))).apply(drawn)
    assert [port.name for port in drawn.ports_in("scan") if port.optional] == ["h", "length"]


def test_lengths_are_integers_and_a_cell_may_have_a_port_of_that_name() -> None:
    drawn = over(elman(), scan(), 5, 4, length=op("Input", shape=(1,)))
    assert told(drawn) == (
        "length",
        "found a vector of 1 a sample, expected an integer length a sample",
        "wire a column of integers",
    )
    nodes = {"length": op("Input"), "h": op("Input"), "sum": op("Add"), "h_next": op("Output")}
    cell = draw(nodes, "length.y>sum.x h.y>sum.x sum.y>h_next.x")
    drawn = using(
        draw({"scan": scan(), "x": op("Input", shape=(5, 4))}, "x.y>scan.length"), cell=cell
    )
    assert [port.name for port in drawn.ports_in("scan")] == ["length", "h"]
    assert shapes(drawn).text("scan", "h_next") == "5×4"


@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_shapes_weights_and_cost(returns: str) -> None:
    """One set of weights; every step costs."""
    drawn = over(shipped("GRU"), scan(returns=returns), 5, 2)
    found, inside = shapes(drawn), shapes(over(shipped("GRU"), scan(), 1, 2))
    assert found.text("scan", "h_next") == ("5×3" if returns == "sequence" else "3")
    assert found.text("scan/state", "y") == "3"
    assert found.parameters("scan") == 3 * (2 * 3 + 3 + 3 * 3 + 3)
    assert found.flops("scan") == 5 * inside.flops("scan")
    lowered = trace(drawn, "train", 4)
    assert lowered.values["scan", "h_next"].shape[1:] == ((5, 3) if returns == "sequence" else (3,))
    assert set(lowered.params) == {
        f"scan/{gate}_{side}/{name}"
        for gate in "rzn"
        for side in "xh"
        for name in ("weight", "bias")
    }


STATES = {
    "as wide as a layer": ({"d": op("Dense", units=7)}, "x.y>d.x d.y>sum.x h.y>sum.x", (7,)),
    "as wide as the step": ({}, "x.y>sum.x h.y>sum.x", (4,)),
    "one number": ({"d": op("Dense", units=1)}, "x.y>d.x d.y>sum.x h.y>sum.x", (1,)),
}


@pytest.mark.parametrize("case", STATES)
def test_the_shape_of_a_state_is_worked_out(case: str) -> None:
    nodes, wires, expected = STATES[case]
    ends = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "sum": op("Add")}
    cell = draw(ends | nodes, f"{wires} sum.y>h_next.x")
    assert shapes(over(cell, scan(), 6, 4)).types["scan/h", "y"].shape[1:] == expected


def test_the_state_of_a_convolution_is_an_image() -> None:
    """A cell over a film: 3 frames of 2×6×6."""
    nodes = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "all": op("Add")}
    nodes |= {name: op("Conv2d", filters=4, kernel=3, padding="same") for name in ("cx", "ch")}
    cell = draw(nodes, "x.y>cx.x h.y>ch.x cx.y>all.x ch.y>all.x all.y>h_next.x")
    drawn = over(cell, scan(returns="last"), 3, 2, 6, 6)
    assert shapes(drawn).text("scan", "h_next") == "4×6×6"
    assert trace(drawn, "train", 2).values["scan", "h_next"].shape == (2, 4, 6, 6)


def test_a_state_has_the_shape_of_its_input_or_what_is_wired() -> None:
    """Where that does not come out again, both shapes are named."""
    cell = elman(7)
    cell.set_node(Node("h", op("Input", shape=(5,))))
    refused = told(over(cell, scan(), 6, 4))
    found = "found a vector of 7 a sample out of h_next, expected a vector of 5 a sample, as h"
    assert refused == ("h", f"{found} goes in", "make h_next as large as h")
    assert told(over(elman(7), scan(), 6, 4, h=op("Input", shape=(5,))))[0] == "h"
    assert not shapes(over(elman(7), scan(), 6, 4, h=op("Input", shape=(7,)))).refusals


def test_a_state_that_grows_is_refused() -> None:
    nodes = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "both": op("Concat")}
    cell = draw(nodes, "x.y>both.x h.y>both.x both.y>h_next.x")
    port, message, _ = told(over(cell, scan(), 6, 4))
    assert port == "h"
    assert "out of h_next, expected" in message


def only(node: Op) -> Graph:
    """x → node → y."""
    first = node.ports_in()[0].name
    nodes = {"x": op("Input"), "node": node, "y": op("Output")}
    return draw(nodes, f"x.y>node.{first} node.{node.ports_out()[0].name}>y.x")


REFUSED = {
    "no steps": (over(elman(), scan(), 4), "x", "a sequence T×F a sample", "Reshape to 4×1"),
    "no input for the step": (
        over(only(op("Tanh")), scan(context=("x",)), 5, 4),
        "x",
        "one at least that is neither state nor context",
        "give the definition an Input",
    ),
    "running values": (
        over(only(op("BatchNorm")), scan(), 5, 4),
        "x",
        "found BatchNorm node inside, which keeps running values",
        "LayerNorm",
    ),
    "fed by no output": (
        over(elman(), scan(carry=(("h", "y"),)), 5, 4),
        "",
        "found 'y', expected an output of cell (h_next)",
        "",
    ),
    "no such context": (
        over(elman(), scan(context=("c",)), 5, 4),
        "",
        "found 'c', expected an input of cell",
        "",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_do(case: str) -> None:
    drawn, port, says, remedy = REFUSED[case]
    found = told(drawn)
    assert found[0] == port
    assert says in found[1]
    assert remedy in found[2]


def test_a_state_that_is_no_input_is_told_before_all_is_wired() -> None:
    graph = over(elman(), scan(carry=(("g", "h_next"),)), 5, 4)
    told = {(p.port, p.message): p for p in check(graph) if p.path == "scan"}
    assert ("", "carry: found 'g', expected an input of cell (h, x)") in told
    bare = told["h", "found no wire, expected one"]
    assert bare.remedy.endswith("or let an output of the cell feed it")
    *_, mend = bare.mends
    assert mend.title(graph) == "Feed h_next back into h"
    mend.apply(graph)
    assert graph.node("scan").op == scan(carry=(("h", "h_next"),))
    assert shapes(graph).text("scan", "h_next") == "5×3"


def test_sequences_of_other_lengths_are_refused() -> None:
    nodes = {"x": op("Input"), "z": op("Input"), "sum": op("Add"), "y": op("Output")}
    cell = draw(nodes, "x.y>sum.x z.y>sum.x sum.y>y.x")
    found = told(over(cell, scan(), 5, 4, z=op("Input", shape=(6, 4))))
    assert found == ("z", "found 6 steps, expected 5, as x has", "wire sequences of equal length")


def test_settings_that_contradict_are_refused() -> None:
    for settings in ({"carry": (("h", "a"), ("h", "b"))}, {"context": ("c", "c")}):
        with pytest.raises(SettingError, match="each input once"):
            Scan("cell", **settings)
    with pytest.raises(SettingError, match="which is a state"):
        Scan("cell", carry=(("h", "y"),), context=("h",))


def test_a_refusal_stops_lowering_where_the_node_is() -> None:
    with pytest.raises(LowerError, match=r"^scan\.x: found a vector of 4 a sample"):
        Model(over(elman(), scan(), 4)).program("predict", 2)


def test_what_is_refused_inside_is_told_inside() -> None:
    cell = only(op("Conv2d"))
    (found,) = shapes(over(cell, scan(), 5, 4)).refusals
    assert found.path == "scan/node"
    assert found in trace(over(cell, scan(), 5, 4), "train", 2).refusals


def test_what_is_told_does_not_hang_on_the_order_of_drawing() -> None:
    """Of two nodes that no cell can hold the first by name is told, as in a file opened again."""
    sources = {"second": op("ToyData"), "first": op("ToyData")}
    (found,) = {
        one.message
        for names in (sources, sorted(sources))
        for one in used(over(draw({n: sources[n] for n in names}, ""), scan(), 5, 4))
        if "the data" in one.message
    }
    assert "the data first inside" in found


def test_definitions_keep_their_scans() -> None:
    """A definition that is scanned is not removed; renamed, its scans follow; ports that go take
    their wires and come back with them."""
    history = History(trained(scan(), elman()))
    graph = history.graph
    before = dumps(graph)
    with pytest.raises(EditError, match="instances of 'cell'"):
        history.push(Undefine("cell"))
    history.push(RenameDefinition("cell", "unit"))
    assert graph.node("scan").op == scan(definition="unit")
    history.push(Rename("h", "memory", into="unit"))
    assert [port.name for port in graph.ports_in("scan")] == ["x", "h", "length"]
    assert not [problem for problem in check(graph) if problem.path.startswith("scan")]
    history.push(Remove(("h_next",), into="unit"))
    assert not graph.wires_out("scan")
    # without the output that feeds it, h is an input like x
    (bare,) = [p for p in check(graph) if p.port == "h"]
    assert bare.path == "scan"
    for _ in range(3):
        history.undo()
    assert dumps(graph) == before


def test_a_state_that_is_named_is_missed_when_its_port_goes() -> None:
    graph = trained(scan(carry=(("h", "h_next"),)), elman())
    view = View(graph, live=True)
    undo = Remove(("h_next",), into="cell").apply(graph)
    view.update()
    (problem,) = [p for p in check(graph, view) if p.path == "scan" and p.severity == "error"]
    assert "found 'h_next', expected an output of cell (it has none)" in problem.message
    undo.apply(graph)
    view.update()
    assert not [problem for problem in check(graph, view) if problem.path.startswith("scan")]


def test_a_change_inside_reaches_the_scan() -> None:
    """Live shapes follow edits of the cell, and of what is wired to it."""
    graph = trained(scan(), elman())
    view = View(graph, live=True)
    for name in ("wx", "wh"):
        dense = graph.definitions["cell"].node(name).op
        SetOp(name, replace(dense, units=8), into="cell").apply(graph)
    view.update()
    assert view.shapes.text("scan", "h_next") == "5×8"
    SetOp("x", op("Input", shape=(9, 2))).apply(graph)
    view.update()
    assert view.shapes.text("scan", "h_next") == "9×8"
    Disconnect(Wire("x", "y", "scan", "x")).apply(graph)
    view.update()
    assert view.shapes.text("scan", "h_next") == ""


def test_a_walk_that_takes_long_to_prepare_is_told() -> None:
    graph = trained(scan(), elman(), steps=571)  # 7 nodes each
    assert not [problem for problem in check(graph) if problem.path.startswith("scan")]
    SetOp("x", op("Input", shape=(572, 2))).apply(graph)
    SetOp("goal", op("Input", shape=(572, 3))).apply(graph)
    (problem,) = [problem for problem in check(graph) if problem.path.startswith("scan")]
    assert problem.severity == "warning"
    assert problem.message == "found 572 steps of 7 nodes, expected at most 4,000 nodes in all"


def test_a_cell_with_wires_in_a_circle_is_told_and_not_walked() -> None:
    graph = trained(scan(), elman())
    Connect(Wire("act", "y", "sum", "x", 7), into="cell").apply(graph)
    assert [p.definition for p in check(graph) if "cycle" in p.message] == ["cell"]


def test_an_instance_becomes_a_scan_and_back() -> None:
    """Wires stay, since the ports are the same; taken apart is only what runs once."""
    graph = trained(op("Subgraph", definition="cell"), elman())
    wires = graph.wires()
    undo = SetOp("scan", scan()).apply(graph)
    assert graph.wires() == wires
    with pytest.raises(EditError, match="make it a Subgraph first"):
        Dissolve("scan").apply(graph)
    undo.apply(graph)
    assert graph.node("scan").op == op("Subgraph", definition="cell")


NAMES = st.sampled_from(["h", "c", "x", "h_next", "state"])
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=3, unique_by=lambda pair: pair[0])


@given(st.sampled_from(["sequence", "last"]), st.booleans(), PAIRS, st.sets(NAMES, max_size=2))
def test_files_hold_every_scan(
    returns: str, reverse: bool, pairs: list[tuple[str, str]], context: set[str]
) -> None:
    """Written and read back a graph is equal, whether its settings fit the cell or not; shapes and
    lowering agree on it."""
    free = tuple(sorted(context - {name for name, _ in pairs}))
    node = Scan("cell", returns, reverse, tuple(pairs), free)
    drawn = over(elman(), node, 5, 2)
    read = loads(dumps(drawn))
    assert read.node("scan").op == node
    assert dumps(read) == dumps(drawn)
    found, lowered = shapes(read), trace(read, "train", 4)
    wired = all(port.optional or read.wires_in("scan", port.name) for port in read.ports_in("scan"))
    assert lowered.refusals == (used(read) if wired else [])
    kinds = {key: kind.shape[1:] for key, kind in found.types.items() if key[0] == "scan"}
    made = {key: tensor.shape[1:] for key, tensor in lowered.values.items() if key[0] == "scan"}
    assert kinds == made


def test_a_file_without_the_definition_is_refused() -> None:
    drawn = Graph()
    with pytest.raises(EditError, match="define it first"):
        AddNode(Node("scan", scan())).apply(drawn)
    assert TensorType((2, 3)) not in shapes(drawn).types.values()
