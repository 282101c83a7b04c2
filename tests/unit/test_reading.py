"""What answers to the coach mean: numbers in every dress, words, several answers at once, and what must never be taken for a no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sijbot.coaching.plan import Item
from sijbot.coaching.programme import DAY_AFTER, Person
from sijbot.coaching.reading import DELETING, KEEPING, THINGS_OFFERED, AnswerReader, agreed, event_of, follow_up_of, numbers_of, pain_of, yes_no
from sijbot.coaching.session import (
    ABOUT_YOU, CHOSEN, CLEARED, EASIER, EXERCISE, FELL, HURTS, IT_HURTS, MENU, MINUTES, MOVED, NEXT, NO, NONE_OF_THEM, NUMBER, PAIN_AFTER, PAIN_BEFORE, PAUSE, PAUSED, PLACE, REPEAT, RESUME, SCREEN, SINCE, SKIP, STAGES,
    STOP, THINGS, UNSURE, UNWELL, WEEK, WHY, YES, Event, State,
)  # fmt: skip

BASE = State(pain_before=4, pain_now=4, plan=(Item("clam_shell", "side", 1, 8),))


@pytest.fixture(scope="module")
def reader(content) -> AnswerReader:
    return AnswerReader(content)


def at(stage: str, **known) -> State:
    return replace(BASE, stage=stage, **known)


@pytest.mark.parametrize("text", ["2", "2.", "(2)", "#2", "2)", "no. 2", "option 2", "number two", "TWO", "two!", "2 please"])
def test_the_second_choice_in_every_dress_is_no(content, reader, text):
    assert event_of(content, at(SCREEN), reader(text)) == Event(NO)


@pytest.mark.parametrize("text", ["22", "7", "12", "0"])
def test_a_number_that_is_no_choice_is_asked_again(content, reader, text):
    assert event_of(content, at(SCREEN), reader(text)) is None


@pytest.mark.parametrize(("text", "answer"), [
    ("No", NO), ("nope, all normal down there", NO), ("not that I know", NO), ("definitely not", NO), ("I do not", NO), ("Yes", YES), ("yeah a bit", YES), ("sometimes", YES),
    ("not sure", UNSURE), ("no idea", UNSURE), ("maybe", UNSURE), ("no, well sometimes", UNSURE), ("no but a little", UNSURE), ("yes and no", None), ("yes. no sorry", None),
])  # fmt: skip
def test_yes_no_and_doubt(reader, text, answer):
    assert yes_no(reader(text)) == answer


@given(st.sampled_from(("yes", "a bit", "sometimes", "maybe", "not sure")), st.sampled_from(("no", "nope", "nothing")), st.sampled_from((" ", ", ", " but ", ". ", " … ")), st.booleans())
def test_a_yes_or_a_doubt_beside_a_no_is_never_a_no(reader, positive, negative, between, is_first):
    text = f"{positive}{between}{negative}" if is_first else f"{negative}{between}{positive}"

    assert yes_no(reader(text)) != NO


@pytest.mark.parametrize(("text", "pain"), [
    ("0", 0), ("10", 10), ("3.5", 4), ("2,5", 3), ("three", 3), ("about a 4", 4), ("4ish maybe 5", 5), ("3/10", 3), ("ten out of ten", 10), ("no pain", 0), ("was a 7, now 4", 4),
    ("6 or 7", 7), ("between 3 and 4", 4), ("seven and a half", 8), ("11", None), ("slept 5 hours", None), ("why?", None), ("went from 6 to 3", 3), ("it is 10 min", None),
])  # fmt: skip
def test_pain_in_every_dress(reader, text, pain):
    assert pain_of(reader(text)) == pain


def test_the_same_pain_is_that_of_the_start(content, reader):
    assert event_of(content, at(PAIN_AFTER), reader("same as before")) == Event(NUMBER, 4)
    assert event_of(content, at(PAIN_BEFORE, pain_before=None), reader("same as before")) is None


@pytest.mark.parametrize(("text", "minutes"), [("1", 5), ("2", 10), ("3", 15), ("10", 10), ("2 min", 2), ("quarter of an hour", 15), ("half an hour", 30), ("1 hour", 60), ("quick one please", 5), ("twelve minutes", 12)])
def test_minutes(content, reader, text, minutes):
    assert event_of(content, at(MINUTES), reader(text)) == Event(NUMBER, minutes)


def test_any_length_is_left_to_the_phase(content, reader):
    assert event_of(content, at(MINUTES), reader("doesn't matter")) == Event(UNSURE)


@pytest.mark.parametrize(("text", "kind"), [("1", YES), ("2", NO), ("floor is fine", YES), ("in bed", YES), ("only a chair", NO), ("I can't get down on the floor", NO), ("at the office", NO), ("not on the floor", NO), ("the bed, not the floor", YES)])
def test_where(content, reader, text, kind):
    assert event_of(content, at(PLACE), reader(text)).kind == kind


@pytest.mark.parametrize(("text", "things"), [
    ("0", ()), ("none", ()), ("1 and 3", ("ball", "mat")), ("1,2,3", THINGS_OFFERED), ("a towel", ("ball",)), ("band but it snapped", ()), ("a mat, no band", ("mat",)), ("everything but the mat", ("ball", "band")),
    ("all of them", THINGS_OFFERED), ("pillow and theraband", ("ball", "band")),
])  # fmt: skip
def test_things(content, reader, text, things):
    assert event_of(content, at(THINGS), reader(text)).chosen == things


@pytest.mark.parametrize("number", range(1, 10))
def test_the_choices_beside_an_exercise_by_number(content, reader, number):
    assert event_of(content, at(EXERCISE), reader(str(number))) == Event(MENU[number - 1])


@pytest.mark.parametrize(("text", "kind"), [
    ("done", NEXT), ("ok next", NEXT), ("did 8 of them", NEXT), ("again please", REPEAT), ("too hard for me", EASIER), ("leave this one out", SKIP), ("brb", PAUSE), ("that's enough for today", STOP),
    ("that hurts", IT_HURTS), ("ouch", IT_HURTS), ("why this one?", WHY), ("what is it good for", WHY),
])  # fmt: skip
def test_the_choices_beside_an_exercise_in_words(content, reader, text, kind):
    assert event_of(content, at(EXERCISE), reader(text)).kind == kind


@pytest.mark.parametrize(("text", "event"), [
    ("that hurts, 5", Event(IT_HURTS, 5)), ("a sharp pain", Event(IT_HURTS, is_sharp=True)), ("it goes down my leg", Event(IT_HURTS, spreads=True)), ("it hurts but no sharp pain, 4", Event(IT_HURTS, 4)),
])  # fmt: skip
def test_what_kind_of_pain(content, reader, text, event):
    assert event_of(content, at(EXERCISE), reader(text)) == event


def test_muscle_effort_is_no_pain_of_the_joint(content, reader):
    assert event_of(content, at(HURTS), reader("just the muscle, like after the gym")) == Event(NUMBER, 4)


def test_stop_in_a_sentence_about_pain_is_about_the_pain(content, reader):
    assert event_of(content, at(EXERCISE), reader("it hurts, I had to stop")).kind == IT_HURTS


@pytest.mark.parametrize(("text", "chosen"), [("4, 6", ("hip_replacement", "knee_replacement")), ("0", None), ("none of it", None)])
def test_a_list_by_numbers(content, reader, text, chosen):
    state = at(ABOUT_YOU, open=("a", "b", "c", "hip_replacement", "e", "knee_replacement"))

    assert event_of(content, state, reader(text)) == (Event(CHOSEN, chosen=chosen) if chosen else Event(NONE_OF_THEM))


def test_a_list_by_words(content, reader):
    state = at(ABOUT_YOU, open=("osteoporosis",))

    assert event_of(content, state, reader("weak bones, and pregnant", ("osteoporosis", "pregnant"))) == Event(CHOSEN, chosen=("osteoporosis", "pregnant"), is_whole=False)


@pytest.mark.parametrize(("text", "named", "event"), [
    ("16 weeks today", (), Event(CHOSEN, chosen=("pregnant",), is_whole=False, weeks=16)), ("had a baby 9 weeks ago", ("postpartum",), Event(CHOSEN, chosen=("postpartum",), is_whole=False, weeks=9)),
    ("fine, no bleeding", (), None), ("no gear", (), None), ("no issues with that", (), None), ("nothing special", (), Event(NONE_OF_THEM)), ("no", (), Event(NONE_OF_THEM)),
])  # fmt: skip
def test_what_is_said_of_one_thing_answers_no_whole_list(content, reader, text, named, event):
    assert event_of(content, at(ABOUT_YOU, open=("osteoporosis",)), reader(text, named)) == event


@pytest.mark.parametrize(("text", "kind"), [("I slipped off the cushion", FELL), ("I feel dizzy", UNWELL), ("not dizzy, done", NEXT), ("that made it a 7", IT_HURTS), ("oh that is much worse", IT_HURTS), ("can we do it on a chair today", MOVED)])
def test_what_happens_beside_an_exercise(content, reader, text, kind):
    assert event_of(content, at(EXERCISE), reader(text)).kind == kind


@pytest.mark.parametrize("text", ["but I feel fine on my back", "ok i have to do homework for school after this"])
def test_a_nod_in_a_sentence_about_something_else_is_no_next(content, reader, text):
    assert event_of(content, at(EXERCISE), reader(text)) is None


@pytest.mark.parametrize("text", ["why do you need to know that?", "do I have to?", "skip the questions"])
def test_why_it_is_asked(content, reader, text):
    assert event_of(content, at(SCREEN), reader(text)) == Event(WHY)


@pytest.mark.parametrize(("text", "kind"), [("my midwife said it is fine", YES), ("not cleared yet", NO), ("no", NO), ("no bleeding", None)])
def test_what_the_team_has_agreed_to(content, reader, text, kind):
    event = event_of(content, at(CLEARED), reader(text))

    assert (event and event.kind) == kind


@pytest.mark.parametrize(("stage", "text", "weeks"), [(WEEK, "16", 16), (WEEK, "16+3", 16), (WEEK, "twenty eight weeks", 28), (SINCE, "3 months ago", 13), (SINCE, "last week", 1), (SINCE, "yesterday", 0), (SINCE, "10 days", 1)])
def test_weeks(content, reader, stage, text, weeks):
    assert event_of(content, at(stage), reader(text)) == Event(NUMBER, weeks)


@pytest.mark.parametrize(("text", "kind"), [("1", YES), ("2", NO), ("3", UNSURE), ("as usual", YES), ("fine", YES), ("worse for two days", NO), ("sore that evening but fine the next day", YES), ("not worse", YES), ("no idea", UNSURE)])
def test_the_day_after(content, reader, text, kind):
    assert event_of(content, at(DAY_AFTER), reader(text)) == Event(kind)


def test_one_message_may_answer_what_comes_next_too(content, reader):
    answer = reader("4, and 15 minutes on the floor with a towel")

    assert event_of(content, at(PAIN_BEFORE), answer) == Event(NUMBER, 4)
    assert follow_up_of(at(MINUTES), answer) == Event(NUMBER, 15)
    assert follow_up_of(at(PLACE), answer) == Event(YES)
    assert follow_up_of(at(THINGS), answer) == Event(CHOSEN, chosen=("ball",))


def test_what_a_message_does_not_say_is_not_guessed(reader):
    assert [follow_up_of(at(stage), reader("4 I think")) for stage in (MINUTES, PLACE, THINGS)] == [None] * 3


def test_a_pause_may_be_said_anywhere_and_ends_by_going_on(content, reader):
    for stage in (SCREEN, PAIN_BEFORE, EXERCISE):
        assert event_of(content, at(stage), reader("pause")) == Event(PAUSE)
    assert event_of(content, at(PAUSED, paused_at=EXERCISE), reader("go on")) == Event(RESUME)


@given(st.text(max_size=80), st.sampled_from(STAGES))
def test_no_message_breaks_the_reader(content, reader, text, stage):
    event = event_of(content, replace(BASE, stage=stage, paused_at=EXERCISE, open=("life_stage",), person=Person()), reader(text))

    assert event is None or isinstance(event, Event)


@pytest.mark.parametrize(("text", "values"), [("half an hour", [30]), ("the red one", []), ("one", [1]), ("thirty-four weeks", [34]), ("no numbers", [])])
def test_numbers(text, values):
    assert [number.value for number in numbers_of(text)][: len(values)] == values


KEEPS, DELETES = {"yes keep everything", "yes you can keep them for me", "yes but keep my diary"}, {"yes delete everything please now", "yes wipe my data and diary", "yes please delete the lot"}
NO_YES = (
    "si joint still hurts", "i have a question", "i am 30 weeks pregnant now", "correct me if im wrong", "yes but dont delete the diary", "i did not mean that", "i do", "true", "there is one more thing",
    "yes, but what happens to my diary?", "yes i am 30 weeks pregnant now", "ok",
)  # fmt: skip


@pytest.mark.parametrize("about", [KEEPING, DELETING])
@pytest.mark.parametrize("text", ["yes", "Y", "yes please", "sure", "yeah go on then", "sure why not", "1", "number 1"])
def test_a_plain_yes_keeps_and_deletes(reader, about, text):
    assert agreed(reader(text), about) == YES


@pytest.mark.parametrize("about", [KEEPING, DELETING])
@pytest.mark.parametrize("text", NO_YES)
def test_what_may_be_a_yes_to_something_else_keeps_and_deletes_nothing(reader, about, text):
    assert agreed(reader(text), about) != YES


@pytest.mark.parametrize(("texts", "about", "other"), [(KEEPS, KEEPING, DELETING), (DELETES, DELETING, KEEPING)])
def test_a_yes_to_the_one_is_none_to_the_other(reader, texts, about, other):
    assert {text for text in texts if agreed(reader(text), about) == YES} == texts
    assert {text for text in texts if agreed(reader(text), other) == YES} == set()


@pytest.mark.parametrize("text", ["no", "not now", "nope", "2", "no keep it"])
def test_a_no_is_a_no_to_both(reader, text):
    assert agreed(reader(text), KEEPING) == agreed(reader(text), DELETING) == NO
