"""Everything of a conversation is erased by one request, or nothing is."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import httpx
import pytest

pytestmark = pytest.mark.slow

CANARY = "Numbatbracket"
QUESTION = "how do I get my SI joint back in place?"


def delete(server, token: str) -> httpx.Response:
    return server.http.delete("/webhooks/web/conversations", headers={"Authorization": f"Bearer {token}"})


def messages(server, token: str) -> list[dict]:
    found = server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"}).json()["messages"]
    return [message for message in found if message["message_id"]]


def rows(server, token: str) -> dict[str, int]:
    """Return how many rows of a conversation there are, by table, where there are any."""
    conversation_id, found = server.conversation(token).id, {}
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            columns = {row[1] for row in database.execute(f"pragma table_info({table})")} & {"conversation_id"}
            for column in columns:
                found[table] = database.execute(f"select count(*) from {table} where {column} = ?", (conversation_id,)).fetchone()[0]
    return {table: number for table, number in found.items() if number}


def test_everything_of_the_conversation_is_gone_from_the_files_and_a_new_one_begins(server, content):
    token, other = server.start("uk"), server.start()
    for text in (f"I am {CANARY} and pain is 4 today", "I've lost control of my bladder", QUESTION):
        server.say(token, text)
    server.say(other, QUESTION)
    assert {"conversation", "conversation_event", "inbox", "diary_entry", "urgency_lock"} <= set(rows(server, token))

    response = delete(server, token)

    answer = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    region = content.regions["uk"]
    assert [reply["text"] for reply in answer["replies"]] == [content.coach["forgotten"].format(emergency_line=region.emergency_line)]
    assert (answer["region"], answer["emergency_line"]) == ("uk", region.emergency_line)
    assert rows(server, token) == {} and len(messages(server, other)) == 1
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in server.var.glob("sijbot.db*"))
    assert server.conversation(answer["token"]).id != server.conversation(token).id
    assert server.say(answer["token"], "how do I do a clam shell?")[0]["kind"] == "steps"


def test_what_was_agreed_on_keeping_ends_with_the_conversation(server):
    token = server.start()
    server.say(token, "you may keep my diary")
    agreed = server.turn(token, message="yes").json()["token"]

    assert server.conversation(delete(server, agreed).json()["token"]).keep_days == 0


def test_erasing_twice_or_erasing_nothing_works_the_same(server):
    token = server.start("au")

    first, second = delete(server, token).json(), delete(server, token).json()

    assert first["replies"] == second["replies"] and first["region"] == second["region"] == "au"
    assert server.conversation(first["token"]).id != server.conversation(second["token"]).id


@pytest.mark.parametrize("header", [None, "Bearer x.y.z"])
def test_without_a_token_nothing_is_erased(server, sentence_of, header):
    response = server.http.delete("/webhooks/web/conversations", headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert sentence_of(response)


def test_a_database_that_fails_erases_nothing_and_that_is_said(server, sentence_of, content):
    token = server.start("uk")
    server.say(token, QUESTION)

    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        database.execute("begin exclusive")
        response = delete(server, token)
        database.rollback()

    assert response.status_code == 503
    assert sentence_of(response) == content.wording["not_erased"].format(emergency_line=content.regions["uk"].emergency_line)
    assert len(messages(server, token)) == 1 and server.say(token, "tell me more")
    assert delete(server, token).status_code == 200


def test_so_it_is_said_where_somebody_asks_for_it_in_words(server, content):
    token = server.start("uk")
    server.say(token, "forget me, delete everything")

    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        database.execute("begin exclusive")
        answer = server.turn(token, message="yes, delete all of it").json()
        database.rollback()

    assert [reply["text"] for reply in answer["replies"]] == [content.wording["not_erased"].format(emergency_line=content.regions["uk"].emergency_line)]
    assert "token" not in answer and server.say(token, "hello")


@pytest.mark.parametrize("way", ["request", "words"])
def test_nothing_is_taken_into_what_was_erased(server, sentence_of, way):
    token = server.start()
    server.say(token, QUESTION)
    if way == "request":
        delete(server, token)
    else:
        server.say(token, "forget me, delete everything")
        server.say(token, "yes, delete all of it")

    for response in (server.turn(token, message="a late one"), server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"})):
        assert response.status_code == 401 and sentence_of(response)
    assert rows(server, token) == {}


def test_the_message_that_erased_gets_the_same_answer_when_it_is_sent_again(server):
    token = server.start()
    server.say(token, "forget me, delete everything")

    first, again = (server.turn(token, message="yes, delete all of it", message_id="yes-delete").json() for _ in range(2))

    assert first["replies"] == again["replies"] and server.conversation(first["token"]) == server.conversation(again["token"])
    assert rows(server, token) == {}
