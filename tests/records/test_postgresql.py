"""What PostgreSQL alone has: a server that hangs is not waited for, its log gets nobody's words, and one frozen process keeps no other out."""

from __future__ import annotations

import time
from unittest import mock

import psycopg2
import pytest
import sqlalchemy as sa

from sijbot.records import schema
from tests.conftest import new_database

CANARY = "Bandicootbracket"


@pytest.fixture
def on_postgresql(postgres):
    engine = schema.make_engine(new_database(postgres))
    yield engine
    engine.dispose()


def test_a_call_that_takes_too_long_fails_in_time_and_the_next_one_works(on_postgresql):
    began = time.perf_counter()

    with pytest.raises(schema.FAULTS):
        with on_postgresql.connect() as connection:
            connection.exec_driver_sql("SELECT pg_sleep(30)")

    assert time.perf_counter() - began < schema.ANSWER_DEADLINE_S + 1
    with on_postgresql.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def cut(engine) -> None:
    with engine.connect() as connection, engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_terminate_backend({connection.exec_driver_sql('SELECT pg_backend_pid()').scalar()})")
        connection.exec_driver_sql("SELECT 1")


def cannot_be_reached(engine) -> None:
    schema.make_engine("postgresql+psycopg2://nobody@/nothing?host=/no/such/folder").connect()


def no_such_table(engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM no_such_table")


@pytest.mark.parametrize("fail, is_away", [(cut, True), (cannot_be_reached, True), (no_such_table, False)])
def test_a_server_that_is_away_is_told_from_one_that_says_no(on_postgresql, fail, is_away):
    with pytest.raises(schema.FAULTS) as raised:
        fail(on_postgresql)

    assert bool(schema.is_away(raised.value)) == is_away


def test_a_statement_that_fails_is_not_in_the_log_of_the_database(on_postgresql):
    with on_postgresql.connect() as connection:
        assert connection.exec_driver_sql("SHOW log_min_error_statement").scalar() == "panic"


def test_where_our_role_may_not_ask_for_that_it_is_said_once_and_all_else_works(postgres, caplog):
    url = new_database(postgres)
    owner = sa.create_engine(url, future=True, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS plain")
        connection.exec_driver_sql("CREATE ROLE plain LOGIN")
    engine = schema.make_engine(url.replace("sijbot@", "plain@"))
    schema._warn_of_its_log.cache_clear()

    for _ in range(2):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        engine.dispose()

    assert [record.message for record in caplog.records if "log_min_error_statement" in record.message] and len(caplog.records) == 1
    owner.dispose()


def test_an_exception_of_the_database_tells_no_words(on_postgresql):
    with pytest.raises(schema.FAULTS) as fault:
        with on_postgresql.connect() as connection:
            connection.execute(sa.text("SELECT :word + 1"), {"word": CANARY})

    assert CANARY not in str(fault.value).replace(str(fault.value.orig), "")


def test_who_sits_in_a_transaction_and_does_nothing_is_put_out(on_postgresql):
    with on_postgresql.connect() as connection:
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "1s"


def test_a_long_migration_may_take_its_time(on_postgresql):
    with mock.patch.object(schema, "ANSWER_DEADLINE_S", 0.05), mock.patch.object(schema.command, "upgrade", lambda config, head: config.attributes["connection"].exec_driver_sql("SELECT pg_sleep(0.3)")):
        schema.migrate(on_postgresql)

    assert not hasattr(schema._waiting, "seconds")
    assert psycopg2.extensions.get_wait_callback() is not None
