"""Compiling and caching: damage is noticed, a warm start imports no compiler, progress is told."""

from __future__ import annotations

import functools
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from compute.cpu import cache, loader, variants, warm
from compute.cpu.cache import Cache
from compute.cpu.loader import Library

SMALL = ["fill", "one_hot", "equal_int"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache folder, and libraries of its own."""
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.setattr(loader, "library", functools.cache(Library))
    return Cache(variants.native())


def test_files_are_whole_or_absent(fresh: Cache) -> None:
    assert fresh.read("fill") is None
    fresh.write("fill", b"code")
    assert fresh.read("fill") == b"code"
    path = fresh.path("fill")
    data = path.read_bytes()
    for damaged in (b"", data[:-1], data[:33], b"x" + data[1:], data + b"x"):
        path.write_bytes(damaged)
        assert fresh.read("fill") is None
    assert [p.name for p in fresh.folder.iterdir()] == [path.name]
    assert stat.S_IMODE(cache.cache_root().stat().st_mode) == 0o700


def test_compiles_what_is_missing_or_damaged_and_tells(fresh: Cache) -> None:
    variant, told = variants.native(), list[tuple[int, int, str]]()
    assert loader.missing(variant, SMALL) == SMALL
    loader._compile(variant, SMALL, lambda *progress: told.append(progress))
    made_now = [(done, total) for done, total, name in told if name]
    assert made_now == [(1, 3), (2, 3), (3, 3)]
    assert {(done, total) for done, total, name in told if not name} <= {(d, 3) for d in range(4)}
    assert sorted(name for *_, name in told if name) == sorted(SMALL)
    assert loader.missing(variant, SMALL) == []
    path = fresh.path("fill")
    path.write_bytes(path.read_bytes()[:-10])
    assert loader.missing(variant, SMALL) == ["fill"]
    loader._compile(variant, ["fill"], lambda *progress: None)
    made = Library(variant)
    assert made.address("fill") == made.address("fill") > 0
    with pytest.raises(KeyError, match="reduce"):
        made.address("reduce")


def test_giving_up_ends_the_compilers(fresh: Cache) -> None:
    def give_up(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loader.ensure(variants.native(), SMALL, give_up)
    assert len(loader.missing(variants.native(), SMALL)) >= 1


def test_warming_compiles_all_that_is_missing_with_little_priority(
    fresh: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant, commands, popen = variants.native(), list[list[str]](), subprocess.Popen
    monkeypatch.setattr(warm, "all_names", lambda: SMALL)
    monkeypatch.setattr(
        loader.subprocess, "Popen", lambda c, **kw: (commands.append(c), popen(c, **kw))[1]
    )
    assert warm.main() == 0
    assert loader.missing(variant, SMALL) == []
    assert commands
    for command in commands:
        assert command[command.index("--nice") + 1] == str(warm.NICENESS)
    commands.clear()
    assert warm.main() == 0
    assert not commands


def test_failure_of_the_compiler_is_an_error(fresh: Cache) -> None:
    with pytest.raises(loader.CompileError, match="invalid choice: 'no_such_kernel'"):
        loader._compile(variants.native(), ["no_such_kernel"], lambda *progress: None)


def test_key_changes_with_the_source_a_kernel_uses_only() -> None:
    gemm = cache.sources("compute.cpu.kernels.gemm")
    assert "compute.cpu.kernels.panels" in gemm
    assert "compute.cpu.kernels.softmax" not in gemm
    tools = frozenset().union(*map(cache.sources, cache.TOOLCHAIN))
    made_of = {"simd", "vector", "vecmath", "tiles", "blocks", "kernels.vocabulary"}
    assert {f"compute.cpu.{name}" for name in made_of} <= tools
    keys = {cache.source_key(f"compute.cpu.kernels.{name}") for name in ("gemm", "copy", "norm")}
    assert len(keys) == 3


def test_warm_start_imports_no_compiler() -> None:
    variant = variants.native()
    loader.ensure(variant, SMALL)
    code = f"""
import sys
from compute.cpu import loader, variants
from compute.cpu.kernels import SPECS
assert "llvmlite" not in sys.modules
library = loader.ensure(variants.native(), {SMALL})
assert all(library.address(name) for name in {SMALL})
assert "numba" not in sys.modules, "numba was imported"
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_variants_of_this_machine() -> None:
    names = [v.name for v in variants.available()]
    assert variants.native() == variants.available()[0]
    assert variants.named(names[-1]).lanes == 4
    assert variants.native("f64").lanes * 2 == variants.native("f32").lanes
    with pytest.raises(ValueError, match="f32x3"):
        variants.named("f32x3")


def test_no_parallel_numba_anywhere() -> None:
    """Numba's own threads are banned: runs bring their own."""
    banned = "parallel" + "=True"
    for folder in ("compute", "graph", "gui", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert banned not in text.replace(" ", ""), path
            assert "pr" + "ange(" not in text, path
