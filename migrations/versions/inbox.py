"""The inbox: what each message got for a reply, so that a repeated one gets the same."""

import sqlalchemy as sa
from alembic import op

revision = "inbox"
down_revision = "coach"


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replies", sa.JSON, nullable=False),
        sa.Column("region", sa.String(16), nullable=False),
        sa.Column("keep_days", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("inbox")
