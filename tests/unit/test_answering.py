"""From an answer or exercise, and what is known of the person, to replies."""

import pytest

from sijbot import answering, clock
from sijbot.triage.lock import Lock

ANSWER, EXERCISE = "aggravating", "clam_shell"


@pytest.mark.parametrize("situations", [(), ("diabetes",)], ids=["nothing known", "a situation without caution"])
def test_an_answer_is_its_short_form_where_no_caution_fits(content, situations):
    reply, = answering.answer_replies(content, ANSWER, situations)

    assert reply.text == content.answers[ANSWER].short
    assert reply.title == content.answers[ANSWER].title


def test_an_answer_cites_all_its_sources(content):
    reply, = answering.answer_replies(content, ANSWER, ())

    assert [source.title for source in reply.sources] == [content.sources[key].title for key in content.answers[ANSWER].sources]


def test_an_answer_offers_more_and_at_most_two_related(content):
    reply, = answering.answer_replies(content, ANSWER, ())

    related = [f"topic:{content_id}" for content_id in content.answers[ANSWER].related]
    assert len(related) > 2
    assert [button.payload for button in reply.buttons] == [f"more:{ANSWER}", *related[:2]]


def test_an_exercise_comes_whole_with_dose_and_when_to_stop(content):
    reply, = answering.answer_replies(content, EXERCISE, ())

    exercise = content.exercises[EXERCISE]
    assert reply.kind == "steps"
    for piece in (exercise.purpose, *exercise.steps, exercise.dose, *exercise.stop_if, exercise.easier):
        assert piece in reply.text


def test_only_the_cautions_of_the_persons_situations_are_shown(content):
    reply, = answering.answer_replies(content, EXERCISE, ("pregnant",))

    shown = {caution.when for caution in content.exercises[EXERCISE].adapt if caution.text in reply.text}
    assert shown == {"pregnant"}


@pytest.mark.parametrize("content_id", [None, "no_such_id", EXERCISE])
def test_more_of_what_has_no_long_form_is_said_to_be_nothing(content, content_id):
    assert [reply.text for reply in answering.more_replies(content, content_id, ())] == [content.wording["nothing_more"]]


def test_more_of_an_answer_is_its_long_form(content):
    reply, = answering.more_replies(content, ANSWER, ())

    assert reply.text == content.answers[ANSWER].more
    assert f"more:{ANSWER}" not in [button.payload for button in reply.buttons]


@pytest.mark.parametrize("content_id", [None, "no_such_id", "belts"])
def test_push_back_without_a_text_of_its_own_gets_the_general_one(content, content_id):
    assert [reply.text for reply in answering.push_back_replies(content, content_id)] == [content.wording["push_back"]]


def test_push_back_gets_the_text_of_the_answer_just_given(content):
    assert answering.push_back_replies(content, "back_in_place")[0].text == content.answers["back_in_place"].push_back


def test_where_nothing_is_close_the_person_is_asked_to_say_it_again(content):
    reply = answering.clarify_reply(content, [], 1, None)

    assert reply.text == content.wording["rephrase"]
    assert reply.buttons == ()


def test_did_you_mean_offers_the_three_closest_ids(content):
    reply = answering.clarify_reply(content, ["sleeping", EXERCISE, "sitting", "stairs"], 1, None)

    assert [(button.title, button.payload) for button in reply.buttons] == [
        (content.title_of(content_id), f"topic:{content_id}") for content_id in ("sleeping", EXERCISE, "sitting")
    ]


@pytest.mark.parametrize("doubts, key", [(1, "did_you_mean"), (2, "rephrase_hint"), (3, "way_out"), (9, "way_out")])
def test_doubt_after_doubt_is_met_with_another_way_on(content, doubts, key):
    reply = answering.clarify_reply(content, ["sleeping"], doubts, "uk")

    assert reply.text.split()[:5] == content.wording[key].split()[:5]
    assert [button.payload for button in reply.buttons] == ["topic:sleeping"]


@pytest.mark.parametrize(
    ("exercise", "situations", "is_drawn"),
    [
        ("clam_shell", (), True), ("clam_shell", ("pregnant",), True), ("glute_bridge", ("pregnant",), False), ("figure_4", ("pregnant",), False), ("double_knee_hug", ("osteoporosis",), False),
        ("figure_4", ("hip_replacement",), False), ("bird_dog", ("over_65",), True), ("bird_dog", ("under_16",), False),
    ],
)  # fmt: skip
def test_an_exercise_is_drawn_for_whom_nothing_keeps_it_from_in_the_posture_that_is_drawn(content, exercise, situations, is_drawn):
    reply, = answering.answer_replies(content, exercise, situations)

    assert (reply.picture is not None) is is_drawn
    assert not is_drawn or (reply.picture.name, reply.picture.shows) == (exercise, content.exercises[exercise].picture)


