"""Reactions to what was said: a nod, a doubt after a hand-off, none of the suggestions."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import ASKED_ABOUT_SYMPTOM, Turn, end_of_turn, read_turn, say, say_all
from sijbot import runtime
from sijbot.answering import answer_replies, information_reply, noted_reply, stand_by_reply, standing_line, talk_reply
from sijbot.triage.assess import INFORM

HELP_SUBJECT = "help"
NODS = ("affirm", "inform", "thank", "goodbye")


class ActionAcknowledge(Action):
    """Takes note of a "yes", "no" or fact that nobody waits for; while a sign stands, says again what to do about it."""

    def name(self) -> Text:
        return "action_acknowledge"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        content = runtime.current().content
        if turn.details != turn.details_before and turn.raised_earlier is None:
            say(dispatcher, noted_reply(content, turn.details))
        else:
            say(dispatcher, stand_by_reply(content, turn.raised_earlier, turn.region, "acknowledged", _kind(turn)))
        return [SlotSet("left_open", None), end_of_turn(turn)] if turn.left_open == (ASKED_ABOUT_SYMPTOM,) else [end_of_turn(turn)]


class ActionStandByHandOff(Action):
    """Says again what to do, to somebody who doubts or asks after a hand-off."""

    def name(self) -> Text:
        return "action_stand_by_hand_off"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, stand_by_reply(runtime.current().content, turn.raised_earlier, turn.region, "rephrase", _kind(turn)))
        return [end_of_turn(turn)]


def _kind(turn: Turn) -> Text:
    """Return which wording fits: "ok" is no doubt."""
    return "nod" if turn.understood["intent"] in NODS else "stand_by"


class ActionStillStanding(Action):
    """While an emergency stands: one line with what to do first, and an answer only where it is about getting help."""

    def name(self) -> Text:
        return "action_still_standing"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        say(dispatcher, standing_line(content, turn.raised_earlier, turn.region))
        asked_about = turn.understood["id"]
        if turn.assessment.outcome == INFORM:
            say(dispatcher, information_reply(content, turn.assessment.flags[0], turn.region))
        elif turn.understood["outcome"] == "answer" and asked_about and content.subject_of.get(asked_about) == HELP_SUBJECT:
            say_all(dispatcher, answer_replies(content, asked_about, turn.situations))
        return []


class ActionAskRephrase(Action):
    """Asks for other words after "none of these"."""

    def name(self) -> Text:
        return "action_ask_rephrase"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, talk_reply(runtime.current().content, "rephrase", turn.region))
        return [end_of_turn(turn)] if turn.waits_for_safety_answer else [SlotSet("expecting", None), end_of_turn(turn)]
