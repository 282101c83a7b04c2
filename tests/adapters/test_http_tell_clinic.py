"""From the card to what the clinic got and what the person is told of it: over HTTP, with the relay of the server and a receiver on loopback, on both databases."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any, Callable

import pytest

from tests.adapters.peers import Receiver, receiver

pytestmark = pytest.mark.slow

SECRET = "a secret of these tests alone, long enough"
SIGN, CANARY = "I have had foot drop since Tuesday", "Quokkabracket"
CONTACT = {"message": f"Sam {CANARY}, 07700 900123", "message_id": "70000000-1000-4000-8000-100000000001"}
WAIT_S = 20.0


def clinic(found: Receiver, database_url: str) -> dict[str, str]:
    """Return the settings of a server whose hand-offs go to the receiver."""
    return {"SIJBOT_HAND_OFF_WEBHOOK": found.url, "SIJBOT_HAND_OFF_SECRET": SECRET, "SIJBOT_DATABASE_URL": database_url}


def told(replies: list[dict]) -> str:
    return "\n".join(reply["text"] for reply in replies)


def wait_for(made: Callable[[], Any]) -> Any:
    """Return the first thing made that is true."""
    until = time.monotonic() + WAIT_S
    while not (found := made()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)
    return found


def asked_for_contact(server) -> str:
    """Return the token of somebody who told of a sign and said yes to the offer."""
    token = server.start()
    (offer,) = [reply for reply in server.say(token, SIGN) if reply["buttons"]]
    yes = server.turn(token, payload=offer["buttons"][0]["payload"])
    assert yes.status_code == 200 and "How can the clinic reach you" in told(yes.json()["replies"])
    return token


def test_what_the_clinic_got_is_signed_and_the_person_hears_that_it_was_delivered(run_server, database_url, content):
    with receiver() as found, run_server(**clinic(found, database_url)) as server:
        token = server.start()
        card, *_, offer = server.say(token, f"{SIGN}, says my neighbour Bandicootlamp")
        yes = server.turn(token, payload=offer["buttons"][0]["payload"]).json()["replies"]
        queued = server.turn(token, **CONTACT).json()["replies"]
        (request,) = wait_for(lambda: found.requests)
        delivered = wait_for(lambda: [replies for replies in [server.say(token, "where is the SI joint?")] if "delivered" in told(replies)])[0]
        after = server.say(token, "how should I sleep?")
        log = server.log.read_text(errors="replace")

    assert card["kind"] == "care_card" and card["level"] == "urgent" and offer["text"] == content.wording["tell_offer"]
    assert found.requests == [request] and "It waits to be sent" in told(queued) and "was delivered" not in told(yes) + told(queued)
    body, headers = json.loads(request.body), request.headers
    signed = hmac.new(SECRET.encode(), headers["x-sijbot-timestamp"].encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert headers["x-sijbot-signature"] == f"sha256={signed}"
    assert (body["level"], body["flags"], body["region"], body["contact"]) == ("urgent", ["foot_drop"], "uk", CONTACT["message"])
    assert body["findings"] == [content.red_flags["foot_drop"].finding] and b"Bandicootlamp" not in request.body
    assert "delivered to the clinic's inbox at" in told(delivered) and "does not mean that somebody has read it" in told(delivered)
    assert "delivered to" not in told(after)
    assert CANARY not in log and "07700" not in log and "Bandicootlamp" not in log


def test_what_the_clinic_refuses_is_told_with_whom_to_call(run_server, database_url, content):
    with receiver(410) as found, run_server(**clinic(found, database_url)) as server:
        token = asked_for_contact(server)
        server.turn(token, **CONTACT)
        wait_for(lambda: found.requests)
        failed = wait_for(lambda: [replies for replies in [server.say(token, "thank you")] if "delivered" in told(replies)])[0]

    assert "could not be delivered" in told(failed) and content.regions["uk"].urgent_line in told(failed)


def test_a_message_sent_again_also_to_a_new_process_is_one_record(run_server, database_url):
    with receiver() as found:
        with run_server(**clinic(found, database_url), SIJBOT_RELAY="apart") as server:
            token = asked_for_contact(server)
            first, second = (server.turn(token, **CONTACT).json()["replies"] for _ in range(2))
            server.kill()
        with run_server(**clinic(found, database_url)) as server:
            third = server.turn(token, **CONTACT).json()["replies"]
            wait_for(lambda: found.requests)
            wait_for(lambda: "delivered to" in told(server.say(token, "where is the SI joint?")))

    assert first == second == third and "It waits to be sent" in told(first)
    assert len(found.requests) == 1
