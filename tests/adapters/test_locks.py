"""One turn of a conversation at a time, within a process and between processes; and nobody waits for a process that is frozen or a database that is gone."""

from __future__ import annotations

import asyncio
import time

import pytest

from sijbot.adapters.locks import OTHERS_DEADLINE_S, ConversationLocks
from sijbot.records import schema


@pytest.fixture
def processes(database_url):
    """Two lock stores with an engine each, as two processes have them."""
    engines = [schema.make_engine(database_url) for _ in range(2)]
    yield [ConversationLocks(engine=lambda engine=engine: engine) for engine in engines]
    for engine in engines:
        engine.dispose()


async def turn(locks: ConversationLocks, order: list, name: str, conversation: str = "a", begun: asyncio.Event | None = None, until: asyncio.Event | None = None) -> None:
    async with locks.lock(conversation):
        order.append(f"{name} begins")
        if begun:
            begun.set()
        await (until.wait() if until else asyncio.sleep(0))
        order.append(f"{name} ends")


def test_turns_of_one_conversation_wait_for_one_another_in_their_order(processes):
    order = []

    async def talk():
        await asyncio.gather(*(turn(processes[0], order, str(number)) for number in range(4)))

    asyncio.run(talk())
    assert order == [f"{number} {what}" for number in range(4) for what in ("begins", "ends")]


def test_a_turn_of_another_conversation_waits_for_nobody(processes):
    order = []

    async def talk():
        begun, until = asyncio.Event(), asyncio.Event()
        first = asyncio.ensure_future(turn(processes[0], order, "first", "a", begun, until))
        await begun.wait()
        await turn(processes[0], order, "second", "b")
        until.set()
        await first

    asyncio.run(talk())
    assert order == ["first begins", "second begins", "second ends", "first ends"]


def test_what_broke_in_a_turn_lets_the_next_one_begin(processes):
    async def talk():
        with pytest.raises(RuntimeError):
            async with processes[0].lock("a"):
                raise RuntimeError("broken on purpose")
        async with processes[0].lock("a"):
            return "begun"

    assert asyncio.run(talk()) == "begun"


def test_nothing_is_remembered_of_a_conversation_that_is_quiet(processes):
    async def talk():
        async with processes[0].lock("a"):
            pass

    asyncio.run(talk())
    assert (processes[0]._locks, dict(processes[0]._wanted)) == ({}, {})


@pytest.fixture
def two_on_postgresql(postgres):
    from tests.conftest import new_database

    url = new_database(postgres)
    engines = [schema.make_engine(url) for _ in range(2)]
    yield [ConversationLocks(engine=lambda engine=engine: engine) for engine in engines], engines
    for engine in engines:
        engine.dispose()


def test_a_turn_waits_for_that_of_another_process(two_on_postgresql):
    (first, second), _ = two_on_postgresql
    order = []

    async def talk():
        begun, until = asyncio.Event(), asyncio.Event()
        one = asyncio.ensure_future(turn(first, order, "first", "a", begun, until))
        await begun.wait()
        other = asyncio.ensure_future(turn(second, order, "second", "a"))
        asyncio.get_running_loop().call_later(0.03, until.set)
        await asyncio.gather(one, other)

    asyncio.run(talk())
    assert order == ["first begins", "first ends", "second begins", "second ends"]


def test_but_not_for_one_that_is_frozen(two_on_postgresql):
    (first, second), _ = two_on_postgresql

    async def talk() -> float:
        begun, until = asyncio.Event(), asyncio.Event()
        frozen = asyncio.ensure_future(turn(first, [], "frozen", "a", begun, until))
        await begun.wait()
        since = time.perf_counter()
        await turn(second, [], "second", "a")
        took_s = time.perf_counter() - since
        until.set()
        await frozen
        return took_s

    assert OTHERS_DEADLINE_S * 0.5 < asyncio.run(talk()) < OTHERS_DEADLINE_S + 0.5


def test_the_lock_of_a_process_that_died_is_free(two_on_postgresql):
    (first, second), (engine, _) = two_on_postgresql

    async def talk() -> bool:
        assert await first._tried("a", 1.0)
        first._shared._connection.invalidate()  # its connection ends, as with its process
        engine.dispose()
        return await second._tried("a", 1.0)

    assert asyncio.run(talk())


def test_without_the_database_turns_go_on(tmp_path):
    engine = schema.make_engine(f"postgresql+psycopg2://nobody@/none?host={tmp_path}")
    locks, order = ConversationLocks(engine=lambda: engine), []

    asyncio.run(turn(locks, order, "it"))

    assert order == ["it begins", "it ends"]
