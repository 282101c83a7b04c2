"""What somebody said, beside what it got for a reply, and the order of a conversation: a page that is loaded again shows both."""

import sqlalchemy as sa
from alembic import op

revision = "said"
down_revision = "inbox"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("said", sa.Text))
    op.create_index("ix_inbox_conversation_at", "inbox", ["conversation_id", "at"])


def downgrade() -> None:
    op.drop_index("ix_inbox_conversation_at", "inbox")
    with op.batch_alter_table("inbox") as batch:
        batch.drop_column("said")
