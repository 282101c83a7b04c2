"""A page that is loaded again shows what was said, as it was shown the first time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import pytest

pytestmark = pytest.mark.slow

MOST = 50
FAULT_S = 0.5
QUESTION = "how do I get my SI joint back in place?"


def history(server, token: str):
    return server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"})


def messages(server, token: str) -> list[dict]:
    """Return the history without the greeting."""
    return [message for message in history(server, token).json()["messages"] if message["message_id"]]


def without_addresses(replies: list[dict]) -> list[dict]:
    """Return replies without the addresses of files, which are made anew every time."""
    return [{**reply, "documents": [{**document, "url": None} for document in reply["documents"]]} for reply in replies]


@contextmanager
def without_inbox(server):
    """Take the table away for a while, as a database that fails would."""
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        database.execute("alter table inbox rename to elsewhere")
        try:
            yield
        finally:
            database.execute("alter table elsewhere rename to inbox")


def test_a_new_conversation_has_its_greeting_for_a_history(server, content):
    started = server.http.post("/webhooks/web/conversations", json={"region": "uk"}).json()

    answer = history(server, started["token"])

    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "region": "uk", "emergency_line": content.regions["uk"].emergency_line, "regions": {code: each.title for code, each in content.regions.items() if code != "unknown"},
        "messages": [{"message_id": None, "said": None, "replies": started["replies"], "at": None}],
    }  # fmt: skip


def test_what_was_said_and_answered_comes_back_in_its_order(server):
    token = server.start()
    texts = [QUESTION, "  /my pelvis \U0001f600 is tired  ", "I've lost control of my bladder"]
    answers = [server.turn(token, message=text, message_id=f"message-{number}").json()["replies"] for number, text in enumerate(texts)]

    found = messages(server, token)

    assert [message["message_id"] for message in found] == ["message-0", "message-1", "message-2"]
    assert [message["said"] for message in found] == [QUESTION, "my pelvis \U0001f600 is tired", texts[2]]
    assert [message["replies"] for message in found] == answers
    times = [datetime.fromisoformat(message["at"]) for message in found]
    assert times == sorted(times) and all(at.utcoffset() == timedelta() for at in times)


def test_of_a_long_message_the_beginning_is_kept(server):
    token = server.start()
    story = "It was a long day \U0001f600 and we walked along the river. " * 60
    server.say(token, story)

    assert messages(server, token)[0]["said"] == story[:2000]


@pytest.mark.parametrize(
    "payload, title",
    [
        ("topic:clam_shell", lambda content: content.title_of("clam_shell")), ("more:clam_shell", lambda content: content.wording["more_hint"]),
        ("helpful:no:clam_shell", lambda content: content.wording["helpful_no"]), ("keep:yes:clam_shell", lambda content: content.wording["keep_yes"]),
        ("keep:no:clam_shell", lambda content: content.wording["keep_no"]), ("coach:begin", lambda content: content.coach["button_begin"]),
        ("coach:number:7", lambda content: "7"), ("consent:no", lambda content: content.coach["consent_not_now"]), ("forget:no", lambda content: content.coach["forget_no"]),
    ],
)  # fmt: skip
def test_of_a_pressed_button_its_title_is_kept(server, content, payload, title):
    token = server.start()
    response = server.turn(token, payload=server.tokens.sign(server.conversation(token), payload))

    assert response.status_code == 200
    assert messages(server, token)[0]["said"] == title(content)


def test_a_button_of_the_history_can_be_pressed(server, content):
    token = server.start()
    server.say(token, QUESTION)
    payload = next(button["payload"] for button in messages(server, token)[0]["replies"][0]["buttons"] if "adductor_squeeze" in button["payload"])

    replies = server.turn(token, payload=payload).json()["replies"]

    assert content.exercises["adductor_squeeze"].steps[0] in replies[0]["text"]


def test_a_file_of_the_history_can_be_opened(server):
    token = server.start()
    server.say(token, "about a 4 today")
    shown = server.say(token, "show my pain chart")

    again = messages(server, token)[-1]["replies"]

    assert without_addresses(again) == without_addresses(shown)
    (url,) = {document["url"] for reply in again for document in reply["documents"] if document["name"] == "chart.png"}
    assert server.http.get(f"/webhooks/web/{url}").content.startswith(b"\x89PNG")


def test_the_history_ends_at_the_latest_fifty_and_then_has_no_greeting(server):
    token = server.start()
    payload = server.tokens.sign(server.conversation(token), "topic:clam_shell")
    for number in range(MOST):
        assert server.turn(token, payload=payload, message_id=f"message-{number:02}").status_code == 200
    whole = history(server, token).json()["messages"]
    server.turn(token, payload=payload, message_id="message-last")

    latest = history(server, token).json()["messages"]

    assert [message["message_id"] for message in whole] == [None, *(f"message-{number:02}" for number in range(MOST))]
    assert [message["message_id"] for message in latest] == [*(f"message-{number:02}" for number in range(1, MOST)), "message-last"]


def test_a_repeated_message_is_there_once(server):
    token = server.start()
    for _ in range(2):
        server.turn(token, message=QUESTION, message_id="message-1")

    assert len(messages(server, token)) == 1


def test_who_says_to_be_in_another_country_gets_its_number_with_the_new_token(server, content):
    token = server.start("uk")

    moved = server.turn(token, message="I'm in Australia now, where is the SI joint?").json()
    stayed = server.turn(moved["token"], message="hello").json()

    assert (moved["region"], moved["emergency_line"]) == ("au", content.regions["au"].emergency_line)
    assert not {"token", "region", "emergency_line"} & set(stayed)
    assert history(server, moved["token"]).json()["emergency_line"] == content.regions["au"].emergency_line


def test_without_a_token_there_is_no_history(server, sentence_of):
    response = server.http.get("/webhooks/web/history")

    assert response.status_code == 401
    assert sentence_of(response)
    assert response.headers["cache-control"] == "no-store"


def test_a_database_that_fails_is_said_soon_and_loses_nothing(server, sentence_of, content):
    token = server.start("uk")
    server.say(token, QUESTION)

    with without_inbox(server):
        begun = time.monotonic()
        response = history(server, token)
        took_s = time.monotonic() - begun

    assert response.status_code == 503
    assert sentence_of(response) == content.wording["unavailable"].format(emergency_line=content.regions["uk"].emergency_line)
    assert took_s < FAULT_S
    assert [message["said"] for message in messages(server, token)] == [QUESTION]


def test_a_change_of_country_whose_reply_was_lost_comes_with_the_history(server, content):
    token = server.start("uk")
    moved = server.turn(token, message="I live in Australia").json()
    assert server.conversation(moved["token"]).region == "au"

    answer = history(server, token).json()

    assert (answer["region"], answer["emergency_line"], answer["keep"]) == ("au", content.regions["au"].emergency_line, False)
    assert server.conversation(answer["token"]) == server.conversation(moved["token"])
    assert "token" not in history(server, answer["token"]).json()


def test_what_was_agreed_to_comes_with_the_history_where_its_reply_was_lost(server):
    token = server.start()
    server.say(token, "you may keep my diary")
    server.say(token, "yes")

    answer = history(server, token).json()

    assert answer["keep"] is True and server.conversation(answer["token"]).keep_days == 365
