"""What a clinic is told of a hand-off, and what the person knows of that. Every function takes the connection; the caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping, Optional, Sequence

import sqlalchemy as sa

from sijbot.records import outbox
from sijbot.records.outbox import DELIVERED, FAILED, QUEUED
from sijbot.records.repository import aware, log_hand_off
from sijbot.records.schema import HAND_OFF, OUTBOX


@dataclass(frozen=True)
class PassedOn:
    """A hand-off that the person had passed on. settled_at: when it was delivered or given up; None where it waits, or was delivered so long ago that the outbox has forgotten it."""

    id: str
    level: str
    flags: tuple[str, ...]
    state: str
    settled_at: Optional[datetime]

    def flags_include(self, flags: Sequence[str]) -> bool:
        """Return whether it told of all these signs."""
        return set(flags) <= set(self.flags)


def was_shown(connection: sa.engine.Connection, conversation_id: str, reply_id: str, before: datetime) -> bool:
    """Return whether the text of a hand-off was shown in the conversation before a time."""
    columns = HAND_OFF.c
    query = sa.select(columns.id).where(columns.conversation_id == conversation_id, columns.reply_id == reply_id[: columns.reply_id.type.length], columns.shown_at < before)
    return connection.execute(query.limit(1)).first() is not None


def was_asked(connection: sa.engine.Connection, conversation_id: str, levels: Sequence[str]) -> bool:
    """Return whether the person was asked at one of these levels whether the clinic may be told."""
    columns = HAND_OFF.c
    query = sa.select(sa.func.count()).where(columns.conversation_id == conversation_id, columns.level.in_(levels), columns.asked_at.is_not(None))
    return connection.execute(query).scalar() > 0


def note_asked(connection: sa.engine.Connection, conversation_id: str, reply_id: str, level: str, flags: Sequence[str], now: datetime) -> None:
    """Write down that the person was asked about what stands at this level. reply_id: of what was shown for it, where no card has been."""
    _write(connection, conversation_id, reply_id, level, flags, now, {"asked_at": now})


def note_declined(connection: sa.engine.Connection, conversation_id: str) -> None:
    """Write down that the person said no to what they were asked and have not agreed to."""
    columns = HAND_OFF.c
    is_open = sa.and_(columns.conversation_id == conversation_id, columns.asked_at.is_not(None), columns.consent.is_(None))
    connection.execute(sa.update(HAND_OFF).where(is_open).values(consent=False))


def pass_on(connection: sa.engine.Connection, sink: str, payload: Mapping[str, Any], reply_id: str, now: datetime) -> None:
    """Queue what the person agreed to (a payload of `outbox.hand_off_payload`), and write down that they did and know that it waits. Nothing is sent before the caller commits."""
    conversation_id = payload["conversation"]
    outbox.put(connection, conversation_id, sink, payload, now)
    values = {"consent": True, "state": QUEUED, "told_state": QUEUED, "outbox_id": payload["id"], "flags": payload["flags"]}
    _write(connection, conversation_id, reply_id, payload["level"], payload["flags"], now, values)


def passed_on(connection: sa.engine.Connection, conversation_id: str, levels: Sequence[str]) -> Optional[PassedOn]:
    """Return what was passed on last at one of these levels, or None."""
    query = _passed_on(conversation_id).where(HAND_OFF.c.level.in_(levels)).order_by(HAND_OFF.c.id.desc()).limit(1)
    return next(map(_record, connection.execute(query)), None)


def take_news(connection: sa.engine.Connection, conversation_id: str) -> list[PassedOn]:
    """Return what was delivered or given up and the person was not told of, the oldest first, and write down that they are told with this transaction."""
    columns = HAND_OFF.c
    is_news = sa.and_(columns.state.in_((DELIVERED, FAILED)), sa.or_(columns.told_state.is_(None), columns.told_state != columns.state))
    news = [_record(row) for row in connection.execute(_passed_on(conversation_id).where(is_news).order_by(columns.id))]
    for each in news:
        note_told(connection, each)
    return news


def note_told(connection: sa.engine.Connection, told: PassedOn) -> None:
    """Write down that the person knows this state, whatever it has come to since."""
    connection.execute(sa.update(HAND_OFF).where(HAND_OFF.c.outbox_id == told.id).values(told_state=told.state))


def _passed_on(conversation_id: str) -> sa.sql.Select:
    columns = HAND_OFF.c
    query = sa.select(columns.outbox_id, columns.level, columns.flags, columns.state, OUTBOX.c.settled_at)
    return query.select_from(HAND_OFF.outerjoin(OUTBOX, OUTBOX.c.id == columns.outbox_id)).where(columns.conversation_id == conversation_id, columns.outbox_id.is_not(None))


def _record(row: Any) -> PassedOn:
    return PassedOn(row.outbox_id, row.level, tuple(row.flags), row.state, aware(row.settled_at) if row.settled_at else None)


def _write(
    connection: sa.engine.Connection, conversation_id: str, reply_id: str, level: str, flags: Sequence[str], now: datetime, values: Mapping[str, Any]
) -> None:  # fmt: skip
    """Change the newest row of a level of which nothing was passed on, which is made where there is none.

    The row is never named by its number: what a turn writes is written once more when it ends, and a row that the same turn made has another number then.
    """
    columns = HAND_OFF.c
    newest = sa.select(sa.func.max(columns.id)).where(columns.conversation_id == conversation_id, columns.level == level, columns.outbox_id.is_(None)).scalar_subquery()
    changing = sa.update(HAND_OFF).where(columns.id == newest).values(**values)
    if connection.execute(changing).rowcount:
        return
    log_hand_off(connection, conversation_id, reply_id, level, flags, now)
    connection.execute(changing)
