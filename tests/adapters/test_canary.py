"""Words that nobody else uses, one for every way into the process: none stands in a log, in crash output or in a file beside the database, and after "forget me" in no table and no byte of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from tests.adapters.peers import free_port, from_queue
from tests.conftest import new_database

pytestmark = pytest.mark.slow
STEM = "quokka"
WORD = re.compile(rb"quokka([a-z]+)", re.IGNORECASE)
WEBHOOK, CONVERSATIONS, DOCUMENTS = "/webhooks/web/webhook", "/webhooks/web/conversations", "/webhooks/web/documents"
KIBIBYTE = 1024
CRASH_S, WRITING_S, TOLD_S, POLL_S = 10, 5, 20, 0.05

# What somebody types; it is kept until it is forgotten. The word is in the place of the braces.
TYPED = {
    "question": "{} where is the SI joint?",
    "denial": "no fever, no {}, no numbness. how do I do a clam shell?",
    "command": "/restart {}",
    "story": "{} and we had tea in the garden and talked for a long time. " * 20 + "where is the SI joint?",
    "diary": "{} pain is 4 today, worse after driving",
    "doubt": "{} blorf frimble wug",
    "odd": "{} \u202e \x01 " * 300,
    "place": "I am in Canada, {} says hello",
}
EMERGENCY = "I've lost control of my bladder {}"


def word(path: str) -> str:
    """Return the word of a path; it tells where a leak came in."""
    return STEM + path


def paths_in(data: bytes) -> set[str]:
    """Return the paths whose words stand in the data."""
    return {found.decode().lower() for found in WORD.findall(data)}


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def posted(**body: object) -> Callable:
    """Return what sends a message with these values, with the word of the path in the place of every `{}`."""
    return lambda server, token, word: server.raw(token, json.dumps(body).replace("{}", word).encode())


def with_header(name: str, value: str = "{}") -> Callable:
    """Return what asks with a header that holds the word."""
    return lambda server, token, word: server.http.post(WEBHOOK, json={"message": "hello"}, headers=bearer(token, **{name: value.replace("{}", word)}))


def bytes_of(request: str) -> Callable:
    """Return what sends bytes that no client library would, and reads until the server has closed the connection or has nothing more to say."""

    def send(server, token: str, word: str) -> None:
        address = (server.http.base_url.host, server.http.base_url.port)
        with socket.create_connection(address, timeout=2) as connection:
            try:
                connection.sendall(request.replace("{}", word).replace("TOKEN", token).encode("latin-1"))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(64 * KIBIBYTE):
                    pass
            except OSError:
                pass  # closed by the server before all was sent: what it makes of it is what is asked about here

    return send


HEAD = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n"
# Every other way in. What is refused here must not be written down anywhere at all.
SENT = {
    "forgedbutton": posted(payload="topic:{}~0"),
    "refusedid": posted(message="hello", message_id="{} is no id"),
    "metadata": posted(message="hello", metadata={"{}": "{}"}, sender="{}", input_channel="{}", parse_data={"intent": {"name": "{}"}}),
    "toolong": posted(message="I've lost control of my bladder {} " + "sore " * 7000),
    "notjson": lambda server, token, word: server.raw(token, f'{{"message": "{word}'.encode()),
    "form": lambda server, token, word: server.http.post(WEBHOOK, data={"message": word}, headers=bearer(token)),
    "file": lambda server, token, word: server.http.post(WEBHOOK, files={word: (word, word)}, headers=bearer(token)),
    "list": lambda server, token, word: server.raw(token, f'["{word}"]'.encode()),
    "nul": lambda server, token, word: server.raw(token, f'{{"message": "{word}\\u0000"}}'.encode()),
    "surrogate": lambda server, token, word: server.raw(token, f'{{"message": "{word}\\ud800"}}'.encode()),
    "token": lambda server, token, word: server.http.post(WEBHOOK, json={"message": "hello"}, headers=bearer(word)),
    "forgedtoken": lambda server, token, word: server.http.post(WEBHOOK, json={"message": "hello"}, headers=bearer(f"{token.partition('.')[0]}.{word}.{word}")),
    "tokeninhistory": lambda server, token, word: server.http.get("/webhooks/web/history", headers=bearer(word)),
    "tokenindeletion": lambda server, token, word: server.http.delete(CONVERSATIONS, headers=bearer(word)),
    "region": lambda server, token, word: server.http.post(CONVERSATIONS, json={"region": word}),
    "origin": with_header("Origin", "https://{}.example"),
    "agent": with_header("User-Agent"),
    "referer": with_header("Referer", "https://clinic.example/{}"),
    "forwarded": with_header("X-Forwarded-For"),
    "cookie": with_header("Cookie", "{}={}"),
    "contenttype": with_header("Content-Type", "text/{}; charset={}"),
    "host": with_header("Host", "{}"),
    "query": lambda server, token, word: server.http.post(f"{WEBHOOK}?{word}={word}", json={"message": "hello"}, headers=bearer(token)),
    "address": lambda server, token, word: server.http.get(f"/{word}"),
    "picture": lambda server, token, word: server.http.get(f"/pictures/{word}.svg"),
    "document": lambda server, token, word: server.http.get(f"{DOCUMENTS}/{token}/{word}.pdf"),
    "documenttoken": lambda server, token, word: server.http.get(f"{DOCUMENTS}/{word}.{word}.{word}/chart.svg"),
    "preflight": lambda server, token, word: server.http.options(WEBHOOK, headers={"Origin": f"https://{word}.example", "Access-Control-Request-Method": word}),
    "unreadbody": lambda server, token, word: server.http.request("GET", f"/ready?{word}", content=word.encode() * KIBIBYTE * 64),
    "unreadpost": lambda server, token, word: server.http.post(f"/{word}", content=word.encode() * KIBIBYTE * 64),
    "unreaddeletion": lambda server, token, word: server.http.request("DELETE", f"{CONVERSATIONS}?{word}", content=word.encode() * KIBIBYTE, headers=bearer(server.start())),
    "fourmegabytes": lambda server, token, word: server.http.post(WEBHOOK, content=word.encode() * KIBIBYTE * 512, headers=bearer(token)),
    "method": bytes_of("{} / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "nohttp": bytes_of("{}\r\n\r\n"),
    "requestline": bytes_of("GET / {}\r\n\r\n"),
    "badpath": bytes_of("GET /%ff%00{}\xff HTTP/1.1\r\nHost: x\r\n\r\n"),
    "longpath": bytes_of("GET /" + "{}" * 2000 + " HTTP/1.1\r\nHost: x\r\n\r\n"),
    "longheader": bytes_of(HEAD + "X-Long: " + "{}" * 4000 + "\r\n\r\n"),
    "badheader": bytes_of(HEAD + "{} is no header\r\n\r\n"),
    "length": bytes_of(HEAD + "Content-Length: {}\r\n\r\n"),
    "chunk": bytes_of(HEAD + "Transfer-Encoding: chunked\r\n\r\n{}\r\n{}\r\n0\r\n\r\n"),
    "encoding": bytes_of(HEAD + "Transfer-Encoding: {}\r\n\r\n{}"),
    "expect": bytes_of(HEAD + "Expect: {}\r\nContent-Length: 2\r\n\r\n{}"),
    "upgrade": bytes_of(HEAD + "Upgrade: {}\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n"),
    "cutoff": bytes_of(HEAD + 'Content-Length: 900\r\n\r\n{"message": "{}'),
    "second": bytes_of(HEAD + 'Content-Length: 20\r\n\r\n{"message": "hello"}GET /{} {}\r\n\r\n'),
}  # fmt: skip
LOCKED = {
    "lockedquestion": TYPED["question"],
    "lockedemergency": EMERGENCY,
    "lockedstory": TYPED["story"],
}
WHILE_IT_DIES, ENDED = "whileitdies", "ended"


def say_everything(server) -> tuple[str, str]:
    """Type a word in every way that is kept; return the tokens of the conversation, and of another one in which an emergency stands."""
    token, in_emergency = server.start(), server.start()
    server.say(in_emergency, EMERGENCY.replace("{}", word("emergency")))
    for path, text in TYPED.items():
        server.say(token, text.replace("{}", word(path)))
    assert server.turn(token, message="hello", message_id=word("messageid")).status_code == 200
    return token, in_emergency


KEPT = {*TYPED, "emergency", "messageid"}


def send_everything(server) -> tuple[str, str, str]:
    """Send a word on every way in; return the tokens of the conversations in which it was typed, and that in the address of a file."""
    token, in_emergency = say_everything(server)
    for path, send in SENT.items():
        send(server, token, word(path))
    address = next(reply["documents"][0]["url"] for reply in server.say(token, "show my pain chart") if reply["documents"])
    assert server.http.request("GET", f"/webhooks/web/{address}", content=b"a body that nobody reads").status_code == 200
    with locked(server.var / "sijbot.db"):
        for path, text in LOCKED.items():
            server.turn(in_emergency, message=text.replace("{}", word(path)))
        server.http.get("/webhooks/web/history", headers=bearer(token))
        server.http.delete(CONVERSATIONS, headers=bearer(token))
        server.http.get(f"/webhooks/web/{address}")
    assert server.is_alive()
    return token, in_emergency, address.split("/")[1]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a SQLite database so that nobody else reads or writes."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("begin exclusive")
        yield
        database.rollback()


def files_beside_the_database(server) -> bytes:
    """Return what the process wrote outside the database: its output, and every file of its folder."""
    files = [path for path in server.var.rglob("*") if path.is_file() and not path.name.startswith("sijbot.db")]
    return b"\n".join(path.name.encode() + path.read_bytes() for path in [server.log, *files])


def database_files(server) -> bytes:
    return b"".join(path.read_bytes() for path in server.var.glob("sijbot.db*"))


def forget_in_words(server, token: str) -> None:
    server.say(token, "forget me, delete everything")
    assert "token" in server.turn(token, message="yes, delete all of it").json()


def forget_by_request(server, token: str) -> None:
    assert server.http.delete(CONVERSATIONS, headers=bearer(token)).status_code == 200


FORGET = {"words": forget_in_words, "request": forget_by_request}


def crash(server, number: int) -> str:
    """End the process by a signal as a fault in a library does, in the middle of a turn, and return the token of its conversation."""
    token, body = server.start(), json.dumps({"message": TYPED["story"].replace("{}", word(WHILE_IT_DIES))})
    head = HEAD.replace("TOKEN", token) + f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((server.http.base_url.host, server.http.base_url.port), timeout=5) as connection:
        connection.sendall((head + body).encode())
        os.kill(server.process.pid, number)
        server.process.wait(CRASH_S)
    return token


@pytest.fixture
def core_files_allowed() -> Iterator[None]:
    """Let what is started here leave core files, as some systems do."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def core_file_limit(pid: int) -> str:
    return re.search(r"^Max core file size +(\S+)", Path(f"/proc/{pid}/limits").read_text(encoding="utf-8"), re.MULTILINE)[1]


