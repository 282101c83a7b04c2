"""What the third layer makes of the words: it may agree, doubt or disagree in a story, and only raise in a short message."""

from __future__ import annotations

import dataclasses

import pytest

from sijbot.content.model import LEVELS
from sijbot.language.sign_reader import Scores
from sijbot.triage import Screen
from sijbot.triage.assessment import ALARM, ASK, INFORM, NONE, Assessment, Finding, assessment_of
from sijbot.triage.weigh import FEW_WORDS_AROUND, MORE_OF_VERY_LONG, MOST_CHARACTERS_READ, MOST_SENTENCES, SHORT_WORDS, WORDS_AROUND, Suspicion, Thresholds, sentence_around, weighed

THRESHOLDS = Thresholds(alarm=dict.fromkeys(LEVELS, 2.0), ask=dict.fromkeys(LEVELS, 0.0), short_alarm=dict.fromkeys(LEVELS, 2.0), short_ask=dict.fromkeys(LEVELS, 0.0), words=1.0, words_of_few=4.0, once_urgent=2.0, sentence=6.0, own_words=9.0)
RETENTION, SPEECH = "ces_bladder_retention", "stroke"
FOUND = Finding(RETENTION, ALARM, "emergency", 3, 9)


def suspicion(*findings: Finding, short: bool = False, few: bool = False, certain=(), named=(), denied_before=(), all_well: bool = False, facts_alone: bool = False, very_long: bool = False) -> Suspicion:
    return Suspicion(assessment_of(findings, (), None, ()), short, short or few, frozenset(certain), frozenset(named), tuple(denied_before), all_well, facts_alone, very_long)


def meant(content, emergency: float, urgent: float | None = None, flag: str = RETENTION) -> Scores:
    flags = {name: 3.0 if name == flag else -5.0 for name in content.red_flags}
    levels = {"emergency": emergency, "urgent": emergency if urgent is None else urgent, "soon": emergency if urgent is None else urgent}
    return Scores(levels, flags, {name: (1, 2) for name in flags})


@pytest.fixture
def verdict(content):
    return lambda seen, scores, alone=None: weighed(seen, scores, content, lambda finding, around: alone or meant(content, -9.0), THRESHOLDS)


@pytest.fixture
def read_texts(content):
    """A screen whose reader says that nothing is meant, and the texts that it was given to read."""
    texts: list[str] = []

    def read(text):
        texts.append(text)
        return meant(content, -9.0)

    return Screen(content, read), texts


def test_what_the_words_say_of_a_short_message_stands_whatever_it_means(content, verdict):
    assert verdict(suspicion(FOUND, short=True), meant(content, -99.0)).outcome == ALARM


@pytest.mark.parametrize("score, outcome", [(1.0, ALARM), (0.99, ASK), (-1.0, ASK), (-1.01, INFORM)])
def test_in_a_story_meaning_agrees_doubts_or_disagrees_and_words_count(content, verdict, score, outcome):
    assert verdict(suspicion(FOUND), meant(content, score)).outcome == outcome


@pytest.mark.parametrize("score, outcome", [(-2.0, ALARM), (-2.01, ASK), (-4.01, INFORM)])
def test_in_a_message_of_few_words_a_pattern_counts_for_more(content, verdict, score, outcome):
    assert verdict(suspicion(FOUND, few=True), meant(content, score)).outcome == outcome


def test_a_sign_in_a_story_is_never_passed_over_in_silence(content, verdict):
    assert verdict(suspicion(FOUND), meant(content, -99.0)).outcome == INFORM


def test_what_completes_earlier_turns_needs_no_agreement(content, verdict):
    assert verdict(suspicion(FOUND, certain=[RETENTION]), meant(content, -9.0)).outcome == ALARM


def test_in_a_story_meaning_without_any_word_of_the_sign_asks_and_never_alarms(content, verdict):
    judged = verdict(suspicion(), meant(content, 99.0))

    assert (judged.outcome, judged.flags) == (ASK, (RETENTION,))


