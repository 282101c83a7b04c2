"""Tables and the engine. Every table names the conversation that its rows belong to, so that `forget` can find them."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

METADATA = sa.MetaData()
MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"
BUSY_TIMEOUT_S = 1.0  # a locked database must not use up a turn's deadline

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
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("replies", sa.JSON, nullable=False),
    sa.Column("region", sa.String(16), nullable=False),  # of the conversation behind the turn, as are the days that it is kept
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("said", sa.Text),  # the beginning of what was typed, or the title of a button; None: from before it was written down
    sa.Index("ix_inbox_conversation_at", "conversation_id", "at"),
)  # fmt: skip

TOLD, BEFORE_SESSION, AFTER_SESSION = "told", "before", "after"  # where a diary entry is from

# What becomes of a question: `doubt`: it was asked back; `declined`: out of scope; `helpful`, `unhelpful`: what somebody said of an answer;
# `example`: it was asked back, then an id was chosen, and its words may be kept.
DOUBT, DECLINED, HELPFUL, UNHELPFUL, EXAMPLE = UNDERSTANDING_OUTCOMES = ("doubt", "declined", "helpful", "unhelpful", "example")

# What became of a hand-off. `offered`: its text was shown to the person, and nobody else knows of it.
HAND_OFF_STATES = ("offered", "agreed", "queued", "delivered", "failed")

# Rasa's own table of conversation events, made by its tracker store in the same database.
CONVERSATION_EVENTS = sa.table("events", sa.column("id"), sa.column("sender_id"), sa.column("timestamp"), sa.column("type_name"), sa.column("data"))

# Every table that holds something about a conversation, with the column that names it. `forget` empties these; a test compares them with METADATA.
OWNED = {
    table: "conversation_id" for table in (URGENCY_LOCK, SAFETY_LOG, HAND_OFF, UNDERSTANDING, COACH_SESSION, EXERCISE_SET, DIARY_ENTRY, KEEPING, INBOX)
}  # fmt: skip
# When each was written last, for the job that erases what is too old.
WRITTEN_AT = {
    URGENCY_LOCK: "raised_at", SAFETY_LOG: "at", HAND_OFF: "shown_at", UNDERSTANDING: "at", COACH_SESSION: "at", EXERCISE_SET: "at", DIARY_ENTRY: "at", KEEPING: "at",
    INBOX: "at",
}  # fmt: skip

FAULTS = (sa.exc.SQLAlchemyError,)  # what is raised where the database does not answer


def make_engine(url: str) -> sa.engine.Engine:
    """Return an engine; on SQLite with write-ahead log, overwriting of what is deleted, and a short wait for locks."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, future=True, pool_pre_ping=True, pool_size=5)
    memory = url in ("sqlite://", "sqlite:///:memory:")
    # SQLAlchemy's own choice for a SQLite file is a new connection every time, which costs more than the query.
    pool = {"poolclass": sa.pool.StaticPool} if memory else {"poolclass": sa.pool.QueuePool, "pool_size": 5, "max_overflow": 27}
    engine = sa.create_engine(url, future=True, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}, **pool)
    sa.event.listen(engine, "connect", set_sqlite_pragmas)
    return engine


def set_sqlite_pragmas(connection, _record) -> None:
    """Set what every SQLite connection of ours needs."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def migrate(engine: sa.engine.Engine) -> None:
    """Bring the database to the newest schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
