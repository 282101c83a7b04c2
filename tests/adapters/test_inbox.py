"""A message that comes twice, as from a page that heard no answer: it gets the same replies, and has one effect."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from sijbot.adapters import inbox as inbox_module
from sijbot.adapters.assistant import Conversation, Turn
from sijbot.adapters.inbox import Inbox
from sijbot.records import schema
from sijbot.replies import CARE_CARD, FAULT, Button, Citation, Document, Picture, Reply, Timer
from sijbot.triage import Assessment

CONVERSATION = Conversation("a" * 32, "uk")
FULL = Reply(
    "Lie on your back.", "steps", "1 of 3", None, (Button("Next", "coach:next"),), (Citation("A source", "https://example.org"),), "id",
    Picture("bridge", "a bridge"), Timer(8, "times", 1, 2, 5, 3, True), (Document("chart.svg", "Chart", "a line"),),
)  # fmt: skip


@pytest.fixture
def engine(tmp_path):
    engine = schema.make_engine(f"sqlite:///{tmp_path / 'sijbot.db'}")
    schema.migrate(engine)
    yield engine
    engine.dispose()


class Taking:
    """Stands for the assistant: counts how often it is asked, and answers with a turn or by what it is given."""

    def __init__(self, *turns) -> None:
        self.turns, self.times = list(turns), 0

    async def __call__(self) -> Turn:
        self.times += 1
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        return await turn() if callable(turn) else turn


def turn_of(*replies: Reply, failed: bool = False, conversation: Conversation = CONVERSATION) -> Turn:
    return Turn(replies, Assessment(), failed, conversation)


ANSWER, FAILED = turn_of(FULL), turn_of(Reply("Sorry.", FAULT), failed=True)


async def twice(inbox: Inbox, take: Taking, other: str = "message-1") -> list[Turn]:
    return [await inbox.turn(CONVERSATION, "message-1", take), await inbox.turn(CONVERSATION, other, take)]


def test_a_repeated_message_gets_the_same_replies_with_everything_in_them(engine):
    take = Taking(ANSWER)

    first, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (first.replies, second.replies, take.times) == ((FULL,), (FULL,), 1)


def test_it_does_so_in_a_new_process(engine):
    take = Taking(ANSWER)
    asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", take))

    again = asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", take))

    assert (again.replies, again.failed, take.times) == ((FULL,), False, 1)


def test_a_repeated_message_moves_the_conversation_as_the_first_did(engine):
    take = Taking(turn_of(FULL, conversation=replace(CONVERSATION, region="au", keep_days=365)))

    _, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (second.conversation.region, second.conversation.keep_days) == ("au", 365)


@pytest.mark.parametrize("conversation, message_id", [(CONVERSATION, "message-2"), (Conversation("b" * 32, "uk"), "message-1")])
def test_another_message_or_another_conversation_is_another_turn(engine, conversation, message_id):
    take = Taking(ANSWER)
    inbox = Inbox(lambda: engine)

    async def talk():
        await inbox.turn(CONVERSATION, "message-1", take)
        await inbox.turn(conversation, message_id, take)

    asyncio.run(talk())
    assert take.times == 2


def test_a_message_that_failed_may_be_tried_again(engine):
    take = Taking(FAILED, ANSWER)

    first, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (first.failed, second.replies, take.times) == (True, (FULL,), 2)


def test_two_at_the_same_moment_are_one_turn(engine):
    take = Taking(ANSWER)
    inbox = Inbox(lambda: engine)

    async def both():
        return await asyncio.gather(*(inbox.turn(CONVERSATION, "message-1", take) for _ in range(5)))

    turns = asyncio.run(both())
    assert ({turn.replies for turn in turns}, take.times) == ({(FULL,)}, 1)


def test_a_caller_that_goes_away_takes_nothing_with_it(engine):
    inbox, taken = Inbox(lambda: engine), asyncio.Event()

    async def slowly() -> Turn:
        await taken.wait()
        return ANSWER

    take = Taking(slowly)

    async def talk() -> Turn:
        first = asyncio.ensure_future(inbox.turn(CONVERSATION, "message-1", take))
        while not take.times:
            await asyncio.sleep(0)
        first.cancel()
        taken.set()
        return await inbox.turn(CONVERSATION, "message-1", take)

    assert (asyncio.run(talk()).replies, take.times) == ((FULL,), 1)


def late(first: Turn, ready: asyncio.Event) -> Turn:
    async def rest() -> Turn:
        await ready.wait()
        return ANSWER

    return replace(first, late=rest)


def test_a_turn_that_was_too_late_is_waited_for_and_not_taken_again(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()
    take = Taking(late(FAILED, ready))

    async def talk() -> list[Turn]:
        first = await inbox.turn(CONVERSATION, "message-1", take)
        second = asyncio.ensure_future(inbox.turn(CONVERSATION, "message-1", take))
        await asyncio.sleep(0)
        ready.set()
        return [first, await second, await inbox.turn(CONVERSATION, "message-1", take)]

    first, second, third = asyncio.run(talk())
    assert first.failed
    assert (second.replies, third.replies, take.times) == ((FULL,), (FULL,), 1)


def test_one_that_stays_late_gets_what_it_got_first(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_DEADLINE_S", 0.01)
    inbox, never = Inbox(lambda: engine), asyncio.Event()

    first, second = asyncio.run(twice(inbox, Taking(late(FAILED, never))))

    assert second == first


def test_an_emergency_text_does_not_wait_for_the_late_rest(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_DEADLINE_S", 3600.0)
    card = turn_of(Reply("Call now.", CARE_CARD, level="emergency"), failed=True)
    inbox, never = Inbox(lambda: engine), asyncio.Event()

    _, second = asyncio.run(twice(inbox, Taking(late(card, never))))

    assert second.replies == card.replies


def test_a_turn_that_erased_its_conversation_leaves_no_row(engine):
    take = Taking(turn_of(FULL, conversation=Conversation("c" * 32, "uk")))

    asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", take))

    with engine.connect() as connection:
        assert connection.execute(sa.select(schema.INBOX)).all() == []


def test_a_database_that_fails_stops_no_turn(tmp_path):
    broken = sa.create_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}", future=True)
    take = Taking(ANSWER)

    first, second = asyncio.run(twice(Inbox(lambda: broken), take))

    assert (first.replies, second.replies, take.times) == ((FULL,), (FULL,), 2)


def test_a_database_that_hangs_stops_no_turn(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "LOOK_UP_DEADLINE_S", 0.01)
    monkeypatch.setattr(inbox_module, "WRITE_DEADLINE_S", 0.01)
    let_go = threading.Event()

    def hanging():
        let_go.wait(60)
        return engine

    async def talk() -> Turn:
        try:
            return await Inbox(hanging).turn(CONVERSATION, "message-1", Taking(ANSWER))
        finally:
            let_go.set()

    assert asyncio.run(talk()).replies == (FULL,)


def test_what_was_said_is_in_the_history_as_soon_as_it_is_answered(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()

    async def slowly() -> Turn:
        await ready.wait()
        return ANSWER

    async def talk() -> list[list]:
        work = asyncio.ensure_future(inbox.turn(CONVERSATION, "message-1", Taking(slowly), "lie down?"))
        before = await inbox.history(CONVERSATION, 50)
        ready.set()
        await work
        return [before, await inbox.history(CONVERSATION, 50)]

    before, after = asyncio.run(talk())
    assert before == []
    assert [(exchange.message_id, exchange.said, Reply.from_dict(exchange.replies[0])) for exchange in after] == [("message-1", "lie down?", FULL)]


def test_what_was_answered_late_is_in_the_history_too(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()
    ready.set()

    async def talk() -> list:
        await inbox.turn(CONVERSATION, "message-1", Taking(late(FAILED, ready)), "lie down?")
        await inbox.turn(CONVERSATION, "message-1", Taking(FAILED))
        return await inbox.history(CONVERSATION, 50)

    assert [exchange.said for exchange in asyncio.run(talk())] == ["lie down?"]


def test_what_failed_is_not_in_the_history(engine):
    inbox = Inbox(lambda: engine)

    async def talk() -> list:
        await inbox.turn(CONVERSATION, "message-1", Taking(FAILED), "lie down?")
        return await inbox.history(CONVERSATION, 50)

    assert asyncio.run(talk()) == []


def test_there_is_no_history_where_the_database_fails(tmp_path):
    broken = sa.create_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}", future=True)

    assert asyncio.run(Inbox(lambda: broken).history(CONVERSATION, 50)) is None


def test_nor_where_it_hangs(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "HISTORY_DEADLINE_S", 0.01)
    let_go = threading.Event()

    def hanging():
        let_go.wait(60)
        return engine

    async def read() -> object:
        try:
            return await Inbox(hanging).history(CONVERSATION, 50)
        finally:
            let_go.set()

    assert asyncio.run(read()) is None


def erasing(engine, order: list[str]):
    """Stands for the assistant's erasing: takes the rows away, and writes down when."""

    async def erase() -> Conversation:
        order.append("erased")
        with engine.begin() as connection:
            connection.execute(sa.delete(schema.INBOX))
        return Conversation("c" * 32, "uk")

    return erase


