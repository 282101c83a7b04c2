"""Passing a hand-off on to a clinic, on one turn: what is asked, what is written down, and that nothing is said that is not so. Expected words come from `content/`."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from helper import found, run, tracker, understood, user_event

from sijbot import clock
from sijbot.records import hand_offs, outbox, repository
from sijbot.records.schema import HAND_OFF, OUTBOX, make_engine, migrate
from sijbot.routing import COACH, CONSENT, DID_YOU_MEAN, RED_FLAG, TELL, TELL_ANSWER, Expecting
from sijbot.settings import WEBHOOK, Settings
from sijbot.telling import CONTACT, OFFER
from sijbot.triage.lock import Lock

FOOT_DROP, LASTING = found("foot_drop", "urgent"), found("pain_over_1_week", "soon")
EARLIER = [user_event("before", FOOT_DROP)]
OFFERED, ASKED_CONTACT = Expecting(TELL, OFFER), Expecting(TELL, CONTACT)
SAM = "Sam, 07700 900123"
SITTING = understood("sitting", intent="daily_life")


@pytest.fixture(autouse=True)
def parts(parts):
    """The parts of a process that has a clinic to tell."""
    parts.settings = Settings(database_url="sqlite://", hand_off_webhook="https://clinic.example/hand-offs")
    return parts


@pytest.fixture
def words(words, content):
    """Return a text of wording.yml with what somebody in the United Kingdom does about an urgent sign."""
    return lambda key, **places: words(key, **{"help": content.regions["uk"].urgent_line, **places})


def rows_of(parts, table) -> list[dict]:
    with parts.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def raise_lock(parts, level: str = "urgent", *flags: str) -> None:
    with parts.engine.begin() as connection:
        repository.write_lock(connection, "somebody", Lock(level, flags or ("foot_drop",), clock.now()))


def answering(text: str, expecting: Expecting = OFFERED, **more):
    """Return the tracker of an answer to what was asked behind a card."""
    return tracker(text, expecting=expecting, intent=TELL_ANSWER, **{"earlier": EARLIER, **more})


def pressing(answer: str, **more):
    return tracker("a title", button=f"tell:{answer}", intent=TELL_ANSWER, **{"earlier": EARLIER, **more})


# The offer


@pytest.mark.parametrize("assessment", [FOOT_DROP, LASTING], ids=["urgent", "soon"])
def test_it_is_offered_behind_everything_else_once_at_a_level(parts, content, assessment):
    first, second = (run("action_answer", tracker(assessment=assessment, understanding=SITTING)) for _ in range(2))

    assert first.replies[-1]["text"] == content.wording["tell_offer"] and len(first.replies) > 1
    assert first.slots["expecting"] == OFFERED.to_slot()
    assert content.wording["tell_offer"] not in second.texts and "expecting" not in second.slots
    assert [(row["level"], row["consent"], row["state"], row["outbox_id"]) for row in rows_of(parts, HAND_OFF)] == [(assessment.level, None, "offered", None)]


def test_without_a_clinic_to_tell_nothing_is_other_than_before(parts):
    offered = run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING))
    parts.engine = make_engine("sqlite://")
    migrate(parts.engine)
    parts.settings = Settings(database_url="sqlite://")

    plain = run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING))

    assert plain.texts == offered.texts[:-1] and "expecting" not in plain.slots and rows_of(parts, HAND_OFF) == []


def test_a_soon_sign_is_offered_nothing_where_no_line_about_it_was_said(content):
    said = run("action_answer", tracker(assessment=LASTING, understanding=SITTING, booked_for=["pain_over_1_week"]))

    assert content.wording["tell_offer"] not in said.texts


@pytest.mark.parametrize("stands, flag", [("emergency", "stroke"), ("urgent", "suicidal_ideation"), ("urgent", "domestic_abuse")])
def test_beside_an_emergency_or_a_crisis_nothing_is_offered(content, stands, flag):
    said = run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING, earlier=[user_event("before", found(flag, stands))]))

    assert content.wording["tell_offer"] not in said.texts


@pytest.mark.parametrize("expecting", [Expecting(RED_FLAG, "ces_saddle_numbness"), Expecting(CONSENT, "keep"), Expecting(COACH, "screen:")])
def test_while_another_question_is_open_nothing_is_offered(content, expecting):
    said = run("action_answer", tracker(assessment=FOOT_DROP, expecting=expecting))

    assert content.wording["tell_offer"] not in said.texts and said.slots.get("expecting", {}) != OFFERED.to_slot()


def test_a_question_that_was_passed_over_holds_no_offer_up(content):
    said = run("action_answer", tracker(assessment=FOOT_DROP, expecting=Expecting(DID_YOU_MEAN, "sitting")))

    assert said.texts[-1] == content.wording["tell_offer"]


def test_a_question_that_this_turn_asks_back_comes_before_an_offer(content):
    said = run("action_answer", tracker(assessment=LASTING, understanding=understood(None, "clarify", "nlu_fallback", ["sitting", "sleeping"])))

    assert said.slots["expecting"]["owner"] == DID_YOU_MEAN and content.wording["tell_offer"] not in said.texts


def test_the_offer_stands_in_place_of_where_it_hurts(content):
    said = run("action_answer", tracker(assessment=FOOT_DROP, understanding=understood(None, intent="report_symptom")))

    assert said.texts[-1] == content.wording["tell_offer"] and said.next_action == "action_listen"


def test_a_session_that_a_soon_sign_ends_is_followed_by_the_offer(content):
    flag = next(key for key, record in content.red_flags.items() if record.level == "soon" and not record.exercise_until_seen)

    said = run("action_apply_red_flags", tracker(assessment=found(flag, "soon"), coach={"id": "a session", "version": 1}, expecting=Expecting(COACH, "exercise:")))

    assert said.texts[-1] == content.wording["tell_offer"] and said.slots["expecting"] == OFFERED.to_slot() and said.slots["coach"] is None


@pytest.mark.parametrize("intent, action", [("seen_by_clinician", "action_seen"), ("forget_me", "action_privacy"), ("exercise_hurts", "action_stop_exercise")])
def test_what_must_be_done_or_said_is_not_put_off_by_an_offer(content, intent, action):
    said = run("action_answer", tracker(assessment=FOOT_DROP, understanding=understood(None, intent=intent)))

    assert said.next_action == action and content.wording["tell_offer"] not in said.texts


def test_an_urgent_sign_is_offered_after_a_soon_one_and_not_the_other_way_round(content):
    soon_then = run("action_answer", tracker(assessment=LASTING, understanding=SITTING)).texts[-1], run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING)).texts[-1]
    again = run("action_answer", tracker(assessment=found("severe_pain", "soon"), understanding=SITTING, earlier=[]))

    assert set(soon_then) == {content.wording["tell_offer"]} and content.wording["tell_offer"] not in again.texts


# Its answers


@pytest.mark.parametrize("at", [answering("yes"), pressing("yes"), pressing("yes", expecting=ASKED_CONTACT)], ids=["typed", "pressed", "pressed twice"])
def test_yes_asks_how_to_be_reached_and_queues_nothing(parts, content, at):
    said = run("action_tell_clinic", at)

    assert said.slots == {"expecting": ASKED_CONTACT.to_slot()} and said.next_action == "action_listen"
    assert content.red_flags["foot_drop"].finding in said.texts[0] and rows_of(parts, OUTBOX) == []


def test_a_number_queues_the_record_and_says_that_it_waits(parts, words, content):
    said = run("action_tell_clinic", answering(SAM, ASKED_CONTACT))

    (row,), (record,) = rows_of(parts, OUTBOX), rows_of(parts, HAND_OFF)
    assert said.texts == [words("tell_queued")] and said.slots == {"expecting": None}
    assert (row["sink"], row["state"], row["kind"], row["id"]) == (WEBHOOK, "queued", "hand_off", record["outbox_id"])
    assert (record["consent"], record["state"], record["told_state"], record["level"], record["flags"]) == (True, "queued", "queued", "urgent", ["foot_drop"])
    told = row["payload"]
    assert {key: told[key] for key in ("level", "findings", "flags", "region", "contact", "conversation")} == {
        "level": "urgent", "findings": [content.red_flags["foot_drop"].finding], "flags": ["foot_drop"], "region": "uk", "contact": SAM, "conversation": "somebody",
    }  # fmt: skip


def test_nothing_but_the_last_message_is_sent(parts):
    run("action_tell_clinic", answering(SAM, ASKED_CONTACT, earlier=[user_event("my foot drops, says Quokkabracket", FOOT_DROP)]))

    assert "Quokkabracket" not in str(rows_of(parts, OUTBOX))


@pytest.mark.parametrize("expecting", [OFFERED, ASKED_CONTACT])
def test_no_sends_nothing_and_says_whom_to_call(parts, words, expecting):
    run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING))

    said = run("action_tell_clinic", answering("no", expecting))

    assert said.texts == [words("tell_declined")] and said.slots == {"expecting": None}
    assert rows_of(parts, OUTBOX) == [] and [row["consent"] for row in rows_of(parts, HAND_OFF)] == [False]


def test_what_is_neither_is_answered_as_any_other_message(parts, content):
    said = run("action_tell_clinic", answering("how should I sit", ASKED_CONTACT, understanding=SITTING))

    assert (said.texts, said.slots, said.next_action) == ([content.wording["tell_not_sent"]], {"expecting": None}, "action_answer")
    assert rows_of(parts, OUTBOX) == []


def test_a_second_press_makes_no_second_record_and_says_the_state(parts, words):
    run("action_tell_clinic", answering(SAM, ASKED_CONTACT))

    for at in (pressing("yes"), pressing("no"), answering(SAM, ASKED_CONTACT)):
        assert run("action_tell_clinic", at).texts == [words("tell_queued")]
    assert len(rows_of(parts, OUTBOX)) == len(rows_of(parts, HAND_OFF)) == 1


def test_a_sign_that_the_clinic_does_not_know_of_may_be_passed_on_too(parts, content):
    run("action_tell_clinic", answering(SAM, ASKED_CONTACT))
    raise_lock(parts, "urgent", "foot_drop", "spinal_infection_fever")

    said = run("action_tell_clinic", pressing("yes", earlier=[user_event("before", FOOT_DROP), user_event("then", found("spinal_infection_fever", "urgent"))]))

    assert content.red_flags["spinal_infection_fever"].finding in said.texts[0] and said.slots["expecting"] == ASKED_CONTACT.to_slot()


@pytest.mark.parametrize("answered", [lambda **more: pressing("yes", **more), lambda **more: answering("no", **more), lambda **more: answering(SAM, ASKED_CONTACT, **more)])
@pytest.mark.parametrize("kept_in", ["records", "history"])
def test_after_an_emergency_only_the_emergency_line_is_said(parts, content, answered, kept_in):
    if kept_in == "records":
        raise_lock(parts, "emergency", "stroke")
    earlier = [*EARLIER, user_event("then", found("stroke", "emergency"))] if kept_in == "history" else EARLIER

    said = run("action_tell_clinic", answered(earlier=earlier))

    assert content.regions["uk"].emergency_line in said.texts[0] and len(said.texts) == 1
    assert said.slots.get("expecting") is None and rows_of(parts, OUTBOX) == []


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_what_does_not_stand_any_more_is_not_passed_on(parts, content, answer):
    said = run("action_tell_clinic", pressing(answer, earlier=()))

    assert said.texts == [content.wording["tell_nothing"]] and rows_of(parts, OUTBOX) == []


def test_a_button_pressed_late_does_not_get_past_a_question_of_the_screen(content, words):
    asked = Expecting(RED_FLAG, "ces_saddle_numbness")

    said = run("action_tell_clinic", pressing("yes", expecting=asked))

    assert said.texts == [words("ask_again", question=content.red_flags["ces_saddle_numbness"].question, help=content.regions["uk"].emergency_line)]
    assert said.slots == {}


def test_a_sign_in_place_of_a_number_asks_for_the_number_again_behind_the_card(parts, content):
    run("action_answer", tracker(assessment=FOOT_DROP, understanding=SITTING))

    said = run("action_answer", tracker(SAM, assessment=found("spinal_infection_fever", "urgent"), expecting=ASKED_CONTACT, earlier=EARLIER))

    assert content.red_flags["spinal_infection_fever"].finding in said.texts[-1] and said.slots["expecting"] == ASKED_CONTACT.to_slot()
    assert rows_of(parts, OUTBOX) == []


@pytest.mark.parametrize("at", [pressing("yes"), tracker("did you tell them", understanding=understood(None, intent="ask_told"))])
def test_without_a_clinic_to_tell_it_says_that_nobody_reads_this(parts, content, at):
    parts.settings = Settings(database_url="sqlite://")

    assert run("action_tell_clinic", at).texts == [content.wording["declined_about_the_service"]]


# What became of it


def asking(**more):
    return tracker("did you tell the clinic", understanding=understood(None, intent="ask_told"), intent="ask_told", **more)


def test_who_asks_and_had_nothing_passed_on_is_told_so(content):
    said = run("action_tell_clinic", asking())

    assert said.texts == [content.wording["tell_not_passed"]] and said.slots == {}


def test_who_asks_while_a_sign_stands_is_offered_it(parts, content, words):
    said = run("action_tell_clinic", asking(earlier=EARLIER))

    finding = content.red_flags["foot_drop"].finding
    assert said.texts == [content.wording["tell_not_passed"], words("standing_urgent_line", finding=finding), content.wording["tell_offer"]]
    assert said.slots == {"expecting": OFFERED.to_slot()} and rows_of(parts, OUTBOX) == []


@pytest.mark.parametrize("settle, key", [(None, "tell_queued"), (lambda c, r: outbox.settle_failed(c, r, clock.now(), "410"), "tell_failed"), (lambda c, r: outbox.settle_delivered(c, r, clock.now()), "tell_delivered")])
def test_who_asks_is_told_the_true_state_and_not_once_more_by_itself(parts, words, settle, key):
    run("action_tell_clinic", answering(SAM, ASKED_CONTACT))
    if settle:
        with parts.engine.begin() as connection:
            for row in outbox.claim(connection, WEBHOOK, clock.now(), 1, timedelta(seconds=30)):
                settle(connection, row)

    said = run("action_tell_clinic", asking(earlier=EARLIER))

    assert said.texts[0].startswith(words(key, at="at")[:40]) and said.slots == {}
    with parts.engine.begin() as connection:
        assert hand_offs.take_news(connection, "somebody") == []


def test_who_asks_what_is_known_of_them_hears_what_was_passed_on(content):
    kept = tracker(understanding=understood(None, intent="what_is_kept"))
    before = run("action_privacy", kept).texts[0]
    run("action_tell_clinic", answering(SAM, ASKED_CONTACT))

    line = content.coach["known_passed_on"].format(findings=content.red_flags["foot_drop"].finding)
    assert line not in before and line in run("action_privacy", kept).texts[0]
