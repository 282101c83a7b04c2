"""A guided session: what leads where, and what holds whatever somebody does."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sijbot.coaching.plan import seconds_of
from sijbot.coaching.programme import DAY_AFTER, IMPROVING, Person, Standing, offers
from sijbot.coaching.say import event_of_payload, payload_title, replies_of, tie_of
from sijbot.coaching.session import (
    ABOUT_YOU, ALL_STEPS, BACK, CHOSEN, CLEARED, DONE, EASIER, ENDED, EVENTS, EXERCISE, FELL, HARDER, HURTS, IT_HURTS, MENU, MINUTES, MOVED, NEWS, NEXT, NO, NONE_OF_THEM, NUMBER, OTHER, OVER, PAIN_AFTER, PAIN_BEFORE, PAUSE,
    PAUSED, PLACE, PLAN_LEFT, RED_FLAG, REPEAT, RESUME, RETURN_TEST, SCREEN, SIGNS_AFTER, SINCE, SKIP, STAGES, STEP_BY_STEP, STOP, THINGS, UNSURE, UNWELL, WEEK, WHICH, WHY, YES, Event, State, asked, begun, returned, step,
)  # fmt: skip
from sijbot.content.model import PHASES

QUESTIONS = 6
TO_FIRST_EXERCISE = (*[Event(NO)] * QUESTIONS, Event(NONE_OF_THEM), Event(NUMBER, 3), Event(NUMBER, 10), Event(YES), Event(NONE_OF_THEM))


def played(content, *events: Event, start: State = None, **known) -> State:
    state = start or begun(content, **known)[0]
    for event in events:
        state, _ = step(content, state, event)
    return state


def said(content, state: State, event: Event) -> list[str]:
    return [each.key for each in step(content, state, event)[1]]


@pytest.fixture(scope="module")
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
    last, lines = step(content, played(content, *[Event(NO)] * 5, Event(YES)), Event(NUMBER, 3))

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
    state = played(content, Event(NONE_OF_THEM), Event(NUMBER, 6), answers=answers, standing=Standing("stabilise"))

    assert state.phase == "calm"


def test_a_number_that_is_no_pain_is_asked_again(content):
    state = played(content, *TO_FIRST_EXERCISE[: QUESTIONS + 1])

    assert said(content, state, Event(NUMBER, 11)) == ["not_understood", "ask_pain_before"]


@pytest.mark.parametrize("answer", [NO, UNSURE])
def test_who_cannot_get_down_does_nothing_on_the_floor(content, answer):
    state = played(content, *TO_FIRST_EXERCISE[:-2], Event(answer), Event(NONE_OF_THEM))

    assert {item.posture for item in state.plan} <= {"sitting", "standing", "walking"}


def test_five_minutes_hold_less_than_fifteen(content):
    plans = [played(content, *TO_FIRST_EXERCISE[:-3], Event(NUMBER, number), Event(YES), Event(NONE_OF_THEM)).plan for number in (5, 15)]
    lengths = [sum(item.rounds * seconds_of(content.programme.numbers, content.exercises[item.exercise].amount, item.count) for item in plan) for plan in plans]

    assert lengths[0] <= 5 * 60 < lengths[1] <= 15 * 60


def test_pain_that_rises_ends_the_exercise_and_the_session_goes_on(content, exercising):
    state, lines = step(content, exercising, Event(IT_HURTS, 4))

    assert [line.key for line in lines] == ["stop_exercise", "exercise"]
    assert (state.stage, state.place, state.stopped) == (EXERCISE, 1, (0,))


def test_pain_that_has_not_risen_lets_it_go_on(content, exercising):
    assert said(content, exercising, Event(IT_HURTS, 3)) == ["pain_not_risen", "menu"]


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


@pytest.mark.parametrize(("kind", "key", "last"), [
    (REPEAT, "exercise", "exercise"), (EASIER, "easier", "menu"), (WHY, "why", "menu"), (HARDER, "harder", "menu"), (PLAN_LEFT, "plan_left", "menu"), (OTHER, "not_understood", "exercise"),
])  # fmt: skip
def test_what_is_asked_beside_an_exercise_stays_at_it(content, exercising, kind, key, last):
    state, lines = step(content, exercising, Event(kind))

    assert replace(state, eased=(), hardened=()) == exercising and lines[0].key == key and lines[-1].key == last


def test_the_harder_version_waits_while_it_hurts_more_than_a_little(content):
    assert said(content, with_pain(content, 4), Event(HARDER))[0] == "harder_not_yet"


def test_steps_come_one_at_a_time_and_only_the_last_logs_a_set(content, exercising):
    state = played(content, Event(STEP_BY_STEP), start=exercising)
    for _ in content.exercises[state.plan[0].exercise].steps[1:]:
        state = played(content, Event(NEXT), start=state)
        assert state.logged == ()

    assert played(content, Event(NEXT), start=state).logged == ((0, 1),)
    assert played(content, Event(STEP_BY_STEP), Event(ALL_STEPS), start=exercising) == exercising


def test_three_exercises_that_were_stopped_end_the_session(content, exercising):
    state = played(content, Event(IT_HURTS, 4), Event(IT_HURTS, 4), start=exercising)
    assert state.stage == EXERCISE

    assert played(content, Event(IT_HURTS, 4), start=state).stage == SIGNS_AFTER


def test_a_bad_day_after_the_last_session_lowers_the_next(content):
    state = begun(content, standing=Standing("mobilise", first=(DAY_AFTER,)), if_worse=Standing("calm"))[0]
    assert state.stage == DAY_AFTER

    assert played(content, Event(NO), start=state).standing == Standing("calm")
    assert [played(content, Event(answer), start=state).standing.phase for answer in (YES, UNSURE)] == ["mobilise"] * 2


def test_a_programme_that_has_ended_begins_no_session(content):
    assert begun(content, standing=Standing(ends=True))[0].ended_by == "programme"
    assert played(content, Event(NO), start=begun(content, standing=Standing(first=(DAY_AFTER,)), if_worse=Standing(ends=True))[0]).ended_by == "programme"


@pytest.mark.parametrize(("answer", "phase"), [(YES, "return"), (NO, "stabilise"), (UNSURE, "stabilise")])
def test_the_last_phase_begins_only_after_its_test(content, answer, phase):
    events = [*[Event(NO)] * QUESTIONS, Event(NONE_OF_THEM)]
    state = played(content, *events, standing=Standing("stabilise", asks_return_test=True))
    assert state.stage == RETURN_TEST

    assert played(content, Event(answer), Event(NUMBER, 1), start=state).phase == phase


@pytest.mark.parametrize(("kind", "first"), [(UNWELL, "unwell"), (FELL, "accident")])
def test_not_being_well_and_a_fall_stop_everything_and_are_asked_about_first(content, exercising, kind, first):
    state = played(content, Event(kind), start=exercising)

    assert (state.stage, state.open[0], state.stopped) == (SIGNS_AFTER, first, (0,))
    assert played(content, Event(YES), start=state).ended_by == "screen"


def test_not_being_well_before_the_first_exercise_asks_that_question_again(content):
    state = played(content, Event(UNWELL), start=played(content, *TO_FIRST_EXERCISE[: QUESTIONS + 1]))

    assert (state.stage, state.open) == (SCREEN, ("unwell",))
    assert played(content, Event(NO), start=state).stage == PAIN_BEFORE


def test_a_slip_in_the_list_is_taken_back(content):
    slip = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("osteoporosis",)))
    assert slip.noted == ("osteoporosis",) and slip.stage == PAIN_BEFORE

    state = played(content, Event(BACK), start=slip)
    assert state.stage == ABOUT_YOU and not state.person.conditions


def test_a_life_stage_that_is_taken_back_is_asked_anew(content):
    told = played(content, *[Event(NO)] * 5, Event(YES), Event(CHOSEN, chosen=("pregnant",)))
    known = played(content, *[Event(NO)] * 5, Event(CHOSEN, chosen=("pregnancy_to_ask_first",)), person=Person(frozenset(("pregnant",))))

    for slip in (told, replace(known, noted=("pregnant",))):
        state = played(content, Event(BACK), start=slip)
        assert (state.stage, state.open) == (SCREEN, ("life_stage",))


def test_what_was_only_named_leaves_the_rest_of_the_list_to_be_asked(content):
    state = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("osteoporosis",), is_whole=False))

    assert state.stage == ABOUT_YOU and "osteoporosis" not in state.open and "hip_replacement" in state.open


def test_twins_are_a_pregnancy(content):
    state = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("pregnancy_to_ask_first",), is_whole=False, weeks=20))

    assert "pregnant" in state.person.conditions and "pregnancy_problem" in state.open


def test_the_floor_may_be_left_in_the_middle(content, exercising):
    state = played(content, Event(MOVED, 0), start=exercising)

    assert state.stage == EXERCISE and all(item.posture in ("sitting", "standing", "walking") for item in state.plan[state.place :])


@pytest.mark.parametrize(("pain", "stage"), [(5, EXERCISE), (6, SIGNS_AFTER)])
def test_a_rise_into_the_red_ends_the_session(content, exercising, pain, stage):
    assert played(content, Event(IT_HURTS, pain), start=exercising).stage == stage


def test_the_last_version_says_so(content, exercising):
    once = played(content, Event(EASIER), Event(HARDER), start=exercising)

    assert [said(content, once, Event(kind))[0] for kind in (EASIER, HARDER)] == ["easiest", "hardest"]


def test_what_comes_to_hold_brings_its_own_questions(content):
    state = played(content, *[Event(NO)] * QUESTIONS, Event(CHOSEN, chosen=("pregnant",)))

    assert (state.stage, state.open) == (ABOUT_YOU, ("pregnancy_problem", "pregnancy_to_ask_first"))


def test_what_is_told_late_is_asked_about_and_planned_anew(content, exercising):
    done = played(content, Event(NEXT), start=exercising)
    state = played(content, Event(NEWS, chosen=("pregnant",)), start=done)
    assert (state.stage, state.open) == (ABOUT_YOU, ("pregnancy_problem", "pregnancy_to_ask_first"))

    state = played(content, Event(NONE_OF_THEM), Event(NUMBER, 30), Event(NUMBER, 3), start=state)
    assert state.stage == EXERCISE and state.logged == done.logged and state.place == len(done.plan)
    assert all(item.posture != "back" for item in state.plan[state.place :])


def test_what_was_known_is_no_news(content, exercising):
    assert played(content, Event(NEWS, chosen=()), start=exercising) == exercising


def test_after_a_break_what_may_have_changed_is_asked_and_it_goes_on_at_the_same_place(content, exercising):
    left = played(content, Event(SKIP), start=exercising)
    state = returned(content, left)[0]
    assert state.stage == SCREEN and set(state.open) == set(content.programme.asked_after)

    back = played(content, Event(NO), Event(NO), Event(NUMBER, 3), start=state)
    assert (back.stage, back.place, back.plan) == (EXERCISE, 1, left.plan)


def test_an_exercise_that_was_stopped_stays_stopped_after_a_break(content, exercising):
    last = played(content, *[Event(SKIP)] * (len(exercising.plan) - 1), start=exercising)
    left = played(content, Event(IT_HURTS, 4), start=last)
    assert left.stopped == (len(left.plan) - 1,)

    back = returned(content, left)[0]
    assert (back.stage, back.open) == (left.stage, left.open)


def test_after_a_break_with_more_pain_there_is_a_new_plan_behind_what_was_done(content, exercising):
    left = played(content, Event(NEXT), start=exercising)
    state = played(content, Event(NO), Event(NO), Event(NUMBER, 6), Event(NUMBER, 5), start=returned(content, left)[0])

    assert state.stage == EXERCISE and state.plan[: len(left.plan)] == left.plan and state.place == len(left.plan)
    assert state.logged == left.logged and state.pain_before == 6


def test_a_state_comes_back_from_json(content, exercising):
    state = played(content, Event(NEXT), Event(IT_HURTS, 5, is_sharp=True), start=exercising)
    state = replace(state, if_worse=Standing("calm", {"clam_shell": 1}, {"clam_shell": "red"}, ("bird_dog",), 60, ("day_after",)), person=Person(frozenset(("pregnant",)), week=20, weeks_since={"postpartum": 3}))

    assert State.from_dict(json.loads(json.dumps(state.to_dict()))) == state


def test_every_stage_says_what_it_waits_for(content, exercising):
    for stage in set(STAGES) - {*OVER}:
        waiting = ("life_stage",) if stage in (WHICH, SCREEN, SIGNS_AFTER) else ("postpartum",)
        state = replace(exercising, stage=stage, open=waiting)
        assert all(reply.text for reply in replies_of(content, state, asked(content, state), None))


PERSONS = st.builds(
    Person, conditions=st.frozensets(st.sampled_from(("pregnant", "postpartum", "hip_replacement", "after_surgery", "osteoporosis", "hypermobile", "kneeling_hurts")), max_size=3),
    week=st.none() | st.integers(1, 42),
)  # fmt: skip
FITTING = {  # what leads on from each stage
    SCREEN: Event(NO), WHICH: Event(NONE_OF_THEM), ABOUT_YOU: Event(NONE_OF_THEM), WEEK: Event(NUMBER, 10), SINCE: Event(NUMBER, 40), CLEARED: Event(YES), PAIN_BEFORE: Event(NUMBER, 2),
    MINUTES: Event(NUMBER, 15), PLACE: Event(YES), DAY_AFTER: Event(YES), IMPROVING: Event(YES), RETURN_TEST: Event(YES), THINGS: Event(CHOSEN, chosen=("ball", "band", "mat")), EXERCISE: Event(NEXT), HURTS: Event(NUMBER, 2), PAIN_AFTER: Event(NUMBER, 2),
    SIGNS_AFTER: Event(NO), PAUSED: Event(RESUME), DONE: Event(OTHER), ENDED: Event(OTHER),
}  # fmt: skip
ENDING = (STOP, RED_FLAG)
ANY_EVENT = st.builds(
    Event, kind=st.sampled_from([kind for kind in EVENTS if kind not in ENDING]), number=st.none() | st.integers(-1, 12),
    chosen=st.lists(st.sampled_from(("pregnant", "under_16", "ball", "band", "mat")), max_size=2).map(tuple), is_sharp=st.booleans(), spreads=st.booleans(),
)  # fmt: skip
DURING = st.sampled_from((Event(IT_HURTS, 4), Event(IT_HURTS, 2), Event(IT_HURTS), Event(IT_HURTS, 9), Event(SKIP), Event(REPEAT), Event(EASIER), Event(PAUSE), Event(WHY), Event(NUMBER, 1)))
LEADS_ON = st.none()
COMES_BACK = "comes back after a break"
NEWS_OF_PEOPLE = st.one_of(
    st.just(COMES_BACK), st.just(Event(PAUSE)),
    st.builds(Event, kind=st.just(NEWS), chosen=st.sampled_from(("pregnant", "hip_replacement", "osteoporosis", "kneeling_hurts", "surgery_lately")).map(lambda one: (one,)), weeks=st.none() | st.integers(4, 40)),
)
EVENTS_OF_PEOPLE = st.lists(st.one_of(LEADS_ON, LEADS_ON, LEADS_ON, DURING, ANY_EVENT, NEWS_OF_PEOPLE), min_size=60, max_size=200)


def check(content, before: State, event: Event, state: State, lines: tuple) -> None:
    """Assert what holds of every step."""
    assert state.stage in STAGES and lines
    replies = replies_of(content, state, lines, "uk")
    assert replies and all(reply.text and "{" not in reply.text for reply in replies)
    assert all(payload_title(content, button.payload) for reply in replies for button in reply.buttons if not button.payload.startswith("coach:number"))
    assert state.logged[: len(before.logged)] == before.logged and len(set(state.logged)) == len(state.logged)
    assert set(before.stopped) <= set(state.stopped)
    assert before.stage not in OVER or state == before
    if any(line.key == "exercise" for line in lines):
        assert state.stage == EXERCISE and state.place not in state.stopped
        known = {question for question, asked_ in content.programme.screen.items() if state.person.conditions.intersection(asked_.opens)}
        assert set(state.answers) | known == set(content.programme.screen)
        assert all(answer == NO for question, answer in state.answers.items() if content.programme.screen[question].raises)
        assert state.pain_before < content.programme.numbers.nothing_from
        item = state.plan[state.place]
        offered = {offer.exercise: offer.postures for offer in offers(content, state.person, state.phase)}
        assert item.posture in offered.get(item.exercise, ()), (item, state.person, state.phase)
    if event.kind == IT_HURTS and before.stage == EXERCISE and before.pain_before < (event.number or 0) <= 10:
        assert before.place in state.stopped
    if event.kind == RED_FLAG and before.stage not in OVER:
        assert state.stage == ENDED


@settings(max_examples=150, deadline=None)
@given(person=PERSONS, phase=st.sampled_from(PHASES), events=EVENTS_OF_PEOPLE, last=st.sampled_from((*ENDING, NEXT)))
def test_whatever_is_done_the_state_is_defined_the_gate_is_passed_and_nothing_logged_is_lost(content, person, phase, events, last):
    state, _ = begun(content, person=person, standing=Standing(phase))
    for event in (*events, Event(last)):
        before, event = state, FITTING[state.stage] if event is None else event
        state, lines = returned(content, state) if event is COMES_BACK else step(content, state, event)
        event = Event(OTHER) if event is COMES_BACK else event
        check(content, before, event, state, lines)


@settings(max_examples=150, deadline=None)
@given(events=st.lists(st.one_of(LEADS_ON, LEADS_ON, LEADS_ON, NEWS_OF_PEOPLE), min_size=5, max_size=40))
def test_what_has_come_to_be_excluded_in_a_session_is_not_shown_again(content, exercising, events):
    state = exercising
    for event in events:
        before, event = state, FITTING[state.stage] if event is None else event
        state, lines = returned(content, state) if event is COMES_BACK else step(content, state, event)
        check(content, before, Event(OTHER) if event is COMES_BACK else event, state, lines)


@pytest.mark.parametrize("way", [(Event(PAUSE), Event(NEWS, chosen=("pregnant",), weeks=30), Event(RESUME)), (Event(PAUSE), Event(NEWS, chosen=("pregnant",)), Event(RESUME))])
def test_what_is_told_in_a_pause_changes_the_plan(content, exercising, way):
    state = played(content, *way, start=exercising)

    assert state.stage == ABOUT_YOU and state.logged == exercising.logged


def test_what_is_told_after_a_break_changes_the_plan(content, exercising):
    news = Event(NEWS, chosen=("pregnant",), weeks=30)

    state = played(content, news, Event(NO), Event(NO), Event(NUMBER, 3), start=returned(content, exercising)[0])

    assert state.stage == ABOUT_YOU


def drawn_standing(draw: random.Random) -> Standing:
    first = tuple(stage for stage in (DAY_AFTER, IMPROVING) if draw.random() < 0.3)
    return Standing(draw.choice(PHASES), first=first, asks_return_test=draw.random() < 0.2)


def test_such_walks_reach_every_stage(content):
    draw, seen = random.Random(5), Counter()
    for _ in range(300):
        conditions = frozenset(draw.sample(("pregnant", "hip_replacement", "osteoporosis", "kneeling_hurts"), draw.randint(0, 2)))
        state, _ = begun(content, person=Person(conditions), standing=drawn_standing(draw))
        seen[state.stage] += 1
        for _ in range(60):
            others = (Event(IT_HURTS, draw.randint(0, 9)), Event(IT_HURTS), Event(SKIP), Event(PAUSE), Event(YES), Event(draw.choice(EVENTS), draw.randint(0, 10)))
            before, event = state, FITTING[state.stage] if draw.random() < 0.85 else draw.choice(others)
            state, lines = step(content, state, event)
            check(content, before, event, state, lines)
            seen[state.stage] += before.stage != state.stage

    assert min(seen[stage] for stage in STAGES) >= 5, seen


def test_a_button_is_tied_to_the_state_that_showed_it_and_to_the_question_of_the_screen(content):
    state = played(content)
    (reply,) = replies_of(content, state, asked(content, state), "uk", 7)
    free = replies_of(content, state, asked(content, state), "uk")[-1]

    assert {tie_of(button.payload) for button in reply.buttons} == {(7, state.open[0])}
    assert {tie_of(button.payload) for button in free.buttons} == {(None, "")}
    assert [event_of_payload(button.payload) for button in reply.buttons] == [event_of_payload(button.payload) for button in free.buttons]
    assert [payload_title(content, button.payload) for button in reply.buttons] == [button.title for button in reply.buttons]


def test_choices_that_are_just_the_buttons_are_words_only_where_there_are_no_buttons(content):
    state = played(content)
    (reply,) = replies_of(content, state, asked(content, state), "uk")

    assert reply.menu.splitlines() == [f"{number}. {button.title}" for number, button in enumerate(reply.buttons, 1)]
    assert reply.menu not in reply.text and reply.plain == f"{reply.text}\n\n{reply.menu}"