def test_a_word_on_any_way_in_stands_in_no_log_and_no_file_and_when_forgotten_not_in_the_database(run_server, core_files_allowed):
    """One test, since a word that stays away must stay away through all of it: two crashes, restarts, and both ways of forgetting."""
    sent, metrics = [], b""
    for number, log in ((signal.SIGABRT, "text"), (signal.SIGSEGV, "json")):
        metrics_port = free_port()
        with run_server(PYTHONFAULTHANDLER="1", SIJBOT_LOG=log, SIJBOT_METRICS_PORT=str(metrics_port)) as server:
            sent.append(send_everything(server))
            metrics += httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").content
            assert core_file_limit(server.process.pid) == "0"
            sent[-1] += (crash(server, number),)
    with run_server() as server:
        output = server.log.read_bytes()
        assert output.count(b"Fatal Python error") == 2 and output.count(b"Ready.") == 3
        assert paths_in(files_beside_the_database(server)) == set()
        assert metrics.count(b"sijbot_turns_total") > 1 and paths_in(metrics) == set()
        assert [secret for secrets in sent for secret in secrets if secret.encode() in files_beside_the_database(server) + metrics] == []
        assert KEPT <= paths_in(database_files(server))  # the search finds what is there

        for forget, (token, in_emergency, _, cut_off) in zip(FORGET.values(), sent):
            forget(server, token)
            forget_by_request(server, in_emergency)
            forget_by_request(server, cut_off)

        assert paths_in(database_files(server)) == set()
        assert paths_in(files_beside_the_database(server)) == set()


