"""What the canvas says about a graph: all of it from the node types and one walk."""

import pytest

from graph.checks.problem import View
from graph.define import Instance
from graph.edits import SetFlags, SetFrame
from graph.files import dumps, loads
from graph.graph import Frame, Graph, Node
from graph.op import REGISTRY
from gui import fonts
from gui.canvas.describe import number, setting_text, summary
from gui.canvas.drawing import elided
from gui.canvas.geometry import node_box
from gui.sheet import Sheet, canvas_view
from tests.support.small_graphs import draw, op


def classifier() -> Graph:
    """Digits through a convolution to ten scores, with a loss, an optimizer and a metric."""
    nodes = {
        "digits": op("Digits"),
        "conv": op("Conv2d", filters=4),
        "relu": op("ReLU"),
        "flat": op("Flatten"),
        "dense": op("Dense", units=10),
        "loss": op("CrossEntropy"),
        "adam": op("Adam", learning_rate=6e-4),
        "accuracy": op("Accuracy"),
    }
    wires = (
        "digits.image>conv.x conv.y>relu.x relu.y>flat.x flat.y>dense.x dense.y>loss.prediction "
        "digits.label>loss.target loss.loss>adam.loss dense.y>accuracy.prediction "
        "digits.label>accuracy.target"
    )
    return draw(nodes, wires)


def test_nodes_say_shape_count_and_key_settings() -> None:
    view = canvas_view(classifier())
    said = {n.id: (n.title, n.summary, n.badge, n.note.strip()) for n in view.nodes}
    assert said == {
        "digits": ("Digits", "1,797 images", "1×8×8", "batch 32"),
        "conv": ("Conv2d", "3×3 · 4 · same", "4×8×8", "40"),
        "relu": ("ReLU", "", "4×8×8", "–"),
        "flat": ("Flatten", "", "256", "–"),
        "dense": ("Dense", "10 units · bias", "10", "2,570"),
        "loss": ("Cross-entropy", "from logits", "scalar", "–"),
        "adam": ("Adam", "lr 6e-4", "2 layers", ""),
        "accuracy": ("Accuracy", "target", "held out", "–"),
    }
    assert [n.id for n in view.nodes if n.collapsed] == ["flat", "relu"]
    assert [n.id for n in view.nodes if n.ring] == ["conv", "dense"]


def test_kinds_follow_the_traced_types() -> None:
    view = canvas_view(classifier())
    kinds = {(w.source, w.target): w.kind for w in view.wires}
    assert kinds["digits", "conv"] == "image"
    assert kinds["relu", "flat"] == "image"
    assert kinds["flat", "dense"] == "vector"
    assert kinds["digits", "loss"] == "labels"
    assert kinds["loss", "adam"] == "loss"
    assert view["relu"].inputs[0].kind == "image"
    assert view["adam"].inputs[0].wired
    assert not view["adam"].inputs[1].wired


def test_a_refused_input_marks_its_node_and_leaves_shapes_unknown() -> None:
    graph = draw({"digits": op("Digits"), "dense": op("Dense")}, "digits.image>dense.x")
    view = canvas_view(graph)
    assert view["dense"].state.problem == "error"
    assert (view["dense"].badge, view["dense"].note) == ("–", "–")
    assert canvas_view(graph, problems={})["dense"].state.problem == ""


def test_names_given_by_people_come_first() -> None:
    graph = Graph()
    graph.set_node(Node("a", op("Dense"), name="Encoder", frozen=True, bypassed=True))
    view = canvas_view(graph)["a"]
    assert view.title == "Encoder"
    assert view.state.frozen
    assert view.state.bypassed


@pytest.mark.parametrize(
    ("name", "settings", "setting", "said"),
    [
        ("Dense", {"units": 1}, "units", "1 unit"),
        ("Dense", {"bias": False}, "bias", "no bias"),
        ("Conv2d", {"kernel": (3, 5)}, "kernel", "3×5"),
        ("Conv2d", {"padding": 1}, "padding", "pad 1"),
        ("MaxPool2d", {"stride": 2}, "stride", "stride 2"),
        ("MaxPool2d", {}, "stride", ""),
        ("ToyData", {"samples_count": 1000}, "samples_count", "1,000 samples"),
        ("Adam", {"learning_rate": 0.01}, "learning_rate", "lr 0.01"),
        ("Concat", {}, "axis", "axis 1"),
    ],
)
def test_settings_are_said_shortly(
    name: str, settings: dict[str, object], setting: str, said: str
) -> None:
    assert setting_text(op(name, **settings), setting) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1437, "1,437"),
        (0.05, "0.05"),
        (6e-4, "6e-4"),
        (1.5e-8, "1.5e-8"),
        (0.0, "0"),
        (2.0, "2"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_node_type_shows_its_whole_name_and_settings(name: str) -> None:
    graph = Graph()
    graph.set_node(Node("n", op(name)))
    view = canvas_view(graph)["n"]
    box = node_box(view, fonts.measure)
    assert elided(view.title, "node name", box.name_width + 0.5) == view.title
    assert box.width <= 200
    if view.summary:
        assert elided(summary(op(name)), "caption mono", box.width - 21) == summary(op(name))


def test_a_node_is_drawn_small_when_people_want_it_so() -> None:
    graph = classifier()
    SetFlags("conv", collapsed=True).apply(graph)
    assert canvas_view(graph)["conv"].collapsed
    assert not canvas_view(graph)["dense"].collapsed


def test_frames_have_the_colour_people_chose() -> None:
    graph = Graph()
    SetFrame(Frame("a", "Plain")).apply(graph)
    SetFrame(Frame("b", "Blue", colour="conv")).apply(graph)
    assert [frame.family for frame in canvas_view(graph).frames] == ["shape", "conv"]
    assert [frame.colour for frame in loads(dumps(graph)).frames.values()] == ["", "conv"]


def test_inside_a_definition_shapes_are_those_of_its_first_use() -> None:
    graph = classifier()
    Instance(("conv", "relu"), "block", "b").apply(graph)
    shown = Sheet(View.of(graph), "block", {}, {}).view
    assert shown["conv"].badge == "4×8×8"
    assert shown["conv"].note == "40"
    assert canvas_view(graph)["b"].note == "40"
