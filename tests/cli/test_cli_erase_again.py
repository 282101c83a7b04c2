"""What a restored backup brings back of people who had it erased goes again, by a list that holds no id."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from sijbot import clock
from sijbot.records import coach, schema


def digest(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()


@pytest.fixture
def database(database_url):
    """A restored database with the diaries of three people; on SQLite and PostgreSQL."""
    engine, now = schema.make_engine(database_url), clock.now()
    schema.migrate(engine)
    with engine.begin() as connection:
        for person in ("erased", "also erased", "there"):
            coach.add_entry(connection, person, coach.Entry(now.date(), 4), now)
    yield engine, database_url
    engine.dispose()


def erase_again(url: str, path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "ignore", "-m", "sijbot.cli", "erase-again", str(path)]
    return subprocess.run(command, env={**os.environ, "SIJBOT_DATABASE_URL": url}, capture_output=True, text=True, timeout=60)


def people(engine) -> list[str]:
    with engine.connect() as connection:
        return [person for person in ("erased", "also erased", "there") if coach.diary(connection, person)]


def test_who_is_in_the_list_goes_and_everybody_else_stays(database, tmp_path):
    engine, url = database
    listed = tmp_path / "erased.txt"
    listed.write_text("\n".join((digest("erased"), "", digest("also erased"), digest("never heard of"))) + "\n", encoding="utf-8")

    run = erase_again(url, listed)

    assert (run.returncode, people(engine)) == (0, ["there"]), run.stderr
    assert "2 conversations were erased again, of 3 in the list." in run.stdout


@pytest.mark.parametrize("line", ["an id and no digest", "A" * 64, "a" * 63])
def test_a_list_with_a_fault_erases_nothing_and_names_the_line(database, tmp_path, line):
    engine, url = database
    listed = tmp_path / "erased.txt"
    listed.write_text(f"{digest('erased')}\n{line}\n", encoding="utf-8")

    run = erase_again(url, listed)

    assert run.returncode == 1 and f"{listed}: line 2" in run.stderr and "Traceback" not in run.stderr
    assert people(engine) == ["erased", "also erased", "there"]


def test_a_list_that_is_not_there_is_named(database, tmp_path):
    run = erase_again(database[1], tmp_path / "nowhere.txt")

    assert run.returncode == 1 and "nowhere.txt" in run.stderr and "Traceback" not in run.stderr
