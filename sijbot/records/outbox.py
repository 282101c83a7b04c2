"""The outbox: what is to be told to somebody outside. A row stands there with what it tells of, in one transaction; a relay delivers it later, at least once.

Every function takes the connection; the caller owns the transaction, and no transaction is open while something is sent.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Mapping, Optional, Sequence

import sqlalchemy as sa

from sijbot.records.repository import aware
from sijbot.records.schema import HAND_OFF, OUTBOX

HAND_OFF_KIND, TURN_KIND = "hand_off", "turn"  # what a row tells of
QUEUED, DELIVERED, FAILED = "queued", "delivered", "failed"  # how far it has come; the ways out (sinks) stand in settings.py

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=10)
# How often one is tried before it is given up. A hand-off is told to have failed after about an hour, while somebody can still call; an event may wait a day for its broker.
MOST_ATTEMPTS = {HAND_OFF_KIND: 16, TURN_KIND: 160}
FAULT_CHARACTERS = OUTBOX.c.fault.type.length
KEPT_DELIVERED = timedelta(days=1)  # for `sijbot outbox` and whoever asks what became of something


@dataclass(frozen=True)
class Claimed:
    """A row that one relay may deliver until `claimed_until`. `attempts` counts this one."""

    id: str
    kind: str
    sink: str
    payload: Mapping[str, Any]
    attempts: int
    claimed_until: datetime


def new_id() -> str:
    """Return an id for a row: 32 characters that nobody can guess."""
    return uuid.uuid4().hex


def hand_off_payload(
    id: str, conversation_id: str, level: str, findings: Sequence[str], flags: Sequence[str], region: str, at: datetime, contact: Optional[str]
) -> dict[str, Any]:
    """Return what a clinic is told. findings: in plain words out of content/; contact: as the person typed it, the only words of theirs."""
    return {
        "id": id, "kind": HAND_OFF_KIND, "conversation": conversation_id, "level": level, "findings": list(findings), "flags": list(flags), "region": region, "at": at.isoformat(),
        "contact": contact,
    }  # fmt: skip


def turn_payload(id: str, conversation_id: str, seq: int, at: datetime, level: Optional[str], outcome: str, flags: Sequence[str]) -> dict[str, Any]:
    """Return what a broker is told of a turn: no words of anybody, and a hash in place of the conversation's id, which opens nothing."""
    hashed = hashlib.sha256(conversation_id.encode()).hexdigest()
    return {"id": id, "kind": TURN_KIND, "conversation": hashed, "seq": seq, "at": at.isoformat(), "level": level, "outcome": outcome, "flags": list(flags)}


def put(connection: sa.engine.Connection, conversation_id: str, sink: str, payload: Mapping[str, Any], now: datetime) -> None:
    """Queue a payload for a sink; its id and kind are the row's. Nothing of it is sent before the caller commits."""
    row = {
        "id": payload["id"], "conversation_id": conversation_id, "kind": payload["kind"], "sink": sink, "payload": dict(payload), "state": QUEUED, "attempts": 0,
        "created_at": now, "due_at": now,
    }  # fmt: skip
    connection.execute(sa.insert(OUTBOX).values(**row))


def claim(connection: sa.engine.Connection, sink: str, now: datetime, most: int, lease: timedelta) -> list[Claimed]:
    """Take at most so many rows of a sink that are due and that no other relay has, those that have waited longest first, until the lease runs out."""
    columns, until = OUTBOX.c, now + lease
    never = until + LONGEST_WAIT  # no lease and no wait reaches so far: the clock has been put back since, and nobody shall wait for it to come round
    is_due = sa.or_(columns.due_at <= now, columns.due_at > never)
    is_free = sa.or_(columns.claimed_until.is_(None), columns.claimed_until <= now, columns.claimed_until > never)
    query = sa.select(columns.id, columns.kind, columns.payload, columns.attempts).where(columns.state == QUEUED, columns.sink == sink, is_due, is_free)
    found = connection.execute(query.order_by(columns.due_at, columns.id).limit(most).with_for_update(skip_locked=True)).all()  # SQLite knows no such lock
    claimed = []
    for id, kind, payload, attempts in found:
        # There two may read the same row: it goes to the one whose update still finds it as it was read.
        as_read = sa.and_(columns.id == id, columns.attempts == attempts, columns.state == QUEUED, is_free)
        if connection.execute(sa.update(OUTBOX).where(as_read).values(attempts=attempts + 1, claimed_until=until)).rowcount:
            claimed.append(Claimed(id, kind, sink, payload, attempts + 1, until))
    return claimed


def settle_delivered(connection: sa.engine.Connection, row: Claimed, now: datetime) -> None:
    """Write down that a row was delivered, and forget what was in it. Also where the lease has run out meanwhile: it was delivered all the same."""
    values = {"state": DELIVERED, "settled_at": now, "claimed_until": None, "fault": None, "payload": {}}
    if connection.execute(sa.update(OUTBOX).where(OUTBOX.c.id == row.id).values(**values)).rowcount:
        _tell_hand_off(connection, [row.id], DELIVERED)


