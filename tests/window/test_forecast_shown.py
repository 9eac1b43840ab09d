"""What training will cost, shown before anything runs and kept up with what is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from compute.backend import PlanStep
from compute.cpu.costs import store
from compute.cpu.costs.rates import Calibration, Teamwork, write
from compute.cpu.costs.work import OTHER
from compute.cpu.variants import native
from compute.foreseen import Costs, Foreseen, NodeCost
from compute.questions import PlanLines
from graph.edits import Connect, Disconnect, SetOp, SetTraining
from gui import cost_text
from gui.app import App
from gui.docks.plan import PlanPage
from gui.docks.plan_rows import by_node
from gui.document import Document
from gui.inspector.facts import graph_facts, node_facts
from gui.run.forecaster import Forecaster
from gui.statusbar import StatusBar
from gui.training.bar import TrainingBar
from tests.window.test_warmer import gone

REACH = ((1 << 15, 1e-13), (1 << 20, 2e-11), (1 << 24, 8e-11))
PASSES = {"forward": 2e-4, "backward": 4e-4, "update": 0.0}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which this machine's rates are kept, all the same and made up."""
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path))
    team = Teamwork(1.0, 0.0, 0.0, REACH)
    rates = {OTHER: {"vectors": 1e-9, "flops": 1e-10, "chunks": 1e-8}}
    known = Calibration(rates, {1: team, 2: team}, 2e-5, 1e-3, 100_000_000, 10_000)
    write(store.place(native()), known)
    return tmp_path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without kernels and rates: measuring begins with compiling, which takes long."""
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path))
    return tmp_path


def told() -> Foreseen:
    """The forecast of an example, made up."""
    nodes = (
        NodeCost("digits.image", 0, 100, {"forward": 1e-4, "backward": 0.0, "update": 0.0}),
        NodeCost("hidden", 1000, 100, PASSES),
        NodeCost("adam", 10, 100, {"forward": 0.0, "backward": 0.0, "update": 3e-4}),
    )
    memory = {"parameters": 3_000_000, "work space": 2_000_000, "process": 100_000_000}
    costs = Costs(nodes, 32, 2, 6e-4, 0.025, 0.5, memory)
    lines = tuple(
        PlanStep(k, node.path, "gemm", ("4×4",), node.bytes, node.flops, None, seconds)
        for k, (node, seconds) in enumerate(
            (node, s) for node in nodes for s in node.seconds.values() if s
        )
    )
    tables = [
        PlanLines(0, name, 32, ("train/0", "evaluate"), lines) for name in ("train/0", "evaluate")
    ]
    return Foreseen(costs, tuple(tables))


def change(document: Document, id: str, **settings: float) -> None:
    """Give a node other settings."""
    document.push(SetOp(id, replace(document.graph.node(id).op, **settings)))


def foretold(app: App) -> Costs:
    """The forecast of the document that is shown."""
    found = app.forecasts.costs(app.desk.current)
    assert found is not None
    return found


def test_a_forecast_follows_what_is_drawn(qtbot: QtBot, app: App, measured: Path) -> None:
    """Wider layers take longer; without a wire there is none; with it there is again."""
    document = app.desk.open_example("digits-mlp")
    forecaster = Forecaster(app)
    forecaster.start()
    qtbot.waitUntil(lambda: app.forecasts.costs(document) is not None, timeout=60_000)
    before = foretold(app)
    change(document, "hidden", units=1024)
    qtbot.waitUntil(lambda: foretold(app) != before, timeout=60_000)
    wide = foretold(app)
    assert wide.seconds_of("hidden") > 3 * before.seconds_of("hidden")
    assert wide.memory["parameters"] > 7 * before.memory["parameters"]
    document.push(SetTraining(replace(document.graph.training, epochs=1000)))
    qtbot.waitUntil(lambda: foretold(app) != wide, timeout=60_000)
    assert foretold(app).step == pytest.approx(wide.step)
    wire = document.graph.wires_in("hidden")[0]
    document.push(Disconnect(wire))
    qtbot.waitUntil(lambda: app.forecasts.costs(document) is None, timeout=60_000)
    document.push(Connect(wire))
    qtbot.waitUntil(lambda: app.forecasts.costs(document) is not None, timeout=60_000)
    forecaster.stop()


def test_moving_a_node_asks_nothing(qtbot: QtBot, app: App, measured: Path) -> None:
    """Nor does a learning rate, which costs nothing."""
    document = app.desk.open_example("digits-mlp")
    forecaster = Forecaster(app)
    forecaster.start()
    qtbot.waitUntil(lambda: app.forecasts.costs(document) is not None, timeout=60_000)
    change(document, "adam", learning_rate=0.02)
    qtbot.waitUntil(lambda: not forecaster._soon.isActive())
    assert not forecaster._waiting
    change(document, "hidden", units=99)
    qtbot.waitUntil(lambda: forecaster._waiting)
    forecaster.stop()


def test_the_process_ends_with_the_window(qtbot: QtBot, app: App, measured: Path) -> None:
    """And so does its thread."""
    document = app.desk.open_example("digits-mlp")
    forecaster = Forecaster(app)
    forecaster.stop()  # before it began
    forecaster.start()
    qtbot.waitUntil(lambda: app.forecasts.costs(document) is not None, timeout=60_000)
    talk = forecaster._talk
    assert talk is not None
    assert talk._process is not None
    group = talk._process.pid
    forecaster.stop()
    assert not talk.is_alive()
    qtbot.waitUntil(lambda: gone(group), timeout=20_000)


def test_measuring_waits_until_it_is_quiet_and_gives_way_to_a_run(
    qtbot: QtBot, app: App, empty: Path
) -> None:
    """It begins again when the run has ended."""
    document, quiet = app.desk.open_example("moons-mlp"), [False]
    forecaster = Forecaster(app, lambda: quiet[0])
    forecaster.start()
    qtbot.waitUntil(lambda: app.forecasts.of(document).unmeasured, timeout=60_000)
    assert not forecaster.measuring
    quiet[0] = True
    forecaster.renew()
    qtbot.waitUntil(lambda: forecaster.measuring, timeout=60_000)
    assert forecaster._talk is not None
    assert forecaster._talk._process is not None
    group = forecaster._talk._process.pid
    app.trainer.device = "reference"  # which compiles nothing
    document.push(SetTraining(replace(document.graph.training, epochs=100_000)))
    app.trainer.run(document)
    qtbot.waitUntil(lambda: not forecaster.measuring and gone(group), timeout=60_000)
    app.trainer.device = "cpu"
    app.trainer.stop()
    qtbot.waitUntil(lambda: forecaster.measuring, timeout=60_000)
    forecaster.stop()


def test_a_process_that_fails_is_not_begun_for_ever(
    qtbot: QtBot, app: App, measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only another edit begins it once more."""
    monkeypatch.setattr("sys.executable", str(measured / "no such python"))
    app.desk.open_example("digits-mlp")
    forecaster = Forecaster(app)
    forecaster.start()
    qtbot.waitUntil(lambda: forecaster._failures == 3, timeout=60_000)
    assert not forecaster._waiting
    assert not forecaster._soon.isActive()
    forecaster.stop()


