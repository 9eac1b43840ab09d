"""The process that foretells costs: what it answers, without measuring this machine."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from compute.backend import PlanOptions
from compute.cpu.costs import store
from compute.cpu.costs.rates import Calibration, Teamwork, write
from compute.cpu.costs.work import OTHER
from compute.cpu.plan import CpuPlan
from compute.cpu.variants import native
from compute.data.source import Folder
from compute.foreseen import Foreseen, Measuring, Request, answer_line, read_answer
from compute.foresight import answer, foresee
from compute.prepare import Report, load_graph, silent
from graph.edits import Disconnect, SetOp
from graph.files import dumps, load
from graph.graph import Graph
from graph.ops.conv import Conv2d
from resources import example_path

REACH = ((1 << 15, 1e-13), (1 << 20, 2e-11), (1 << 24, 8e-11))


def machine() -> Calibration:
    """A machine of which little is known."""
    team = Teamwork(1.0, 0.0, 0.0, REACH)
    rates = {OTHER: {"vectors": 1e-9, "flops": 1e-10, "chunks": 1e-8}}
    return Calibration(rates, {1: team, 2: team}, 2e-5, 1e-3, 100_000_000, 10_000)


def request(name: str, *, reads: bool = False, measures: bool = True) -> Request:
    """For a shipped example."""
    path = Path(example_path(name))
    return Request(load(path), path.parent, frozenset(), reads, measures)


def answers(asked: Request) -> list[Foreseen | Measuring]:
    """All that comes back, as another process reads it."""
    out = io.StringIO()
    answer(Request.from_line(asked.to_line()), out)
    return [read_answer(line) for line in out.getvalue().splitlines()]


def test_the_plans_and_their_sum_are_foretold() -> None:
    """A step on one thread is all lines of its phases; each node has what its lines have."""
    found = foresee(request("digits-cnn"), machine())
    assert found.costs is not None
    train = next(table for table in found.tables if table.entry == "train/0")
    assert train.batch == found.costs.batch == 64
    assert found.costs.alone == pytest.approx(sum(line.predicted or 0 for line in train.lines))
    own = [line.predicted or 0 for line in train.lines if line.path == "conv2"]
    assert sum(own) > 0
    assert found.costs.seconds_of("conv2") == pytest.approx(sum(own))
    assert found.costs.epoch is not None
    assert [table.entry for table in found.tables] == ["train/0", "evaluate"]


def test_nothing_is_lost_between_the_processes() -> None:
    """Neither of what is asked nor of what is answered; half a line is no answer."""
    asked = replace(request("residual-deep", reads=True), allowed=frozenset({Path("/a b/ü.csv")}))
    again = Request.from_line(asked.to_line())
    assert dumps(again.graph, exact=True) == dumps(asked.graph, exact=True)
    assert replace(again, graph=asked.graph) == asked
    found = foresee(request("digits-cnn"), machine())
    back = read_answer(answer_line(found))
    assert isinstance(back, Foreseen)
    assert back.costs == found.costs
    assert [table.lines for table in back.tables] == [table.lines for table in found.tables]
    with pytest.raises(json.JSONDecodeError):
        read_answer(answer_line(found)[:100])


def test_it_plans_what_a_run_will_run() -> None:
    """The same steps and the same memory as the plan of a run."""
    asked = request("digits-cnn")
    found = foresee(asked, machine())
    loaded = load_graph(asked.graph, Folder(asked.folder))
    plan = CpuPlan(loaded.model, PlanOptions(), silent)
    planned = plan.planned("train/0", 64).planned
    lines = found.tables[0].lines
    assert [line.kernel for line in lines] == [step.kernel for step in planned.steps()]
    assert found.costs is not None
    parts = ("parameters", "gradients", "optimizer", "states")
    assert sum(found.costs.memory[part] for part in parts) <= plan.engine.persistent.size
    assert found.costs.memory["work space"] >= planned.transient


def test_fast_convolutions_are_foretold_as_such() -> None:
    """Where the graph asks for them: by the kernels that will run."""
    kernels = []
    for fast in (False, True):
        asked = request("digits-cnn")
        for id in ("conv1", "conv2"):
            SetOp(id, Conv2d(filters=64)).apply(asked.graph)
        asked.graph.training = replace(asked.graph.training, fast_convolution=fast)
        found = foresee(asked, machine())
        kernels.append({line.kernel for line in found.tables[0].lines})
    assert "winograd_conv" not in kernels[0]
    assert "winograd_conv" in kernels[1]


def test_an_instance_has_all_that_is_inside() -> None:
    """And no node takes what only begins with its name."""
    costs = foresee(request("residual-deep"), machine()).costs
    assert costs is not None
    inside = [n for n in costs.nodes if n.path.startswith("residual_layers/")]
    assert len(inside) > 20
    whole = sum(sum(node.seconds.values()) for node in inside)
    assert costs.seconds_of("residual_layers") == pytest.approx(whole)
    assert costs.seconds_of("residual_layer") == 0


def test_a_file_is_not_read_before_somebody_ran_the_graph() -> None:
    """Then steps and memory are foretold, epochs are not."""
    unread, read = (foresee(request("char-lstm", reads=r), machine()).costs for r in (False, True))
    assert unread is not None
    assert read is not None
    assert unread.step == read.step
    assert (unread.epoch, unread.run, unread.memory["data"]) == (None, None, 0)
    assert read.epoch is not None
    assert read.memory["data"] > 0
    assert read.own > unread.own


def test_a_graph_that_cannot_run_has_a_reason(tmp_path: Path) -> None:
    """No optimizer; data that is not there; steps of all samples of data that was not read."""
    empty = Request(Graph(), tmp_path, frozenset(), False, True)
    assert "optimizer" in foresee(empty, machine()).why
    missing = replace(request("table-regression", reads=True), folder=tmp_path)
    found = foresee(missing, machine())
    assert found.costs is None
    assert "diabetes.csv" in found.why
    cut = request("moons-mlp")
    Disconnect(cut.graph.wires()[0]).apply(cut.graph)
    assert foresee(cut, machine()).why


def test_the_machine_is_measured_when_it_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once, and people are told before; never when a run may be disturbed."""
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path))
    measured = []

    def measure(report: Report, before: Calibration | None) -> Calibration:
        measured.append(report)
        write(store.place(native()), machine())
        return machine()

    monkeypatch.setattr(store, "measure", measure)
    (told,) = answers(request("moons-mlp", measures=False))
    assert told == Foreseen(unmeasured=True)
    first, second = answers(request("moons-mlp"))
    assert isinstance(first, Measuring)
    assert isinstance(second, Foreseen)
    assert second.costs is not None
    (third,) = answers(request("moons-mlp"))
    assert isinstance(third, Foreseen)
    assert third.costs == second.costs
    assert len(measured) == 1


