"""Swapping a model for a wider one while it trains: nothing it computes changes at the swap."""

from collections.abc import Mapping

import numpy as np
import pytest

from compute.backend import Array
from compute.batches import Batches
from compute.control import Control, Swap
from compute.data import Folder, load_samples
from compute.events import Finished, Progress, Swapped
from compute.split import split
from compute.train import Job, train
from compute.widen import overlap
from graph.lower import Model
from tests.support.small_graphs import DEVICES, make_plan, moons, outputs


def widened(arrays: Mapping[str, Array], units: int) -> dict[str, Array]:
    """Layer `hidden` with more units, read by `top`: new ones copy old ones, and whoever reads a
    copied unit shares its weight among the copies (Net2Net, Chen et al. 2016).
    """
    weight, reader = arrays["param:hidden/weight"], arrays["param:top/weight"]
    source = np.arange(units) % len(weight)
    copies = np.bincount(source)[source]
    return {
        "param:hidden/weight": weight[source],
        "param:hidden/bias": arrays["param:hidden/bias"][source],
        "param:top/weight": reader[:, source] / copies,
    }


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("units", [12, 16])
def test_outputs_are_unchanged_by_the_swap(device: str, units: int, tmp_path) -> None:
    """From 8 units to 12 or 16 in the middle of an epoch; then training goes on to its end."""
    small, wide = (Model(moons(units=u, precision="float64")) for u in (8, units))
    plan, other = make_plan(small, device, seed=1), make_plan(wide, device, seed=2)
    samples = load_samples(small.data_nodes, Folder(tmp_path))
    data = samples.prepare({}, np.float64)
    parts = split(samples.count, samples.labels(), small.graph.training.split)
    batches = Batches(parts.train, 10, 7)
    job = Job(small, plan, data, parts, batches, 3, dict(small.live), 7)
    control = Control()
    events = train(job, control)
    while job.position.step < 3:
        next(events)
    before = outputs(small, plan, data)["prediction"]
    arrays = plan.read()
    control.swap(Swap(wide, other, widened(arrays, units)))
    step = next(event for event in events if not isinstance(event, Progress))
    assert isinstance(step, Swapped)
    after = outputs(wide, job.plan, data)["prediction"]
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-14)
    kept = job.plan.read()
    assert np.array_equal(kept["param:top/bias"], arrays["param:top/bias"])
    assert np.array_equal(kept["slot:adam/m/top/bias"], arrays["slot:adam/m/top/bias"])
    assert kept["param:hidden/weight"].shape == (units, 2)
    *_, last = events
    assert isinstance(last, Finished)
    assert last.step == job.steps
    assert last.metrics["loss"] < job.losses.values[0]
    job.plan.close()


@pytest.mark.parametrize("device", DEVICES)
def test_units_added_at_the_end_change_no_output(device: str, tmp_path) -> None:
    """The old units stay, new ones begin fresh and unread; fewer units keep the first ones."""
    models = {units: Model(moons(units=units, precision="float64")) for units in (8, 12, 5)}
    plans = {units: make_plan(model, device, seed=units) for units, model in models.items()}
    samples = load_samples(models[8].data_nodes, Folder(tmp_path))
    data = samples.prepare({}, np.float64)
    old, fresh = plans[8].read(), plans[12].read()
    same = {name: v for name, v in old.items() if fresh[name].shape == v.shape}
    plans[12].write(same | overlap(old, fresh))
    before = outputs(models[8], plans[8], data)["prediction"]
    after = outputs(models[12], plans[12], data)["prediction"]
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-14)
    wide = plans[12].read()
    assert np.array_equal(wide["param:hidden/weight"][8:], fresh["param:hidden/weight"][8:])
    assert np.array_equal(wide["param:top/weight"][:, :8], old["param:top/weight"])
    assert not wide["param:top/weight"][:, 8:].any()
    narrow = overlap(old, plans[5].read())
    assert np.array_equal(narrow["param:hidden/weight"], old["param:hidden/weight"][:5])
    assert set(narrow) == {n for n, v in plans[5].read().items() if v.shape != old[n].shape}
    for plan in plans.values():
        plan.close()