@pytest.mark.parametrize("score, outcome", [(2.0, ALARM), (1.99, ASK), (0.0, ASK), (-0.01, NONE)])
def test_meaning_with_a_word_of_the_sign_alarms_where_it_is_sure(content, verdict, score, outcome):
    assert verdict(suspicion(named=[RETENTION]), meant(content, score)).outcome == outcome


@pytest.mark.parametrize("score, outcome", [(2.0, ALARM), (1.99, ASK), (0.0, ASK), (-0.01, NONE)])
def test_in_a_short_message_meaning_alarms_by_itself_where_it_is_sure(content, verdict, score, outcome):
    assert verdict(suspicion(short=True), meant(content, score)).outcome == outcome


def test_what_the_words_say_of_a_short_message_is_not_weighed(read_texts):
    screen, texts = read_texts

    assert screen.verdict("my left foot keeps dragging since Tuesday").outcome == ALARM
    assert texts == []


def test_what_was_asked_about_and_denied_is_not_asked_about_again(content, verdict):
    assert verdict(suspicion(denied_before=[RETENTION]), meant(content, 1.0)).outcome == NONE


@pytest.mark.parametrize("score, outcome", [(1.99, NONE), (2.0, ASK)])
def test_a_short_message_that_says_all_is_well_is_asked_about_only_where_its_meaning_is_sure(content, verdict, score, outcome):
    assert verdict(suspicion(short=True, all_well=True, named=[RETENTION]), meant(content, score)).outcome == outcome


def test_a_short_message_that_says_all_is_well_is_asked_about_where_only_the_lower_level_is_sure(content, verdict):
    judged = verdict(suspicion(short=True, all_well=True), meant(content, 0.5, urgent=2.0, flag="foot_drop"))

    assert (judged.outcome, judged.flags) == (ASK, ("foot_drop",))


def test_a_sign_in_a_story_that_was_denied_before_is_told_about_and_not_asked_about(content, verdict):
    assert verdict(suspicion(FOUND, denied_before=[RETENTION]), meant(content, 0.5)).outcome == INFORM


@pytest.mark.parametrize("score, outcome", [(4.49, NONE), (4.5, ALARM)])
def test_a_fact_told_in_very_few_words_is_not_asked_about_and_alarms_where_its_meaning_is_sure(content, verdict, score, outcome):
    assert verdict(suspicion(short=True, facts_alone=True, named=[RETENTION]), meant(content, score)).outcome == outcome


def test_of_a_very_long_message_meaning_alone_asks_only_where_it_is_sure(content, verdict):
    assert verdict(suspicion(very_long=True), meant(content, 1.99)).outcome == NONE
    assert verdict(suspicion(very_long=True), meant(content, 2.0)).outcome == ASK


@pytest.mark.parametrize("score, outcome", [(2.0 + MORE_OF_VERY_LONG, ALARM), (1.99 + MORE_OF_VERY_LONG, ASK)])
def test_of_a_very_long_message_meaning_alarms_only_where_it_is_surer_still(content, verdict, score, outcome):
    assert verdict(suspicion(very_long=True, named=[RETENTION]), meant(content, score)).outcome == outcome


def test_violence_or_wanting_to_die_told_in_a_story_is_at_least_asked_about(content, verdict):
    told = Finding("suicidal_ideation", ALARM, "urgent", 3, 9)

    assert verdict(suspicion(told), meant(content, -99.0)).outcome == ASK


def test_a_certain_emergency_does_not_wait_for_the_reader(read_texts):
    screen, texts = read_texts

    assert screen.verdict("I can't pee").level == "emergency"
    assert texts == []


def test_where_the_reader_fails_the_words_decide(content, screen):
    def fails(text):
        raise RuntimeError("no model")

    text = "We had tea and talked about the garden and the weather and the neighbours and their new car, and by the way since yesterday I can't pee at all."
    assert len(text.split()) > SHORT_WORDS

    assert Screen(content, fails).verdict(text) == screen(text)
    assert screen(text).level == "emergency"


