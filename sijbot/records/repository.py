"""Reads and writes records. Every function takes the connection; the caller owns the transaction."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Optional, Sequence

import sqlalchemy as sa

from sijbot.records.schema import EXAMPLE, HAND_OFF, KEEPING, OWNED, SAFETY_LOG, UNDERSTANDING, URGENCY_LOCK, WRITTEN_AT
from sijbot.routing import NO
from sijbot.triage.assess import Assessment
from sijbot.triage.lock import Lock


def read_lock(connection: sa.engine.Connection, conversation_id: str) -> Optional[Lock]:
    """Return the lock of a conversation, or None."""
    row = connection.execute(sa.select(URGENCY_LOCK).where(URGENCY_LOCK.c.conversation_id == conversation_id)).mappings().first()
    return Lock(row["level"], tuple(row["flags"]), aware(row["raised_at"])) if row else None


def write_lock(connection: sa.engine.Connection, conversation_id: str, lock: Optional[Lock]) -> None:
    """Replace the lock of a conversation; None takes it away."""
    connection.execute(sa.delete(URGENCY_LOCK).where(URGENCY_LOCK.c.conversation_id == conversation_id))
    if lock:
        values = {"conversation_id": conversation_id, "level": lock.level, "flags": list(lock.flags), "raised_at": lock.raised_at}
        connection.execute(sa.insert(URGENCY_LOCK).values(**values))


def log_assessment(
    connection: sa.engine.Connection, conversation_id: str, assessment: Assessment, version: str, at: datetime, lifted: Optional[Lock] = None,
    reply_id: Optional[str] = None, message_id: Optional[str] = None,
) -> None:  # fmt: skip
    """Write down which flags were found, where in the message and at what level, what was taken back or seen about, and what was shown: no words.

    message_id: of a message whose turn failed: it is logged once, however often it fails.
    """
    if message_id:
        unlog_failed(connection, conversation_id, message_id)
    findings = [{"flag": finding.flag, "outcome": finding.outcome, "start": finding.start, "end": finding.end} for finding in assessment.findings]
    findings += [{"flag": flag, "outcome": "corrected"} for flag in assessment.corrected]
    findings += [{"flag": flag, "outcome": "seen"} for flag in (lifted.flags if lifted else ())]
    if assessment.answered and assessment.answered[1] == NO:
        findings.append({"flag": assessment.answered[0], "outcome": "answered_no"})
    values = {
        "conversation_id": conversation_id, "at": at, "outcome": assessment.outcome, "level": assessment.level, "findings": findings,
        "content_version": version, "reply_id": reply_id, "message_id": message_id,
    }  # fmt: skip
    connection.execute(sa.insert(SAFETY_LOG).values(**values))


def unlog_failed(connection: sa.engine.Connection, conversation_id: str, message_id: str) -> None:
    """Take out what was logged of a message when its turn failed."""
    connection.execute(sa.delete(SAFETY_LOG).where(SAFETY_LOG.c.conversation_id == conversation_id, SAFETY_LOG.c.message_id == message_id))


def log_hand_off(connection: sa.engine.Connection, conversation_id: str, reply_id: str, level: str, flags: Sequence[str], at: datetime) -> None:
    """Write down that a hand-off text was shown (state `offered`). Nobody is alerted by it."""
    values = {"conversation_id": conversation_id, "reply_id": reply_id[:255], "level": level, "flags": list(flags), "shown_at": at, "state": "offered"}
    connection.execute(sa.insert(HAND_OFF).values(**values))


def log_understanding(connection: sa.engine.Connection, conversation_id: str, outcome: str, about: Optional[str], version: str, at: datetime, words: Optional[str] = None) -> None:
    """Write down what became of a question: its outcome and the id it was about. words: of an example alone, with the consent of who wrote them."""
    values = {"conversation_id": conversation_id, "at": at, "outcome": outcome, "about": about, "content_version": version, "words": words}
    connection.execute(sa.insert(UNDERSTANDING).values(**values))


def misses(connection: sa.engine.Connection, since: Optional[datetime] = None) -> list[dict[str, Any]]:
    """Return how often each id was asked in doubt, declined, found helpful or not (`about`, `outcome`, `count`), the most frequent first."""
    columns = (UNDERSTANDING.c.about, UNDERSTANDING.c.outcome)
    count = sa.func.count().label("count")
    query = sa.select(*columns, count).where(UNDERSTANDING.c.outcome != EXAMPLE).group_by(*columns).order_by(count.desc(), *columns)
    return [dict(row) for row in connection.execute(query.where(UNDERSTANDING.c.at >= since) if since else query).mappings()]


def examples(connection: sa.engine.Connection, since: Optional[datetime] = None) -> dict[str, list[str]]:
    """Return the words that people agreed to have kept, by the id that they chose for them; each once."""
    query = sa.select(UNDERSTANDING.c.about, UNDERSTANDING.c.words).where(UNDERSTANDING.c.outcome == EXAMPLE).distinct().order_by(UNDERSTANDING.c.about, UNDERSTANDING.c.words)
    found: dict[str, list[str]] = {}
    for about, words in connection.execute(query.where(UNDERSTANDING.c.at >= since) if since else query):
        found.setdefault(about, []).append(words)
    return found


def hand_offs(connection: sa.engine.Connection, since: Optional[datetime] = None) -> list[dict[str, Any]]:
    """Return the hand-off records, oldest first: conversation, level, flags, time, consent and state."""
    return _rows(connection, HAND_OFF, HAND_OFF.c.shown_at, since)


def safety_log(connection: sa.engine.Connection, since: Optional[datetime] = None) -> list[dict[str, Any]]:
    """Return the safety log, oldest first. It holds ids, offsets and times, and no words of anybody."""
    return _rows(connection, SAFETY_LOG, SAFETY_LOG.c.at, since)


def safety_log_of(connection: sa.engine.Connection, conversation_id: str) -> list[dict[str, Any]]:
    """Return the safety log of one conversation, oldest first: time, level and findings."""
    log = SAFETY_LOG.c
    rows = connection.execute(sa.select(log.at, log.level, log.findings).where(log.conversation_id == conversation_id).order_by(log.id)).mappings()
    return [{**row, "at": aware(row["at"])} for row in rows]


def _rows(connection: sa.engine.Connection, table: sa.Table, time: sa.Column, since: Optional[datetime]) -> list[dict[str, Any]]:
    query = sa.select(table).order_by(table.c.id)
    rows = connection.execute(query.where(time >= since) if since else query).mappings()
    return [{key: aware(value).isoformat() if isinstance(value, datetime) else value for key, value in row.items()} for row in rows]


def forget(connection: sa.engine.Connection, conversation_id: str) -> None:
    """Erase everything that belongs to a conversation."""
    for table, column in OWNED.items():
        connection.execute(sa.delete(table).where(table.c[column] == conversation_id))


def outdated(connection: sa.engine.Connection, now: datetime, kept: timedelta, kept_agreed: timedelta) -> list[str]:
    """Return the conversations in which nothing was written for longer than `kept`, or than `kept_agreed` where the person agreed to that."""
    times = [sa.select(table.c[column].label("id"), sa.func.max(table.c[WRITTEN_AT[table]]).label("at")).group_by(table.c[column]) for table, column in OWNED.items()]
    latest: dict[str, datetime] = {}
    for conversation_id, at in connection.execute(sa.union_all(*times)):
        latest[conversation_id] = max(latest.get(conversation_id, aware(at)), aware(at))
    agreed = set(connection.execute(sa.select(KEEPING.c.conversation_id).where(KEEPING.c.is_agreed)).scalars())
    return sorted(one for one, at in latest.items() if now - at > (kept_agreed if one in agreed else kept))


def finish_erasing(engine: sa.engine.Engine) -> None:
    """After `forget` was committed: take what was erased out of SQLite's write-ahead log too."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def aware(moment: datetime) -> datetime:
    """Return a stored time with its zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # SQLite drops the zone; all are written in UTC
