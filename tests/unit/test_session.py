"""A guided session: what leads where, and what holds whatever somebody does."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sijbot.coaching.programme import Person
from sijbot.coaching.session import (
    ABOUT_YOU, CHOSEN, CLEARED, DONE, EASIER, ENDED, EVENTS, EXERCISE, HURTS, IT_HURTS, MENU, MINUTES, NEXT, NO, NONE_OF_THEM, NUMBER, OTHER, OVER, PAIN_AFTER, PAIN_BEFORE, PAUSE,
    PAUSED, PLACE, RED_FLAG, REPEAT, RESUME, SCREEN, SIGNS_AFTER, SINCE, SKIP, STAGES, STOP, THINGS, UNSURE, WEEK, WHICH, WHY, YES, Event, State, asked, begun, seconds_of, step,
)  # fmt: skip
from sijbot.content.model import PHASES

QUESTIONS = 6
TO_FIRST_EXERCISE = (*[Event(NO)] * QUESTIONS, Event(NONE_OF_THEM), Event(NUMBER, 3), Event(NUMBER, 2), Event(NUMBER, 1), Event(NONE_OF_THEM))


def played(content, *events: Event, start: State = None, **known) -> State:
    state = start or begun(content, **known)[0]
    for event in events:
        state, _ = step(content, state, event)
    return state


def said(content, state: State, event: Event) -> list[str]:
    return [each.key for each in step(content, state, event)[1]]


@pytest.fixture
def exercising(content) -> State:
    return played(content, *TO_FIRST_EXERCISE)


def with_pain(content, pain: int) -> State:
    return played(content, *TO_FIRST_EXERCISE[: QUESTIONS + 1], Event(NUMBER, pain), *TO_FIRST_EXERCISE[QUESTIONS + 2 :])


def test_a_whole_session_by_numbers(content, exercising):
    state, sets = exercising, sum(item.rounds for item in exercising.plan)
    for _ in range(sets):
        assert state.stage == EXERCISE
        state = played(content, Event(NUMBER, MENU.index(NEXT) + 1), start=state)
    state = played(content, Event(NUMBER, 2), Event(NO), Event(NO), start=state)

    assert state.stage == DONE and state.pain_after == 2
    assert len(state.logged) == sets


@pytest.mark.parametrize("number", range(QUESTIONS - 1))
@pytest.mark.parametrize("answer", [YES, UNSURE])
def test_yes_and_not_sure_to_a_question_about_danger_end_it(content, number, answer):
    state = played(content, *[Event(NO)] * number, Event(answer))

    assert (state.stage, state.ended_by) == (ENDED, "screen")


def test_yes_to_the_last_question_asks_which_and_goes_on(content):
    state = played(content, *[Event(NO)] * 5, Event(YES))
    assert state.stage == WHICH

    assert played(content, Event(NUMBER, 1), start=state).person.conditions == {"pregnant"}


def test_what_is_known_is_not_asked_again(content):
    answers = {question: NO for question in content.programme.screen}
    state = begun(content, person=Person(frozenset(("pregnant",)), week=20), answers=answers)[0]

    assert state.stage == ABOUT_YOU and "pregnant" not in state.open and "pregnancy_problem" in state.open


def test_a_yes_of_before_is_asked_again(content):
    assert begun(content, answers={question: YES for question in content.programme.screen})[0].stage == SCREEN


def test_the_week_of_pregnancy_is_asked_and_may_stay_unknown(content):
    state = played(content, *[Event(NO)] * 5, Event(YES), Event(CHOSEN, chosen=("pregnant",)), Event(NONE_OF_THEM))
    assert state.stage == WEEK

    known, unknown = played(content, Event(NUMBER, 15), start=state), played(content, Event(UNSURE), start=state)
    assert (known.stage, known.person.week) == (PAIN_BEFORE, 15)
    assert (unknown.stage, unknown.person.week) == (PAIN_BEFORE, None)


@pytest.mark.parametrize(("week", "posture"), [(15, "back"), (16, "side"), (28, "side")])
def test_the_first_exercise_of_a_pregnancy_is_not_on_the_back_from_week_sixteen(content, week, posture):
    state = played(content, *TO_FIRST_EXERCISE, person=Person(frozenset(("pregnant",)), week=week))

    assert state.plan[0].posture == posture


def test_under_sixteen_there_is_no_programme_and_a_reason(content):
    state = played(content, *[Event(NO)] * 5, Event(YES), Event(NUMBER, 3))
    last, lines = step(content, state, Event(NONE_OF_THEM))

    assert (last.stage, last.ended_by) == (ENDED, "held_back")
    assert [line.about for line in lines if line.key == "held_back"] == ["under_16"]


def test_what_a_team_agreed_to_goes_on_and_what_not_ends(content):
    state = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("after_surgery",)))
    assert state.stage == CLEARED

    assert played(content, Event(YES), start=state).stage == PAIN_BEFORE
    assert played(content, Event(NO), start=state).ended_by == "held_back"
    assert played(content, Event(UNSURE), start=state).ended_by == "held_back"


def test_a_new_hip_asks_for_the_weeks_and_for_the_team(content):
    state = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("hip_replacement",)))
    assert (state.stage, state.open) == (SINCE, ("hip_replacement",))

    assert played(content, Event(NUMBER, 30), start=state).stage == CLEARED
    assert played(content, Event(NUMBER, 5), Event(YES), start=state).ended_by == "held_back"


@pytest.mark.parametrize(("pain", "stage"), [(7, MINUTES), (8, ENDED)])
def test_much_pain_starts_no_exercise(content, pain, stage):
    assert played(content, *TO_FIRST_EXERCISE[: QUESTIONS + 1], Event(NUMBER, pain)).stage == stage


def test_more_pain_than_five_is_for_the_calm_phase(content):
    answers = {question: NO for question in content.programme.screen}
    state = played(content, Event(NONE_OF_THEM), Event(NUMBER, 6), answers=answers, phase="stabilise")

    assert state.phase == "calm"


def test_a_number_that_is_no_pain_is_asked_again(content):
    state = played(content, *TO_FIRST_EXERCISE[: QUESTIONS + 1])

    assert said(content, state, Event(NUMBER, 11)) == ["not_understood", "ask_pain_before"]


@pytest.mark.parametrize("answer", [NO, UNSURE])
def test_who_cannot_get_down_does_nothing_on_the_floor(content, answer):
    state = played(content, *TO_FIRST_EXERCISE[:-2], Event(answer), Event(NONE_OF_THEM))

    assert {item.posture for item in state.plan} <= {"sitting", "standing", "walking"}


def test_five_minutes_hold_less_than_fifteen(content):
    plans = [played(content, *TO_FIRST_EXERCISE[:-3], Event(NUMBER, number), Event(NUMBER, 1), Event(NONE_OF_THEM)).plan for number in (1, 3)]
    lengths = [sum(item.rounds * seconds_of(content.exercises[item.exercise].amount, item.count) for item in plan) for plan in plans]

    assert lengths[0] <= 5 * 60 < lengths[1] <= 15 * 60


def test_pain_that_rises_ends_the_exercise_and_the_session_goes_on(content, exercising):
    state, lines = step(content, exercising, Event(IT_HURTS, 4))

    assert [line.key for line in lines] == ["stop_exercise", "exercise"]
    assert (state.stage, state.place, state.stopped) == (EXERCISE, 1, (0,))


def test_pain_that_has_not_risen_lets_it_go_on(content, exercising):
    assert said(content, exercising, Event(IT_HURTS, 3)) == ["pain_not_risen", "exercise"]


def test_it_hurts_without_a_number_asks_for_one(content, exercising):
    state = played(content, Event(IT_HURTS), start=exercising)
    assert state.stage == HURTS

    assert played(content, Event(NUMBER, 5), start=state).stopped == (0,)


def test_sharp_pain_ends_the_exercise_however_low(content, exercising):
    assert played(content, Event(IT_HURTS, 1, is_sharp=True), start=exercising).stopped == (0,)


@pytest.mark.parametrize("event", [Event(IT_HURTS, 8), Event(IT_HURTS, 2, spreads=True)])
def test_much_or_spreading_pain_ends_all_and_asks_about_danger_signs(content, exercising, event):
    state = played(content, event, start=exercising)

    assert (state.stage, state.stopped) == (SIGNS_AFTER, (0,))
    assert played(content, Event(YES), start=state).ended_by == "screen"


def test_a_danger_sign_in_the_middle_ends_it_and_keeps_what_was_done(content, exercising):
    state = played(content, Event(NEXT), Event(RED_FLAG), start=exercising)

    assert (state.stage, state.ended_by, state.logged) == (ENDED, "red_flag", ((0, 1),))


def test_a_pause_comes_back_to_the_same_exercise(content, exercising):
    second = played(content, Event(SKIP), start=exercising)
    paused = played(content, Event(PAUSE), start=second)
    assert paused.stage == PAUSED

    assert step(content, paused, Event(RESUME)) == (second, step(content, paused, Event(OTHER))[1])


def test_a_set_that_is_reported_twice_counts_once(content, exercising):
    once = played(content, Event(NEXT), start=exercising)
    again = played(content, Event(NEXT), start=replace(once, place=0, round=1))

    assert again.logged == once.logged


def test_stopping_in_the_middle_asks_for_pain_and_stopping_before_ends(content, exercising):
    assert played(content, Event(NEXT), Event(STOP), start=exercising).stage == PAIN_AFTER
    assert played(content, Event(STOP), start=exercising).ended_by == "stopped"
    assert played(content, Event(STOP)).ended_by == "stopped"


@pytest.mark.parametrize(("kind", "key"), [(REPEAT, "exercise"), (EASIER, "easier"), (WHY, "why"), (OTHER, "not_understood")])
def test_what_is_asked_beside_an_exercise_stays_at_it(content, exercising, kind, key):
    state, lines = step(content, exercising, Event(kind))

    assert state == exercising and lines[0].key == key and lines[-1].key == "exercise"


def test_every_stage_says_what_it_waits_for(content, exercising):
    for stage in set(STAGES) - {*OVER, PAUSED}:
        waiting = ("life_stage",) if stage == WHICH else ("pregnant",)
        assert asked(content, replace(exercising, stage=stage, open=waiting))


PERSONS = st.builds(
    Person, conditions=st.frozensets(st.sampled_from(("pregnant", "postpartum", "hip_replacement", "after_surgery", "osteoporosis", "hypermobile", "kneeling_hurts")), max_size=3),
    week=st.none() | st.integers(1, 42),
)  # fmt: skip
FITTING = {  # what leads on from each stage
    SCREEN: Event(NO), WHICH: Event(NONE_OF_THEM), ABOUT_YOU: Event(NONE_OF_THEM), WEEK: Event(NUMBER, 10), SINCE: Event(NUMBER, 40), CLEARED: Event(YES), PAIN_BEFORE: Event(NUMBER, 2),
    MINUTES: Event(NUMBER, 3), PLACE: Event(NUMBER, 1), THINGS: Event(CHOSEN, chosen=("ball", "band", "mat")), EXERCISE: Event(NEXT), HURTS: Event(NUMBER, 2), PAIN_AFTER: Event(NUMBER, 2),
    SIGNS_AFTER: Event(NO), PAUSED: Event(RESUME), DONE: Event(OTHER), ENDED: Event(OTHER),
}  # fmt: skip
ENDING = (STOP, RED_FLAG)
ANY_EVENT = st.builds(
    Event, kind=st.sampled_from([kind for kind in EVENTS if kind not in ENDING]), number=st.none() | st.integers(-1, 12),
    chosen=st.lists(st.sampled_from(("pregnant", "under_16", "ball", "band", "mat")), max_size=2).map(tuple), is_sharp=st.booleans(), spreads=st.booleans(),
)  # fmt: skip
DURING = st.sampled_from((Event(IT_HURTS, 4), Event(IT_HURTS, 2), Event(IT_HURTS), Event(IT_HURTS, 9), Event(SKIP), Event(REPEAT), Event(EASIER), Event(PAUSE), Event(WHY), Event(NUMBER, 1)))
LEADS_ON = st.none()
EVENTS_OF_PEOPLE = st.lists(st.one_of(LEADS_ON, LEADS_ON, LEADS_ON, DURING, ANY_EVENT), min_size=60, max_size=200)


def check(content, before: State, event: Event, state: State, lines: tuple) -> None:
    """Assert what holds of every step."""
    assert state.stage in STAGES and lines
    assert state.logged[: len(before.logged)] == before.logged and len(set(state.logged)) == len(state.logged)
    assert set(before.stopped) <= set(state.stopped)
    assert before.stage not in OVER or state == before
    if any(line.key == "exercise" for line in lines):
        assert state.stage == EXERCISE and state.place not in state.stopped
        assert set(state.answers) == set(content.programme.screen)
        assert all(answer == NO for question, answer in state.answers.items() if content.programme.screen[question].raises)
        assert state.pain_before < content.programme.numbers.nothing_from
    if event.kind == IT_HURTS and before.stage == EXERCISE and before.pain_before < (event.number or 0) <= 10:
        assert before.place in state.stopped
    if event.kind == RED_FLAG and before.stage not in OVER:
        assert state.stage == ENDED


@settings(max_examples=150, deadline=None)
@given(person=PERSONS, phase=st.sampled_from(PHASES), events=EVENTS_OF_PEOPLE, last=st.sampled_from((*ENDING, NEXT)))
def test_whatever_is_done_the_state_is_defined_the_gate_is_passed_and_nothing_logged_is_lost(content, person, phase, events, last):
    state, _ = begun(content, person=person, phase=phase)
    for event in (*events, Event(last)):
        before, event = state, event or FITTING[state.stage]
        state, lines = step(content, state, event)
        check(content, before, event, state, lines)


def test_such_walks_reach_every_stage(content):
    draw, seen = random.Random(5), Counter()
    for _ in range(300):
        conditions = frozenset(draw.sample(("pregnant", "hip_replacement", "osteoporosis", "kneeling_hurts"), draw.randint(0, 2)))
        state, _ = begun(content, person=Person(conditions), phase=draw.choice(PHASES))
        for _ in range(60):
            others = (Event(IT_HURTS, draw.randint(0, 9)), Event(IT_HURTS), Event(SKIP), Event(PAUSE), Event(YES), Event(draw.choice(EVENTS), draw.randint(0, 10)))
            before, event = state, FITTING[state.stage] if draw.random() < 0.85 else draw.choice(others)
            state, lines = step(content, state, event)
            check(content, before, event, state, lines)
            seen[state.stage] += before.stage != state.stage

    assert min(seen[stage] for stage in STAGES) >= 5, seen
