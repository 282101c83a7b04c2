"""Whatever was reviewed is reviewed again: thirty days before `review_by` a warning, after it a failure."""

from __future__ import annotations

import dataclasses
import warnings
from datetime import date, timedelta

import pytest

from sijbot import clock
from sijbot.content import load
from sijbot.settings import ROOT

CONTENT = load(ROOT / "content")
WARN_WITHIN = timedelta(days=30)
REVIEWED = [pytest.param(record, id=f"{type(record).__name__}-{content_id}") for content_id, record in CONTENT.reviewed()]


def is_overdue(record, today: date) -> bool:
    """Return whether the day to review it by has passed; warn where that day is near."""
    if today <= record.review_by <= today + WARN_WITHIN:
        warnings.warn(f"'{record.title}' is to be reviewed by {record.review_by}", stacklevel=2)
    return today > record.review_by


@pytest.fixture
def answer():
    return dataclasses.replace(CONTENT.answers["anatomy"], review_by=date(2030, 6, 30))


def test_the_day_after_is_overdue(answer):
    assert is_overdue(answer, date(2030, 7, 1))


@pytest.mark.parametrize("today", [date(2030, 6, 30), date(2030, 5, 31)])
def test_within_thirty_days_there_is_a_warning(answer, today):
    with pytest.warns(UserWarning, match="2030-06-30"):
        assert not is_overdue(answer, today)


def test_thirty_one_days_before_there_is_none(answer, recwarn):
    assert not is_overdue(answer, date(2030, 5, 30))

    assert not recwarn


@pytest.mark.filterwarnings("always::UserWarning")  # shown also where Python was started with -W ignore
@pytest.mark.parametrize("record", REVIEWED)
def test_review_is_not_overdue(record):
    assert not is_overdue(record, clock.now().date())


@pytest.mark.parametrize("record", REVIEWED)
def test_review_has_a_source_and_an_end(record):
    assert record.sources

    assert record.reviewed_on < record.review_by
