"""What the commands list of the records: ids, times and counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from sijbot import clock
from sijbot.records import repository, schema
from sijbot.triage.assess import ALARM, Assessment, Finding


@pytest.fixture
def database(tmp_path):
    """The address of a database with one row of each kind."""
    url = f"sqlite:///{tmp_path / 'sijbot.db'}"
    engine = schema.make_engine(url)
    schema.migrate(engine)
    with engine.begin() as connection:
        repository.log_understanding(connection, "somebody", schema.DOUBT, "sleeping", "v1", clock.now())
        repository.log_understanding(connection, "another", schema.DOUBT, "sleeping", "v1", clock.now())
        repository.log_understanding(connection, "somebody", schema.EXAMPLE, "sleeping", "v1", clock.now(), "which way up\nat night")
        repository.log_hand_off(connection, "somebody", "reply", "urgent", ["foot_drop"], clock.now())
        repository.log_assessment(connection, "somebody", Assessment(ALARM, (Finding("foot_drop", ALARM, "urgent", 3, 9),)), "v1", clock.now())
    engine.dispose()
    return url


def sijbot(*arguments: str, database: str) -> str:
    """Return what a command prints, which must end well."""
    environment = {**os.environ, "SIJBOT_DATABASE_URL": database}
    run = subprocess.run([sys.executable, "-W", "ignore", "-m", "sijbot.cli", *arguments], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("command, words", [("misses", ["2", "doubt", "sleeping"]), ("hand-offs", ["urgent", "foot_drop", "offered"]), ("safety-log", ["alarm", "foot_drop"])])
def test_a_record_is_listed_and_comes_as_json_too(database, command, words):
    assert all(word in sijbot(command, database=database) for word in words)
    (row,) = map(json.loads, sijbot(command, "--json", database=database).splitlines())
    assert all(word in json.dumps(row) for word in words)


def test_sentences_kept_with_consent_are_printed_as_training_examples(database):
    printed = yaml.safe_load(sijbot("misses", "--examples", database=database))

    assert printed["nlu"] == [{"intent": "daily_life/sleeping", "examples": "- which way up at night\n"}]


@pytest.mark.parametrize("command", ["misses", "hand-offs", "safety-log"])
def test_an_empty_list_says_so(tmp_path, command):
    assert "in the last 30 days" in sijbot(command, database=f"sqlite:///{tmp_path / 'new.db'}")
