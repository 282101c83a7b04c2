"""What a turn sends to the database, made once: to make a statement costs several times what the database takes to run it."""

from __future__ import annotations

from typing import Sequence

import sqlalchemy as sa

from sijbot.records.schema import ANSWERED, CONVERSATION, CONVERSATION_EVENT, ERASED, INBOX

BOT_EVENT = "bot"  # what we said: stored, and read by no policy and no action


def _insert(table: sa.Table, columns: Sequence[str], on_conflict: str) -> sa.sql.elements.TextClause:
    """Return an INSERT of these columns, in words that SQLite and PostgreSQL share: SQLAlchemy's own with ON CONFLICT is compiled anew each time it is used."""
    text = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(f':{column}' for column in columns)}) ON CONFLICT {on_conflict}"
    return sa.text(text).bindparams(*(sa.bindparam(column, type_=table.c[column].type) for column in columns))


_OF = sa.bindparam("of")  # the conversation
_conversation, _event, _inbox = CONVERSATION.c, CONVERSATION_EVENT.c, INBOX.c
_MESSAGE = ("conversation_id", "message_id", "at", "state", "region", "keep_days", "said", "button")
_ANSWER = ("state", "place", "replies", "region", "keep_days")
_STAND = ("head", "since", "slots", "at")

ALONE = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("class"), sa.bindparam("number")))
MARK_OF = sa.select(ERASED.c.message_id, ERASED.c.answer).where(ERASED.c.digest == sa.bindparam("of"))
MARK = _insert(ERASED, ("digest", "message_id", "answer", "at"), "DO NOTHING")
RECEIVE = _insert(INBOX, _MESSAGE, "DO NOTHING")
ANSWER = _insert(
    INBOX, (*_MESSAGE, *(column for column in _ANSWER if column not in _MESSAGE)),
    f"(conversation_id, message_id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _ANSWER)} WHERE {INBOX.name}.state != '{ANSWERED}'",
)  # fmt: skip
ANSWERED_WITH = sa.select(_inbox.replies, _inbox.region, _inbox.keep_days).where(_inbox.conversation_id == _OF, _inbox.message_id == sa.bindparam("message"), _inbox.state == ANSWERED)
HEAD_OF = sa.select(_conversation.head, _conversation.since, _conversation.slots).where(_conversation.conversation_id == _OF)
LATEST_EVENTS_OF = (
    sa.select(_event.number, _event.data).where(_event.conversation_id == _OF, _event.number >= sa.bindparam("since"), _event.kind != BOT_EVENT).order_by(_event.number)
)  # fmt: skip
BEGIN = _insert(CONVERSATION, ("conversation_id", *_STAND), "DO NOTHING")
MOVE = sa.update(CONVERSATION).where(_conversation.conversation_id == _OF, _conversation.head == sa.bindparam("from_head"))  # sets the columns that it is given
ADD_EVENTS = sa.insert(CONVERSATION_EVENT)