def test_the_bars_tell_it_before_a_run(qtbot: QtBot, app: App) -> None:
    """A step, an epoch and memory below; the whole run beside Run."""
    document = app.desk.open_example("digits-mlp")
    status, training = StatusBar(app), TrainingBar(app)
    for bar in (status, training):
        qtbot.addWidget(bar)
        bar.resize(1600, bar.height())
        bar.show()
    assert status.forecast.text() == ""
    app.forecasts.put(document, told())
    assert status.forecast.text() == "≈ 0.60 ms / step · 25 ms / epoch · 5.0 MB memory"
    tip = status.forecast.toolTip()
    assert "batch 32" in tip
    assert "hidden 60 %" in tip
    assert "process" not in tip
    assert training.progress.accessibleName().endswith("≈ 0.50 s")
    app.forecasts.put(document, Foreseen())
    assert status.forecast.text() == status.forecast.toolTip() == ""
    assert "≈" not in training.progress.accessibleName()


def test_the_inspector_tells_a_node_s_part(app: App) -> None:
    """All columns of a data node are its own; a node that takes no time tells nothing."""
    document = app.desk.open_example("digits-mlp")
    costs = told().costs
    told_of = {
        id: [
            f.value
            for f in node_facts(document, document.graph.node(id), costs)
            if f.name == "Time"
        ]
        for id in ("digits", "hidden", "loss")
    }
    assert told_of == {
        "digits": ["≈ 0.10 ms / step, 10 %"],
        "hidden": ["≈ 0.60 ms / step, 60 %"],
        "loss": [],
    }
    whole = {fact.name: fact.value for fact in graph_facts(document, costs)}
    assert (whole["Step"], whole["Epoch"], whole["Memory"]) == ("≈ 0.60 ms", "≈ 25 ms", "≈ 5.0 MB")
    assert "Step" not in {fact.name for fact in graph_facts(document)}


