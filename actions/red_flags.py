"""Applies the red-flag rules to the conversation, and hands over."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import read_turn, say
from sijbot import clock, runtime
from sijbot.records import repository
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.routing import NO
from sijbot.triage import hand_off_message
from sijbot.triage.assess import ASK, asked_about
from sijbot.triage.lock import after


class ActionApplyRedFlags(Action):
    """Raises the lock, writes the safety log, and keeps the screen's open question."""

    def name(self) -> Text:
        return "action_apply_red_flags"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts, now = read_turn(tracker), runtime.current(), clock.now()
        assessment = turn.assessment
        with parts.engine.begin() as connection:
            lock = repository.read_lock(connection, turn.conversation_id)
            repository.write_lock(connection, turn.conversation_id, after(lock, assessment, now))
            card = hand_off_message(parts.content, assessment, turn.region)
            shown = card.id if card else None
            repository.log_assessment(connection, turn.conversation_id, assessment, parts.content.version, now, reply_id=shown)
        if assessment.outcome == ASK:
            return [SlotSet("expecting", asked_about(assessment).to_slot())]
        if assessment.answered:
            if assessment.answered[1] == NO:
                say(dispatcher, Reply(worded(parts.content, "answered_no", turn.region)))
            return [SlotSet("expecting", None)]
        return []


class ActionHandOff(Action):
    """Shows the care card and writes down that it was shown. The channel drops the card where it has sent it already."""

    def name(self) -> Text:
        return "action_hand_off"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        card = hand_off_message(parts.content, turn.assessment, turn.region)
        say(dispatcher, card)
        with parts.engine.begin() as connection:
            repository.log_hand_off(connection, turn.conversation_id, card.id, card.level, turn.assessment.flags, clock.now())
        return []
