"""Settings of inner nodes that instances set: edits, files, lowering, shapes, checks."""

from dataclasses import replace

import pytest
from drawn import defined, draw, drawn

from graph.checks import View, check
from graph.clipboard import copied, paste
from graph.define import Dissolve, Instance
from graph.drawing import copy, same
from graph.edit import Edit
from graph.edit_records import edit_record, read_edit
from graph.edits import Remove, SetOp
from graph.expose import Expose, RenameExposed, with_place, without_place
from graph.exposed import Exposure, given, offered
from graph.files import dumps, loads
from graph.graph import Graph
from graph.lower import LowerError, Model
from graph.op import SettingError
from graph.ops.activation import Tanh
from graph.ops.custom import Formula
from graph.ops.dense import Dense
from graph.ops.merge import Add
from graph.ops.regularise import Dropout
from graph.ops.structure import Input, Output
from graph.rules import EditError
from graph.shapes import shapes
from graph.subgraph import Scan, Subgraph

WIDTH = Exposure("width", (("dense", "units"), ("second", "units")))
RATE = Exposure("rate", (("drop", "p"),))


def towers() -> Graph:
    """Two instances of a block, one as drawn and one wider; a further one inside another block."""
    nodes = {
        "x": Input(),
        "dense": Dense(units=6),
        "drop": Dropout(p=0.25),
        "second": Dense(units=6),
        "y": Output(),
    }
    wires = "x.y -> dense.x", "dense.y -> drop.x", "drop.y -> second.x", "second.y -> y.x"
    root = defined(Graph(), "block", nodes, *wires)
    root.definitions["block"].expose((WIDTH, RATE))
    outer = {"x": Input(), "inner": Subgraph("block"), "y": Output()}
    defined(root, "outer", outer, "x.y -> inner.x", "inner.y -> y.x")
    root.definitions["outer"].expose((Exposure("size", (("inner", "width"),)),))
    made = drawn(
        {
            "in": Input((3,)),
            "a": Subgraph("block"),
            "b": Subgraph("block", values=(("rate", 0.5), ("width", 9))),
            "c": Subgraph("outer", values=(("size", 4),)),
            "out": Output(),
        },
    )
    made.definitions.update(root.definitions)
    for definition in made.definitions.values():
        definition.definitions = made.definitions
    return draw(made, {}, "in.y -> a.x", "a.y -> b.x", "b.y -> c.x", "c.y -> out.x")


def undone(graph: Graph, edit: Edit) -> None:
    """Apply, check that the inverse restores, apply again; the journal keeps it as it is."""
    assert read_edit(edit_record(edit)) == edit
    before = copy(graph)
    inverse = edit.apply(graph)
    after = copy(graph)
    inverse.apply(graph)
    assert same(graph, before)
    edit.apply(graph)
    assert same(graph, after)


def units(graph: Graph) -> dict[str, int]:
    """How many outputs the layers have, in the program and on the canvas."""
    found = {key: param.shape[0] for key, param in Model(graph).params.items() if "weight" in key}
    types = shapes(graph).types
    assert all(types[key.removesuffix("/weight"), "y"].shape[1] == n for key, n in found.items())
    return found


def test_each_instance_has_its_own_values() -> None:
    """One name sets two layers; what an inner instance exposes is exposed further."""
    graph = towers()
    assert units(graph) == {
        **dict.fromkeys(("a/dense/weight", "a/second/weight"), 6),
        **dict.fromkeys(("b/dense/weight", "b/second/weight"), 9),
        **dict.fromkeys(("c/inner/dense/weight", "c/inner/second/weight"), 4),
    }
    live = Model(graph).live
    assert live == {"a/drop/p": 0.25, "b/drop/p": 0.5, "c/inner/drop/p": 0.25}
    assert check(graph) == ()


def test_files_and_copies_keep_them() -> None:
    graph = towers()
    again = loads(dumps(graph))
    assert same(graph, again)
    assert units(again) == units(graph)
    pasted = drawn({})
    paste(pasted, copied(graph, ["in", "a", "b", "c", "out"])).apply(pasted)
    assert units(pasted) == units(graph)


def test_a_file_without_them_reads_as_before() -> None:
    """The fields need not be there."""
    graph = defined(drawn({"a": Subgraph("block")}), "block", {"x": Input(), "y": Output()})
    text = dumps(graph)
    bare = text.replace('        "repeat": 1,\n        "values": [],\n', '        "repeat": 1,\n')
    assert bare != text
    assert "exposed" not in text
    assert same(loads(bare), graph)


def test_what_an_edit_changes_is_looked_at_again() -> None:
    """Shapes that follow edits say what shapes worked out anew say."""
    graph = towers()
    view = View(graph, live=True)
    op = graph.node("a").op
    edits: list[Edit] = [
        SetOp("a", given(graph, op, {"width": 5})),
        SetOp("c", replace(graph.node("c").op, values=())),
        SetOp("dense", Dense(units=7, bias=False), into="block"),
        Expose((RATE,), into="block"),
        RenameExposed("size", "breadth", into="outer"),
    ]
    for edit in edits:
        undo = edit.apply(graph)
        view.update()
        assert view.shapes.types == shapes(graph).types, edit
        undo.apply(graph)
        view.update()
        assert view.shapes.types == shapes(graph).types, edit
        edit.apply(graph)
        view.update()


