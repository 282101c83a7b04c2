"""Misspelt words are read as the words that were meant; English words stay as they are."""

from __future__ import annotations

import pytest

from sijbot.language.spelling import Speller, english_words

SPELLER = Speller(["bladder", "numb", "numbness", "legs", "feel", "cant", "between", "tingling", "leaking", "urine"], {"cannae": "cant", "baith": "both"})


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("bldder", "bladder"), ("bladdr", "bladder"), ("bladedr", "bladder"), ("numbnes", "numbness"), ("nubmness", "numbness"),
        ("tnigling", "tingling"), ("cnat", "cant"), ("fele", "feel"), ("cannae", "cant"), ("baith", "both"), ("numbbbb", "numb"), ("leeegs", "legs"),
    ],
)  # fmt: skip
def test_a_slip_is_mended(typed, meant):
    assert SPELLER.meant(typed) == (meant,)


@pytest.mark.parametrize("word", ["dumb", "thumb", "ladder", "logs", "fell", "single", "jingling", "clam", "braces", "midwife", "xqzv", "l5", "7", ""])
def test_an_english_word_or_what_is_near_nothing_stays(word):
    assert SPELLER.meant(word) == (word,)


@pytest.mark.parametrize("word", ["word" * 2500, "betweenlegs" * 6])
def test_what_is_too_long_to_be_a_word_stays_and_no_place_in_it_is_tried(word, monkeypatch):
    def fails(*_):
        raise AssertionError("was tried")

    monkeypatch.setattr("sijbot.language.spelling.split_words", fails)

    assert SPELLER.meant(word) == (word,)


def test_a_word_that_is_only_stretched_is_not_too_long():
    assert SPELLER.meant("n" + "u" * 5000 + "mb") == ("numb",)


def test_a_space_left_out_is_put_in():
    assert SPELLER.meant("betweenlegs") == ("between", "legs")
    assert SPELLER.meant("numblegs") == ("numb", "legs")


def test_a_known_word_of_the_vocabulary_is_never_changed():
    assert all(SPELLER.meant(word) == (word,) for word in ("bladder", "cant", "urine"))


def test_the_english_words_are_many_and_hold_no_misspelling():
    assert len(english_words()) > 100_000
    assert not {"numness", "incontinance", "bldder"} & english_words()


@pytest.mark.parametrize(
    "text, flag",
    [
        ("i hvae lost contorl of my bladdder", "ces_bladder_incontinence"),
        ("cannae feel when I wipe masel", "ces_saddle_numbness"),
        ("baith ma legs are tinglin", "ces_bilateral_leg"),
        ("my leg is getting weeeaker every day", "leg_weakness_severe"),
        ("numb between mylegs", "ces_saddle_numbness"),
        ("I саn't feel when I wipe", "ces_saddle_numbness"),  # two Cyrillic letters
    ],
)
def test_the_screen_reads_misspelt_messages(screen, text, flag):
    assert flag in screen(text).flags
