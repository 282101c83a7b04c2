"""A turn of a long conversation reads its latest events and all slots; nothing is lost in the database."""

from __future__ import annotations

import asyncio

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, AllSlotsReset, BotUttered, SessionStarted, SlotSet, UserUttered

from sijbot.adapters.database import Database
from sijbot.adapters.event_store import LATEST_EVENTS, EventStore, UnusableId
from sijbot.records import schema, turns
from sijbot.settings import ROOT

TURNS = 60


@pytest.fixture
def store(database_url):
    engine = schema.make_engine(database_url)
    schema.migrate(engine)
    yield EventStore(Domain.load(str(ROOT / "domain.yml")), database=Database(lambda: engine))
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


def test_what_a_turn_reads_does_not_grow(store):
    begun(store)
    read = []
    for number in range(TURNS):
        turn(store, number, SlotSet("topic", f"topic {number}"))
        read.append(len(asyncio.run(store.retrieve("somebody")).events))

    assert max(read[10:]) <= LATEST_EVENTS + len(store.domain.slots)
    assert max(read[10:20]) == max(read[-10:])


def test_two_turns_of_one_moment_are_not_both_written(store):
    begun(store)
    first, second = (asyncio.run(store.retrieve("somebody")) for _ in range(2))
    for number, tracker in enumerate((first, second)):
        tracker.update(UserUttered(f"message {number}"), store.domain)

    asyncio.run(store.save(first))
    with pytest.raises(turns.Conflict):
        asyncio.run(store.save(second))

    assert texts(asyncio.run(store.retrieve_full_tracker("somebody"))) == ["message 0"]


def test_two_first_turns_of_one_moment_are_not_both_written(store):
    first, second = (asyncio.run(store.get_or_create_tracker("somebody", append_action_listen=False)) for _ in range(2))
    for number, tracker in enumerate((first, second)):
        tracker.update(UserUttered(f"message {number}"), store.domain)

    asyncio.run(store.save(first))
    with pytest.raises(turns.Conflict):
        asyncio.run(store.save(second))


def test_a_tracker_that_was_saved_can_be_saved_again(store):
    begun(store)
    tracker = asyncio.run(store.retrieve("somebody"))
    for number in range(3):
        tracker.update(UserUttered(f"message {number}"), store.domain)
        asyncio.run(store.save(tracker))

    assert texts(asyncio.run(store.retrieve_full_tracker("somebody"))) == [f"message {number}" for number in range(3)]


def test_nothing_is_written_of_a_conversation_in_which_nobody_said_anything(store):
    asyncio.run(store.get_or_create_tracker("somebody"))

    assert asyncio.run(store.retrieve("somebody")) is None


@pytest.mark.parametrize("sender_id", ["", "\ud800", "a\0b", "a" * 65, "../etc", "x y", "ä"])
def test_an_id_that_is_none_of_ours_reaches_no_database(store, sender_id):
    with pytest.raises(UnusableId):
        asyncio.run(store.retrieve(sender_id))


def test_of_an_erased_conversation_nothing_is_read_and_nothing_is_written(store):
    begun(store)
    tracker = asyncio.run(store.retrieve("somebody"))
    tracker.update(UserUttered("a late one"), store.domain)
    turns.erase(store._database.engine(), "somebody")

    with pytest.raises(turns.Gone):
        asyncio.run(store.save(tracker))
    with pytest.raises(turns.Gone):
        asyncio.run(store.retrieve("somebody"))
