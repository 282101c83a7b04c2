"""Whoever is to be told is told: against real receivers that refuse, break off, hang and come back, a real mail server and a real broker."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Callable, Iterator, Optional

import aio_pika
import pytest
import sqlalchemy as sa

from sijbot import clock
from sijbot.adapters import relay as relay_module
from sijbot.adapters import sinks as sinks_module
from sijbot.adapters.relay import Relay, RelayThread, relay_of_server
from sijbot.adapters.sinks import FINAL_STATUS, Broker, sinks_of
from sijbot.records import outbox, repository, schema
from sijbot.settings import AMQP, EMAIL, ROOT, WEBHOOK, Settings
from tests.adapters.peers import Receiver, certificate_of, free_port, from_queue, held, mail_server, receiver, reset

SECRET = "a secret of these tests alone, long enough"
CANARY = "Quokkabracket, 07700 900123\nafter six {id} <b>"
FROM, TO = "sijbot@clinic.example", "desk@clinic.example"
WAIT_S = 20.0
LATER = outbox.LONGEST_WAIT


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    engine = new_engine(f"sqlite:///{tmp_path / 'sijbot.db'}")
    yield engine
    engine.dispose()


def new_engine(url: str) -> Any:
    engine = schema.make_engine(url)
    schema.migrate(engine)
    return engine


@pytest.fixture(autouse=True)
def no_words_in_a_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens in a test, nothing of what the person typed, and no secret, is logged at any level."""
    caplog.set_level(logging.DEBUG)
    yield
    clock.reset()
    logged = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.get_records("call"))
    assert "Quokkabracket" not in logged and "07700" not in logged and SECRET not in logged


def queue(engine: Any, id: str = "a1", sink: str = WEBHOOK, contact: Optional[str] = CANARY) -> str:
    """Queue a hand-off and write the record that it tells of; return its id."""
    with engine.begin() as connection:
        now = clock.now()
        outbox.put(connection, "somebody", sink, outbox.hand_off_payload(id, "somebody", "urgent", ["a weak leg", "a fall"], ["foot_drop"], "uk", now, contact), now)
        repository.log_hand_off(connection, "somebody", f"reply {id}", "urgent", ["foot_drop"], now)
        connection.execute(sa.update(schema.HAND_OFF).where(schema.HAND_OFF.c.reply_id == f"reply {id}").values(outbox_id=id, state="queued"))
    return id


def queue_turn(engine: Any, id: str, level: Optional[str] = None) -> None:
    with engine.begin() as connection:
        outbox.put(connection, "somebody", AMQP, outbox.turn_payload(id, "somebody", 7, clock.now(), level, "answer", []), clock.now())


def row_of(engine: Any, id: str = "a1") -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.select(schema.OUTBOX).where(schema.OUTBOX.c.id == id)).one()


def told(engine: Any) -> list[str]:
    """Return what the hand-off records say became of them."""
    with engine.connect() as connection:
        return [row["state"] for row in repository.hand_offs(connection)]


def wait_until(holds: Callable[[], Any]) -> None:
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def webhook(url: str) -> Settings:
    return Settings(hand_off_webhook=url, hand_off_secret=SECRET)


def email(url: str) -> Settings:
    return Settings(hand_off_email=TO, smtp_url=url, smtp_from=FROM)


@contextmanager
def delivering(engine: Any, settings: Settings, content: Any = None, **options: Any) -> Iterator[RelayThread]:
    """Run a relay as a server does, on a thread of its own."""
    thread = RelayThread(lambda: Relay(engine, sinks_of(settings, lambda: content), Random(7), **{"poll_s": 0.05, **options}))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def deliver_all(engine: Any, settings: Settings, content: Any = None, ids: tuple[str, ...] = ("a1",)) -> None:
    """Run a relay until these rows are settled; what waits to be tried again need not wait long."""
    with delivering(engine, settings, content):
        for id in ids:
            wait_until(lambda: has_moved_on(engine, id))


def has_moved_on(engine: Any, id: str) -> bool:
    """True where the row is settled; where it waits for its next attempt, the clock moves on to that."""
    row = row_of(engine, id)
    if row.state == "queued" and row.fault and row.claimed_until is None and repository.aware(row.due_at) > clock.now():
        clock.advance(LATER)
    return row.state != "queued"