def test_how_much_of_an_exercise_is_its_dose_and_what_is_easier_its_easier_version(content):
    exercise = content.exercises[EXERCISE]
    for intent, text in (("ask_amount", exercise.dose), ("ask_easier", exercise.easier), ("ask_harder", exercise.harder)):
        assert answering.detail_reply(content, EXERCISE, intent, ()).text == text


@pytest.mark.parametrize("intent", ["ask_amount", "ask_easier", "ask_harder"])
def test_a_question_about_an_exercise_that_nobody_named_asks_which(content, intent):
    assert answering.detail_reply(content, None, intent, ()).text == content.wording["which_exercise"]


def test_how_much_of_what_is_no_exercise_is_told_by_its_long_form(content):
    assert answering.detail_reply(content, ANSWER, "ask_amount", ()).text == content.answers[ANSWER].more


def test_the_sources_of_an_answer_are_named_with_its_review_date(content):
    reply = answering.sources_reply(content, ANSWER)

    answer = content.answers[ANSWER]
    assert all(content.sources[key].title in reply.text for key in answer.sources)
    assert str(answer.reviewed_on.year) in reply.text and answer.title in reply.text
    assert answering.sources_reply(content, None).text == content.wording["sources_of_nothing"]


def test_in_another_situation_only_its_caution_is_said_and_none_is_no_clearance(content):
    pregnant = next(caution.text for caution in content.exercises[EXERCISE].adapt if caution.when == "pregnant")

    assert answering.situation_reply(content, EXERCISE, ("pregnant",), "uk").text == pregnant
    assert "does not mean" in answering.situation_reply(content, ANSWER, ("diabetes",), "uk").text
    assert answering.situation_reply(content, None, ("pregnant",), "uk").text == content.wording["which_situation"].strip()


def test_what_else_was_asked_is_offered(content):
    assert answering.also_asked_reply(content, ()) is None
    assert [button.payload for button in answering.also_asked_reply(content, ("sitting", "stairs")).buttons] == ["topic:sitting", "topic:stairs"]


def test_information_about_a_sign_says_what_to_do_if_it_is_there_now(content):
    reply = answering.information_reply(content, "stroke", "uk")

    assert reply.text.startswith(content.red_flags["stroke"].information)
    assert content.regions["uk"].emergency_line in reply.text


@pytest.mark.parametrize("content_id, shown_before", [("anatomy", False), ("anatomy", True)])
def test_a_subject_without_safety_net_gets_none(content, content_id, shown_before):
    assert answering.safety_net_reply(content, content_id, "uk", shown_before) is None


def test_the_safety_net_is_whole_the_first_time_and_one_line_after_that(content):
    first, later = (answering.safety_net_reply(content, ANSWER, "us", shown_before).text for shown_before in (False, True))

    assert content.regions["us"].emergency_line in first
    assert later == content.wording["safety_net_line"]


@pytest.mark.parametrize("intent", ["inform", "no_such_intent"])
def test_talk_that_nothing_is_written_for_is_asked_for_in_other_words(content, intent):
    assert answering.talk_reply(content, intent, "uk").text == content.wording["rephrase"]


@pytest.mark.parametrize("intent", ["report_symptom", "exercise_hurts", "push_back"])
def test_talk_that_something_is_written_for_gets_it(content, intent):
    assert answering.talk_reply(content, intent, "uk").text == content.wording[intent]


def test_the_booking_line_speaks_of_the_regions_doctor(content):
    assert "GP" in answering.booking_line_reply(content, ["severe_pain"], "uk").text
    assert "GP" not in answering.booking_line_reply(content, ["severe_pain"], "us").text


def test_the_booking_line_names_what_was_told(content):
    assert content.red_flags["testicular"].finding in answering.booking_line_reply(content, ["testicular"], "uk").text


@pytest.mark.parametrize("flag, level, own", [("suicidal_ideation", "urgent", True), ("foot_drop", "urgent", False), ("suicidal_ideation", "emergency", False)])
def test_what_stands_first_is_its_own_line_where_it_has_one_and_no_emergency(content, flag, level, own):
    lock = Lock(level, (flag,), clock.now())

    text = answering.standing_line(content, lock, "uk").text

    assert (content.regions["uk"].crisis_line in text) == own
    assert (content.regions["uk"].emergency_line in text) == (level == "emergency")


def test_somebody_who_thinks_of_dying_gets_no_list_of_bladder_signs(content):
    lock = Lock("urgent", ("suicidal_ideation",), clock.now())

    assert answering.safety_net_reply(content, ANSWER, "uk", shown_before=False, lock=lock) is None
