"""A page that heard no answer sends its message again: over HTTP, with a real database, also while that is locked."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

pytestmark = pytest.mark.slow

EMERGENCY_S = 0.5
QUESTION = {"message": "what helps SI joint pain?", "message_id": "10000000-1000-4000-8000-100000000001"}
BLADDER = {"message": "I've lost control of my bladder", "message_id": "10000000-1000-4000-8000-100000000002"}


@contextmanager
def locked_database(server):
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        database.execute("begin exclusive")
        try:
            yield
        finally:
            database.rollback()


def messages_read(server, token: str) -> int:
    """Return how many messages of the conversation Rasa has taken."""
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        query = "select count(*) from conversation_event where kind = 'user' and conversation_id = ?"
        return database.execute(query, (server.conversation(token).id,)).fetchone()[0]


def test_the_same_message_many_times_at_once_is_one_turn(server):
    token = server.start()

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: server.turn(token, **QUESTION).json(), range(8)))

    assert all(answer["replies"] == answers[0]["replies"] for answer in answers)
    assert messages_read(server, token) == 1


def test_the_same_id_in_another_conversation_is_another_message(server):
    first, second = server.start(), server.start()

    for token in (first, second):
        assert server.turn(token, **QUESTION).json()["replies"][0]["kind"] == "text"
        assert messages_read(server, token) == 1


def test_a_repeated_button_counts_once(server):
    token = server.start()
    button = server.say(token, "how do I get my SI joint back in place?")[0]["buttons"][0]
    press = {"payload": button["payload"], "message_id": QUESTION["message_id"]}

    first, second = (server.turn(token, **press).json() for _ in range(2))

    assert first == second
    assert messages_read(server, token) == 2


def test_an_emergency_is_handed_over_at_once_while_the_database_is_locked_and_when_it_is_sent_again(server):
    token = server.start("uk")

    with locked_database(server):
        for _ in range(2):
            begun = time.monotonic()
            card = server.turn(token, **BLADDER).json()["replies"][0]
            assert (card["kind"], card["level"]) == ("care_card", "emergency")
            assert time.monotonic() - begun < EMERGENCY_S

    assert server.turn(token, **BLADDER).json()["replies"][0]["kind"] == "care_card"


def test_a_question_that_could_not_be_written_down_is_taken_once_more_when_it_is_sent_again(server):
    token = server.start()

    with locked_database(server):
        assert server.turn(token, **QUESTION).json()["replies"]

    again = [server.turn(token, **QUESTION).json()["replies"] for _ in range(3)]
    assert again[1][0]["kind"] == "text"
    assert again[1] == again[2]
    assert messages_read(server, token) == 1