def test_a_machine_that_cannot_be_measured_has_no_forecast(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The process goes on."""
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path))

    def fail(report: Report, before: Calibration | None) -> Calibration:
        raise store.CalibrationError("no")

    monkeypatch.setattr(store, "measure", fail)
    assert answers(request("moons-mlp")) == [Measuring(), Foreseen(unmeasured=True)]


@pytest.mark.parametrize(
    ("share", "tries", "load", "again"),
    [(0.95, 1, 0.1, False), (0.5, 1, 0.1, True), (0.5, 1, 9.0, False), (0.5, 3, 0.1, False)],
    ids=["was quiet", "is quiet", "is busy", "was tried often"],
)
def test_what_others_disturbed_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, share: float, tries: int, load: float, again: bool
) -> None:
    """Once they are quiet, and not for ever."""
    monkeypatch.setattr(store, "cores", lambda: 4)
    monkeypatch.setattr(store, "system_load", lambda: load)
    known = replace(machine(), share={1: 1.0, 2: share}, tries=tries)
    assert store.disturbed(known) == again


def test_the_measuring_that_was_disturbed_less_is_kept() -> None:
    """Whichever came first, and how often it was tried is counted."""
    calm, other = (replace(machine(), share={1: 1.0, 2: share}, call=share) for share in (0.9, 0.4))
    for before, now in ((calm, other), (other, calm)):
        assert store.steadier(before, now) == replace(calm, tries=2)