def test_the_profile_lists_nodes_before_a_run_and_measures_them_after(
    qtbot: QtBot, app: App
) -> None:
    """Predicted, then measured beside it; Steps shows each of them."""
    document = app.desk.open_example("digits-mlp")
    document.push(SetTraining(replace(document.graph.training, epochs=1)))
    page = PlanPage(app)
    qtbot.addWidget(page)
    page.show()
    assert "worked out" in page.empty.text()
    app.forecasts.put(document, told())
    assert page.stack.currentIndex() == 1
    assert [step.path for step in page.model.steps] == ["digits", "hidden", "adam"]
    assert [step.predicted for step in page.model.steps] == pytest.approx([1e-4, 6e-4, 3e-4])
    assert {step.seconds for step in page.model.steps} == {None}
    page.rows.setCurrentIndex(1)
    assert [step.path for step in page.model.steps].count("hidden") == 2
    page.rows.setCurrentIndex(0)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=120_000)
    qtbot.waitUntil(lambda: any(step.seconds for step in page.model.steps), timeout=20_000)
    menu = QMenu()
    page.fill_menu(menu)
    assert menu.actions()[0].isEnabled()
    change(document, "hidden", units=40)  # the run was of another graph
    page.rebuild()
    assert {step.seconds for step in page.model.steps} == {None}
    page.fill_menu(menu)
    assert not menu.actions()[-1].isEnabled()


def test_why_there_is_no_profile_is_said(qtbot: QtBot, app: App) -> None:
    """Each case in its own words."""
    page = PlanPage(app)
    qtbot.addWidget(page)
    page.show()
    assert "Open a graph" in page.empty.text()
    document = app.desk.open_example("digits-mlp")
    app.forecasts.put(document, Foreseen(unmeasured=True))
    assert "measured" in page.empty.text()
    app.forecasts.put(document, Foreseen(why="found no data"))
    assert page.empty.text() == "found no data"
    document.push(Disconnect(document.graph.wires_in("hidden")[0]))
    app.forecasts.put(document, Foreseen())
    assert "errors" in page.empty.text()


def test_a_click_on_a_data_node_s_line_selects_it(qtbot: QtBot, app: App) -> None:
    """Its columns have the port behind its name."""
    document = app.desk.open_example("digits-mlp")
    page = PlanPage(app)
    qtbot.addWidget(page)
    page.show()
    app.forecasts.put(document, told())
    page.rows.setCurrentIndex(1)
    at = page.table.visualRect(page.sorted.index(0, 1)).center()
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert document.selection == {"digits"}


def test_a_node_s_time_is_known_when_that_of_all_its_steps_is() -> None:
    """Else its line would tell too little."""
    one = PlanStep(0, "a", "gemm", (), 1, 2, 1.0, 3.0)
    (line,) = by_node([one, replace(one, index=1, seconds=None)])
    assert (line.bytes, line.flops, line.seconds, line.predicted) == (2, 4, None, 6.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((3.21e-6, "3.2 µs"), (9.9e-5, "99 µs"), (9.96e-5, "0.10 ms"), (0.0009449, "0.94 ms")),
        *((0.0268, "27 ms"), (0.0996, "0.10 s"), (1.44, "1.4 s"), (59.6, "60 s"), (300, "5 min")),
        *((9000, "2.5 h"), (0.5, "0.50 s"), (98.9, "99 s")),
    ],
)
def test_times_have_two_figures(seconds: float, words: str) -> None:
    """As many as a forecast is good for."""
    assert cost_text.span(seconds) == words


def test_sizes_have_two_figures() -> None:
    """In the unit that people use."""
    sizes = (12, 4_400, 6_210_000, 123_456_789, 2.66e9)
    assert [cost_text.size(n) for n in sizes] == ["12 B", "4.4 kB", "6.2 MB", "120 MB", "2.7 GB"]
