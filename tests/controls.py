"""At the end of a run of whole folders: which controls of the hazard log have no passing test in them. A plugin of pytest, switched on by `--controls` (conftest.py)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, TypeVar

import pytest

MISSING = "tests that prove controls are not among those that would run"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


Hazards = TypeVar("Hazards")


def in_folders(hazards_of_tests: Mapping[str, Hazards], arguments: Iterable[str], root: Path) -> dict[str, Hazards]:
    """Return the tests in the folders of tests/ that the arguments of a run lie in, all of them where one is tests/ itself, with their hazards."""
    folders = [root.joinpath(*Path(argument.partition("::")[0]).relative_to(root).parts[:2]) for argument in arguments]
    return {test: hazards for test, hazards in hazards_of_tests.items() if any((root / test.partition("::")[0]).is_relative_to(folder) for folder in folders)}


class ControlWatch:
    """Watches the named tests, and fails the run where one did not run or did not pass.

    hazards_of_tests: ids of hazards by test; a name without brackets stands for all cases of its test. is_skip_allowed: outside CI, where a browser or a database may be missing.
    """

    def __init__(self, hazards_of_tests: Mapping[str, Iterable[str]], is_skip_allowed: bool) -> None:
        self._hazards_of_tests, self._is_skip_allowed = hazards_of_tests, is_skip_allowed
        self._outcomes: dict[str, set[str]] = defaultdict(set)
        self._missing: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._are_missing(item.nodeid for item in session.items):
            pytest.exit(MISSING, returncode=pytest.ExitCode.TESTS_FAILED)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Iterable[str]) -> None:
        if self._are_missing(ids):
            node.config.pluginmanager.getplugin("dsession").shouldstop = MISSING

    def _are_missing(self, ids: Iterable[str]) -> bool:
        """Return whether a test that proves a control is not among these: then none is run, since at the end of all of them it would be late to say so."""
        there = {name for test in ids for name in (test, test.partition("[")[0])}
        self._missing = self._missing or [test for test in self._hazards_of_tests if test not in there]
        return bool(self._missing)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != PASSED:  # a fixture that fails or skips leaves no call, or spoils it
            outcome = SKIPPED if hasattr(report, "wasxfail") else report.outcome  # an expected failure proves nothing
            self._outcomes[report.nodeid].add(outcome)
            self._outcomes[report.nodeid.partition("[")[0]].add(outcome)

    def faults(self) -> Iterator[str]:
        """Yield a sentence for every control without a passing test."""
        for test in self._missing or self._hazards_of_tests:
            outcomes = self._outcomes.get(test, set())
            allowed = {PASSED, SKIPPED} if self._is_skip_allowed else {PASSED}
            if not outcomes or not outcomes <= allowed:
                what = "is not there" if self._missing else "did not run" if not outcomes else "failed" if FAILED in outcomes else "was skipped"
                yield f"{', '.join(self._hazards_of_tests[test])}: {test} {what}"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.OK and any(self.faults()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        faults = list(self.faults())
        if faults:
            terminalreporter.section("controls of safety/hazards.yml without a passing test")
            terminalreporter.write_line("\n".join(faults))
