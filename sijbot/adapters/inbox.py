"""Each message has one effect: a repeated one gets the replies that it got, or waits for them. What was said and got is the history."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any, Awaitable, Callable, Mapping, Optional, Sequence, TypeVar

from sijbot import clock, metrics
from sijbot.adapters.assistant import AGAIN_S, Conversation, Turn, turn_of
from sijbot.adapters.database import Database
from sijbot.content.model import LEVELS
from sijbot.records import turns
from sijbot.records.inbox import Exchange, history
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.records.schema import is_away
from sijbot.replies import CARE_CARD

logger = logging.getLogger(__name__)

RECEIVE_DEADLINE_S = 0.1  # a database that does not answer must not hold up an emergency text
WAITING_DEADLINE_S = 2.5  # of a repeated message, for the work on the first one
HISTORY_DEADLINE_S = 0.9  # a database that is restarted is there again by then; a proxy asks another replica after 1.2 s

Key = tuple[str, str]  # of the conversation and of the message
Found = TypeVar("Found")


class Inbox:
    """Takes each message once. engine: returns that of the records, which may change while this is in use."""

    def __init__(self, engine: Callable[[], Any]) -> None:
        self._at_work: dict[Key, asyncio.Task[Turn]] = {}
        self._too_late: dict[Key, Turn] = {}  # what was said in place of an answer that is still being made
        self._database = Database(engine, 4, "inbox")  # threads of its own: turns that hang must not hold it up
        self._readers = Database(engine, 2, "history")  # of its own too: pages that are loaded again must not hold up messages

    @property
    def is_at_work(self) -> bool:
        """Whether any message is at work, those that were too late among them."""
        return bool(self._at_work)

    def knows(self, conversation: Conversation, message_id: str) -> bool:
        """Return whether a message is at work: sent again, it waits for that and costs nothing."""
        return (conversation.id, message_id) in self._at_work

    async def turn(self, conversation: Conversation, message_id: str, take: Callable[[], Awaitable[Turn]], said: str = "", button: Optional[str] = None) -> Turn:
        """Return the turn of a message: `take` is called where it is new, or where it could not be answered before; before that the message is written down.

        said: what was typed, or what stood on the button; button: its payload. A turn that was too late goes on; its message gets the replies of it when it is repeated, and as long as there are none what it got first.

        Raises: sijbot.records.turns.Gone where the conversation was erased, except to the message that asked for it, which gets its answer.
        """
        key = (conversation.id, message_id)
        if key in self._too_late:
            return await self._late(key)
        if key not in self._at_work:
            self._begin(key, self._once(key, conversation, take, said, button))
        return await asyncio.shield(self._at_work[key])

    async def history(self, conversation: Conversation, most: int) -> Optional[list[Exchange]]:
        """Return the latest exchanges, the oldest first, or None where the database fails or is too slow. What is still at work is not there.

        Raises: sijbot.records.turns.Gone.
        """
        return await _in_time(self._patiently(_read, conversation.id, most), HISTORY_DEADLINE_S)

    async def _patiently(self, read: Callable[..., Found], *arguments: Any) -> Found:
        """Read, again where the database went away, as long as somebody waits for it."""
        now_s = asyncio.get_running_loop().time
        until = now_s() + HISTORY_DEADLINE_S - AGAIN_S
        while True:
            try:
                return await self._readers.run(read, *arguments)
            except DATABASE_FAULTS as error:
                if not is_away(error) or now_s() > until:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def left_over(self, after: timedelta, until: timedelta, most: int) -> Sequence[Mapping[str, Any]]:
        """Return messages whose process died with them, between so long ago; each is returned once, to one process."""
        now = clock.now()
        return await _in_time(self._readers.run(turns.claim_unanswered, now - until, now - after, most), HISTORY_DEADLINE_S) or ()

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

    async def _once(self, key: Key, conversation: Conversation, take: Callable[[], Awaitable[Turn]], said: str, button: Optional[str]) -> Turn:
        try:
            receiving = _measured(self._database.run(turns.receive, *key, said, button, conversation.region, conversation.keep_days))
            answer = await _in_time(receiving, RECEIVE_DEADLINE_S)
        except turns.Gone as gone:
            if gone.answer is None:
                raise
            return _erasing_turn(gone.answer, conversation)
        if answer:
            return turn_of(answer, conversation)
        turn = await take()
        _count(turn)
        if turn.late:
            self._too_late[key] = turn
            self._begin(key, turn.late())
        return turn


def _erasing_turn(answer: Any, conversation: Conversation) -> Turn:
    """Return the turn that erased a conversation, to the message that asked for it."""
    stored = {name: value for name, value in answer.items() if name != "conversation"}
    turn = turn_of(turns.Answered(**stored), conversation)
    return replace(turn, conversation=replace(turn.conversation, id=answer["conversation"]))


def _read(engine: Any, conversation_id: str, most: int) -> list[Exchange]:
    with engine.connect() as connection:
        turns.check_there(connection, conversation_id)
        return history(connection, conversation_id, most)


async def _in_time(work: Awaitable[Found], deadline_s: float) -> Optional[Found]:
    """Return what the work returns, or None where the database fails or is too slow; the work then goes on. Raises: sijbot.records.turns.Gone."""
    task = asyncio.ensure_future(_without_fault(work))
    await asyncio.wait({task}, timeout=deadline_s)
    if not task.done():
        task.add_done_callback(_forget_fault)
        return None
    return task.result()


async def _measured(receiving: Awaitable[Found]) -> Found:
    with metrics.stage(metrics.RECEIVE):
        return await receiving


def _count(turn: Turn) -> None:
    if turn.is_repeated:
        return
    for reply in turn.replies:
        if reply.kind == CARE_CARD and reply.level in LEVELS:
            metrics.level_raised(reply.level)
    if turn.failed:
        metrics.fallback("fault")


def _forget_fault(task: asyncio.Task) -> None:
    """Take note of what nobody waits for any more: that a conversation is gone is found again later in the turn."""
    task.cancelled() or task.exception()


async def _without_fault(work: Awaitable[Found]) -> Optional[Found]:
    try:
        return await work
    except DATABASE_FAULTS as error:
        metrics.database_fault(error)
        logger.error("the inbox does not answer: %s", type(error).__name__)
        return None
