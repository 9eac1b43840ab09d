"""For every test: no window, no user data touched, no thread left, no silent skip on CI."""

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

CI = os.environ.get("CI") == "true"

# Peers that CI must have: a skip that names one of them is a failure there.
REQUIRED_ON_CI = re.compile(r"torch|xvfb|xdotool|display|hypothesis", re.IGNORECASE)
GRACE = 2.0  # seconds a stopped thread may take to end

settings.register_profile("netloom", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if CI else "netloom")

_refused_skips: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Point Qt away from the screen and the workspace away from the user's data."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = Path(tempfile.mkdtemp(prefix="netloom-tests-"))
    os.environ["XDG_DATA_HOME"] = str(folder)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background process
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_leftover_threads() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    if teams := sys.modules.get("compute.cpu.threads"):  # its workers are meant to stay
        teams.team().close()
    left = [t for t in threading.enumerate() if t not in before]
    deadline = time.monotonic() + GRACE
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    names = [t.name for t in left if t.is_alive()]
    assert not names, f"the test left threads running: {', '.join(names)}"


@pytest.fixture(autouse=True)
def no_leftover_timers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of the window that leaves a timer running: it would fire into the next one."""
    if "qapp" not in request.fixturenames:
        yield
        return
    from tests.support.quiet import running

    yield
    left = running()
    assert not left, f"the test left timers running: {'; '.join(left)}"


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (CI and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if REQUIRED_ON_CI.search(reason):
        _refused_skips.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect skips of tests."""
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Collect skips of whole modules."""
    _note_skip(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn refused skips into a failed run."""
    if _refused_skips and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which skips CI refuses."""
    if _refused_skips:
        terminalreporter.section("skips that CI refuses", red=True)
        for line in _refused_skips:
            terminalreporter.write_line(line)
