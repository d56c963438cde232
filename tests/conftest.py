"""Fixtures that every part of the tests shares, and CI's rule: nothing is skipped for want of a tool or a file."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IN_CI = os.environ.get("CI") == "true"
OF_THE_CPU = "does not run here"  # the one reason that nobody can install


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real models and data (EDGEQ_ASSETS, default ../shared/assets); skips where it is absent."""
    path = Path(os.environ.get("EDGEQ_ASSETS", ROOT.parent / "shared" / "assets"))
    if not (path / "models").is_dir():
        pytest.skip(f"no models at {path}: set EDGEQ_ASSETS")
    return path


def _unskip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and OF_THE_CPU not in str(report.longrepr):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"CI=true: a test must not be skipped. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _unskip(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have recorded: how many states the exhaustive ones have gone through, and the memory of the agent."""
    properties = [p for report in terminalreporter.stats.get("passed", []) for p in getattr(report, "user_properties", [])]
    for title in ("states tried", "cuts tried", "wear", "memory of the agent"):
        lines = sorted(str(value) for name, value in properties if name == title)
        if lines:
            terminalreporter.section(title)
            terminalreporter.write_line("\n".join(lines))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _unskip(report)
    return report
