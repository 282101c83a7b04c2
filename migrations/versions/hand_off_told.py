"""When the person was asked whether a clinic may be told of a hand-off, and what they know of what became of that."""

import sqlalchemy as sa
from alembic import op

revision = "hand_off_told"
down_revision = "outbox"


def upgrade() -> None:
    op.add_column("hand_off", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.add_column("hand_off", sa.Column("told_state", sa.String(16)))


def downgrade() -> None:
    with op.batch_alter_table("hand_off") as batch:
        for column in ("told_state", "asked_at"):
            batch.drop_column(column)
