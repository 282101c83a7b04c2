"""The outbox: what is to be told to a clinic or a broker, and which hand-off a message of it is about."""

import sqlalchemy as sa
from alembic import op

revision = "outbox"
down_revision = "turns"


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sink", sa.String(16), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("fault", sa.String(64)),
    )
    op.create_index("ix_outbox_state_sink_due", "outbox", ["state", "sink", "due_at"])
    op.add_column("hand_off", sa.Column("outbox_id", sa.String(32)))
    op.create_index("ix_hand_off_outbox_id", "hand_off", ["outbox_id"])


def downgrade() -> None:
    op.drop_index("ix_hand_off_outbox_id", "hand_off")
    with op.batch_alter_table("hand_off") as batch:
        batch.drop_column("outbox_id")
    op.drop_table("outbox")
