"""What each message got for a reply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sijbot.records.schema import INBOX


@dataclass(frozen=True)
class Answered:
    """The replies of a turn as `Reply.to_dict`, and what the conversation was behind it."""

    replies: Sequence[dict[str, Any]]
    region: str
    keep_days: int


def answered(connection: sa.engine.Connection, conversation_id: str, message_id: str) -> Optional[Answered]:
    """Return what a message got, or None for one that was not answered yet."""
    columns = INBOX.c
    query = sa.select(columns.replies, columns.region, columns.keep_days).where(columns.conversation_id == conversation_id, columns.message_id == message_id)
    row = connection.execute(query).first()
    return Answered(*row) if row else None


def write_answered(connection: sa.engine.Connection, conversation_id: str, message_id: str, found: Answered, at: datetime) -> None:
    """Write what a message got; the first one stands."""
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(INBOX).on_conflict_do_nothing()
    values = {"conversation_id": conversation_id, "message_id": message_id, "at": at, "replies": list(found.replies), "region": found.region, "keep_days": found.keep_days}
    connection.execute(insert, values)
