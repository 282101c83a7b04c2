"""What answers the offer to pass a hand-off on to a clinic, to whom it is made, and what is said of it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from sijbot.coaching.reading import AnswerReader
from sijbot.records.hand_offs import PassedOn
from sijbot.routing import NO, YES
from sijbot.telling import CONTACT, CONTACT_CHARACTERS, OFFER, answer_to, as_pressing, contact_of, contact_reply, is_contact, may_be_told, offer_reply, state_reply
from sijbot.triage.lock import Lock

NOON = datetime(2026, 11, 30, 12, 4, tzinfo=timezone.utc)
UNCLEAR = {"intent": "nlu_fallback", "outcome": "clarify"}
A_QUESTION = {"intent": "daily_life", "outcome": "answer"}


@pytest.fixture(scope="module")
def read(content):
    return AnswerReader(content)


def lock(level: str, *flags: str) -> Lock:
    return Lock(level, flags, NOON)


@pytest.mark.parametrize("text", ["Sam, 07700 900123", "12345", "phone 1 2 3 4 5", "sam@example.org", "٠٧٧٠٠ please", "room 12, ext 345"])
def test_a_number_of_five_digits_or_an_address_is_a_contact(text):
    assert is_contact(text)


@pytest.mark.parametrize("text", ["", "Sam", "at 10:30", "1234", "meet @ noon", "@", "sam @example"])
def test_less_is_no_contact(text):
    assert not is_contact(text)


@pytest.mark.parametrize(
    "question, text, understood, said",
    [
        (OFFER, "yes", UNCLEAR, YES), (OFFER, "yes please pass it on to them for me", UNCLEAR, YES), (OFFER, "go ahead", {"intent": "affirm", "outcome": "answer"}, YES),
        (OFFER, "no", UNCLEAR, NO), (OFFER, "stop", UNCLEAR, NO), (OFFER, "not now", UNCLEAR, NO), (OFFER, "no thanks", UNCLEAR, NO),
        (OFFER, "yes and how should I sleep with this at night", A_QUESTION, None), (OFFER, "how should I sleep", A_QUESTION, None), (OFFER, "it hurts", UNCLEAR, None),
        (OFFER, "07700 900123", UNCLEAR, None), (OFFER, "not sure", UNCLEAR, None),
        (CONTACT, "Sam 07700 900123", UNCLEAR, CONTACT), (CONTACT, "can they call 07700 900123 after six?", A_QUESTION, CONTACT), (CONTACT, "Noah Noakes, noah@example.org", UNCLEAR, CONTACT),
        (CONTACT, "no", UNCLEAR, NO), (CONTACT, "Stop!", UNCLEAR, NO), (CONTACT, "no, do not call 07700 900123", UNCLEAR, NO), (CONTACT, "yes", UNCLEAR, YES),
        (CONTACT, "my name is Sam", UNCLEAR, None), (CONTACT, "how should I sleep", A_QUESTION, None),
    ],
)  # fmt: skip
def test_what_a_message_answers(read, question, text, understood, said):
    assert answer_to(question, text, read(text), understood) == said


def test_a_contact_is_told_as_typed_and_not_without_end():
    assert contact_of("  Sam\n07700 900123 ") == "Sam\n07700 900123"
    assert len(contact_of("0" * 5000)) == CONTACT_CHARACTERS


@pytest.mark.parametrize("level, flags, may", [("urgent", ["foot_drop"], True), ("soon", ["pain_over_1_week"], True), ("emergency", ["stroke"], False)])
def test_a_clinic_is_told_of_what_is_for_today_or_soon_alone(content, level, flags, may):
    assert may_be_told(content, lock(level, *flags)) == may
    assert not may_be_told(content, None)


@pytest.mark.parametrize("kind", ["crisis", "abuse"])
def test_a_clinic_is_told_of_nothing_that_has_a_line_of_its_own(content, kind):
    own = next(flag for flag, record in content.red_flags.items() if record.hand_off == kind)

    assert not may_be_told(content, lock("urgent", "foot_drop", own))


def test_levels_are_asked_about_from_their_own_up():
    assert as_pressing("urgent") == ("emergency", "urgent") and "urgent" in as_pressing("soon")


def test_the_offer_has_two_buttons_and_claims_nothing(content):
    offer = offer_reply(content)

    assert [button.payload for button in offer.buttons] == ["tell:yes", "tell:no"] and offer.kind == "choices"


def test_all_that_would_be_sent_is_said_before(content):
    text = contact_reply(content, lock("urgent", "foot_drop", "severe_pain"), "uk").text

    assert all(content.red_flags[flag].finding in text for flag in ("foot_drop", "severe_pain"))
    assert content.mail["level_urgent"] in text and content.regions["uk"].title in text and content.regions["uk"].urgent_line in text


@pytest.mark.parametrize("key", ["tell_offer", "tell_contact", "tell_queued", "tell_declined", "tell_not_sent", "tell_not_passed", "tell_nothing", "tell_failed"])
def test_only_a_delivery_says_that_something_was_delivered(content, key):
    assert "was delivered to" not in content.wording[key]


@pytest.mark.parametrize("level, flag, says", [("urgent", "foot_drop", "urgent_line"), ("emergency", "stroke", "emergency_line")])
@pytest.mark.parametrize("state", ["failed", "queued"])
def test_what_is_not_delivered_names_whom_to_call_at_the_level_that_stands(content, level, flag, says, state):
    told = PassedOn("a1", "urgent", ("foot_drop",), state, NOON)

    text = state_reply(content, told, lock(level, flag), "uk").text

    assert getattr(content.regions["uk"], says) in text and "was delivered" not in text


def test_a_lesser_sign_that_stands_lowers_nothing(content):
    told = PassedOn("a1", "urgent", ("foot_drop",), "failed", NOON)

    assert content.regions["uk"].urgent_line in state_reply(content, told, lock("soon", "severe_pain"), "uk").text
    assert content.regions["uk"].urgent_line in state_reply(content, told, None, "uk").text


def test_a_soon_sign_that_could_not_be_told_is_to_be_booked(content):
    text = state_reply(content, PassedOn("a1", "soon", ("severe_pain",), "failed", NOON), None, "uk").text

    assert content.wording["tell_book"].format(doctor=content.regions["uk"].doctor) in text and content.regions["uk"].urgent_line not in text


@pytest.mark.parametrize("settled_at, says", [(NOON, "at 12:04 (UTC) on 30 November"), (None, "more than a day ago")])
def test_a_delivery_says_when_and_that_nobody_need_have_read_it(content, settled_at, says):
    text = state_reply(content, PassedOn("a1", "urgent", ("foot_drop",), "delivered", settled_at), None, "uk").text

    assert says in text and "does not mean that somebody has read it" in text
