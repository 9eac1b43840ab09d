"""Cells drawn from parts and scanned are the recurrent layers, in numbers and in gradients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from compute.backend import Array
from compute.evaluate import host_scalars
from compute.reference import evaluate
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.op import Op
from graph.simplify import expand_composites
from tests.support.cells import DRAWN, FEATURES, STEPS, UNITS, elman, scan, shipped, trained, using
from tests.support.small_graphs import DEVICES, draw, make_plan, op, outputs, train_steps

SAMPLES = 4
WATCHED = "gradient:scan/sum.y", "gradient:scan/act.y", "gradient:scan/h.y", "gradient:scan/wh.y"
BOTH = pytest.mark.parametrize("layer", DRAWN)


def numbers(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Array]:
    """Random numbers of these shapes."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def gates(layer: str, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of a layer of the registry as those of the cell that is drawn from parts."""
    found = {}
    for number, gate in enumerate(DRAWN[layer][1]):
        rows = slice(number * UNITS, (number + 1) * UNITS)
        for side, ending in (("x", "ih"), ("h", "hh")):
            for name in ("weight", "bias"):
                found[f"scan/{gate}_{side}/{name}"] = weights[f"scan/{name}_{ending}_l0"][rows]
    return found


def slopes(drawn: Graph, port: str, weights: Mapping[str, Array]) -> dict[str, Array]:
    """What the node gives for random samples, and the gradient of each weight and the input."""
    model = Model(drawn)
    names = {f"value:scan.{port}", "gradient:x.y", *(f"gradient:{key}" for key in model.params)}
    program = expand_composites(model.program("train/0", SAMPLES, frozenset(names)))
    data = {"x.y": (SAMPLES, STEPS, FEATURES), "e.y": (SAMPLES, STEPS)}
    data["goal.y"] = program.types[program.output(f"value:scan.{port}")].shape
    given = {("batch", key): array for key, array in numbers(data).items()}
    given |= {("param", key): array for key, array in weights.items()}
    given["live", "sgd/learning_rate"] = np.array(0.5)
    values = evaluate(program, given)
    return {name: values[program.output(name)] for name in names}


@BOTH
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_a_drawn_cell_is_the_layer(layer: str, returns: str, ends: bool) -> None:
    """With the same weights: outputs and all gradients to 1e-12, also where sequences end early."""
    built = trained(op(layer, units=UNITS, returns=returns), elman(), "y", ends=ends)
    shapes = {key: param.shape for key, param in Model(built).params.items()}
    weights = numbers(shapes, 1)
    expected = slopes(built, "y", weights)
    drawn = trained(scan(returns=returns), shipped(layer), ends=ends)
    found = slopes(drawn, "h_next", gates(layer, weights))
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(found["value:scan.h_next"], expected["value:scan.y"], **close)
    np.testing.assert_allclose(found["gradient:x.y"], expected["gradient:x.y"], **close)
    theirs = {key: expected[f"gradient:{key}"] for key in shapes}
    for key, gradient in gates(layer, theirs).items():
        np.testing.assert_allclose(found[f"gradient:{key}"], gradient, err_msg=key, **close)


@BOTH
@pytest.mark.parametrize("ends", [False, True])
def test_the_way_back_is_the_layers_way_back(layer: str, ends: bool) -> None:
    """`reverse` gives the second half of what a layer gives that walks both ways."""
    both = trained(op(layer, units=UNITS, bidirectional=True), elman(), "y", ends=ends)
    both.set_node(Node("goal", op("Input", shape=(STEPS, 2 * UNITS))))
    weights = numbers({key: param.shape for key, param in Model(both).params.items()}, 1)
    expected = slopes(both, "y", weights)["value:scan.y"][..., UNITS:]
    back = {
        key.removesuffix("_reverse"): array
        for key, array in weights.items()
        if key.endswith("_reverse")
    }
    drawn = trained(scan(reverse=True), shipped(layer), ends=ends)
    found = slopes(drawn, "h_next", gates(layer, back))["value:scan.h_next"]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@BOTH
@pytest.mark.parametrize("settings", [{}, {"returns": "last", "reverse": True}])
def test_the_plan_trains_as_the_reference(layer: str, settings: dict[str, object]) -> None:
    """Losses of five steps and the weights after them, with one last larger batch."""
    model = Model(trained(scan(**settings), shipped(layer), ends=True))
    goal = (11, UNITS) if settings else (11, STEPS, UNITS)
    data = numbers({"x.y": (11, STEPS, FEATURES), "goal.y": goal, "e.y": (11, STEPS)}, 2)
    found = []
    for device in ("reference", "cpu"):
        plan = make_plan(model, device, seed=3)
        losses = train_steps(model, plan, data, np.arange(10).reshape(5, 2))
        losses |= {"odd": train_steps(model, plan, data, np.arange(11)[None])["train/0"]}
        found.append(losses | plan.read() | {"loss": losses["train/0"][:1]})
        plan.close()
    for key, array in found[0].items():
        np.testing.assert_allclose(found[1][key], array, rtol=1e-11, atol=1e-13, err_msg=key)


