"""Who asks too often waits, and nobody else does; the danger in what is not taken is heard all the same."""

from __future__ import annotations

import asyncio
import itertools
import json
import time

import httpx
import pytest

from sijbot.adapters.limits import REFUSED_WITH_CARE

pytestmark = pytest.mark.slow

MESSAGES, REQUESTS = 4, 30
FLOOD_S = 1.0
BLADDER, QUESTION = "I've lost control of my bladder", "where is the SI joint?"
CONVERSATIONS, TURN, HISTORY = "/webhooks/web/conversations", "/webhooks/web/webhook", "/webhooks/web/history"


@pytest.fixture(scope="module")
def limited(run_module_server):
    """A server with low limits, behind one proxy."""
    with run_module_server(SIJBOT_MESSAGES_PER_MINUTE=str(MESSAGES), SIJBOT_REQUESTS_PER_MINUTE=str(REQUESTS), SIJBOT_PROXIES="1") as server:
        yield server


class Somebody:
    """Asks from an address of their own, as the proxy in front says."""

    _numbers = itertools.count(1)

    def __init__(self, server, region: str = "uk") -> None:
        self.server, self.address = server, f"192.0.2.{next(self._numbers)}"
        self.token = self.ask("POST", CONVERSATIONS, json={"region": region}).json()["token"]

    def ask(self, method: str, path: str, forwarded: str = "", **request) -> httpx.Response:
        headers = {"X-Forwarded-For": forwarded or self.address, **({"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {})}
        return self.server.http.request(method, path, headers=headers, **request)

    def say(self, text: str) -> httpx.Response:
        return self.ask("POST", TURN, json={"message": text})

    def say_all(self) -> None:
        """Send as many messages as are taken in a minute."""
        assert [self.say(QUESTION).status_code for _ in range(MESSAGES)] == [200] * MESSAGES


@pytest.fixture
def somebody(limited):
    return Somebody(limited)


def test_one_message_more_than_a_minute_may_have_is_not_taken(somebody, sentence_of, content):
    somebody.say_all()

    response = somebody.say(QUESTION)

    assert response.status_code == 429
    assert sentence_of(response) == content.wording["too_many"].format(emergency_line=content.regions["uk"].emergency_line)
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.headers["cache-control"] == "no-store"


def test_another_conversation_from_the_same_address_is_taken(somebody, limited):
    somebody.say_all()
    somebody.token = somebody.ask("POST", CONVERSATIONS, json={}).json()["token"]

    assert somebody.say(QUESTION).status_code == 200


def test_what_is_not_taken_is_not_written_down(somebody):
    somebody.say_all()
    somebody.say(BLADDER)

    messages = somebody.ask("GET", HISTORY).json()["messages"]
    assert [message["said"] for message in messages if message["message_id"]] == [QUESTION] * MESSAGES


@pytest.mark.parametrize("text", [BLADDER, f"/{BLADDER}", f"So much \U0001f600 \n to tell \"you\": {BLADDER}", "I want to kill myself"])
def test_danger_in_a_message_too_many_is_heard(somebody, content, text):
    somebody.say_all()

    response = somebody.say(text)

    assert response.status_code == 429
    card, sentence = response.json()["replies"]
    assert (card["kind"], card["level"], sentence["kind"]) == ("care_card", "emergency", "fault")
    assert content.regions["uk"].emergency_number in card["text"]


@pytest.mark.parametrize("filler", ["x", "sore ", "\U0001f600", "\\ \" \n"])
def test_danger_at_the_beginning_of_a_message_too_long_is_heard(somebody, filler):
    response = somebody.say(f"{BLADDER}. {filler * 40000}"[:60000])

    assert response.status_code == 413
    assert [reply["kind"] for reply in response.json()["replies"]] == ["care_card", "fault"]


def test_who_says_to_be_elsewhere_gets_the_number_of_that_country(somebody, content):
    response = somebody.say(f"I'm in Australia and {BLADDER}. {'x' * 40000}")

    assert content.regions["au"].emergency_number in response.json()["replies"][0]["text"]


@pytest.mark.parametrize("body", [
    {"message": QUESTION}, {"message": "no numbness and no bladder problems, just stiff"}, {"message": 7}, {"message": [BLADDER]}, {"payload": "topic:clam_shell~0"}, {},
])  # fmt: skip
def test_no_danger_is_made_up(somebody, sentence_of, body):
    somebody.say_all()

    response = somebody.ask("POST", TURN, json=body)

    assert response.status_code == 429
    assert sentence_of(response)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b'{"message": "', b'{"message": "\\', b'{"message": "\\ud83d', b'{"message": "a\\x"}', b'"message":"' * 3000, b'{"message": "' + b"\\u0041" * 5000, b"[" * 30000])
def test_whatever_is_not_taken_gets_a_sentence(somebody, sentence_of, body):
    somebody.say_all()

    assert sentence_of(somebody.ask("POST", TURN, content=body))


def test_the_card_of_a_message_that_was_cut_off_in_a_character_is_the_same(somebody):
    body = json.dumps({"message": f"{BLADDER}. " + "\U0001f600" * 40000}).encode()

    response = somebody.ask("POST", TURN, content=body)

    assert (response.status_code, response.json()["replies"][0]["kind"]) == (413, "care_card")


def test_of_a_flood_nothing_is_read_and_it_is_slowed_down(limited, sentence_of, content):
    somebody = Somebody(limited)
    somebody.say_all()
    heard = [somebody.say(BLADDER).json()["replies"][0]["kind"] for _ in range(REFUSED_WITH_CARE * MESSAGES)]

    begun = time.monotonic()
    response = somebody.say(BLADDER)

    assert set(heard) == {"care_card"}
    assert time.monotonic() - begun >= FLOOD_S
    assert content.regions["uk"].emergency_line in sentence_of(response)


def test_requests_of_every_kind_count_for_their_address(limited, sentence_of):
    somebody, other = Somebody(limited), Somebody(limited)
    kinds = [
        ("POST", CONVERSATIONS), ("POST", TURN), ("GET", HISTORY), ("DELETE", CONVERSATIONS), ("GET", "/webhooks/web/documents/x/data.json"), ("POST", TURN),
    ]  # fmt: skip

    statuses = [somebody.ask(*kind).status_code for kind in itertools.islice(itertools.cycle(kinds), REQUESTS - 1)]

    assert 429 not in statuses[:6]
    for kind in kinds:
        response = somebody.ask(*kind)
        assert response.status_code == 429 and 1 <= int(response.headers["retry-after"]) <= 60
        assert sentence_of(response)
    assert other.say(QUESTION).status_code == 200


def test_requests_with_a_forged_token_count_too(limited):
    somebody = Somebody(limited)
    somebody.token = "x.y.z"

    assert [somebody.say(QUESTION).status_code for _ in range(REQUESTS)] == [401] * (REQUESTS - 1) + [429]


@pytest.mark.parametrize("path", ["/live", "/ready", "/", "/si-joint-chat.js", "/pictures/clam_shell.svg"])
def test_probes_and_the_page_are_not_counted(limited, path):
    somebody = Somebody(limited)

    assert {somebody.ask("GET", path).status_code for _ in range(REQUESTS + 2 if path != "/ready" else 4)} == {200}
    assert somebody.say(QUESTION).status_code == 200


def test_what_somebody_says_of_their_address_before_the_proxy_does_counts_for_nothing(limited):
    somebody = Somebody(limited)

    statuses = [somebody.ask("GET", HISTORY, forwarded=f"203.0.113.{number}, {somebody.address}").status_code for number in range(REQUESTS)]

    assert statuses == [200] * (REQUESTS - 1) + [429]


def test_without_a_proxy_what_somebody_says_of_their_address_counts_for_nothing(run_server):
    with run_server(SIJBOT_REQUESTS_PER_MINUTE="5") as server:
        statuses = [server.http.post(CONVERSATIONS, json={}, headers={"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}).status_code for number in range(6)]

    assert statuses == [200] * 5 + [429]


def test_behind_many_long_messages_of_the_same_address_danger_is_heard_in_time(run_server, content):
    words = " ".join(flag.finding for flag in content.red_flags.values()).replace(",", "")[:1800]

    async def crowd(base: str, token: str) -> tuple[list[int], httpx.Response, float]:
        async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=60)) as http:
            others = [asyncio.ensure_future(http.post(TURN, json={"message": f"could it be {number} {words[number:]}?"})) for number in range(40)]
            await http.get("/live")
            began = time.monotonic()
            mine = await http.post(TURN, json={"message": BLADDER})
            took_s = time.monotonic() - began
            return [(await other).status_code for other in others], mine, took_s

    with run_server() as server:
        statuses, mine, took_s = asyncio.run(crowd(str(server.http.base_url), server.start()))

    assert (mine.status_code, mine.json()["replies"][0]["kind"]) == (200, "care_card")
    assert took_s < 5 and set(statuses) <= {200, 429}  # one after another, all of them would take far longer
