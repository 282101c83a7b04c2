"""A session of the coach through every kind of end that a process can meet: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from contextlib import closing

import pytest

from sijbot import runtime as process_runtime
from sijbot.adapters.assistant import Conversation
from sijbot.adapters.dialogue import LocalAssistant

pytestmark = pytest.mark.slow
TO_FIRST_EXERCISE = ("exercises", *["2"] * 6, "0", "3", "15", "1", "1")


def rows(path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("select place, round from exercise_set order by place, round").fetchall()


def place_of(path) -> tuple[str, int, int]:
    """Return where the only session stands: its stage, place and round."""
    with closing(sqlite3.connect(path)) as database:
        state = json.loads(database.execute("select state from coach_session").fetchone()[0])
    return state["stage"], state["place"], state["round"]


def title_of_exercise(replies: list[dict]) -> str:
    return next(reply["title"] for reply in replies if reply["kind"] == "steps")


def test_a_killed_server_goes_on_at_the_same_step_and_counts_each_set_once(run_server):
    with run_server() as server:
        token, database = server.start(), server.var / "sijbot.db"
        for text in TO_FIRST_EXERCISE:
            replies = server.say(token, text)
        assert title_of_exercise(replies).startswith("1 of")
        second = title_of_exercise(server.say(token, "next"))
        acknowledged, at = rows(database), place_of(database)
        send_without_waiting(server, token, "next")
        server.kill()

    assert rows(database)[: len(acknowledged)] == acknowledged == [(0, 1)]

    with run_server() as server:
        assert title_of_exercise(server.say(token, "say it again")) == second
        assert (rows(database), place_of(database)) == (acknowledged, at)
        server.say(token, "next")
        assert len(rows(database)) == 2
        server.kill()

    with run_server() as server:
        assert server.say(token, "stop")[-1]["text"].startswith("And now")
        assert len(rows(database)) == 2


def send_without_waiting(server, token: str, text: str) -> None:
    """Send a message and look at no answer."""
    body = json.dumps({"message": text}).encode()
    head = f"POST /webhooks/web/webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((server.http.base_url.host, server.http.base_url.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)


@pytest.fixture
def local(own_var):
    assistant = LocalAssistant.load(own_var)
    yield assistant
    process_runtime.use(None)


def test_a_message_that_is_sent_again_after_the_server_died_has_one_effect(run_server):
    message = {"message": "next", "message_id": "10000000-1000-4000-8000-100000000000"}
    with run_server() as server:
        token, database = server.start(), server.var / "sijbot.db"
        for text in TO_FIRST_EXERCISE:
            server.say(token, text)
        first = server.turn(token, **message).json()["replies"]
        server.kill()

    with run_server() as server:
        again = server.turn(token, **message).json()["replies"]
        assert [reply["text"] for reply in again] == [reply["text"] for reply in first]
        assert rows(database) == [(0, 1)]


def said(local: LocalAssistant, conversation: Conversation, *texts: str):
    """Return the last turn of a dialogue."""
    async def talk():
        return [await local.say(conversation, text) for text in texts][-1]

    return asyncio.run(talk())


def sets(local: LocalAssistant) -> list[tuple]:
    return rows(local.runtime.engine.url.database)


def test_of_a_turn_that_is_not_written_down_nothing_stands_and_it_is_done_once_more(local, monkeypatch):
    conversation = Conversation.new()
    said(local, conversation, *TO_FIRST_EXERCISE, "next")
    before, place = sets(local), place_of(local.runtime.engine.url.database)

    async def lost(tracker) -> None:
        raise SystemExit("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(local.agent.tracker_store, "save", lost)
        assert said(local, conversation, "next").failed
    assert (sets(local), place_of(local.runtime.engine.url.database)) == (before, place)

    said(local, conversation, "next")
    assert len(sets(local)) == len(before) + 1
    said(local, conversation, "next")
    assert len(sets(local)) == len(before) + 2


def test_a_fault_in_the_middle_of_a_turn_leaves_no_half_of_it(local, monkeypatch):
    conversation = Conversation.new()
    said(local, conversation, *TO_FIRST_EXERCISE)
    place = place_of(local.runtime.engine.url.database)

    def broken(*_):
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr("sijbot.records.coach.log_sets", broken)
        assert said(local, conversation, "next").failed

    assert (sets(local), place_of(local.runtime.engine.url.database)) == ([], place)
    said(local, conversation, "next")
    assert len(sets(local)) == 1
