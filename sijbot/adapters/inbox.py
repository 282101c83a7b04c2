"""Each message has one effect: a repeated one gets the replies that it got, or waits for them."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Awaitable, Callable, Optional

from sijbot import clock
from sijbot.adapters.assistant import Conversation, Turn
from sijbot.records.inbox import Answered, answered, write_answered
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.replies import CARE_CARD, Reply
from sijbot.triage import Assessment

logger = logging.getLogger(__name__)

LOOK_UP_DEADLINE_S = 0.1  # a database that does not answer must not hold up an emergency text
WRITE_DEADLINE_S = 0.2
WAITING_DEADLINE_S = 2.5  # of a repeated message, for the work on the first one

Key = tuple[str, str]  # of the conversation and of the message


class Inbox:
    """Takes each message once. engine: returns that of the records, which may change while this is in use."""

    def __init__(self, engine: Callable[[], Any]) -> None:
        self._engine = engine
        self._at_work: dict[Key, asyncio.Task[Turn]] = {}
        self._too_late: dict[Key, Turn] = {}  # what was said in place of an answer that is still being made
        self._threads = ThreadPoolExecutor(2, "inbox")  # of its own: actions that hang must not hold it up

    async def turn(self, conversation: Conversation, message_id: str, take: Callable[[], Awaitable[Turn]]) -> Turn:
        """Return the turn of a message: `take` is called where it is new, or where it could not be answered before.

        A turn that was too late goes on; its message gets the replies of it when it is repeated, and as long as there are none what it got first.
        """
        key = (conversation.id, message_id)
        if key in self._too_late:
            return await self._late(key)
        if key not in self._at_work:
            self._begin(key, self._once(key, conversation, take))
        return await asyncio.shield(self._at_work[key])

    async def _late(self, key: Key) -> Turn:
        first, work = self._too_late[key], self._at_work[key]
        if not any(reply.kind == CARE_CARD for reply in first.replies):  # which does not wait
            await asyncio.wait({work}, timeout=WAITING_DEADLINE_S)
        return work.result() if work.done() else first

    def _begin(self, key: Key, work: Awaitable[Turn]) -> None:
        self._at_work[key] = asyncio.ensure_future(work)
        self._at_work[key].add_done_callback(lambda done: self._end(key, done))

    def _end(self, key: Key, done: asyncio.Task[Turn]) -> None:
        if self._at_work.get(key) is done:  # and not its late rest
            del self._at_work[key]
            self._too_late.pop(key, None)

    async def _once(self, key: Key, conversation: Conversation, take: Callable[[], Awaitable[Turn]]) -> Turn:
        found = await self._in_thread(LOOK_UP_DEADLINE_S, self._look_up, key)
        if found:
            same = replace(conversation, region=found.region, keep_days=found.keep_days)
            return Turn(tuple(map(Reply.from_dict, found.replies)), Assessment(), False, same)
        turn = await take()
        if turn.late:
            self._too_late[key] = turn
            self._begin(key, self._settled(key, turn.late))
        else:
            await self._write(key, turn)
        return turn

    async def _settled(self, key: Key, late: Callable[[], Awaitable[Turn]]) -> Turn:
        turn = await late()
        await self._write(key, turn)
        return turn

    async def _write(self, key: Key, turn: Turn) -> None:
        """Write a turn down, but not one that failed, which may be tried again, nor one that erased its conversation."""
        if not turn.failed and turn.conversation.id == key[0]:
            await self._in_thread(WRITE_DEADLINE_S, self._write_down, key, turn)

    async def _in_thread(self, deadline_s: float, work: Callable, *arguments: object) -> Optional[Answered]:
        """Return what the work returns, or None where the database fails or is too slow; then the message counts as a new one."""
        task = asyncio.get_running_loop().run_in_executor(self._threads, _without_fault, work, *arguments)
        await asyncio.wait({task}, timeout=deadline_s)
        return task.result() if task.done() else None

    def _look_up(self, key: Key) -> Optional[Answered]:
        with self._engine().connect() as connection:
            return answered(connection, *key)

    def _write_down(self, key: Key, turn: Turn) -> None:
        found = Answered([reply.to_dict() for reply in turn.replies], turn.conversation.region, turn.conversation.keep_days)
        with self._engine().begin() as connection:
            write_answered(connection, *key, found, clock.now())


def _without_fault(work: Callable, *arguments: object) -> Optional[Answered]:
    try:
        return work(*arguments)
    except DATABASE_FAULTS as error:
        logger.error("the inbox does not answer: %s", type(error).__name__)
        return None