def test_a_webhook_gets_the_hand_off_signed_and_the_record_says_so(engine):
    queue(engine)
    sent = row_of(engine).payload

    with receiver() as clinic:
        deliver_all(engine, webhook(clinic.url))

    (request,) = clinic.requests
    signed = request.headers["x-sijbot-timestamp"].encode() + b"." + request.body
    assert request.headers["x-sijbot-signature"] == "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert abs(int(request.headers["x-sijbot-timestamp"]) - time.time()) < WAIT_S and request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == sent and (request.id, sent["contact"]) == ("a1", CANARY)
    assert (row_of(engine).state, row_of(engine).payload, told(engine)) == ("delivered", {}, ["delivered"])


@pytest.mark.parametrize("fault, named", [(500, "500"), (429, "429"), (302, "302"), (reset, "ServerDisconnectedError|ClientOSError")], ids=["500", "429", "redirect", "reset"])
def test_what_did_not_arrive_is_sent_again_with_the_same_id(engine, caplog, fault, named):
    queue(engine)

    with receiver(fault) as clinic:
        deliver_all(engine, webhook(clinic.url))

    assert clinic.ids == ["a1", "a1"] and (row_of(engine).attempts, told(engine)) == (2, ["delivered"])
    assert any(f"not delivered by webhook at attempt 1: {one}" in caplog.text for one in named.split("|"))


@pytest.mark.parametrize("status", sorted(FINAL_STATUS))
def test_what_will_never_be_taken_is_given_up_at_once(engine, status):
    queue(engine)

    with receiver(status) as clinic:
        deliver_all(engine, webhook(clinic.url))

    assert clinic.ids == ["a1"]
    assert (row_of(engine).state, row_of(engine).fault, told(engine)) == ("failed", str(status), ["failed"])
    assert row_of(engine).payload["contact"] == CANARY  # it can be put back


def test_a_receiver_that_is_gone_gets_it_when_it_comes_back(engine):
    queue(engine)
    with receiver() as gone:
        pass

    with delivering(engine, webhook(gone.url)):
        wait_until(lambda: row_of(engine).fault)
        assert (row_of(engine).fault, told(engine)) == ("ClientConnectorError", ["queued"])

    with receiver() as clinic:
        deliver_all(engine, webhook(clinic.url))
    assert clinic.ids == ["a1"]


def test_a_receiver_whose_certificate_nobody_trusts_is_told_nothing(engine, tmp_path):
    queue(engine)

    with receiver(certificate=certificate_of(tmp_path)) as stranger, delivering(engine, webhook(stranger.url)):
        wait_until(lambda: row_of(engine).fault == "ClientConnectorCertificateError")

    assert stranger.requests == []


def test_a_receiver_that_hangs_is_left_behind_the_deadline_and_holds_up_no_other(engine, monkeypatch):
    monkeypatch.setattr(relay_module, "DELIVERY_S", 1.0)
    release = threading.Event()
    queue(engine, "a1")
    queue(engine, "a2")

    with receiver(held(release)) as clinic:
        with delivering(engine, webhook(clinic.url)):
            wait_until(lambda: "delivered" in (row_of(engine, "a1").state, row_of(engine, "a2").state))
            wait_until(lambda: "TimeoutError" in (row_of(engine, "a1").fault, row_of(engine, "a2").fault))
        release.set()

    assert sorted(clinic.ids) == ["a1", "a2"] and sorted(told(engine)) == ["delivered", "queued"]


def test_a_sink_that_hangs_holds_up_no_other_sink(engine):
    with receiver() as clinic, hanging_port() as port:
        for number in range(relay_module.AT_ONCE + 1):
            queue_turn(engine, f"b{number}")
        with delivering(engine, Settings(hand_off_webhook=clinic.url, hand_off_secret=SECRET, amqp_url=f"amqp://127.0.0.1:{port}/")):
            wait_until(lambda: row_of(engine, "b0").claimed_until)
            queue(engine)
            wait_until(lambda: row_of(engine).state == "delivered")

            assert row_of(engine, "b0").claimed_until and row_of(engine, "b0").fault is None


