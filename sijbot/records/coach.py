"""Rows of the exercise coach and the diary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Mapping, Optional

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sijbot.records.repository import aware
from sijbot.records.schema import COACH_SESSION, CONVERSATION_EVENT, DIARY_ENTRY, EXERCISE_SET, KEEPING, OWNED

PAST_SESSIONS_READ = 14  # the rules look at the last three sessions, and at a week
DIARY_DAYS_READ = 366
MESSAGES_READ = 500


class Conflict(Exception):
    """Somebody else has written the row in between."""


@dataclass(frozen=True)
class StoredSession:
    """A row of `coach_session`; state, before: as `State.to_dict`."""

    id: str
    conversation_id: str
    version: int
    state: Mapping[str, Any]
    before: Optional[Mapping[str, Any]]
    is_over: bool
    day: date
    begun_at: datetime
    at: datetime
    day_after: Optional[str] = None

    def acknowledged(self, version: Optional[int]) -> tuple[Mapping[str, Any], int]:
        """Return the state that somebody has been shown, and its version. version: the one that the conversation knows of.

        A row that is one version ahead was written by a turn whose reply never arrived: that turn is done once more, from the state before it.
        """
        is_ahead = version is not None and version == self.version - 1 and self.before is not None
        return (self.before, version) if is_ahead else (self.state, self.version)

    def after(self, state: Mapping[str, Any], before: Mapping[str, Any], version: int, is_over: bool, at: datetime) -> "StoredSession":
        """Return the row after a turn that began with the state `before` of this version."""
        return replace(self, state=state, before=before, version=version + 1, is_over=is_over, at=at)


def newest_session(connection: sa.engine.Connection, conversation_id: str) -> Optional[StoredSession]:
    """Return the latest session of a conversation, or None."""
    rows = _sessions(connection, conversation_id, 1)
    return rows[0] if rows else None


def past_sessions(connection: sa.engine.Connection, conversation_id: str) -> list[StoredSession]:
    """Return the sessions that are over, oldest first, as many as the rules look at."""
    return _sessions(connection, conversation_id, PAST_SESSIONS_READ, COACH_SESSION.c.is_over)[::-1]


def _sessions(connection: sa.engine.Connection, conversation_id: str, most: int, *conditions: Any) -> list[StoredSession]:
    query = sa.select(COACH_SESSION).where(COACH_SESSION.c.conversation_id == conversation_id, *conditions)
    rows = connection.execute(query.order_by(COACH_SESSION.c.at.desc(), COACH_SESSION.c.id).limit(most)).mappings()
    return [StoredSession(**{**row, "at": aware(row["at"]), "begun_at": aware(row["begun_at"])}) for row in rows]


def insert_session(connection: sa.engine.Connection, session: StoredSession) -> None:
    """Write a new session."""
    connection.execute(sa.insert(COACH_SESSION).values(**_values(session)))


def update_session(connection: sa.engine.Connection, session: StoredSession, found: StoredSession) -> None:
    """Write a session that was read as `found`. Raises: Conflict where it has changed since."""
    where = (COACH_SESSION.c.id == session.id, COACH_SESSION.c.version == found.version)
    if connection.execute(sa.update(COACH_SESSION).where(*where).values(**_values(session))).rowcount != 1:
        raise Conflict(session.id)


def set_day_after(connection: sa.engine.Connection, session_id: str, day_after: str) -> None:
    """Write how the joint was in the day behind a session."""
    connection.execute(sa.update(COACH_SESSION).where(COACH_SESSION.c.id == session_id).values(day_after=day_after))


def _values(session: StoredSession) -> dict[str, Any]:
    return {column.name: getattr(session, column.name) for column in COACH_SESSION.columns}


def log_sets(connection: sa.engine.Connection, session: StoredSession, at: datetime) -> None:
    """Bring the sets in step with those that a session's state has logged: each once, by its place and round; those of a turn that was done anew go."""
    logged = [tuple(each) for each in session.state["logged"]]
    sets = EXERCISE_SET.c
    stored = {(row.place, row.round) for row in connection.execute(sa.select(sets.place, sets.round).where(sets.session_id == session.id))}
    for place, round_ in stored - set(logged):
        connection.execute(sa.delete(EXERCISE_SET).where(sets.session_id == session.id, sets.place == place, sets.round == round_))
    new = [each for each in logged if each not in stored]
    if new:
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(EXERCISE_SET).on_conflict_do_nothing()
        plan = session.state["plan"]
        connection.execute(insert, [
            {"session_id": session.id, "place": place, "round": round_, "conversation_id": session.conversation_id, "exercise": plan[place]["exercise"], "count": plan[place]["count"], "at": at}
            for place, round_ in new
        ])  # fmt: skip


# The diary.


