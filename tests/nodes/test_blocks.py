"""The shipped blocks are what their script makes, and compute what PyTorch's layers compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

import resources
from compute.backend import Array
from compute.reference import evaluate
from graph import exposed
from graph.clipboard import paste
from graph.edits import AddNode, Batch, Connect
from graph.files import dumps
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.simplify import expand_composites
from tests.nodes.peer import double_precision, torch
from tests.support.small_graphs import op
from tools import make_blocks

LAYERS = {"TransformerEncoderLayer": "encoder", "TransformerDecoderLayer": "decoder"}
# our names of weights -> PyTorch's, by the first part
NORMS = {f"norm{k}": f"norm{k}" for k in (1, 2, 3)}
NAMES = NORMS | {
    "attention1": "self_attn",
    "attention2": "multihead_attn",
    "widen": "linear1",
    "narrow": "linear2",
}


@pytest.mark.parametrize("name", resources.blocks())
def test_the_files_are_what_the_script_makes(name: str) -> None:
    """Nobody edited a block by hand; every block has its file."""
    made = dict(make_blocks.blocks())
    assert resources.block(name) == dumps(made[name])
    assert set(made) == set(resources.blocks())


def inserted(name: str, width: int) -> tuple[Graph, list[str]]:
    """A graph that has a block between inputs and an output; the names of its inputs."""
    drawn = Graph()
    paste(drawn, resources.block(name)).apply(drawn)
    ports = [port.name for port in drawn.ports_in("block")]
    steps = {port: 5 + place for place, port in enumerate(ports)}
    Batch(
        (
            *(AddNode(Node(p, op("Input", shape=(steps[p], width)))) for p in ports),
            AddNode(Node("out", op("Output"))),
            *(Connect(Wire(port, "y", "block", port)) for port in ports),
            Connect(Wire("block", "y", "out", "x")),
        )
    ).apply(drawn)
    return drawn, ports


def numbers(drawn: Graph) -> tuple[dict[tuple[str, str], Array], Array]:
    """Random numbers for all that the model reads, by kind and key; what it makes of them."""
    model, rng = Model(drawn), np.random.default_rng(3)
    program = expand_composites(model.program("predict", 2))
    given = {
        (one.kind, one.key): rng.normal(size=program.types[one.value].shape)
        for one in program.inputs
    }
    return given, evaluate(program, given)[program.output("outputs/out")]


def weights(given: Mapping[tuple[str, str], Array]) -> dict[str, object]:
    """The weights of a block by PyTorch's names."""
    found = {}
    for (kind, key), array in given.items():
        if kind == "param":
            _, node, name = key.split("/")
            name = name.replace("out_proj_", "out_proj.")
            found[f"{NAMES[node]}.{name}"] = torch.tensor(array)
    return found


@pytest.mark.parametrize(
    ("width", "heads", "hidden"),
    [(4, make_blocks.HEADS, 4 * make_blocks.TIMES), (64, make_blocks.HEADS, 256), (6, 3, 7)],
)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_block_is_pytorchs_layer(layer: str, width: int, heads: int, hidden: int) -> None:
    """With its norms first, without dropout: the same weights, the same numbers."""
    kind = LAYERS[layer]
    drawn, ports = inserted(f"transformer-{kind}", width)
    values = {"heads": heads, "hidden units": hidden}
    if values != {"heads": make_blocks.HEADS, "hidden units": make_blocks.TIMES * width}:
        block = drawn.node("block")
        drawn.set_node(replace(block, op=exposed.given(drawn, block.op, values)))
    given, found = numbers(drawn)
    with double_precision():
        peer = getattr(torch.nn, layer)(
            width,
            heads,
            hidden,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        peer.load_state_dict(weights(given))
        operands = [torch.tensor(given["batch", f"{port}.y"]) for port in ports]
        masks = {"tgt_mask": torch.ones(5, 5, dtype=torch.bool).triu(1)} if len(ports) > 1 else {}
        expected = peer(*operands, **masks).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def between(name: str, shape: tuple[int, ...]) -> Graph:
    """A block behind an input of samples of this shape."""
    drawn = Graph()
    paste(drawn, resources.block(name)).apply(drawn)
    parts = {"in": op("Input", shape=shape), "out": op("Output")}
    wires = (Wire("in", "y", "block", "x"), Wire("block", "y", "out", "x"))
    Batch((*(AddNode(Node(*p)) for p in parts.items()), *map(Connect, wires))).apply(drawn)
    return drawn


@pytest.mark.parametrize(
    ("name", "shape", "made"),
    [
        ("residual-dense", (6,), (6,)),
        ("residual-dense", (3, 10), (3, 10)),
        ("residual-convolution", (3, 5, 4), (3, 5, 4)),
        ("residual-convolution", (16, 1, 1), (16, 1, 1)),
        ("convolution", (3, 5, 4), (32, 5, 4)),
    ],
)
def test_a_block_takes_inputs_of_any_width(
    name: str, shape: tuple[int, ...], made: tuple[int, ...]
) -> None:
    """Past the layers goes what comes in, so that without them a residual block changes nothing."""
    model = Model(between(name, shape))
    program = expand_composites(model.program("predict", 2))
    assert program.types[program.output("outputs/out")].shape == (2, *made)
    if not name.startswith("residual"):
        return
    given = {
        (one.kind, one.key): np.full(program.types[one.value].shape, float(one.kind == "state"))
        for one in program.inputs
    }
    given["batch", "in.y"] = np.random.default_rng(3).uniform(0.0, 1.0, (2, *shape))
    found = evaluate(program, given)[program.output("outputs/out")]
    np.testing.assert_array_equal(found, given["batch", "in.y"])
