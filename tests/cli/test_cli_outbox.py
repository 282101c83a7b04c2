"""`sijbot outbox` and `sijbot relay`: what they list, put back and refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sijbot import clock
from sijbot.records import outbox, schema

CANARY = "Quokkabracket"


@pytest.fixture
def database(tmp_path):
    """The address of a database with one hand-off that waits and two that were given up."""
    url = f"sqlite:///{tmp_path / 'sijbot.db'}"
    engine = schema.make_engine(url)
    schema.migrate(engine)
    with engine.begin() as connection:
        for number, id in enumerate(("waits", "gone", "refused")):
            at = clock.now() - timedelta(hours=3 - number)
            outbox.put(connection, "somebody", "webhook", outbox.hand_off_payload(id, "somebody", "urgent", ["a weak leg"], ["foot_drop"], "uk", at, CANARY), at)
        for id, fault in (("gone", "410"), ("refused", "403")):
            values = {"state": outbox.FAILED, "fault": fault, "attempts": 4}
            connection.execute(sa.update(schema.OUTBOX).where(schema.OUTBOX.c.id == id).values(**values))
    engine.dispose()
    return url


def sijbot(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return (exit code, everything printed) of a command."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-m", "sijbot.cli", *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert CANARY not in run.stdout + run.stderr and "Traceback" not in run.stderr
    return run.returncode, run.stdout + run.stderr


def test_what_waits_and_what_was_given_up_is_listed_oldest_first(database):
    code, printed = sijbot("outbox", SIJBOT_DATABASE_URL=database)

    rows = [line.split(" · ") for line in printed.splitlines()]
    assert code == 0 and [row[:5] + row[6:] for row in rows] == [
        ["waits", "hand_off", "webhook", "queued", "attempts 0", "-"], ["gone", "hand_off", "webhook", "failed", "attempts 4", "410"], ["refused", "hand_off", "webhook", "failed", "attempts 4", "403"],
    ]  # fmt: skip
    assert all(age[5].endswith(" s") and int(age[5].removesuffix(" s")) >= 3600 for age in rows)


def test_only_what_was_given_up_comes_as_json(database):
    code, printed = sijbot("outbox", "--failed", "--json", SIJBOT_DATABASE_URL=database)

    rows = [json.loads(line) for line in printed.splitlines()]
    assert code == 0 and [(row["id"], row["state"], row["fault"]) for row in rows] == [("gone", "failed", "410"), ("refused", "failed", "403")]
    assert all(row["age_s"] >= 3600 and "payload" not in row for row in rows)


@pytest.mark.parametrize("chosen, count", [("gone", 1), ("all", 2)])
def test_what_was_given_up_is_put_back(database, chosen, count):
    assert sijbot("outbox", "--retry", chosen, SIJBOT_DATABASE_URL=database) == (0, f"{count} put back into the queue.\n")

    failed = sijbot("outbox", "--failed", SIJBOT_DATABASE_URL=database)[1]
    assert "gone" not in failed and ("refused" in failed) == (count == 1)


@pytest.mark.parametrize("id", ["waits", "no_such_id", ""])
def test_what_was_not_given_up_cannot_be_put_back(database, id):
    code, printed = sijbot("outbox", "--retry", id, SIJBOT_DATABASE_URL=database)

    assert code == 1 and f"'{id}'" in printed and "sijbot outbox --failed" in printed


def test_an_empty_outbox_says_so(tmp_path):
    assert sijbot("outbox", SIJBOT_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}") == (0, "Nothing waits, and nothing was given up.\n")


@pytest.mark.parametrize("command", [["outbox"], ["outbox", "--retry", "all"], ["relay"]])
def test_a_database_that_does_not_answer_is_named(tmp_path, command):
    webhook = {"SIJBOT_HAND_OFF_WEBHOOK": "http://localhost:9/", "SIJBOT_HAND_OFF_SECRET": "s" * 32}

    code, printed = sijbot(*command, SIJBOT_DATABASE_URL=f"sqlite:///{tmp_path / 'no' / 'folder' / 'sijbot.db'}", **webhook)

    assert code == 1 and "SIJBOT_DATABASE_URL" in printed and len(printed.splitlines()) == 1


def test_a_relay_with_nowhere_to_deliver_to_says_what_to_set(tmp_path):
    code, printed = sijbot("relay", SIJBOT_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")

    assert code == 1 and all(name in printed for name in ("SIJBOT_HAND_OFF_WEBHOOK", "SIJBOT_HAND_OFF_EMAIL", "SIJBOT_AMQP_URL"))


def test_a_relay_whose_settings_do_not_fit_names_the_one(tmp_path):
    code, printed = sijbot("relay", SIJBOT_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}", SIJBOT_HAND_OFF_WEBHOOK="https://clinic.example/")

    assert code == 1 and printed.startswith("SIJBOT_HAND_OFF_SECRET: ") and len(printed.splitlines()) == 1