def test_of_a_message_that_is_too_long_to_read_the_words_decide(read_texts, screen):
    (reading, texts), line = read_texts, "We had tea and talked about the garden. "
    longest = ("I can't pee. " + line * 300)[:MOST_CHARACTERS_READ]

    assert reading.verdict(longest).outcome == INFORM and texts
    texts.clear()
    assert reading.verdict(longest + "!") == screen(longest + "!")
    assert screen(longest + "!").level == "emergency" and texts == []


def test_every_finding_of_a_story_is_judged_by_the_score_of_its_own_level(content, verdict):
    urgent = dataclasses.replace(FOUND, flag="foot_drop", level="urgent")

    judged = verdict(suspicion(FOUND, urgent), meant(content, emergency=-3.0, urgent=4.0, flag="foot_drop"))

    assert (judged.outcome, judged.level) == (ALARM, "urgent")
    assert {finding.flag: finding.outcome for finding in judged.findings}[RETENTION] == INFORM


def test_nothing_said_and_nothing_meant_is_nothing(content, verdict):
    assert verdict(suspicion(), meant(content, -9.0)) == Assessment()


def test_in_doubt_between_two_levels_the_higher_is_raised(content):
    thresholds = dataclasses.replace(THRESHOLDS, once_urgent=0.5)

    def judged(**scores):
        return weighed(suspicion(named=[RETENTION]), meant(content, **scores), content, lambda finding, around: meant(content, -9.0), thresholds)

    assert judged(emergency=0.5, urgent=2.0).level == "emergency"
    assert judged(emergency=0.5, urgent=1.9).outcome == ASK


def test_the_alarm_names_the_likeliest_flag_that_has_words_in_the_message(content, verdict):
    scores = meant(content, 5.0)
    scores.flags[SPEECH] = scores.flags[RETENTION] - 1.0

    assert verdict(suspicion(named=[SPEECH]), scores).flags == (SPEECH,)


def test_of_signs_as_pressing_the_likeliest_is_named_first(content, verdict):
    speech = dataclasses.replace(FOUND, flag=SPEECH, start=0, end=30)

    assert verdict(suspicion(FOUND, speech), meant(content, 9.0)).flags == (RETENTION, SPEECH)
    assert verdict(suspicion(FOUND, speech), meant(content, 9.0, flag=SPEECH)).flags == (SPEECH, RETENTION)


def test_a_flag_that_the_reader_does_not_know_is_not_lost(content, verdict):
    scores = meant(content, 9.0)
    scores.flags.pop(SPEECH)

    assert SPEECH in verdict(suspicion(dataclasses.replace(FOUND, flag=SPEECH)), scores).flags


def test_what_the_words_ask_about_in_a_short_message_is_not_raised_by_its_meaning(content, verdict):
    asks = [dataclasses.replace(FOUND, outcome=ASK), dataclasses.replace(FOUND, flag=SPEECH, outcome=ASK)]

    assert verdict(suspicion(*asks, short=True, named=[RETENTION]), meant(content, 99.0)).outcome == ASK


def test_a_story_names_no_unlikely_sign_beside_a_likely_one_as_pressing(content, verdict):
    speech = dataclasses.replace(FOUND, flag=SPEECH)

    judged = verdict(suspicion(FOUND, speech), meant(content, 9.0))

    assert {finding.flag: finding.outcome for finding in judged.findings} == {RETENTION: ALARM, SPEECH: INFORM}


def test_an_unlikely_sign_is_named_where_nothing_likely_is_as_pressing(content, verdict):
    speech = dataclasses.replace(FOUND, flag=SPEECH)
    urgent = dataclasses.replace(FOUND, flag="foot_drop", level="urgent")

    assert verdict(suspicion(speech, urgent), meant(content, 9.0, flag="foot_drop")).level == "emergency"
    assert verdict(suspicion(speech), meant(content, 9.0)).flags == (SPEECH,)


