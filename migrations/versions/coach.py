"""The exercise coach, the diary, and whether its entries are kept."""

import sqlalchemy as sa
from alembic import op

revision = "coach"
down_revision = "understanding"


def upgrade() -> None:
    op.create_table(
        "coach_session",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("is_over", sa.Boolean, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("day_after", sa.String(8)),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "exercise_set",
        sa.Column("session_id", sa.String(32), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True),
        sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
        sa.Column("exercise", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "diary_entry",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pain", sa.Integer, nullable=False),
        sa.Column("worse", sa.String(64)),
        sa.Column("source", sa.String(16), nullable=False),
    )
    op.create_index("ix_diary_entry_conversation_day", "diary_entry", ["conversation_id", "day"])
    op.create_table(
        "keeping",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("is_agreed", sa.Boolean, nullable=False),
        sa.Column("is_off", sa.Boolean, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in ("keeping", "diary_entry", "exercise_set", "coach_session"):
        op.drop_table(table)
