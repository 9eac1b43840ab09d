"""Automatic layout: threads, rows, lanes and portals; never nodes on nodes; always the same."""

import random
from itertools import combinations, pairwise

import pytest

from graph.files import load
from graph.graph import Frame, Graph
from gui.canvas import layout
from gui.canvas.camera import READABLE, Camera
from gui.canvas.fitting import NARROW_MARGIN
from gui.canvas.geometry import Rect
from gui.canvas.layout import ROW_LIMIT, is_unplaced
from gui.canvas.paint_canvas import Scene, scene
from gui.canvas.surface import CARD
from gui.canvas.wires import path_points, wire_ends
from gui.sheet import canvas_view
from resources import example_path
from tests.support.small_graphs import draw, op


def chain(layers: int) -> Graph:
    """Data, pairs of Dense and ReLU, a loss, an optimizer and a metric."""
    nodes, wires, last = {"data": op("ToyData")}, [], "data.features"
    for number in range(layers):
        dense, relu = f"dense{number:02}", f"relu{number:02}"
        nodes |= {dense: op("Dense"), relu: op("ReLU")}
        wires += [f"{last}>{dense}.x", f"{dense}.y>{relu}.x"]
        last = f"{relu}.y"
    nodes |= {"out": op("Dense", units=2), "loss": op("CrossEntropy"), "adam": op("Adam")}
    nodes["accuracy"] = op("Accuracy")
    wires += [f"{last}>out.x", "out.y>loss.prediction", "out.y>accuracy.prediction"]
    wires += ["data.target>loss.target", "data.target>accuracy.target", "loss.loss>adam.loss"]
    return draw(nodes, " ".join(wires))


def residual() -> Graph:
    """A short cut around two layers."""
    nodes = {name: op("Dense", units=8) for name in ("first", "second", "third")}
    nodes |= {"input": op("Input", shape=(8,)), "add": op("Add")}
    wires = "input.y>first.x first.y>second.x second.y>third.x third.y>add.x first.y>add.x"
    return draw(nodes, wires)


def laid_out(graph: Graph) -> Scene:
    """The drawing with everything in its place."""
    return scene(canvas_view(graph))


def rects(drawing: Scene) -> dict[str, Rect]:
    """Every node's box on the canvas."""
    view = drawing.view
    return {n.id: drawing.boxes[n.id].rect(n.x, n.y) for n in view.nodes}


def crossed(drawing: Scene) -> list[tuple[str, str]]:
    """(wire's target, node) where a line runs through a node that is not its end."""
    found = []
    wires = [w for w in drawing.view.wires if not w.portal]
    for wire, line in zip(wires, drawing.lines, strict=True):
        for id, rect in rects(drawing).items():
            if id not in (wire.source, wire.target):
                points = path_points(line, 64)
                if any(rect.x < p.x < rect.right and rect.y < p.y < rect.bottom for p in points):
                    found.append((wire.target, id))
    return found


def test_a_chain_hangs_from_one_straight_thread() -> None:
    drawing = laid_out(chain(1))
    thread = ["data", "dense00", "relu00", "out", "loss", "adam"]
    assert len({drawing.view[id].y for id in thread}) == 1
    for left, right in pairwise(thread):
        gap = drawing.view[right].x - rects(drawing)[left].right
        assert 28 <= gap <= 44


def test_metrics_hang_below_the_loss() -> None:
    drawing = laid_out(chain(1))
    loss, accuracy = rects(drawing)["loss"], rects(drawing)["accuracy"]
    assert accuracy.x == loss.x
    assert accuracy.y >= loss.bottom + 24


def test_labels_travel_by_portal_and_share_a_letter() -> None:
    drawing = laid_out(chain(1))
    tagged = [wire for wire in drawing.view.wires if wire.portal]
    assert {(wire.source, wire.target) for wire in tagged} == {
        ("data", "loss"),
        ("data", "accuracy"),
    }
    assert {wire.portal for wire in tagged} == {"T"}


def test_two_sources_of_labels_have_two_letters() -> None:
    graph = chain(1)
    other = chain(1)
    for node in other:
        graph.set_node(type(node)(f"b_{node.id}", node.op))
    for wire in other.wires():
        ends = f"b_{wire.source}", wire.output, f"b_{wire.target}", wire.input
        graph.add_wire(type(wire)(*ends))
    drawing = laid_out(graph)
    letters = {wire.source: wire.portal for wire in drawing.view.wires if wire.portal}
    assert len(set(letters.values())) == 2


@pytest.mark.parametrize("layers", [4, 9])
def test_long_chains_wrap_and_return_between_the_rows(layers: int) -> None:
    drawing = laid_out(chain(layers))
    boxes = rects(drawing)
    tops = sorted({rect.y for id, rect in boxes.items() if id != "accuracy"})
    assert len(tops) > 1
    assert max(rect.right for rect in boxes.values()) <= ROW_LIMIT * 1.1
    for wire in drawing.view.wires:
        source, target = wire_ends(wire, drawing.view.by_id, drawing.boxes)
        if not wire.portal and target.x < source.x:
            above = max(rect.bottom for rect in boxes.values() if rect.y < source.y)
            assert wire.lane is not None
            assert above < wire.lane < target.y - 14
    assert not crossed(drawing)


