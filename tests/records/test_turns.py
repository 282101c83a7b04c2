"""A turn is written whole or not at all, once, in its order, and never into what was erased; on both kinds of database."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sijbot import clock
from sijbot.records import coach, inbox, repository, schema, turns
from sijbot.records.inbox import Answered
from sijbot.records.turns import Conflict, Done, Ending, Gone, Head, OpenTurn
from sijbot.triage.lock import Lock

WALKS = itertools.count()
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
ANSWER = Answered([{"text": "Lie on your back."}], "uk", 0)
OTHER = Answered([{"text": "Sit down."}], "au", 365)


def events(*texts: str) -> list[dict]:
    return [{"event": "user", "text": text} for text in texts]


def take(engine, message: str, texts: tuple = ("hello",), answer: Answered = ANSWER, conversation: str = "a", write=None, erased_for: str | None = None) -> None:
    """Take a whole turn."""
    begun = turns.load(engine, conversation).head
    turn = OpenTurn(conversation, message, lambda *_: Ending(answer, erased_for))
    if write:
        with turns.opened(turn), turns.transaction(engine) as connection:
            write(connection)
    turns.commit(engine, conversation, begun, Head(begun.number + len(texts), 1), events(*texts), turn)


def receive(engine, message: str, conversation: str = "a", said: str = "hello"):
    return turns.receive(engine, conversation, message, said, None, "uk", 0)


def count(engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def numbers(engine, conversation: str = "a") -> list[int]:
    column = schema.CONVERSATION_EVENT.c
    with engine.connect() as connection:
        return list(connection.execute(sa.select(column.number).where(column.conversation_id == conversation).order_by(column.number)).scalars())


def history(engine, conversation: str = "a") -> list[str]:
    with engine.connect() as connection:
        return [exchange.message_id for exchange in inbox.history(connection, conversation, 50)]


def add_entry(pain: int):
    return lambda connection: coach.add_entry(connection, "a", coach.Entry(NOON.date(), pain), NOON)


def test_a_turn_holds_events_replies_and_what_actions_wrote(engine):
    assert receive(engine, "m1") is None
    take(engine, "m1", ("hello", "again"), write=add_entry(4))

    assert [data["text"] for _, data in turns.load(engine, "a").events] == ["hello", "again"]
    assert receive(engine, "m1") == ANSWER
    assert count(engine, schema.DIARY_ENTRY) == 1


@pytest.mark.parametrize("fault", [RuntimeError, KeyError])
def test_a_fault_at_the_end_of_a_turn_leaves_nothing_of_it(engine, fault):
    def conclude(connection, events, number):
        raise fault("broken on purpose")

    receive(engine, "m1")
    turn = OpenTurn("a", "m1", conclude)
    with turns.opened(turn), turns.transaction(engine) as connection:
        add_entry(4)(connection)

    with pytest.raises(fault):
        turns.commit(engine, "a", Head(), Head(1), events("hello"), turn)
    assert (count(engine, schema.DIARY_ENTRY), numbers(engine), receive(engine, "m1")) == (0, [], None)


def test_what_an_action_wrote_is_seen_by_the_next_one_and_by_nobody_else(engine):
    turn = OpenTurn("a", "m1", lambda *_: Ending(ANSWER))
    with turns.opened(turn):
        with turns.transaction(engine) as connection:
            repository.write_lock(connection, "a", Lock("urgent", ("foot_drop",), NOON))
        with turns.transaction(engine) as connection:
            assert repository.read_lock(connection, "a").level == "urgent"
    with engine.connect() as connection:
        assert repository.read_lock(connection, "a") is None


def test_what_a_broken_action_wrote_is_not_a_part_of_the_turn(engine):
    turn = OpenTurn("a", "m1", lambda *_: Ending(ANSWER))
    with turns.opened(turn):
        with pytest.raises(RuntimeError), turns.transaction(engine) as connection:
            add_entry(4)(connection)
            raise RuntimeError("broken on purpose")
    part = turn.part()
    with turns.opened(part), turns.transaction(engine) as connection:
        add_entry(5)(connection)
    assert turn.writes == []
    turn.take(part)
    assert len(turn.writes) == 1


def test_outside_a_turn_what_is_written_stands_at_once(engine):
    with turns.transaction(engine) as connection:
        add_entry(4)(connection)

    assert count(engine, schema.DIARY_ENTRY) == 1


def test_of_two_turns_that_began_together_the_second_is_done_anew(engine):
    begun = turns.load(engine, "a").head
    take(engine, "m1")

    with pytest.raises(Conflict):
        turns.commit(engine, "a", begun, Head(1), events("again"), OpenTurn("a", "m2", lambda *_: Ending(ANSWER)))
    take(engine, "m2")
    assert (numbers(engine), history(engine)) == ([1, 2], ["m1", "m2"])


def test_a_message_that_was_answered_elsewhere_gets_that_answer(engine):
    receive(engine, "m1")
    take(engine, "m1")

    with pytest.raises(Done) as done:
        take(engine, "m1", answer=OTHER, write=add_entry(4))
    assert done.value.answer == ANSWER
    assert (numbers(engine), count(engine, schema.DIARY_ENTRY)) == ([1], 0)


def test_a_message_that_could_not_be_received_is_answered_all_the_same(engine):
    take(engine, "m1")

    assert receive(engine, "m1") == ANSWER
    assert history(engine) == ["m1"]


def test_the_history_has_the_order_of_the_answers_whatever_the_clock_says(engine):
    for number, days in enumerate((0, 1, -2, 5)):
        clock.advance(timedelta(days))
        receive(engine, f"m{number}")
        take(engine, f"m{number}")
    clock.reset()

    assert history(engine) == ["m0", "m1", "m2", "m3"]


def test_what_was_received_and_not_answered_is_not_in_the_history(engine):
    receive(engine, "m1")

    assert history(engine) == []


def test_nothing_is_taken_into_what_was_erased(engine):
    receive(engine, "m1")
    begun = turns.load(engine, "a").head
    turns.erase(engine, "a")

    for late in (lambda: receive(engine, "m2"), lambda: turns.load(engine, "a"), lambda: turns.commit(engine, "a", begun, Head(1), events("late"), OpenTurn("a", "m1", lambda *_: Ending(ANSWER)))):
        with pytest.raises(Gone) as gone:
            late()
        assert gone.value.answer is None
    assert {table.name: count(engine, table) for table in schema.OWNED if count(engine, table)} == {}


def test_a_turn_that_began_before_the_erasing_finds_it_gone_and_not_changed(engine):
    take(engine, "m1")
    begun = turns.load(engine, "a").head
    turns.erase(engine, "a")

    with pytest.raises(Gone):
        turns.commit(engine, "a", begun, Head(begun.number + 1), events("late"), OpenTurn("a", "m2", lambda *_: Ending(ANSWER)))


def test_the_message_that_erased_gets_its_answer_again_and_no_other_does(engine):
    take(engine, "m1", ("a secret",), write=add_entry(4))
    take(engine, "m2", erased_for="b")

    with pytest.raises(Gone) as gone:
        receive(engine, "m2")
    assert gone.value.answer == {"replies": ANSWER.replies, "region": "uk", "keep_days": 0, "conversation": "b"}
    with pytest.raises(Gone) as gone:
        receive(engine, "m1")
    assert gone.value.answer is None
    assert {table.name: count(engine, table) for table in schema.OWNED if count(engine, table)} == {}


def test_erasing_one_leaves_the_others(engine):
    take(engine, "m1")
    take(engine, "m1", conversation="b")
    turns.erase(engine, "a")

    assert (numbers(engine, "a"), numbers(engine, "b")) == ([], [1])


def test_marks_of_the_erased_go_when_no_token_can_be_valid(engine):
    turns.erase(engine, "a")
    turns.forget_erased(engine, clock.now() - timedelta(days=7))
    assert count(engine, schema.ERASED) == 1

    turns.forget_erased(engine, clock.now() + timedelta(seconds=1))
    assert count(engine, schema.ERASED) == 0


def test_of_a_failed_turn_what_was_found_stands_and_its_message_may_come_again(engine):
    receive(engine, "m1")
    turns.fail(engine, "a", "m1", lambda connection: repository.write_lock(connection, "a", Lock("emergency", ("stroke",), NOON)))

    with engine.connect() as connection:
        assert repository.read_lock(connection, "a").level == "emergency"
    assert receive(engine, "m1") is None
    take(engine, "m1")
    assert receive(engine, "m1") == ANSWER


def test_a_message_whose_process_died_is_given_out_once(engine):
    receive(engine, "m1", said="it hurts")
    receive(engine, "m2")
    take(engine, "m2")
    receive(engine, "m3")
    turns.fail(engine, "a", "m3", lambda *_: None)
    now = clock.now()

    def claimed(since: timedelta, until: timedelta) -> list:
        return [(row["message_id"], row["said"]) for row in turns.claim_unanswered(engine, now + since, now + until, 9)]

    assert claimed(timedelta(hours=-2), timedelta(hours=-1)) == []
    assert claimed(timedelta(hours=-1), timedelta(hours=1)) == [("m1", "it hurts")]
    assert claimed(timedelta(hours=-1), timedelta(hours=1)) == []


def together(number: int, work) -> list:
    """Return what came of `work(0)`, `work(1)` …, begun at one moment: a result or an exception."""
    ready, results = threading.Barrier(number), [None] * number

    def run(place: int) -> None:
        ready.wait()
        try:
            results[place] = work(place)
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_a_turn_that_stands_nothing_is_written_down_as_failed(engine):
    receive(engine, "m1")
    take(engine, "m1")

    assert turns.fail(engine, "a", "m1", add_entry(4)) == ANSWER  # the commit was done, and the answer of the database was lost
    assert (count(engine, schema.DIARY_ENTRY), receive(engine, "m1")) == (0, ANSWER)


def test_of_many_turns_at_once_each_is_written_once_in_one_order(engine):
    def work(place: int) -> str:
        while True:
            try:
                take(engine, f"m{place}", (f"first {place}", f"second {place}"), write=add_entry(place))
                return "done"
            except Conflict:
                continue

    assert together(6, work) == ["done"] * 6
    assert numbers(engine) == list(range(1, 13))
    assert sorted(history(engine)) == [f"m{place}" for place in range(6)]
    assert count(engine, schema.DIARY_ENTRY) == 6
    said = [data["text"] for _, data in turns.load(engine, "a").events]
    assert all(said[place].split()[1] == said[place + 1].split()[1] for place in range(0, 12, 2))


def test_of_one_message_many_times_at_once_one_is_written(engine):
    results = together(6, lambda place: take(engine, "m1", write=add_entry(place)))

    assert results.count(None) == 1
    assert all(isinstance(result, (Conflict, Done)) for result in results if result is not None)
    assert (numbers(engine), count(engine, schema.DIARY_ENTRY)) == ([1], 1)


@pytest.mark.parametrize("attempt", range(5))
def test_of_a_turn_and_an_erasing_at_once_nothing_is_left(engine, attempt):
    conversation = f"c{attempt}"

    def work(place: int) -> None:
        if place:
            return turns.erase(engine, conversation)
        receive(engine, "m1", conversation)
        take(engine, "m1", conversation=conversation)

    first, _ = together(2, work)
    assert first is None or isinstance(first, Gone)
    assert {table.name: count(engine, table) for table in schema.OWNED if count(engine, table)} == {}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["receive", "take", "again", "conflict", "fail"]), st.integers(0, 4)), max_size=14))
def test_whatever_happens_in_whatever_order_the_history_is_linear_and_nothing_acknowledged_is_lost(engine, steps):
    conversation, acknowledged = f"walk{next(WALKS)}", []
    for kind, number in steps:
        message = f"m{number}"
        if kind == "receive":
            found = receive(engine, message, conversation)
            assert (found is not None) == (message in acknowledged)
        elif kind == "fail":
            turns.fail(engine, conversation, message, lambda *_: None)
        elif kind == "conflict":
            begun = turns.load(engine, conversation).head
            acknowledged.append(f"x{len(acknowledged)}")
            take(engine, acknowledged[-1], conversation=conversation)
            with pytest.raises((Conflict, Done)):
                turns.commit(engine, conversation, begun, Head(begun.number + 1), events("late"), OpenTurn(conversation, message, lambda *_: Ending(ANSWER)))
        else:
            try:
                take(engine, message, ("one", "two"), conversation=conversation)
                assert message not in acknowledged
                acknowledged.append(message)
            except Done:
                assert message in acknowledged
    assert history(engine, conversation) == acknowledged
    assert numbers(engine, conversation) == list(range(1, turns.load(engine, conversation).head.number + 1))
    turns.erase(engine, conversation)


def old_rows(engine) -> None:
    """Leave a database as the version before made it, with a conversation of Rasa's own tracker store in it."""
    with engine.begin() as connection:
        command.upgrade(schema._alembic(connection), "said")
        connection.exec_driver_sql("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), type_name VARCHAR(255), timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)")
        rows = [(1, "a", "session_started"), (2, "a", "user"), (3, "b", "user"), (4, "a", "session_started"), (5, "a", "user"), (6, "a", "bot")]
        for number, sender, kind in rows:
            connection.exec_driver_sql(f"""INSERT INTO events (id, sender_id, type_name, timestamp, data) VALUES ({number}, '{sender}', '{kind}', 1.5, '{{"event": "{kind}", "text": "{number}"}}')""")
        inbox_rows = sa.table("inbox", *(sa.column(name, sa.JSON) if name == "replies" else sa.column(name, sa.DateTime(timezone=True)) if name == "at" else sa.column(name) for name in ("conversation_id", "message_id", "at", "replies", "region", "keep_days", "said")))
        for minutes, message in ((2, "m2"), (1, "m1")):
            connection.execute(sa.insert(inbox_rows).values(conversation_id="a", message_id=message, at=NOON + timedelta(minutes=minutes), replies=[], region="uk", keep_days=0, said=message))


def test_what_an_earlier_version_kept_goes_on(database_url):
    engine = schema.make_engine(database_url)
    old_rows(engine)
    schema.migrate(engine)

    stored = turns.load(engine, "a")
    assert (stored.head.number, [data["text"] for _, data in stored.events]) == (5, ["4", "5"])
    assert (numbers(engine), numbers(engine, "b")) == ([1, 2, 3, 4, 5], [1])
    assert history(engine) == ["m1", "m2"]
    take(engine, "m3")
    assert (numbers(engine), history(engine)) == ([1, 2, 3, 4, 5, 6], ["m1", "m2", "m3"])
    assert not sa.inspect(engine).has_table("events")
    with engine.begin() as connection:
        command.downgrade(schema._alembic(connection), "said")
    assert "conversation_event" not in sa.inspect(engine).get_table_names()
    engine.dispose()
