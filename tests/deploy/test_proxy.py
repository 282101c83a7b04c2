"""What the proxy of deploy/ does, with stand-ins behind it that answer, fail or freeze as a test says."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Iterator

import httpx
import pytest

from scripts.proxy_sentences import written
from sijbot.adapters.web_channel import BODY_BYTES
from sijbot.content import Content
from sijbot.replies import FAULT, Reply

TURN = "/webhooks/web/webhook"
PROMISED_S = 3.0
FROZEN = 0  # in place of a status: it answers nothing


class StandIn:
    """A replica that answers every request with its status. asked: what it was asked, as (method, address, headers)."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked, self._thaw = status, [], threading.Event()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet an answer: else each waits 40 ms for the other side

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stand_in.asked.append((self.command, self.path, dict(self.headers)))
                if stand_in.status == FROZEN:
                    stand_in._thaw.wait(20)
                    return
                body = json.dumps({"from": stand_in.port}).encode()
                self.send_response(stand_in.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._thaw.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def stand_ins(*statuses: int) -> Iterator[list[StandIn]]:
    with ExitStack() as stack:
        made = [StandIn(status) for status in statuses]
        for stand_in in made:
            stack.callback(stand_in.close)
        yield made


def post(http: httpx.Client, token: str = "a", address: str = TURN, **options: object) -> httpx.Response:
    return http.post(address, headers={"Authorization": f"Bearer {token}"}, **{"json": {"message": "hello"}, **options})


def only_sentence(response: httpx.Response) -> str:
    (reply,) = response.json()["replies"]
    assert Reply.from_dict(reply).kind == FAULT
    return reply["text"]


def test_nginx_accepts_the_template(proxies):
    path, _, _ = proxies.configuration([1, 2])

    check = subprocess.run([*proxies.command(path), "-t"], capture_output=True, text=True, timeout=30)

    assert check.returncode == 0 and "warn" not in check.stderr, check.stderr


def test_no_value_of_the_template_is_left_out(proxies):
    path, _, _ = proxies.configuration([1, 2])

    assert "${" not in path.read_text(encoding="utf-8").partition("events {")[2]


def test_what_is_not_encrypted_is_sent_to_what_is(proxies):
    with stand_ins(200) as (only,), proxies.running([only.port]) as proxy:
        answer = httpx.post(f"http://127.0.0.1:{proxy.http_port}{TURN}?x=1", trust_env=False)

    assert (answer.status_code, answer.headers["location"]) == (308, f"https://127.0.0.1{TURN}?x=1")
    assert only.asked == []


def test_a_conversation_stays_with_one_replica_and_others_go_elsewhere(proxies):
    with stand_ins(200, 200) as behind, proxies.running([each.port for each in behind]) as proxy:
        homes = {token: {post(proxy.http, token).json()["from"] for _ in range(5)} for token in map(str, range(40))}

    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == {each.port for each in behind}


def test_new_conversations_go_everywhere(proxies):
    with stand_ins(200, 200) as behind, proxies.running([each.port for each in behind]) as proxy:
        homes = {proxy.http.post("/webhooks/web/conversations", json={}).json()["from"] for _ in range(40)}

    assert homes == {each.port for each in behind}


@pytest.mark.parametrize("other", [FROZEN, 502, 503])
def test_what_one_replica_does_not_do_the_other_one_does_in_time(proxies, other):
    with stand_ins(200, 200) as behind, proxies.running([each.port for each in behind]) as proxy:
        at_home = [token for token in map(str, range(40)) if post(proxy.http, token).json() == {"from": behind[1].port}]
        behind[1].status = other
        behind[1].asked.clear()
        for token in at_home[:8]:
            began = time.monotonic()
            answer = post(proxy.http, token)

            assert answer.json() == {"from": behind[0].port} and time.monotonic() - began < PROMISED_S

        assert behind[1].asked  # or nothing was tried again


def test_a_replica_that_is_gone_is_not_waited_for(proxies):
    with stand_ins(200, 200) as behind, proxies.running([each.port for each in behind]) as proxy:
        behind[1]._server.server_close()
        behind[1]._server.shutdown()
        began = time.monotonic()
        answers = [post(proxy.http, token).json() for token in map(str, range(20))]

    assert answers == [{"from": behind[0].port}] * 20 and time.monotonic() - began < PROMISED_S


@pytest.mark.parametrize("status", [400, 401, 413, 429, 500])
def test_what_a_replica_refuses_is_not_tried_again(proxies, status):
    with stand_ins(status, status) as behind, proxies.running([each.port for each in behind]) as proxy:
        answer = post(proxy.http)

    assert answer.status_code == status and "from" in answer.json()
    assert sum(len(each.asked) for each in behind) == 1


def test_where_both_have_not_done_it_the_second_answer_is_passed_on(proxies):
    with stand_ins(503, 503) as behind, proxies.running([each.port for each in behind]) as proxy:
        answer = post(proxy.http)

    assert answer.status_code == 503 and "from" in answer.json()
    assert [len(each.asked) for each in behind] == [1, 1]


def test_where_both_are_frozen_there_is_a_sentence_in_time(proxies, content: Content):
    with stand_ins(FROZEN, FROZEN) as behind, proxies.running([each.port for each in behind]) as proxy:
        began = time.monotonic()
        answer = post(proxy.http)

        assert time.monotonic() - began < PROMISED_S
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["content-type"]) == (503, "15", "application/json")
    assert content.regions["unknown"].emergency_line in only_sentence(answer)


