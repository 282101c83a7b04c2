"""What a hand-off was about, whether the person agreed to it, and what became of it; the reply that a safety-log entry led to."""

import sqlalchemy as sa
from alembic import op

revision = "hand_off_state"
down_revision = "first_tables"


def upgrade() -> None:
    op.add_column("safety_log", sa.Column("reply_id", sa.String(255)))
    op.add_column("hand_off", sa.Column("flags", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("hand_off", sa.Column("consent", sa.Boolean))
    op.add_column("hand_off", sa.Column("state", sa.String(16), nullable=False, server_default="offered"))


def downgrade() -> None:
    for table, columns in (("hand_off", ("state", "consent", "flags")), ("safety_log", ("reply_id",))):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
