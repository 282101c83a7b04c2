"""Passes a hand-off on to the clinic, where the person asks for that; and says what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.doubt import decline
from actions.turn import END_OF_TURN, Turn, end_of_turn, read_turn, say
from sijbot import clock, runtime
from sijbot.answering import standing_line
from sijbot.records import hand_offs, outbox, repository
from sijbot.records.turns import transaction
from sijbot.replies import Reply
from sijbot.regions import UNKNOWN, worded
from sijbot.routing import COACH, CONSENT, DIARY, NO, RED_FLAG, TELL, TELL_ANSWER, YES, Expecting
from sijbot.telling import CONTACT, OFFER, answer_to, as_pressing, contact_of, contact_reply, line_reply, may_be_told, offer_reply, state_reply
from sijbot.triage import help_line, question_of
from sijbot.triage.assess import ALARM
from sijbot.triage.lock import Lock, highest, standing

ABOUT_THE_SERVICE = "about_the_service"  # what a question about telling somebody is where nobody can be told
ASKED, NEITHER = "asked", "neither"  # beside yes, no and how to be reached: whether the clinic was told; something else
PUT_OFF = (None, "action_ask_about_symptom", "action_acknowledge")  # what an offer stands in place of: nothing, or what asks or says less
COMES_FIRST = (RED_FLAG, CONSENT, COACH, DIARY)  # who waits for an answer and is not put off by an offer


class ActionTellClinic(Action):
    """Takes yes or no to the offer, and how the person can be reached; says to somebody who asks whether the clinic was told."""

    def name(self) -> Text:
        return "action_tell_clinic"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        if parts.settings.hand_off_sink is None:
            decline(dispatcher, replace(turn, understood={**turn.understood, "kind": ABOUT_THE_SERVICE}))
            return [end_of_turn(turn)]
        said = _said(turn)
        if turn.waits_for_safety_answer and said != ASKED:
            return _ask_again(dispatcher, turn)
        with transaction(parts.engine) as connection:
            lock = standing(highest(repository.read_lock(connection, turn.conversation_id), turn.raised_earlier), clock.now())
            if said == ASKED:
                return _tell_state(dispatcher, turn, connection, lock)
            closed = [] if turn.expecting is None or turn.expecting.owner != TELL else [SlotSet("expecting", None)]
            if said == NEITHER:
                say(dispatcher, Reply(parts.content.wording["tell_not_sent"]))
                return [*closed, FollowupAction("action_answer")]
            if not may_be_told(parts.content, lock):  # it was seen about or taken back, or something graver stands
                say(dispatcher, standing_line(parts.content, lock, turn.region) or Reply(parts.content.wording["tell_nothing"]))
                return [*closed, end_of_turn(turn)]
            before = hand_offs.passed_on(connection, turn.conversation_id, as_pressing(lock.level))
            if before and before.flags_include(lock.flags):  # one of the buttons was pressed twice
                hand_offs.note_told(connection, before)
                say(dispatcher, state_reply(parts.content, before, lock, turn.region))
            elif said == YES:
                say(dispatcher, contact_reply(parts.content, lock, turn.region))
                return [SlotSet("expecting", Expecting(TELL, CONTACT).to_slot()), END_OF_TURN]
            elif said == NO:
                hand_offs.note_declined(connection, turn.conversation_id)
                say(dispatcher, line_reply(parts.content, "tell_declined", lock, turn.region))
            else:
                _pass_on(connection, turn, lock)
                say(dispatcher, line_reply(parts.content, "tell_queued", lock, turn.region))
        return [*closed, end_of_turn(turn)]


def offer(dispatcher: CollectingDispatcher, turn: Turn, events: Sequence[Dict[Text, Any]] = (), following: Optional[Text] = None) -> List[Dict[Text, Any]]:
    """Offer to tell the clinic of the sign that this message raised, and return the events: once at a level, and only where nobody else waits for an answer.

    events: of the same turn so far; following: the action that would come next. Where the person was to say how to be reached and told of a sign instead, that is asked once more.
    """
    parts, lock = runtime.current(), turn.raised_earlier
    asked_now = [event["value"] for event in events if event.get("name") == "expecting"]
    is_another_asked = bool(asked_now[-1]) if asked_now else turn.expecting is not None and turn.expecting.owner in COMES_FIRST
    is_due = turn.assessment.outcome == ALARM and following in PUT_OFF and not is_another_asked and not turn.coach
    if parts.settings.hand_off_sink is None or not is_due or not may_be_told(parts.content, lock):
        return []
    with transaction(parts.engine) as connection:
        if (expecting := Expecting(TELL, CONTACT)) == turn.expecting:
            reply = contact_reply(parts.content, lock, turn.region)
        elif hand_offs.was_asked(connection, turn.conversation_id, as_pressing(lock.level)):
            return []
        else:
            expecting, reply = Expecting(TELL, OFFER), offer_reply(parts.content)
            hand_offs.note_asked(connection, turn.conversation_id, _reply_id(lock), lock.level, lock.flags, clock.now())
    say(dispatcher, reply)
    return [SlotSet("expecting", expecting.to_slot())]


def _said(turn: Turn) -> Text:
    """Return what the message says: yes, no, CONTACT, ASKED or NEITHER."""
    kind, _, pressed = (turn.button or "").partition(":")
    if kind == TELL:
        return pressed
    is_asked = turn.understood["intent"] == "ask_told" and turn.understood["outcome"] == "answer"
    if turn.intent != TELL_ANSWER or is_asked or turn.expecting is None or turn.expecting.owner != TELL:
        return ASKED
    return answer_to(turn.expecting.question, turn.text, runtime.current().answer(turn.text), turn.understood) or NEITHER


def _tell_state(dispatcher: CollectingDispatcher, turn: Turn, connection: Any, lock: Optional[Lock]) -> List[Dict[Text, Any]]:
    """Say whether the clinic was told, and behind that what stands; where it was not and may be, offer it."""
    content = runtime.current().content
    before = hand_offs.passed_on(connection, turn.conversation_id, as_pressing("soon"))
    if before:
        hand_offs.note_told(connection, before)
    say(dispatcher, state_reply(content, before, lock, turn.region) if before else Reply(content.wording["tell_not_passed"]))
    if before is None or before.state == outbox.DELIVERED:  # else it was said with it
        say(dispatcher, standing_line(content, lock, turn.region))
    if before or turn.waits_for_safety_answer or turn.coach or not may_be_told(content, lock):
        return [end_of_turn(turn)]
    hand_offs.note_asked(connection, turn.conversation_id, _reply_id(lock), lock.level, lock.flags, clock.now())
    say(dispatcher, offer_reply(content))
    return [SlotSet("expecting", Expecting(TELL, OFFER).to_slot()), END_OF_TURN]


def _pass_on(connection: Any, turn: Turn, lock: Lock) -> None:
    parts, now = runtime.current(), clock.now()
    findings = [parts.content.sign(flag).finding for flag in lock.flags]
    payload = outbox.hand_off_payload(
        outbox.new_id(), turn.conversation_id, lock.level, findings, lock.flags, turn.region or UNKNOWN, now, contact_of(turn.text),
    )  # fmt: skip
    hand_offs.pass_on(connection, parts.settings.hand_off_sink, payload, _reply_id(lock), now)


def _reply_id(lock: Lock) -> Text:
    """Return what a hand-off record is about where no card was shown for it."""
    return f"told:{lock.level}:{'+'.join(sorted(lock.flags))}"


def _ask_again(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Put the open question of the screen once more: a button that was pressed late does not get past it."""
    content, asked = runtime.current().content, turn.expecting
    help = help_line(content, asked.question, asked.level, turn.region)
    say(dispatcher, Reply(worded(content, "ask_again", turn.region, question=question_of(content, asked.question, asked.is_about_change), help=help)))
    return [END_OF_TURN]