def waiting_events(server) -> int:
    with closing(sqlite3.connect(server.var / "sijbot.db")) as database:
        return database.execute("select count(*) from outbox where state = 'queued'").fetchone()[0]


def test_a_broker_is_told_of_every_turn_and_of_no_word(run_server, rabbitmq):
    from_queue(rabbitmq.url, 0, name="canary")
    with run_server(SIJBOT_AMQP_URL=rabbitmq.url) as server:
        token, in_emergency = say_everything(server)
        until = time.monotonic() + TOLD_S
        while waiting_events(server):
            assert time.monotonic() < until, "the broker was not told of everything"
            time.sleep(POLL_S)
        ids = {hashlib.sha256(server.conversation(each).id.encode()).hexdigest(): server.conversation(each).id for each in (token, in_emergency)}
        assert paths_in(files_beside_the_database(server)) == set()
    messages = from_queue(rabbitmq.url, 99, name="canary")

    told = [json.loads(message.body) for message in messages]
    everything = b"".join(message.body + str(message.headers).encode() + str(message.routing_key).encode() for message in messages)
    assert paths_in(everything) == set() and not [id for id in ids.values() if id.encode() in everything]
    of = {each: sorted((event["seq"], event["level"]) for event in told if event["conversation"] == each) for each in ids}
    assert sorted(len(events) for events in of.values()) == [1, len(TYPED) + 1] and set(of) == {event["conversation"] for event in told}
    assert [events[0][1] for events in of.values() if len(events) == 1] == ["emergency"]
    assert {event["outcome"] for event in told} >= {"answer", "alarm", "clarify"}