def nested(pushed: bool = False) -> Graph:
    """A scan in a scanned cell; `pushed` has numbers added within, before the inner tanh."""
    inner = {"x": op("Input"), "deep": op("Reshape", shape=(FEATURES, 1)), "h_next": op("Output")}
    inner |= {"row": scan(definition="row"), "last": op("Reduce", axes=(1,)), "h": op("Input")}
    inner |= {"sum": op("Add")}
    wires = """x.y>deep.x deep.y>row.x row.h_next>last.x last.y>sum.x h.y>sum.x sum.y>h_next.x"""
    outer, row = draw(inner, wires), elman()
    drawn = using(trained(scan(), outer), row=row)
    if pushed:
        draw_into(outer, {"e": op("Input")}, "e.y>row.e")
        row.drop_wire(row.wires_in("act")[0])
        nodes = {"e": op("Input"), "pushed": op("Add")}
        draw_into(row, nodes, "sum.y>pushed.x e.y>pushed.x pushed.y>act.x")
        shape = (STEPS, FEATURES, UNITS)
        draw_into(drawn, {"push": op("Input", shape=shape)}, "push.y>scan.e")
    return drawn


def test_values_inside_are_those_of_all_steps() -> None:
    """Watched, a node of the cell gives N×T×…, also within a scan within a scan; nothing else
    changes, and hardly a row is added.
    """
    model = Model(nested())
    names = ("scan/sum.y", "scan/row.h_next", "scan/row/act.y", "scan.h_next")
    watch = frozenset(f"value:{name}" for name in names)
    assert all(map(model.can_watch, watch))
    assert model.can_watch("gradient:scan/sum.y")
    assert model.can_watch("gradient:scan/row/act.y")
    assert not model.can_watch("value:scan/sum.z")
    plain, program = (
        expand_composites(model.program("train/0", SAMPLES, watched))
        for watched in (frozenset[str](), watch)
    )
    assert len(program.rows) < len(plain.rows) + 6 * STEPS * FEATURES
    shapes = {(i.kind, i.key): program.types[i.value].shape for i in program.inputs}
    rng = np.random.default_rng(4)
    given = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    values = evaluate(program, given)
    inside, row, act, outside = (values[program.output(f"value:{name}")] for name in names)
    np.testing.assert_array_equal(inside, outside)
    np.testing.assert_array_equal(act, row)
    assert row.shape == (SAMPLES, STEPS, FEATURES, UNITS)
    found = evaluate(plain, given)[plain.output("loss")]
    assert found == values[program.output("loss")]


def draw_into(drawn: Graph, nodes: Mapping[str, Op], wires: str) -> None:
    """Put more nodes and wires into a graph."""
    for id, each in nodes.items():
        drawn.set_node(Node(id, each))
    for number, text in enumerate(wires.split()):
        source, target = text.split(">")
        drawn.add_wire(Wire(*source.split("."), *target.split("."), number))


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("settings", [{}, {"returns": "last"}, {"reverse": True}], ids=str)
def test_gradients_inside_are_those_of_all_steps(settings: dict[str, object], ends: bool) -> None:
    """Of a value in the cell as of a series that is added to it; no number of the run changes, and
    hardly a row is added.
    """
    plain = trained(scan(**settings), elman(), ends=ends)
    rows = {}
    for name, watch in (("run", ()), ("watched", WATCHED)):
        program = Model(plain).program("train/0", SAMPLES, frozenset(watch))
        rows[name] = expand_composites(program)
    assert len(rows["watched"].rows) < len(rows["run"].rows) + 9 * STEPS
    cell = elman()
    cell.drop_wire(cell.wires_in("act")[0])
    nodes = {"e": op("Input"), "pushed": op("Add")}
    draw_into(cell, nodes, "sum.y>pushed.x e.y>pushed.x pushed.y>act.x")
    beside = trained(scan(**settings), cell, ends=ends)
    draw_into(beside, {"push": op("Input", shape=(STEPS, UNITS))}, "push.y>scan.e")
    rows["peer"] = expand_composites(
        Model(beside).program("train/0", SAMPLES, frozenset({"gradient:push.y"}))
    )
    inputs = {(i.kind, i.key): rows["peer"].types[i.value].shape for i in rows["peer"].inputs}
    rng = np.random.default_rng(5)
    given = {key: rng.normal(size=shape) for key, shape in inputs.items()}
    given["batch", "push.y"] = np.zeros((SAMPLES, STEPS, UNITS))
    found = {name: evaluate(program, given) for name, program in rows.items()}
    inside, peer = (
        found[name][rows[name].output(key)]
        for name, key in (("watched", "gradient:scan/sum.y"), ("peer", "gradient:push.y"))
    )
    assert inside.shape == (SAMPLES, STEPS, UNITS)
    of_part = found["watched"][rows["watched"].output("gradient:scan/wh.y")]
    np.testing.assert_array_equal(of_part, inside)
    assert np.abs(peer).max() > 1e-3
    np.testing.assert_allclose(inside, peer, rtol=1e-12, atol=1e-15)
    for output, value in rows["run"].outputs:
        same = found["watched"][rows["watched"].output(output)]
        np.testing.assert_array_equal(found["run"][value], same)
    if not ends:  # else the state also passes by what has ended
        state = found["watched"][rows["watched"].output("gradient:scan/h.y")]
        weight = given["param", "scan/wh/weight"]
        np.testing.assert_allclose(state, inside @ weight, rtol=1e-12, atol=1e-15)
    assert {"scan/sum.y", "scan/act.y", "scan/h.y"} <= Model(plain).reached(Model(plain).phases[0])


