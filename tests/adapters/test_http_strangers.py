"""Nobody reads, changes or erases another's conversation, whatever they make of tokens, buttons and addresses."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Iterator, Optional

import httpx
import jwt
import pytest

from sijbot import clock

pytestmark = pytest.mark.slow

TRIES_AT_LEAST, AT_ONCE = 1000, 8
REFUSALS = {400, 401, 404}
ROUTES = (("POST", "/webhooks/web/webhook"), ("GET", "/webhooks/web/history"), ("DELETE", "/webhooks/web/conversations"))
DOCUMENTS = ("chart.svg", "chart.png", "data.json", "summary.pdf")
QUESTION = "how do I get my SI joint back in place?"
HOUR_S = 3600
IN_AN_ADDRESS = re.compile(r"[A-Za-z0-9._=!-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # what no client puts into a header


@dataclass(frozen=True)
class Try:
    """One request of a stranger, and what it is, for the report of a failure."""

    what: str
    method: str
    path: str
    authorization: Optional[bytes] = None
    body: Optional[Any] = None

    def send(self, http: httpx.Client) -> httpx.Response:
        headers = {} if self.authorization is None else {b"Authorization": self.authorization}
        return http.request(self.method, self.path, headers=headers, json=self.body)


@dataclass(frozen=True)
class Victim:
    token: str
    secret: str
    buttons: tuple[str, ...]
    documents: dict[str, str]


def victim(server, secret: str) -> Victim:
    """Return a conversation that holds a secret sentence, an entry in the diary, and answers with buttons."""
    token = server.start()
    server.say(token, "about a 4 today")
    server.say(token, f"{secret} is my name")
    answer = server.turn(token, message=f"{QUESTION} asks {secret}", message_id="the-same-id").json()["replies"]
    buttons = tuple(button["payload"] for reply in answer for button in reply["buttons"])
    conversation = server.conversation(token)
    return Victim(token, secret, buttons, {name: server.tokens.for_document(conversation, name) for name in DOCUMENTS})


@pytest.fixture(scope="module")
def victims(server) -> tuple[Victim, Victim]:
    return victim(server, "Quollwhisker"), victim(server, "Bandicootlace")


def flipped(text: str) -> Iterator[str]:
    """Yield the text with one bit of each character turned round, the lowest and another one."""
    for place, character in enumerate(text):
        for bit in (1, 2 << place % 6):
            yield text[:place] + chr(ord(character) ^ bit) + text[place + 1 :]


def forged(server, token: str) -> Iterator[tuple[str, str]]:
    """Yield tokens that say what a real one says, and are none: what was done, and the token."""
    claims = jwt.decode(token, options={"verify_signature": False})
    header, payload, signature = token.split(".")
    secret = (server.var / "secret").read_text(encoding="utf-8")
    later = {**claims, "exp": int(clock.timestamp()) + HOUR_S}
    yield from (("flipped", each) for each in flipped(token))
    yield from (("cut", token[:length]) for length in range(0, len(token), 7))
    yield from (("grown", f"{token}{more}") for more in ("=", ".", "A", "=A", "!", "\x7f", ".x"))
    yield from (("filled", f"{header}.{payload}.{signature[:place]}{more}{signature[place:]}") for more in "!=." for place in (0, 10, 42))
    yield from (("signed by another", jwt.encode(later, each, "HS256")) for each in ("another secret, which is long enough too", secret[:-1], secret.swapcase(), "x"))
    yield from (("signed otherwise", jwt.encode(later, secret, each)) for each in ("HS384", "HS512"))
    for algorithm in ("none", "None", "NONE", "HS256"):
        bare = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=").decode()
        yield from (("not signed", f"{bare}.{payload}.{each}") for each in ("", "x", "AAAA"))
    yield "not signed", jwt.encode(later, None, "none")
    yield from (("too old", jwt.encode({**claims, "exp": int(clock.timestamp()) - ago}, secret, "HS256")) for ago in (1, HOUR_S))
    yield from (("without " + name, jwt.encode({key: value for key, value in later.items() if key != name}, secret, "HS256")) for name in ("sub", "exp"))
    yield "with a file in it", jwt.encode({**later, "name": "data.json"}, secret, "HS256")


def tries(server, one: Victim, other: Victim, own: str) -> Iterator[Try]:
    """Yield what a stranger with a conversation of their own may try to get at that of `one`."""
    body = {"message": "what do you know about me"}
    tokens = [*forged(server, one.token), *(("of a file", each) for each in one.documents.values()), ("of nothing", "")]
    mixed = [".".join(parts) for parts in zip(*[each.token.split(".") for each in (one, other)])]
    tokens += [("mixed", each) for each in (".".join([*one.token.split(".")[:2], other.token.split(".")[2]]), ".".join([*own.split(".")[:1], one.token.split(".")[1], own.split(".")[2]]), *mixed)]
    for method, path in ROUTES:
        yield from (Try(what, method, path, f"Bearer {token}".strip().encode("latin-1"), body) for what, token in tokens if not CONTROL.search(token))
        schemes = (f"Basic {one.token}", f"Token {one.token}", one.token, f"Bearer{one.token}", f"Bearer Bearer {one.token}", f"Bearer {one.token} {own[:-1]}", "Bearer null", "Bearer undefined")
        yield from (Try("another scheme", method, path, scheme.encode(), body) for scheme in schemes)
        yield Try("no header", method, path, None, body)
        yield Try("in the address", method, f"{path}?token={one.token}&access_token={one.token}", None, {**body, "token": one.token})
    yield from (Try("another's button", "POST", ROUTES[0][1], f"Bearer {own}".encode(), {"payload": button}) for button in one.buttons)
    for name, link in one.documents.items():
        wrong = [*flipped(link), *(link[:length] for length in range(0, len(link), 11)), one.token, own, f"{link}=", *(other_link for other_name, other_link in one.documents.items() if other_name != name)]
        wrong += [token for what, token in forged(server, link) if what not in ("flipped", "cut", "with a file in it")]
        yield from (Try("another's file", "GET", f"/webhooks/web/documents/{token}/{name}", f"Bearer {own}".encode()) for token in wrong if IN_AN_ADDRESS.fullmatch(token))


def said(server, token: str) -> list[str]:
    messages = server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"}).json()["messages"]
    return [message["said"] for message in messages if message["message_id"]]


def test_no_stranger_gets_at_a_conversation(server, victims):
    own = server.start()
    before = [said(server, each.token) for each in victims]
    all_tries = [each for one, other in (victims, victims[::-1]) for each in tries(server, one, other, own)]

    with ThreadPoolExecutor(AT_ONCE) as strangers:
        responses = list(strangers.map(lambda each: each.send(server.http), all_tries))

    assert len(all_tries) >= TRIES_AT_LEAST
    let_in = {f"{each.what}: {each.method} {each.path}: {response.status_code}" for each, response in zip(all_tries, responses) if response.status_code not in REFUSALS}
    assert let_in == set()
    told = {each.what for each, response in zip(all_tries, responses) if any(victim.secret.encode() in response.content or victim.token.encode() in response.content for victim in victims)}
    assert told == set()
    assert [said(server, each.token) for each in victims] == before and all(each.secret in before[number][1] for number, each in enumerate(victims))


def test_the_same_message_id_gives_a_stranger_nothing(server, victims):
    own = server.start()

    answer = server.turn(own, message="hello", message_id="the-same-id")

    assert answer.status_code == 200
    assert not any(each.secret in answer.text for each in victims) and said(server, own) == ["hello"]


def test_what_is_ones_own_still_opens(server, victims):
    for each in victims:
        for name, link in each.documents.items():
            assert server.http.get(f"/webhooks/web/documents/{link}/{name}").status_code == 200
        assert each.secret in server.http.get(f"/webhooks/web/documents/{each.documents['data.json']}/data.json").text
        assert server.turn(each.token, payload=each.buttons[0]).status_code == 200
