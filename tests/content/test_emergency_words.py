"""The texts that say when to get help name the emergencies, and where to call."""

from __future__ import annotations

import re

import pytest

from sijbot.content import load
from sijbot.settings import ROOT

CONTENT = load(ROOT / "content")
SEEK_HELP = CONTENT.answers["when_to_seek_help"]

# id of a flag -> how plain texts name it
IN_EVERY_TEXT = {
    "ces_bladder_incontinence": r"(control|holding|hold)\b.* pee|bladder",
    "ces_bladder_retention": r"(can't|cannot|trouble passing\b.*) pee",
    "ces_bowel": r"\bpoo\b|\bbowel",
    "ces_saddle_numbness": r"numbness between (the|your) legs",
    "ces_bilateral_leg": r"both legs",
    "leg_weakness_severe": r"getting (weaker|worse)",
}
IN_THE_ANSWER = {**IN_EVERY_TEXT, "major_trauma": "serious accident", "chest_pain": "chest pain", "spinal_infection_fever": "fever with confusion"}
TEXTS = (
    [(SEEK_HELP.short, flag, words) for flag, words in IN_THE_ANSWER.items()]
    + [(SEEK_HELP.more, flag, words) for flag, words in IN_THE_ANSWER.items()]
    + [(CONTENT.wording["safety_net"], flag, words) for flag, words in IN_EVERY_TEXT.items()]
)
NAMES_THE_DANGER = ("fault", "unavailable", "too_long", "too_many", "not_erased", "bad_request", "not_here", "no_token", "greeting", "safety_net")


@pytest.mark.parametrize("text, flag, words", TEXTS, ids=lambda value: value if value in IN_THE_ANSWER else "")
def test_sign_is_named(text, flag, words):
    assert CONTENT.red_flags[flag].level == "emergency" or any(pattern.level == "emergency" for pattern in CONTENT.red_flags[flag].patterns)

    assert re.search(words, " ".join(text.split()), re.I)


@pytest.mark.parametrize("text", [SEEK_HELP.short, SEEK_HELP.more], ids=["short", "more"])
def test_emergencies_stand_first(text):
    first = re.split(r"(?<=\.)\s", text)[0].casefold()

    assert first.startswith("emergency")


@pytest.mark.parametrize("key", NAMES_THE_DANGER)
def test_text_says_whom_to_call(key):
    assert "{emergency_line}" in CONTENT.wording[key]


@pytest.mark.parametrize("name", sorted(set(CONTENT.hand_offs) - {"soon"}))
def test_hand_off_says_whom_to_call(name):
    text = CONTENT.hand_offs[name].text

    assert "{emergency_line}" in text or "{emergency_number}" in text


def test_other_language_is_told_whom_to_call():
    assert "{emergency_line}" in CONTENT.wording["declined_other_language"] and "cannot check" in CONTENT.wording["declined_other_language"]


@pytest.mark.parametrize("text", [CONTENT.hand_offs["crisis"].text, CONTENT.hand_offs["abuse"].text, CONTENT.wording["declined_about_the_service"]], ids=["crisis", "abuse", "service"])
def test_text_says_that_nobody_was_told(text):
    assert re.search(r"not alerted anybody|told nobody|nobody reads this", text)


@pytest.mark.parametrize("code", sorted(CONTENT.regions))
def test_emergency_line_says_the_number(code):
    region = CONTENT.regions[code]

    assert region.emergency_number in region.emergency_line


@pytest.mark.parametrize("code, number", [("uk", "999"), ("us", "911"), ("ca", "911"), ("au", "000"), ("eu", "112")])
def test_emergency_number_is_that_of_the_country(code, number):
    assert CONTENT.regions[code].emergency_number == number