class Echo(BaseHTTPRequestHandler):
    """An action server that says in each of its faults what it was sent: by the `fault` of its address."""

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["tracker"]["latest_message"]["text"]
        status, body = self.server.fault(text)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_) -> None:
        pass


FAULTS = {
    "status": lambda text: (500, text),
    "rejected": lambda text: (400, json.dumps({"action_name": text, "error": text})),
    "notjson": lambda text: (200, text),
    "noresult": lambda text: (200, json.dumps({"events": text, "responses": text})),
    "noevent": lambda text: (200, json.dumps({"events": [{"event": text}], "responses": []})),
    "noslot": lambda text: (200, json.dumps({"events": [{"event": "slot", "name": text, "value": text}], "responses": []})),
    "notemplate": lambda text: (200, json.dumps({"events": [], "responses": [{"response": text, "template": text}]})),
}


@pytest.fixture
def action_server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_what_an_action_server_says_of_the_words_in_its_faults_stands_in_no_log(run_server, action_server):
    action_server.fault = FAULTS["status"]
    with run_server(is_ready=False, ACTION_ENDPOINT_URL=f"http://127.0.0.1:{action_server.server_port}/webhook") as server:
        for name, action_server.fault in FAULTS.items():
            assert server.turn(server.start(), message=TYPED["question"].replace("{}", word(name))).json()["replies"], name

        assert paths_in(files_beside_the_database(server)) == set()


def every_row(url: str) -> bytes:
    """Return every value of every row of the database, as text."""
    engine = sa.create_engine(url, future=True)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        rows = [tuple(row) for table in tables for row in connection.execute(sa.text(f'select * from "{table}"'))]
    engine.dispose()
    assert len(tables) > 5
    return json.dumps(rows, default=lambda value: bytes(value).decode("latin-1") if isinstance(value, memoryview) else str(value)).encode()


def end_a_write_of(server, url: str, text: str) -> str:
    """Send a message, end the connection that writes it down in the middle of it, as a restart of PostgreSQL does, and return the token of its conversation."""
    engine = sa.create_engine(url, future=True)
    with engine.connect() as connection, ThreadPoolExecutor(1) as sender:
        tables = ", ".join(f'"{table}"' for table in sa.inspect(connection).get_table_names())
        connection.execute(sa.text(f"lock table {tables} in share mode"))  # others read, and wait to write
        token = server.start()
        sent = sender.submit(server.turn, token, message=text)
        until = time.monotonic() + WRITING_S
        while not (ended := connection.scalar(sa.text("select count(pg_terminate_backend(pid)) from pg_locks where not granted"))) and time.monotonic() < until:
            time.sleep(POLL_S)
        connection.rollback()
        assert ended and sent.result().json()["replies"]
    engine.dispose()
    return token


def without_statements_in_the_log(url: str) -> str:
    """Return the address of a database whose server writes no statement into its log: as an operator must set it up, since what cannot be written holds the words."""
    engine = sa.create_engine(url, future=True)
    with engine.begin() as connection:
        connection.execute(sa.text(f"alter database {engine.url.database} set log_min_error_statement = 'panic'"))
    engine.dispose()
    return url


def server_log(url: str) -> Path:
    """Return the log of the PostgreSQL server at the address."""
    return Path(parse_qs(urlsplit(url).query)["host"][0], "log")


def test_on_postgresql_a_word_stands_in_no_log_and_when_forgotten_in_no_table(run_server, postgres):
    url = without_statements_in_the_log(new_database(postgres))
    before = server_log(url).stat().st_size
    with run_server(SIJBOT_DATABASE_URL=url) as server:
        tokens = {way: say_everything(server) for way in FORGET}
        cut_off = end_a_write_of(server, url, TYPED["question"].replace("{}", word(ENDED)))
        assert KEPT <= paths_in(every_row(url))

        for way, (token, in_emergency) in tokens.items():
            FORGET[way](server, token)
            forget_by_request(server, in_emergency)
        forget_by_request(server, cut_off)

        assert paths_in(every_row(url)) == set()
        assert paths_in(files_beside_the_database(server)) == set() and not database_files(server)
    assert paths_in(server_log(url).read_bytes()[before:]) == set()
