"""What a story leads to after an answer: more of it, or the reason why it feels otherwise."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import end_of_turn, read_turn, say_all
from sijbot import runtime
from sijbot.answering import more_replies, push_back_replies


class ActionMore(Action):
    """Says the long form of the answer just given."""

    def name(self) -> Text:
        return "action_more"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        asked_for = turn.button.removeprefix("more:") if turn.button else turn.topic
        topic = None if asked_for == turn.told_more else asked_for
        say_all(dispatcher, more_replies(runtime.current().content, topic, turn.situations))
        return [SlotSet("told_more", asked_for), SlotSet("topic", asked_for), end_of_turn(turn)]


class ActionExplainFeeling(Action):
    """Explains to somebody who disagrees why it feels the way it does."""

    def name(self) -> Text:
        return "action_explain_feeling"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say_all(dispatcher, push_back_replies(runtime.current().content, turn.topic))
        return [end_of_turn(turn)]
