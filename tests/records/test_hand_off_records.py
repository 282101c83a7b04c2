"""What a clinic is told of a hand-off and what the person knows of that, on both kinds of database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random

import pytest
import sqlalchemy as sa

from sijbot.records import hand_offs, outbox, repository, schema, turns
from sijbot.settings import WEBHOOK

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
LEASE = timedelta(seconds=30)
URGENT, SOON = ("emergency", "urgent"), ("emergency", "urgent", "soon")


def card(connection, level: str = "urgent", conversation: str = "a", flags=("foot_drop",)) -> None:
    repository.log_hand_off(connection, conversation, "card", level, flags, NOON)


def pass_on(connection, id: str = "a1", level: str = "urgent", conversation: str = "a", flags=("foot_drop",)) -> None:
    payload = outbox.hand_off_payload(id, conversation, level, ["a weak leg"], flags, "uk", NOON, "Sam 07700 900123")
    hand_offs.pass_on(connection, WEBHOOK, payload, "told", NOON)


def settle(engine, how, *arguments) -> None:
    """Let the outbox deliver or give up all that waits."""
    with engine.begin() as connection:
        for row in outbox.claim(connection, WEBHOOK, NOON, 10, LEASE):
            how(connection, row, NOON, *arguments)


def rows(engine) -> list[dict]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(schema.HAND_OFF).order_by(schema.HAND_OFF.c.id)).mappings()]


def news(engine, conversation: str = "a") -> list[tuple[str, str]]:
    with engine.begin() as connection:
        return [(each.id, each.state) for each in hand_offs.take_news(connection, conversation)]


def test_being_asked_is_written_on_the_card_that_was_shown(engine):
    with engine.begin() as connection:
        card(connection)
        card(connection, conversation="b")
        hand_offs.note_asked(connection, "a", "told", "urgent", ["foot_drop"], NOON)

    assert [(row["conversation_id"], row["reply_id"], bool(row["asked_at"]), row["consent"], row["state"]) for row in rows(engine)] == [
        ("a", "card", True, None, "offered"), ("b", "card", False, None, "offered"),
    ]  # fmt: skip


def test_a_level_without_a_card_gets_a_record_when_it_is_asked_about(engine):
    with engine.begin() as connection:
        hand_offs.note_asked(connection, "a", "told", "soon", ["severe_pain"], NOON)

    (row,) = rows(engine)
    assert (row["reply_id"], row["level"], row["flags"], bool(row["asked_at"])) == ("told", "soon", ["severe_pain"], True)


@pytest.mark.parametrize("conversation, levels, was", [("a", URGENT, True), ("a", SOON, True), ("a", ("emergency",), False), ("b", SOON, False)])
def test_it_is_known_whether_somebody_was_asked_at_a_level(engine, conversation, levels, was):
    with engine.begin() as connection:
        hand_offs.note_asked(connection, "a", "told", "urgent", ["foot_drop"], NOON)

        assert hand_offs.was_asked(connection, conversation, levels) == was


def test_a_no_is_written_down_and_undoes_no_yes(engine):
    with engine.begin() as connection:
        hand_offs.note_asked(connection, "a", "told", "soon", ["severe_pain"], NOON)
        pass_on(connection, level="soon")
        hand_offs.note_asked(connection, "a", "told", "urgent", ["foot_drop"], NOON)
        hand_offs.note_declined(connection, "a")

    assert [(row["level"], row["consent"], row["state"]) for row in rows(engine)] == [("soon", True, "queued"), ("urgent", False, "offered")]


def test_what_is_passed_on_waits_with_its_message(engine):
    with engine.begin() as connection:
        card(connection)
        hand_offs.note_asked(connection, "a", "told", "urgent", ["foot_drop"], NOON)
        pass_on(connection)
        found = hand_offs.passed_on(connection, "a", URGENT)

    (row,) = rows(engine)
    assert (row["consent"], row["state"], row["told_state"], row["outbox_id"], row["reply_id"]) == (True, "queued", "queued", "a1", "card")
    assert (found.id, found.state, found.flags, found.settled_at) == ("a1", "queued", ("foot_drop",), None)
    with engine.connect() as connection:
        assert connection.execute(sa.select(schema.OUTBOX.c.payload)).scalar()["contact"] == "Sam 07700 900123"


def test_a_second_one_at_the_same_level_leaves_the_first_as_it_is(engine):
    with engine.begin() as connection:
        pass_on(connection, "a1", "soon", flags=("severe_pain",))
        pass_on(connection, "a2", "soon", flags=("severe_pain", "night_sweats"))

    assert [(row["outbox_id"], row["flags"]) for row in rows(engine)] == [("a1", ["severe_pain"]), ("a2", ["severe_pain", "night_sweats"])]


@pytest.mark.parametrize("conversation, levels", [("b", SOON), ("a", URGENT)])
def test_what_was_passed_on_in_another_conversation_or_below_a_level_is_not_meant(engine, conversation, levels):
    with engine.begin() as connection:
        pass_on(connection, level="soon")

        assert hand_offs.passed_on(connection, conversation, levels) is None


def test_while_it_waits_there_is_no_news(engine):
    with engine.begin() as connection:
        pass_on(connection)

    assert news(engine) == []


@pytest.mark.parametrize("how, arguments, state", [(outbox.settle_delivered, (), "delivered"), (outbox.settle_failed, ("410",), "failed")])
def test_what_became_of_it_is_news_once_and_in_its_conversation_alone(engine, how, arguments, state):
    with engine.begin() as connection:
        pass_on(connection)
        pass_on(connection, "b1", conversation="b")
    settle(engine, how, *arguments)

    assert (news(engine), news(engine), news(engine, "b")) == ([("a1", state)], [], [("b1", state)])


def test_both_that_were_passed_on_are_news_the_first_first(engine):
    with engine.begin() as connection:
        pass_on(connection, "a1", "soon")
        pass_on(connection, "a2", "urgent")
    settle(engine, outbox.settle_delivered)

    assert news(engine) == [("a1", "delivered"), ("a2", "delivered")]


def test_what_failed_and_was_sent_again_is_news_again(engine):
    with engine.begin() as connection:
        pass_on(connection)
    settle(engine, outbox.settle_failed, "410")
    assert news(engine) == [("a1", "failed")]

    with engine.begin() as connection:
        outbox.retry(connection, NOON)
    assert news(engine) == []
    settle(engine, outbox.settle_delivered)

    assert news(engine) == [("a1", "delivered")]


def test_what_is_tried_again_is_no_news(engine):
    with engine.begin() as connection:
        pass_on(connection)
    settle(engine, outbox.settle_again, "503", Random(7))

    assert news(engine) == []


def test_who_asked_is_told_no_second_time(engine):
    with engine.begin() as connection:
        pass_on(connection)
    settle(engine, outbox.settle_delivered)
    with engine.begin() as connection:
        hand_offs.note_told(connection, hand_offs.passed_on(connection, "a", URGENT))

    assert news(engine) == []


def test_who_was_told_that_it_waits_is_still_told_what_came_of_it(engine):
    with engine.begin() as connection:
        pass_on(connection)
        waits = hand_offs.passed_on(connection, "a", URGENT)
    settle(engine, outbox.settle_delivered)
    with engine.begin() as connection:
        hand_offs.note_told(connection, waits)

    assert news(engine) == [("a1", "delivered")]


def test_news_that_is_not_committed_is_told_again(engine):
    with engine.begin() as connection:
        pass_on(connection)
    settle(engine, outbox.settle_delivered)
    with engine.connect() as connection, connection.begin() as tried:
        assert len(hand_offs.take_news(connection, "a")) == 1
        tried.rollback()

    assert news(engine) == [("a1", "delivered")]


def test_when_it_was_delivered_is_known_until_the_outbox_forgets_it(engine):
    with engine.begin() as connection:
        pass_on(connection)
    settle(engine, outbox.settle_delivered)
    with engine.begin() as connection:
        assert hand_offs.passed_on(connection, "a", URGENT).settled_at == NOON
        outbox.sweep(connection, NOON + outbox.KEPT_DELIVERED)
        found = hand_offs.passed_on(connection, "a", URGENT)

    assert (found.state, found.settled_at) == ("delivered", None)


def test_a_turn_that_is_not_written_queues_nothing_and_one_that_is_queues_once(engine):
    def conclude(connection, events, number):
        raise RuntimeError("the turn fails at its end")

    for is_written in (False, True):
        answer = turns.Answered([], "uk", 0)
        turn = turns.OpenTurn("a", None, (lambda *_: turns.Ending(answer)) if is_written else conclude)
        with turns.opened(turn):
            with turns.transaction(engine) as connection:
                card(connection)
            with turns.transaction(engine) as connection:
                hand_offs.note_asked(connection, "a", "told", "urgent", ["foot_drop"], NOON)
            with turns.transaction(engine) as connection:
                pass_on(connection)
                assert hand_offs.passed_on(connection, "a", URGENT).state == "queued"
        if is_written:
            turns.commit(engine, "a", turns.Head(), turns.Head(1), [{"event": "user"}], turn)
        else:
            with pytest.raises(RuntimeError):
                turns.commit(engine, "a", turns.Head(), turns.Head(1), [{"event": "user"}], turn)
            assert rows(engine) == [] and outbox_ids(engine) == []

    (row,) = rows(engine)
    assert (row["reply_id"], row["state"], bool(row["asked_at"]), row["outbox_id"]) == ("card", "queued", True, "a1") and outbox_ids(engine) == ["a1"]


def outbox_ids(engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(schema.OUTBOX.c.id)).scalars())
