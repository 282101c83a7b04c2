"""A process says that it is ready when the database has our schema, the model answers, and nobody has told it to end."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from sijbot.adapters import readiness as module
from sijbot.adapters.readiness import Readiness
from sijbot.records import schema
from sijbot.settings import Settings


class Canary:
    def __init__(self, *answers) -> None:
        self.answers, self.times = list(answers), 0

    async def __call__(self):
        self.times += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ready(engine, canary=None, **settings) -> Readiness:
    return Readiness(SimpleNamespace(engine=engine, settings=dataclasses.replace(Settings(), **settings)), canary or Canary([]))


@pytest.fixture
def empty(database_url):
    engine = schema.make_engine(database_url)
    yield engine
    engine.dispose()


async def prepared_faults(readiness: Readiness):
    await readiness.prepared()
    return await readiness.faults()


def test_the_schema_is_made_and_then_it_is_ready(empty):
    readiness = ready(empty)

    assert asyncio.run(readiness.faults()) != ()
    assert list(asyncio.run(prepared_faults(readiness))) == []
    assert schema.is_newest(empty)


def test_where_it_may_not_make_the_schema_it_waits_until_somebody_has(empty, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    readiness = ready(empty, migrates=False)

    async def wait() -> None:
        waiting = asyncio.ensure_future(readiness.prepared())
        await asyncio.sleep(0.05)
        assert not waiting.done() and not schema.is_newest(empty)
        schema.migrate(empty)
        await waiting

    asyncio.run(wait())
    assert list(asyncio.run(readiness.faults())) == []


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(empty):
    schema.migrate(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("UPDATE sijbot_schema SET version_num = 'of_tomorrow'")

    with pytest.raises(schema.OtherSchema):
        schema.prepare(empty, migrates=True)
    with empty.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM sijbot_schema").scalar() == "of_tomorrow"


def test_a_database_that_goes_away_is_said(empty):
    readiness = ready(empty)
    asyncio.run(readiness.prepared())
    readiness._runtime.engine = sa.create_engine("sqlite:////no/such/folder/sijbot.db", future=True)

    (fault,) = asyncio.run(readiness.faults())
    assert "database" in fault


def test_what_the_canary_finds_is_said_until_it_finds_nothing(empty):
    readiness = ready(empty, Canary(["the canary question was not answered"], []))
    asyncio.run(readiness.prepared())

    assert list(asyncio.run(readiness.faults())) == ["the canary question was not answered"]
    assert list(asyncio.run(readiness.faults())) == []


def test_the_canary_is_not_asked_each_time(empty):
    canary = Canary([])
    readiness = ready(empty, canary)
    asyncio.run(readiness.prepared())

    async def ask() -> None:
        for _ in range(5):
            await readiness.faults()

    asyncio.run(ask())
    assert canary.times == 1


def test_a_process_that_was_told_to_end_is_not_ready(empty):
    readiness = ready(empty)
    asyncio.run(readiness.prepared())
    readiness.is_draining = True

    assert asyncio.run(readiness.faults()) == ("draining",)
