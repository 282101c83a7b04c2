"""The daily job that erases what is too old."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sijbot import clock
from sijbot.records import coach, schema, turns


@pytest.fixture
def database(database_url):
    """A database with a diary of today, one of ten days ago, and one of ten days ago that may be kept; on SQLite and PostgreSQL."""
    engine, now = schema.make_engine(database_url), clock.now()
    schema.migrate(engine)
    with engine.begin() as connection:
        for person, days in (("today", 0), ("old", 10), ("agreed", 10)):
            coach.add_entry(connection, person, coach.Entry((now - timedelta(days)).date(), 4), now - timedelta(days))
        coach.write_keeping(connection, "agreed", True, False, now - timedelta(10))
    yield engine, database_url
    engine.dispose()


def retention(url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    run = [sys.executable, "-W", "ignore", "-m", "sijbot.cli", "retention", *arguments]
    return subprocess.run(run, env={**os.environ, "SIJBOT_DATABASE_URL": url, **environment}, capture_output=True, text=True, timeout=60)


def people(engine) -> list[str]:
    with engine.connect() as connection:
        return [person for person in ("today", "old", "agreed") if coach.diary(connection, person)]


def test_what_is_too_old_goes_and_what_was_agreed_to_stays(database):
    engine, url = database

    assert retention(url, "--dry-run").stdout.strip() == "1 conversations would be erased."
    assert people(engine) == ["today", "old", "agreed"]
    assert retention(url).stdout.strip() == "1 conversations were erased."
    assert people(engine) == ["today", "agreed"]


def test_what_was_agreed_to_goes_when_that_is_over(database):
    engine, url = database

    assert retention(url, SIJBOT_KEEP_DAYS="9").returncode == 0
    assert people(engine) == ["today"]


@pytest.mark.parametrize("days", ["6", "many", "-1", ""])
def test_a_number_of_days_that_cannot_be_is_named(database, days):
    run = retention(database[1], SIJBOT_KEEP_DAYS=days)

    assert run.returncode == 1 and "SIJBOT_KEEP_DAYS" in run.stderr


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path):
    run = retention(f"sqlite:///{tmp_path / 'no' / 'folder' / 'x.db'}")

    assert run.returncode == 1 and "cannot be read" in run.stderr and "Traceback" not in run.stderr


def test_the_mark_of_an_erased_conversation_stays_as_long_as_a_token_of_it_may_be_valid(database):
    engine, url = database
    turns.erase(engine, "today")

    def marks() -> int:
        with engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(schema.ERASED))

    for days, left in ((364, 2), (366, 1)):  # of the conversation that was erased first; "old" is erased by the job
        with engine.begin() as connection:
            connection.execute(sa.update(schema.ERASED).where(schema.ERASED.c.digest == turns.digest_of("today")).values(at=clock.now() - timedelta(days)))
        assert retention(url).returncode == 0
        assert marks() == left
