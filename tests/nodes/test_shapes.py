"""Every sample of every node type builds; every bad one is refused in the promised words."""

from __future__ import annotations

import numpy as np
import pytest

from graph.op import Bad, Op, Sample, SettingError
from graph.program import ShapeError
from graph.trace import _port_of
from tests.nodes.harness import build, layer_types, samples

GOOD, BAD = samples(), samples(bad=True)


@pytest.mark.parametrize("op", layer_types(), ids=lambda op: op.__name__)
def test_node_type_has_samples(op: type[Op]) -> None:
    """A node type without samples would be tested by nothing."""
    assert any(not isinstance(sample, Bad) for sample in op.samples)


@pytest.mark.parametrize("case", GOOD)
@pytest.mark.parametrize("mode", ["train", "evaluate"])
def test_values_have_the_inferred_shapes(case: str, mode: str) -> None:
    """What the shape rules say is what the arithmetic gives, and it is finite."""
    built = build(*GOOD[case], mode)
    for port, value in built.forward().items():  # nothing for an Output
        expected = built.outputs.get(port)
        assert np.isfinite(value).all()
        if expected is not None:
            assert value.shape == expected.shape


@pytest.mark.parametrize("case", GOOD)
def test_modes_agree_on_shapes(case: str) -> None:
    """Training and evaluation give the same types at every port."""
    trained, evaluated = (build(*GOOD[case], mode) for mode in ("train", "evaluate"))
    types = [{p: t.type for p, t in b.outputs.items()} for b in (trained, evaluated)]
    assert types[0] == types[1]


@pytest.mark.parametrize("case", BAD)
def test_bad_sample_is_refused(case: str) -> None:
    """The refusal says what was found, what was expected, and through which port it came."""
    op_type, sample = BAD[case]
    assert isinstance(sample, Bad)
    with pytest.raises((ShapeError, SettingError)) as caught:
        build(op_type, sample)
    error, text = caught.value, str(caught.value)
    assert sample.says in text
    assert "found " in text
    assert ", expected " in text
    assert "\n" not in text
    if isinstance(error, ShapeError):
        op = op_type(**sample.settings)
        wires = [w for port in op.ports_in() for w in sample.types().get(port.name, [None])]
        assert 0 <= error.operand < len(wires)
        assert error.remedy


def test_refusal_names_the_port_of_the_second_operand() -> None:
    """A target that does not fit is refused at `target`, not at `prediction`."""
    op = next(op for op in layer_types() if op.__name__ == "CrossEntropy")
    with pytest.raises(ShapeError) as caught:
        build(op, Sample({"prediction": (4, 3), "target": (4, 1)}, {}))
    built = [object(), object()]
    assert _port_of(op().ports_in(), built, caught.value.operand) == "target"  # type: ignore[arg-type]
