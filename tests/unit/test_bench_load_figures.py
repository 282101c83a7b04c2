"""What a load measurement makes of what it saw."""

from __future__ import annotations

import dataclasses
import math

import pytest

from sijbot.bench_load_figures import (
    ANSWERED, NOBODY, SHED, Kept, Losses, Outcome, error_count, final_times_s, first_times_s, losses, percentile, served_times_s, slope, tries_of, windows,
)  # fmt: skip

GOOD = Outcome(person=1, kind="question", due_s=10.0, sent_s=12.0, first_s=12.5, done_s=14.0, tries=(ANSWERED,))
CLEAN = Kept(sent=("a", "b", "c"), acknowledged=("a", "b", "c"), history=("a", "b", "c"))


@pytest.mark.parametrize("share, value", [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile_is_the_smallest_that_so_many_do_not_exceed(share, value):
    assert percentile(list(range(100, 0, -1)), share) == value


def test_what_never_came_is_longer_than_anything():
    times = final_times_s([GOOD] * 98 + [dataclasses.replace(GOOD, done_s=None)] * 2)

    assert percentile(times, 0.98) == 4.0 and percentile(times, 0.99) == math.inf


def test_nothing_has_no_percentile():
    assert math.isnan(percentile([], 0.5))


def test_times_count_from_typing_but_for_what_the_server_alone_is_responsible_for():
    assert (final_times_s([GOOD]), first_times_s([GOOD]), served_times_s([GOOD])) == ([4.0], [2.5], [0.5])


@pytest.mark.parametrize(
    "change, is_seen",
    [
        pytest.param({}, False, id="in time"),
        pytest.param({"done_s": 15.0}, False, id="three seconds"),
        pytest.param({"done_s": 15.1}, True, id="later"),
        pytest.param({"done_s": None}, True, id="never"),
        pytest.param({"sent_s": None}, True, id="not sent"),
        pytest.param({"tries": (SHED, ANSWERED)}, True, id="refused first"),
        pytest.param({"tries": (NOBODY, ANSWERED)}, True, id="nobody there first"),
        pytest.param({"due_s": 1.0}, False, id="it waited for the one before, which is counted itself"),
    ],
)
def test_failure_that_the_person_sees(change, is_seen):
    assert dataclasses.replace(GOOD, **change).is_failure_seen == is_seen


def test_shed_with_a_sentence_is_no_error():
    tries = tries_of([dataclasses.replace(GOOD, tries=(SHED, "503", NOBODY, ANSWERED)), dataclasses.replace(GOOD, tries=(f"{SHED} without a sentence",))])

    assert error_count(tries) == 3 and tries[SHED] == 1


def test_all_that_was_acknowledged_stands_there():
    assert losses([CLEAN]) == Losses(conversations=1, acknowledged=3) and losses([CLEAN]).is_clean


@pytest.mark.parametrize(
    "change, what",
    [
        pytest.param({"history": ("a", "c")}, {"lost": 1}, id="lost"),
        pytest.param({"history": ()}, {"lost": 3}, id="all lost"),
        pytest.param({"history": ("a", "b", "b", "c")}, {"doubled": 1}, id="doubled"),
        pytest.param({"history": ("b", "a", "c")}, {"out_of_order": 1}, id="swapped"),
        pytest.param({"history": ("c", "a", "b")}, {"out_of_order": 2}, id="the last one first"),
        pytest.param({"history": ("a", "b", "c", "z")}, {"strange": 1}, id="of somebody else"),
        pytest.param({"different": 1}, {"different": 1}, id="other replies"),
    ],
)
def test_what_is_wrong_is_found(change, what):
    found = losses([CLEAN, dataclasses.replace(CLEAN, **change)])

    assert found == Losses(conversations=2, acknowledged=6, **what) and not found.is_clean


def test_what_was_not_acknowledged_may_stand_there_or_not():
    unsure = Kept(sent=("a", "b", "c"), acknowledged=("a", "c"), history=("a", "b", "c"))

    assert losses([unsure, dataclasses.replace(unsure, history=("a", "c"))]).is_clean


def test_history_that_cannot_be_read_is_not_taken_for_a_good_one():
    found = losses([dataclasses.replace(CLEAN, history=None)])

    assert found.unreadable == 1 and not found.is_clean


def test_of_an_erased_conversation_nothing_may_stand_there():
    erased = dataclasses.replace(CLEAN, is_erased=True)

    assert losses([dataclasses.replace(erased, history=None), dataclasses.replace(erased, history=())]).is_clean
    assert losses([dataclasses.replace(erased, history=("a", "b"))]).left_after_erasing == 2


def test_slope_is_the_rise_for_one():
    assert slope([(float(x), 400.0 + 0.25 * x) for x in range(20)]) == pytest.approx(0.25)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)] * 5, [(1.0, 2.0)] * 50])
def test_too_little_has_no_slope(points):
    assert slope(points) is None


def test_windows_are_by_the_moment_of_typing():
    parts = windows([GOOD, dataclasses.replace(GOOD, due_s=9.9), dataclasses.replace(GOOD, due_s=30.0)], 30.0)

    assert [len(part) for part in parts] == [1, 1, 1]
