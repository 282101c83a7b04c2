"""Facts about the person: what is not said stays unknown."""

import pytest

from sijbot.content.model import SITUATIONS
from sijbot.facts import DetailFinder, SituationFinder, Situations, of_age


@pytest.fixture(scope="module")
def find(content) -> SituationFinder:
    return SituationFinder(content.situations)


@pytest.mark.parametrize("text", ["", " ", "\ud800", "😀", "my hip aches", "my needs are simple", "the belt is too stiff"])
def test_what_names_no_situation_gives_none(find, text):
    assert find(text) == Situations()


@pytest.mark.parametrize("text", ["I'm pregnant", "I’m pregnant", "IM PREGNANT", "Ｉ am pregnant", "I'm\u200b pregnant", "20 weeks pregnant, is it safe?"])
def test_a_situation_is_found_however_it_is_typed(find, text):
    assert find(text).named == ("pregnant",)


def test_several_situations_are_all_found_once_and_sorted(find):
    assert find("pensioner with diabetes, diabetic for years, on warfarin").named == ("blood_thinners", "diabetes", "over_65")


def test_every_phrase_of_every_situation_finds_it(find, content):
    missed = [(situation, word) for situation, cue in content.situations.items() for word in cue.words if situation not in find(f"well, {word}.").named]

    assert missed == []
    assert set(content.situations) <= set(SITUATIONS)


@pytest.mark.parametrize(
    "before, text, known",
    [
        ((), "I'm pregnant, week 20", ("pregnant",)), ((), "what changes when pregnant?", ()), ((), "my sister said it is worse when pregnant", ()),
        ((), "since my operation it aches", ("after_surgery",)), (("pregnant",), "and how should I sleep?", ("pregnant",)),
        (("pregnant",), "actually I'm not pregnant", ()), (("pregnant",), "I am on warfarin", ("blood_thinners", "pregnant")),
        (("osteoporosis",), "I don't have osteoporosis after all", ()), (("pregnant",), "I'm no longer pregnant, I gave birth in May", ("postpartum",)),
    ],
)  # fmt: skip
def test_what_is_said_of_the_person_is_kept_until_it_is_denied(find, before, text, known):
    assert find(text).known_after(before) == known


@pytest.mark.parametrize(
    ("text", "situations"),
    [
        ("im 15", ("under_16",)), ("im 16", ()), ("aged 16", ()), ("i am 15 years old", ("under_16",)), ("64 years old", ()), ("65 years old", ("over_65",)), ("im 40", ()),
        ("im 15 weeks", ()), ("im 15 weeks pregnant", ()), ("im 5", ()), ("age 121", ()), ("no age told", ()),
    ],
)  # fmt: skip
def test_an_age_tells_a_child_and_somebody_old(content, text, situations):
    numbers = content.programme.numbers

    assert of_age(text, numbers.child_under, numbers.old_from) == situations


@pytest.mark.parametrize(("week", "known"), [(3, None), (4, "4"), (42, "42"), (43, None)])
def test_a_week_of_pregnancy_is_one_that_there_is(details, week, known):
    assert details(f"i am {week} weeks pregnant", {}).get("week") == known


@pytest.fixture(scope="module")
def details(content) -> DetailFinder:
    return DetailFinder(content.details, content.programme.numbers.weeks_of_pregnancy)


@pytest.mark.parametrize(
    "first, key, value, then, later",
    [
        ("its on the left, just above my bum cheek", "side", "left", "hang on i mean right, i always mix them up", "right"),
        ("Right sided pain near the dimple", "side", "right", "it's gone over to both sides this week", "both"),
        ("hurts both sides tbh", "side", "both", "actually when i press its only the left one", "left"),
        ("im 24 weeks along and my pelvis is killing me", "week", "24", "checked my notes, it's 26 weeks not 24", "26"),
        ("I am pregnant in week 18, pain behind", "week", "18", "the midwife corrected me after the scan, I am week 20", "20"),
        ("pain's about a 7 out of 10", "score", "7", "down to a 4 today", "4"),
        ("id give it 3/10, more annoying than anything", "score", "3", "scrap that, after hoovering its an 8", "8"),
        ("On the scale from zero to ten I would say 5", "score", "5", "maybe six is more honest", "6"),
        ("sitting does it in every time", "worse", "sitting", "sitting's ok now tbh, it's stairs that hurt", "stairs"),
        ("it gets worse when I stand on one leg", "worse", "standing_up", "No wait, standing is fine. Turning in bed is what makes it bad.", "getting_out_of_bed"),
        ("walking really sets mine off", "worse", "walking", "i walked 2 miles no bother, driving is the culprit i think", "driving"),
        ("is more painful by lifting my little son", "worse", "lifting", "lifting is not the problem I noticed, more the long sitting", "sitting"),
        ("had this since March", "since", "since march", "thinking about it, it began back in january", "since january"),
        ("been going on about 3 weeks", "since", "for 3 weeks", "wife says its more like 2 months lol", "for 2 months"),
    ],
)  # fmt: skip
def test_what_is_told_of_the_pain_is_kept_and_the_later_word_counts(details, first, key, value, then, later):
    before = details(first, {})
    assert before[key] == value
    assert details(then, before)[key] == later


@pytest.mark.parametrize("text", ["", "how should I sleep?", "I'm right here", "is sitting all right?", "what helps after 6 weeks of it being over?", "😀 \ud800"])
def test_what_tells_nothing_of_the_pain_changes_no_side_score_or_week(details, text):
    known = {"side": "left", "score": "4", "worse": "stairs"}
    assert {key: details(text, known).get(key) for key in (*known, "week")} == {**known, "week": None}


def test_what_makes_it_worse_leads_to_an_answer(content):
    assert {key.removeprefix("worse_") for key in content.details if key.startswith("worse_")} <= set(content.answers)
