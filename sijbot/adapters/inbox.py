"""Each message has one effect: a repeated one gets the replies that it got, or waits for them. What was said and got is the history."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Awaitable, Callable, Optional, TypeVar

from sijbot import clock
from sijbot.adapters.assistant import UNDERSTOOD_CHARACTERS, Conversation, Turn
from sijbot.records.inbox import Answered, Exchange, answered, history, write_answered
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.replies import CARE_CARD, Reply
from sijbot.triage import Assessment

logger = logging.getLogger(__name__)

LOOK_UP_DEADLINE_S = 0.1  # a database that does not answer must not hold up an emergency text
WRITE_DEADLINE_S = 0.2
GONE_REMEMBERED = 10_000  # erased conversations
WAITING_DEADLINE_S = 2.5  # of a repeated message, for the work on the first one
HISTORY_DEADLINE_S = 0.4

Key = tuple[str, str]  # of the conversation and of the message
Erase = Callable[[], Awaitable[Optional[Conversation]]]
Found = TypeVar("Found")


class Gone(Exception):
    """The conversation was erased: nothing more is taken into it."""


class Inbox:
    """Takes each message once. engine: returns that of the records, which may change while this is in use."""

    def __init__(self, engine: Callable[[], Any]) -> None:
        self._engine = engine
        self._at_work: dict[Key, asyncio.Task[Turn]] = {}
        self._too_late: dict[Key, Turn] = {}  # what was said in place of an answer that is still being made
        self._erasing: set[asyncio.Task] = set()
        self._gone: OrderedDict[str, Optional[tuple[str, Turn]]] = OrderedDict()  # what was erased lately, and the message that did it with its turn
        self._threads = ThreadPoolExecutor(2, "inbox")  # of its own: actions that hang must not hold it up
        self._readers = ThreadPoolExecutor(2, "history")  # of its own too: pages that are loaded again must not hold up messages

    async def turn(self, conversation: Conversation, message_id: str, take: Callable[[], Awaitable[Turn]], said: Optional[str] = None) -> Turn:
        """Return the turn of a message: `take` is called where it is new, or where it could not be answered before.

        said: what the history says of the message. A turn that was too late goes on; its message gets the replies of it when it is repeated, and as long as there are none what it got first.

        Raises: Gone, where the conversation was erased since this process started.
        """
        key = (conversation.id, message_id)
        if conversation.id in self._gone:
            return self._last(key)
        if key in self._too_late:
            return await self._late(key)
        if key not in self._at_work:
            self._begin(key, self._once(key, conversation, take, said))
        return await asyncio.shield(self._at_work[key])

    async def history(self, conversation: Conversation, most: int) -> Optional[list[Exchange]]:
        """Return the latest exchanges, the oldest first, or None where the database fails or is too slow. What is still at work is not there.

        Raises: Gone.
        """
        if conversation.id in self._gone:
            raise Gone
        return await _in_thread(self._readers, HISTORY_DEADLINE_S, self._read, conversation.id, most)

    async def erased(self, conversation: Conversation, erase: Erase) -> Optional[Conversation]:
        """Return what `erase` returns, called when nothing of the conversation is at work; where that takes too long, once more when it is done.

        The caller may go away, as a page does that is closed.
        """
        return await asyncio.shield(self._kept(self._erased(conversation.id, erase)))

    async def _erased(self, conversation_id: str, erase: Erase) -> Optional[Conversation]:
        is_quiet = await self._quiet(conversation_id, WAITING_DEADLINE_S)
        found = await erase()
        if found is not None:
            self._end_of(conversation_id)
        if found is not None and not is_quiet:
            self._kept(self._erased_again(conversation_id, erase))
        return found

    async def _erased_again(self, conversation_id: str, erase: Erase) -> None:
        await self._quiet(conversation_id)
        await erase()

    async def _quiet(self, conversation_id: str, deadline_s: float = math.inf) -> bool:
        """Wait until nothing of a conversation is at work, and return whether it is so."""
        clock_s = asyncio.get_running_loop().time
        until = clock_s() + deadline_s
        while (at_work := {work for key, work in self._at_work.items() if key[0] == conversation_id}) and clock_s() < until:
            await asyncio.wait(at_work, timeout=min(until - clock_s(), WAITING_DEADLINE_S))
        return not at_work

    def _kept(self, work: Awaitable[Found]) -> "asyncio.Task[Found]":
        """Return the work as a task that goes on when nobody waits for it."""
        task = asyncio.ensure_future(work)
        self._erasing.add(task)
        task.add_done_callback(self._erasing.discard)
        return task

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

    async def _once(self, key: Key, conversation: Conversation, take: Callable[[], Awaitable[Turn]], said: Optional[str]) -> Turn:
        found = await _in_thread(self._threads, LOOK_UP_DEADLINE_S, self._look_up, key)
        if found:
            same = replace(conversation, region=found.region, keep_days=found.keep_days)
            return Turn(tuple(map(Reply.from_dict, found.replies)), Assessment(), False, same)
        turn = await take()
        if turn.late:
            self._too_late[key] = turn
            self._begin(key, self._settled(key, turn.late, said))
        else:
            await self._write(key, turn, said)
        return turn

    async def _settled(self, key: Key, late: Callable[[], Awaitable[Turn]], said: Optional[str]) -> Turn:
        turn = await late()
        await self._write(key, turn, said)
        return turn

    def _end_of(self, conversation_id: str, last: Optional[tuple[str, Turn]] = None) -> None:
        self._gone[conversation_id] = last or self._gone.get(conversation_id)
        if len(self._gone) > GONE_REMEMBERED:
            self._gone.popitem(last=False)

    def _last(self, key: Key) -> Turn:
        """Return the turn that erased a conversation, to the message that asked for it."""
        last = self._gone[key[0]]
        if last is None or last[0] != key[1]:
            raise Gone
        return last[1]

    async def _write(self, key: Key, turn: Turn, said: Optional[str]) -> None:
        """Write a turn down, but not one that failed, which may be tried again, nor one that erased its conversation."""
        if not turn.failed and turn.conversation.id != key[0]:
            self._end_of(key[0], (key[1], turn))
        elif not turn.failed and key[0] not in self._gone:
            await _in_thread(self._threads, WRITE_DEADLINE_S, self._write_down, key, turn, said)

    def _look_up(self, key: Key) -> Optional[Answered]:
        with self._engine().connect() as connection:
            return answered(connection, *key)

    def _read(self, conversation_id: str, most: int) -> list[Exchange]:
        with self._engine().connect() as connection:
            return history(connection, conversation_id, most)

    def _write_down(self, key: Key, turn: Turn, said: Optional[str]) -> None:
        found = Answered([reply.to_dict() for reply in turn.replies], turn.conversation.region, turn.conversation.keep_days)
        with self._engine().begin() as connection:
            write_answered(connection, *key, found, clock.now(), said and said[:UNDERSTOOD_CHARACTERS])


async def _in_thread(threads: ThreadPoolExecutor, deadline_s: float, work: Callable[..., Found], *arguments: object) -> Optional[Found]:
    """Return what the work returns, or None where the database fails or is too slow; a message then counts as a new one."""
    task = asyncio.get_running_loop().run_in_executor(threads, _without_fault, work, *arguments)
    await asyncio.wait({task}, timeout=deadline_s)
    return task.result() if task.done() else None


def _without_fault(work: Callable[..., Found], *arguments: object) -> Optional[Found]:
    try:
        return work(*arguments)
    except DATABASE_FAULTS as error:
        logger.error("the inbox does not answer: %s", type(error).__name__)
        return None
