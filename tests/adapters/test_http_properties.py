"""Whatever is sent, there is a sentence, and the server lives. The examples are the same on every run."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

EXPECTED = {200, 400, 401, 413}
BODIES, CONNECTIONS = 10_000, 8
TAKEN_AT_MOST = 0.1  # of them, messages that are answered: these take ten times as long
KEYS = ("message", "payload", "message_id", "region", "", "\ud800", "mess\0age")
same_every_time = settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

anything = st.text(st.characters(exclude_categories=()), max_size=3000)  # lone surrogates and NUL too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5,
)  # fmt: skip


def check(server, response) -> None:
    assert response.status_code in EXPECTED
    replies = response.json()["replies"]
    assert replies and all(reply["text"].strip() for reply in replies)
    assert server.is_alive()


@given(text=anything)
@same_every_time
def test_any_text_gets_a_sentence(server, text):
    response = server.raw(server.start(), json.dumps({"message": text}).encode())

    check(server, response)


@given(key=st.sampled_from(["message", "payload"]), value=json_values)
@same_every_time
def test_any_json_value_gets_a_sentence(server, key, value):
    response = server.raw(server.start(), json.dumps({key: value}).encode())

    check(server, response)


@given(region=json_values)
@same_every_time
def test_any_region_gets_a_sentence(server, region):
    response = server.http.post("/webhooks/web/conversations", content=json.dumps({"region": region}).encode())

    check(server, response)


def random_text(chance: random.Random) -> str:
    """Return a text of any characters: letters, emoji, lone surrogates, NUL, directions, combining marks."""
    ranges = ((32, 127), (0, 32), (0x300, 0x370), (0x2000, 0x2070), (0xD800, 0xE000), (0x1F300, 0x1F700), (0, 0x110000))
    some = chance.sample(ranges, 2)
    return "".join(chr(chance.randrange(*chance.choice(some))) for _ in range(chance.randrange(60)))


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 3 else 6)
    if kind == 6:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {random_text(chance): random_value(chance, depth + 1) for _ in range(chance.randrange(4))}
    return (None, True, chance.randrange(-(2**70), 2**70), chance.choice((0.1, 1e308, float("inf"), float("nan"))), random_text(chance), random_text(chance))[kind]


def random_body(chance: random.Random) -> bytes:
    """Return random bytes, or JSON of random values, now and then cut off; or, seldom, a message of random text."""
    kind = chance.random()
    if kind < 0.5:
        return chance.randbytes(chance.randrange(300))
    value = random_value(chance) if kind < 0.6 else {chance.choice(KEYS): random_value(chance) for _ in range(chance.randrange(1, 4))}
    if kind > 1 - TAKEN_AT_MOST:
        value = {"message": random_text(chance)}
    elif isinstance(value, dict) and isinstance(value.get("message"), str):
        value["message"] += "\0"
    body = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return body[: chance.randrange(len(body) + 1)] if kind < 0.7 else body


def test_ten_thousand_bodies_leave_the_same_process_alive(server):
    pid, token_of = server.process.pid, [server.start() for _ in range(CONNECTIONS)]

    def send(connection: int) -> list[int]:
        chance = random.Random(connection)
        responses = (server.raw(token_of[connection], random_body(chance)) for _ in range(BODIES // CONNECTIONS))
        return [response.status_code for response in responses if response.json()["replies"][0]["text"].strip()]

    with ThreadPoolExecutor(CONNECTIONS) as connections:
        statuses = [status for each in connections.map(send, range(CONNECTIONS)) for status in each]

    assert len(statuses) == BODIES and set(statuses) <= EXPECTED
    assert TAKEN_AT_MOST / 4 * BODIES < statuses.count(200) < TAKEN_AT_MOST * BODIES
    assert (server.process.pid, server.process.poll(), server.http.get("/ready").status_code) == (pid, None, 200)
