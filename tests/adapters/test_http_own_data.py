"""Files of one's own, and one's own data, over HTTP."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.slow
CANARY, OWN_CANARY = "Quokkabracket", "Wombatlatch"


@pytest.fixture
def token(server) -> str:
    """A conversation with an entry in the diary."""
    token = server.start()
    server.say(token, "about a 4 today")
    return token


def documents(server, token: str, text: str) -> dict[str, str]:
    """Return the addresses of the files that an answer offers, by name."""
    return {document["name"]: f"/webhooks/web/{document['url']}" for reply in server.say(token, text) for document in reply["documents"]}


@pytest.mark.parametrize(("text", "name", "begins"), [
    ("show my pain chart", "chart.svg", b"<?xml"), ("show my pain chart", "chart.png", b"\x89PNG"), ("make a summary for my physio", "summary.pdf", b"%PDF"), ("send me my data", "data.json", b"{"),
])  # fmt: skip
def test_a_file_is_offered_and_can_be_fetched(server, token, text, name, begins):
    answer = server.http.get(documents(server, token, text)[name])

    assert answer.status_code == 200 and answer.content.startswith(begins)
    assert answer.headers["cache-control"] == "no-store"


def test_the_copy_of_the_data_is_of_this_conversation_alone(server, token):
    other = server.start()
    server.say(other, f"{CANARY} is my name")
    copy = server.http.get(documents(server, token, "send me my data")["data.json"]).text

    assert CANARY not in copy and len(json.loads(copy)["diary_entry"]) == 1


@pytest.mark.parametrize("change", [lambda url: url.replace("chart.svg", "data.json"), lambda url: url.replace("/documents/", "/documents/x"), lambda url: url[: url.rindex("/")] + "/secret"])
def test_an_address_opens_no_other_file(server, token, change):
    assert server.http.get(change(documents(server, token, "show my pain chart")["chart.svg"])).status_code == 404


def test_the_token_of_a_file_opens_no_conversation(server, token):
    url = documents(server, token, "show my pain chart")["chart.svg"]

    assert server.turn(url.split("/")[-2], message="hello").status_code == 401


def test_agreeing_makes_the_token_last_and_forgetting_ends_the_conversation_in_every_file(server):
    token = server.start()
    server.say(token, f"my name is {OWN_CANARY} and pain is 4 today")
    server.say(token, f"what is the {OWN_CANARY} joint")
    server.say(token, "you may keep my diary")
    agreed = server.turn(token, message="yes").json()
    assert agreed["keep"] is True and server.conversation(agreed["token"]).keep_days == 365
    kept = b"".join(path.read_bytes() for path in server.var.glob("sijbot.db*"))
    assert OWN_CANARY.encode() in kept

    server.say(agreed["token"], "forget me, delete everything")
    answer = server.turn(agreed["token"], message="yes, delete all of it").json()

    left = b"".join(path.read_bytes() for path in server.var.glob("sijbot.db*"))
    assert OWN_CANARY.encode() not in left
    conversation = server.conversation(answer["token"])
    assert conversation.id != server.conversation(token).id and conversation.keep_days == 0
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        assert database.execute("select count(*) from conversation_event where conversation_id = ?", (server.conversation(token).id,)).fetchone() == (0,)
    assert OWN_CANARY not in server.log.read_text(errors="replace")


def test_no_deletes_nothing(server, token):
    server.say(token, "forget me, delete everything")
    answer = server.turn(token, message="no").json()

    assert "token" not in answer and documents(server, token, "show my pain chart")