def test_short_cuts_go_around_what_they_skip() -> None:
    drawing = laid_out(residual())
    lanes = {wire.source: wire.lane for wire in drawing.view.wires if wire.target == "add"}
    top = drawing.view["second"].y
    assert lanes["third"] is None
    assert lanes["first"] is not None
    assert lanes["first"] < top
    assert not crossed(drawing)


def test_frames_surround_their_nodes_and_their_short_cuts() -> None:
    graph = residual()
    graph.frames["block"] = Frame("block", "Block", ("first", "second", "third", "add"))
    drawing = laid_out(graph)
    frame = drawing.view.frames[0]
    around = Rect(frame.x, frame.y, frame.width, frame.height)
    for id in frame.nodes:
        rect = rects(drawing)[id]
        assert around.x < rect.x
        assert around.y + 26 < rect.y
        assert rect.right < around.right
        assert rect.bottom < around.bottom
    lane = next(w.lane for w in drawing.view.wires if w.source == "first" and w.lane is not None)
    assert lane > around.y + 26
    assert rects(drawing)["input"].right < around.x


def test_a_cycle_is_laid_out_too() -> None:
    graph = draw({id: op("Dense") for id in "abc"}, "a.y>b.x b.y>c.x c.y>a.x")
    drawing = laid_out(graph)
    assert not crossed(drawing)
    assert len({node.y for node in drawing.view.nodes}) == 1


def test_placed_nodes_stay() -> None:
    graph = draw({"a": op("ReLU"), "b": op("ReLU")}, "a.y>b.x")
    graph.set_node(type(graph.node("b"))("b", op("ReLU"), x=300.0, y=-20.0))
    view = canvas_view(graph)
    assert not is_unplaced(view)
    assert scene(view).view == view


@pytest.mark.parametrize("seed", range(40))
def test_random_drawings_never_overlap_and_repeat_exactly(seed: int) -> None:
    drawing = laid_out(_random(random.Random(seed)))
    for one, other in combinations(rects(drawing).values(), 2):
        assert not one.grown(4).meets(other.grown(4))
    again = laid_out(_random(random.Random(seed)))
    assert again.view == drawing.view


def _random(rng: random.Random) -> Graph:
    """Up to 30 nodes; wires mostly forward, some against the order, some nodes alone."""
    names = [f"n{number:02}" for number in range(rng.randint(2, 30))]
    kinds = ("Dense", "ReLU", "Add", "Conv2d", "Concat", "Dropout")
    wires = set()
    for number, name in enumerate(names[1:], 1):
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            wires.add(f"{names[rng.randrange(max(0, number - 4), number)]}.y>{name}.x")
    if rng.random() < 0.3:
        wires.add(f"{names[-1]}.y>{names[0]}.x")
    return draw({name: op(rng.choice(kinds)) for name in names}, " ".join(sorted(wires)))


def race(nets: int, layers: int) -> Graph:
    """Nets that read the same data, each with a loss and a metric; one optimizer for all."""
    nodes, wires = {"data": op("ToyData"), "adam": op("Adam")}, []
    for net in "abcdefgh"[:nets]:
        ids = [f"{net}{number:02}" for number in range(layers)]
        nodes |= dict.fromkeys(ids, op("Dense", units=2))
        nodes |= {f"{net}_loss": op("CrossEntropy"), f"{net}_right": op("Accuracy")}
        wires += [f"{one}.y>{two}.x" for one, two in pairwise(ids)]
        wires += [f"data.features>{ids[0]}.x", f"{net}_loss.loss>adam.loss"]
        for judge in (f"{net}_loss", f"{net}_right"):
            wires += [f"{ids[-1]}.y>{judge}.prediction", f"data.target>{judge}.target"]
    return draw(nodes, " ".join(wires))


@pytest.mark.parametrize(("nets", "layers"), [(2, 20), (4, 12)])
def test_what_is_too_high_takes_wider_rows(
    nets: int, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then all of it is seen larger."""
    zooms = []
    for wider in ((), layout.WIDER):
        monkeypatch.setattr(layout, "WIDER", wider)
        made = laid_out(race(nets, layers))
        zooms.append(layout._share(made.view, made.boxes))
    assert zooms[1] > 1.1 * zooms[0]


def test_nets_side_by_side_are_lanes_with_their_metrics_at_the_end() -> None:
    drawing = laid_out(race(4, 3))
    view = drawing.view
    heights = set()
    for net in "abcd":
        lane = [f"{net}00", f"{net}01", f"{net}02", f"{net}_loss", f"{net}_right"]
        assert len({view[id].y for id in lane}) == 1
        assert all(view[one].x < view[two].x for one, two in pairwise(lane))
        heights.add(view[lane[0]].y)
    assert len(heights) == 4
    assert crossed(drawing) == []


@pytest.mark.parametrize("name", ["optimizers-race", "activations-race", "batchnorm-deep"])
def test_races_fit_a_small_window_at_a_zoom_that_shows_all(name: str) -> None:
    drawing = laid_out(load(example_path(name)))
    around = rects(drawing).values()
    width = max(r.right for r in around) - min(r.x for r in around)
    height = max(r.bottom for r in around) - min(r.y for r in around)
    camera = Camera(width=946, height=463 - CARD.height())  # what 1440 × 900 px leave
    assert camera.fitted(Rect(0.0, 0.0, width, height), margin=NARROW_MARGIN).zoom >= READABLE