@contextmanager
def hanging_port() -> Iterator[int]:
    """Give a port that takes connections and says nothing."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


def test_what_is_under_way_at_the_end_is_finished(engine):
    release = threading.Event()
    queue(engine)

    with receiver(held(release)) as clinic, delivering(engine, webhook(clinic.url)) as thread:
        wait_until(lambda: clinic.ids)
        stopping = threading.Thread(target=thread.stop)
        stopping.start()
        queue(engine, "a2")
        release.set()
        stopping.join(WAIT_S)

    assert row_of(engine).state == "delivered"
    assert clinic.ids == ["a1"] and row_of(engine, "a2").state == "queued"  # nothing new is begun


def test_what_takes_too_long_at_the_end_is_given_back(engine):
    release = threading.Event()
    queue(engine)

    with receiver(held(release)) as clinic:
        with delivering(engine, webhook(clinic.url), stop_s=0.1) as thread:
            wait_until(lambda: clinic.ids)
            thread.stop()
        given_back = row_of(engine)
        release.set()
        deliver_all(engine, webhook(clinic.url))

    assert (given_back.state, given_back.claimed_until) == ("queued", None)
    assert clinic.ids == ["a1", "a1"] and told(engine) == ["delivered"]


def test_a_relay_that_was_never_started_can_be_stopped():
    RelayThread(lambda: Relay(None, {})).stop()


def test_a_database_that_does_not_answer_for_a_while_costs_no_second_copy(engine, caplog):
    released = threading.Event()
    queue(engine)

    def locked(handler: Any) -> int:
        """Hold the database from when the message has come until somebody has noticed."""
        connection = engine.raw_connection()
        connection.execute("BEGIN EXCLUSIVE")

        def release() -> None:
            released.wait(WAIT_S)
            connection.rollback()
            connection.close()

        threading.Thread(target=release, daemon=True).start()
        return 200

    with receiver(locked) as clinic, delivering(engine, webhook(clinic.url)):
        wait_until(lambda: "cannot be written: OperationalError" in caplog.text)
        released.set()
        wait_until(lambda: row_of(engine).state == "delivered")

    assert clinic.ids == ["a1"]


def test_a_database_that_cannot_be_read_does_not_end_the_relay(engine, caplog):
    queue(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")

    with receiver() as clinic, delivering(engine, webhook(clinic.url)):
        wait_until(lambda: "could not be worked through for webhook: OperationalError" in caplog.text)
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO outbox")
        wait_until(lambda: clinic.ids)

    assert clinic.ids == ["a1"]


def test_a_row_of_a_sink_that_is_not_set_up_waits(engine):
    queue(engine, "a1")
    queue_turn(engine, "b1")

    with receiver() as clinic:
        deliver_all(engine, webhook(clinic.url))

    assert (row_of(engine, "b1").state, row_of(engine, "b1").attempts) == ("queued", 0)


def test_several_relays_deliver_each_row_once(database_url):
    engines = [new_engine(database_url) for _ in range(3)]
    ids = sorted(queue(engines[0], f"a{number:02}") for number in range(50))

    with receiver() as clinic, delivering(engines[0], webhook(clinic.url)), delivering(engines[1], webhook(clinic.url)), delivering(engines[2], webhook(clinic.url)):
        wait_until(lambda: set(told(engines[0])) == {"delivered"})

    assert sorted(clinic.ids) == ids
    for engine in engines:
        engine.dispose()


def test_a_mail_says_what_was_found_and_how_to_reach_the_person(engine, content):
    queue(engine, sink=EMAIL)

    with mail_server() as box:
        deliver_all(engine, email(box.url), content)

    (message,) = box.messages
    text = message.get_content()
    assert (message["From"], message["To"], message["Message-ID"], message["Auto-Submitted"]) == (FROM, TO, "<a1@clinic.example>", "auto-generated")
    assert content.mail["level_urgent"] in message["Subject"] and CANARY not in message["Subject"]
    assert message.get_content_type() == "text/plain" and "a weak leg; a fall" in text and CANARY in text and content.regions["uk"].title in text
    assert (row_of(engine).state, told(engine)) == ("delivered", ["delivered"])


def test_a_mail_about_somebody_who_left_no_contact_says_so(engine, content):
    queue(engine, sink=EMAIL, contact=None)

    with mail_server() as box:
        deliver_all(engine, email(box.url), content)

    assert content.mail["no_contact"] in box.messages[0].get_content() and "None" not in box.messages[0].get_content()


@pytest.mark.parametrize("refusal, state, attempts", [("451 later", "delivered", 2), ("554 no", "failed", 1)])
def test_a_mail_that_is_refused_is_sent_again_or_given_up(engine, content, refusal, state, attempts):
    queue(engine, sink=EMAIL)

    with mail_server(refusal) as box:
        deliver_all(engine, email(box.url), content)

    assert (row_of(engine).state, row_of(engine).attempts, told(engine)) == (state, attempts, [state])
    assert row_of(engine).fault == (f"SMTP {refusal[:3]}" if state == "failed" else None)


def test_a_mail_server_that_is_gone_gets_it_when_it_comes_back(engine, content):
    queue(engine, sink=EMAIL)

    with delivering(engine, email(f"smtp://localhost:{free_port()}"), content):
        wait_until(lambda: row_of(engine).fault == "ConnectionRefusedError")

    with mail_server() as box:
        deliver_all(engine, email(box.url), content)
    assert len(box.messages) == 1


def test_a_mail_is_encrypted_where_that_is_offered_and_the_certificate_is_trusted(engine, content, tmp_path, monkeypatch):
    certificate = certificate_of(tmp_path)
    queue(engine, sink=EMAIL)

    with mail_server(certificate=certificate) as box:
        with delivering(engine, email(box.url), content):
            wait_until(lambda: row_of(engine).fault == "SSLCertVerificationError")
        assert box.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        deliver_all(engine, email(box.url), content)

    assert len(box.messages) == 1


def test_a_mail_is_not_sent_in_the_open_to_another_machine(engine, content):
    queue(engine, sink=EMAIL)

    with mail_server(host="127.0.0.2") as box, delivering(engine, email(box.url), content):
        wait_until(lambda: row_of(engine).fault == "NoStartTls")

    assert box.messages == []


@pytest.mark.parametrize("password, state", [("pa%3Ass%40", "delivered"), ("wrong", "failed")])
def test_a_mail_server_that_wants_a_login_gets_that_of_its_address(engine, content, password, state):
    queue(engine, sink=EMAIL)

    with mail_server(login=("na@me", "pa:ss@")) as box:
        deliver_all(engine, email(box.url.replace("//", f"//na%40me:{password}@")), content)

    assert (row_of(engine).state, len(box.messages)) == (state, 1 if state == "delivered" else 0)


def test_a_broker_keeps_an_event_until_somebody_takes_it_and_gets_it_again_behind_a_restart(engine, rabbitmq):
    settings = Settings(amqp_url=rabbitmq.url)
    queue_turn(engine, "b1", "urgent")
    with delivering(engine, settings):
        wait_until(lambda: row_of(engine, "b1").fault)
        assert row_of(engine, "b1").fault == "NoQueue"  # the broker would have thrown it away

        from_queue(rabbitmq.url, 0)
        wait_until(lambda: has_moved_on(engine, "b1"))
        rabbitmq.stop()
        queue_turn(engine, "b2")
        wait_until(lambda: row_of(engine, "b2").fault)
        rabbitmq.start()
        wait_until(lambda: has_moved_on(engine, "b2"))

    messages = from_queue(rabbitmq.url, 9)
    assert [(message.message_id, message.routing_key) for message in messages] == [("b1", "turn.urgent"), ("b2", "turn.none")]
    assert {message.delivery_mode for message in messages} == {aio_pika.DeliveryMode.PERSISTENT}
    event = json.loads(messages[0].body)
    assert (event["id"], event["level"], event["seq"]) == ("b1", "urgent", 7) and b"somebody" not in messages[0].body


def test_many_events_share_one_connection(engine, rabbitmq):
    from_queue(rabbitmq.url, 0, name="many")
    for number in range(100):
        queue_turn(engine, f"c{number}")
    opened: list[Any] = []

    class Counted(Broker):
        async def _open_exchange(self) -> Any:
            exchange = await super()._open_exchange()
            opened.append(exchange)
            return exchange

    thread = RelayThread(lambda: Relay(engine, {AMQP: Counted(rabbitmq.url)}, Random(7), poll_s=0.05))
    thread.start()
    wait_until(lambda: counted(engine) == {(AMQP, "delivered"): 100})
    thread.stop()

    assert len(opened) == 100 and len(set(map(id, opened))) == 1
    assert len({message.message_id for message in from_queue(rabbitmq.url, 110, name="many")}) == 100


def counted(engine: Any) -> dict:
    with engine.connect() as connection:
        return outbox.counts(connection)


class Command:
    """A running `sijbot relay`."""

    def __init__(self, database: str, url: str, folder: Path) -> None:
        self.log = folder / "log"
        environment = {
            **os.environ, "SIJBOT_DATABASE_URL": database, "SIJBOT_HAND_OFF_WEBHOOK": url, "SIJBOT_HAND_OFF_SECRET": SECRET, "SIJBOT_VAR": str(folder / "var"), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "sijbot.cli", "relay"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)

    def end(self, number: int) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[[str, Receiver], Command]]:
    """Start `sijbot relay` on a database, to deliver to a receiver."""
    started: list[Command] = []

    def start(database: str, clinic: Receiver) -> Command:
        started.append(Command(database, clinic.url, tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
    assert "Quokkabracket" not in started[0].log.read_text() and SECRET not in started[0].log.read_text()


def test_a_relay_that_is_killed_between_sending_and_settling_sends_twice_with_one_id(command, database_url):
    engine, killed = new_engine(database_url), threading.Event()
    queue(engine)

    def kill(handler: Any) -> int:
        first.end(signal.SIGKILL)
        killed.set()
        return 200

    with receiver(kill) as clinic:
        first = command(database_url, clinic)
        wait_until(killed.is_set)
        left = row_of(engine)
        assert (left.state, left.attempts, told(engine)) == ("queued", 1, ["queued"]) and left.claimed_until
        with engine.begin() as connection:  # as if the lease had run out
            connection.execute(sa.update(schema.OUTBOX).values(claimed_until=clock.now() - timedelta(seconds=1)))
        second = command(database_url, clinic)
        wait_until(lambda: row_of(engine).state == "delivered")
        assert second.end(signal.SIGTERM) == 0

    assert clinic.ids == ["a1", "a1"] and told(engine) == ["delivered"]
    engine.dispose()


def test_the_command_says_where_it_delivers_and_ends_when_told(command, tmp_path):
    with receiver() as clinic:
        started = command(f"sqlite:///{tmp_path / 'sijbot.db'}", clinic)
        wait_until(lambda: "Delivering" in started.log.read_text())
        assert started.end(signal.SIGTERM) == 0

    port = clinic.url.split(":")[2].split("/")[0]
    assert started.log.read_text() == f"Delivering: webhook localhost:{port}\nStopped.\n"


@pytest.mark.parametrize("settings", [Settings(), dataclasses.replace(webhook("http://localhost/"), relay="apart")], ids=["nowhere", "apart"])
def test_a_server_with_nothing_to_deliver_runs_no_relay(settings):
    assert relay_of_server(settings, None, lambda: None) is None


def test_a_server_delivers_beside_its_turns(engine):
    queue(engine)

    with receiver() as clinic:
        thread = relay_of_server(webhook(clinic.url), engine, lambda: None)
        thread.start()
        wait_until(lambda: told(engine) == ["delivered"])
        thread.stop()
        thread.stop()

    assert not thread.is_running


def test_the_check_of_the_documentation_takes_what_is_signed_and_nothing_else(engine):
    queue(engine)
    with receiver() as clinic:
        deliver_all(engine, webhook(clinic.url))
    (request,) = clinic.requests
    given: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", (ROOT / "docs" / "hand_offs.md").read_text(encoding="utf-8"), re.DOTALL)[1], given)
    names = {name.title(): value for name, value in request.headers.items()}
    old = {**names, "X-Sijbot-Timestamp": str(int(names["X-Sijbot-Timestamp"]) - 301)}

    assert given["is_from_sijbot"](SECRET, names, request.body)
    assert not given["is_from_sijbot"](SECRET + "x", names, request.body)
    assert not given["is_from_sijbot"](SECRET, names, request.body + b" ")
    assert not given["is_from_sijbot"](SECRET, old, request.body)
    assert not given["is_from_sijbot"](SECRET, {**names, "X-Sijbot-Signature": ""}, request.body)


def test_deadlines_leave_room_for_one_another():
    assert sinks_module.CONNECT_S < sinks_module.DELIVERY_S < relay_module.LEASE.total_seconds() / 2
    assert relay_module.STOP_S + 3 * relay_module.CLOSE_S < 10
