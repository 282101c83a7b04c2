"""Locks of conversations in PostgreSQL, for processes that take turns in the same ones."""

from __future__ import annotations

import logging
from typing import Any, Optional

import sqlalchemy as sa

from sijbot.records.schema import FAULTS
from sijbot.records.turns import lock_number

logger = logging.getLogger(__name__)

_TURN = 2  # class of the advisory locks


def are_shared(engine: sa.engine.Engine) -> bool:
    """Return whether processes can share locks by this database."""
    return engine.dialect.name == "postgresql"


class TurnLocks:
    """The locks that this process holds. All hang on one connection: when the process dies, the database lets them go. For one thread."""

    def __init__(self) -> None:
        self._connection: Optional[sa.engine.Connection] = None

    def try_one(self, engine: sa.engine.Engine, conversation_id: str) -> bool:
        """Take the lock of a conversation, and return whether that worked; it does not wait."""
        return self._asked(engine, sa.func.pg_try_advisory_lock(_TURN, lock_number(conversation_id)))

    def let_go(self, engine: sa.engine.Engine, conversation_id: str) -> bool:
        """Give the lock of a conversation back, and return whether it was held."""
        return self._asked(engine, sa.func.pg_advisory_unlock(_TURN, lock_number(conversation_id)))

    def _asked(self, engine: sa.engine.Engine, question: Any) -> bool:
        """Return what the database says, or False where it does not: the turn goes on without its lock."""
        try:
            if self._connection is None or self._connection.engine.pool is not engine.pool:
                self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return bool(self._connection.scalar(sa.select(question)))
        except FAULTS as error:
            logger.warning("no lock of the database: %s", type(error).__name__)
            if self._connection is not None:
                self._connection.invalidate()
                self._connection.close()
                self._connection = None
            return False
