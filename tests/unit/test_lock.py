"""What a raised level forbids until it is resolved."""

from datetime import datetime, timedelta, timezone

import pytest

from sijbot.triage.assess import Assessment, Finding
from sijbot.triage.assessment import SEEN
from sijbot.triage.lock import LIFETIME, Lock, after, highest, standing

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
LATER = NOON + timedelta(hours=1)


def said(outcome: str, *findings: tuple[str, str]) -> Assessment:
    return Assessment(outcome, tuple(Finding(flag, outcome, level, 0, 1) for flag, level in findings))


@pytest.mark.parametrize("outcome", ["none", "inform", "ask"])
@pytest.mark.parametrize("lock", [None, Lock("urgent", ("foot_drop",), NOON)])
def test_what_is_no_alarm_changes_no_lock(outcome, lock):
    assert after(lock, said(outcome, ("stroke", "emergency")), LATER) == lock


def test_an_alarm_raises_a_lock():
    lock = after(None, said("alarm", ("foot_drop", "urgent")), NOON)

    assert lock == Lock("urgent", ("foot_drop",), NOON)


def test_a_higher_alarm_raises_the_lock_names_its_flags_first_and_starts_its_time_again():
    lock = after(Lock("soon", ("severe_pain",), NOON), said("alarm", ("stroke", "emergency")), LATER)

    assert lock == Lock("emergency", ("stroke", "severe_pain"), LATER)


def test_a_lower_alarm_lowers_nothing_and_is_added():
    lock = after(Lock("emergency", ("stroke",), NOON), said("alarm", ("severe_pain", "soon")), LATER)

    assert (lock.level, lock.flags) == ("emergency", ("stroke", "severe_pain"))


def test_a_flag_that_is_raised_twice_stands_once():
    lock = after(Lock("urgent", ("foot_drop",), NOON), said("alarm", ("stroke", "emergency"), ("foot_drop", "urgent")), LATER)

    assert lock.flags == ("stroke", "foot_drop")


def test_findings_that_are_no_alarm_do_not_enter_the_lock():
    mixed = Assessment("alarm", (Finding("stroke", "alarm", "emergency", 0, 1), Finding("foot_drop", "inform", "urgent", 2, 3)))

    assert after(None, mixed, NOON).flags == ("stroke",)


@pytest.mark.parametrize("lower", [None, Lock("soon", ("severe_pain",), LATER), Lock("urgent", ("foot_drop",), LATER)])
def test_of_two_locks_the_higher_counts_whichever_comes_first(lower):
    emergency = Lock("emergency", ("stroke",), NOON)

    assert highest(lower, emergency) == highest(emergency, lower) == emergency


def test_of_no_locks_none_counts():
    assert highest(None, None) is None


@pytest.mark.parametrize("age, holds", [(LIFETIME - timedelta(microseconds=1), True), (LIFETIME, False)])
def test_a_lock_holds_for_seven_days(age, holds):
    lock = Lock("urgent", ("foot_drop",), NOON)

    assert LIFETIME == timedelta(days=7)
    assert standing(lock, NOON + age) == (lock if holds else None)


def test_where_there_is_no_lock_none_stands():
    assert standing(None, NOON) is None


def test_being_seen_lifts_the_lock_at_any_level():
    lock = Lock("emergency", ("stroke",), NOON)

    assert after(lock, Assessment(facts=(SEEN,)), LATER) is None


def test_being_seen_lifts_nothing_where_a_sign_is_said_in_the_same_breath():
    lock = Lock("urgent", ("foot_drop",), NOON)
    seen_but_worse = Assessment("alarm", (Finding("stroke", "alarm", "emergency", 0, 1),), facts=(SEEN,))

    assert after(lock, seen_but_worse, LATER).level == "emergency"


def test_a_sign_that_is_taken_back_goes_and_the_others_keep_the_level():
    lock = Lock("emergency", ("stroke", "foot_drop"), NOON)

    assert after(lock, Assessment(corrected=("stroke",)), LATER) == Lock("emergency", ("foot_drop",), NOON)
    assert after(lock, Assessment(corrected=("stroke", "foot_drop")), LATER) is None


def test_a_lock_survives_its_json_form():
    lock = Lock("emergency", ("stroke",), NOON)

    assert Lock.from_dict(lock.to_dict()) == lock and Lock.from_dict(None) is None
