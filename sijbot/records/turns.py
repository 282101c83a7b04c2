"""A turn is one transaction: the conversation's events, what actions wrote, the replies. It is written whole or not at all, and once."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.sql.dml import UpdateBase

from sijbot import clock
from sijbot.records import repository
from sijbot.records.inbox import Answered, answered
from sijbot.records.schema import ANSWERED, CONVERSATION_EVENT, ERASED, FAILED, INBOX, RECEIVED, SAFETY_LOG
from sijbot.records.turn_statements import ADD_EVENTS, ALONE, ANSWER, BEGIN, HEAD_OF, LATEST_EVENTS_OF, MARK, MARK_OF, MOVE, RECEIVE

_COMMITTING = 1  # class of PostgreSQL's advisory locks: who writes into a conversation


class Conflict(Exception):
    """Another turn of the conversation was written since this one began: it has to be done anew."""


class Gone(Exception):
    """The conversation was erased: nothing more is taken into it. answer: what the message got that asked for it, or None for another message."""

    def __init__(self, answer: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__("erased")
        self.answer = answer


class Done(Exception):
    """The message was answered elsewhere, with this."""

    def __init__(self, answer: Answered) -> None:
        super().__init__("answered already")
        self.answer = answer


@dataclass(frozen=True)
class Head:
    """Where a conversation stands. number: of its latest event, 0 before the first; since: of the first event that a turn reads; slots: as they were before that."""

    number: int = 0
    since: int = 1
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """A conversation as a turn reads it: events (number, data) from `head.since` on, without what we said."""

    head: Head
    events: Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Ending:
    """What a turn comes to. erased_for: the conversation that follows, where the person had this one erased."""

    answer: Answered
    erased_for: Optional[str] = None


@dataclass
class OpenTurn:
    """A turn at work. conclude: returns its ending, given the connection of the transaction that ends it, the events, and the number of the last one; what it raises leaves nothing written. said, button: as in `receive`.

    is_database_away: whether an action found it so.
    """

    conversation_id: str
    message_id: Optional[str]
    conclude: Optional[Callable[[sa.engine.Connection, Sequence[Mapping[str, Any]], int], Ending]] = None
    writes: list[tuple[Any, tuple]] = field(default_factory=list)
    said: str = ""
    button: Optional[str] = None
    is_database_away: bool = False

    def begin(self) -> None:
        """Begin anew, with nothing written."""
        self.writes, self.is_database_away = [], False

    def part(self) -> "OpenTurn":
        """Return the turn for one action: what that writes counts only where `take` is given it."""
        return replace(self, writes=list(self.writes))

    def take(self, part: "OpenTurn") -> None:
        """Let what an action wrote be a part of the turn."""
        self.writes = part.writes


_current: ContextVar[Optional[OpenTurn]] = ContextVar("turn", default=None)


def current() -> Optional[OpenTurn]:
    """Return the turn that this task or thread works at, or None."""
    return _current.get()


@contextmanager
def opened(turn: Optional[OpenTurn]) -> Iterator[None]:
    """Make `turn` the one that this task or thread works at."""
    token = _current.set(turn)
    try:
        yield
    finally:
        _current.reset(token)


class _Noted:
    """A connection that notes what is written through it."""

    def __init__(self, connection: sa.engine.Connection, writes: list[tuple[Any, tuple]]) -> None:
        self._connection, self._writes = connection, writes
        self.dialect = connection.dialect

    def execute(self, statement: Any, *parameters: Any) -> Any:
        result = self._connection.execute(statement, *parameters)
        if isinstance(statement, UpdateBase):
            self._writes.append((statement, parameters))
        return result

    def scalar(self, statement: Any, *parameters: Any) -> Any:
        return self._connection.scalar(statement, *parameters)


@contextmanager
def transaction(engine: sa.engine.Engine) -> Iterator[Any]:
    """Give a connection to read and write records by.

    Inside a turn what is written is seen by the rest of the turn, and stands in the database with the turn or not at all; outside it stands at the end of the block.
    """
    turn = current()
    if turn is None:
        with engine.begin() as connection:
            yield connection
        return
    writes = list(turn.writes)
    with engine.connect() as connection, connection.begin() as tried:
        _replay(connection, writes)
        yield _Noted(connection, writes)
        tried.rollback()
    turn.writes = writes


def _replay(connection: sa.engine.Connection, writes: Sequence[tuple[Any, tuple]]) -> None:
    for statement, parameters in writes:
        connection.execute(statement, *parameters)


def replay_only(connection: sa.engine.Connection, writes: Sequence[tuple[Any, tuple]], table: sa.Table) -> None:
    """Write what a turn wrote into one table."""
    _replay(connection, [write for write in writes if write[0].table is table])


def digest_of(conversation_id: str) -> str:
    """Return what stands for a conversation where its id must not."""
    return hashlib.sha256(conversation_id.encode()).hexdigest()


def lock_number(conversation_id: str) -> int:
    """Return the number of a conversation for PostgreSQL's advisory locks: 32 bits, signed. Two conversations that share one wait for one another, and no more."""
    return int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:4], "big", signed=True)


