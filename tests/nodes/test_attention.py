"""What attention sees: nothing later, nothing hidden, nothing at all; ports that stay free."""

from __future__ import annotations

import numpy as np
import pytest

from compute.backend import Array
from graph.export import export
from graph.graph import Graph
from graph.infer import infer
from graph.op import REGISTRY, Given, Sample, labels
from graph.ops.attention import MultiHeadAttention
from graph.program import TensorType
from tests.nodes.harness import Case, build
from tests.support.small_graphs import draw, op

STEPS, FEATURES = 5, 4


def self_attention(lengths: list[int] | None = None, **settings: object) -> Case:
    """Multi-head attention of three sequences with themselves."""
    inputs: dict[str, Given | list[Given]] = {"x": (3, STEPS, FEATURES)}
    if lengths:
        inputs["length"] = labels(3)
    built = build(REGISTRY["MultiHeadAttention"], Sample(inputs, {"heads": 2, **settings}))
    if lengths:
        built.values["length.0"] = np.array(lengths)
    return built


def changed(built: Case, step: int) -> Array:
    """Steps of each result that are another when step `step` of x is."""
    before = built.forward()["y"]
    x = built.values["x.0"].copy()
    x[:, step] += 1.0
    after = built.run(built.outputs, {"x.0": x})["y"]
    return np.asarray((before != after).any(-1))


def test_a_causal_step_sees_nothing_later() -> None:
    """A change at step 2 changes the results from step 2 on; without `causal` all of them."""
    assert changed(self_attention(causal=True), 2).tolist() == [[False] * 2 + [True] * 3] * 3
    assert changed(self_attention(), 2).all()


def test_hidden_steps_are_not_seen() -> None:
    """A change of a step behind the length changes the result at that step only."""
    found = changed(self_attention([5, 3, 2]), 3)
    assert found[0].all()
    assert found[1:].tolist() == [[False, False, False, True, False]] * 2


def test_a_sequence_without_steps_gives_the_offset_alone() -> None:
    """Length 0 is no NaN, forwards or backwards: nothing is seen, and nothing flows back."""
    built = self_attention([0, 5, 2], causal=True)
    y = built.forward()["y"]
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y[0], np.tile(built.values["out_proj_bias"], (STEPS, 1)))
    built.objective()
    gradients = built.gradients()
    assert all(np.isfinite(part).all() for part in gradients.values())
    assert not gradients["x.0"][0].any()
    assert gradients["x.0"][1].all()


def test_scores_of_thousands_do_not_overflow() -> None:
    """The largest score wins; the others get nothing."""
    built = build(
        REGISTRY["ScaledDotProductAttention"],
        Sample({"q": (1, 2, 1), "k": (1, 3, 1), "v": (1, 3, 1)}, {}),
    )
    built.values |= {
        "q.0": np.array([[[1e3], [-1e3]]]),
        "k.0": np.array([[[1.0], [2.0], [-3.0]]]),
        "v.0": np.array([[[5.0], [6.0], [7.0]]]),
    }
    assert built.forward()["y"].ravel().tolist() == [6.0, 7.0]


def test_weights_have_the_names_of_pytorch() -> None:
    """One matrix for three projections, three where the context has another width."""
    kind = MultiHeadAttention(heads=2)
    x = TensorType((2, 3, 4))
    alone = kind.params(x)
    assert {name: param.shape for name, param in alone.items()} == {
        "in_proj_weight": (12, 4),
        "in_proj_bias": (12,),
        "out_proj_weight": (4, 4),
        "out_proj_bias": (4,),
    }
    crossed = kind.params(x, TensorType((2, 5, 6)))
    assert crossed["q_proj_weight"].shape == (4, 4)
    assert crossed["k_proj_weight"].shape == crossed["v_proj_weight"].shape == (4, 6)
    assert kind.params(x, TensorType((2,), "int")) == alone


def test_free_ports_say_so_in_the_refusal() -> None:
    """A refusal names the port it came through, free ports before it or not."""
    kind = MultiHeadAttention()
    refusal = infer(kind, (TensorType((2, 3, 4)), None, TensorType((2, 3), "int"), None)).refusal
    assert getattr(refusal, "operand", -1) == 2


def drawn() -> Graph:
    """A sequence that looks at itself and at another."""
    nodes = {
        "x": op("Input", shape=(3, 4)),
        "other": op("Input", shape=(5, 6)),
        "own": op("MultiHeadAttention", heads=2, causal=True),
        "cross": op("MultiHeadAttention", heads=2),
        "out": op("Output"),
    }
    return draw(nodes, "x.y>own.x own.y>cross.x other.y>cross.context cross.y>out.x")


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        (
            "pytorch",
            (
                "self.own = nn.MultiheadAttention(4, 2, batch_first=True)",
                "self.cross = nn.MultiheadAttention(4, 2, kdim=6, vdim=6, batch_first=True)",
                "self.cross(x, other, other, need_weights=False)[0]",
            ),
        ),
        ("numpy", ("causal=True,", "def attention(q, k, v, causal=False")),
    ],
)
def test_the_export_reads_as_one_writes_it(target: str, lines: tuple[str, ...]) -> None:
    """A module and its call in PyTorch, one function in NumPy."""
    text = export(drawn(), target)  # type: ignore[arg-type]
    for line in lines:
        assert line in text
    assert max(map(len, text.splitlines())) <= 100


def test_cost_counts_the_products() -> None:
    """Multiplications and additions of scores and values, two products of T·S·d."""
    q = TensorType((2, 8, 4))
    found = infer(REGISTRY["ScaledDotProductAttention"](), (q, q, q, None, None))
    assert found.flops == 2 * (2 * 8 * 8 * 4)
