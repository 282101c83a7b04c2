"""A turn is one transaction: numbered events in a table of our own, messages written down before they are worked on, marks of what was erased."""

import json
from datetime import datetime, timezone

import sqlalchemy as sa
from alembic import op

revision = "turns"
down_revision = "said"

BATCH = 500


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("head", sa.Integer, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("slots", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "conversation_event",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "erased",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(64)),
        sa.Column("answer", sa.JSON),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.drop_index("ix_inbox_conversation_at", "inbox")
    with op.batch_alter_table("inbox") as batch:
        batch.add_column(sa.Column("state", sa.String(16), nullable=False, server_default="answered"))
        batch.add_column(sa.Column("place", sa.Integer))
        batch.add_column(sa.Column("button", sa.String(255)))
        batch.alter_column("replies", existing_type=sa.JSON, nullable=True)
    with op.batch_alter_table("inbox") as batch:
        batch.alter_column("state", existing_type=sa.String(16), server_default=None)
    op.create_index("ix_inbox_conversation_place", "inbox", ["conversation_id", "place"])
    op.create_index("ix_inbox_state_at", "inbox", ["state", "at"])
    op.add_column("safety_log", sa.Column("message_id", sa.String(64)))
    connection = op.get_bind()
    if sa.inspect(connection).has_table("events"):
        _take_over(connection)
        op.drop_table("events")
    _number_answers(connection)


def _take_over(connection: sa.engine.Connection) -> None:
    """Copy the events of Rasa's own table. The first turn after that reads the whole session."""
    old = sa.table("events", *map(sa.column, ("id", "sender_id", "type_name", "timestamp", "data")))
    new = sa.table(
        "conversation_event", sa.column("conversation_id"), sa.column("number"), sa.column("kind"), sa.column("at", sa.DateTime(timezone=True)), sa.column("data", sa.JSON),
    )  # fmt: skip
    heads = sa.table(
        "conversation", sa.column("conversation_id"), sa.column("head"), sa.column("since"), sa.column("slots", sa.JSON), sa.column("at", sa.DateTime(timezone=True)),
    )  # fmt: skip
    for (conversation_id,) in connection.execute(sa.select(old.c.sender_id).distinct()).all():
        if len(conversation_id) > 64:  # none of ours
            continue
        rows, since, at = [], 1, datetime.now(timezone.utc)
        found = connection.execute(sa.select(old.c.type_name, old.c.timestamp, old.c.data).where(old.c.sender_id == conversation_id).order_by(old.c.id)).all()
        for number, (kind, timestamp, data) in enumerate(found, 1):
            at = datetime.fromtimestamp(timestamp or 0, timezone.utc)
            since = number if kind == "session_started" else since
            rows.append({"conversation_id": conversation_id, "number": number, "kind": kind, "at": at, "data": json.loads(data)})
        for start in range(0, len(rows), BATCH):
            connection.execute(sa.insert(new), rows[start : start + BATCH])
        connection.execute(sa.insert(heads).values(conversation_id=conversation_id, head=len(rows), since=since, slots={}, at=at))


def _number_answers(connection: sa.engine.Connection) -> None:
    """Give the answers that are there the order of their times: below 0, before every later one."""
    inbox = sa.table("inbox", *map(sa.column, ("conversation_id", "message_id", "at", "place")))
    latest: dict[str, int] = {}
    for conversation_id, message_id in connection.execute(sa.select(inbox.c.conversation_id, inbox.c.message_id).order_by(inbox.c.at.desc())).all():
        place = latest[conversation_id] = latest.get(conversation_id, 0) - 1
        connection.execute(sa.update(inbox).where(inbox.c.conversation_id == conversation_id, inbox.c.message_id == message_id).values(place=place))


def downgrade() -> None:
    with op.batch_alter_table("safety_log") as batch:
        batch.drop_column("message_id")
    op.drop_index("ix_inbox_state_at", "inbox")
    op.drop_index("ix_inbox_conversation_place", "inbox")
    op.execute("DELETE FROM inbox WHERE state <> 'answered'")
    with op.batch_alter_table("inbox") as batch:
        for column in ("button", "place", "state"):
            batch.drop_column(column)
        batch.alter_column("replies", existing_type=sa.JSON, nullable=False)
    op.create_index("ix_inbox_conversation_at", "inbox", ["conversation_id", "at"])
    for table in ("erased", "conversation_event", "conversation"):
        op.drop_table(table)
