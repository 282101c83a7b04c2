"""The very processes of a deployment, started by hand: the proxy, two replicas, one PostgreSQL. One of them dies, freezes, is restarted; nobody notices."""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx
import pytest

pytestmark = pytest.mark.slow

PROMISED_S = 3.0
THINK_S = 0.2  # between the messages of a person, so that a replica can start beside them
QUESTIONS = ("how do I get my SI joint back in place?", "how do i do the figure 4 stretch", "how should I sleep with this?")
DANGER = "I've lost control of my bladder"


def ids(name: str):
    """Yield message ids."""
    number = 0
    while True:
        number += 1
        yield f"{name}-{number:06d}"


def care_card(replies: list[dict]) -> bool:
    return replies[0]["kind"] == "care_card"


def test_a_conversation_goes_on_over_the_proxy(cluster):
    token, message_ids = cluster.token(), ids("whole")

    answers = [cluster.send(token, question, next(message_ids)) for question in QUESTIONS]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [message["said"] for message in cluster.history(token)] == [None, *QUESTIONS]


def test_a_conversation_goes_on_where_its_replica_is_killed(cluster):
    token, message_ids = cluster.token(), ids("killed")
    home = cluster.home(token, QUESTIONS[0], next(message_ids))
    assert care_card(cluster.send(token, DANGER, next(message_ids)).json()["replies"])

    home.kill()
    answer = cluster.send(token, "what exercises can I do", next(message_ids))

    assert answer.status_code == 200 and answer.elapsed.total_seconds() < PROMISED_S
    assert "bladder" in answer.json()["replies"][0]["text"]  # the other replica knows what stands
    assert [message["said"] for message in cluster.history(token)] == [None, QUESTIONS[0], DANGER, "what exercises can I do"]


def test_a_message_that_a_killed_replica_answered_gets_the_same_answer_from_the_other_one(cluster):
    token, message_ids = cluster.token(), ids("again")
    home, message_id = cluster.home(token, QUESTIONS[0], next(message_ids)), next(message_ids)
    first = cluster.send(token, QUESTIONS[1], message_id)

    home.kill()
    again = cluster.send(token, QUESTIONS[1], message_id)

    assert (again.status_code, [reply["text"] for reply in again.json()["replies"]]) == (200, [reply["text"] for reply in first.json()["replies"]])
    assert [message["said"] for message in cluster.history(token)] == [None, QUESTIONS[0], QUESTIONS[1]]


@pytest.mark.parametrize("text", [QUESTIONS[1], DANGER], ids=["question", "danger"])
def test_where_its_replica_is_frozen_a_message_is_answered_in_time_and_once(cluster, text):
    token, message_ids = cluster.token(), ids("frozen")
    home = cluster.home(token, QUESTIONS[0], next(message_ids))

    home.freeze()
    answer = cluster.send(token, text, next(message_ids))
    home.thaw()

    assert answer.status_code == 200 and answer.elapsed.total_seconds() < PROMISED_S
    assert care_card(answer.json()["replies"]) == (text == DANGER)
    later = cluster.send(token, QUESTIONS[2], next(message_ids))
    assert later.status_code == 200
    assert [message["said"] for message in cluster.history(token)] == [None, QUESTIONS[0], text, QUESTIONS[2]]


@pytest.mark.parametrize("after_ms", [1, 2, 4, 8, 15, 40])
def test_a_replica_that_is_frozen_in_the_middle_of_a_turn_wakes_up_without_harm(cluster, after_ms):
    """The proxy asks the other one; then the first one goes on with what it had begun."""
    token, message_ids = cluster.token(), ids(f"middle{after_ms}")
    home, message_id, answers = cluster.home(token, QUESTIONS[0], next(message_ids)), next(message_ids), []
    sending = threading.Thread(target=lambda: answers.append(cluster.send(token, QUESTIONS[1], message_id)))

    sending.start()
    sending.join(after_ms / 1000)
    home.freeze()
    sending.join()
    home.thaw()
    again = cluster.send(token, QUESTIONS[1], message_id)

    assert answers[0].status_code == 200 and answers[0].elapsed.total_seconds() < PROMISED_S
    assert [reply["text"] for reply in again.json()["replies"]] == [reply["text"] for reply in answers[0].json()["replies"]]
    assert cluster.send(token, QUESTIONS[2], next(message_ids)).status_code == 200
    assert [message["said"] for message in cluster.history(token)] == [None, *QUESTIONS]


def test_a_replica_that_is_frozen_in_the_middle_of_many_loses_and_doubles_nothing(cluster):
    """The frozen one wakes up with the messages that the other one has done meanwhile."""
    tokens = [cluster.token() for _ in range(6)]
    homes = [cluster.home(token, QUESTIONS[0], f"first-{number:06d}") for number, token in enumerate(tokens)]

    homes[0].freeze()
    answers = [cluster.send(token, QUESTIONS[1], f"second-{number:06d}") for number, token in enumerate(tokens)]
    homes[0].thaw()
    after = [cluster.send(token, QUESTIONS[2], f"third-{number:06d}") for number, token in enumerate(tokens)]

    assert {answer.status_code for answer in (*answers, *after)} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers) < PROMISED_S
    assert [[message["said"] for message in cluster.history(token)] for token in tokens] == [[None, *QUESTIONS]] * len(tokens)


def test_the_same_message_sent_to_both_at_once_has_one_answer(cluster):
    token = cluster.token()
    answers = []

    def send(port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as http:
            answers.append(http.post("/webhooks/web/webhook", json={"message": QUESTIONS[1], "message_id": "at-once-0001"}, headers={"Authorization": f"Bearer {token}"}))

    threads = [threading.Thread(target=send, args=(replica.port,)) for replica in cluster.replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["replies"] == answers[1].json()["replies"]
    assert [message["said"] for message in cluster.history(token)] == [None, QUESTIONS[1]]


def test_a_rolling_restart_is_seen_by_nobody(cluster):
    """Four people write all the time while one replica after the other ends and begins again."""
    is_over, answers = threading.Event(), []

    def person(name: str) -> None:
        token, message_ids = cluster.token(), ids(name)
        while not is_over.wait(THINK_S):
            message_id = next(message_ids)
            began = time.monotonic()
            answers.append((token, message_id, cluster.send(token, QUESTIONS[1], message_id).status_code, time.monotonic() - began))

    people = [threading.Thread(target=person, args=(f"person{number}",)) for number in range(4)]
    for each in people:
        each.start()
    codes = []
    for replica in cluster.replicas:
        codes.append(replica.stop())
        replica.start()
    is_over.set()
    for each in people:
        each.join()

    assert codes == [0, 0]
    assert Counter(status for _, _, status, _ in answers) == {200: len(answers)} and len(answers) > 20
    assert max(took for *_, took in answers) < PROMISED_S
    for token in {token for token, *_ in answers}:
        said = [message["message_id"] for message in cluster.history(token) if message["message_id"]]
        assert said == [message_id for known, message_id, *_ in answers if known == token][-len(said) :]


def test_what_was_erased_over_one_replica_is_gone_on_the_other(cluster):
    token, message_ids = cluster.token(), ids("erased")
    cluster.send(token, QUESTIONS[0], next(message_ids))

    erased = cluster.proxy.http.delete("/webhooks/web/conversations", headers={"Authorization": f"Bearer {token}"})

    assert erased.status_code == 200
    for replica in cluster.replicas:
        answer = httpx.get(f"http://127.0.0.1:{replica.port}/webhooks/web/history", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert answer.status_code == 401
