"""Reads and writes records. Every function takes the connection; the caller owns the transaction."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional

import sqlalchemy as sa

from sijbot.records.schema import CONVERSATION_EVENTS, HAND_OFF, OWNED, SAFETY_LOG, URGENCY_LOCK
from sijbot.triage.assess import Assessment
from sijbot.triage.lock import Lock


def read_lock(connection: sa.engine.Connection, conversation_id: str) -> Optional[Lock]:
    """Return the lock of a conversation, or None."""
    row = connection.execute(sa.select(URGENCY_LOCK).where(URGENCY_LOCK.c.conversation_id == conversation_id)).mappings().first()
    return Lock(row["level"], tuple(row["flags"]), _aware(row["raised_at"])) if row else None


def write_lock(connection: sa.engine.Connection, conversation_id: str, lock: Optional[Lock]) -> None:
    """Replace the lock of a conversation; None takes it away."""
    connection.execute(sa.delete(URGENCY_LOCK).where(URGENCY_LOCK.c.conversation_id == conversation_id))
    if lock:
        values = {"conversation_id": conversation_id, "level": lock.level, "flags": list(lock.flags), "raised_at": lock.raised_at}
        connection.execute(sa.insert(URGENCY_LOCK).values(**values))


def log_assessment(connection: sa.engine.Connection, conversation_id: str, assessment: Assessment, version: str, at: datetime) -> None:
    """Write down which flags were found, where in the message, and at what level: no words."""
    findings = [{"flag": finding.flag, "outcome": finding.outcome, "start": finding.start, "end": finding.end} for finding in assessment.findings]
    values = {
        "conversation_id": conversation_id, "at": at, "outcome": assessment.outcome, "level": assessment.level, "findings": findings,
        "content_version": version,
    }  # fmt: skip
    connection.execute(sa.insert(SAFETY_LOG).values(**values))


def log_hand_off(connection: sa.engine.Connection, conversation_id: str, reply_id: str, level: str, at: datetime) -> None:
    """Write down that a hand-off text was shown. Nobody is alerted by it."""
    connection.execute(sa.insert(HAND_OFF).values(conversation_id=conversation_id, reply_id=reply_id, level=level, shown_at=at))


def forget(connection: sa.engine.Connection, conversation_id: str) -> None:
    """Erase everything that belongs to a conversation, Rasa's events included."""
    for table, column in OWNED.items():
        connection.execute(sa.delete(table).where(table.c[column] == conversation_id))
    if sa.inspect(connection).has_table(CONVERSATION_EVENTS.name):
        connection.execute(sa.delete(CONVERSATION_EVENTS).where(CONVERSATION_EVENTS.c.sender_id == conversation_id))


def finish_erasing(engine: sa.engine.Engine) -> None:
    """After `forget` was committed: take what was erased out of SQLite's write-ahead log too."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # SQLite drops the zone; all are written in UTC
