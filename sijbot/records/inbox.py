"""What each message got for a reply, and the history of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, Sequence

import sqlalchemy as sa

from sijbot.records.repository import aware
from sijbot.records.schema import INBOX
from sijbot.records.turn_statements import ANSWERED_WITH


@dataclass(frozen=True)
class Answered:
    """The replies of a turn as `Reply.to_dict`, and what the conversation was behind it."""

    replies: Sequence[dict[str, Any]]
    region: str
    keep_days: int


@dataclass(frozen=True)
class Exchange:
    """What somebody said, what they got for it, and what the conversation was behind it; `said` is None in rows that are older than the column."""

    message_id: str
    said: Optional[str]
    replies: Sequence[dict[str, Any]]
    at: datetime
    region: str
    keep_days: int


def answered(connection: sa.engine.Connection, conversation_id: str, message_id: str) -> Optional[Answered]:
    """Return what a message got, or None for one that was not answered yet."""
    row = connection.execute(ANSWERED_WITH, {"of": conversation_id, "message": message_id}).first()
    return Answered(*row) if row else None


def history(connection: sa.engine.Connection, conversation_id: str, most: int) -> list[Exchange]:
    """Return the latest exchanges of a conversation, at most so many, the oldest first: in the order in which they were answered, whatever the clock said."""
    columns = INBOX.c
    query = sa.select(columns.message_id, columns.said, columns.replies, columns.at, columns.region, columns.keep_days).where(columns.conversation_id == conversation_id, columns.place.is_not(None))
    latest = connection.execute(query.order_by(columns.place.desc()).limit(most)).all()
    return [Exchange(message_id, said, replies, aware(at), region, keep_days) for message_id, said, replies, at, region, keep_days in reversed(latest)]