@dataclass(frozen=True)
class Entry:
    """A number of the diary: pain from 0 to 10 on a day, and what was said to make it worse."""

    day: date
    pain: int
    worse: Optional[str] = None
    source: str = "told"
    id: Optional[int] = None


def add_entry(connection: sa.engine.Connection, conversation_id: str, entry: Entry, at: datetime) -> None:
    """Write an entry into the diary."""
    values = {"conversation_id": conversation_id, "day": entry.day, "at": at, "pain": entry.pain, "worse": entry.worse, "source": entry.source}
    connection.execute(sa.insert(DIARY_ENTRY).values(**values))


def correct_entry(connection: sa.engine.Connection, entry_id: int, pain: int, worse: Optional[str]) -> None:
    """Replace the number of an entry; what makes it worse only where that is told anew."""
    values = {"pain": pain, **({"worse": worse} if worse else {})}
    connection.execute(sa.update(DIARY_ENTRY).where(DIARY_ENTRY.c.id == entry_id).values(**values))


def latest_entry(connection: sa.engine.Connection, conversation_id: str, day: Optional[date] = None) -> Optional[Entry]:
    """Return the entry that was told last, of a day or of any."""
    columns = DIARY_ENTRY.c
    conditions = (columns.conversation_id == conversation_id, columns.source == "told", *([columns.day == day] if day else []))
    found = connection.execute(sa.select(DIARY_ENTRY).where(*conditions).order_by(columns.id.desc()).limit(1)).mappings().first()
    return _entry(found) if found else None


def diary(connection: sa.engine.Connection, conversation_id: str, since: Optional[date] = None) -> list[Entry]:
    """Return the entries of a person since a day, oldest first."""
    columns = DIARY_ENTRY.c
    query = sa.select(DIARY_ENTRY).where(columns.conversation_id == conversation_id, *([columns.day >= since] if since else []))
    return [_entry(row) for row in connection.execute(query.order_by(columns.day, columns.id)).mappings()]


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(row["day"], row["pain"], row["worse"], row["source"], row["id"])


# Whether it is kept.


@dataclass(frozen=True)
class Keeping:
    """What somebody said about keeping. is_agreed: beyond the token of the conversation; None: was not asked; is_off: the diary writes nothing new."""

    is_agreed: Optional[bool] = None
    is_off: bool = False
    at: Optional[datetime] = None


def keeping(connection: sa.engine.Connection, conversation_id: str) -> Keeping:
    """Return what somebody said about keeping."""
    row = connection.execute(sa.select(KEEPING).where(KEEPING.c.conversation_id == conversation_id)).mappings().first()
    return Keeping(row["is_agreed"], row["is_off"], aware(row["at"])) if row else Keeping()


def write_keeping(connection: sa.engine.Connection, conversation_id: str, is_agreed: bool, is_off: bool, at: datetime) -> None:
    """Write what somebody said about keeping, in place of what was said before."""
    connection.execute(sa.delete(KEEPING).where(KEEPING.c.conversation_id == conversation_id))
    connection.execute(sa.insert(KEEPING).values(conversation_id=conversation_id, is_agreed=is_agreed, is_off=is_off, at=at))


# What there is of somebody.


@dataclass(frozen=True)
class Told:
    """What messages told of the person: situations, and details of the pain."""

    situations: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def week(self) -> Optional[int]:
        """The week of pregnancy, where it was told."""
        return int(self.details["week"]) if "week" in self.details else None


def told(connection: sa.engine.Connection, conversation_id: str, since: Optional[datetime] = None) -> Told:
    """Return what the messages of a conversation told of the person, of all its dialogues: each forgets what was told in the one before it."""
    events = CONVERSATION_EVENT.c
    conditions = (events.conversation_id == conversation_id, events.kind.in_(("user", "session_started")), *([events.at >= since] if since else []))
    newest = connection.execute(sa.select(events.kind, events.data).where(*conditions).order_by(events.number.desc()).limit(MESSAGES_READ)).all()
    situations: set[str] = set()
    details: dict[str, str] = {}
    is_last = True  # of its dialogue: it holds all that the dialogue has told, and not what was taken back
    for kind, data in newest:
        if kind == "user" and is_last:
            read = data.get("parse_data", {})
            situations |= {*(read.get("situations") or ())}
            details = {**(read.get("details") or {}), **details}
        is_last = kind == "session_started"
    return Told(tuple(sorted(situations)), details)


def everything(connection: sa.engine.Connection, conversation_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return every row that belongs to a conversation, by table, JSON-ready: what `forget` would erase."""
    found = {}
    for table, column in OWNED.items():
        rows = connection.execute(sa.select(table).where(table.c[column] == conversation_id)).mappings()
        found[table.name] = [{key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()} for row in rows]
    return found
