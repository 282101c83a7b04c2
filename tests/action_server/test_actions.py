"""Every action on one turn: what it says, and what it leaves for the next. Expected words come from `content/`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from helper import found, run, tracker, understood, user_event

from sijbot import clock, runtime
from sijbot.records import coach, repository
from sijbot.records.schema import HAND_OFF, SAFETY_LOG, make_engine
from sijbot.routing import DID_YOU_MEAN, RED_FLAG, Expecting
from sijbot.settings import Settings
from sijbot.triage.assess import Assessment, Finding
from sijbot.triage.lock import Lock

CLAM_SHELL = understood("clam_shell", intent="exercise")
OPEN = Expecting(RED_FLAG, "ces_saddle_numbness")


def lock_of(parts):
    with parts.engine.connect() as connection:
        return repository.read_lock(connection, "somebody")


def raise_lock(parts, level, flag):
    with parts.engine.begin() as connection:
        repository.write_lock(connection, "somebody", Lock(level, (flag,), clock.now()))


@pytest.mark.parametrize("level, flag", [("emergency", "ces_saddle_numbness"), ("urgent", "foot_drop")])
@pytest.mark.parametrize("kept_in", ["records", "history", "this message"])
def test_no_steps_while_a_level_stands_wherever_it_is_kept(parts, content, words, level, flag, kept_in):
    earlier, assessment = (), Assessment()
    if kept_in == "records":
        raise_lock(parts, level, flag)
    elif kept_in == "history":
        earlier = [user_event("before", found(flag, level))]
    else:
        assessment = found(flag, level)

    outcome = run("action_answer", tracker(understanding=CLAM_SHELL, assessment=assessment, earlier=earlier))

    assert outcome.texts == [words(f"standing_{level}", finding=content.red_flags[flag].finding)]
    assert "topic" not in outcome.slots


@pytest.mark.parametrize("after, refused", [(timedelta(days=7) - timedelta(minutes=1), True), (timedelta(days=7, minutes=1), False)])
def test_a_level_stands_for_seven_days(parts, after, refused):
    raise_lock(parts, "urgent", "foot_drop")

    clock.advance(after)

    assert (run("action_answer", tracker(understanding=CLAM_SHELL)).replies[0]["kind"] != "steps") == refused


@pytest.mark.parametrize("content_id, shown", [("gentle_exercises", False), ("stop_rules", True), ("anatomy", True)])
def test_what_is_no_exercise_is_said_in_an_emergency_too(parts, content, content_id, shown):
    raise_lock(parts, "emergency", "stroke")

    outcome = run("action_answer", tracker(understanding=understood(content_id)))

    assert any(content.answers[content_id].short in text for text in outcome.texts) == shown


def test_an_open_question_of_the_screen_comes_before_any_exercise(content, words):
    outcome = run("action_answer", tracker(understanding=CLAM_SHELL, expecting=OPEN))

    assert outcome.texts[0] == words("standing_ask", question=content.red_flags["ces_saddle_numbness"].question, help=content.regions["uk"].emergency_line)
    assert not any(reply["kind"] == "steps" for reply in outcome.replies)


@pytest.mark.parametrize("asked, asked_again", [(1, True), (2, False)])
def test_a_question_passed_over_is_put_once_more(content, words, asked, asked_again):
    expecting = Expecting(RED_FLAG, "ces_saddle_numbness", asked)

    outcome = run("action_answer", tracker(understanding=understood("anatomy"), expecting=expecting))

    question = words("ask_again", question=content.red_flags["ces_saddle_numbness"].question, help=content.regions["uk"].emergency_line)
    assert (question in outcome.texts) == asked_again
    assert outcome.slots.get("expecting", expecting.to_slot())["asked"] == 2


def test_a_question_about_change_that_was_passed_over_is_put_again_as_it_was_put(content, words):
    expecting = Expecting(RED_FLAG, "leg_neuro_significant", is_about_change=True, level="urgent")

    outcome = run("action_answer", tracker(understanding=understood("anatomy"), expecting=expecting))

    assert words("ask_again", question=content.wording["question_of_change"], help=content.regions["uk"].urgent_line) in outcome.texts


@pytest.mark.parametrize("flag, booked_for, times", [("pain_over_1_week", None, 1), ("pain_over_1_week", ["pain_over_1_week"], 0), ("testicular", ["pain_over_1_week"], 1)])
def test_booking_is_advised_once_for_each_sign(content, words, flag, booked_for, times):
    at = tracker(understanding=CLAM_SHELL, assessment=found(flag, "soon"), booked_for=booked_for)

    outcome = run("action_answer", at)

    assert outcome.texts.count(words("booking_line", finding=content.red_flags[flag].finding)) == times
    assert outcome.slots.get("booked_for") == ([*(booked_for or ()), flag] if times else None)


def test_every_soon_sign_of_a_message_is_named(content, words):
    findings = tuple(Finding(flag, "alarm", "soon", 0, 5) for flag in ("pain_over_1_week", "leg_tingling_mild", "night_sweats"))
    named = "; ".join(content.red_flags[flag].finding for flag in ("leg_tingling_mild", "night_sweats"))

    outcome = run("action_answer", tracker(understanding=CLAM_SHELL, assessment=Assessment("alarm", findings), booked_for=["pain_over_1_week"]))

    assert outcome.texts.count(words("booking_line", finding=named)) == 1
    assert outcome.slots["booked_for"] == ["pain_over_1_week", "leg_tingling_mild", "night_sweats"]


@pytest.mark.parametrize("shown_before, key", [(None, "safety_net"), (True, "safety_net_line")])
def test_the_safety_net_is_whole_at_first_and_one_line_then(words, shown_before, key):
    outcome = run("action_answer", tracker(understanding=understood("symptoms", intent="symptom"), safety_net_shown=shown_before))

    assert outcome.texts[-1] == words(key)
    assert outcome.slots["safety_net_shown"] is True


def test_a_subject_without_safety_net_has_none(content):
    outcome = run("action_answer", tracker(understanding=understood("anatomy")))

    assert outcome.texts == [content.answers["anatomy"].short]
    assert "safety_net_shown" not in outcome.slots


@pytest.mark.parametrize(
    "ranking, offered",
    [
        (["anatomy", "out_of_scope", "function", "causes", "sleeping"], ["anatomy", "function", "causes"]), (["greet", "anatomy"], ["anatomy"]),
        (["greet", "out_of_scope"], []), ([], []),
    ],
)  # fmt: skip
def test_in_doubt_at_most_three_topics_are_offered(content, words, ranking, offered):
    outcome = run("action_answer", tracker(understanding=understood(None, "clarify", "nlu_fallback", ranking)))

    (reply,) = outcome.replies
    assert [(button["title"], button["payload"]) for button in reply["buttons"]] == [(content.title_of(one), f"topic:{one}") for one in offered]
    assert reply["text"] == words("did_you_mean" if offered else "rephrase")
    assert outcome.slots.get("expecting") == (Expecting(DID_YOU_MEAN, offered[0]).to_slot() if offered else None)


def test_an_offer_does_not_take_the_place_of_the_screens_question():
    outcome = run("action_answer", tracker(understanding=understood(None, "clarify", "x", ["anatomy"]), expecting=Expecting(RED_FLAG, "foot_drop", 2)))

    assert "expecting" not in outcome.slots


@pytest.mark.parametrize("intent, action", [("ask_more", "action_more"), ("seen_by_clinician", "action_seen"), ("start_again", "action_start_again")])
def test_a_reaction_leads_to_its_action(intent, action):
    assert run("action_answer", tracker(understanding=understood(None, intent=intent))).next_action == action


def test_more_is_told_once(content, words):
    first = run("action_more", tracker(topic="anatomy"))
    second = run("action_more", tracker(topic="anatomy", **{key: value for key, value in first.slots.items() if key != "topic"}))

    assert first.texts == [content.answers["anatomy"].more]
    assert second.texts == [words("nothing_more")]


@pytest.mark.parametrize("topic", [None, "clam_shell"])
def test_there_is_no_more_of_nothing_or_of_an_exercise(words, topic):
    assert run("action_more", tracker(topic=topic)).texts == [words("nothing_more")]


def test_the_button_decides_of_what_more_is_told(content):
    outcome = run("action_more", tracker(topic="anatomy", button="more:function"))

    assert outcome.texts == [content.answers["function"].more]
    assert outcome.slots["topic"] == "function"


@pytest.mark.parametrize("expecting, kept", [(OPEN, OPEN.to_slot()), (Expecting(DID_YOU_MEAN, "anatomy"), None), (None, None)])
def test_start_again_keeps_only_what_safety_needs(words, expecting, kept):
    outcome = run("action_start_again", tracker(expecting=expecting, topic="anatomy", safety_net_shown=True))

    assert outcome.texts == [words("restarted")]
    assert outcome.events[0]["event"] == "reset_slots"
    assert outcome.slots == {"safety_net_shown": True, **({"expecting": kept} if kept else {})}


@pytest.mark.parametrize("level, flag, stays", [("emergency", "stroke", True), ("urgent", "foot_drop", False), ("soon", "severe_pain", False)])
def test_being_seen_takes_a_level_away_but_not_an_emergency(parts, words, level, flag, stays):
    raise_lock(parts, level, flag)

    outcome = run("action_seen", tracker())

    assert (lock_of(parts) is not None) == stays
    assert outcome.texts == [words("seen_unclear" if stays else "seen")]


def test_saying_who_has_looked_at_it_takes_an_emergency_away_and_is_written_down(parts, words):
    raise_lock(parts, "emergency", "stroke")

    outcome = run("action_seen", tracker(assessment=Assessment(facts=("seen_by_clinician",))))

    with parts.engine.connect() as connection:
        (row,) = connection.execute(SAFETY_LOG.select()).mappings().all()
    assert lock_of(parts) is None
    assert outcome.texts == [words("seen")]
    assert row["findings"] == [{"flag": "stroke", "outcome": "seen"}]


def test_being_seen_keeps_an_emergency_that_was_never_written_down(parts):
    run("action_seen", tracker(earlier=[user_event("before", found("stroke", "emergency"))]))

    assert lock_of(parts).level == "emergency"


def test_being_seen_about_nothing_clears_nobody(words):
    assert run("action_seen", tracker()).texts == [words("seen_nothing")]


def test_an_alarm_is_locked_and_logged_without_words(parts):
    outcome = run("action_apply_red_flags", tracker("my foot drops, says Quokkabracket", found("foot_drop", "urgent")))

    with parts.engine.connect() as connection:
        (row,) = connection.execute(SAFETY_LOG.select()).all()
    assert (lock_of(parts).level, lock_of(parts).flags) == ("urgent", ("foot_drop",))
    assert "Quokkabracket" not in str(row)
    assert outcome.slots == {}


@pytest.mark.parametrize("level", ["urgent", "soon"])
def test_a_lower_alarm_lowers_no_lock(parts, level):
    raise_lock(parts, "emergency", "stroke")

    run("action_apply_red_flags", tracker(assessment=found("severe_pain", level)))

    assert lock_of(parts).level == "emergency"


def test_an_ask_leaves_its_question_open_and_locks_nothing(parts):
    outcome = run("action_apply_red_flags", tracker(assessment=found("ces_saddle_numbness", "emergency", "ask")))

    assert outcome.slots["expecting"] == OPEN.to_slot()
    assert lock_of(parts) is None


@pytest.mark.parametrize("answer, says", [("no", True), ("yes", False)])
def test_an_answer_closes_the_question(words, answer, says):
    outcome = run("action_apply_red_flags", tracker(assessment=Assessment(answered=("ces_saddle_numbness", answer)), expecting=OPEN))

    assert outcome.slots == {"expecting": None}
    assert outcome.texts == ([words("answered_no")] if says else [])


def test_a_hand_off_is_shown_and_written_down(parts, content):
    outcome = run("action_hand_off", tracker(assessment=found("ces_bowel", "emergency")))

    with parts.engine.connect() as connection:
        (row,) = connection.execute(HAND_OFF.select()).mappings().all()
    assert content.regions["uk"].emergency_line in outcome.texts[0]
    assert (row["conversation_id"], row["reply_id"], row["level"]) == ("somebody", outcome.replies[0]["id"], "emergency")


def test_a_question_about_a_sign_is_informed_about(content):
    outcome = run("action_inform", tracker(assessment=found("foot_drop", "urgent", "inform")))

    assert content.red_flags["foot_drop"].information in outcome.texts[0]
    assert content.regions["uk"].emergency_line in outcome.texts[0]


@pytest.mark.parametrize("level, flag", [("emergency", "stroke"), ("urgent", "foot_drop")])
def test_doubt_after_a_hand_off_gets_the_same_advice_again(content, words, level, flag):
    outcome = run("action_stand_by_hand_off", tracker(earlier=[user_event("before", found(flag, level))]))

    assert outcome.texts == [words(f"stand_by_{level}", finding=content.red_flags[flag].finding)]


@pytest.mark.parametrize("level, flag", [("emergency", "stroke"), ("urgent", "foot_drop")])
@pytest.mark.parametrize("action", ["action_acknowledge", "action_stand_by_hand_off"])
def test_ok_after_a_hand_off_is_no_doubt(content, words, action, level, flag):
    at = tracker(understanding=understood(None, "other", "affirm"), earlier=[user_event("before", found(flag, level))])

    assert run(action, at).texts == [words(f"nod_{level}", finding=content.red_flags[flag].finding)]


def test_two_questions_are_answered_in_order_and_the_rest_is_offered(content):
    said = run("action_answer", tracker(understanding=understood("sleeping", intent="daily_life", also=["heat_ice", "sitting"])))

    assert [reply["title"] for reply in said.replies[:2]] == [content.title_of("sleeping"), content.title_of("heat_ice")]
    assert [button["payload"] for button in said.replies[-1]["buttons"]] == ["topic:sitting"]
    assert (said.slots["topic"], said.slots["topic_before"]) == ("heat_ice", "sleeping")


def test_of_two_questions_the_safety_net_comes_once(words):
    said = run("action_answer", tracker(understanding=understood("sleeping", intent="daily_life", also=["heat_ice"])))

    assert said.texts.count(words("safety_net")) == 1


def test_the_other_one_is_the_answer_before(content):
    said = run("action_answer", tracker(understanding=understood(None, intent="ask_other_one"), topic="sleeping", topic_before="sitting"))

    assert said.replies[0]["title"] == content.title_of("sitting")
    assert (said.slots["topic"], said.slots["topic_before"]) == ("sitting", "sleeping")


def test_without_an_answer_before_the_other_one_is_asked_for(words):
    assert run("action_answer", tracker(understanding=understood(None, intent="ask_other_one"))).texts == [words("no_other_one")]


def test_an_exercise_behind_a_red_flag_is_not_explained_further(words):
    earlier = [user_event("my foot drops", found("foot_drop", "urgent"))]
    for action, intent in (("action_detail", "ask_amount"), ("action_for_situation", "ask_for_situation")):
        said = run(action, tracker(understanding=understood(None, intent=intent), topic="clam_shell", earlier=earlier, situations=["pregnant"]))
        assert not any("8–12" in text for text in said.texts)
        assert any("checked" in text for text in said.texts)


@pytest.mark.parametrize("doubts, key", [(None, "did_you_mean"), (1, "rephrase_hint"), (2, "way_out")])
def test_each_doubt_in_a_row_is_met_otherwise(words, doubts, key):
    said = run("action_answer", tracker(understanding=understood(None, "clarify", "nlu_fallback", ranking=["sleeping"]), doubts=doubts))

    assert said.texts[0] == words(key)
    assert said.slots["doubts"] == (doubts or 0) + 1


def test_what_is_understood_ends_a_row_of_doubts():
    assert run("action_answer", tracker(understanding=understood("sleeping", intent="daily_life"), doubts=2)).slots["doubts"] is None


@pytest.mark.parametrize("kind", ["other_medical", "not_medical", "injection", "abuse", "nonsense", "other_language", "about_the_service"])
def test_what_is_out_of_scope_is_declined_by_its_kind(words, kind):
    assert run("action_answer", tracker(understanding=understood(None, "out_of_scope", "out_of_scope", kind=kind))).texts == [words(f"declined_{kind}")]


@pytest.mark.parametrize("given, is_asked", [(0, False), (1, True), (2, False), (6, False), (7, True)])
def test_whether_an_answer_helped_is_asked_now_and_then(words, given, is_asked):
    said = run("action_answer", tracker(understanding=understood("anatomy"), answers_given=given))

    assert (words("helpful_question") in said.texts) == is_asked
    assert said.slots["answers_given"] == given + 1


def test_whether_an_answer_helped_is_not_asked_beside_a_danger_sign(words):
    earlier = [user_event("my foot drops", found("foot_drop", "urgent"))]

    assert words("helpful_question") not in run("action_answer", tracker(understanding=understood("anatomy"), answers_given=1, earlier=earlier)).texts


@pytest.mark.parametrize("button, about", [("helpful:no:sitting", "sitting"), (None, "anatomy"), ("helpful:no:no_such_id", "anatomy")])
def test_what_did_not_help_is_kept_with_its_answer(parts, button, about):
    run("action_feedback", tracker(understanding=understood(None, intent="answer_not_helped"), topic="anatomy", button=button))

    with parts.engine.connect() as connection:
        assert repository.misses(connection) == [{"about": about, "outcome": "unhelpful", "count": 1}]


def test_doubt_and_what_was_declined_are_kept_without_words(parts):
    run("action_answer", tracker("a secret", understanding=understood(None, "clarify", "nlu_fallback", ranking=["sleeping"])))
    run("action_answer", tracker("a secret", understanding=understood(None, "out_of_scope", "out_of_scope", kind="abuse")))

    with parts.engine.connect() as connection:
        kept = repository.misses(connection)
    assert {(row["about"], row["outcome"]) for row in kept} == {("sleeping", "doubt"), ("abuse", "declined")}
    assert "secret" not in str(kept)


def test_what_a_message_asked_beyond_two_is_left_open_and_offered_once_more(words):
    many = run("action_answer", tracker(understanding=understood("anatomy", also=["sleeping", "running"])))

    assert many.slots["left_open"] == ["running"]
    next_one = run("action_answer", tracker(understanding=understood("stairs", intent="daily_life"), left_open=["running"]))
    assert words("still_open") in next_one.texts
    assert next_one.slots["left_open"] is None
    assert words("still_open") not in run("action_answer", tracker(understanding=understood("running", intent="exercise"), left_open=["running"])).texts


def test_a_question_of_ours_that_was_passed_over_is_named_once(words):
    assert run("action_ask_about_symptom", tracker("my back hurts")).slots["left_open"] == ["report_symptom"]
    passed_over = run("action_answer", tracker(understanding=understood("anatomy"), left_open=["report_symptom"]))

    assert words("still_open_symptom") in passed_over.texts
    assert passed_over.slots["left_open"] is None


@pytest.mark.parametrize("action", ["action_describe_symptom", "action_acknowledge"])
def test_a_question_of_ours_that_was_answered_is_not_named_again(action):
    assert run(action, tracker("the left side", left_open=["report_symptom"])).slots["left_open"] is None


def test_nothing_is_offered_again_beside_a_danger_sign(words):
    earlier = [user_event("my foot drops", found("foot_drop", "urgent"))]

    assert words("still_open") not in run("action_answer", tracker(understanding=understood("stairs"), left_open=["running"], earlier=earlier)).texts


def test_whether_a_sentence_may_be_kept_is_asked_once_an_id_was_chosen_for_it(words):
    chosen = {"understanding": understood("anatomy"), "button": "topic:anatomy", "doubts": 1, "doubted": "that bone thing"}

    assert words("keep_question") in run("action_answer", tracker(**chosen)).texts
    assert words("keep_question") not in run("action_answer", tracker(**chosen, keep_asked=True)).texts
    assert words("keep_question") not in run("action_answer", tracker(**{**chosen, "button": None})).texts
    assert words("keep_question") not in run("action_answer", tracker(**{**chosen, "doubted": None})).texts
    assert words("keep_question") not in run("action_answer", tracker(**chosen, earlier=[user_event("my foot drops", found("foot_drop", "urgent"))])).texts


def test_a_sentence_in_which_the_screen_found_something_is_never_kept():
    doubt = understood(None, "clarify", "nlu_fallback", ranking=["sleeping"])

    assert run("action_answer", tracker("how to lie", understanding=doubt)).slots["doubted"] == "how to lie"
    assert run("action_answer", tracker("how to lie", found("foot_drop", "soon"), understanding=doubt)).slots["doubted"] is None


@pytest.mark.parametrize("button, kept", [("keep:yes:anatomy", {"anatomy": ["that bone thing"]}), ("keep:no:anatomy", {}), ("keep:yes:no_such_id", {})])
def test_a_sentence_is_kept_with_consent_alone(parts, words, button, kept):
    said = run("action_feedback", tracker(understanding=understood(None, intent="answer_helped"), button=button, doubted="that bone thing"))

    with parts.engine.connect() as connection:
        assert repository.examples(connection) == kept
        assert repository.misses(connection) == []
    assert said.texts == [words("kept" if kept else "not_kept")]


def test_nobody_is_told_that_a_sentence_is_kept_when_it_could_not_be(parts, words):
    parts.engine = make_engine("sqlite:////no/such/folder/sijbot.db")

    said = run("action_feedback", tracker(understanding=understood(None, intent="answer_helped"), button="keep:yes:anatomy", doubted="that bone thing"))

    assert said.texts == [words("not_kept")]


def test_a_record_that_cannot_be_written_leaves_the_answer(parts, words):
    parts.engine = make_engine("sqlite:////no/such/folder/sijbot.db")

    assert run("action_feedback", tracker(understanding=understood(None, intent="answer_helped"))).texts == [words("helped")]


@pytest.mark.parametrize(
    "text, following",
    [("but it does slip out", "action_explain_feeling"), ("how can it not be out of place?", "action_more")],
)
def test_what_comes_to_the_answer_just_given_is_not_answered_with_it_again(text, following):
    said = run("action_answer", tracker(text, understanding=understood("back_in_place", intent="myth"), topic="back_in_place"))

    assert (said.next_action, said.texts) == (following, [])


def test_a_question_asked_a_third_time_is_answered(content):
    said = run("action_answer", tracker("how can it?", understanding=understood("back_in_place", intent="myth"), topic="back_in_place", told_more="back_in_place"))

    assert content.answers["back_in_place"].short in said.texts[0]


@pytest.mark.parametrize("closest, following", [(["push_back", "sitting"], "action_explain_feeling"), (["back_in_place"], "action_explain_feeling"), (["sitting"], "action_listen")])
def test_a_statement_in_doubt_that_may_disagree_is_taken_for_that(closest, following):
    doubt = understood(None, "clarify", "nlu_fallback", ranking=closest)

    assert run("action_answer", tracker("my chiro says otherwise", understanding=doubt, topic="back_in_place")).next_action == following


def test_a_pressed_button_is_answered_although_it_is_the_same_answer(content):
    said = run("action_answer", tracker("x", understanding=understood("back_in_place", intent="myth"), topic="back_in_place", button="topic:back_in_place"))

    assert content.answers["back_in_place"].short in said.texts[0]


# The exercise coach and what stands against it.


def emergency_before() -> list[dict]:
    return [user_event("I have lost control of my bladder", found("ces_bladder_incontinence", "emergency"))]


@pytest.mark.parametrize("assessment", [found("spinal_infection_fever", "urgent"), Assessment("ask", (Finding("foot_drop", "ask", "urgent", 0, 3),))])
def test_a_lesser_sign_or_a_question_never_takes_the_place_of_an_emergency(content, assessment):
    outcome = run("action_hand_off", tracker(assessment=assessment, earlier=emergency_before()))

    assert (outcome.replies[0]["kind"], outcome.replies[0]["level"]) == ("care_card", "emergency")
    assert content.red_flags["ces_bladder_incontinence"].finding in outcome.texts[0] and len(outcome.replies) == 2


def test_an_emergency_stands_for_itself():
    assert len(run("action_hand_off", tracker(assessment=found("stroke", "emergency"), earlier=emergency_before())).replies) == 1


@pytest.mark.parametrize("level, flag, begins", [("emergency", "stroke", False), ("urgent", "foot_drop", False), ("soon", "testicular", False), ("soon", "pain_over_1_week", True)])
def test_no_session_begins_while_a_sign_stands_with_which_nobody_may_exercise(level, flag, begins):
    outcome = run("action_coach", tracker(earlier=[user_event("before", found(flag, level))]))

    assert (outcome.slots["coach"] is not None) is begins
    assert any("1 of 6" in text for text in outcome.texts) is begins


def test_an_open_question_of_the_screen_comes_before_a_session(content):
    outcome = run("action_coach", tracker(expecting=Expecting(RED_FLAG, "foot_drop")))

    assert outcome.slots["coach"] is None and content.red_flags["foot_drop"].question in outcome.texts[0]


def test_a_session_that_runs_ends_with_a_danger_sign_and_what_was_done_stays(content):
    begun = run("action_coach", tracker())
    ended = run("action_apply_red_flags", tracker(assessment=found("stroke", "emergency"), coach=begun.slots["coach"]))

    assert (ended.slots["coach"], ended.slots["expecting"]) == (None, None)
    assert content.coach["ended_red_flag"] in ended.texts
    with runtime.current().engine.connect() as connection:
        assert coach.newest_session(connection, "somebody").is_over


def test_a_sign_with_which_one_may_exercise_ends_no_session():
    begun = run("action_coach", tracker())
    outcome = run("action_apply_red_flags", tracker(assessment=found("pain_over_1_week", "soon"), coach=begun.slots["coach"]))

    assert "coach" not in outcome.slots


def test_no_to_a_question_of_the_screen_goes_back_to_the_session():
    begun = run("action_coach", tracker())
    answered = Assessment(answered=("foot_drop", "no"))
    outcome = run("action_apply_red_flags", tracker(assessment=answered, expecting=Expecting(RED_FLAG, "foot_drop"), coach=begun.slots["coach"]))

    assert outcome.next_action == "action_coach_again" and outcome.slots["expecting"] is None


@pytest.mark.parametrize("text, pressed, is_agreed", [("yes", None, True), ("1", None, True), ("no", None, False), ("not now", None, False), ("Yes, keep them", "consent:yes", True), ("Not now", "consent:no", False), ("ok whatever", None, None), ("hmm what happens if i say yes", None, None), ("not sure", None, None)])
def test_only_a_plain_yes_is_consent(text, pressed, is_agreed):
    at = tracker(text, expecting=Expecting("consent", "keep"), button=pressed)
    at.latest_message["intent"] = {"name": "consent_answer"}
    outcome = run("action_privacy", at)

    with runtime.current().engine.connect() as connection:
        assert coach.keeping(connection, "somebody").is_agreed is is_agreed
    assert any(reply["keeps"] for reply in outcome.replies) is bool(is_agreed)


@pytest.mark.parametrize("text, erases", [("yes, delete all of it", True), ("yes", True), ("no", False), ("what happens if i say yes", False), ("maybe", False)])
def test_only_a_plain_yes_erases(text, erases):
    at = tracker(text, expecting=Expecting("consent", "forget"))
    at.latest_message["intent"] = {"name": "consent_answer"}

    assert any(reply["erases"] for reply in run("action_privacy", at).replies) is erases
