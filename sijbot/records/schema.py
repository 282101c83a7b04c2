"""Tables and the engine. Every table names the conversation that its rows belong to, so that `forget` can find them."""

from __future__ import annotations

import functools
import logging
import select
import threading
import time
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

logger = logging.getLogger(__name__)

METADATA = sa.MetaData()
MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"
BUSY_TIMEOUT_S = 1.0  # a locked database must not use up a turn's deadline
ANSWER_DEADLINE_S = 1.2  # nor may one that hangs: a call to PostgreSQL that takes longer fails
MIGRATION_DEADLINE_S = 3600.0
_waiting = threading.local()  # seconds: how long a call of this thread may take, where it is another time
POOL_SIZE = 12  # connections of one process: more than its threads ask for at once
_POSTGRESQL = {"connect_timeout": 2, "application_name": "sijbot", "options": "-c statement_timeout=5000 -c lock_timeout=1000 -c idle_in_transaction_session_timeout=1000"}  # the last: a process that is frozen in a transaction must not keep others out
_MIGRATING = 3  # class of PostgreSQL's advisory locks
_VERSION = sa.table("sijbot_schema", sa.column("version_num"))

URGENCY_LOCK = sa.Table(
    "urgency_lock", METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("flags", sa.JSON, nullable=False),  # ids, highest first
    sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

SAFETY_LOG = sa.Table(
    "safety_log", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("outcome", sa.String(8), nullable=False),
    sa.Column("level", sa.String(16)),
    sa.Column("findings", sa.JSON, nullable=False),  # flag ids and offsets; never words
    sa.Column("content_version", sa.String(16), nullable=False),
    sa.Column("reply_id", sa.String(255)),  # the hand-off that was shown for it
    sa.Column("message_id", sa.String(64)),  # of a message whose turn failed: the row goes when the turn is done after all
)  # fmt: skip

HAND_OFF = sa.Table(
    "hand_off", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("reply_id", sa.String(255), nullable=False),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("flags", sa.JSON, nullable=False, server_default="[]"),  # ids, highest first
    sa.Column("consent", sa.Boolean),  # to telling a clinic; None: was not asked
    sa.Column("state", sa.String(16), nullable=False, server_default="offered"),
    sa.Column("outbox_id", sa.String(32), index=True),  # the message that tells a clinic of it; what becomes of that becomes of this
    sa.Column("asked_at", sa.DateTime(timezone=True)),  # when the person was asked whether a clinic may be told
    sa.Column("told_state", sa.String(16)),  # the state that the person knows of; None: nothing was passed on
)  # fmt: skip

UNDERSTANDING = sa.Table(
    "understanding", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("about", sa.String(64)),  # the content id that was closest, answered or judged; of what was declined, its kind
    sa.Column("content_version", sa.String(16), nullable=False),
    sa.Column("words", sa.Text),  # of an example alone
)  # fmt: skip

COACH_SESSION = sa.Table(
    "coach_session", METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),  # goes up by one a turn; the slot holds the one that was acknowledged
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("before", sa.JSON),  # the state of the version before, from which a turn is redone that was never acknowledged
    sa.Column("is_over", sa.Boolean, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("day_after", sa.String(8)),  # whether the joint was as usual in the day behind it: yes, no, unsure; None: was not asked
    sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),  # of the latest turn
)  # fmt: skip