@pytest.mark.parametrize("score, outcome", [(3.0, ASK), (2.99, INFORM)])
def test_a_sentence_that_leaves_no_doubt_alone_is_asked_about_whatever_stands_around_it(content, verdict, score, outcome):
    judged = verdict(suspicion(FOUND), meant(content, -99.0), alone=meant(content, score))  # the flag's own score, 3, counts too

    assert (judged.outcome, judged.flags) == (outcome, (RETENTION,))


def test_a_sentence_alone_raises_no_sign_that_was_denied_or_is_soon_or_is_less_pressing_than_the_verdict(content, verdict):
    alone = meant(content, 99.0)
    soon, urgent = dataclasses.replace(FOUND, level="soon"), dataclasses.replace(FOUND, flag="foot_drop", level="urgent")

    assert verdict(suspicion(FOUND, denied_before=[RETENTION]), meant(content, -99.0), alone).outcome == INFORM
    assert verdict(suspicion(soon), meant(content, -99.0), alone).outcome == INFORM
    judged = verdict(suspicion(FOUND, urgent), meant(content, emergency=5.0, urgent=-99.0), alone)
    assert {finding.flag: finding.outcome for finding in judged.findings} == {RETENTION: ALARM, "foot_drop": INFORM}


def test_the_sentences_of_a_short_message_and_of_one_that_alarms_are_not_read_alone(content):
    def not_to_be_read(finding, around):
        raise AssertionError

    assert weighed(suspicion(FOUND, short=True), meant(content, -9.0), content, not_to_be_read, THRESHOLDS).outcome == ALARM
    assert weighed(suspicion(FOUND), meant(content, 9.0), content, not_to_be_read, THRESHOLDS).outcome == ALARM


def test_of_many_signs_only_a_few_sentences_are_read_the_most_pressing_first(content):
    emergencies, urgents = [[flag for flag in content.red_flags if content.red_flags[flag].level == level and not content.red_flags[flag].ask_about] for level in ("emergency", "urgent")]
    found = [Finding(flag, ALARM, content.red_flags[flag].level, place, place + 1) for place, flag in enumerate([*urgents[:4], *emergencies[:2]])]
    read = []

    weighed(suspicion(*found), meant(content, -99.0), content, lambda finding, around: read.append(finding.flag) or meant(content, -99.0), THRESHOLDS)

    assert list(dict.fromkeys(read)) == [*emergencies[:2], urgents[0]]
    assert len(set(read)) == MOST_SENTENCES


def test_an_emergency_that_no_full_stop_parts_from_what_stands_before_it_is_read_with_hardly_a_word_around_it(content):
    def alone(finding, around):
        return meant(content, 6.0 if around == FEW_WORDS_AROUND else -9.0, flag=finding.flag)

    def outcome(level):
        return weighed(suspicion(dataclasses.replace(FOUND, level=level)), meant(content, -99.0), content, alone, THRESHOLDS).outcome

    assert (outcome("emergency"), outcome("urgent")) == (ASK, INFORM)


MANY = " ".join(["word"] * 40)


@pytest.mark.parametrize("text, sentence", [
    ("It rained. SIGN here now. We left.", "SIGN here now."),
    ("It rained! so SIGN\nnext line", "so SIGN"),
    ("SIGN", "SIGN"),
    ("at 3.5 km SIGN, then home", "at 3.5 km SIGN, then home"),
    (f"{MANY} SIGN {MANY}", " ".join(["word"] * WORDS_AROUND + ["SIGN"] + ["word"] * WORDS_AROUND)),
])  # fmt: skip
def test_the_sentence_around_a_sign_ends_where_it_ends_or_after_a_few_words(text, sentence):
    place = text.index("SIGN")

    assert sentence_around(text, place, place + len("SIGN"), WORDS_AROUND) == sentence
