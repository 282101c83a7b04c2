"""Passing a hand-off on, with parts that fail and messages that come at once: nothing is said to be so that does not stand in the database."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
import sqlalchemy as sa

from sijbot import clock
from sijbot import runtime as process_runtime
from sijbot.adapters.assistant import Conversation
from sijbot.adapters.dialogue import LocalAssistant
from sijbot.logs import quiet_libraries
from sijbot.records import outbox, schema
from sijbot.settings import WEBHOOK

pytestmark = pytest.mark.slow

SIGN, LASTING, SAM = "I have had foot drop since Tuesday", "My SI joint has hurt for two weeks, how do I do a clam shell?", "Sam, 07700 900123"
BLADDER, QUESTION = "I've lost control of my bladder", "where is the SI joint?"


@pytest.fixture(scope="module")
def local(trained, tmp_path_factory):
    quiet_libraries()
    url = f"sqlite:///{tmp_path_factory.mktemp('tell') / 'sijbot.db'}"
    yield LocalAssistant.load(dataclasses.replace(trained, database_url=url, hand_off_webhook="https://clinic.example/hand-offs"))
    process_runtime.use(None)


@pytest.fixture
def person(local):
    return Conversation.new("uk")


@pytest.fixture
def broken(local):
    """Let an action raise until told to be whole again."""
    executor = local.agent.action_endpoint._executor
    whole = dict(executor.actions)

    def break_action(name):
        def run(dispatcher, tracker, domain):
            raise RuntimeError("broken on purpose")

        executor.actions = {**whole, name: run} if name else whole

    yield break_action
    executor.actions = whole


def say(local, person, *texts):
    """Return what is said to these messages, one after another: the texts of the last."""

    async def talk():
        for text in texts:
            turn = await local.say(person, *text) if isinstance(text, tuple) else await local.say(person, text)
        return turn

    return [reply.text for reply in asyncio.run(talk()).replies]


def settle(local, how, *arguments):
    with local.runtime.engine.begin() as connection:
        for row in outbox.claim(connection, WEBHOOK, clock.now(), 10, outbox.LONGEST_WAIT):
            how(connection, row, clock.now(), *arguments)


def records(local, person, table=schema.OUTBOX):
    with local.runtime.engine.connect() as connection:
        return list(connection.execute(sa.select(table).where(table.c.conversation_id == person.id)).mappings())


def test_all_that_was_passed_on_is_told_at_once_and_once(local, person):
    say(local, person, LASTING, "yes", SAM, SIGN, "yes", SAM)
    assert [row["payload"]["level"] for row in records(local, person)] == ["soon", "urgent"]
    settle(local, outbox.settle_failed, "410")

    first, second = say(local, person, QUESTION), say(local, person, "how should I sleep?")

    assert sum("could not be delivered" in text for text in first) == 2 and not any("could not be delivered" in text for text in second)


def test_a_turn_that_fails_tells_nothing_and_the_next_one_does(local, person, broken):
    say(local, person, SIGN, "yes", SAM)
    settle(local, outbox.settle_delivered)

    broken("action_answer")
    failed = say(local, person, QUESTION)
    broken(None)

    assert not any("delivered" in text for text in failed) and any("delivered to the clinic" in text for text in say(local, person, QUESTION))


def test_where_the_turn_fails_nothing_is_queued_and_nothing_said_to_be(local, person, broken):
    say(local, person, SIGN, "yes")

    broken("action_tell_clinic")
    failed = say(local, person, SAM)
    broken(None)

    assert not any("waits to be sent" in text for text in failed) and records(local, person) == []
    assert any("waits to be sent" in text for text in say(local, person, SAM)) and len(records(local, person)) == 1


def test_news_stands_behind_the_card_of_an_emergency_and_names_the_emergency_number(local, person):
    say(local, person, SIGN, "yes", SAM)
    settle(local, outbox.settle_failed, "410")

    said = say(local, person, BLADDER)

    uk, news = local.runtime.content.regions["uk"], said[-1]
    assert uk.emergency_line in said[0] and len(said) > 1
    assert "could not be delivered" in news and uk.emergency_line in news and uk.urgent_line not in news


def test_an_offer_that_cannot_be_made_takes_no_card_away(local, person, broken, monkeypatch):
    monkeypatch.setattr("actions.answer.offer", lambda *_: (_ for _ in ()).throw(RuntimeError("broken on purpose")))

    card = say(local, person, SIGN)[0]

    assert local.runtime.content.regions["uk"].urgent_line in card


def test_two_numbers_at_once_are_one_record(local, person):
    say(local, person, SIGN, "yes")

    async def both():
        return await asyncio.gather(local.say(person, SAM), local.say(person, "sam@example.org"))

    asyncio.run(both())

    assert len(records(local, person)) == 1


def test_a_number_is_taken_for_what_was_asked_just_before_alone(local, person):
    say(local, person, SIGN, "yes", "is it urgent to see a doctor with numb feet?", SAM)

    assert records(local, person) == []
