"""What was asked in doubt, declined, or marked as helpful or not: ids; words only where somebody agreed to that."""

import sqlalchemy as sa
from alembic import op

revision = "understanding"
down_revision = "hand_off_state"


def upgrade() -> None:
    op.create_table(
        "understanding",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("about", sa.String(64)),
        sa.Column("content_version", sa.String(16), nullable=False),
        sa.Column("words", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("understanding")
