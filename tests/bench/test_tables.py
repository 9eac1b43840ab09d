"""What is made of the figures: paired ratios, the worker's words, the tables."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from compute.bench import report
from compute.bench.paired import Timing, compare
from compute.bench.report import BenchOptions, BenchRow, best, controls, measure
from compute.bench.tables import markdown
from compute.bench.worker import OURS, TOGETHER, Contenders
from compute.cpu.variants import available

RATIOS = {
    "eager": [3.0, 2.9, 3.1],
    "compile, fused": [2.1, 2.0, 2.2],
    "JAX, jit": [1.5, 1.4, 1.6],
    "netloom, one step a call": [0.5, 0.5, 0.5],
}


def figures(**others: Any) -> dict[str, Any]:
    """What a worker would print."""
    seconds = {OURS: 1e-3, **{name: ratio[0] * 1e-3 for name, ratio in RATIOS.items()}}
    found = {"seconds": seconds, "ratios": RATIOS, "rounds": 12, "quiet": 11}
    found |= {"first": dict.fromkeys(seconds, 0.25), "failed": {}, "differences": {"PyTorch": 1e-6}}
    return found | others


def row(gate: float | None = 2.0, **others: Any) -> BenchRow:
    """A net with one control."""
    return BenchRow(
        "W1",
        gate,
        figures(**others),
        {"one thread": figures()},
        {"netloom": 2**20, "pytorch": 3 * 2**20},
    )


def sleeper(seconds: float) -> Callable[[int], None]:
    """A contender whose step takes so long."""
    return lambda steps: time.sleep(seconds * steps)


def test_a_ratio_is_the_median_of_pairs() -> None:
    """Not the ratio of medians: a round that was slow for both says as much as any other."""
    timing = Timing({"a": (2.0, 40.0, 3.0), "b": (1.0, 10.0, 3.0)}, 3, 3)
    assert timing.ratio("a", "b") == (2.0, 1.0, 4.0)


def test_contenders_take_turns_until_patience_ends() -> None:
    """Without patience one round is made, and all rounds count."""
    turns: list[str] = []

    def contender(name: str) -> Callable[[int], None]:
        return lambda steps: (turns.append(name), time.sleep(1e-4 * steps))[1]

    timing = compare({"a": contender("a"), "b": contender("b")}, 3, 0.01, limit=0.0)
    assert timing.rounds == 1
    assert turns[-2:] == ["a", "b"]
    assert {name: len(found) for name, found in timing.seconds.items()} == {"a": 1, "b": 1}


def test_a_rival_that_fails_or_takes_too_long_is_reported() -> None:
    """And the others run; a fault of ours is not hidden."""
    contest = Contenders(limit=0.2, patience=0.0)

    def broken() -> Callable[[int], object]:
        raise OSError("found no compiler\nand more")

    contest.add(OURS, lambda: sleeper(1e-5))
    contest.add("broken", broken)
    contest.add("slow", lambda: sleeper(5.0))
    found = contest.result("net", 3)
    assert found["failed"] == {"broken": "found no compiler", "slow": "not ready within 0 s"}
    assert list(found["seconds"]) == [OURS]
    with pytest.raises(OSError, match="no compiler"):
        Contenders(1.0, 0.0).add(OURS, broken)


def test_the_best_of_each_side() -> None:
    """Our own variants are nobody's rival."""
    assert best(figures()) == ("compile, fused", [2.1, 2.0, 2.2])
    assert best(figures(), "JAX") == ("JAX, jit", [1.5, 1.4, 1.6])
    assert best(figures(ratios={})) is None


def test_the_table_says_whether_the_gate_is_kept() -> None:
    """By the best variant, beside the default one and JAX."""
    lines = markdown([row(), row(2.2), row(None)], BenchOptions()).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:7]]
    assert [line[5] for line in cells] == ["≥ 2.0 kept", "≥ 2.2 missed", "–"]
    told = ["W1", "1.00 ms", "compile, fused, 2.10 ms", "2.10", "2.00–2.20", "≥ 2.0 kept", "3.00"]
    assert cells[0] == [*told, "jit, 1.50 ms", "1.50", "1 / 3 MiB"]
    assert "| W1 | 2.10 / 1.50 | 2.10 / 1.50 |" in lines


def test_the_table_without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so instead of leaving a hole."""
    monkeypatch.setattr("compute.bench.tables._version", lambda package: "")
    ratios = {name: ratio for name, ratio in RATIOS.items() if "JAX" not in name}
    text = markdown([row(ratios=ratios)], BenchOptions())
    assert "| not installed | – |" in text
    assert "jax not installed" in text.splitlines()[0]


def test_notes_tell_what_a_reader_must_know() -> None:
    """What failed, what differs, what was disturbed, what an answer costs in a loop."""
    seconds = {**figures()["seconds"], TOGETHER: 4e-5}
    ratios = {**RATIOS, TOGETHER: [0.04, 0.04, 0.04]}
    first = dict.fromkeys(seconds, 0.1)
    failed = {"compile, fused": "not ready within 120 s"}
    others = {"seconds": seconds, "ratios": ratios, "first": first, "failed": failed}
    text = markdown([row(**others, quiet=2, differences={"JAX": 0.5})], BenchOptions())
    notes = [line for line in text.splitlines() if line.startswith("- ")]
    assert notes == [
        "- W1: compile, fused did not run: not ready within 120 s",
        "- W1: the numbers of JAX differ from ours by 0.5",
        "- W1: 2 of 12 rounds were quiet, so all of them count",
        "- W1: a call a sample; 40.0 µs each where one call is given many",
    ]


def test_controls_fit_the_machine() -> None:
    """AVX2 beside AVX-512 only where there are both."""
    names = [control.name for control in controls()]
    assert names[0] == "one thread"
    wide = "f32x16" in {variant.name for variant in available()}
    assert ("all AVX2" in names, "ours AVX2" in names) == (wide, wide)


@pytest.mark.slow
def test_a_net_measured_from_end_to_end() -> None:
    """In processes of its own, whose words are handed on."""
    pytest.importorskip("torch")
    options = BenchOptions(1, 3, compile=False, controls=False, jax=False, patience=0.0)
    heard: list[str] = []
    found = measure("W2", options, heard.append)
    assert found.main["differences"]["PyTorch"] < 1e-4
    assert best(found.main, "JAX") is None
    assert any(text.endswith("timing") for text in heard)
    assert min(found.memory.values()) > 10 * 2**20
    assert "| W2 |" in markdown([found], options)


def test_a_worker_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last line it wrote."""
    monkeypatch.setitem(report.WORKLOADS, "W0", report.WORKLOADS["W2"])
    with pytest.raises(RuntimeError, match=r"measuring W0 failed: .*invalid choice: 'W0'"):
        measure("W0", BenchOptions(), lambda text: None)
