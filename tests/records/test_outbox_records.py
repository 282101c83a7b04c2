"""What waits to be told to somebody outside, on both kinds of database: who may send it, and what becomes of it."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
import sqlalchemy as sa

from sijbot.records import outbox, repository, schema
from sijbot.records.outbox import LONGEST_WAIT, MOST_ATTEMPTS, Claimed, claim, wait_after
from sijbot.settings import AMQP, WEBHOOK

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
CANARY = "Quokkabracket 07700 900123"


def queue(engine, id: str = "a1", at: datetime = NOON, sink: str = WEBHOOK, conversation: str = "somebody") -> str:
    """Queue a hand-off and write the record that it tells of; return its id."""
    payload = outbox.hand_off_payload(id, conversation, "urgent", ["a weak leg"], ["foot_drop"], "uk", at, CANARY)
    with engine.begin() as connection:
        outbox.put(connection, conversation, sink, payload, at)
        repository.log_hand_off(connection, conversation, f"reply {id}", "urgent", ["foot_drop"], at)
        connection.execute(sa.update(schema.HAND_OFF).where(schema.HAND_OFF.c.reply_id == f"reply {id}").values(outbox_id=id, state="queued"))
    return id


def queue_turn(engine, id: str) -> str:
    with engine.begin() as connection:
        outbox.put(connection, "somebody", AMQP, outbox.turn_payload(id, "somebody", 7, NOON, None, "answer", []), NOON)
    return id


def claimed(engine, now: datetime = NOON, most: int = 10, sink: str = WEBHOOK) -> list[Claimed]:
    with engine.begin() as connection:
        return claim(connection, sink, now, most, LEASE)


def settle(engine, function, *arguments) -> None:
    with engine.begin() as connection:
        function(connection, *arguments)


def row_of(engine, id: str) -> dict:
    with engine.connect() as connection:
        return dict(connection.execute(sa.select(schema.OUTBOX).where(schema.OUTBOX.c.id == id)).mappings().one())


def hand_off_states(engine) -> list[str]:
    with engine.connect() as connection:
        return [row["state"] for row in repository.hand_offs(connection)]


def test_what_is_queued_is_claimed_once_with_its_payload(engine):
    queue(engine, "a1")

    (first,), again = claimed(engine), claimed(engine)

    assert (first.id, first.kind, first.sink, first.attempts, first.claimed_until) == ("a1", "hand_off", WEBHOOK, 1, NOON + LEASE)
    assert first.payload["contact"] == CANARY and again == []


def test_a_row_belongs_to_its_own_sink_alone(engine):
    queue(engine, "a1", sink=WEBHOOK)

    assert claimed(engine, sink=AMQP) == [] and len(claimed(engine, sink=WEBHOOK)) == 1


def test_a_row_that_is_not_due_is_left(engine):
    queue(engine, at=NOON + SECOND)

    assert claimed(engine, NOON) == []
    assert len(claimed(engine, NOON + SECOND)) == 1


def test_those_that_waited_longest_come_first_and_no_more_than_asked_for(engine):
    for number in (2, 0, 1):
        queue(engine, f"a{number}", NOON + number * SECOND)

    assert [row.id for row in claimed(engine, NOON + 9 * SECOND, most=2)] == ["a0", "a1"]
    assert [row.id for row in claimed(engine, NOON + 9 * SECOND, most=2)] == ["a2"]


def test_a_row_of_a_transaction_that_failed_was_never_queued(engine):
    with pytest.raises(RuntimeError), engine.begin() as connection:
        outbox.put(connection, "somebody", AMQP, outbox.turn_payload("a1", "somebody", 7, NOON, None, "answer", []), NOON)
        raise RuntimeError("broken on purpose")

    assert claimed(engine, sink=AMQP) == []


def test_a_lease_that_ran_out_is_claimed_again_and_not_before(engine):
    queue(engine)
    claimed(engine, NOON)

    assert claimed(engine, NOON + LEASE - SECOND) == []
    (second,) = claimed(engine, NOON + LEASE)
    assert second.attempts == 2


@pytest.mark.parametrize("held", [True, False], ids=["claimed", "waiting"])
def test_a_clock_that_was_put_back_by_a_day_leaves_nothing_behind(engine, held):
    queue(engine)
    ahead = NOON + timedelta(days=1)
    (row,) = claimed(engine, ahead)
    if not held:
        settle(engine, outbox.settle_again, row, ahead, "500", Random(1))

    assert [row.attempts for row in claimed(engine, NOON)] == [2]


def test_a_clock_that_is_a_little_behind_takes_nothing_from_another(engine):
    queue(engine)
    claimed(engine, NOON + timedelta(minutes=5))

    assert claimed(engine, NOON) == []


def test_two_that_claim_at_once_never_get_the_same_row(engine):
    ids = {queue(engine, f"a{number:02}") for number in range(60)}
    got: list[list[str]] = [[], [], []]
    begin, until, deadline = threading.Barrier(len(got)), NOON + timedelta(minutes=1), time.monotonic() + 20

    def work(mine: list[str]) -> None:
        begin.wait(10)
        while len(ids) > sum(map(len, got)) and time.monotonic() < deadline:
            try:
                mine.extend(row.id for row in claimed(engine, until, most=3))
            except schema.FAULTS:  # SQLite takes one writer at a time and may say that it is busy
                continue

    workers = [threading.Thread(target=work, args=(mine,), daemon=True) for mine in got]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    taken = [id for mine in got for id in mine]
    assert len(taken) == len(set(taken)) and set(taken) == ids


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no locks of rows
def test_a_row_that_another_has_locked_is_passed_over_and_not_waited_for(engine):
    queue(engine, "a1")
    queue(engine, "a2", NOON + SECOND)
    got: list[str] = []

    with engine.begin() as other:
        claim(other, WEBHOOK, NOON + SECOND, 1, LEASE)
        worker = threading.Thread(target=lambda: got.extend(row.id for row in claimed(engine, NOON + SECOND)), daemon=True)
        worker.start()
        worker.join(10)

    assert got == ["a2"]


def test_what_was_delivered_is_told_to_the_hand_off_and_its_words_are_gone(engine):
    queue(engine, "a1")
    queue(engine, "a2", conversation="another")
    (row, _) = claimed(engine)

    settle(engine, outbox.settle_delivered, row, NOON + SECOND)

    assert (row_of(engine, "a1")["state"], row_of(engine, "a1")["payload"], row_of(engine, "a1")["claimed_until"]) == ("delivered", {}, None)
    assert hand_off_states(engine) == ["delivered", "queued"]
    assert claimed(engine, NOON + timedelta(days=1), most=9)[0].id == "a2"


def test_what_did_not_arrive_waits_and_says_why(engine):
    queue(engine)
    (row,) = claimed(engine)

    settle(engine, outbox.settle_again, row, NOON, "503", Random(1))

    waits = wait_after(1, Random(1))
    assert (row_of(engine, "a1")["fault"], hand_off_states(engine)) == ("503", ["queued"])
    assert claimed(engine, NOON + waits - timedelta(milliseconds=1)) == []
    assert [row.attempts for row in claimed(engine, NOON + waits)] == [2]


def test_a_fault_is_cut_to_the_column(engine):
    queue(engine)
    (row,) = claimed(engine)

    settle(engine, outbox.settle_again, row, NOON, "E" * 500, Random(1))

    assert row_of(engine, "a1")["fault"] == "E" * 64


@pytest.mark.parametrize("attempts, state", [(MOST_ATTEMPTS["hand_off"] - 1, "queued"), (MOST_ATTEMPTS["hand_off"], "failed")])
def test_a_hand_off_is_given_up_behind_its_last_attempt_and_not_before(engine, attempts, state):
    queue(engine)
    now = NOON
    for _ in range(attempts):
        (row,) = claimed(engine, now)
        settle(engine, outbox.settle_again, row, now, "TimeoutError", Random(1))
        now += LONGEST_WAIT

    assert (row_of(engine, "a1")["state"], hand_off_states(engine)) == (state, [state])
    assert [row.id for row in claimed(engine, now)] == (["a1"] if state == "queued" else [])


def test_what_cannot_arrive_is_given_up_at_once(engine):
    queue(engine)
    (row,) = claimed(engine)

    settle(engine, outbox.settle_failed, row, NOON, "410")

    assert (row_of(engine, "a1")["state"], row_of(engine, "a1")["fault"], hand_off_states(engine)) == ("failed", "410", ["failed"])
    assert claimed(engine, NOON + timedelta(days=1)) == []


def test_what_was_given_back_is_claimed_at_once(engine):
    queue(engine)
    (row,) = claimed(engine)

    settle(engine, outbox.give_back, row)

    assert len(claimed(engine)) == 1


@pytest.mark.parametrize("late", [lambda *row: outbox.settle_again(*row, NOON, "500", Random(1)), lambda *row: outbox.settle_failed(*row, NOON, "500"), outbox.give_back], ids=["again", "failed", "given back"])
def test_bad_news_of_one_whose_lease_ran_out_changes_nothing(engine, late):
    queue(engine)
    (first,) = claimed(engine, NOON)
    claimed(engine, NOON + LEASE)
    before = row_of(engine, "a1")

    settle(engine, late, first)

    assert row_of(engine, "a1") == before and hand_off_states(engine) == ["queued"]


def test_good_news_counts_even_when_it_comes_late(engine):
    queue(engine)
    (first,) = claimed(engine, NOON)
    (second,) = claimed(engine, NOON + LEASE)
    settle(engine, outbox.settle_failed, second, NOON + LEASE, "410")

    settle(engine, outbox.settle_delivered, first, NOON + LEASE)

    assert (row_of(engine, "a1")["state"], hand_off_states(engine)) == ("delivered", ["delivered"])


def test_what_was_erased_while_it_was_under_way_does_not_come_back(engine):
    queue(engine)
    (row,) = claimed(engine)
    settle(engine, repository.forget, "somebody")

    settle(engine, outbox.settle_delivered, row, NOON)
    settle(engine, outbox.settle_again, row, NOON, "500", Random(1))

    with engine.connect() as connection:
        assert outbox.counts(connection) == {}


def test_waiting_grows_to_a_limit_and_differs_by_chance():
    waits = [wait_after(attempts, Random(7)).total_seconds() for attempts in range(1, 40)]

    assert waits == sorted(waits) and waits[-1] == waits[12] <= LONGEST_WAIT.total_seconds()
    assert all(1 <= wait_after(1, Random(seed)).total_seconds() <= 2 for seed in range(50))
    assert len({wait_after(5, Random(seed)) for seed in range(50)}) == 50
    assert wait_after(10**6, Random(7)) <= LONGEST_WAIT


def test_a_hand_off_is_tried_for_an_hour_or_so_and_an_event_for_a_day():
    tried_for = {kind: sum((wait_after(attempts, Random(7)) for attempts in range(1, most)), timedelta()) for kind, most in MOST_ATTEMPTS.items()}

    assert timedelta(minutes=40) < tried_for["hand_off"] < timedelta(hours=2)
    assert timedelta(hours=16) < tried_for["turn"] < timedelta(hours=30)


@pytest.mark.parametrize("chosen, left", [("a1", "failed"), (None, "queued")])
def test_what_was_given_up_is_put_back_with_all_its_attempts(engine, chosen, left):
    for id in ("a1", "a2"):
        queue(engine, id)
    for row in claimed(engine):
        settle(engine, outbox.settle_failed, row, NOON, "410")

    with engine.begin() as connection:
        count = outbox.retry(connection, NOON + SECOND, chosen)

    assert count == (1 if chosen else 2) and row_of(engine, "a2")["state"] == left
    assert hand_off_states(engine) == ["queued", left]
    assert claimed(engine, NOON + SECOND)[0].attempts == 1


def test_what_waits_or_was_delivered_is_not_put_back(engine):
    queue(engine, "a1")
    queue(engine, "a2")
    settle(engine, outbox.settle_delivered, claimed(engine, most=1)[0], NOON)

    with engine.begin() as connection:
        assert (outbox.retry(connection, NOON), outbox.retry(connection, NOON, "a1"), outbox.retry(connection, NOON, "no such id")) == (0, 0, 0)


def test_the_list_names_what_waits_oldest_first_and_holds_no_words(engine):
    queue(engine, "a2", NOON + SECOND)
    queue(engine, "a1")

    with engine.connect() as connection:
        rows = outbox.waiting(connection, outbox.QUEUED, outbox.FAILED)

    assert [(row["id"], row["kind"], row["sink"], row["created_at"]) for row in rows] == [("a1", "hand_off", WEBHOOK, NOON), ("a2", "hand_off", WEBHOOK, NOON + SECOND)]
    assert CANARY not in str(rows) and "somebody" not in str(rows)


def test_metrics_count_by_sink_and_state_and_know_what_has_waited_longest(engine):
    queue(engine, "a1")
    queue(engine, "a2", NOON + SECOND)
    queue_turn(engine, "b1")
    settle(engine, outbox.settle_delivered, claimed(engine, most=1)[0], NOON)

    with engine.connect() as connection:
        assert outbox.counts(connection) == {(WEBHOOK, "delivered"): 1, (WEBHOOK, "queued"): 1, (AMQP, "queued"): 1}
        assert outbox.oldest_queued(connection) == {WEBHOOK: NOON + SECOND, AMQP: NOON}


def test_what_was_delivered_a_day_ago_is_swept_and_nothing_else(engine):
    for id in ("a1", "a2", "a3"):
        queue(engine, id)
    first, second, _ = claimed(engine)
    settle(engine, outbox.settle_delivered, first, NOON)
    settle(engine, outbox.settle_failed, second, NOON, "410")

    with engine.begin() as connection:
        early = outbox.sweep(connection, NOON + outbox.KEPT_DELIVERED - SECOND)
        swept = outbox.sweep(connection, NOON + outbox.KEPT_DELIVERED)
        left = outbox.counts(connection)

    assert (early, swept, left) == (0, 1, {(WEBHOOK, "failed"): 1, (WEBHOOK, "queued"): 1})


def test_an_event_of_a_turn_names_nobody():
    payload = outbox.turn_payload("b1", "conversation-of-somebody", 7, NOON, "urgent", "alarm", ["foot_drop"])

    assert "conversation-of-somebody" not in str(payload) and len(payload["conversation"]) == 64
    assert {key: value for key, value in payload.items() if key != "conversation"} == {
        "id": "b1", "kind": "turn", "seq": 7, "at": "2026-11-30T12:00:00+00:00", "level": "urgent", "outcome": "alarm", "flags": ["foot_drop"],
    }  # fmt: skip


def test_ids_fit_the_column_and_differ():
    ids = {outbox.new_id() for _ in range(100)}

    assert len(ids) == 100 and {len(id) for id in ids} == {32}
