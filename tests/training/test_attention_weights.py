"""The weights of attention nodes, against what the engine makes of them and against PyTorch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from compute.answers import answer
from compute.attention import operands, weights
from compute.prepare import TrainOptions
from compute.questions import Maps, SampleMaps
from compute.session import open_new
from graph.files import load
from graph.lower import Model
from graph.ops.attention import MultiHeadAttention, ScaledDotProductAttention
from resources import example_path

BLOCK = "blocks/1/attention1"


@pytest.mark.parametrize("example", ["reverse-sequence", "char-transformer"])
def test_weighted_values_are_what_the_node_gives(tmp_path: Path, example: str) -> None:
    file = example_path(example)
    options = TrainOptions("cpu", 1, workspace=tmp_path / "w", folder=file.parent)
    session = open_new(load(file), options)
    names = (
        f"attention:{BLOCK}",
        "value:blocks/1/norm1.y",
        f"value:{BLOCK}.y",
        "attention:letters",
    )
    found = answer(Maps(3, names), session.job, session.loaded)
    arrays = session.job.plan.read()
    session.close()
    assert isinstance(found, SampleMaps)
    assert found.maps.keys() == set(names[:3])
    shown = found.maps[names[0]]
    op = session.job.model.nodes[BLOCK].op
    assert isinstance(op, MultiHeadAttention)
    steps = shown.shape[1]
    assert shown.shape == (op.heads, steps, steps)
    assert len(shown.tiles) == op.heads
    if example == "char-transformer":
        assert op.causal
        assert not np.triu(shown.tiles[0], 1).any()
        return  # too many numbers to travel
    own, x, y = (found.maps[n].values.reshape(found.maps[n].shape) for n in names[:3])
    width = x.shape[1]
    part = {n: arrays[f"param:{BLOCK}/{n}"] for n in ("in_proj_weight", "in_proj_bias")}
    v = x @ part["in_proj_weight"][2 * width :].T + part["in_proj_bias"][2 * width :]
    v = v.reshape(steps, op.heads, -1).transpose(1, 0, 2)
    mixed = (own @ v).transpose(1, 0, 2).reshape(steps, width)
    made = mixed @ arrays[f"param:{BLOCK}/out_proj_weight"].T
    assert np.allclose(made + arrays[f"param:{BLOCK}/out_proj_bias"], y, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("other", [6, 8])
def test_they_are_those_of_pytorch(causal: bool, other: int) -> None:
    torch.manual_seed(0)
    x, context = torch.randn(5, 8), torch.randn(4, other)
    node = nn.MultiheadAttention(8, 2, kdim=other, vdim=other, batch_first=True)
    mask = torch.ones(5, 4, dtype=torch.bool).triu(1) if causal else None
    hidden = (torch.arange(4) >= 3)[None]
    _, expected = node(
        x[None],
        context[None],
        context[None],
        attn_mask=mask,
        key_padding_mask=hidden,
        average_attn_weights=False,
    )
    params = {name.replace(".", "_"): p.detach().numpy() for name, p in node.named_parameters()}
    given = {"x": x.numpy(), "context": context.numpy(), "length": np.array(3)}
    found = weights(MultiHeadAttention(heads=2, causal=causal), given, params)
    assert np.allclose(found, expected[0].detach().numpy(), atol=1e-6)


def test_bare_attention_takes_its_own_scale() -> None:
    q, k = np.eye(2), np.array([[1.0, 0.0], [0.0, 1.0]])
    given = {"q": q, "k": k, "v": k}
    found = weights(ScaledDotProductAttention(scale=np.log(3.0)), given, {})
    assert np.allclose(found, [[[0.75, 0.25], [0.25, 0.75]]])


def test_there_are_none_of_other_or_bypassed_nodes() -> None:
    graph = load(example_path("reverse-sequence"))
    assert operands(Model(graph), f"attention:{BLOCK}") == {"x": "value:blocks/1/norm1.y"}
    assert operands(Model(graph), "attention:letters") == {}
    assert operands(Model(graph), f"value:{BLOCK}.y") == {}
    block = graph.definitions["TransformerEncoderBlock"]
    block.set_node(replace(block.node("attention1"), bypassed=True))
    assert operands(Model(graph), f"attention:{BLOCK}") == {}
