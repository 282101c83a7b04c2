"""A message that comes twice, as from a page that heard no answer: it gets the same replies, and has one effect."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sijbot.adapters import inbox as inbox_module
from sijbot.adapters.assistant import Conversation, Turn
from sijbot.adapters.inbox import Inbox
from sijbot.records import schema, turns
from sijbot.records.inbox import Answered
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
    """Stands for the assistant: counts how often it is asked, answers with a turn or by what it is given, and writes down what did not fail."""

    def __init__(self, engine, *taken, message_id: str = "message-1") -> None:
        self.engine, self.taken, self.times, self.message_id = engine, list(taken), 0, message_id

    async def __call__(self) -> Turn:
        self.times += 1
        turn = self.taken.pop(0) if len(self.taken) > 1 else self.taken[0]
        turn = await turn() if callable(turn) else turn
        if not turn.failed:
            write(self.engine, turn, self.message_id)
        return turn


def write(engine, turn: Turn, message_id: str = "message-1", conversation: Conversation = CONVERSATION) -> None:
    """Write a turn down as the assistant does."""
    answer = Answered([reply.to_dict() for reply in turn.replies], turn.conversation.region, turn.conversation.keep_days)
    ending = turns.Ending(answer, None if turn.conversation.id == conversation.id else turn.conversation.id)
    begun = turns.load(engine, conversation.id).head
    turns.commit(engine, conversation.id, begun, turns.Head(begun.number + 1), [{"event": "user"}], turns.OpenTurn(conversation.id, message_id, lambda *_: ending))


def turn_of(*replies: Reply, failed: bool = False, conversation: Conversation = CONVERSATION) -> Turn:
    return Turn(replies, Assessment(), failed, conversation)


ANSWER, FAILED = turn_of(FULL), turn_of(Reply("Sorry.", FAULT), failed=True)


async def twice(inbox: Inbox, take: Taking) -> list[Turn]:
    return [await inbox.turn(CONVERSATION, "message-1", take, "lie down?") for _ in range(2)]


def test_a_repeated_message_gets_the_same_replies_with_everything_in_them(engine):
    take = Taking(engine, ANSWER)

    first, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (first.replies, second.replies, take.times) == ((FULL,), (FULL,), 1)
    assert not first.failed and not second.failed


def test_it_does_so_in_a_new_process(engine):
    take = Taking(engine, ANSWER)
    asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", take))

    again = asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", take))

    assert (again.replies, again.failed, take.times) == ((FULL,), False, 1)


def test_a_message_is_written_down_before_any_work_on_it(engine):
    seen = []

    async def look() -> Turn:
        with engine.connect() as connection:
            seen.extend(connection.execute(sa.select(schema.INBOX.c.said, schema.INBOX.c.button, schema.INBOX.c.state)).all())
        return ANSWER

    asyncio.run(Inbox(lambda: engine).turn(CONVERSATION, "message-1", Taking(engine, look), "Next", "coach:next"))

    assert seen == [("Next", "coach:next", schema.RECEIVED)]


def test_a_repeated_message_moves_the_conversation_as_the_first_did(engine):
    take = Taking(engine, turn_of(FULL, conversation=replace(CONVERSATION, region="au", keep_days=365)))

    _, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (second.conversation.region, second.conversation.keep_days) == ("au", 365)


@pytest.mark.parametrize("conversation, message_id", [(CONVERSATION, "message-2"), (Conversation("b" * 32, "uk"), "message-1")])
def test_another_message_or_another_conversation_is_another_turn(engine, conversation, message_id):
    first, other = Taking(engine, ANSWER), Taking(engine, FAILED)
    inbox = Inbox(lambda: engine)

    async def talk():
        await inbox.turn(CONVERSATION, "message-1", first)
        await inbox.turn(conversation, message_id, other)

    asyncio.run(talk())
    assert (first.times, other.times) == (1, 1)


def test_a_message_that_failed_may_be_tried_again(engine):
    take = Taking(engine, FAILED, ANSWER)

    first, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert (first.failed, second.replies, take.times) == (True, (FULL,), 2)
    assert (first.failed, second.failed) == (True, False)


def test_two_at_the_same_moment_are_one_turn(engine):
    take = Taking(engine, ANSWER)
    inbox = Inbox(lambda: engine)

    async def both():
        return await asyncio.gather(*(inbox.turn(CONVERSATION, "message-1", take) for _ in range(5)))

    found = asyncio.run(both())
    assert ({turn.replies for turn in found}, take.times) == ({(FULL,)}, 1)


def test_a_caller_that_goes_away_takes_nothing_with_it(engine):
    inbox, taken = Inbox(lambda: engine), asyncio.Event()

    async def slowly() -> Turn:
        await taken.wait()
        return ANSWER

    take = Taking(engine, slowly)

    async def talk() -> Turn:
        first = asyncio.ensure_future(inbox.turn(CONVERSATION, "message-1", take))
        while not take.times:
            await asyncio.sleep(0)
        first.cancel()
        taken.set()
        return await inbox.turn(CONVERSATION, "message-1", take)

    assert (asyncio.run(talk()).replies, take.times) == ((FULL,), 1)


def late(first: Turn, ready: asyncio.Event, engine=None) -> Turn:
    async def rest() -> Turn:
        await ready.wait()
        if engine is not None:
            write(engine, ANSWER)
        return ANSWER

    return replace(first, late=rest)


def test_a_turn_that_was_too_late_is_waited_for_and_not_taken_again(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()
    take = Taking(engine, late(FAILED, ready, engine))

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

    first, second = asyncio.run(twice(inbox, Taking(engine, late(FAILED, never))))

    assert second == first


def test_an_emergency_text_does_not_wait_for_the_late_rest(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_DEADLINE_S", 3600.0)
    card = turn_of(Reply("Call now.", CARE_CARD, level="emergency"), failed=True)
    inbox, never = Inbox(lambda: engine), asyncio.Event()

    first, second = asyncio.run(twice(inbox, Taking(engine, late(card, never))))

    assert second.replies == card.replies
    assert first.failed and second.failed  # not done yet: it is sent again


def test_the_message_that_erased_gets_its_answer_again_and_another_finds_the_conversation_gone(engine):
    take = Taking(engine, turn_of(FULL, conversation=Conversation("c" * 32, "uk")))

    first, second = asyncio.run(twice(Inbox(lambda: engine), take))

    assert second.replies == first.replies and second.conversation == first.conversation == Conversation("c" * 32, "uk")
    for look in (lambda inbox: inbox.turn(CONVERSATION, "message-2", take), lambda inbox: inbox.history(CONVERSATION, 50)):
        with pytest.raises(turns.Gone):
            asyncio.run(look(Inbox(lambda: engine)))
    with engine.connect() as connection:
        assert connection.execute(sa.select(schema.INBOX)).all() == []


def test_a_database_that_fails_stops_no_turn(tmp_path):
    broken = schema.make_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    take = Taking(broken, FAILED)

    first, second = asyncio.run(twice(Inbox(lambda: broken), take))

    assert (first.replies, second.replies, take.times) == (FAILED.replies, FAILED.replies, 2)


def test_a_database_that_hangs_stops_no_turn(engine, monkeypatch):
    monkeypatch.setattr(inbox_module, "RECEIVE_DEADLINE_S", 0.01)
    let_go = threading.Event()

    def hanging():
        let_go.wait(60)
        return engine

    async def talk() -> Turn:
        try:
            return await Inbox(hanging).turn(CONVERSATION, "message-1", Taking(engine, FAILED))
        finally:
            let_go.set()

    assert asyncio.run(talk()).replies == FAILED.replies


def test_what_was_said_is_in_the_history_as_soon_as_it_is_answered(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()

    async def slowly() -> Turn:
        await ready.wait()
        return ANSWER

    async def talk() -> list[list]:
        work = asyncio.ensure_future(inbox.turn(CONVERSATION, "message-1", Taking(engine, slowly), "lie down?"))
        before = await inbox.history(CONVERSATION, 50)
        ready.set()
        await work
        return [before, await inbox.history(CONVERSATION, 50)]

    before, after = asyncio.run(talk())
    assert before == []
    assert [(exchange.message_id, exchange.said, Reply.from_dict(exchange.replies[0])) for exchange in after] == [("message-1", "lie down?", FULL)]


def test_what_failed_is_not_in_the_history(engine):
    inbox = Inbox(lambda: engine)

    async def talk() -> list:
        await inbox.turn(CONVERSATION, "message-1", Taking(engine, FAILED), "lie down?")
        return await inbox.history(CONVERSATION, 50)

    assert asyncio.run(talk()) == []


def test_that_the_database_went_away_for_a_moment_is_not_seen_by_who_reads_the_history(engine, monkeypatch):
    asked, check = [], turns.check_there

    def gone_at_first(*arguments):
        asked.append(1)
        if len(asked) <= 2:
            raise sa.exc.OperationalError("a statement", {}, Exception("the database system is starting up"), connection_invalidated=True)
        return check(*arguments)

    monkeypatch.setattr(turns, "check_there", gone_at_first)

    assert asyncio.run(Inbox(lambda: engine).history(CONVERSATION, 50)) == [] and len(asked) == 3


def test_there_is_no_history_where_the_database_fails(tmp_path):
    broken = schema.make_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")

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


def test_what_a_process_died_with_is_given_out_to_be_answered(engine):
    turns.receive(engine, CONVERSATION.id, "message-1", "lie down?", None, "uk", 0)
    inbox = Inbox(lambda: engine)

    async def look() -> list:
        return [[row["message_id"] for row in await inbox.left_over(timedelta(seconds=after), timedelta(minutes=1), 9)] for after in (30, -1, -1)]

    assert asyncio.run(look()) == [[], ["message-1"], []]


def test_whether_something_is_at_work_is_known(engine):
    inbox, ready = Inbox(lambda: engine), asyncio.Event()

    async def talk() -> None:
        assert not inbox.is_at_work
        await inbox.turn(CONVERSATION, "message-1", Taking(engine, late(FAILED, ready, engine)))
        assert inbox.is_at_work and inbox.knows(CONVERSATION, "message-1")
        ready.set()
        await inbox.turn(CONVERSATION, "message-1", Taking(engine, FAILED))
        await asyncio.sleep(0)
        assert not inbox.is_at_work

    asyncio.run(talk())