def test_where_nobody_is_there_is_a_sentence(proxies):
    with stand_ins(200) as (only,):
        pass
    with proxies.running([only.port]) as proxy:
        answer = post(proxy.http)

    assert answer.status_code == 503 and only_sentence(answer)


def test_erasing_is_asked_for_once(proxies):
    with stand_ins(503, 503) as behind, proxies.running([each.port for each in behind]) as proxy:
        answer = proxy.http.delete("/webhooks/web/conversations", headers={"Authorization": "Bearer a"})

    assert answer.status_code == 503
    assert [asked[:2] for each in behind for asked in each.asked] == [("DELETE", "/webhooks/web/conversations")]


def test_a_claimed_address_counts_for_nothing(proxies):
    claimed = {"X-Forwarded-For": "203.0.113.9, 203.0.113.10", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    with stand_ins(200) as (only,), proxies.running([only.port]) as proxy:
        proxy.http.get("/", headers=claimed)

    ((_, _, headers),) = only.asked
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert "203.0.113" not in str(headers)


@pytest.mark.parametrize("address", ["/ready", "/live", "/metrics", "/ready/", "//ready", "/./ready", "/x/../ready", "/%72eady", "/READY", "/ready?x", "/metrics/x"])
def test_what_is_for_those_who_run_it_is_not_reached_from_outside(proxies, address):
    with stand_ins(200) as (only,), proxies.running([only.port]) as proxy:
        answer = proxy.http.get(httpx.URL(str(proxy.http.base_url).rstrip("/") + address))

    assert answer.status_code == 404 and only.asked == []


@pytest.mark.parametrize("address, size, status", [(TURN, BODY_BYTES, 200), (TURN, 2 * BODY_BYTES, 200), (TURN, 300 * 1024, 413), ("/webhooks/web/conversations", 5 * 1024, 413)])
def test_the_assistant_sees_what_it_refuses_for_its_length_but_not_floods(proxies, address, size, status):
    with stand_ins(200) as (only,), proxies.running([only.port]) as proxy:
        answer = post(proxy.http, address=address, json=None, content=b"x" * size)

    assert answer.status_code == status
    assert len(only.asked) == (status == 200)
    assert status == 200 or only_sentence(answer)


def test_a_flood_gets_a_sentence_and_does_not_reach_the_assistant(proxies):
    with stand_ins(200) as (only,), proxies.running([only.port], rate=1, burst=2) as proxy:
        answers = [post(proxy.http) for _ in range(10)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(only.asked) == len(answers) - len(refused) <= 4
    assert refused[0].headers["retry-after"] == "15" and only_sentence(refused[0])


def test_nothing_of_anybody_is_in_the_log_of_the_proxy(proxies):
    with stand_ins(FROZEN, 503) as behind, proxies.running([each.port for each in behind]) as proxy:
        for token in map(str, range(4)):
            post(proxy.http, f"secret{token}", f"{TURN}?quokkabracket", json={"message": "quokkabracket"}, timeout=10)
    said = proxy.log.read_text(encoding="utf-8")  # a line is written behind its answer, and the last one before the proxy has ended

    assert said.count("\n") >= 4
    assert not [word for word in ("quokkabracket", "secret", "127.0.0.1,", '"client', "webhook") if word in said]


def test_the_sentences_are_those_of_the_content(content: Content):
    for path, text in written(content).items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m scripts.proxy_sentences`"
