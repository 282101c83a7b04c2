"""What the third layer makes of the words: it may agree, doubt or disagree in a story, and only raise in a short message."""

from __future__ import annotations

import dataclasses

import pytest

from sijbot.content.model import LEVELS
from sijbot.language.sign_reader import Scores
from sijbot.triage import Screen
from sijbot.triage.assessment import ALARM, ASK, INFORM, NONE, Assessment, Finding, assessment_of
from sijbot.triage.weigh import MORE_OF_VERY_LONG, SHORT_WORDS, Suspicion, Thresholds, weighed

THRESHOLDS = Thresholds(alarm=dict.fromkeys(LEVELS, 2.0), ask=dict.fromkeys(LEVELS, 0.0), short_alarm=dict.fromkeys(LEVELS, 2.0), short_ask=dict.fromkeys(LEVELS, 0.0), words=1.0, words_of_few=4.0, once_urgent=2.0)
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
    return lambda seen, scores: weighed(seen, scores, content, THRESHOLDS)


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


def test_a_sign_in_a_story_that_was_denied_before_is_told_about_and_not_asked_about(content, verdict):
    assert verdict(suspicion(FOUND, denied_before=[RETENTION]), meant(content, 0.5)).outcome == INFORM


def test_a_fact_told_in_very_few_words_is_not_asked_about(content, verdict):
    assert verdict(suspicion(short=True, facts_alone=True, named=[RETENTION]), meant(content, 99.0)).outcome == NONE


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


def test_every_finding_of_a_story_is_judged_by_the_score_of_its_own_level(content, verdict):
    urgent = dataclasses.replace(FOUND, flag="foot_drop", level="urgent")

    judged = verdict(suspicion(FOUND, urgent), meant(content, emergency=-3.0, urgent=4.0, flag="foot_drop"))

    assert (judged.outcome, judged.level) == (ALARM, "urgent")
    assert {finding.flag: finding.outcome for finding in judged.findings}[RETENTION] == INFORM


def test_nothing_said_and_nothing_meant_is_nothing(content, verdict):
    assert verdict(suspicion(), meant(content, -9.0)) == Assessment()


def test_in_doubt_between_two_levels_the_higher_is_raised(content):
    thresholds = dataclasses.replace(THRESHOLDS, once_urgent=0.5)
    seen = suspicion(named=[RETENTION])

    assert weighed(seen, meant(content, emergency=0.5, urgent=2.0), content, thresholds).level == "emergency"
    assert weighed(seen, meant(content, emergency=0.5, urgent=1.9), content, thresholds).outcome == ASK


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