def settle_again(connection: sa.engine.Connection, row: Claimed, now: datetime, fault: str, random: Random) -> None:
    """Let a row wait before it is tried again, or give it up where it was tried often enough."""
    if row.attempts >= MOST_ATTEMPTS[row.kind]:
        settle_failed(connection, row, now, fault)
        return
    values = {"due_at": now + wait_after(row.attempts, random), "claimed_until": None, "fault": fault[:FAULT_CHARACTERS]}
    connection.execute(sa.update(OUTBOX).where(_still_held(row)).values(**values))


def settle_failed(connection: sa.engine.Connection, row: Claimed, now: datetime, fault: str) -> None:
    """Give a row up: it is tried no more until somebody puts it back."""
    values = {"state": FAILED, "settled_at": now, "claimed_until": None, "fault": fault[:FAULT_CHARACTERS]}
    if connection.execute(sa.update(OUTBOX).where(_still_held(row)).values(**values)).rowcount:
        _tell_hand_off(connection, [row.id], FAILED)


def give_back(connection: sa.engine.Connection, row: Claimed) -> None:
    """Leave a row to whoever comes next, at once."""
    connection.execute(sa.update(OUTBOX).where(_still_held(row)).values(claimed_until=None))


def wait_after(attempts: int, random: Random) -> timedelta:
    """Return how long to wait behind so many attempts: twice as long each time up to a limit, and of that between half and all, so that many do not come back at once."""
    doublings = min(attempts - 1, 20)  # beyond any limit, and no number grows without end
    return min(FIRST_WAIT * 2**doublings, LONGEST_WAIT) * random.uniform(0.5, 1)


def waiting(connection: sa.engine.Connection, *states: str) -> list[dict[str, Any]]:
    """Return id, kind, sink, state, attempts, times and fault of the rows in these states, the oldest first. The payload is left out."""
    columns = [column for column in OUTBOX.columns if column.name not in ("payload", "conversation_id")]
    rows = connection.execute(sa.select(*columns).where(OUTBOX.c.state.in_(states)).order_by(OUTBOX.c.created_at, OUTBOX.c.id)).mappings()
    return [{key: aware(value) if isinstance(value, datetime) else value for key, value in row.items()} for row in rows]


def retry(connection: sa.engine.Connection, now: datetime, id: Optional[str] = None) -> int:
    """Put what was given up back into the queue, one row or all, with all its attempts before it; return how many were put back."""
    query = sa.select(OUTBOX.c.id).where(OUTBOX.c.state == FAILED).with_for_update()
    ids = connection.execute(query.where(OUTBOX.c.id == id) if id is not None else query).scalars().all()
    for one in ids:
        connection.execute(sa.update(OUTBOX).where(OUTBOX.c.id == one).values(state=QUEUED, attempts=0, due_at=now, settled_at=None))
    _tell_hand_off(connection, ids, QUEUED)
    return len(ids)


def sweep(connection: sa.engine.Connection, now: datetime) -> int:
    """Delete what was delivered a day ago; return how many rows. Each turn may leave one, and nobody asks for them any more."""
    columns = OUTBOX.c
    return connection.execute(sa.delete(OUTBOX).where(columns.state == DELIVERED, columns.settled_at <= now - KEPT_DELIVERED)).rowcount


def counts(connection: sa.engine.Connection) -> dict[tuple[str, str], int]:
    """Return how many rows there are by (sink, state), for metrics."""
    columns = OUTBOX.c
    return {(sink, state): count for sink, state, count in connection.execute(sa.select(columns.sink, columns.state, sa.func.count()).group_by(columns.sink, columns.state))}


def oldest_queued(connection: sa.engine.Connection) -> dict[str, datetime]:
    """Return by sink since when the row that has waited longest has done so, for metrics; a sink with nothing queued is left out."""
    columns = OUTBOX.c
    rows = connection.execute(sa.select(columns.sink, sa.func.min(columns.created_at)).where(columns.state == QUEUED).group_by(columns.sink))
    return {sink: aware(at) for sink, at in rows}


def _still_held(row: Claimed) -> Any:
    """True of the row where nobody else has claimed or settled it since: who comes late with bad news changes nothing."""
    columns = OUTBOX.c
    return sa.and_(columns.id == row.id, columns.state == QUEUED, columns.attempts == row.attempts, columns.claimed_until == row.claimed_until)


def _tell_hand_off(connection: sa.engine.Connection, ids: Sequence[str], state: str) -> None:
    """Let the hand-offs of these rows say what became of them."""
    for id in ids:
        connection.execute(sa.update(HAND_OFF).where(HAND_OFF.c.outbox_id == id).values(state=state))
