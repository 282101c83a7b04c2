"""What is no turn gets a sentence and a 4xx, and the process goes on."""

from __future__ import annotations

import json

import jwt
import pytest

from sijbot import clock

pytestmark = pytest.mark.slow

KIBIBYTE = 1024
QUESTION = "where is the SI joint?"


@pytest.fixture(autouse=True)
def _server_survives(server):
    yield
    assert server.is_alive()
    assert server.say(server.start(), QUESTION)


def claims_token(server, **changes) -> str:
    claims = {"sub": "somebody", "region": "uk", "exp": int(clock.timestamp()) + 60, **changes}
    return jwt.encode({key: value for key, value in claims.items() if value is not None}, (server.var / "secret").read_text(), "HS256")


def test_a_token_that_still_holds_is_taken(server):
    response = server.turn(claims_token(server), message=QUESTION)

    assert response.status_code == 200


@pytest.mark.parametrize("changes", [{"exp": 1}, {"exp": int(clock.timestamp()) - 1}, {"exp": None}, {"sub": None}])
def test_an_expired_or_unbound_token_is_refused(server, sentence_of, content, changes):
    response = server.turn(claims_token(server, **changes), message=QUESTION)

    assert response.status_code == 401
    assert content.regions["unknown"].emergency_line in sentence_of(response)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer x.y.z", "Basic eHg6eXk=",
        "Bearer " + jwt.encode({"sub": "a", "region": "uk", "exp": 9999999999}, "another secret, which is long enough too", "HS256"),
        "Bearer " + jwt.encode({"sub": "a", "region": "uk", "exp": 9999999999}, None, "none"), b"Bearer \xff\xfe\x80",
    ],
)  # fmt: skip
def test_a_missing_or_forged_token_is_refused(server, sentence_of, header):
    headers = {} if header is None else {"Authorization": header}

    response = server.http.post("/webhooks/web/webhook", json={"message": QUESTION}, headers=headers)

    assert response.status_code == 401
    assert sentence_of(response)


def buttons_of(server, token: str) -> list[dict]:
    return server.say(token, "how do I get my SI joint back in place?")[0]["buttons"]


def test_a_button_that_was_offered_leads_to_its_topic(server, content):
    token = server.start()
    button = next(button for button in buttons_of(server, token) if button["payload"].startswith("topic:adductor_squeeze"))

    response = server.turn(token, payload=button["payload"])

    assert response.status_code == 200
    assert content.exercises["adductor_squeeze"].steps[0] in response.json()["replies"][0]["text"]


@pytest.mark.parametrize(
    "change",
    [
        lambda signed: signed.replace("adductor_squeeze", "clam_shell"), lambda signed: signed.partition("~")[0], lambda signed: signed[:-1],
        lambda signed: signed + "0", lambda signed: "~" + signed, lambda signed: "", lambda signed: "~", lambda signed: None,
        lambda signed: [signed], lambda signed: {"payload": signed}, lambda signed: "topic:clam_shell~\ud800", lambda signed: "\ud800~0",
    ],
)  # fmt: skip
def test_a_button_that_was_not_offered_so_is_refused(server, sentence_of, content, change):
    token = server.start("uk")
    signed = next(button["payload"] for button in buttons_of(server, token) if "adductor_squeeze" in button["payload"])

    response = server.raw(token, json.dumps({"payload": change(signed)}).encode())

    assert response.status_code == 400
    assert content.regions["uk"].emergency_line in sentence_of(response)


def test_a_button_of_another_conversation_is_refused(server, sentence_of):
    own, foreign = server.start(), server.start()
    payload = buttons_of(server, foreign)[0]["payload"]

    response = server.turn(own, payload=payload)

    assert response.status_code == 400
    assert sentence_of(response)


@pytest.mark.parametrize("size, status", [(31 * KIBIBYTE, 200), (33 * KIBIBYTE, 413), (KIBIBYTE * KIBIBYTE, 413)])
def test_a_body_over_32_kilobytes_is_refused_with_the_emergency_line(server, content, size, status):
    body = json.dumps({"message": "sore " * (size // 5)}).encode()[:size]
    body = body[:-2] + b'"}'

    response = server.raw(server.start("uk"), body)

    assert response.status_code == status
    if status == 413:
        assert content.regions["uk"].emergency_line in response.json()["replies"][0]["text"]


NO_MESSAGES = {
    "not JSON": b"hello", "cut off": b'{"message": "he', "a list": b'["hello"]', "a text": b'"hello"', "null": b"null", "nothing": b"", "no message": b"{}",
    "message null": b'{"message": null}', "message a number": b'{"message": 7}', "message a list": b'{"message": ["hello"]}',
    "NUL": b'{"message": "hel\\u0000lo"}', "lone surrogate": b'{"message": "hel\\ud800lo"}', "low surrogate": b'{"message": "\\udc00"}',
    "not UTF-8": b'{"message": "\xff\xfe"}', "deeply nested": b'{"message": ' + b"[" * 20000 + b"]" * 10000, "NaN": b'{"message": NaN}',
    "an id that is a number": b'{"message": "hello", "message_id": 7}', "an id too short": b'{"message": "hello", "message_id": "a"}',
    "an id too long": b'{"message": "hello", "message_id": "' + b"a" * 65 + b'"}', "an id of other characters": b'{"message": "hello", "message_id": "a b c d e f"}',
    "an id with a new line": b'{"message": "hello", "message_id": "abcdefgh\\n"}', "an id null": b'{"message": "hello", "message_id": null}',
    "a form": b"message=hello", "a number of many digits": b'{"message": ' + b"9" * 20000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("body", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_what_is_no_message_is_refused_with_a_sentence(server, sentence_of, content, body):
    response = server.raw(server.start("uk"), body)

    assert response.status_code == 400
    assert content.regions["uk"].emergency_line in sentence_of(response)


@pytest.mark.parametrize("region", ["xx", "UK ", "../uk", 5, ["uk"], {"a": 1}, True, "\ud800"])
def test_a_conversation_in_no_known_country_is_refused_with_a_sentence(server, sentence_of, region):
    response = server.http.post("/webhooks/web/conversations", content=json.dumps({"region": region}).encode())

    assert response.status_code == 400
    assert sentence_of(response)
