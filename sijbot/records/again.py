"""Erasing again what a restored backup has brought back."""

from __future__ import annotations

from typing import Collection, Iterator

import sqlalchemy as sa

from sijbot.records.schema import OWNED
from sijbot.records.turns import digest_of


def brought_back(connection: sa.engine.Connection, digests: Collection[str]) -> list[str]:
    """Return the ids of the conversations, of which something is stored, that the digests name."""
    return sorted({conversation_id for conversation_id in _conversations(connection) if digest_of(conversation_id) in digests})


def _conversations(connection: sa.engine.Connection) -> Iterator[str]:
    for table, column in OWNED.items():
        yield from connection.execute(sa.select(table.c[column]).distinct()).scalars()
