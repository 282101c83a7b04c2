"""The one clock, which tests move."""

from datetime import timedelta

import pytest

from sijbot import clock

DAY_S = 24 * 60 * 60


@pytest.fixture(autouse=True)
def clock_is_put_back():
    yield
    clock.reset()


def test_now_is_in_utc_and_agrees_with_the_timestamp():
    assert clock.now().utcoffset() == timedelta()
    assert clock.now().timestamp() == pytest.approx(clock.timestamp(), abs=5)


def test_advance_moves_both_and_adds_up():
    now, timestamp = clock.now(), clock.timestamp()

    clock.advance(timedelta(days=1))
    clock.advance(timedelta(days=1))

    assert (clock.now() - now).total_seconds() == pytest.approx(2 * DAY_S, abs=5)
    assert clock.timestamp() - timestamp == pytest.approx(2 * DAY_S, abs=5)


def test_reset_goes_back_to_the_time_of_the_system():
    before = clock.timestamp()
    clock.advance(timedelta(days=1))

    clock.reset()

    assert clock.timestamp() - before == pytest.approx(0, abs=5)
