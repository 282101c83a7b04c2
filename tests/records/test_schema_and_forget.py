"""What is kept about a conversation, and that nothing of it is left once it is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from sijbot.records import repository, schema
from sijbot.triage.assess import ALARM, Assessment, Finding
from sijbot.triage.lock import Lock

CANARY = "Quokkabracket"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
ALARMED = Assessment(ALARM, (Finding("foot_drop", ALARM, "urgent", 3, 9),))


@pytest.fixture
def file_engine(tmp_path):
    """An engine on a SQLite file, for what only SQLite has."""
    engine = schema.make_engine(f"sqlite:///{tmp_path / 'sijbot.db'}")
    schema.migrate(engine)
    yield engine
    engine.dispose()


def made_up(column: sa.Column, conversation: str):
    """Return a value that fits the column."""
    if column.name == "conversation_id":
        return conversation
    if isinstance(column.type, sa.DateTime):
        return NOON
    if isinstance(column.type, sa.Date):
        return NOON.date()
    if isinstance(column.type, sa.Integer):
        return 1
    if column.primary_key:
        return f"{conversation} {CANARY}"
    if isinstance(column.type, sa.Boolean):
        return True
    return [CANARY] if isinstance(column.type, sa.JSON) else CANARY[: getattr(column.type, "length", None)]


def fill(engine, conversation: str) -> None:
    """Write one row into every table that holds something of a conversation."""
    with engine.begin() as connection:
        for table in schema.OWNED:
            row = {column.name: made_up(column, conversation) for column in table.columns if column.name != "id" or not isinstance(column.type, sa.Integer)}
            connection.execute(sa.insert(table).values(**row))


def counts(engine, conversation: str) -> dict[str, int]:
    """Return the number of rows of a conversation, by table."""
    with engine.connect() as connection:
        query = sa.select(sa.func.count())
        return {table.name: connection.scalar(query.select_from(table).where(table.c[column] == conversation)) for table, column in schema.OWNED.items()}


def test_every_table_but_that_of_the_erased_is_registered_with_forget():
    assert set(schema.OWNED) == set(schema.METADATA.tables.values()) - {schema.ERASED}
    assert set(schema.WRITTEN_AT) == set(schema.OWNED)


def test_what_is_kept_of_an_erased_conversation_names_nobody():
    assert {column.name for column in schema.ERASED.columns} == {"digest", "message_id", "answer", "at"}


def test_the_migration_makes_exactly_the_tables_and_columns_of_the_code(engine):
    inspector = sa.inspect(engine)
    made = {name: {column["name"] for column in inspector.get_columns(name)} for name in inspector.get_table_names() if name != "sijbot_schema"}

    assert made == {name: {column.name for column in table.columns} for name, table in schema.METADATA.tables.items()}


def test_the_migration_makes_the_indexes_of_the_code(engine):
    inspector = sa.inspect(engine)

    for name, table in schema.METADATA.tables.items():
        made = {tuple(index["column_names"]) for index in inspector.get_indexes(name)}
        assert made == {tuple(column.name for column in index.columns) for index in table.indexes}, name


def test_migrating_twice_loses_nothing(engine):
    fill(engine, "a")

    schema.migrate(engine)

    assert set(counts(engine, "a").values()) == {1}


def test_forget_empties_every_table_for_one_conversation_and_no_other(engine):
    fill(engine, "a")
    fill(engine, "b")

    with engine.begin() as connection:
        repository.forget(connection, "a")

    assert set(counts(engine, "a").values()) == {0}
    assert set(counts(engine, "b").values()) == {1}


def test_what_was_forgotten_stands_in_no_file_of_the_database(file_engine, tmp_path):
    engine = file_engine
    fill(engine, "a")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    with engine.begin() as connection:
        repository.forget(connection, "a")
    repository.finish_erasing(engine)

    assert CANARY.encode() in kept
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("pragma, value", [("journal_mode", "wal"), ("secure_delete", 1), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 1000)])
def test_every_sqlite_connection_is_set_up(file_engine, pragma, value):
    engine = file_engine
    with engine.connect() as connection, engine.connect() as another:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
        assert another.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_lock_comes_back_as_it_was_written_time_zone_included(engine):
    lock = Lock("urgent", ("foot_drop", "severe_pain"), NOON)

    with engine.begin() as connection:
        repository.write_lock(connection, "a", lock)

    with engine.connect() as connection:
        read = repository.read_lock(connection, "a")
    assert read == lock
    assert read.raised_at.utcoffset() == timedelta()


def test_a_lock_is_replaced_and_taken_away(engine):
    with engine.begin() as connection:
        repository.write_lock(connection, "a", Lock("urgent", ("foot_drop",), NOON))
        repository.write_lock(connection, "b", Lock("urgent", ("foot_drop",), NOON))
        repository.write_lock(connection, "a", Lock("emergency", ("stroke",), NOON))
        raised = repository.read_lock(connection, "a")
        repository.write_lock(connection, "a", None)

        assert raised.level == "emergency"
        assert repository.read_lock(connection, "a") is None
        assert repository.read_lock(connection, "b").level == "urgent"


def test_a_fault_in_a_transaction_writes_nothing_of_it(engine):
    with pytest.raises(RuntimeError), engine.begin() as connection:
        repository.write_lock(connection, "a", Lock("urgent", ("foot_drop",), NOON))
        repository.log_hand_off(connection, "a", "hand-off", "urgent", ("foot_drop",), NOON)
        raise RuntimeError("broken on purpose")

    with engine.connect() as connection:
        assert repository.read_lock(connection, "a") is None
        assert connection.execute(sa.select(schema.HAND_OFF)).all() == []


def test_the_safety_log_keeps_flags_and_offsets_and_no_words(engine):
    with engine.begin() as connection:
        repository.log_assessment(connection, "a", ALARMED, "v1", NOON)
        (row,) = connection.execute(sa.select(schema.SAFETY_LOG)).mappings().all()

    assert row["findings"] == [{"flag": "foot_drop", "outcome": "alarm", "start": 3, "end": 9}]
    assert (row["outcome"], row["level"], row["content_version"]) == ("alarm", "urgent", "v1")


def test_a_database_that_cannot_be_reached_raises_what_the_channel_expects(tmp_path):
    engine = schema.make_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'sijbot.db'}")

    with pytest.raises(schema.FAULTS):
        with engine.connect() as connection:
            repository.read_lock(connection, "a")


def test_a_hand_off_is_written_down_as_offered_and_nothing_more(engine):
    with engine.begin() as connection:
        repository.log_hand_off(connection, "a", "hand-off:alarm:urgent:foot_drop", "urgent", ("foot_drop", "severe_pain"), NOON)
        (row,) = repository.hand_offs(connection)

    assert (row["level"], row["flags"], row["consent"], row["state"]) == ("urgent", ["foot_drop", "severe_pain"], None, "offered")
    assert row["state"] in schema.HAND_OFF_STATES


def test_records_are_listed_from_a_day_on(engine):
    with engine.begin() as connection:
        repository.log_assessment(connection, "a", ALARMED, "v1", NOON - timedelta(days=9))
        repository.log_assessment(connection, "b", ALARMED, "v1", NOON, reply_id="hand-off:x")
        rows = repository.safety_log(connection, since=NOON - timedelta(days=1))

    assert [(row["conversation_id"], row["reply_id"]) for row in rows] == [("b", "hand-off:x")]


def test_what_is_seen_about_or_taken_back_is_in_the_safety_log(engine):
    with engine.begin() as connection:
        repository.log_assessment(connection, "a", Assessment(corrected=("stroke",)), "v1", NOON)
        repository.log_assessment(connection, "a", Assessment(), "v1", NOON, lifted=Lock("urgent", ("foot_drop",), NOON))
        findings = [row["findings"] for row in repository.safety_log(connection)]

    assert findings == [[{"flag": "stroke", "outcome": "corrected"}], [{"flag": "foot_drop", "outcome": "seen"}]]
