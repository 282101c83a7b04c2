"""Reactions to what was said: a nod, a doubt after a hand-off, none of the suggestions."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import END_OF_TURN, read_turn, say
from sijbot import runtime
from sijbot.answering import stand_by_reply, talk_reply


class ActionAcknowledge(Action):
    """Takes note of a "yes", "no" or fact that nobody waits for; while a sign stands, says again what to do about it."""

    def name(self) -> Text:
        return "action_acknowledge"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, stand_by_reply(runtime.current().content, turn.raised_earlier, turn.region, "acknowledged"))
        return [END_OF_TURN]


class ActionStandByHandOff(Action):
    """Says again what to do, to somebody who doubts or asks after a hand-off."""

    def name(self) -> Text:
        return "action_stand_by_hand_off"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, stand_by_reply(runtime.current().content, turn.raised_earlier, turn.region, "rephrase"))
        return [END_OF_TURN]


class ActionAskRephrase(Action):
    """Asks for other words after "none of these"."""

    def name(self) -> Text:
        return "action_ask_rephrase"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, talk_reply(runtime.current().content, "rephrase", turn.region))
        return [END_OF_TURN] if turn.waits_for_safety_answer else [SlotSet("expecting", None), END_OF_TURN]