def rows(engine) -> list:
    with engine.connect() as connection:
        return connection.execute(sa.select(schema.INBOX)).all()


def test_erasing_waits_for_what_is_at_work_in_the_conversation_and_for_no_other(engine):
    inbox, ready, order = Inbox(lambda: engine), asyncio.Event(), []

    async def slowly() -> Turn:
        await ready.wait()
        order.append("answered")
        return ANSWER

    async def talk() -> Conversation:
        works = [asyncio.ensure_future(inbox.turn(CONVERSATION, f"message-{number}", Taking(slowly))) for number in range(3)]
        never = asyncio.ensure_future(inbox.turn(Conversation("b" * 32, "uk"), "message-1", Taking(lambda: asyncio.Event().wait())))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, ready.set)
        new = await inbox.erased(CONVERSATION, erasing(engine, order))
        assert all(work.done() for work in works) and not never.done()
        never.cancel()
        return new

    assert asyncio.run(talk()).id == "c" * 32
    assert order == ["answered"] * 3 + ["erased"]
    assert rows(engine) == []


def test_what_comes_too_late_is_erased_as_well(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_DEADLINE_S", 0.01)
    inbox, ready, order = Inbox(lambda: engine), asyncio.Event(), []

    async def talk() -> None:
        await inbox.turn(CONVERSATION, "message-1", Taking(late(FAILED, ready)))
        await inbox.erased(CONVERSATION, erasing(engine, order))
        assert order == ["erased"]
        ready.set()
        while len(order) < 2:
            await asyncio.sleep(0.001)

    asyncio.run(talk())
    assert rows(engine) == []


def test_erasing_that_failed_is_not_done_behind_ones_back(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_DEADLINE_S", 0.01)
    inbox, ready, times = Inbox(lambda: engine), asyncio.Event(), []

    async def failing() -> None:
        times.append(1)

    async def talk() -> None:
        await inbox.turn(CONVERSATION, "message-1", Taking(late(FAILED, ready)))
        assert await inbox.erased(CONVERSATION, failing) is None
        ready.set()
        await asyncio.sleep(0.05)

    asyncio.run(talk())
    assert len(times) == 1


def test_a_page_that_is_closed_stops_no_erasing(engine):
    inbox, order = Inbox(lambda: engine), []

    async def talk() -> None:
        page = asyncio.ensure_future(inbox.erased(CONVERSATION, erasing(engine, order)))
        await asyncio.sleep(0)
        page.cancel()
        while not order:
            await asyncio.sleep(0.001)

    asyncio.run(talk())
