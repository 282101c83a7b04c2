"""One turn of a conversation at a time. Only an arrangement that saves work: what really keeps two turns apart is the number of the next event (`sijbot/records/turns.py`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import Any, AsyncGenerator, Callable, Optional, Text

from rasa.core.lock_store import LockStore

from sijbot import runtime as process_runtime
from sijbot.adapters.database import Database
from sijbot.records.turn_locks import TurnLocks, are_shared

OTHERS_DEADLINE_S = 0.2  # for the turn of another process: most take less, and one that is frozen must not hold up this one
FIRST_PAUSE_S = 0.005  # between two tries; each pause is twice as long as the one before


class ConversationLocks(LockStore):
    """Within the process a lock for each conversation; between processes, on PostgreSQL, one of the database's.

    Those of a process hang on one connection of its own: when the process dies, the database lets them go.
    """

    def __init__(self, endpoint_config: Any = None, engine: Optional[Callable[[], Any]] = None) -> None:
        self._database = Database(engine or (lambda: process_runtime.current().engine), threads=1, name="locks")
        self._shared = TurnLocks()
        self._locks: dict[Text, asyncio.Lock] = {}
        self._wanted: Counter[Text] = Counter()
        self._giving: set[asyncio.Future] = set()

    @asynccontextmanager
    async def lock(self, conversation_id: Text, lock_lifetime: float = 0, wait_time_in_seconds: float = 0) -> AsyncGenerator[None, None]:
        """Wait until no other turn of the conversation is at work, here for as long as it takes, elsewhere for 0.2 s. The two numbers are Rasa's, and mean nothing here."""
        self._wanted[conversation_id] += 1
        try:
            async with self._locks.setdefault(conversation_id, asyncio.Lock()):
                is_held = are_shared(self._database.engine()) and await self._held(conversation_id)
                try:
                    yield
                finally:
                    if is_held:
                        self._give_back(conversation_id)
        finally:
            self._wanted[conversation_id] -= 1
            if not self._wanted[conversation_id]:
                del self._wanted[conversation_id], self._locks[conversation_id]

    async def _held(self, conversation_id: Text) -> bool:
        now_s = asyncio.get_running_loop().time
        until, pause_s = now_s() + OTHERS_DEADLINE_S, FIRST_PAUSE_S
        while not (is_held := await self._tried(conversation_id, until - now_s())) and now_s() + pause_s < until:
            await asyncio.sleep(pause_s)
            pause_s *= 2
        return is_held

    async def _tried(self, conversation_id: Text, seconds: float) -> bool:
        trying = asyncio.ensure_future(self._database.run(self._shared.try_one, conversation_id))
        done, _ = await asyncio.wait({trying}, timeout=seconds)
        if not done:
            trying.add_done_callback(lambda late: late.result() and self._give_back(conversation_id))
            return False
        return trying.result()

    def _give_back(self, conversation_id: Text) -> None:
        """Let go of a lock without waiting for it: one thread does all this in its order."""
        giving = asyncio.ensure_future(self._database.run(self._shared.let_go, conversation_id))
        self._giving.add(giving)
        giving.add_done_callback(self._giving.discard)
