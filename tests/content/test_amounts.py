"""What the coach counts is what the words of an exercise say."""

from __future__ import annotations

import re

import pytest

from sijbot.content import load
from sijbot.settings import ROOT

EXERCISES = load(ROOT / "content").exercises
NUMBER = re.compile(r"\d+")


def numbers_of(text: str) -> set[int]:
    return {int(number) for number in NUMBER.findall(text)}


@pytest.mark.parametrize("exercise_id", sorted(EXERCISES))
def test_amount_is_that_of_the_dose_in_words(exercise_id):
    exercise = EXERCISES[exercise_id]
    amount, told = exercise.amount, numbers_of(exercise.dose)

    assert {amount.least, amount.most} <= told
    assert amount.rounds == 1 or amount.rounds in told
    assert amount.each_side == ("each side" in exercise.dose or "each leg" in exercise.dose)


@pytest.mark.parametrize("exercise_id", [name for name, exercise in sorted(EXERCISES.items()) if exercise.amount.hold_s])
def test_hold_is_the_shortest_that_the_steps_tell(exercise_id):
    told = [numbers_of(step) for step in EXERCISES[exercise_id].steps if "second" in step]

    assert EXERCISES[exercise_id].amount.hold_s in {min(numbers) for numbers in told}


@pytest.mark.parametrize("exercise_id", sorted(EXERCISES))
def test_what_is_needed_stands_in_the_words_for_equipment(exercise_id):
    assert all(thing in EXERCISES[exercise_id].equipment for thing in EXERCISES[exercise_id].needs)