def test_exposing_and_stopping_are_undone() -> None:
    """What is no longer exposed has no values either."""
    graph = towers()
    undone(
        graph,
        Expose(without_place(graph.definitions["block"].exposed, ("drop", "p")), into="block"),
    )
    assert graph.node("b").op == Subgraph("block", values=(("width", 9),))
    added = with_place(graph.definitions["block"].exposed, "offset", ("dense", "bias"))
    undone(graph, Expose(added, into="block"))
    assert [*offered(graph.definitions["block"])] == ["width", "offset"]
    assert check(graph) == ()


def test_a_new_name_is_followed() -> None:
    """By the values of instances, and by what exposes it further."""
    graph = towers()
    before = units(graph)
    undone(graph, RenameExposed("width", "size of all", into="block"))
    assert graph.node("b").op == Subgraph("block", values=(("rate", 0.5), ("size of all", 9)))
    assert graph.definitions["outer"].exposed[0].places == (("inner", "size of all"),)
    assert units(graph) == before
    assert check(graph) == ()


@pytest.mark.parametrize("name", ["", "  ", "rate", "repeat", "returns", "a\nb", "w" * 65])
def test_names_are_short_and_differ(name: str) -> None:
    graph = towers()
    before = copy(graph)
    with pytest.raises(EditError):
        RenameExposed("width", name, into="block").apply(graph)
    assert same(graph, before)


def test_the_graph_itself_exposes_nothing() -> None:
    with pytest.raises(EditError, match="exposed settings of the graph itself"):
        Expose((RATE,)).apply(towers())


def test_bounds_are_those_inside() -> None:
    """However deep the setting stands; a file with such a value is refused where it is used."""
    graph = towers()
    for id, name in (("a", "width"), ("c", "size")):
        with pytest.raises(SettingError, match="at least 1"):
            given(graph, graph.node(id).op, {name: 0})
    graph.set_node(replace(graph.node("c"), op=Subgraph("outer", values=(("size", 0),))))
    message = "found 0, expected at least 1"
    assert [p.message for p in check(graph) if message in p.message]
    with pytest.raises(LowerError, match=message):
        Model(graph).params  # noqa: B018


def test_a_value_as_drawn_is_none() -> None:
    """So an instance follows when what is drawn changes."""
    graph = towers()
    assert given(graph, graph.node("b").op, {"width": 6, "rate": 0.25}) == Subgraph("block")


def test_ports_stay() -> None:
    """A formula has an input for each name: no instance may change that."""
    graph = defined(
        drawn({"in": Input((3,)), "a": Subgraph("block")}),
        "block",
        {"x": Input(), "f": Formula(), "y": Output()},
        "x.y -> f.x",
        "f.y -> y.x",
    )
    graph.definitions["block"].expose((Exposure("text", (("f", "formula"),)),))
    assert offered(graph.definitions["block"]) == {}
    assert any("no setting here that can be exposed" in problem.message for problem in check(graph))


def test_what_is_gone_is_told_and_mended() -> None:
    """A node removed inside, and a value of what nothing exposes; undo brings all back."""
    graph = towers()
    undone(graph, Remove(("drop",), into="block"))
    told = {p.message: p for p in check(graph) if "rate" in p.message}
    assert len(told) == 2
    for problem in told.values():
        assert problem.severity == "warning"
        problem.mends[0].apply(graph)
    assert not [p for p in check(graph) if "rate" in p.message]


def test_taken_apart_it_keeps_the_values() -> None:
    graph = towers()
    Dissolve("b").apply(graph)
    assert graph.node("dense").op == Dense(units=9)
    assert graph.node("drop").op == Dropout(p=0.5)


def test_a_cell_is_scanned_with_the_values() -> None:
    """The state of a drawn cell has the size that the instance gives."""
    nodes = {
        "x": Input(),
        "h": Input(),
        "wx": Dense(units=4),
        "wh": Dense(units=4),
        "sum": Add(),
        "tanh": Tanh(),
        "h_next": Output(),
    }
    wires = "x.y -> wx.x", "h.y -> wh.x", "wx.y -> sum.x", "wh.y -> sum.x", "sum.y -> tanh.x"
    outer = {"in": Input((5, 3)), "cell": Scan("cell", values=(("units", 7),)), "out": Output()}
    graph = drawn(outer)
    defined(graph, "cell", nodes, *wires, "tanh.y -> h_next.x")
    graph.definitions["cell"].expose((Exposure("units", (("wx", "units"), ("wh", "units"))),))
    draw(graph, {}, "in.y -> cell.x", "cell.h_next -> out.x")
    assert shapes(graph).types["cell", "h_next"].shape[1:] == (5, 7)
    program = Model(graph).program("predict", 2)
    assert program.types[program.output("outputs/out")].shape == (2, 5, 7)


def test_chosen_nodes_keep_their_values_in_a_new_definition() -> None:
    graph = towers()
    before = shapes(graph).parameters()
    Instance(("a", "b"), "pair", "pair1").apply(graph)
    assert shapes(graph).parameters() == before