def _alone(connection: sa.engine.Connection, conversation_id: str) -> None:
    """Let nobody else write into the conversation until the transaction ends. SQLite has one writer anyway, from its first write on."""
    if connection.dialect.name == "postgresql":
        connection.execute(ALONE, {"class": _COMMITTING, "number": lock_number(conversation_id)})


def check_there(connection: sa.engine.Connection, conversation_id: str, message_id: Optional[str] = None) -> None:
    """Raises: Gone where the conversation was erased."""
    row = connection.execute(MARK_OF, {"of": digest_of(conversation_id)}).first()
    if row:
        raise Gone(row.answer if row.message_id and row.message_id == message_id else None)


def receive(engine: sa.engine.Engine, conversation_id: str, message_id: str, said: str, button: Optional[str], region: str, keep_days: int) -> Optional[Answered]:
    """Write a message down before any work on it, and return None; of one that is answered already, its answer.

    Raises: Gone.
    """
    with engine.begin() as connection:
        _alone(connection, conversation_id)
        values = {
            "conversation_id": conversation_id, "message_id": message_id, "at": clock.now(), "state": RECEIVED, "region": region, "keep_days": keep_days, "said": said, "button": button,
        }  # fmt: skip
        is_new = connection.execute(RECEIVE, values).rowcount
        check_there(connection, conversation_id, message_id)
        return None if is_new else answered(connection, conversation_id, message_id)


def load(engine: sa.engine.Engine, conversation_id: str) -> Stored:
    """Return a conversation as a turn reads it; what it reads does not grow with the conversation.

    Raises: Gone.
    """
    with engine.connect() as connection:
        check_there(connection, conversation_id)
        row = connection.execute(HEAD_OF, {"of": conversation_id}).first()
        if row is None:
            return Stored(Head(), ())
        return Stored(Head(*row), [tuple(each) for each in connection.execute(LATEST_EVENTS_OF, {"of": conversation_id, "since": row.since})])


def all_events(engine: sa.engine.Engine, conversation_id: str) -> list[Mapping[str, Any]]:
    """Return every event of a conversation, the oldest first."""
    event = CONVERSATION_EVENT.c
    with engine.connect() as connection:
        return list(connection.execute(sa.select(event.data).where(event.conversation_id == conversation_id).order_by(event.number)).scalars())


def commit(engine: sa.engine.Engine, conversation_id: str, begun: Head, ended: Head, events: Sequence[Mapping[str, Any]], turn: Optional[OpenTurn]) -> None:
    """Write a turn down: `events` behind `begun`, which the conversation must still be at, and everything that belongs to the turn.

    turn: None where events alone are written (the stock `rasa` commands).
    Raises: Conflict, Gone, Done; and what `turn.conclude` raises. Nothing is written then.
    """
    with engine.begin() as connection:
        _alone(connection, conversation_id)
        _move(connection, conversation_id, begun, ended)
        check_there(connection, conversation_id, turn and turn.message_id)
        if turn:
            if turn.message_id and any(statement.table is SAFETY_LOG for statement, _ in turn.writes):
                repository.unlog_failed(connection, conversation_id, turn.message_id)  # it is logged with the turn now
            _replay(connection, turn.writes)
            ending = turn.conclude(connection, events, ended.number)
            if ending.erased_for:
                _erase(connection, conversation_id, turn.message_id, {**_as_json(ending.answer), "conversation": ending.erased_for})
                return
            if turn.message_id:
                _answer(connection, turn, ending.answer, ended.number)
        now = clock.now()
        rows = [
            {"conversation_id": conversation_id, "number": number, "kind": event["event"], "at": now, "data": event} for number, event in enumerate(events, begun.number + 1)
        ]  # fmt: skip
        if rows:
            connection.execute(ADD_EVENTS, rows)


