"""What the coach may offer and how a programme goes on: every rule on both sides of its boundary, and a walk through all that may hold of a person."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sijbot.coaching.plan import count_at, planned
from sijbot.coaching.programme import (
    AMBER, CALM, DAY_AFTER, END, GO_ON, GREEN, HOLD, IMPROVING, MOBILISE, PROGRESS, RED, REPLACE, REST, STABILISE, STEP_BACK, Done, Past, Person, Session, Standing, aged, colour, held_back, level_after, most_this_week, must_stop,
    next_of_exercise, next_of_programme, next_phase, offers, percent_after_break, phase_now, standing_of, suited_to,
)  # fmt: skip
from sijbot.content.model import PHASES, SITUATIONS

TODAY = date(2026, 11, 30)
EVERYTHING = "everything"
BREATHING_AND_TILTS = {"diaphragmatic_breathing", "pelvic_tilt_supine", "pelvic_tilt_hands_knees", "walking_short"}
STRETCHES = {"figure_4", "knee_opposite_shoulder", "double_knee_hug"}
# What exercises.md says, by hand: who is never offered what. The file of the coach is compared with it, not with itself.
NEVER = {
    "under_16": EVERYTHING, "surgery_lately": EVERYTHING, "injection_lately": EVERYTHING, "pregnancy_problem": EVERYTHING, "pregnancy_to_ask_first": EVERYTHING, "after_surgery": EVERYTHING,
    "pregnant": {"double_knee_hug", "knee_opposite_shoulder", "glute_bridge", "dead_bug", "pelvic_tilt_supine", "knee_rolls"},
    "caesarean": {"glute_bridge", "dead_bug", "bird_dog"},
    "hypermobile": {"knee_opposite_shoulder", "double_knee_hug"},
    "osteoporosis": {"double_knee_hug", "childs_pose", "knee_rolls", "knee_opposite_shoulder"},
    "hip_replacement": {"figure_4", "knee_opposite_shoulder", "double_knee_hug", "childs_pose", "knee_rolls", "bent_knee_fallout"},
    "inflammatory_flare": {"glute_bridge", "clam_shell", "side_lying_hip_abduction", "bird_dog", "dead_bug", "sit_to_stand", "standing_march_supported"},
    "nerve_pain": {"double_knee_hug"}, "tingling_in_a_leg": STRETCHES, "poor_balance": {"bird_dog", "walking_short"},
    "kneeling_hurts": {"bird_dog", "childs_pose", "pelvic_tilt_hands_knees"}, "knee_replacement": {"bird_dog", "childs_pose", "pelvic_tilt_hands_knees"},
    "front_of_pelvis_hurts": {"adductor_squeeze", "bent_knee_fallout"}, "groin_strained": {"adductor_squeeze"}, "outer_hip_hurts": {"knee_opposite_shoulder"},
    "head_low_is_bad": {"childs_pose"},
}  # fmt: skip
ONLY = {"not_under_control": {"diaphragmatic_breathing", "walking_short"}, "postpartum": BREATHING_AND_TILTS, "not_healed": BREATHING_AND_TILTS}


def offered(content, phase: str, *conditions: str, **known) -> set[str]:
    return {offer.exercise for offer in offers(content, Person(frozenset(conditions), **known), phase)}


def postures(content, phase: str, *conditions: str, **known) -> dict[str, tuple[str, ...]]:
    return {offer.exercise: offer.postures for offer in offers(content, Person(frozenset(conditions), **known), phase)}


def done(*colours: str, every_days: int = 1, **last) -> list[Done]:
    days = [TODAY - timedelta(days=every_days * back) for back in reversed(range(len(colours)))]
    made = [Done(day, each) for day, each in zip(days, colours)]
    return [*made[:-1], Done(days[-1], colours[-1], **last)]


def sessions(*pains: int, colours: str = "") -> list[Session]:
    return [Session(TODAY + timedelta(days=number), pain, {"r": RED, "a": AMBER}.get(colours[number : number + 1], GREEN)) for number, pain in enumerate(pains)]


@pytest.mark.parametrize("phase", PHASES)
def test_whatever_two_things_hold_of_a_person_nothing_excluded_is_offered(content, phase):
    every = (*SITUATIONS, *content.programme.conditions)
    assert {*NEVER, *ONLY} <= set(every)

    for chosen in [*((one,) for one in every), *combinations(every, 2)]:
        got = offered(content, phase, *chosen)
        for condition in chosen:
            never = NEVER.get(condition, set())
            assert not got if never == EVERYTHING else not got & never, (chosen, got)
            assert got <= ONLY.get(condition, got), (chosen, got)


@given(data=st.data())
def test_one_more_thing_that_holds_never_adds_an_exercise_or_a_posture(content, data):
    every = (*SITUATIONS, *content.programme.conditions)
    fewer = data.draw(st.sets(st.sampled_from(every), max_size=4))
    more = fewer | data.draw(st.sets(st.sampled_from(every), max_size=3))
    week = data.draw(st.none() | st.integers(1, 42))
    for phase in PHASES:
        small, large = postures(content, phase, *more, week=week), postures(content, phase, *fewer, week=week)
        assert all(set(allowed) <= set(large.get(exercise, ())) for exercise, allowed in small.items())


def test_what_is_not_offered_has_a_reason_and_what_is_offered_has_none(content):
    for condition in (*SITUATIONS, *content.programme.conditions):
        person = Person(frozenset((condition,)))
        for phase in PHASES:
            got = {offer.exercise for offer in offers(content, person, phase)}
            for exercise in content.programme.phases[phase].exercises:
                reasons = held_back(content, person, exercise, phase)
                assert bool(reasons) != (exercise in got)
                assert all(rule.when == condition and rule.why for rule in reasons)


def test_everybody_in_good_health_is_offered_the_whole_phase(content):
    for phase in PHASES:
        assert tuple(offer.exercise for offer in offers(content, Person(), phase)) == content.programme.phases[phase].exercises


@pytest.mark.parametrize(("week", "on_the_back"), [(15, True), (16, False), (28, False), (None, False)])
def test_lying_on_the_back_ends_with_week_sixteen_of_pregnancy_and_where_the_week_is_not_known(content, week, on_the_back):
    for phase in PHASES:
        used = {posture for allowed in postures(content, phase, "pregnant", week=week).values() for posture in allowed}
        assert ("back" in used) is on_the_back


def test_every_phase_has_something_for_somebody_pregnant(content):
    for phase in PHASES:
        assert len(offered(content, phase, "pregnant", week=30)) >= 3


@pytest.mark.parametrize(("weeks", "bridge"), [(5, False), (6, True), (None, False)])
def test_six_weeks_after_birth_more_than_breathing_and_tilts_is_offered(content, weeks, bridge):
    known = {"weeks_since": {"postpartum": weeks}} if weeks is not None else {}

    assert ("glute_bridge" in offered(content, "stabilise", "postpartum", **known)) is bridge


@pytest.mark.parametrize(("weeks", "anything"), [(12, False), (13, True), (None, False)])
@pytest.mark.parametrize("joint", ["hip_replacement", "knee_replacement"])
def test_three_months_after_a_new_joint_something_is_offered(content, joint, weeks, anything):
    known = {"weeks_since": {joint: weeks}} if weeks is not None else {}

    assert bool(offered(content, "calm", joint, **known)) is anything


@pytest.mark.parametrize("condition", ["after_surgery", "pregnancy_to_ask_first"])
def test_what_a_team_has_cleared_is_offered(content, condition):
    assert not offered(content, "calm", condition)
    assert offered(content, "calm", condition, cleared=frozenset((condition,)))


def test_what_no_team_can_clear_stays_held_back(content):
    assert not offered(content, "calm", "under_16", cleared=frozenset(("under_16",)))


def test_clearing_the_caesarean_gives_back_the_bridge(content):
    known = {"weeks_since": {"postpartum": 9}}

    assert "glute_bridge" not in offered(content, "stabilise", "postpartum", "caesarean", **known)
    assert "glute_bridge" in offered(content, "stabilise", "postpartum", "caesarean", cleared=frozenset(("caesarean",)), **known)


def test_who_cannot_get_on_the_floor_is_offered_what_goes_sitting_standing_or_walking(content):
    upright = frozenset(("sitting", "standing", "walking"))
    for phase in PHASES:
        found = offers(content, Person(), phase, postures=upright)
        assert len(found) >= 2 and all(set(offer.postures) <= upright for offer in found)


def test_what_needs_something_that_is_not_at_hand_is_left_out(content):
    found = {offer.exercise for offer in offers(content, Person(), "calm", equipment=frozenset())}

    assert "adductor_squeeze" not in found and "diaphragmatic_breathing" in found


@pytest.mark.parametrize(("pain", "phase"), [(2, "return"), (3, "stabilise"), (4, "mobilise"), (5, "mobilise"), (6, "calm"), (7, "calm"), (8, None), (10, None)])
def test_pain_now_says_how_far_a_session_may_go(content, pain, phase):
    assert phase_now(content, "return", pain) == phase


def test_little_pain_does_not_move_anybody_on_by_itself(content):
    assert phase_now(content, "calm", 0) == "calm"


@pytest.mark.parametrize(
    ("before", "worst", "expected"),
    [(0, 0, GREEN), (3, 3, GREEN), (3, 2, GREEN), (2, 3, AMBER), (3, 5, AMBER), (3, 6, RED), (0, 6, RED), (4, 4, GREEN), (7, 6, GREEN), (4, 6, AMBER), (6, 7, AMBER)],
)
def test_colour_by_pain(content, before, worst, expected):
    assert colour(content.programme.numbers, before, worst) == expected


@pytest.mark.parametrize("sign", ["is_sharp", "spreads", "is_raised_after_a_day"])
def test_sharp_spreading_or_lasting_pain_is_red_however_low(content, sign):
    assert colour(content.programme.numbers, 5, 0, **{sign: True}) == RED


@pytest.mark.parametrize(("before", "now", "expected"), [(3, 3, False), (3, 2, False), (3, 4, True), (0, 1, True), (7, 8, True)])
def test_pain_that_rises_ends_the_exercise_whatever_its_colour(before, now, expected):
    assert must_stop(before, now) is expected


@pytest.mark.parametrize("sign", ["is_sharp", "spreads"])
def test_sharp_or_spreading_pain_ends_the_exercise_without_a_rise(sign):
    assert must_stop(5, 2, **{sign: True})


@pytest.mark.parametrize(
    ("history", "outcome", "rule"),
    [
        ([], HOLD, "not_done_yet"),
        (done(GREEN, GREEN), HOLD, "green_not_long_enough"),
        (done(GREEN, GREEN, GREEN), PROGRESS, "green_in_a_row"),
        (done(GREEN, AMBER, GREEN, GREEN), HOLD, "green_not_long_enough"),
        (done(GREEN, GREEN, GREEN, kept_form=False), HOLD, "form_slipped"),
        (done(GREEN, GREEN, GREEN, was_stopped=True), HOLD, "stopped"),
        (done(GREEN, AMBER), HOLD, "amber"),
        (done(AMBER, AMBER), STEP_BACK, "amber_again"),
        (done(GREEN, RED), STEP_BACK, "red"),
        (done(RED, GREEN, RED), REPLACE, "red_again_in_a_week"),
        (done(RED, GREEN, RED, every_days=3), REPLACE, "red_again_in_a_week"),
        (done(RED, GREEN, RED, every_days=4), STEP_BACK, "red"),
        (done(RED, RED, GREEN), HOLD, "green_not_long_enough"),
    ],
)
def test_what_follows_for_an_exercise(content, history, outcome, rule):
    decision = next_of_exercise(content.programme.numbers, history)

    assert (decision.outcome, decision.rule) == (outcome, rule)


@pytest.mark.parametrize(("times", "outcome"), [(2, HOLD), (3, REPLACE)])
def test_an_exercise_that_was_stopped_again_and_again_is_replaced(content, times, outcome):
    history = [Done(TODAY + timedelta(days=10 * number), GREEN, was_stopped=True) for number in range(times)]

    assert next_of_exercise(content.programme.numbers, history).outcome == outcome


@pytest.mark.parametrize(("colours", "outcome"), [("g", GO_ON), ("r", GO_ON), ("rr", REST), ("rgr", GO_ON), ("grr", REST), ("rrr", END), ("rrrg", GO_ON), ("rra", GO_ON)])
def test_red_days_in_a_row_bring_rest_and_then_the_end(content, colours, outcome):
    assert next_of_programme(content.programme.numbers, sessions(*[2] * len(colours), colours=colours)).outcome == outcome


def test_two_red_sessions_of_one_day_are_one_red_day(content):
    twice = [Session(TODAY, 2, RED), Session(TODAY, 2, GREEN)]

    assert next_of_programme(content.programme.numbers, twice).outcome == GO_ON


@pytest.mark.parametrize(
    ("phase", "played", "test", "following"),
    [
        ("calm", sessions(3), None, "calm"),
        ("calm", sessions(4, 3), None, "mobilise"),
        ("calm", sessions(5, 4), None, "mobilise"),
        ("calm", sessions(6, 5), None, "mobilise"),
        ("calm", sessions(7, 6), None, "calm"),
        ("calm", sessions(4, 4), None, "calm"),
        ("calm", sessions(3, 2, colours="ga"), None, "calm"),
        ("mobilise", sessions(3, 3), None, "stabilise"),
        ("mobilise", sessions(3, 4), None, "mobilise"),
        ("stabilise", sessions(2, 2), None, "stabilise"),
        ("stabilise", sessions(2, 2), False, "stabilise"),
        ("stabilise", sessions(2, 2), True, "return"),
        ("stabilise", sessions(2, 3), True, "stabilise"),
        ("return", sessions(0, 0), True, "return"),
    ],
)
def test_phase_of_the_next_session(content, phase, played, test, following):
    assert next_phase(content, phase, played, test).outcome == following


@pytest.mark.parametrize(("days", "percent"), [(6, 100), (7, 60), (30, 60)])
def test_after_a_week_without_sessions_less_is_done(content, days, percent):
    assert percent_after_break(content.programme.numbers, TODAY - timedelta(days=days), TODAY) == percent


def test_a_first_session_is_no_restart(content):
    assert percent_after_break(content.programme.numbers, None, TODAY) == 100


@pytest.mark.parametrize(("last", "most"), [(0, 0), (10, 12), (14, 16)])
def test_a_week_grows_by_a_fifth_at_most(content, last, most):
    assert most_this_week(content.programme.numbers, last) == most


# From the sessions that are over to where somebody stands.


def past(days_ago: int, color: str = GREEN, pain: int = 2, phase: str = CALM, day_after: str = "yes", asked_improving: bool = False, **done: Done) -> Past:
    return Past(Session(TODAY - timedelta(days_ago), pain, color), phase, done, day_after, asked_improving)


def sessions_of(*levels_and_colours: tuple[int, int, str]) -> list[Done]:
    return [Done(TODAY - timedelta(days_ago), color, level=level) for days_ago, level, color in levels_and_colours]


@pytest.mark.parametrize(("history", "level", "rule"), [
    ([(1, 0, GREEN)], "0", "green_not_long_enough"),
    ([(3, 0, GREEN), (2, 0, GREEN), (1, 0, GREEN)], "1", "green_in_a_row"),
    ([(3, 0, GREEN), (2, 0, AMBER), (1, 0, GREEN)], "0", "green_not_long_enough"),
    ([(12, 0, GREEN), (9, 1, GREEN), (2, 1, GREEN), (1, 1, GREEN)], "2", "green_in_a_row"),
    ([(7, 0, GREEN), (6, 1, GREEN), (2, 1, GREEN), (1, 1, GREEN)], "1", "raised_this_week"),
    ([(7, 0, GREEN), (7, 1, GREEN), (2, 1, GREEN), (1, 1, GREEN)], "2", "green_in_a_row"),
    ([(4, 0, GREEN), (3, 1, GREEN), (2, 1, GREEN)], "1", "raised_this_week"),
    ([(1, 0, RED)], "-1", "red"),
    ([(2, 0, RED), (1, -1, GREEN)], "-1", "stepped_back"),
    ([(3, 0, RED), (2, -1, GREEN)], "-1", "green_not_long_enough"),
    ([(2, 1, AMBER), (1, 1, AMBER)], "0", "amber_again"),
    ([(6, 0, RED), (1, 0, RED)], REPLACE, "red_again_in_a_week"),
    ([(8, 0, RED), (1, 0, RED)], "-1", "red"),
])  # fmt: skip
def test_the_level_of_an_exercise_follows_from_its_sessions(content, history, level, rule):
    decided = level_after(content.programme.numbers, sessions_of(*history), TODAY)

    assert (decided.outcome, decided.rule) == (level, rule)


@pytest.mark.parametrize(("days", "is_left_out"), [(6, True), (7, False)])
def test_what_was_dropped_comes_back_after_a_week(content, days, is_left_out):
    history = [Done(TODAY - timedelta(days + 1), RED), Done(TODAY - timedelta(days), RED)]
    standing = standing_of(content, [past(days + 1, RED, heel_slide=history[0]), past(days, RED, heel_slide=history[1])], TODAY)

    assert ("heel_slide" in standing.left_out) is is_left_out


def test_who_has_done_nothing_begins_calm(content):
    assert standing_of(content, [], TODAY).phase == CALM


def test_two_green_sessions_open_the_next_phase_and_it_is_said(content):
    standing = standing_of(content, [past(2), past(1)], TODAY)

    assert standing.phase == MOBILISE and "phase_next" in standing.news
    assert standing_of(content, [past(1)], TODAY).phase == CALM


def test_sessions_of_an_earlier_phase_do_not_count_for_the_next(content):
    assert standing_of(content, [past(3), past(2), past(1, phase=MOBILISE)], TODAY).phase == MOBILISE


def test_the_last_phase_waits_for_its_test(content):
    done = [past(2, phase=STABILISE), past(1, phase=STABILISE)]

    assert standing_of(content, done, TODAY).asks_return_test
    assert not standing_of(content, done, TODAY, passes_return_test=False).asks_return_test


@pytest.mark.parametrize(("reds", "phase", "ends"), [(1, MOBILISE, False), (2, CALM, False), (3, MOBILISE, True)])
def test_red_days_in_a_row_rest_and_then_end_the_programme(content, reds, phase, ends):
    done = [past(10, phase=MOBILISE), *(past(days_ago, RED, phase=MOBILISE) for days_ago in range(reds, 0, -1))]
    standing = standing_of(content, done, TODAY)

    assert (standing.phase, standing.ends) == (phase, ends)


@pytest.mark.parametrize(("days_ago", "phase"), [(2, CALM), (3, MOBILISE)])
def test_the_rest_lasts_two_days(content, days_ago, phase):
    done = [past(days_ago + 1, RED, phase=MOBILISE), past(days_ago, RED, phase=MOBILISE)]

    assert standing_of(content, done, TODAY).phase == phase


def test_a_programme_that_ended_may_begin_again_after_a_week(content):
    done = [past(days_ago, RED) for days_ago in (9, 8, 7)]

    assert not standing_of(content, done, TODAY).ends and standing_of(content, done, TODAY - timedelta(1)).ends


@pytest.mark.parametrize(("days_ago", "asked"), [(0, False), (1, True), (6, True), (7, False)])
def test_the_day_after_is_asked_on_the_next_visit_within_a_week(content, days_ago, asked):
    assert (DAY_AFTER in standing_of(content, [past(days_ago, day_after=None)], TODAY).first) is asked
    assert DAY_AFTER not in standing_of(content, [past(days_ago, day_after="yes")], TODAY).first


@pytest.mark.parametrize(("days_ago", "asked"), [(6, False), (7, True)])
def test_whether_it_is_better_is_asked_once_after_a_week(content, days_ago, asked):
    assert (IMPROVING in standing_of(content, [past(days_ago), past(1)], TODAY).first) is asked
    assert IMPROVING not in standing_of(content, [past(days_ago), past(1, asked_improving=True)], TODAY).first


@pytest.mark.parametrize(("days_ago", "percent"), [(6, 100), (7, 60)])
def test_after_a_week_away_there_is_less_of_it_and_no_word_of_blame(content, days_ago, percent):
    standing = standing_of(content, [past(days_ago)], TODAY)

    assert standing.percent == percent and ("restart_smaller" in standing.news) is (percent < 100)


@pytest.mark.parametrize(("days", "weeks"), [(6, 15), (7, 16), (14, 17)])
def test_weeks_go_on_while_somebody_is_away(content, days, weeks):
    person = aged(content, Person(frozenset(("pregnant", "hip_replacement")), week=15, weeks_since={"hip_replacement": 12}), days)

    assert (person.week, person.weeks_since["hip_replacement"]) == (weeks, weeks - 3)


def test_a_level_never_passes_the_most_nor_grows_by_more_than_a_fifth_in_a_week(content):
    for exercise in content.exercises.values():
        counts = [count_at(exercise.amount, level) for level in range(-3, 40)]
        assert counts == sorted(counts) and 1 <= counts[0] and counts[-1] == exercise.amount.most
        grown = [(low, high) for low, high in zip(counts[3:], counts[4:]) if high > low]
        assert all(high <= max(low + 1, most_this_week(content.programme.numbers, low)) for low, high in grown)


# What suits whom.


@pytest.mark.parametrize(("conditions", "greens"), [((), 2), (("stiff",), 4), (("hypermobile",), 1), (("postpartum",), 1), (("hypermobile", "stiff"), 4), (("pregnant",), 2)])
def test_stiff_joints_loosen_for_longer_and_loose_ones_strengthen_sooner(content, conditions, greens):
    person = Person(frozenset(conditions))
    done = [past(days_ago, phase=MOBILISE) for days_ago in range(greens, 0, -1)]

    assert standing_of(content, done, TODAY, person=person).phase == STABILISE
    assert standing_of(content, done[1:], TODAY, person=person).phase != STABILISE


@pytest.mark.parametrize(("weeks", "holds_still"), [(52, True), (53, False)])
def test_a_birth_counts_for_a_year(content, weeks, holds_still):
    person = aged(content, Person(frozenset(("postpartum",)), weeks_since={"postpartum": weeks}), 0)

    assert ("postpartum" in person.conditions) == holds_still


@pytest.mark.parametrize(("condition", "phase", "first"), [("stiff", MOBILISE, "pelvic_tilt_supine"), ("hypermobile", STABILISE, "pelvic_tilt_supine"), ("pregnant", STABILISE, "pelvic_tilt_hands_knees"), ("over_65", STABILISE, "pelvic_tilt_supine")])
def test_what_suits_somebody_comes_first_and_all_of_it_before_the_rest(content, condition, phase, first):
    person = Person(frozenset((condition,)), week=20)
    plan = [item.exercise for item in planned(content, person, phase, Standing(phase), 60, equipment=frozenset(("ball", "band", "mat")))]
    suits = [suited_to(content, person, exercise) is not None for exercise in plan]

    assert plan[0] == first and suits == sorted(suits, reverse=True) and any(suits)


def test_who_has_no_pattern_does_it_in_the_order_of_the_phase(content):
    plan = [item.exercise for item in planned(content, Person(), CALM, Standing(), 60, equipment=frozenset(("ball", "band", "mat")))]

    assert plan == list(content.programme.phases[CALM].exercises)
