"""Applies the red-flag rules to the conversation, and hands over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.coach import end_for_red_flag
from actions.tell_clinic import offer
from actions.turn import END_OF_TURN, end_of_turn, read_turn, say
from sijbot import clock, runtime
from sijbot.records import repository
from sijbot.records.turns import transaction
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.routing import NO
from sijbot.answering import booking_line_reply, standing_card
from sijbot.exercise_gate import ends_session
from sijbot.triage import hand_off_message
from sijbot.triage.assess import ALARM, ASK, asked_about
from sijbot.triage.lock import after


class ActionApplyRedFlags(Action):
    """Raises the lock, writes the safety log, and keeps the screen's open question."""

    def name(self) -> Text:
        return "action_apply_red_flags"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts, now = read_turn(tracker), runtime.current(), clock.now()
        assessment = turn.assessment
        with transaction(parts.engine) as connection:
            lock = repository.read_lock(connection, turn.conversation_id)
            standing_after = after(lock, assessment, now)
            repository.write_lock(connection, turn.conversation_id, standing_after)
            card = hand_off_message(parts.content, assessment, turn.region)
            shown = card.id if card else None
            repository.log_assessment(connection, turn.conversation_id, assessment, parts.content.version, now, reply_id=shown)
            ends = bool(turn.coach) and assessment.outcome == ALARM and ends_session(parts.content, standing_after)
            if ends:
                end_for_red_flag(connection, turn, now)
        if ends:
            first = next(flag for flag in standing_after.flags if not parts.content.sign(flag).exercise_until_seen)
            is_soon = standing_after.level == "soon"
            say(dispatcher, Reply(worded(parts.content, "standing_soon", turn.region, finding=parts.content.sign(first).finding) if is_soon else parts.content.coach["ended_red_flag"]))
            ended = [SlotSet("coach", None), SlotSet("expecting", None)]
            if not is_soon or turn.understood["outcome"] == "answer":
                return ended
            say(dispatcher, booking_line_reply(parts.content, standing_after.flags, turn.region))
            return [*ended, SlotSet("booked_for", [*turn.booked_for, *standing_after.flags]), *offer(dispatcher, replace(turn, coach=None, expecting=None)), END_OF_TURN]  # nothing else was asked
        if assessment.outcome == ASK:
            return [SlotSet("expecting", asked_about(assessment).to_slot())]
        if assessment.answered:
            if assessment.answered[1] == NO:
                say(dispatcher, Reply(worded(parts.content, "answered_no", turn.region)))
            return [SlotSet("expecting", None), *([end_of_turn(replace(turn, expecting=None))] if turn.coach else [])]
        return []


class ActionHandOff(Action):
    """Shows the care card and writes down that it was shown. The channel drops the card where it has sent it already."""

    def name(self) -> Text:
        return "action_hand_off"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        card = hand_off_message(parts.content, turn.assessment, turn.region)
        before = turn.stood_before
        if before is not None and before.level == "emergency" and not (card.level == "emergency" and turn.assessment.outcome == ALARM):
            say(dispatcher, standing_card(parts.content, before, turn.region))  # a lesser sign, or a question, never takes its place
        say(dispatcher, card)
        with transaction(parts.engine) as connection:
            repository.log_hand_off(connection, turn.conversation_id, card.id, card.level, turn.assessment.flags, clock.now())
        return []
