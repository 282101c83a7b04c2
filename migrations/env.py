"""Alembic's way in: migrations run on the connection that `sijbot.records.schema.migrate` hands over."""

from alembic import context

from sijbot.records.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, version_table="sijbot_schema")
with context.begin_transaction():
    context.run_migrations()
