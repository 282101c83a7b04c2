"""A server that starts without a part: it says so, is not ready, hands danger signs over all the same, and is whole when the part is."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from threading import Event, Thread

import httpx
import pytest

from sijbot.records import schema
from tests.adapters.conftest import running

pytestmark = pytest.mark.slow

BLADDER = {"message": "I've lost control of my bladder", "message_id": "10000000-1000-4000-8000-100000000002"}
QUESTION = {"message": "what helps SI joint pain?", "message_id": "10000000-1000-4000-8000-100000000001"}
PRODUCTION = {"SIJBOT_MODE": "production", "SIJBOT_SECRET": "a secret of this test alone, long enough"}
READY_S = 60.0


def hears_danger(server, token: str) -> None:
    response = server.turn(token, **BLADDER)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    card = response.json()["replies"][0]
    assert (card["kind"], card["level"]) == ("care_card", "emergency")


def faults(server) -> list[str]:
    response = server.http.get("/ready")
    assert response.status_code == 503
    return response.json()["faults"]


@pytest.mark.parametrize("damage", [None, lambda data: data[: len(data) // 2], lambda data: b"no model", lambda data: data + b"\0"], ids=["missing", "cut", "text", "longer"])
def test_without_its_model_it_screens_and_says_what_to_do(trained, tmp_path, damage):
    model = tmp_path / "var" / "model" / trained.model.name

    def break_it() -> None:
        if damage is None:
            model.unlink()
        else:
            model.write_bytes(damage(model.read_bytes()))

    with running(trained, tmp_path, is_ready=False, prepare=break_it, **PRODUCTION) as server:
        token = server.start()
        hears_danger(server, token)
        response = server.turn(token, **QUESTION)
        assert response.status_code == 503 and response.json()["replies"][0]["kind"] == "fault"
        assert faults(server)
        assert server.is_alive()

    said = (tmp_path / "log").read_text(errors="replace")
    assert "sijbot.tar.gz" in said and "sijbot train" in said and "Ready." not in said and "Traceback" not in said


def test_a_danger_sign_that_was_heard_without_the_model_stands_when_the_model_is_back(trained, tmp_path):
    model = tmp_path / "var" / "model" / trained.model.name
    with running(trained, tmp_path, is_ready=False, prepare=model.unlink, **PRODUCTION) as server:
        token = server.start()
        hears_danger(server, token)

    with running(trained, tmp_path, **PRODUCTION) as server:
        replies = server.say(token, "how do I do a clam shell?")
        assert "steps" not in {reply["kind"] for reply in replies}


def test_a_database_that_is_not_there_yet_is_waited_for(trained, tmp_path):
    folder = tmp_path / "later"
    with running(trained, tmp_path, is_ready=False, SIJBOT_DATABASE_URL=f"sqlite:///{folder}/sijbot.db") as server:
        token = server.start()
        hears_danger(server, token)
        assert "database" in faults(server)[0]

        folder.mkdir()
        until = time.monotonic() + READY_S
        while server.http.get("/ready").status_code != 200 and time.monotonic() < until:
            time.sleep(0.1)

        again = server.turn(token, **BLADDER)
        assert again.status_code == 200 and again.json()["replies"][0]["kind"] == "care_card"
        assert server.say(token, "how do I do a clam shell?")[0]["kind"] != "steps"


def test_a_database_of_a_newer_version_stops_the_start_and_is_left_alone(trained, tmp_path):
    path = tmp_path / "sijbot.db"
    engine = schema.make_engine(f"sqlite:///{path}")
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sijbot_schema SET version_num = 'of_tomorrow'")
    engine.dispose()

    with pytest.raises(pytest.fail.Exception):
        with running(trained, tmp_path, SIJBOT_DATABASE_URL=f"sqlite:///{path}"):
            pass

    assert "sijbot migrate" in (tmp_path / "log").read_text(errors="replace")
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT version_num FROM sijbot_schema").fetchone() == ("of_tomorrow",)


def test_told_to_end_it_finishes_what_is_at_work_and_then_ends(trained, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with running(trained, tmp_path, SIJBOT_DRAIN_S="1") as server:
        tokens = [server.start() for _ in range(8)]
        with ThreadPoolExecutor(9) as people:
            answers = [people.submit(server.turn, token, **QUESTION) for token in tokens]
            os.kill(server.process.pid, signal.SIGTERM)
            until = time.monotonic() + 5
            draining = []
            while not draining and time.monotonic() < until:
                response = server.http.get("/ready")
                draining = response.json()["faults"] if response.status_code == 503 else []
            statuses = [answer.result().status_code for answer in answers]
        assert draining == ["draining"]
        assert statuses == [200] * 8
        assert server.process.wait(10) == 0


def test_told_to_end_it_ends_although_somebody_goes_on_asking_on_the_connection_that_they_have(run_server):
    with run_server() as server:
        token, statuses, is_asking = server.start(), [], Event()

        def ask() -> None:
            while server.process.poll() is None:
                try:
                    statuses.append(server.turn(token, **QUESTION).status_code)
                    is_asking.set()
                except httpx.TransportError:  # nobody listens any more
                    return

        asking = Thread(target=ask)
        asking.start()
        assert is_asking.wait(10)
        os.kill(server.process.pid, signal.SIGTERM)

        assert server.process.wait(5) == 0
        asking.join()
        assert set(statuses) == {200}
