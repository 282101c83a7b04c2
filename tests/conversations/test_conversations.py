"""Every whole dialogue of this folder, on the trained model with custom actions running."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Iterator

import pytest

from sijbot import clock
from sijbot.adapters.dialogue import Case, Runner, read_cases
from sijbot.settings import Settings
from tests.conftest import new_database

CASES = [case for path in sorted(Path(__file__).parent.glob("*.yml")) for case in read_cases(path)]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["one process on SQLite", "two processes on PostgreSQL"])
def runner(request: pytest.FixtureRequest, trained: Settings) -> Iterator[Runner]:
    url, processes = (None, 1) if request.param == "one process on SQLite" else (new_database(request.getfixturevalue("postgres")), 2)
    with Runner(trained, url, processes) as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}: {case.name}")
def test_conversation(case: Case, runner: Runner) -> None:
    diff = runner.run(case)

    assert not diff, f"\n{diff}"


def test_what_is_hours_later_is_the_same_day_whenever_it_is_run(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = [case for case in CASES if case.name == "what was told hours before a session counts in it"]
    late = datetime.now(timezone.utc).replace(hour=23, minute=30) - datetime.now(timezone.utc)
    monkeypatch.setattr(clock, "datetime", SimpleNamespace(now=lambda zone: datetime.now(zone) + late))
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: time.time() + late.total_seconds()))

    diff = runner.run(case)

    assert not diff, f"\n{diff}"


def test_there_are_at_least_sixty_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
