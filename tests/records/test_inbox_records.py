"""What a message got for a reply, on both kinds of database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from sijbot.records import repository, schema
from sijbot.records.inbox import Answered, Exchange, answered, history, write_answered

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
FIRST = Answered([{"text": "Lie on your back.", "timer": {"count": 8}}], "uk", 0)
SECOND = Answered([{"text": "Sit down."}], "au", 365)


def write(engine, conversation: str, message: str, found: Answered, at: datetime = NOON, said: Optional[str] = None) -> None:
    with engine.begin() as connection:
        write_answered(connection, conversation, message, found, at, said)


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


def history_of(engine, conversation: str, most: int = 50) -> list[Exchange]:
    with engine.connect() as connection:
        return history(connection, conversation, most)


def test_the_history_is_what_was_said_and_got_the_oldest_first(engine):
    write(engine, "a", "message-2", SECOND, NOON + timedelta(seconds=1), "later")
    write(engine, "a", "message-1", FIRST, NOON, "\U0001f600 earlier")

    assert history_of(engine, "a") == [
        Exchange("message-1", "\U0001f600 earlier", list(FIRST.replies), NOON, FIRST.region, FIRST.keep_days), Exchange("message-2", "later", list(SECOND.replies), NOON + timedelta(seconds=1), SECOND.region, SECOND.keep_days),
    ]  # fmt: skip
    assert history_of(engine, "a")[0].at.utcoffset() == timedelta()


def test_the_history_holds_nothing_of_another_conversation(engine):
    write(engine, "b", "message-1", FIRST, NOON, "a secret")

    assert history_of(engine, "a") == []


@pytest.mark.parametrize("most, numbers", [(2, [1, 2]), (3, [0, 1, 2]), (4, [0, 1, 2])])
def test_of_a_long_history_the_latest_are_given(engine, most, numbers):
    for number in (1, 0, 2):
        write(engine, "a", f"message-{number}", FIRST, NOON + timedelta(seconds=number), str(number))

    assert [int(exchange.said) for exchange in history_of(engine, "a", most)] == numbers


def test_what_was_said_before_it_was_written_down_is_not_made_up(engine):
    write(engine, "a", "message-1", FIRST)

    assert history_of(engine, "a")[0].said is None


def test_the_history_of_a_full_table_is_read_in_its_order_and_not_sorted(tmp_path):
    engine = schema.make_engine(f"sqlite:///{tmp_path / 'sijbot.db'}")
    schema.migrate(engine)
    rows = [
        {"conversation_id": str(number % 200), "message_id": f"message-{number}", "at": NOON + timedelta(seconds=number), "replies": [], "region": "uk", "keep_days": 0}
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

    assert plans == ["SEARCH inbox USING INDEX ix_inbox_conversation_at (conversation_id=?)"]


def test_the_column_is_added_to_a_database_that_has_rows(database_url):
    engine = schema.make_engine(database_url)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    row = {"conversation_id": "a", "message_id": "message-1", "at": NOON, "replies": list(FIRST.replies), "region": "uk", "keep_days": 0}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "inbox")
        connection.execute(sa.insert(schema.INBOX).values(**row))
    schema.migrate(engine)

    assert history_of(engine, "a") == [Exchange("message-1", None, list(FIRST.replies), NOON, FIRST.region, FIRST.keep_days)]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "inbox")
    assert "said" not in {column["name"] for column in sa.inspect(engine).get_columns("inbox")}
    engine.dispose()