EXERCISE_SET = sa.Table(
    "exercise_set", METADATA,
    sa.Column("session_id", sa.String(32), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),  # in the plan of the session
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("exercise", sa.String(64), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

DIARY_ENTRY = sa.Table(
    "diary_entry", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("pain", sa.Integer, nullable=False),  # 0 to 10
    sa.Column("worse", sa.String(64)),  # what was said to make it worse: an id of content/details.yml
    sa.Column("source", sa.String(16), nullable=False),  # told, before or after a session
    sa.Index("ix_diary_entry_conversation_day", "conversation_id", "day"),
)  # fmt: skip

KEEPING = sa.Table(
    "keeping", METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("is_agreed", sa.Boolean, nullable=False),  # to keeping beyond the token of the conversation
    sa.Column("is_off", sa.Boolean, nullable=False),  # nothing new is written into the diary
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

INBOX = sa.Table(
    "inbox", METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("message_id", sa.String(64), primary_key=True),  # made by the page; a repeated message has the same
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),  # when it came in
    sa.Column("state", sa.String(16), nullable=False),  # received, failed, answered
    sa.Column("place", sa.Integer),  # of its answer in the conversation: the number of the turn's last event
    sa.Column("replies", sa.JSON),
    sa.Column("region", sa.String(16), nullable=False),  # of the conversation; behind the turn where it is answered, as are the days that it is kept
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("said", sa.Text),  # what was typed, or the title of a button; None: from before it was written down
    sa.Column("button", sa.String(255)),  # its payload
    sa.Index("ix_inbox_conversation_place", "conversation_id", "place"),
    sa.Index("ix_inbox_state_at", "state", "at"),
)  # fmt: skip

CONVERSATION = sa.Table(
    "conversation", METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("head", sa.Integer, nullable=False),  # number of its latest event; a turn that began from another one is done anew
    sa.Column("since", sa.Integer, nullable=False),  # number of the first event that a turn reads
    sa.Column("slots", sa.JSON, nullable=False),  # as they were before that
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

CONVERSATION_EVENT = sa.Table(
    "conversation_event", METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, 3 …: what makes two turns of one moment impossible
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),  # as Rasa writes it
)  # fmt: skip

# Conversations that were erased: whoever still has a token of one is told so, and nothing is taken into it again. Holds nothing of what was said.
ERASED = sa.Table(
    "erased", METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256 of the id
    sa.Column("message_id", sa.String(64)),  # the message that asked for it
    sa.Column("answer", sa.JSON),  # what that got, and the id of the conversation that follows
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

RECEIVED, FAILED, ANSWERED = "received", "failed", "answered"  # what became of a message

OUTBOX = sa.Table(
    "outbox", METADATA,
    sa.Column("id", sa.String(32), primary_key=True),  # made by who writes it, and sent along: by it a receiver knows a second copy
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("sink", sa.String(16), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),  # emptied when it was delivered
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # begun, not ended: one that killed the relay counts
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("claimed_until", sa.DateTime(timezone=True)),  # by a relay; later than that it is anybody's
    sa.Column("settled_at", sa.DateTime(timezone=True)),
    sa.Column("fault", sa.String(64)),  # of the latest attempt: the class of an error or a status, never words
    sa.Index("ix_outbox_state_sink_due", "state", "sink", "due_at"),
)  # fmt: skip

TOLD, BEFORE_SESSION, AFTER_SESSION = "told", "before", "after"  # where a diary entry is from

# What becomes of a question: `doubt`: it was asked back; `declined`: out of scope; `helpful`, `unhelpful`: what somebody said of an answer;
# `example`: it was asked back, then an id was chosen, and its words may be kept.
DOUBT, DECLINED, HELPFUL, UNHELPFUL, EXAMPLE = UNDERSTANDING_OUTCOMES = ("doubt", "declined", "helpful", "unhelpful", "example")

# What became of a hand-off. `offered`: its text was shown to the person, and nobody else knows of it.
HAND_OFF_STATES = ("offered", "agreed", "queued", "delivered", "failed")

# Every table that holds something about a conversation, with the column that names it. `forget` empties these; a test compares them with METADATA.
OWNED = {
    table: "conversation_id"
    for table in (URGENCY_LOCK, SAFETY_LOG, HAND_OFF, UNDERSTANDING, COACH_SESSION, EXERCISE_SET, DIARY_ENTRY, KEEPING, INBOX, CONVERSATION, CONVERSATION_EVENT, OUTBOX)
}  # fmt: skip
# When each was written last, for the job that erases what is too old.
WRITTEN_AT = {
    URGENCY_LOCK: "raised_at", SAFETY_LOG: "at", HAND_OFF: "shown_at", UNDERSTANDING: "at", COACH_SESSION: "at", EXERCISE_SET: "at", DIARY_ENTRY: "at", KEEPING: "at",
    INBOX: "at", CONVERSATION: "at", CONVERSATION_EVENT: "at", OUTBOX: "created_at",
}  # fmt: skip

FAULTS = (sa.exc.SQLAlchemyError,)  # what is raised where the database does not answer


def is_away(error: BaseException) -> bool:
    """Return whether the database is not there, as while it is restarted: a connection was cut or cannot be made. Of any other fault another try would say the same."""
    return isinstance(error, sa.exc.DBAPIError) and (error.connection_invalidated is True or error.statement is None)


def make_engine(url: str) -> sa.engine.Engine:
    """Return an engine whose every call ends: on SQLite with write-ahead log, overwriting of what is deleted, and a short wait for locks."""
    if not url.startswith("sqlite"):
        end_waiting_for_postgresql()
        engine = sa.create_engine(url, future=True, hide_parameters=True, pool_pre_ping=True, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=ANSWER_DEADLINE_S, connect_args=_POSTGRESQL)
        sa.event.listen(engine, "connect", keep_words_out_of_its_log)
        return engine
    memory = url in ("sqlite://", "sqlite:///:memory:")
    # SQLAlchemy's own choice for a SQLite file is a new connection every time, which costs more than the query.
    pool = {"poolclass": sa.pool.StaticPool} if memory else {"poolclass": sa.pool.QueuePool, "pool_size": 5, "max_overflow": 27}
    engine = sa.create_engine(url, future=True, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}, **pool)
    sa.event.listen(engine, "connect", set_sqlite_pragmas)
    return engine


def set_sqlite_pragmas(connection, _record) -> None:
    """Set what every SQLite connection of ours needs. synchronous=FULL: what was acknowledged outlives a loss of power, for a quarter of a millisecond."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def keep_words_out_of_its_log(connection, _record) -> None:
    """Ask PostgreSQL not to write statements that fail into its log: they hold what people said. Where our role may not ask for that, whoever runs the database has to (docs/operations.md)."""
    import psycopg2

    try:
        with connection.cursor() as cursor:
            cursor.execute("SET log_min_error_statement = 'panic'")
        connection.commit()
    except psycopg2.Error:
        connection.rollback()
        _warn_of_its_log()


@functools.lru_cache(maxsize=None)
def _warn_of_its_log() -> None:
    logger.warning("the database's own log may hold what people say: set log_min_error_statement to panic there (docs/operations.md)")


def end_waiting_for_postgresql() -> None:
    """Let no call to PostgreSQL wait for ever. Its own time limits are kept by the server, which may be the one that hangs."""
    import psycopg2.extensions

    psycopg2.extensions.set_wait_callback(_wait_for_postgresql)


def _wait_for_postgresql(connection) -> None:
    import psycopg2
    from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

    until = time.monotonic() + getattr(_waiting, "seconds", ANSWER_DEADLINE_S)
    while (state := connection.poll()) != POLL_OK:
        events = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}.get(state)
        if events is None:
            raise psycopg2.OperationalError("the connection is broken")
        poll = select.poll()
        poll.register(connection.fileno(), events)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("the database does not answer")  # which closes the connection; closing it here would wait for itself


def migrate(engine: sa.engine.Engine) -> None:
    """Bring the database to the newest schema; where several processes do so at once, one after another."""
    _waiting.seconds = MIGRATION_DEADLINE_S
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING, 0)))
            command.upgrade(_alembic(connection), "head")
    finally:
        del _waiting.seconds


def is_newest(engine: sa.engine.Engine) -> bool:
    """Return whether the database has the schema of this code; one that is newer has not."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(_VERSION.name):
            return False
        return list(connection.execute(sa.select(_VERSION)).scalars()) == [_newest()]


@functools.lru_cache(maxsize=None)
def _newest() -> str:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


class OtherSchema(Exception):
    """The database has not the schema of this code."""


def prepare(engine: sa.engine.Engine, migrates: bool) -> None:
    """Bring the database to the newest schema where that is wanted, and look whether it has it.

    Raises: OtherSchema; FAULTS where it does not answer.
    """
    if migrates:
        try:
            migrate(engine)
        except CommandError:  # made by a newer version
            pass
    if not is_newest(engine):
        raise OtherSchema("the database has not the schema of this version: run `sijbot migrate` of the newest one, and this one only before that")


def _alembic(connection: sa.engine.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
