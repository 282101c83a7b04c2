"""A migrated database, on SQLite and on PostgreSQL."""

import pytest

from sijbot.records import schema


@pytest.fixture
def engine(database_url):
    engine = schema.make_engine(database_url)
    schema.migrate(engine)
    yield engine
    engine.dispose()
