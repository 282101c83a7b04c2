"""The history of a conversation, on both kinds of database. That each message is answered once stands in test_turns.py."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

import pytest
import sqlalchemy as sa

from sijbot.records import repository, schema
from sijbot.records.inbox import Answered, Exchange, answered, history

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
FIRST = Answered([{"text": "Lie on your back.", "timer": {"count": 8}}], "uk", 0)
SECOND = Answered([{"text": "Sit down."}], "au", 365)


def write(engine, conversation: str, message: str, found: Answered, place: int = 1, at: datetime = NOON, said: Optional[str] = None) -> None:
    row = {
        "conversation_id": conversation, "message_id": message, "at": at, "state": schema.ANSWERED, "place": place, "replies": found.replies, "region": found.region,
        "keep_days": found.keep_days, "said": said,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.INBOX).values(**row))


def read(engine, conversation: str, message: str):
    with engine.connect() as connection:
        return answered(connection, conversation, message)


def history_of(engine, conversation: str, most: int = 50) -> list[Exchange]:
    with engine.connect() as connection:
        return history(connection, conversation, most)


def test_what_was_written_is_read_back_for_its_message_alone(engine):
    write(engine, "a", "message-1", FIRST)
    write(engine, "a", "message-2", SECOND, 2)

    assert read(engine, "a", "message-1") == FIRST
    assert read(engine, "a", "message-2") == SECOND
    assert read(engine, "a", "message-3") is None
    assert read(engine, "b", "message-1") is None


def test_what_was_forgotten_is_a_new_message(engine):
    write(engine, "a", "message-1", FIRST)

    with engine.begin() as connection:
        repository.forget(connection, "a")

    assert read(engine, "a", "message-1") is None


def test_the_history_is_what_was_said_and_got_in_the_order_of_the_answers(engine):
    write(engine, "a", "message-2", SECOND, 9, NOON, "later, though the clock was put back")
    write(engine, "a", "message-1", FIRST, 3, NOON + timedelta(hours=1), "\U0001f600 earlier")

    assert history_of(engine, "a") == [
        Exchange("message-1", "\U0001f600 earlier", list(FIRST.replies), NOON + timedelta(hours=1), FIRST.region, FIRST.keep_days),
        Exchange("message-2", "later, though the clock was put back", list(SECOND.replies), NOON, SECOND.region, SECOND.keep_days),
    ]  # fmt: skip
    assert history_of(engine, "a")[0].at.utcoffset() == timedelta()


def test_the_history_holds_nothing_of_another_conversation(engine):
    write(engine, "b", "message-1", FIRST, said="a secret")

    assert history_of(engine, "a") == []


@pytest.mark.parametrize("most, numbers", [(2, [1, 2]), (3, [0, 1, 2]), (4, [0, 1, 2])])
def test_of_a_long_history_the_latest_are_given(engine, most, numbers):
    for number in (1, 0, 2):
        write(engine, "a", f"message-{number}", FIRST, number, said=str(number))

    assert [int(exchange.said) for exchange in history_of(engine, "a", most)] == numbers


def test_the_history_of_a_full_table_is_read_in_its_order_and_not_sorted(tmp_path):
    engine = schema.make_engine(f"sqlite:///{tmp_path / 'sijbot.db'}")
    schema.migrate(engine)
    rows = [
        {"conversation_id": str(number % 200), "message_id": f"message-{number}", "at": NOON, "state": schema.ANSWERED, "place": number, "replies": [], "region": "uk", "keep_days": 0}
        for number in range(10_000)
    ]  # fmt: skip
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, context, many):
        plans.extend(row[-1] for row in cursor.connection.execute(f"explain query plan {statement}", parameters))

    with engine.begin() as connection:
        connection.execute(sa.insert(schema.INBOX), rows)
    sa.event.listen(engine, "before_cursor_execute", explain)
    history_of(engine, "7")
    engine.dispose()

    assert plans == ["SEARCH inbox USING INDEX ix_inbox_conversation_place (conversation_id=? AND place>?)"]
