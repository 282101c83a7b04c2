"""A whole run fails where a control of the hazard log has no passing test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sijbot.settings import ROOT
from tests.controls import MISSING, in_folders

PROOFS = """
import pytest

def test_holds(): pass
def test_broken(): assert False
def test_left_out(): pytest.skip("no browser here")
@pytest.mark.xfail
def test_known_to_be_broken(): assert False
@pytest.mark.xfail
def test_not_broken_any_more(): pass
@pytest.mark.parametrize("case", ["one", "two"])
def test_of_cases(case): assert case == "one"
@pytest.fixture
def gone(): raise RuntimeError
def test_without_its_fixture(gone): pass
@pytest.fixture
def spoilt():
    yield
    raise RuntimeError
def test_that_leaves_a_mess(spoilt): pass
"""


WATCH = """
from tests.controls import ControlWatch

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ControlWatch({{"test_proofs.py::" + test: ["sign_not_heard", test] for test in {tests}}}, is_skip_allowed={is_skip_allowed}))
"""
WITHOUT_A_PASSING_TEST = {
    "test_broken": "failed", "test_of_cases": "failed", "test_of_cases[two]": "failed", "test_without_its_fixture": "failed", "test_that_leaves_a_mess": "failed",
    "test_left_out": "was skipped", "test_known_to_be_broken": "was skipped", "test_not_broken_any_more": "was skipped",
}  # fmt: skip
PASSING = ["test_holds", "test_of_cases[one]"]


@pytest.fixture
def run(tmp_path):
    """Return what runs the tests above, or those selected, in a process of their own with some of them as proofs of controls."""

    def run_with(tests: list[str], selected: str = "", *options: str, is_skip_allowed: bool = False) -> subprocess.CompletedProcess:
        (tmp_path / "test_proofs.py").write_text(PROOFS, encoding="utf-8")
        (tmp_path / "conftest.py").write_text(WATCH.format(tests=tests, is_skip_allowed=is_skip_allowed), encoding="utf-8")
        return pytest_of("-p", "no:cacheprovider", "-p", "xdist.plugin", "-k", selected, *options, folder=tmp_path, PYTHONPATH=str(ROOT), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    return run_with


PROCESSES = pytest.mark.parametrize("processes", ["0", "2"])


@PROCESSES
def test_controls_whose_tests_pass_are_not_spoken_of(run, processes):
    done = run(PASSING, "holds or one", "-n", processes)

    assert done.returncode == pytest.ExitCode.OK and "sign_not_heard" not in done.stdout


@PROCESSES
def test_every_control_without_a_passing_test_is_named_with_its_hazard(run, processes):
    done = run([*PASSING, *WITHOUT_A_PASSING_TEST], "", "-n", processes)

    named = [line for line in done.stdout.splitlines() if line.startswith("sign_not_heard")]
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert named == [f"sign_not_heard, {test}: test_proofs.py::{test} {reason}" for test, reason in WITHOUT_A_PASSING_TEST.items()]


@PROCESSES
@pytest.mark.parametrize("renamed", ["test_that_was_renamed", "test_of_cases[three]"])
def test_a_run_without_a_test_that_is_named_stops_before_the_first(run, renamed, processes):
    done = run(["test_holds", renamed], "", "-n", processes)

    named = [line for line in done.stdout.splitlines() if line.startswith("sign_not_heard")]
    assert done.returncode in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    assert named == [f"sign_not_heard, {renamed}: test_proofs.py::{renamed} is not there"] and MISSING in done.stdout
    assert " passed" not in done.stdout and " failed" not in done.stdout


def test_what_a_run_that_ended_early_did_not_come_to_is_named(run):
    done = run(["test_left_out"], "", "--exitfirst")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED and "test_proofs.py::test_left_out did not run" in done.stdout


@pytest.mark.parametrize("test, selected", [("test_left_out", "left_out"), ("test_not_broken_any_more", "any_more")])
def test_a_run_in_which_nothing_failed_fails_by_its_controls(run, test, selected):
    done = run([test], selected)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED and " failed" not in done.stdout


def test_outside_ci_a_skipped_test_is_let_pass_and_nothing_else(run):
    assert run(["test_left_out"], "left_out", is_skip_allowed=True).returncode == pytest.ExitCode.OK
    assert run(["test_broken"], "broken", is_skip_allowed=True).returncode == pytest.ExitCode.TESTS_FAILED


def pytest_of(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-W", "ignore", "-m", "pytest", *arguments], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_a_part_of_the_tests_passes_by_itself_and_not_as_a_whole_run():
    part = "tests/unit/test_clock.py"

    assert pytest_of(part).returncode == 0
    whole = pytest_of("--controls", part)
    assert whole.returncode == 1
    assert "controls of safety/hazards.yml without a passing test" in whole.stdout and "is not there" in whole.stdout


@pytest.mark.parametrize(
    "arguments, named",
    [(["tests"], "abc"), (["tests/unit", "tests/faults"], "ac"), (["tests/unit/test_a.py::test_one"], "a"), (["tests/adapters/widget"], "b"), (["tests/un"], "")],
)
def test_of_the_folders_that_a_run_begins_in_every_control_is_watched(tmp_path, arguments, named):
    tests = {"tests/unit/test_a.py::test_one": "a", "tests/adapters/test_b.py::test_two[x::y]": "b", "tests/faults/test_c.py::test_three": "c"}

    assert "".join(in_folders(tests, [str(tmp_path / argument) for argument in arguments], tmp_path).values()) == named
