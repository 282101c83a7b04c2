"""What a message got for a reply, on both kinds of database."""

from __future__ import annotations

from datetime import datetime, timezone

from sijbot.records import repository
from sijbot.records.inbox import Answered, answered, write_answered

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
FIRST = Answered([{"text": "Lie on your back.", "timer": {"count": 8}}], "uk", 0)
SECOND = Answered([{"text": "Sit down."}], "au", 365)


def write(engine, conversation: str, message: str, found: Answered) -> None:
    with engine.begin() as connection:
        write_answered(connection, conversation, message, found, NOON)


def read(engine, conversation: str, message: str):
    with engine.connect() as connection:
        return answered(connection, conversation, message)


def test_what_was_written_is_read_back_for_its_message_alone(engine):
    write(engine, "a", "message-1", FIRST)
    write(engine, "a", "message-2", SECOND)

    assert read(engine, "a", "message-1") == FIRST
    assert read(engine, "a", "message-2") == SECOND
    assert read(engine, "a", "message-3") is None
    assert read(engine, "b", "message-1") is None


def test_the_first_reply_stands(engine):
    write(engine, "a", "message-1", FIRST)
    write(engine, "a", "message-1", SECOND)

    assert read(engine, "a", "message-1") == FIRST


def test_what_was_forgotten_is_a_new_message(engine):
    write(engine, "a", "message-1", FIRST)

    with engine.begin() as connection:
        repository.forget(connection, "a")

    assert read(engine, "a", "message-1") is None
