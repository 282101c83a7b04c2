"""The temporary PostgreSQL server of tests and measurements."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from sijbot.temporary_postgres import NoPostgres, programs, temporary_postgres


@pytest.fixture
def server():
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    with temporary_postgres() as started:
        yield started


def test_what_was_committed_is_there_after_a_restart(server):
    engine = sa.create_engine(server.new_database("kept"), future=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE said AS SELECT 1 AS number")
    engine.dispose()
    before = server.pid

    server.restart()

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM said").scalar() == 1
    engine.dispose()
    assert server.pid != before and server.size_bytes("kept") > 1_000_000


def test_what_it_does_not_do_is_said(server):
    server.new_database("once")

    with pytest.raises(NoPostgres, match='createdb once: .*"once" already exists'):
        server.new_database("once")


def test_nothing_is_left_of_it():
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    with temporary_postgres() as server:
        command = Path(f"/proc/{server.pid}/cmdline")
        assert command.read_bytes()

    assert not server.folder.exists()
    assert not command.exists() or not command.read_bytes()  # ended; whoever is its parent now may not have noticed
