"""Something inside is broken: every message gets a sentence within 3 s, an emergency its card within 0.5 s, and nobody else waits."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import threading
import time

import pytest
import sqlalchemy as sa
from threadpoolctl import threadpool_info

from sijbot import runtime as process_runtime
from sijbot.adapters.assistant import AGAIN_S, DATABASE_PATIENCE_S, SHORT_CHARACTERS, Conversation
from sijbot.adapters.dialogue import LocalAssistant
from sijbot.adapters.server import canary_faults
from sijbot.language.encoder import shared_encoder
from sijbot.logs import Line, quiet_libraries
from sijbot.records import turns
from sijbot.records.schema import SAFETY_LOG, make_engine

pytestmark = pytest.mark.slow

SENTENCE_S, EMERGENCY_S, OTHERS_S = 3.0, 0.5, 0.1
PROXY_S = 1.2  # after which a proxy asks another replica
BLADDER = "I've lost control of my bladder"
QUESTION = "where is the SI joint?"
MESSAGES = (QUESTION, "how do I do a clam shell?", "tell me more", "it hurts on the left", "hello", "???", "", "I have been seen by my doctor")


@pytest.fixture(scope="module")
def local(trained, tmp_path_factory):
    quiet_libraries()
    settings = dataclasses.replace(trained, database_url=f"sqlite:///{tmp_path_factory.mktemp('faults') / 'sijbot.db'}")
    yield LocalAssistant.load(settings)
    process_runtime.use(None)


@pytest.fixture
def broken(local):
    """Break actions by name (all where none is named); everything is whole again afterwards, and what hangs is let go."""
    executor, release = local.agent.action_endpoint._executor, threading.Event()
    whole = dict(executor.actions)

    def break_actions(kind, names=tuple(whole)):
        executor.actions = {**whole, **{name: KINDS[kind](release) for name in names}}

    yield break_actions
    executor.actions = whole
    release.set()


def raising(release):
    def run(dispatcher, tracker, domain):
        raise RuntimeError(tracker.latest_message["text"])  # as a library does that names the value it could not use

    return run


def raising_to_end_the_process(release):
    def run(dispatcher, tracker, domain):
        raise SystemExit(1)

    return run


def awaiting(release):
    async def run(dispatcher, tracker, domain):
        await asyncio.sleep(60)

    return run


def blocking(release):
    def run(dispatcher, tracker, domain):
        release.wait(60)  # as good as time.sleep(60), but it ends with the test

    return run


def returning(value):
    return lambda release: lambda dispatcher, tracker, domain: value


def saying(message):
    return lambda release: lambda dispatcher, tracker, domain: dispatcher.messages.append(message)


KINDS = {
    "raise": raising, "exit": raising_to_end_the_process, "await": awaiting, "block": blocking, "return text": returning("nonsense"),
    "return number": returning(42), "return unknown event": returning([{"event": "nonsense"}]), "return slot without name": returning([{"event": "slot"}]),
    "return object": returning([object()]), "say number": saying(42), "say half a reply": saying({"reply": {"text": "half"}}),
    "say nothing": saying({"text": ""}),
}  # fmt: skip


async def timed(local, conversation, text):
    began = time.perf_counter()
    turn = await local.say(conversation, text)
    return turn, time.perf_counter() - began


async def check_messages(local, region):
    emergency_line = local.runtime.content.regions[region].emergency_line
    for text in MESSAGES:
        turn, seconds = await timed(local, Conversation.new(region), text)
        assert seconds < SENTENCE_S, text
        assert all(reply.text.strip() for reply in turn.replies) and turn.replies, text
        if turn.failed:
            assert emergency_line in turn.replies[-1].text
    turn, seconds = await timed(local, Conversation.new(region), BLADDER)
    assert seconds < EMERGENCY_S
    assert (turn.replies[0].kind, turn.replies[0].level) == ("care_card", "emergency")
    assert emergency_line in turn.replies[0].text
    assert len([reply for reply in turn.replies if reply.kind == "care_card"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_with_every_action_broken_every_message_gets_a_sentence(local, broken, kind):
    broken(kind)

    asyncio.run(check_messages(local, "uk"))


GONE = sa.exc.OperationalError("a statement", {}, Exception("the database system is shutting down"), connection_invalidated=True)
FACT = "how long does this usually last"


@pytest.fixture
def going_away(local, monkeypatch):
    """Let the database not answer the next so many times that a turn reads, writes or asks from an action, and return what counts how often it was asked."""

    def go(where, times):
        asked, whole = [], dict(local.agent.action_endpoint._executor.actions) if where == "action" else getattr(turns, where)

        def gone_for(work):
            def run(*arguments):
                asked.append(1)
                if len(asked) <= times:
                    raise GONE
                return work(*arguments)

            return run

        if where == "action":
            monkeypatch.setattr(local.agent.action_endpoint._executor, "actions", {name: gone_for(action) for name, action in whole.items()})
        else:
            monkeypatch.setattr(turns, where, gone_for(whole))
        return asked

    return go


@pytest.mark.parametrize("where", ["load", "commit", "action"])
def test_that_the_database_went_away_for_a_moment_is_not_seen(local, going_away, where):
    conversation = Conversation.new("uk")
    asyncio.run(local.say(conversation, QUESTION))
    asked = going_away(where, 2)

    turn, seconds = asyncio.run(timed(local, conversation, FACT))

    assert len(asked) > 2 and not turn.failed and seconds < PROXY_S
    said = [event["text"] for event in turns.all_events(local.runtime.engine, conversation.id) if event["event"] == "user"]
    assert said == [QUESTION, FACT]


def test_a_turn_stands_once_where_the_database_went_away_before_it_could_say_that_it_was_written_down(local, monkeypatch):
    conversation, asked, commit = Conversation.new("uk"), [], turns.commit

    def unheard(*arguments):
        asked.append(1)
        commit(*arguments)
        if len(asked) == 1:
            raise GONE

    monkeypatch.setattr(turns, "commit", unheard)

    turn = asyncio.run(local.assistant.take_turn(conversation, FACT, message_id="m1"))

    assert len(asked) == 2 and turn.is_repeated and not turn.failed and turn.replies
    assert [event["text"] for event in turns.all_events(local.runtime.engine, conversation.id) if event["event"] == "user"] == [FACT]


def test_what_fails_by_itself_once_the_database_is_there_again_is_not_waited_for(local, monkeypatch):
    asked = []

    def fail(*arguments):
        asked.append(1)
        raise GONE if len(asked) == 1 else RuntimeError("of its own")

    asyncio.run(local.say(Conversation.new(), QUESTION))
    executor = local.agent.action_endpoint._executor
    monkeypatch.setattr(executor, "actions", {name: fail for name in executor.actions})

    turn, seconds = asyncio.run(timed(local, Conversation.new("uk"), FACT))

    assert turn.failed and len(asked) > 1 and seconds < DATABASE_PATIENCE_S


def test_for_a_database_that_is_away_for_longer_nobody_waits_but_the_first(local, going_away):
    asyncio.run(local.say(Conversation.new(), QUESTION))
    going_away("load", 10_000)

    (first, seconds), (second, shorter), (danger, shortest) = (asyncio.run(timed(local, Conversation.new("uk"), text)) for text in (FACT, QUESTION, BLADDER))

    assert first.failed and second.failed and DATABASE_PATIENCE_S - AGAIN_S < seconds < PROXY_S and shorter < DATABASE_PATIENCE_S - AGAIN_S
    assert danger.replies[0].level == "emergency" and shortest < EMERGENCY_S


def test_what_was_too_late_can_still_be_had(local, broken, monkeypatch):
    monkeypatch.setattr("sijbot.adapters.assistant.TURN_DEADLINE_S", 0.0)

    async def talk():
        first = await local.say(Conversation.new(), QUESTION)
        return first, await first.late()

    first, later = asyncio.run(talk())
    assert first.failed and first.replies[-1].kind == "fault"
    assert not later.failed and later.replies[0].kind == "text" and later.late is None


def test_a_turn_that_was_written_down_before_it_failed_is_said_and_counts_once(local, monkeypatch):
    handle = local.assistant._handle

    async def lost(message):
        await handle(message)
        raise RuntimeError("the commit is done, and nobody has learned of it")

    monkeypatch.setattr(local.assistant, "_handle", lost)
    conversation = Conversation.new("uk")
    first, again = (asyncio.run(local.assistant.take_turn(conversation, BLADDER, message_id="m1")) for _ in range(2))

    assert not first.failed and again.is_repeated
    assert [reply.text for reply in first.replies] == [reply.text for reply in again.replies]
    with local.runtime.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(SAFETY_LOG.c.conversation_id == conversation.id)) == 1


def test_the_time_that_reading_takes_counts_into_the_turn(local, monkeypatch):
    release = threading.Event()

    async def hang(message):
        await asyncio.sleep(60)

    monkeypatch.setattr(local.runtime.screen, "reader", lambda text: release.wait(60))
    monkeypatch.setattr(local.assistant, "_handle", hang)

    turn, seconds = asyncio.run(timed(local, Conversation.new(), "We had tea in the garden and talked. " * 60 + QUESTION))

    release.set()
    assert seconds < SENTENCE_S
    assert turn.failed and turn.replies


def test_a_plain_question_is_encoded_once(local, monkeypatch):
    memory, encoded = shared_encoder()._remembered, []
    read = memory._read
    monkeypatch.setattr(memory, "_read", lambda text: encoded.append(text) or read(text))

    asyncio.run(timed(local, Conversation.new(), "which two bones meet at this joint"))

    assert encoded == ["which two bones meet at this joint"]


def test_a_question_is_encoded_once_and_beside_the_event_loop_where_that_is_slow(local, monkeypatch):
    memory, encoding, never = shared_encoder()._remembered, [], threading.Event()
    read = memory._read

    def slow(text):
        encoding.append(threading.current_thread() is threading.main_thread())
        never.wait(0.15)
        return read(text)

    monkeypatch.setattr(memory, "_read", slow)

    turn, _ = asyncio.run(timed(local, Conversation.new(), "what holds the two bones of this joint together"))

    assert encoding == [False] and not turn.failed


def test_an_emergency_waits_for_no_encoder(local, monkeypatch):
    release, asked = threading.Event(), []
    monkeypatch.setattr(shared_encoder()._remembered, "_read", lambda text: asked.append(text) or release.wait(5))
    story = "My back has been bad for years and I have seen many people about it. " * 6 + "Since this morning I am numb between my legs and I wet myself without feeling it. Both legs are weak."

    turn, seconds = asyncio.run(timed(local, Conversation.new("uk"), story))

    release.set()
    assert not turn.failed and turn.replies[0].level == "emergency" and seconds < 1.0
    assert len(story) > SHORT_CHARACTERS and asked, "else it would not have been encoded beside the reading"


def test_with_the_encoder_broken_every_message_gets_a_sentence(local, monkeypatch):
    def fail(text):
        raise RuntimeError(text)

    monkeypatch.setattr(shared_encoder()._remembered, "_read", fail)

    asyncio.run(check_messages(local, "uk"))


def test_an_encoder_that_hangs_does_not_hold_up_the_screen(local, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(shared_encoder()._remembered, "_read", lambda text: release.wait(60))
    begun = time.perf_counter()

    verdict, _, _ = asyncio.run(local.assistant._screened("a plain question that nobody asked before"))

    seconds = time.perf_counter() - begun
    release.set()
    assert verdict.outcome == "none"
    assert seconds < EMERGENCY_S


@pytest.fixture
def without(local):
    """Take the model or the database away."""
    agent, engine = local.agent, local.runtime.engine

    def take_away(part):
        if part == "model":
            local.agent = None
        else:
            local.runtime.engine = make_engine("sqlite:////no/such/folder/sijbot.db")

    yield take_away
    local.agent, local.runtime.engine = agent, engine


@pytest.mark.parametrize("part", ["model", "database"])
def test_with_a_part_gone_every_message_gets_a_sentence(local, without, part):
    without(part)

    asyncio.run(check_messages(local, "uk"))


@pytest.mark.parametrize("part", ["model", "database"])
def test_the_server_is_not_ready_with_a_part_gone(local, without, part):
    without(part)

    assert asyncio.run(canary_faults(local.runtime, local.assistant))


def test_the_server_is_not_ready_with_broken_actions(local, broken):
    broken("raise")

    assert asyncio.run(canary_faults(local.runtime, local.assistant))


def test_the_server_is_ready_when_nothing_is_broken(local):
    assert asyncio.run(canary_faults(local.runtime, local.assistant)) == []


@pytest.mark.parametrize("kind", ["await", "block"])
def test_nobody_else_waits_while_an_action_hangs(local, broken, kind):
    patient, other = Conversation.new(), Conversation.new()
    local.runtime.screen(QUESTION)

    async def go():
        await local.say(patient, QUESTION)
        await local.say(other, QUESTION)
        broken(kind, ["action_more"])
        hanging = asyncio.create_task(local.say(patient, "tell me more"))
        await asyncio.sleep(0.05)
        question = await timed(local, other, "what does SI joint pain feel like?")
        emergency = await timed(local, other, BLADDER)
        still_hanging = not hanging.done()
        return question, emergency, still_hanging, await hanging

    (question, question_s), (emergency, emergency_s), still_hanging, hung = asyncio.run(go())
    assert still_hanging and hung.failed
    assert question_s < OTHERS_S and not question.failed
    assert emergency_s < OTHERS_S and emergency.replies[0].level == "emergency"


def test_more_hanging_turns_than_one_leave_others_their_answers(local, broken):
    async def go():
        patients = [Conversation.new() for _ in range(8)]
        for patient in patients:
            await local.say(patient, QUESTION)
        broken("block", ["action_more"])
        hanging = [asyncio.create_task(local.say(patient, "tell me more")) for patient in patients]
        await asyncio.sleep(0.3)
        turn = await local.say(Conversation.new(), QUESTION)
        return turn, await asyncio.gather(*hanging)

    turn, hung = asyncio.run(go())
    assert all(one.failed for one in hung)
    assert not turn.failed


@pytest.fixture
def written(caplog):
    """Return what the log of the process holds by now, as it is written there."""
    formatter = Line(as_json=False)

    def read() -> str:
        gc.collect()  # asyncio speaks of a task that failed unheard when nobody holds it any more
        return "\n".join(map(formatter.format, caplog.records))

    return read


@pytest.mark.parametrize("kind", ["raise", "say number", "return text"])
def test_a_fault_logs_no_words_of_the_person(local, broken, written, kind):
    broken(kind)

    asyncio.run(local.say(Conversation.new(), "Quokkabracket where is the SI joint?"))

    assert "ERROR" in written() and "Quokkabracket" not in written()


@pytest.mark.parametrize("part", ["encoder", "reader", "policies"])
def test_a_model_that_raises_logs_no_words_of_the_person(local, monkeypatch, written, part):
    def fail(text, *_, **__):
        raise RuntimeError(getattr(text, "text", text))

    place = {"encoder": (shared_encoder()._remembered, "_read"), "reader": (local.runtime.screen, "reader"), "policies": (local.assistant, "_handle")}[part]
    monkeypatch.setattr(*place, fail)

    turn = asyncio.run(local.say(Conversation.new(), f"Quokkabracket {part} and where is the SI joint?"))

    assert turn.replies and written() and "Quokkabracket" not in written()


def test_linear_algebra_keeps_to_one_thread(local):
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]

    assert found and {library["num_threads"] for library in found} == {1}
