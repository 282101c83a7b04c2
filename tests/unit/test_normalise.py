"""Folding: what people type and what they mean become the same text, and every character knows where it came from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sijbot.language.normalise import fold

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ud800", "\x00", "\x07"])
def test_invisible_characters_and_lone_surrogates_are_left_out(invisible):
    assert fold(f"nu{invisible}mb").text == "numb"


@pytest.mark.parametrize("typed", ["can't", "can’t", "can‘t", "can`t", "can´t", "canʼt", "can＇t", "cant", "CAN'T", "ｃａｎｔ"])
def test_every_way_of_writing_cant_becomes_one_word(typed):
    assert fold(typed).text == "cant"


@pytest.mark.parametrize("space", ["\t", "\u00a0", "\u2003", "\u3000", "\r"])
def test_every_kind_of_space_becomes_a_space(space):
    assert fold(f"numb{space}legs").text == "numb legs"


def test_line_breaks_stay_because_they_end_sentences():
    assert fold("numb\nlegs").text == "numb\nlegs"


def test_empty_text_folds_to_empty_text():
    assert fold("").text == ""


@pytest.mark.parametrize(
    "original, word, expected",
    [
        ("👩‍👧 I can’t pee", "cant", "can’t"),
        ("a \u200bnu\u200bmb leg", "numb", "nu\u200bmb"),
        ("ﬁrst ｎｕｍｂ", "numb", "ｎｕｍｂ"),
        ("ﬁrst numb", "first", "ﬁrst"),
        ("ẞtraße numb", "numb", "numb"),
    ],
)
def test_a_span_of_the_folded_text_names_the_code_points_of_the_original(original, word, expected):
    folded = fold(original)
    start = folded.text.index(word)

    begin, end = folded.original_span(start, start + len(word))

    assert original[begin:end] == expected


@settings(derandomize=True, deadline=None, max_examples=150)
@given(ANY_TEXT)
def test_any_text_folds_with_one_rising_origin_for_each_character(text):
    folded = fold(text)

    assert len(folded.origin) == len(folded.text) + 1
    assert folded.origin[-1] == len(text)
    assert list(folded.origin) == sorted(folded.origin)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(ANY_TEXT)
def test_folding_leaves_no_apostrophe_and_no_surrogate(text):
    folded = fold(text).text

    assert "'" not in folded and "’" not in folded
    assert not any("\ud800" <= character <= "\udfff" for character in folded)
