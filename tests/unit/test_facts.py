"""Facts about the person: what is not said stays unknown."""

import pytest

from sijbot.content.model import SITUATIONS
from sijbot.facts import SituationFinder


@pytest.fixture(scope="module")
def find(content) -> SituationFinder:
    return SituationFinder(content.situations)


@pytest.mark.parametrize("text", ["", " ", "\ud800", "😀", "my hip aches", "my needs are simple", "the belt is too stiff"])
def test_what_names_no_situation_gives_none(find, text):
    assert find(text) == ()


@pytest.mark.parametrize("text", ["I'm pregnant", "I’m pregnant", "IM PREGNANT", "Ｉ am pregnant", "I'm\u200b pregnant", "20 weeks pregnant, is it safe?"])
def test_a_situation_is_found_however_it_is_typed(find, text):
    assert find(text) == ("pregnant",)


def test_several_situations_are_all_found_once_and_sorted(find):
    assert find("pensioner with diabetes, diabetic for years, on warfarin") == ("blood_thinners", "diabetes", "over_65")


def test_every_phrase_of_every_situation_finds_it(find, content):
    missed = [(situation, word) for situation, cue in content.situations.items() for word in cue.words if situation not in find(f"well, {word}.")]

    assert missed == []
    assert set(content.situations) <= set(SITUATIONS)
