"""Sessions, sets, diary entries and consent in the database, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from sijbot.records import coach, repository, turns, schema

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
TODAY = NOON.date()
PLAN = [{"exercise": "heel_slide", "posture": "back", "rounds": 2, "count": 6, "level": 0}]


def session(number: int = 1, logged: tuple = (), is_over: bool = False, conversation: str = "a", at: datetime = NOON) -> coach.StoredSession:
    return coach.StoredSession(f"s{number}", conversation, 1, {"logged": [list(each) for each in logged], "plan": PLAN}, None, is_over, at.date(), at, at)


def sets_of(connection) -> list[tuple]:
    columns = schema.EXERCISE_SET.c
    return [tuple(row) for row in connection.execute(sa.select(columns.place, columns.round).order_by(columns.place, columns.round))]


def test_a_session_comes_back_as_it_was_written(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        assert coach.newest_session(connection, "a") == session()
        assert coach.newest_session(connection, "b") is None


def test_a_turn_raises_the_version_and_keeps_the_state_before(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        found = coach.newest_session(connection, "a")
        coach.update_session(connection, found.after({"logged": [], "plan": [], "stage": "next"}, found.state, found.version, False, NOON), found)
        written = coach.newest_session(connection, "a")

    assert (written.version, written.before, written.state["stage"]) == (2, session().state, "next")
    assert written.acknowledged(2) == (written.state, 2)
    assert written.acknowledged(None) == (written.state, 2)
    assert written.acknowledged(1) == (written.before, 1)


def test_a_turn_done_anew_takes_the_place_of_the_one_that_was_never_acknowledged(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        found = coach.newest_session(connection, "a")
        coach.update_session(connection, found.after({"logged": [[0, 1]], "plan": PLAN}, found.state, 1, False, NOON), found)
        ahead = coach.newest_session(connection, "a")
        state, version = ahead.acknowledged(1)
        coach.update_session(connection, ahead.after({"logged": [], "plan": PLAN}, state, version, False, NOON), ahead)

        assert coach.newest_session(connection, "a").version == 2


def test_somebody_else_having_written_is_a_conflict(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        found = coach.newest_session(connection, "a")
        coach.update_session(connection, found.after({}, {}, 1, False, NOON), found)

        with pytest.raises(coach.Conflict):
            coach.update_session(connection, found.after({}, {}, 1, False, NOON), found)


def test_a_set_is_logged_once_however_often_it_is_reported(engine):
    with engine.begin() as connection:
        for _ in range(3):
            coach.log_sets(connection, session(logged=((0, 1), (0, 2))), NOON)

        assert sets_of(connection) == [(0, 1), (0, 2)]


def test_a_set_of_a_turn_that_was_done_anew_otherwise_goes(engine):
    with engine.begin() as connection:
        coach.log_sets(connection, session(logged=((0, 1), (0, 2))), NOON)
        coach.log_sets(connection, session(logged=((0, 1),)), NOON)

        assert sets_of(connection) == [(0, 1)]


def test_only_sessions_that_are_over_count_as_past_and_the_newest_is_the_newest(engine):
    with engine.begin() as connection:
        for days in range(1, coach.PAST_SESSIONS_READ + 3):
            coach.insert_session(connection, session(days, is_over=True, at=NOON - timedelta(days)))
        coach.insert_session(connection, session(99))
        past = coach.past_sessions(connection, "a")

        assert coach.newest_session(connection, "a").id == "s99"
        assert len(past) == coach.PAST_SESSIONS_READ and [each.id for each in past][-2:] == ["s2", "s1"]


def test_how_the_day_after_was_is_written_behind_the_session(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session(is_over=True))
        coach.set_day_after(connection, "s1", "no")

        assert coach.past_sessions(connection, "a")[0].day_after == "no"


def test_diary_entries_are_of_one_person_in_order_and_can_be_corrected(engine):
    with engine.begin() as connection:
        coach.add_entry(connection, "a", coach.Entry(TODAY, 8, "driving"), NOON)
        coach.add_entry(connection, "a", coach.Entry(TODAY - timedelta(2), 5), NOON)
        coach.add_entry(connection, "b", coach.Entry(TODAY, 1), NOON)
        latest = coach.latest_entry(connection, "a", TODAY)
        coach.correct_entry(connection, latest.id, 3, None)

        assert [(entry.day, entry.pain, entry.worse) for entry in coach.diary(connection, "a")] == [(TODAY - timedelta(2), 5, None), (TODAY, 3, "driving")]
        assert [entry.pain for entry in coach.diary(connection, "a", TODAY)] == [3]


def test_a_pain_of_a_session_is_not_what_a_correction_is_about(engine):
    with engine.begin() as connection:
        coach.add_entry(connection, "a", coach.Entry(TODAY, 4, source=schema.BEFORE_SESSION), NOON)

        assert coach.latest_entry(connection, "a") is None


def test_the_last_word_on_keeping_counts(engine):
    with engine.begin() as connection:
        assert coach.keeping(connection, "a") == coach.Keeping()
        coach.write_keeping(connection, "a", True, False, NOON)
        coach.write_keeping(connection, "a", True, True, NOON)

        assert coach.keeping(connection, "a") == coach.Keeping(True, True, NOON)


@pytest.mark.parametrize(("days", "is_agreed", "is_outdated"), [(7, None, False), (8, None, True), (8, False, True), (8, True, False), (30, True, False), (31, True, True)])
def test_what_is_too_old_is_found_by_what_was_agreed(engine, days, is_agreed, is_outdated):
    at = NOON - timedelta(days)
    with engine.begin() as connection:
        coach.add_entry(connection, "a", coach.Entry(TODAY, 4), at)
        coach.insert_session(connection, session(at=at - timedelta(3)))
        if is_agreed is not None:
            coach.write_keeping(connection, "a", is_agreed, False, at)

        assert repository.outdated(connection, NOON, timedelta(7), timedelta(30)) == (["a"] if is_outdated else [])


def test_everything_of_one_person_is_found_and_erased(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        coach.insert_session(connection, session(2, conversation="b"))
        coach.log_sets(connection, session(logged=((0, 1),)), NOON)
        coach.add_entry(connection, "a", coach.Entry(date(2026, 11, 30), 4), NOON)
        coach.write_keeping(connection, "a", True, False, NOON)
        found = coach.everything(connection, "a")

        assert {name: len(rows) for name, rows in found.items() if rows} == {"coach_session": 1, "exercise_set": 1, "diary_entry": 1, "keeping": 1}
        assert found["diary_entry"][0]["day"] == "2026-11-30"
    turns.erase(engine, "a")

    with engine.connect() as connection:
        assert not any(coach.everything(connection, "a").values())
        assert coach.newest_session(connection, "b") == session(2, conversation="b")


def test_a_version_read_by_two_is_written_by_one(engine):
    with engine.begin() as connection:
        coach.insert_session(connection, session())
        found = coach.newest_session(connection, "a")
    with engine.begin() as connection:
        coach.update_session(connection, replace(found, version=2), found)
    with engine.begin() as connection, pytest.raises(coach.Conflict):
        coach.update_session(connection, replace(found, version=2), found)
