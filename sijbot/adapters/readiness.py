"""Whether this process may be given messages: the database has our schema, the model answers, and nobody has told the process to end."""

from __future__ import annotations

import asyncio
import logging
from typing import Awaitable, Callable, Optional, Sequence

from sijbot import metrics
from sijbot.adapters.database import Database
from sijbot.records import schema
from sijbot.runtime import Runtime

logger = logging.getLogger(__name__)

DATABASE_DEADLINE_S = 1.0
RETRY_S = 1.0  # of a database that was not there at the start
CANARY_EVERY_S = 30.0


class Readiness:
    """canary: returns what does not work of a whole dialogue; asked for every half minute at most."""

    def __init__(self, runtime: Runtime, canary: Callable[[], Awaitable[Sequence[str]]]) -> None:
        self._runtime, self._canary = runtime, canary
        self._database = Database(lambda: runtime.engine, 1, "readiness")
        self._is_prepared = False
        self._found: Sequence[str] = ()
        self._looked_at_s: Optional[float] = None
        self._looking = asyncio.Lock()
        self.is_draining = False

    async def prepared(self) -> None:
        """Return as soon as the database has our schema. One that was not there at the start may come later."""
        while not self._is_prepared:
            fault = await self._database_fault(self._prepare, schema.MIGRATION_DEADLINE_S)
            if fault is None:
                self._is_prepared = True
                return
            logger.error("not ready: %s", fault)
            await asyncio.sleep(RETRY_S)

    def _prepare(self, engine: object) -> None:
        schema.prepare(engine, self._runtime.settings.migrates)

    async def faults(self) -> Sequence[str]:
        """Return why this process may not be given messages; nothing where it may."""
        found = await self._faults()
        metrics.ready(not found)
        return found

    async def _faults(self) -> Sequence[str]:
        if self.is_draining:
            return ("draining",)
        if not self._is_prepared:
            return ("the database has not been there yet",)
        fault = await self._database_fault(_check)
        return (fault,) if fault else await self._canary_faults()

    async def _database_fault(self, work: Callable[[object], None], deadline_s: float = DATABASE_DEADLINE_S) -> Optional[str]:
        try:
            await asyncio.wait_for(self._database.run(work), deadline_s)
            return None
        except schema.OtherSchema as error:
            return str(error)
        except (*schema.FAULTS, asyncio.TimeoutError) as error:
            metrics.database_fault(error)
            return f"the database does not answer ({type(error).__name__})"

    async def _canary_faults(self) -> Sequence[str]:
        async with self._looking:
            now_s = asyncio.get_running_loop().time()
            if self._looked_at_s is None or self._found or now_s - self._looked_at_s > CANARY_EVERY_S:
                self._found = await self._canary()
                self._looked_at_s = now_s
            return self._found


def _check(engine: object) -> None:
    if not schema.is_newest(engine):
        raise schema.OtherSchema("the database has not the schema of this version")
