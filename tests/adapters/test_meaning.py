"""The third layer: what is near a red flag in meaning is asked about, and nothing else."""

from __future__ import annotations

import pytest

from sijbot.content import Content
from sijbot.runtime import load_screen
from sijbot.settings import Settings
from sijbot.triage import Known, Screen
from sijbot.triage.assess import ALARM, ASK, NONE

pytestmark = pytest.mark.slow

# No word of these stands in a pattern as it is said here.
NEAR = ("when I dry myself after a shower I have to look because I cannot tell where the towel is", "it is as if somebody unplugged my lower half")
HARMLESS = ("which cushion do you like for a long car ride", "my dog likes the new sofa", "how do I do the bridge without cramp", "left")


@pytest.fixture(scope="module")
def whole(trained: Settings, content: Content) -> Screen:
    return load_screen(trained, content)


@pytest.mark.parametrize("text", NEAR)
def test_what_is_near_in_meaning_leads_to_a_question_and_never_to_an_alarm(whole: Screen, text: str) -> None:
    assert whole(text).outcome == NONE

    assessment = whole.with_meaning(text)

    assert assessment.outcome == ASK
    assert assessment.level in ("emergency", "urgent")


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_talk_is_not_asked_about(whole: Screen, text: str) -> None:
    assert whole.with_meaning(text).outcome == NONE


def test_what_the_patterns_find_stays_as_it_is(whole: Screen) -> None:
    text = "I can't feel when I wipe"

    assert whole.with_meaning(text) == whole(text)
    assert whole(text).outcome == ALARM


@pytest.mark.parametrize("text", ["no numbness between my legs", "no numbness anywhere else, bladder fine", "not numb anywhere, toilet is normal", "pee and poo are normal", "bladder fine, no numbness"])
def test_a_denied_sign_is_not_asked_about(whole: Screen, text: str) -> None:
    assert whole.with_meaning(text).outcome == NONE


def test_a_flag_that_was_denied_once_is_not_asked_about_again(whole: Screen) -> None:
    flag = whole.with_meaning(NEAR[0]).flags[0]

    assert whole.with_meaning(NEAR[0], Known(answered_no=(flag,))).outcome == NONE


def test_without_training_the_screen_says_the_same(content: Content) -> None:
    bare = Screen(content)

    assert bare.with_meaning(NEAR[0]) == bare(NEAR[0])
