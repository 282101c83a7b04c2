"""A turn of a long conversation reads its latest events and all slots; nothing is lost in the database."""

from __future__ import annotations

import asyncio

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, AllSlotsReset, BotUttered, SessionStarted, SlotSet, UserUttered

from sijbot.adapters.tracker_store import LATEST_EVENTS, ConversationStore
from sijbot.records import schema
from sijbot.settings import ROOT

TURNS = 60


@pytest.fixture
def store(database_url):
    engine = schema.make_engine(database_url)
    schema.migrate(engine)
    yield ConversationStore(engine, Domain.load(str(ROOT / "domain.yml")))
    engine.dispose()


def begun(store):
    tracker = asyncio.run(store.get_or_create_tracker("somebody", append_action_listen=False))
    for event in (ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")):
        tracker.update(event, store.domain)
    asyncio.run(store.save(tracker))


def turn(store, number, *more):
    tracker = asyncio.run(store.retrieve("somebody"))
    for event in (UserUttered(f"message {number}"), *more, ActionExecuted("action_answer"), BotUttered(f"reply {number}"), ActionExecuted("action_listen")):
        tracker.update(event, store.domain)
    asyncio.run(store.save(tracker))


def texts(tracker):
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


def test_no_event_is_lost_or_doubled_however_long_the_conversation(store):
    begun(store)
    for number in range(TURNS):
        turn(store, number)

    whole = asyncio.run(store.retrieve_full_tracker("somebody"))

    assert texts(whole) == [f"message {number}" for number in range(TURNS)]
    assert len(whole.events) == 3 + 4 * TURNS


def test_a_long_conversation_is_read_from_its_end(store):
    begun(store)
    for number in range(TURNS):
        turn(store, number)

    tracker = asyncio.run(store.retrieve("somebody"))

    assert len(tracker.events) <= LATEST_EVENTS
    assert texts(tracker)[-1] == f"message {TURNS - 1}"
    assert isinstance(tracker.events[0], ActionExecuted)
    assert tracker.latest_action_name == "action_listen"


def test_slots_set_long_ago_hold_their_latest_value(store):
    begun(store)
    turn(store, 0, SlotSet("topic", "anatomy"), SlotSet("topic_before", "function"))
    turn(store, 1, SlotSet("topic", "cracking"))
    for number in range(2, TURNS):
        turn(store, number)

    tracker = asyncio.run(store.retrieve("somebody"))

    assert (tracker.get_slot("topic"), tracker.get_slot("topic_before")) == ("cracking", "function")


def test_slots_that_were_emptied_stay_empty(store):
    begun(store)
    turn(store, 0, SlotSet("topic", "anatomy"))
    turn(store, 1, AllSlotsReset(), SlotSet("topic_before", "function"))
    for number in range(2, TURNS):
        turn(store, number)

    tracker = asyncio.run(store.retrieve("somebody"))

    assert (tracker.get_slot("topic"), tracker.get_slot("topic_before")) == (None, "function")


@pytest.mark.parametrize("turns", [2, TURNS], ids=["short", "long"])
def test_an_earlier_session_is_not_read(store, turns):
    begun(store)
    turn(store, 0, SlotSet("topic", "anatomy"))
    tracker = asyncio.run(store.retrieve("somebody"))
    for event in (ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")):
        tracker.update(event, store.domain)
    asyncio.run(store.save(tracker))
    for number in range(1, turns):
        turn(store, number)

    tracker = asyncio.run(store.retrieve("somebody"))
    assert tracker.get_slot("topic") is None
    assert "message 0" not in texts(tracker)
