"""A whole run fails where a control of the hazard log has no passing test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sijbot.settings import ROOT

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
    config.pluginmanager.register(ControlWatch({{"test_proofs.py::" + test: ["sign_not_heard", test] for test in {tests}}}, is_skip_allowed={is_skip_allowed}))
"""
WITHOUT_A_PASSING_TEST = {
    "test_broken": "failed", "test_of_cases": "failed", "test_of_cases[two]": "failed", "test_without_its_fixture": "failed", "test_that_leaves_a_mess": "failed",
    "test_left_out": "was skipped", "test_known_to_be_broken": "was skipped", "test_not_broken_any_more": "was skipped", "test_of_cases[three]": "did not run",
    "test_that_was_renamed": "did not run",
}  # fmt: skip
PASSING = ["test_holds", "test_of_cases[one]"]


@pytest.fixture
def run(tmp_path):
    """Return what runs the tests above, or those selected, in a process of their own with some of them as proofs of controls."""

    def run_with(tests: list[str], selected: str = "", is_skip_allowed: bool = False) -> subprocess.CompletedProcess:
        (tmp_path / "test_proofs.py").write_text(PROOFS, encoding="utf-8")
        (tmp_path / "conftest.py").write_text(WATCH.format(tests=tests, is_skip_allowed=is_skip_allowed), encoding="utf-8")
        return pytest_of("-p", "no:cacheprovider", "-k", selected, folder=tmp_path, PYTHONPATH=str(ROOT), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    return run_with


def test_controls_whose_tests_pass_are_not_spoken_of(run):
    done = run(PASSING, "holds or one")

    assert done.returncode == pytest.ExitCode.OK and "sign_not_heard" not in done.stdout


def test_every_control_without_a_passing_test_is_named_with_its_hazard(run):
    done = run([*PASSING, *WITHOUT_A_PASSING_TEST])

    named = [line for line in done.stdout.splitlines() if line.startswith("sign_not_heard")]
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert named == [f"sign_not_heard, {test}: test_proofs.py::{test} {reason}" for test, reason in WITHOUT_A_PASSING_TEST.items()]


@pytest.mark.parametrize("test, selected", [("test_left_out", "left_out"), ("test_not_broken_any_more", "any_more"), ("test_that_was_renamed", "holds")])
def test_a_run_in_which_nothing_failed_fails_by_its_controls(run, test, selected):
    done = run([test], selected)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED and " failed" not in done.stdout


def test_outside_ci_a_skipped_test_is_let_pass_and_nothing_else(run):
    assert run(["test_left_out"], "left_out", is_skip_allowed=True).returncode == pytest.ExitCode.OK
    assert run(["test_holds"], "left_out", is_skip_allowed=True).returncode == pytest.ExitCode.TESTS_FAILED


def pytest_of(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-W", "ignore", "-m", "pytest", *arguments], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_a_part_of_the_tests_passes_by_itself_and_not_as_a_whole_run():
    part = "tests/unit/test_clock.py"

    assert pytest_of(part).returncode == 0
    whole = pytest_of("--controls", part)
    assert whole.returncode == 1
    assert "controls of safety/hazards.yml without a passing test" in whole.stdout and "did not run" in whole.stdout