def _move(connection: sa.engine.Connection, conversation_id: str, begun: Head, ended: Head) -> None:
    values = {"head": ended.number, "since": ended.since, "slots": dict(ended.slots), "at": clock.now()}
    if begun.number:
        moved = connection.execute(MOVE, {**values, "of": conversation_id, "from_head": begun.number})
    else:
        moved = connection.execute(BEGIN, {**values, "conversation_id": conversation_id})
    if moved.rowcount != 1:
        check_there(connection, conversation_id)
        raise Conflict(digest_of(conversation_id))


def _answer(connection: sa.engine.Connection, turn: OpenTurn, answer: Answered, place: int) -> None:
    values = {
        "conversation_id": turn.conversation_id, "message_id": turn.message_id, "state": ANSWERED, "place": place, "replies": list(answer.replies), "region": answer.region,
        "keep_days": answer.keep_days, "at": clock.now(), "said": turn.said, "button": turn.button,  # these where it could not be received before
    }  # fmt: skip
    if connection.execute(ANSWER, values).rowcount != 1:
        raise Done(answered(connection, turn.conversation_id, turn.message_id))


def fail(engine: sa.engine.Engine, conversation_id: str, message_id: Optional[str], note: Callable[[sa.engine.Connection], None]) -> Optional[Answered]:
    """Write down of a turn that failed what `note` does, and that it failed: its message may be sent again. Return None; or the answer of a turn that stands after all, and write nothing down.

    Raises: Gone.
    """
    with engine.begin() as connection:
        _alone(connection, conversation_id)
        failing = sa.update(INBOX).where(INBOX.c.conversation_id == conversation_id, INBOX.c.message_id == message_id, INBOX.c.state == RECEIVED).values(state=FAILED)
        connection.execute(failing)  # first: SQLite lets nobody else write from here on
        check_there(connection, conversation_id)
        if message_id and (answer := answered(connection, conversation_id, message_id)):
            return answer
        note(connection)
        return None


def claim_unanswered(engine: sa.engine.Engine, since: datetime, until: datetime, most: int) -> list[Mapping[str, Any]]:
    """Return messages that came in between the two times and that nobody has answered or given up, the oldest first: whoever took them has died.

    Each is given out once: it counts as failed from then on, so that one which ends every process that takes it up ends one more at most.
    """
    columns = INBOX.c
    query = sa.select(INBOX).where(columns.state == RECEIVED, columns.at > since, columns.at < until).order_by(columns.at).limit(most)
    claimed = []
    with engine.begin() as connection:
        for row in connection.execute(query).mappings().all():
            of_row = (columns.conversation_id == row["conversation_id"], columns.message_id == row["message_id"], columns.state == RECEIVED)
            if connection.execute(sa.update(INBOX).where(*of_row).values(state=FAILED)).rowcount:
                claimed.append(row)
    return claimed


def erase(engine: sa.engine.Engine, *conversation_ids: str) -> None:
    """Erase everything of these conversations, out of the database's files too; whatever comes later for one finds it gone."""
    for conversation_id in conversation_ids:
        with engine.begin() as connection:
            _alone(connection, conversation_id)
            _erase(connection, conversation_id, None, None)
    repository.finish_erasing(engine)


def _erase(connection: sa.engine.Connection, conversation_id: str, message_id: Optional[str], answer: Optional[Mapping[str, Any]]) -> None:
    repository.forget(connection, conversation_id)
    values = {"digest": digest_of(conversation_id), "message_id": message_id, "answer": answer, "at": clock.now()}
    connection.execute(MARK, values)


def forget_erased(engine: sa.engine.Engine, until: datetime) -> None:
    """Drop the marks of conversations that were erased before: no token of theirs is valid any more."""
    with engine.begin() as connection:
        connection.execute(sa.delete(ERASED).where(ERASED.c.at < until))


def _as_json(answer: Answered) -> dict[str, Any]:
    return {"replies": list(answer.replies), "region": answer.region, "keep_days": answer.keep_days}