@pytest.mark.parametrize("device", DEVICES)
def test_gradients_in_a_cell_in_a_cell(device: str) -> None:
    """They are those of numbers added there at every step of both walks."""
    model, peer = Model(nested()), Model(nested(pushed=True))
    names = [f"gradient:scan/row/{name}.y" for name in ("sum", "wx", "h", "act")]
    assert all(map(model.can_watch, names))
    assert {name.partition(":")[2] for name in names} <= model.reached(model.phases[0])
    push = "gradient:push.y"
    shape = (SAMPLES, STEPS, FEATURES, UNITS)
    data = numbers({"x.y": (SAMPLES, STEPS, FEATURES), "goal.y": (SAMPLES, STEPS, UNITS)}, 5)
    index, found = np.arange(SAMPLES)[None], []
    for one, watch in ((model, frozenset(names)), (peer, frozenset({push}))):
        plan = make_plan(one, device, seed=3)
        given = data | ({"push.y": np.zeros(shape)} if one is peer else {})
        scalars = host_scalars(one.live, 0, 1)
        found.append(plan.run("train/0", given, index, scalars, watch).arrays | plan.read())
        plan.close()
    inside, outside = found
    assert np.abs(outside[push]).max() > 1e-4
    close = {"rtol": 1e-11, "atol": 1e-15}
    np.testing.assert_allclose(inside[names[0]], outside[push], **close)
    np.testing.assert_array_equal(inside[names[1]], inside[names[0]])
    assert inside[names[2]].shape == inside[names[3]].shape == shape
    for key in set(inside) & set(outside):
        np.testing.assert_allclose(inside[key], outside[key], **close)


@pytest.mark.parametrize("device", DEVICES)
def test_each_step_drops_others(device: str) -> None:
    """Noise in a cell is fresh at every step, and the gradient sees the same."""
    nodes = {"x": op("Input"), "drop": op("Dropout", p=0.5), "y": op("Output")}
    cell = draw(nodes, "x.y>drop.x drop.y>y.x")
    nodes = {"x": op("Input", shape=(6, 50)), "goal": op("Input", shape=(6, 50)), "scan": scan()}
    nodes |= {"scale": op("Dense", units=50, bias=False, init="identity")}
    nodes |= {"loss": op("MeanSquaredError"), "sgd": op("SGD", learning_rate=1.0)}
    wires = """x.y>scan.x scan.y>scale.x scale.y>loss.prediction goal.y>loss.target
        loss.loss>sgd.loss"""
    model = Model(using(draw(nodes, wires), cell=cell))
    name = "value:scan.y"
    program = expand_composites(model.program("train/0", 2, frozenset({name})))
    ones = np.ones((2, 6, 50))
    given: dict[tuple[str, str], Array] = {("batch", "x.y"): ones, ("batch", "goal.y"): ones}
    given["param", "scale/weight"] = np.eye(50)
    given["live", "sgd/learning_rate"] = np.array(1.0)
    given["live", "scan/drop/p"] = np.array(0.5)
    given["iteration", "step"] = np.array(3.0)
    needed = {(i.kind, i.key): given[i.kind, i.key] for i in program.inputs}
    made = evaluate(program, needed)[program.output(name)]
    assert set(np.unique(made)) == {0.0, 2.0}
    kept = made.transpose(1, 0, 2).reshape(6, -1) > 0
    assert all((kept[a] != kept[b]).any() for a in range(6) for b in range(a))
    plan = make_plan(model, device)
    data = {"x.y": ones, "goal.y": ones}
    np.testing.assert_array_equal(outputs(model, plan, data)["prediction"], ones)
    plan.close()
